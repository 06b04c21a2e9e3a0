"""What every command line of this repository shares.

Standard output carries the path of what was written and nothing else; all talk
goes to standard error through `note`, `warn` and `Progress`.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from ml_skeleton.config_file import as_typed, read_section
from ml_skeleton.errors import INTERRUPTED, NO_INPUT, TERMINATED, InputError, UsageError, UserError

PLAIN_PROGRESS_EVERY_S = 30.0  # without a terminal: a line a cron log can bear
TERMINAL_PROGRESS_EVERY_S = 0.1
# singing is taken for speech as well, but songs pause for longer than narrators do; figures: README of clem-extract
MOST_SPEECH = 0.7
MOST_MINUTES = 15.0  # of a song in a playlist
STDERR = 2
UNREADABLE = " is not readable."  # how typer's own word on a file without permission ends
RESUMES = "what was finished is kept, run the same command to go on"


class Terminated(SystemExit):
    """SIGTERM arrived; unwinds the stack so that nothing is left half-written, and ends a script that lets it by."""

    def __init__(self) -> None:
        super().__init__(TERMINATED)


class _Voice:
    """Who speaks on standard error, and whether notes are wanted."""

    name = "ml_skeleton"
    quiet = False
    wipe: Callable[[], None] | None = None  # takes away what is drawn where the next line goes


def new_app(default: str | None = None) -> typer.Typer:
    """Return a typer application with plain help, plain tracebacks and completion for the shell.

    `default` names the one of several commands that runs when none is named, see default_command.
    """
    plain: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}
    if default is None:
        return typer.Typer(**plain)
    from ml_skeleton.default_command import commands_with_default

    return typer.Typer(**plain, cls=commands_with_default(default))


def run_tool(app: typer.Typer, unfinished: str = RESUMES) -> NoReturn:
    """Run `app` and leave the process: one line for a UserError, wrong usage or a path without permission.

    130 or 143 after a signal; `unfinished` says what is left of the work then.
    """
    _Voice.name = Path(sys.argv[0]).name
    # torch's threads wait for each other by spinning: beside one other busy process that doubles the time of a step
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        code = app(standalone_mode=False, prog_name=_Voice.name) or 0
    except UserError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except typer.TyperException as error:
        _say_wrong_usage(error)
        sys.exit(NO_INPUT if error.format_message().endswith(UNREADABLE) else error.exit_code)
    except PermissionError as error:  # in a folder that may not be entered even to ask whether a file is there fails
        if error.filename is None:
            raise
        _say(f"{error.filename}: {error.strerror}")
        sys.exit(NO_INPUT)
    except BrokenPipeError:
        sys.stderr.close()  # the reader is gone; a complaint about it helps nobody
        sys.exit(1)
    except Terminated:
        _say(f"terminated; {unfinished}")
        sys.exit(TERMINATED)
    if code == INTERRUPTED:
        _say(f"interrupted; {unfinished}")
    sys.exit(code)


def calm_linear_algebra() -> None:
    """Have numpy and scipy use one thread, if called before they are imported.

    On the small matrices of classifiers the threads of OpenBLAS wait for each
    other by spinning: beside other busy processes ten times as long as they work.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def note(text: str) -> None:
    """Say one line on standard error, unless --quiet was given."""
    if not _Voice.quiet:
        _say(text)


def note_at_once(text: str) -> None:
    """Say one line like `note`, but from the handler of a signal.

    That can come while another line is being written, and Python's buffer must not
    be entered twice: it would end the program with a RuntimeError. So the line goes past it.
    """
    if _Voice.quiet:
        return
    lead = "\r\x1b[K" if os.isatty(STDERR) else ""  # over what is drawn there
    os.write(STDERR, f"{lead}{_Voice.name}: {text}\n".encode())


def show(text: str) -> None:
    """Say what was asked for, a table for instance, on standard error, also with --quiet."""
    _say(text)


def counted(number: int, noun: str) -> str:
    """Return "1 song" or "2 songs"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def hush() -> None:
    """Say only warnings and errors from now on, as with --quiet: another process of the same run does the talking."""
    _Voice.quiet = True


def warn(text: str) -> None:
    """Say one line on standard error, also with --quiet."""
    _say(f"warning: {text}")


def path_from_pipe(path: Path | None, what: str, made_by: str) -> Path:
    """Return `path`, or the one path that the command on the left of the pipe printed.

    `what` names the artifact and `made_by` the command that writes it, for the
    message when there is none.
    """
    if path is not None:
        return path
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(f"no {what} given: name it, or pipe its path in from {made_by}")
    lines = [line for line in sys.stdin.read().splitlines() if line.strip()]
    if not lines:
        raise InputError(
            f"standard input: empty, expected the path of: {what}; {made_by} prints it, see its message above"
        )
    if len(lines) > 1:
        raise InputError(f"standard input: {len(lines)} lines, expected one path, of: {what} from {made_by}")
    return Path(lines[0])


def json_object(option: str, text: str) -> dict[str, Any]:
    """Return the JSON object that an option holds; raise UsageError for any other text."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: not JSON: {error}") from None
    if not isinstance(found, dict):
        raise UsageError(f"""{option} {text}: expected a JSON object such as '{{"width": 32}}'""")
    return found


class Progress:
    """Counts items on standard error: a line that redraws on a terminal, a line every 30 s without one."""

    def __init__(self, label: str, total: int, unit: str) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.done = 0
        self.remark = ""
        self._started = self._shown = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def advance(self, count: int = 1, remark: str = "") -> None:
        """Count `count` more items; `remark` follows the figures until the next one."""
        self.done += count
        self.remark = remark
        now = time.monotonic()
        wait = TERMINAL_PROGRESS_EVERY_S if self._terminal else PLAIN_PROGRESS_EVERY_S
        if now - self._shown >= wait:
            self._shown = now
            self._show()

    def line(self) -> str:
        """Return the figures as one line: done, of how many, per second, time left."""
        elapsed = max(time.monotonic() - self._started, 1e-6)
        rate = self.done / elapsed
        left = f", {duration_in_words((self.total - self.done) / rate)} left" if 0 < self.done < self.total else ""
        remark = f", {self.remark}" if self.remark else ""
        return f"{self.label}: {self.done}/{self.total} {self.unit}, {rate:.3g}/s{left}{remark}"

    def _show(self) -> None:
        if _Voice.quiet:
            return
        if self._terminal:
            sys.stderr.write(f"\r\033[K{_Voice.name}: {self.line()}")
            sys.stderr.flush()
        else:
            _say(self.line())

    def close(self) -> None:
        """Wipe the terminal line, so that the next note starts clean."""
        if self._terminal and not _Voice.quiet:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


@contextmanager
def progress(label: str, total: int, unit: str) -> Iterator[Progress]:
    """Yield a Progress that is closed whatever happens."""
    counter = Progress(label, total, unit)
    try:
        yield counter
    finally:
        counter.close()


@contextmanager
def drawn_below(wipe: Callable[[], None]) -> Iterator[None]:
    """Have `wipe` called before each line that is said, so that it stands above what is drawn on the terminal."""
    _Voice.wipe = wipe
    try:
        yield
    finally:
        _Voice.wipe = None


def duration_in_words(seconds: float) -> str:
    """Return `8 s`, `3 min 05 s` or `2 h 07 min`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def _say(text: str) -> None:
    if _Voice.wipe:
        _Voice.wipe()
    print(f"{_Voice.name}: {text}", file=sys.stderr, flush=True)


def _say_wrong_usage(error: typer.TyperException) -> None:
    """Say on one line what is wrong with the command line or with the configuration file behind it."""
    text = error.format_message()
    if "\n" in text:  # a group of commands was named without a command: the text is its help
        print(text, file=sys.stderr)
        return
    context, parameter = getattr(error, "ctx", None), getattr(error, "param", None)
    if context is None:
        _say(text)
        return
    if parameter is not None and context.get_parameter_source(parameter.name).name == "DEFAULT_MAP":
        found = context.default_map[parameter.name]
        text = f"{context.params['config']}: option {parameter.name!r}: found {found!r}: {error.message}"
    _say(f"{text.rstrip('.')}; see {context.command_path} --help")


def _raise_terminated(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def _set_quiet(quiet: bool) -> bool:
    _Voice.quiet = quiet
    return quiet


def _read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Make the tool's section of the YAML file the defaults of its options."""
    if path is None:
        return None
    own = {parameter.name: parameter for parameter in context.command.params if parameter.name}
    siblings = context.obj.commands.values() if context.obj else ()  # a section serves all commands of its tool
    known = {parameter.name for command in siblings for parameter in command.params if parameter.name}
    section = read_section(path, context.find_root().info_name or _Voice.name, (known | set(own)) - {"config"})
    context.default_map = {
        name: as_typed(value, getattr(own[name], "multiple", False)) for name, value in section.items() if name in own
    }
    return path


StoreArgument = Annotated[
    Path | None, typer.Argument(help="Embedding database; left out, its path is read from stdin.")
]
VersionToRead = Annotated[
    str | None, typer.Option(metavar="NAME", help="Version of the embeddings to use.", show_default="the newest")
]
CropsToRead = Annotated[
    str | None,
    typer.Option(
        "--policy", metavar="NAME", help="Crops to use, where a folder holds several kinds, such as end-1x60s-16000hz.",
        show_default="what clem-extract cut last",
    ),
]  # fmt: skip
Device = Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda or cuda:N.", metavar="NAME")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Parallel processes.", show_default="80 % of the cores")]
BatchSize = Annotated[int, typer.Option(min=1, help="Items per step of the network.")]
MaxSpeech = Annotated[
    float, typer.Option(min=0.0, max=1.0, help="Leave out songs of which more than this share is speech.")
]
MetricsFile = Annotated[
    Path | None,
    typer.Option("--metrics", help="Append one JSON line per step, and the result, to this file.", metavar="FILE"),
]
Force = Annotated[bool, typer.Option("--force", help="Do the work again even when nothing has changed.")]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        is_eager=True,
        callback=_read_config,
        metavar="FILE",
        help="YAML file with a section per tool; a flag beats the file.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", callback=_set_quiet, help="Say only warnings and errors.")]
