"""A little shell: its commands are ours and run in this process, where the heavy libraries are imported already.

It knows pipes, `&&`, `;`, `>` and `>>`, variables before a command, comments and `~/`. Programs that are not
ours start as they would.
"""

import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from ml_skeleton.console import _Voice

JUST = shutil.which("just") or shutil.which("just", path=str(Path(sys.executable).parent))
INSTALLS = ("test -x ", "command -v uv ", "just _install ")  # how the lines begin that make the environment
OURS: dict[str, EntryPoint] = {
    script.name: script for script in entry_points(group="console_scripts") if script.value.startswith("ml_skeleton")
}


@dataclass(frozen=True)
class Ended:
    """How a line ended, and what it said."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass
class Command:
    """A program with its arguments, and where its output goes."""

    words: list[str]
    variables: dict[str, str]
    file: str | None = None
    append: bool = False


def run_line(line: str, stdin: str = "") -> Ended:
    """Run a line in the current folder until one of its parts fails; of a pipe the first failure counts."""
    said, errors = "", ""
    for pipe in _parse(line):
        text, codes = stdin, [0]
        for command in pipe:
            ended = _run(command, text)
            text, errors = ended.stdout, errors + ended.stderr
            codes.append(ended.exit_code)
        said += text
        if any(codes):
            return Ended(next(filter(None, codes)), said, errors)
    return Ended(0, said, errors)


def lines_of_recipe(*words: str, folder: Path | None = None) -> list[str]:
    """Return the lines of a recipe, but for what installs packages; None is the current folder, with its Justfile."""
    dry = [str(JUST), "--dry-run", *words]
    shown = subprocess.run(dry, cwd=folder, capture_output=True, text=True, check=True).stderr
    lines = [line.removeprefix("exec ") for line in shown.splitlines()]
    return [line for line in lines if not line.startswith(INSTALLS)]


def run_words(words: Sequence[str], stdin: str = "") -> Ended:
    """Run one of our commands as its installed script would, but in this process."""
    out, err = io.StringIO(), io.StringIO()
    with _left_as_found(), redirect_stdout(out), redirect_stderr(err):
        sys.argv, sys.stdin = list(words), io.StringIO(stdin)
        try:
            OURS[words[0]].load()()
            code = 0
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else int(left.code is not None)
    return Ended(code, out.getvalue(), err.getvalue())


@contextmanager
def _left_as_found() -> Iterator[None]:
    argv, stdin, environment, path = sys.argv, sys.stdin, dict(os.environ), list(sys.path)
    name, quiet = _Voice.name, _Voice.quiet
    terminated = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        sys.argv, sys.stdin, sys.path[:] = argv, stdin, path
        _Voice.name, _Voice.quiet = name, quiet
        os.environ.clear()
        os.environ.update(environment)
        signal.signal(signal.SIGTERM, terminated)


def _run(command: Command, stdin: str) -> Ended:
    if command.words[0] in OURS:
        with _left_as_found():
            os.environ.update(command.variables)
            sys.path[:0] = command.variables.get("PYTHONPATH", "").split(":")
            ended = run_words(command.words, stdin)
    else:
        environment = {**os.environ, **command.variables}
        done = subprocess.run(command.words, input=stdin, env=environment, capture_output=True, text=True)
        ended = Ended(done.returncode, done.stdout, done.stderr)
    if command.file is None:
        return ended
    if command.file != "/dev/null":
        with open(command.file, "a" if command.append else "w", encoding="utf-8") as file:
            file.write(ended.stdout)
    return Ended(ended.exit_code, "", ended.stderr)


def _parse(line: str) -> Iterator[list[Command]]:
    """Yield the pipes of a line, each a list of commands."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    pipe, command = [], Command([], {})
    words = iter([*lexer, ";"])
    for word in words:
        if word in (">", ">>"):
            command.file, command.append = next(words), word == ">>"
        elif word in ("|", "&&", ";"):
            if command.words:
                pipe.append(command)
            command = Command([], {})
            if word != "|" and pipe:
                yield pipe
                pipe = []
        elif not command.words and word.partition("=")[0].isupper() and "=" in word:
            name, _, value = word.partition("=")
            command.variables[name] = value
        else:
            command.words.append(str(Path(word).expanduser()) if word.startswith("~/") else word)
