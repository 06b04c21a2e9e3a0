"""What a night does when something is in its way; the steps are stood in for, but those that are about signals."""

import json
import os
import sys
import sysconfig
from collections.abc import Callable, Sequence
from io import StringIO

import pytest
from ml_skeleton.artifacts.files import only_run
from ml_skeleton.console import Terminated
from ml_skeleton.errors import BusyError, UsageError
from ml_skeleton_nightly.models import Models, count_new
from ml_skeleton_nightly.night import run_night
from ml_skeleton_nightly.steps import Ended, StepFailed, run_command

from .conftest import run_here


@pytest.fixture
def script(tmp_path, monkeypatch) -> Callable[[str], None]:
    """Return a function that makes `step` the name of a command that runs some lines of shell."""
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))

    def write(lines: str) -> None:
        (tmp_path / "step").write_text(f"#!/bin/sh\n{lines}\n")
        (tmp_path / "step").chmod(0o755)

    return write


def failing(command: str, ended: Ended):
    """Return how to run a night whose command of that name fails."""

    def run(words: Sequence[str]) -> Ended:
        return ended if " ".join(words).startswith(command) else run_here(words)

    return run


def test_a_second_night_is_refused_while_one_runs(home):
    asked = home.asked()

    with only_run(asked.status), pytest.raises(BusyError) as refused:
        run_night(asked, run_here)

    assert refused.value.exit_code == 75 and not asked.crops.exists()


def test_a_night_that_fails_says_so_in_one_line_and_in_the_status(home):
    asked = home.asked()

    with pytest.raises(StepFailed) as failed:
        run_night(asked, failing("clem-extract", Ended(3, "clem-extract: no songs")))

    line = "clem-extract ended with 3: clem-extract: no songs"
    status = json.loads(asked.status.read_text())
    assert (str(failed.value), failed.value.exit_code) == (line, 3)
    assert (status["state"], status["exit_code"], status["error"], status["last_done"]) == ("failed", 3, line, None)


def test_a_model_that_the_gate_refuses_changes_nothing_and_the_old_one_lists_the_new_songs(home, content_of):
    home.rate(range(1, 15))
    home.sql("UPDATE songs SET unavailable = 1 WHERE ROWID > 33")
    run_night(home.asked(), run_here)
    before = content_of(home.asked())["playlist"]
    home.sql("UPDATE songs SET unavailable = 0")
    home.rate(range(15, 19))
    asked = home.asked(when_new_ratings=4, minimum=("spearman=2",))

    with pytest.raises(StepFailed, match="evaluate gate ended with 1: too low"):
        run_night(asked, failing("evaluate gate", Ended(1, "too low")))

    after = content_of(asked)["playlist"]
    rated, new = (tuple(f"/{song}.flac" for song in songs) for songs in (range(15, 19), range(34, 37)))
    assert asked.models.current().name == "0001"
    assert sum(url.endswith(new) for url, _ in after) == 3
    assert sorted(song for song in after if not song[0].endswith(new)) == sorted(
        (url, stars) for url, stars in before if not url.endswith(rated)
    )


def test_a_limit_on_no_figure_ends_the_night_before_it_does_anything(home):
    asked = home.asked(minimum=("spearmen=0.2",))

    with pytest.raises(UsageError, match="--min spearmen: no such figure; did you mean spearman"):
        run_night(asked, run_here)

    assert (json.loads(asked.status.read_text())["exit_code"], asked.crops.exists()) == (2, False)


def test_a_first_night_without_a_model_that_will_do_makes_no_playlist(home):
    home.rate(range(1, 15))

    with pytest.raises(StepFailed):
        run_night(home.asked(minimum=("spearman=2",)), failing("evaluate gate", Ended(1, "too low")))

    assert not home.asked().playlists.exists()


def test_a_model_comes_into_use_by_one_rename_and_the_last_ones_are_kept(tmp_path):
    models = Models(tmp_path)
    for _ in range(4):
        model = models.next()
        model.write_ratings({})
        models.use(model)
    models.next().write_ratings({})  # being made

    assert models.current().name == "0004"
    assert [model.name for model in models.outdated(keep=3)] == ["0001"]


def test_a_new_model_begins_with_the_encoder_in_use_unless_a_night_cut_short_made_it_one(tmp_path):
    models = Models(tmp_path)
    first = models.next()
    first.write_ratings({})
    first.encoder.write_bytes(b"of the first")
    models.use(first)
    second = models.next()
    second.write_ratings({})

    models.hand_down_encoder(second)
    inherited = second.encoder.read_bytes()
    second.encoder.write_bytes(b"trained anew")
    models.hand_down_encoder(second)

    assert (inherited, second.encoder.read_bytes()) == (b"of the first", b"trained anew")


def test_a_rating_counts_as_new_when_it_is_not_the_one_that_the_model_knows(tmp_path):
    model = Models(tmp_path).next()
    model.write_ratings({"a": 0.6, "b": 0.8, "gone": 1.0})

    assert count_new({"a": 0.6, "b": 0.2, "c": 0.4}, model) == 2


def test_a_step_hands_over_its_exit_code_and_its_last_line(script, capfd):
    script("echo first >&2; echo path; echo last >&2; exit 3")

    assert run_command(["step"]) == Ended(3, "last")
    assert capfd.readouterr() == ("", "first\nlast\n")


def test_a_step_that_a_signal_ended_has_the_exit_code_that_a_shell_gives_it(script):
    script("kill -KILL $$")

    assert StepFailed("step", run_command(["step"])).exit_code == 137


def test_a_night_that_is_terminated_passes_it_on_and_waits_for_the_step(script, tmp_path, monkeypatch):
    class Log(StringIO):
        def write(self, line: str) -> int:
            if line == "ready\n":
                raise Terminated
            return super().write(line)

    monkeypatch.setattr(sys, "stderr", Log())
    script(f"trap 'touch {tmp_path}/stopped; exit 143' TERM; echo ready >&2; sleep 60 2>/dev/null & wait")

    with pytest.raises(Terminated):
        run_command(["step"])

    assert (tmp_path / "stopped").exists()


def test_the_command_prints_the_playlists_and_one_line(home, run_tool, monkeypatch):
    home.rate(range(1, 15))
    run_night(home.asked("."), run_here)

    done = run_tool("clem-nightly", "--db", home.database, "--config", home.config, "--device", "cpu")

    assert (done.returncode, done.stdout) == (0, "artifacts/recommendations\n")
    assert done.stderr.splitlines()[-1].startswith("clem-nightly: 36 songs, 0 opened, 0 new ratings; model 0001, rank")
    assert os.readlink(home.folder / "models/current") == "0001"
