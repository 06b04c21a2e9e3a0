#!/usr/bin/env bash
# Adds JupyterLab to the environment of the tools.
set -euo pipefail
export UV_COMPILE_BYTECODE=1 # as in packages.sh
cd "$(dirname "$0")/.."
.venv/bin/uv pip install --quiet --python .venv 'jupyterlab>=4.4'
