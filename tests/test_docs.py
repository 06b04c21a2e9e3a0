"""The documentation says what is true: the commands, options, recipes and links that it names exist."""

import importlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path

import pytest
import typer
from ml_skeleton.manual import EXIT_CODES
from ml_skeleton.tuning.study import new_plan
from pages import PAGES, ROOT, TOOL_PAGES, blocks, prose

START = "python3 -m venv .venv && .venv/bin/pip install --quiet uv rust-just && .venv/bin/just "
EVERYWHERE = {"python3", "pip", "git", "cd", ".", "head", "cut", "tail", "cat", "tee", "sh", "cp", "mkdir"}
OF_OTHERS = {  # options of the programs that a page makes up, or runs ours by
    "train-encoder": {"--no-python", "--nproc-per-node"},
    "tune": {"--mom", "--name"},
}
REDIRECTIONS = {">", ">>", "<"}


def our_commands() -> dict[str, object]:
    """Return the parsed command line of each of our console scripts, by name."""
    ours = [script for script in entry_points(group="console_scripts") if script.value.startswith("ml_skeleton")]
    return {script.name: typer.main.get_command(importlib.import_module(script.module).app) for script in ours}


COMMANDS = our_commands()


def options_of(command) -> set[str]:
    """Return the options that --help shows, those of all subcommands included."""
    own = {name for parameter in command.params if not getattr(parameter, "hidden", False) for name in parameter.opts}
    return own.union({"--help"}, *map(options_of, getattr(command, "commands", {}).values()))


def command_lines(text: str) -> Iterator[str]:
    """Yield every line that a reader may type, those within a sentence included."""
    for block in blocks(text):
        yield from block.commands()
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
    if name == "docker":
        files = [file for option, file in pairwise(words) if option in {"-f", "--env-file"} and file != ".env"]
        return next((f"no file {file}" for file in files if not (ROOT / file).is_file()), None)
    if name not in COMMANDS:
        return None if name in EVERYWHERE or name.isupper() else f"unknown command {name!r}"
    command, rest = COMMANDS[name], words[1:]
    if getattr(command, "commands", None) and rest and not rest[0].startswith("-"):
        default = getattr(command, "default_command", None)
        if rest[0] not in command.commands and default is None:
            return f"{name} has no command {rest[0]!r}"
        command, rest = command.commands.get(rest[0]) or command.commands[default], rest[1:]
    used = {word.partition("=")[0] for word in rest if re.match(r"--?[A-Za-z]", word)}
    unknown = sorted(used - options_of(command))
    return f"{name} has no option {', '.join(unknown)}" if unknown else None


@pytest.fixture(scope="module")
def recipes() -> set[str]:
    just = shutil.which("just") or shutil.which("just", path=Path(sys.executable).parent)
    if just is None:
        pytest.skip("just is not installed")
    done = subprocess.run([just, "--summary"], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_line_uses_what_exists(page, recipes):
    lines = list(command_lines(page.read_text(encoding="utf-8")))

    wrong = [f"{line}: {why}" for line in lines for words in programs(line) if (why := complaint(words, recipes))]

    assert wrong == []


@pytest.mark.parametrize("tool", COMMANDS)
def test_the_help_ends_with_examples_that_use_what_exists_and_with_the_exit_codes(tool, recipes):
    command = COMMANDS[tool]
    shown = getattr(command, "commands", {}).get(getattr(command, "default_command", None), command)
    _, _, after = (shown.epilog or "").partition("Examples:\n\n\b\n")
    examples, _, codes = after.partition("\n\n")

    lines = examples.splitlines()
    wrong = [f"{line}: {why}" for line in lines for words in programs(line) if (why := complaint(words, recipes))]
    assert (len(lines) >= 2, wrong, codes) == (True, [], EXIT_CODES)


@pytest.mark.parametrize("page", TOOL_PAGES, ids=lambda page: page.parent.name)
def test_every_option_a_tool_s_page_names_is_one_of_the_tool(page):
    text = page.read_text(encoding="utf-8")
    tool = re.match(r"# (\S+)", text)[1]
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", prose(text)))

    assert named - OF_OTHERS.get(tool, set()) - options_of(COMMANDS[tool]) == set()


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
    named = re.findall(r"^\| \[`(\S+)`\]\(", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert set(COMMANDS) - set(named) == {"mlskel"}  # which ml_skeleton's page explains


def test_every_entry_of_the_changelog_begins_with_what_it_is_about():
    entries = re.findall(r"^- ([^:\n]+):", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert entries and set(entries) - set(COMMANDS) <= {"just", "formats"}


def test_the_search_spaces_in_the_readme_can_be_read():
    lines = [line for line in command_lines((ROOT / "README.md").read_text(encoding="utf-8")) if "tune run" in line]

    plans = [new_plan(shlex.split(line.partition(" -- ")[2]), None, None, None, None) for line in lines]

    assert plans and all(plan.space for plan in plans)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
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
