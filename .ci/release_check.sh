#!/usr/bin/env bash
# Builds every wheel, installs each alone and all together in fresh environments, and runs them with no repository in sight.
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
constraints=$repository/requirements.txt
ours='from importlib.metadata import entry_points as e; print(*(s.name for s in e(group="console_scripts") if s.value.startswith("ml_skeleton")))'

install() { # an environment of that name with these wheels, and the --help of each of its commands
    local name=$1 command
    uv venv --quiet --python "$repository/.venv/bin/python" "$name"
    UV_FIND_LINKS=wheels uv pip install --quiet --python "$name" --constraints "$constraints" "${@:2}"
    for command in $("$name/bin/python" -I -c "$ours"); do
        "$name/bin/$command" --help >/dev/null || { echo "release-check: $name: $command --help fails" >&2; exit 1; }
    done
    echo "release-check: $name: $("$name/bin/python" -I -c "$ours")" >&2
}

for package in "$repository/shared" "$repository"/tools/*/; do
    uv build --quiet --wheel --out-dir wheels "$package"
done
for wheel in wheels/*.whl; do
    install "alone-$(basename "${wheel%%-[0-9]*}")" "$wheel"
    rm -rf alone-* # the next one has to do without it
done
install together wheels/*.whl

export PATH=$work/together/bin:$PATH
clem-demo --out demo --songs 24 --quiet >/dev/null
clem-extract --db demo/clementine.db --seconds 5 --quiet |
    train-encoder --encoder simple --encoder-args '{"width": 4}' --epochs 1 --window 1 --test-fraction 0.4 --quiet |
    embed --quiet | train-classifier --quiet | recommend --quiet
test -s artifacts/recommendations/best.xspf
echo "release-check: $(find wheels -name "*.whl" | wc -l) wheels work, each alone and all together" >&2
