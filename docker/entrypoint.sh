#!/usr/bin/env bash
# Becomes the command that it is given, so that signals reach it and its exit code is that of the container.
set -euo pipefail
export PATH=/opt/ml-skeleton/.venv/bin:$PATH
exec "$@"
