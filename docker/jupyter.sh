#!/usr/bin/env bash
# Becomes JupyterLab, but not without a token: whoever opens a notebook can run anything.
set -euo pipefail
if [[ -z ${JUPYTER_TOKEN:-} ]]; then
    echo "jupyter: JUPYTER_TOKEN is not set; put one into .env, made by: openssl rand -hex 24" >&2
    exit 2
fi
exec jupyter lab "$@"
