#!/usr/bin/env bash
# Installs the pinned packages into /opt/ml-skeleton/.venv. Where Python has a torch already, that one is kept and
# used: its own packages, torch and the CUDA libraries, are left out, the others installed without their dependencies,
# which are pinned as well.
set -euo pipefail
export UV_COMPILE_BYTECODE=1 # who starts the tools cannot write here, and Python would compile anew at every start
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
venv=${VENV:-$PWD/.venv}

torch_of() {
    "$1" -c 'import importlib.metadata as m; print(m.version("torch"))' 2>/dev/null || true
}

given=$(torch_of "$python")
"$python" -m venv ${given:+--system-site-packages} "$venv"
"$venv/bin/python" -m pip install --quiet uv rust-just
if [[ -z $given ]]; then
    "$venv/bin/uv" pip install --quiet --python "$venv" -r requirements.txt
    exit
fi
docker/beside_torch.sh <requirements.txt >"$venv/others.txt"
"$venv/bin/uv" pip install --quiet --python "$venv" --no-deps -r "$venv/others.txt"
if ! "$venv/bin/python" -c 'import torchaudio' 2>/dev/null; then
    "$venv/bin/uv" pip install --quiet --python "$venv" --no-deps "torchaudio==${given%%+*}"
fi
found=$(torch_of "$venv/bin/python")
[[ $found == "$given" ]] || { echo "packages.sh: torch $given of the base image became $found" >&2; exit 1; }
