#!/usr/bin/env bash
# Installs the tools over the pinned packages, and marks the environment as made, so that `just` does not make it again.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-$PWD/.venv}
mapfile -t editable < <(printf -- '--editable\n%s\n' shared tools/*)
"$venv/bin/uv" pip install --quiet --no-deps --python "$venv" "${editable[@]}"
"$venv/bin/python" -m compileall -q shared tools # as in packages.sh; uv leaves out what is editable
touch "$venv/.tools"
"$venv/bin/ml_skeleton" version >/dev/null
