"""Two weeks of nights end where one clean run would have ended."""

import json
from collections.abc import Sequence

import pytest
from ml_skeleton.errors import UserError
from ml_skeleton_nightly.night import Asked, run_night
from ml_skeleton_nightly.steps import Ended

from .conftest import run_here


class Killed(BaseException):
    """What nothing catches, as nothing catches SIGKILL."""


def status_of(asked: Asked) -> dict:
    return json.loads(asked.status.read_text())


def killed_at(command: str):
    def run(words: Sequence[str]) -> Ended:
        if words[0] == command:
            raise Killed
        return run_here(words)

    return run


def test_two_weeks_of_nights_end_where_one_clean_run_does(home, content_of):
    asked = home.asked(when_new_ratings=8, keep=2)
    home.rate(range(1, 15))
    run_night(asked, run_here)  # 1
    home.rate([15, 16])
    run_night(asked, run_here)  # 2: too few new ratings
    home.move(3, "moved")
    home.move(17, "moved")
    run_night(asked, run_here)  # 3
    home.rate(range(17, 24))
    with pytest.raises(Killed):
        run_night(asked, killed_at("train-classifier"))  # 4: killed in the middle of a training
    assert status_of(asked)["state"] == "running"
    run_night(asked, run_here)  # 5: goes on with it
    assert status_of(asked)["trained"] is True
    home.music.rename(home.folder / "unmounted")
    with pytest.raises(UserError, match=r"clem-extract ended with 1: .*mount their disk"):
        run_night(asked, run_here)  # 6: a disk is missing
    (home.folder / "unmounted").rename(home.music)
    for _ in range(7):
        run_night(asked, run_here)  # 7 to 13: nothing is new
    home.rate(range(24, 32))
    run_night(asked, run_here)  # 14

    clean = home.asked("clean")
    run_night(clean, run_here)

    assert content_of(asked) == content_of(clean)
    assert sorted(path.name for path in asked.models.folder.iterdir()) == ["0002", "0003", "current"]
