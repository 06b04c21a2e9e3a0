"""Two weeks of nights end where one clean run would have ended."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ml_skeleton.errors import UserError
from ml_skeleton_nightly.night import Asked, run_night

from .conftest import Home, run_here


def status_of(asked: Asked) -> dict:
    return json.loads(asked.status.read_text())


@pytest.fixture
def night_that_is_killed(wait_until) -> Callable[[Home, Asked], None]:
    """Return a function that has the installed command begin a night, and kills it and its training."""

    def run(home: Home, asked: Asked) -> None:
        words = ["--db", asked.db, "--out", asked.out, "--config", home.config, "--device", "cpu"]
        words += ["--when-new-ratings", asked.when_new_ratings, "--keep", asked.keep]
        begun = asked.models.next().folder / ".classifier.pt.lock"  # new ratings alone train no new encoder
        program = Path(sys.executable).parent / "clem-nightly"
        night = subprocess.Popen([program, *map(str, words)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until(lambda: begun.exists() or night.poll() is not None)
        training = Path(f"/proc/{night.pid}/task/{night.pid}/children").read_text().split()
        for process in (night.pid, *map(int, training)):
            os.kill(process, signal.SIGKILL)
        assert night.wait() == -signal.SIGKILL

    return run


def test_two_weeks_of_nights_end_where_one_clean_run_does(home, content_of, night_that_is_killed):
    asked = home.asked(when_new_ratings=8, keep=2, minimum=("spearman=-1",))
    home.rate(range(1, 15))
    run_night(asked, run_here)  # 1
    home.rate([15, 16])
    run_night(asked, run_here)  # 2: too few new ratings
    home.move(3, "moved")
    home.move(17, "moved")
    run_night(asked, run_here)  # 3
    home.rate(range(17, 24))
    night_that_is_killed(home, asked)  # 4
    assert (status_of(asked)["state"], asked.models.current().name) == ("running", "0001")
    run_night(asked, run_here)  # 5: goes on with it
    assert status_of(asked)["trained"] is True
    home.music.rename(home.folder / "unmounted")
    with pytest.raises(UserError, match=r"clem-extract ended with 1: .*mount their disk"):
        run_night(asked, run_here)  # 6: a disk is missing
    (home.folder / "unmounted").rename(home.music)
    for _ in range(6):
        run_night(asked, run_here)  # 7 to 12: nothing is new
    home.rate(range(24, 32))
    with pytest.raises(UserError, match=r"evaluate gate ended with 1: .*does not pass"):
        run_night(replace(asked, minimum=("spearman=1.5",)), run_here)  # 13: more is asked than any model can do
    assert status_of(asked)["model"] == "0002"
    run_night(asked, run_here)  # 14

    clean = home.asked("clean")
    run_night(clean, run_here)

    assert content_of(asked) == content_of(clean)
    assert sorted(path.name for path in asked.models.folder.iterdir()) == ["0002", "0003", "current"]
