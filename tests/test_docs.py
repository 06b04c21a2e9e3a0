"""The documentation says what is true: commands, options, recipes and links exist, and every column is described."""

import csv
import importlib
import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from importlib.metadata import entry_points
from pathlib import Path

import duckdb
import pytest
import torch
import typer
from ml_skeleton.artifacts import checkpoints, crops, duplicates, embeddings, evaluations, ledger, playlists
from ml_skeleton.artifacts.crops import AUDIO_SCHEMA, Crops
from ml_skeleton.artifacts.duplicates import DUPLICATES_SCHEMA
from ml_skeleton.artifacts.embeddings import open_or_make_store, open_store
from ml_skeleton.artifacts.evaluations import Evaluation, Prediction
from ml_skeleton.artifacts.ledger import FAILURES_SCHEMA
from ml_skeleton.artifacts.playlists import Entry, Playlist, write_playlist
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.artifacts.songs import SONGS_SCHEMA
from ml_skeleton.music.rated import FitSettings, rated_songs
from ml_skeleton.music.scores import Scores
from ml_skeleton.tuning.study import new_plan
from ml_skeleton_train_classifier.train import train_classifier
from ml_skeleton_train_encoder.settings import Settings
from ml_skeleton_train_encoder.songs import songs_to_learn_from
from ml_skeleton_train_encoder.train import train_encoder

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("*/README.md"))]
TOOL_PAGES = sorted(ROOT.glob("tools/*/README.md"))
FORMATS = (ROOT / "docs/formats.md").read_text(encoding="utf-8")

START = "python3 -m venv .venv && .venv/bin/pip install --quiet uv rust-just && .venv/bin/just "
EVERYWHERE = {"python3", "pip", "git", "cd", ".", "head", "cut", "tail", "cat", "tee", "sh"}
OF_THE_READER = {"tune": {"--mom", "--name"}}  # options of the programs that a page makes up
REDIRECTIONS = {">", ">>", "<"}
NAMES_OF_TYPES = {"double": "float64", "float": "float32"}


def our_commands() -> dict[str, object]:
    """Return the parsed command line of each of our console scripts, by name."""
    ours = [script for script in entry_points(group="console_scripts") if script.value.startswith("ml_skeleton")]
    return {script.name: typer.main.get_command(importlib.import_module(script.module).app) for script in ours}


COMMANDS = our_commands()


def options_of(command) -> set[str]:
    """Return the options that --help shows, those of all subcommands included."""
    own = {name for parameter in command.params if not getattr(parameter, "hidden", False) for name in parameter.opts}
    return own.union({"--help"}, *map(options_of, getattr(command, "commands", {}).values()))


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield the language and the content of each fenced block."""
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield found[1], found[2]


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def command_lines(text: str) -> Iterator[str]:
    """Yield every line that a reader may type: all of a `sh` block, and what follows "$ " elsewhere."""
    for language, content in blocks(text):
        for line in content.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                yield line.removeprefix("$ ")
            elif language == "sh" and line.strip() and not line.startswith("#"):
                yield line
    for span in re.findall(r"`([^`\n]+)`", prose(text)):
        if span.split()[0] in COMMANDS or span.startswith("just "):
            yield span


def programs(line: str) -> Iterator[list[str]]:
    """Yield the words of each program that a line of shell starts, those behind a -- as a program of their own."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    is_file = False  # the next word is where output goes
    for word in [*lexer, ";"]:
        if is_file or word in REDIRECTIONS:
            is_file = not is_file
        elif set(word) <= set("|&;") or word == "--":
            if words:
                yield words
            words = []
        else:
            words.append(word)


def complaint(words: list[str], recipes: set[str]) -> str | None:
    """Return what is wrong with a program and its arguments, None if nothing is known against it."""
    name = words[0].rpartition("/")[2]
    if name == "just":
        called = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
        return None if not called or called[0] in recipes else f"no recipe {called[0]!r}"
    if name not in COMMANDS:
        return None if name in EVERYWHERE or name.isupper() else f"unknown command {name!r}"
    command, rest = COMMANDS[name], words[1:]
    if getattr(command, "commands", None) and rest and not rest[0].startswith("-"):
        if rest[0] not in command.commands:
            return f"{name} has no command {rest[0]!r}"
        command, rest = command.commands[rest[0]], rest[1:]
    used = {word.partition("=")[0] for word in rest if re.match(r"--?[A-Za-z]", word)}
    unknown = sorted(used - options_of(command))
    return f"{name} has no option {', '.join(unknown)}" if unknown else None


def table_rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the tables in `text`, code marks removed."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            yield [cell.strip().replace("`", "").replace("\\|", "|") for cell in cells]


def section(title: str) -> str:
    """Return what formats.md says under a heading, its own subsections included."""
    level, rest = re.search(rf"^(#+) {re.escape(title)}\n(.*)", FORMATS, re.MULTILINE | re.DOTALL).groups()
    return re.split(rf"^#{{2,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def names_in(title: str, header: str) -> list[str]:
    """Return the first column of the table in a section whose header begins with `header`."""
    rows = list(table_rows(section(title)))
    starts = [number for number, row in enumerate(rows) if row[0] == header]
    names = []
    for row in rows[starts[0] + 1 :]:
        if row[0].startswith(("field", "figure", "column", "key")) and row[1] in {"type", "meaning", "in"}:
            break
        names.append(row[0])
    return names


@pytest.fixture(scope="module")
def recipes() -> set[str]:
    just = shutil.which("just") or shutil.which("just", path=Path(sys.executable).parent)
    if just is None:
        pytest.skip("just is not installed")
    done = subprocess.run([just, "--summary"], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("page", [*PAGES, *TOOL_PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_line_uses_what_exists(page, recipes):
    lines = list(command_lines(page.read_text(encoding="utf-8")))

    wrong = [f"{line}: {why}" for line in lines for words in programs(line) if (why := complaint(words, recipes))]

    assert wrong == []


@pytest.mark.parametrize("page", TOOL_PAGES, ids=lambda page: page.parent.name)
def test_every_option_a_tool_s_page_names_is_one_of_the_tool(page):
    text = page.read_text(encoding="utf-8")
    tool = re.match(r"# (\S+)", text)[1]
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", prose(text)))

    assert named - OF_THE_READER.get(tool, set()) - options_of(COMMANDS[tool]) == set()


@pytest.mark.parametrize("page", TOOL_PAGES, ids=lambda page: page.parent.name)
def test_a_tool_s_page_says_what_is_read_and_written_and_the_exit_codes_and_shows_two_runs(page):
    text = page.read_text(encoding="utf-8")
    tool = re.match(r"# (\S+)", text)[1]

    assert [word for word in ("Reads", "rites", "xit codes") if word not in text] == []
    assert len(re.findall(rf"^ *\$ {tool} ", text, re.MULTILINE)) >= 2


def test_the_start_is_two_lines_and_the_continuous_check_runs_the_second():
    starts = [line for line in command_lines((ROOT / "README.md").read_text(encoding="utf-8")) if START in line]

    assert starts == [START + "demo", START + "test"]
    assert (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()[-1] == starts[1]


def test_every_console_script_is_in_the_table_of_tools():
    rows = table_rows((ROOT / "README.md").read_text(encoding="utf-8"))
    named = {found[1] for row in rows if (found := re.match(r"\[(\S+)\]\(", row[0]))}

    assert set(COMMANDS) - named == {"mlskel"}  # which ml_skeleton's page explains


def test_every_entry_of_the_changelog_begins_with_what_it_is_about():
    entries = re.findall(r"^- ([^:\n]+):", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert entries and set(entries) - set(COMMANDS) == {"just", "formats"}


def test_the_search_spaces_in_the_readme_can_be_read():
    lines = [line for line in command_lines((ROOT / "README.md").read_text(encoding="utf-8")) if "tune run" in line]

    plans = [new_plan(shlex.split(line.partition(" -- ")[2]), None, None, None, None) for line in lines]

    assert plans and all(plan.space for plan in plans)


@pytest.mark.parametrize("page", [*PAGES, *TOOL_PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_repository_leads_somewhere(page):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if "://" in link or (target.exists() and (not anchor or anchor in anchors(target))):
            continue
        broken.append(link)

    assert broken == []


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_kind_is_listed_with_its_format_number():
    modules = {module.KIND: module.FORMAT for module in (crops, ledger, duplicates, embeddings, evaluations, playlists)}
    expected = modules | {"crops-audio": crops.FORMAT} | dict.fromkeys(checkpoints.MADE_BY, checkpoints.FORMAT)

    listed = {row[0]: int(row[1]) for row in table_rows(FORMATS.partition("## What all")[0]) if row[1].isdigit()}

    assert listed == expected


@pytest.mark.parametrize(
    ("title", "schema"),
    [
        ("songs.parquet", SONGS_SCHEMA),
        ("audio/part-*.parquet", AUDIO_SCHEMA),
        ("failures.parquet", FAILURES_SCHEMA),
        ("duplicates.parquet", DUPLICATES_SCHEMA),
    ],
)
def test_every_column_is_described_with_its_type_and_what_null_means(title, schema):
    described = [(name, kind, null == "never") for name, kind, null, _ in list(table_rows(section(title)))[1:]]

    assert described == [(field.name, name_of(field.type), not field.nullable) for field in schema]


def name_of(arrow_type) -> str:
    if hasattr(arrow_type, "value_type"):
        return f"list<{name_of(arrow_type.value_type)}>"
    return NAMES_OF_TYPES.get(str(arrow_type), str(arrow_type))


@pytest.mark.parametrize(("suffix", "column"), [(".db", 2), (".duckdb", 3)])
def test_every_column_of_a_store_is_described_with_its_type(tmp_path, suffix, column):
    path = tmp_path / f"store{suffix}"
    with open_or_make_store(path, "embed"):
        pass
    connection = sqlite3.connect(path) if suffix == ".db" else duckdb.connect(str(path))
    found = {
        (table, row[1], row[2])
        for table in ("artifact", "versions", "vectors")
        for row in connection.execute(f"PRAGMA table_info('{table}')").fetchall()
    }
    songs = [row[1] for row in connection.execute("PRAGMA table_info('songs')").fetchall()]
    connection.close()

    rows = list(table_rows(section("embeddings.db and embeddings.duckdb")))[1:]

    assert {(row[0], row[1], row[column]) for row in rows} == found
    assert songs == SONGS_SCHEMA.names


def test_every_field_of_the_provenance_is_described():
    title = "What all of them share"

    assert set(names_in(title, "field")) == {field.name for field in fields(Provenance)}
    assert set(names_in(title, "field of a parent")) == {field.name for field in fields(Parent)}


def test_every_key_of_an_evaluation_is_described():
    title = "evaluation.json"

    assert set(names_in(title, "key")) == {field.name for field in fields(Evaluation)} - {"provenance"}
    assert set(names_in(title, "figure")) == {field.name for field in fields(Scores)}
    assert set(names_in(title, "field of a prediction")) == {field.name for field in fields(Prediction)}


def test_every_column_of_a_playlist_is_described(tmp_path, make_song):
    provenance = Provenance(playlists.KIND, playlists.FORMAT, "recommend")
    _, _, table, text = write_playlist(tmp_path, Playlist("best", "Best", [Entry(make_song(), 4.0)], provenance))
    with open(table, encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    (track,) = json.loads(text.read_text(encoding="utf-8"))["tracks"]

    assert names_in("Playlists", "column of best.csv") == columns
    assert track.keys() - columns == {"url", "song_id", "audio_id"}
    assert all(f"`{name}`" in section("Playlists") for name in track)


def test_every_key_of_a_checkpoint_is_described(audible_library, make_store, rated_library, tmp_path):
    settings = Settings("simple", {"width": 4}, epochs=1, window_s=1.0)
    train_encoder(
        songs_to_learn_from(Crops(audible_library), settings), tmp_path / "e.pt", settings, torch.device("cpu")
    )
    with open_store(make_store(rated_library)) as store:
        train_classifier(rated_songs(store, None), tmp_path / "c.pt", FitSettings(max_steps=1), None)
    encoder, classifier = (torch.load(tmp_path / name, weights_only=True).keys() for name in ("e.pt", "c.pt"))

    described = list(table_rows(section("encoder.pt and classifier.pt")))[1:]

    assert {key for key, where, _ in described if where in {"both", "encoder"}} == set(encoder)
    assert {key for key, where, _ in described if where in {"both", "classifier"}} == set(classifier)
