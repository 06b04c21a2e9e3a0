"""The live view: drawn over itself at the foot of a terminal, plain lines without one."""

import os
import pty
import re
import select
import subprocess
import sys
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from ml_skeleton import console
from ml_skeleton.tuning.objective import Objective, Point
from ml_skeleton.tuning.outcome import Outcome
from ml_skeleton.tuning.trial_folder import Result
from ml_skeleton_tune import live
from ml_skeleton_tune.footer import Footer, fitted

DEADLINE_S = 60
TUNE = Path(sys.executable).with_name("tune")


class Screen:
    """What a terminal shows of the bytes that were written to it: the few controls that a footer uses."""

    def __init__(self, columns: int) -> None:
        self.columns, self.rows, self.row, self.column = columns, [""], 0, 0

    def feed(self, text: str) -> "Screen":
        for control, final, letter in re.findall(r"\033\[([?\d]*)([A-Za-z])|([^\033])", text):
            if final:
                self._obey(control, final)
            elif letter == "\r":
                self.column = 0
            elif letter == "\n":
                self._next_row()
            else:
                if self.column == self.columns:
                    self._next_row()
                    self.column = 0
                row = self.rows[self.row].ljust(self.column)
                self.rows[self.row] = row[: self.column] + letter + row[self.column + 1 :]
                self.column += 1
        return self

    def _next_row(self) -> None:
        self.row += 1
        self.rows += [""] * (self.row + 1 - len(self.rows))

    def _obey(self, control: str, final: str) -> None:
        if final == "A":
            self.row = max(0, self.row - int(control))
        elif final in "KJ":
            self.rows[self.row] = self.rows[self.row][: self.column]
        if final == "J":
            del self.rows[self.row + 1 :]

    @property
    def lines(self) -> list[str]:
        return [row.rstrip() for row in self.rows if row.strip()]


@dataclass
class Terminal:
    """The two ends of a pseudo-terminal."""

    person: int
    program: int

    def resize(self, columns: int, rows: int = 24) -> None:
        termios.tcsetwinsize(self.program, (rows, columns))

    def read(self) -> str:
        """Return what was written since the last call."""
        text = b""
        while select.select([self.person], [], [], 0.05)[0]:
            text += os.read(self.person, 65536)
        return text.decode()


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    ends = Terminal(*pty.openpty())
    ends.resize(80)
    yield ends
    os.close(ends.person)
    os.close(ends.program)


@pytest.fixture
def footer(terminal) -> Iterator[Footer]:
    with open(terminal.program, "w", closefd=False) as stream:
        yield Footer(stream)


def ended(number: int, state: str = "complete", value: float | None = 0.5) -> Result:
    values = [] if value is None else [value]
    return Result(number, state, value, "", 0, 4.0, "2026-01-01T00:00:00+00:00", "host", None, values=values)


class Running:
    """A trial as the view sees it."""

    def __init__(self, number: int) -> None:
        self.attempt = self
        self.number = number


def test_a_new_drawing_replaces_the_old_one_line_by_line(terminal, footer):
    footer.draw(["12 of 50", "trial 12", "trial 13"])
    footer.draw(["13 of 50", "trial 13"])

    assert Screen(80).feed(terminal.read()).lines == ["13 of 50", "trial 13"]


def test_nothing_is_erased_before_the_new_drawing_is_there(terminal, footer):
    footer.draw(["12 of 50", "trial 12"])
    terminal.read()
    footer.draw(["13 of 50", "trial 12"])

    assert (
        terminal.read().replace("\r\n", "\n") == "\033[?2026h\r\033[1A13 of 50\033[K\ntrial 12\033[K\033[J\033[?2026l"
    )


def test_an_unchanged_drawing_is_not_written_again(terminal, footer):
    footer.draw(["12 of 50"])
    terminal.read()
    footer.draw(["12 of 50"])

    assert terminal.read() == ""


def test_a_terminal_made_narrower_keeps_one_drawing(terminal, footer):
    footer.draw(["a" * 60, "trial 12"])
    first = terminal.read()
    terminal.resize(40)
    footer.draw(["b" * 60, "trial 13"])

    wrapped = Screen(40).feed(first)  # as a terminal does that wraps what it shows again
    assert wrapped.feed(terminal.read()).lines == ["b" * 39, "trial 13"]


def test_a_low_terminal_shows_the_first_lines(terminal, footer):
    terminal.resize(80, rows=3)
    footer.draw([f"trial {number}" for number in range(10)])

    assert Screen(80).feed(terminal.read()).lines == ["trial 0", "trial 1"]


def test_what_a_terminal_would_obey_is_not_passed_on_and_wide_letters_count_twice():
    assert fitted("loss\033[2J\n", 80) == "loss?[2J?"
    assert fitted("損失損失", 5) == "損失"


def test_the_view_shows_what_is_finished_the_best_the_pace_and_what_runs(terminal, monkeypatch):
    clock = iter([0.0, 0.0, 8.0, 20.0])
    monkeypatch.setattr(live, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    outcome = Outcome(Path("runs/a"), [Objective("loss", "min")], 8)
    outcome.results[0] = ended(0)  # of an earlier run, which says nothing of the pace of this one
    with open(terminal.program, "w", closefd=False) as stream:
        view = live.LiveView(stream)
        view._drawn = -1.0
        with view.shown(outcome):
            view.look([Running(1), Running(2)])
            outcome.results |= {1: ended(1, value=0.25), 2: ended(2, "pruned", None)}
            view.reached(3, Point(7, 0.125))
            view.look([Running(3)])
            view.look([Running(3), Running(4)])
            shown = Screen(200).feed(terminal.read()).lines
    assert shown == [
        "3 of 8 trials finished: 2 complete, 1 pruned",
        "4 s a trial, 50 s left",
        "best loss 0.25 in trial 1",
        "trial 3: 12 s, step 7, loss 0.125",
        "trial 4: 0 s, no value yet",
    ]
    assert Screen(200).feed(terminal.read()).lines == []


def test_a_line_that_is_said_stands_above_the_drawing(terminal, footer, monkeypatch):
    with open(terminal.program, "w", closefd=False) as stream:
        monkeypatch.setattr(console.sys, "stderr", stream)
        monkeypatch.setattr(console._Voice, "name", "tune")
        with console.drawn_below(footer.wipe):
            footer.draw(["1 of 2", "trial 1"])
            console.note("trial 0: the best so far")
            footer.draw(["1 of 2", "trial 1"])

    assert Screen(80).feed(terminal.read()).lines == ["tune: trial 0: the best so far", "1 of 2", "trial 1"]


def test_there_is_no_live_view_without_a_terminal_or_with_quiet(terminal, monkeypatch):
    assert live.live_view(quiet=False) is None
    with open(terminal.program, "w", closefd=False) as stream:
        monkeypatch.setattr(live.sys, "stderr", stream)
        monkeypatch.setenv("TERM", "xterm")
        assert live.live_view(quiet=False) is not None and live.live_view(quiet=True) is None
        monkeypatch.setenv("TERM", "dumb")
        assert live.live_view(quiet=False) is None


def test_a_run_on_a_terminal_shows_its_trials_and_leaves_only_lines_that_were_said(terminal, tmp_path, script):
    steps = script('for i in 1 2 3; do echo "{\\"step\\": $i, \\"loss\\": $i}"; sleep 0.3; done\n')
    command = [TUNE, "run", "-n", "2", "-m", "loss:min", "--study", "s", "--", "sh", steps, "{x:float:0:1}"]
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("MLFLOW_", "TUNE_"))}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment | {"TERM": "xterm"}, stderr=terminal.program, stdout=subprocess.PIPE
    )
    text = ""
    while process.poll() is None:
        text += terminal.read()
    printed, _ = process.communicate(timeout=DEADLINE_S)

    assert (process.returncode, printed) == (0, b"s\n")
    assert "step 2, loss 2" in text and "0 of 2 trials finished" in text
    assert Screen(1000).feed(text + terminal.read()).lines == [
        "tune: trial 0: loss 3, the best so far",
        "tune: 2 of 2 trials finished: 2 complete; best loss 3 in trial 0",
    ]
