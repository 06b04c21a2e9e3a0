# Recipes to run the tools on a library; each step is one command line that can be typed by hand.
# `just db=~/.config/Clementine/clementine.db music-pipeline` runs all of it on yours.

set shell := ["bash", "-o", "pipefail", "-ceu"]
set dotenv-load := false

python := "python3"
venv := justfile_directory() / ".venv"
venv_folder := quote(venv)
export PATH := venv / "bin" + ":" + env("PATH")

db := "~/.config/Clementine/clementine.db"
out := "."
config := "configs/music_recommendation.yaml"
recipes := "configs/playlists.yaml"
device := "auto"
epochs := "10"
top := "100"
limits := "" # what a version must keep before playlists are made of it, such as "--min spearman=0.2 --max unreachable=0.3"
demo := "demo"
extras := "--extra models --extra handcrafted --extra pretrained --extra duckdb --extra tracking --extra tuning --extra ray --extra postgresql --extra mysql --extra speech --extra plot --extra html"

# quoted for the shell; the shell itself would not expand a ~ behind an =
database := quote(replace_regex(db, "^~", home_directory()))
crops := quote(out / "crops")
encoder := quote(out / "checkpoints/encoder.pt")
store := quote(out / "artifacts/embeddings.db")
classifier := quote(out / "checkpoints/classifier.pt")
evaluation := quote(out / "evaluation")
shipped := quote(out / "evaluation/shipped.json")
shipped_encoder := quote(out / "checkpoints/shipped.pt")
control := quote(out / "checkpoints/control.pt")
recommendations := quote(out / "artifacts/recommendations")
configuration := quote(config)
all_recipes := quote(recipes)
encoder_study := quote(out / "runs/encoder")
classifier_study := quote(out / "runs/classifier")
tuned := quote(out / "tuned.yaml")
tuned_or_config := if path_exists(out / "tuned.yaml") == "true" { tuned } else { configuration }
same := "db=" + database + " out=" + quote(out) + " device=" + device + " epochs=" + epochs + " top=" + top + " limits=" + quote(limits)

# list the recipes
default:
    @just --list --unsorted

# make or refresh .venv: the pinned packages and every tool, editable
[group('house')]
setup:
    @test -x {{venv_folder}}/bin/python || {{python}} -m venv {{venv_folder}}
    @command -v uv >/dev/null || {{venv_folder}}/bin/python -m pip install --quiet uv
    @just _install requirements.txt tools

# install what `test` and `lint` need beside the tools
[private]
setup-dev: setup
    @just _install requirements-dev.txt dev

# nothing to do while the stamp is newer than what it was made from; the tools come last, as ray brings a `tune` of its own
[private]
_install requirements stamp:
    @test -f {{venv_folder}}/.{{stamp}} && test -z "$(find {{requirements}} shared/pyproject.toml tools/*/pyproject.toml -newer {{venv_folder}}/.{{stamp}})" \
        || (uv pip install --quiet --python {{venv_folder}} -r {{requirements}} \
            {{ if stamp == "tools" { "&& uv pip install --quiet --python " + venv_folder + " --reinstall-package ml-skeleton-tune --editable shared $(printf -- '--editable %s ' tools/*)" } else { "" } }} \
            && touch {{venv_folder}}/.{{stamp}})

# no music at hand? a synthesised library, from database to playlists
[group('music')]
demo: setup
    clem-demo --out {{demo}}
    @exec just db={{demo}}/clementine.db out={{demo}} device={{device}} epochs={{epochs}} music-pipeline

# in a recipe, `exec` lets a signal that `just` passes on reach the tool, which finishes what is in flight, and not a shell

# all steps on your library; each resumes or skips by itself. Where the new version does not pass the gate, the one of before makes the playlists, and this fails
[group('music')]
music-pipeline: extract train embed control evaluate mark classify recommend && gate
    @echo
    @ml_skeleton summary --crops {{crops}} --evaluation {{evaluation}}/evaluation.json --recommendations {{recommendations}}

# cut crops of audio out of the songs of the player's library
[group('music')]
extract: setup
    exec clem-extract --db {{database}} --out {{crops}} --config {{configuration}} >/dev/null

# train an encoder on the crops
[group('music')]
train: setup
    exec train-encoder {{crops}} --out {{encoder}} --epochs {{epochs}} --device {{device}} --config {{configuration}} >/dev/null

# turn every song into a vector, also by the encoder in use, as the new one may not pass the gate
[group('music')]
embed: setup
    exec embed {{encoder}} --also {{shipped_encoder}} --crops {{crops}} --store {{store}} --device {{device}} --config {{configuration}} >/dev/null

# learn to predict ratings from the vectors
[group('music')]
classify: setup
    exec train-classifier {{store}} --out {{classifier}} --config {{configuration}} >/dev/null

# measure on songs that no model has learned from
[group('music')]
evaluate: setup
    exec evaluate {{store}} --out {{evaluation}} --config {{configuration}} >/dev/null

# an encoder that has learned nothing, which `evaluate` compares yours with
[group('music')]
control: setup
    exec train-encoder {{crops}} --encoder random --out {{control}} --quiet >/dev/null
    exec embed {{control}} --crops {{crops}} --store {{store}} --device {{device}} --config {{configuration}} >/dev/null

# fail unless the version keeps the limits and ranks no worse than the one in use; one that does comes into use
[group('music')]
gate: setup
    evaluate gate {{evaluation}}/evaluation.json --ship {{shipped}} --mark {{limits}} >/dev/null
    @cp {{encoder}} {{shipped_encoder}}.new && mv {{shipped_encoder}}.new {{shipped_encoder}}

# the same, but only note in the store whether it does; the recipes that follow use what was not refused
[private]
mark: setup
    evaluate gate {{evaluation}}/evaluation.json --ship {{shipped}} --mark --exit-zero --quiet {{limits}} >/dev/null

# write the playlists that the configuration names, or `best`
[group('music')]
recommend: setup
    exec recommend {{classifier}} --store {{store}} --out {{recommendations}} --top {{top}} --config {{configuration}} >/dev/null

# what is new since the last night, as cron runs it: `just nightly --min spearman=0.2`
[group('music')]
nightly *options: setup
    exec clem-nightly --db {{database}} --out {{quote(out)}} --device {{device}} --config {{configuration}} {{options}} >/dev/null

# the playlists and a map of the library as a page for the browser
[group('music')]
map: setup
    @exec recommend {{classifier}} --store {{store}} --out {{recommendations}} --top {{top}} --config {{configuration}} --html >/dev/null

# the same page with its songs on http://127.0.0.1:PORT/, until Ctrl-C
[group('music')]
serve port="8765": setup
    exec recommend serve {{recommendations}} --port {{port}}

# write the whole set of playlists: `just recipes=FILE playlists` for a set of your own
[group('music')]
playlists: setup
    exec recommend {{classifier}} --store {{store}} --out {{recommendations}} --recipes {{all_recipes}} --config {{configuration}} >/dev/null

# find better settings for train-encoder and write them to tuned.yaml: `just tune-encoder 20`
[group('tuning')]
tune-encoder trials="20": setup
    exec tune run -n {{trials}} -m val_score:max --study {{encoder_study}} --space configs/tune_encoder.yaml -- train-encoder {{crops}} --config {{configuration}} --out {dir}/encoder.pt --epochs {{epochs}} --device {{device}} --lr {lr} --weight-decay {weight_decay} --batch-size {batch_size} --window {window} --windows-per-crop {windows_per_crop} --encoder-args {encoder_args} >/dev/null
    tune best {{encoder_study}} --as-config train-encoder --base {{configuration}} --out {{tuned}}

# the same for train-classifier, on the vectors that are there
[group('tuning')]
tune-classifier trials="20": setup
    exec tune run -n {{trials}} -m val_loss:min --study {{classifier_study}} --space configs/tune_classifier.yaml -- train-classifier {{store}} --config {{tuned_or_config}} --out {dir}/classifier.pt --model {model} --hidden {hidden} --dropout {dropout} --lr {lr} --weight-decay {weight_decay} >/dev/null
    tune best {{classifier_study}} --as-config train-classifier --base {{tuned_or_config}} --out {{tuned}}

# music-pipeline with the best settings of so many trials each: tune, train, tune, classify, recommend
[group('tuning')]
music-pipeline-tuned trials="20": extract (tune-encoder trials) && gate
    @exec just {{same}} config={{tuned}} train embed tune-classifier {{trials}}
    @exec just {{same}} config={{tuned}} control evaluate mark classify recommend
    @echo
    @ml_skeleton summary --crops {{crops}} --evaluation {{evaluation}}/evaluation.json --recommendations {{recommendations}}

# charts and trials of both studies as pages for the browser
[group('tuning')]
tune-plots: setup
    tune plot {{encoder_study}}
    tune plot {{classifier_study}}

# tracked runs in the browser, until Ctrl-C
[group('house')]
mlflow-ui port="5000": setup
    exec ml_skeleton mlflow-ui --port {{port}}

# what this machine has and lacks
[group('house')]
doctor: setup
    cd {{quote(out)}} && ml_skeleton verify

# all checks: lint, types, import contracts, tests
[group('house')]
test *args: lint
    pytest -n auto {{args}}

# the tests of the TensorFlow half, with the real one, in .venv-tensorflow
[group('house')]
test-tensorflow: setup
    @test -x {{venv_folder}}-tensorflow/bin/python || {{python}} -m venv {{venv_folder}}-tensorflow
    uv pip install --quiet --python {{venv_folder}}-tensorflow tensorflow-cpu pytest --editable shared
    {{venv_folder}}-tensorflow/bin/python -m pytest tests/framework_tensorflow

# style, types, import contracts, and what the image is built from
[group('house')]
lint: setup-dev check-docker
    ruff check .
    ruff format --check .
    mypy
    lint-imports

# look for keys and passwords in what git would carry away
[group('house')]
check-secrets *files: setup-dev
    @python .ci/check_secrets.py {{files}}

# have git refuse a commit that holds a secret
[group('house')]
hooks: setup-dev
    git config core.hooksPath .githooks

# look for published vulnerabilities in the pinned packages; asks the network, and fails where it has no answer
[group('house')]
audit: setup-dev
    @{ said=$(pip-audit --strict --disable-pip --no-deps --progress-spinner off --requirement requirements.txt 2>&1 >&3); } 3>&1 \
        || { echo "audit: FAILED: $(tail -n 1 <<<"$said" | cut -c 1-200)" >&2; exit 1; }
    @echo "audit: no published vulnerability in what requirements.txt pins"

# build every wheel, install each alone and all together, run them without this repository
[group('house')]
release-check: setup
    .ci/release_check.sh

# as root: do all that the image's build does in a bare Debian 12, then doctor, demo and test as a user there
[group('house')]
fresh-root folder *steps:
    docker/fresh-root.sh {{quote(folder)}} {{steps}}

# style of the Dockerfile, the schema of the services, scripts of the shell
[group('house')]
check-docker: setup-dev
    hadolint docker/Dockerfile
    check-jsonschema --builtin-schema vendor.compose-spec docker/compose.yaml
    shellcheck docker/*.sh .ci/run .ci/*.sh .githooks/*

# pin the newest packages that fit
[group('house')]
lock: setup
    uv pip compile --quiet --upgrade --universal --python-version 3.11 {{extras}} --no-header --no-annotate --no-emit-package ml-skeleton shared/pyproject.toml tools/*/pyproject.toml --output-file requirements.txt
    uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate --constraints requirements.txt requirements-dev.in --output-file requirements-dev.txt

# remove caches and the demo; never your crops, checkpoints and playlists
[group('house')]
clean:
    rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache {{demo}}
