"""evaluate gate: what falls short does not pass, and says in what."""

from dataclasses import replace

import numpy as np
import pytest
from ml_skeleton.artifacts.evaluations import (
    FORMAT,
    Evaluation,
    Figure,
    Gain,
    Measured,
    Prediction,
    Situation,
    write_evaluation,
)
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.errors import UsageError, UserError
from ml_skeleton_evaluate.gate import pass_or_fail
from ml_skeleton_evaluate.limits import limits_of

TRUE = np.random.default_rng(0).random(60).round(1)


def measured(noise, spearman=0.5):
    """Return a version that predicts the ratings with so much noise."""
    guessed = TRUE + noise * np.random.default_rng(1).standard_normal(len(TRUE))
    predictions = [
        Prediction(f"{n:02d}", "", f"album {n // 3}", float(true), {"new album": float(said)}, 0.0, 1.0, 0)
        for n, (true, said) in enumerate(zip(TRUE, guessed, strict=True))
    ]
    figures = {"model": {"spearman": Figure(spearman, 0.3, 0.7), "auc_loved": Figure(None)}}
    situation = Situation(len(TRUE), figures, Gain("genre", 0.2, 0.1, 0.3), "")
    return Measured(
        "v2", {"new album": situation}, Figure(0.0), {"0.8": 0.8}, [], {"unreachable": 0.4}, predictions, ""
    )


@pytest.fixture
def write(tmp_path):
    def write(version, folder="new"):
        made = Provenance("evaluation", FORMAT, "evaluate")
        return write_evaluation(tmp_path / folder, Evaluation(made, "p", 60, 60, {}, "", [version], []))

    return write


def judge(path, lows=None, highs=None, other=None, shipped=None):
    return pass_or_fail(path, None, lows or {}, highs or {}, other, shipped)


def test_what_keeps_every_limit_passes(write):
    assert judge(write(measured(0.1)), {"spearman": 0.5}, {"unreachable": 0.4}) == "v2 passes"


def test_each_shortfall_is_a_line_of_its_own(write, capsys):
    with pytest.raises(UserError, match="v2 does not pass, so what ships now should stay"):
        judge(write(measured(0.1)), {"spearman": 0.6, "auc_loved": 0.5}, {"unreachable": 0.3})

    assert [line.partition(": ")[2] for line in capsys.readouterr().err.splitlines()] == [
        "v2: spearman is 0.5, expected at least 0.6",
        "v2: auc_loved is undefined, expected at least 0.5",
        "v2: unreachable is 0.4, expected at most 0.3",
    ]


def test_an_unknown_figure_is_refused_with_the_nearest_ones(write):
    with pytest.raises(UsageError, match="--min spearmen: no such figure; did you mean spearman"):
        judge(write(measured(0.1)), {"spearmen": 0.2})


def test_a_gate_without_a_limit_is_refused(write):
    with pytest.raises(UsageError, match="no limit given"):
        judge(write(measured(0.1)))


def test_a_version_that_ranks_worse_than_what_ships_does_not_pass(write, capsys):
    new, old = write(measured(2.0)), write(replace(measured(0.05), version="v1"), "old")

    with pytest.raises(UserError):
        judge(new, other=old)

    assert "ranks worse than v1 of" in capsys.readouterr().err
    assert judge(old, other=new) == "v1 passes"


def test_a_difference_within_chance_passes(write):
    assert judge(write(measured(0.31)), other=write(measured(0.3), "old")) == "v2 passes"


def test_what_passes_takes_the_place_of_what_ships_and_what_does_not_leaves_it(write, tmp_path):
    shipped = tmp_path / "ships" / "shipped.json"
    good, bad = write(measured(0.05)), write(measured(2.0), "bad")

    judge(good, shipped=shipped)
    assert shipped.read_bytes() == good.read_bytes()
    with pytest.raises(UserError):
        judge(bad, shipped=shipped)
    assert shipped.read_bytes() == good.read_bytes()


@pytest.mark.parametrize("text", ["spearman", "spearman=", "spearman=high", "=0.2", "spearman=nan"])
def test_a_limit_is_a_figure_and_a_number(text):
    with pytest.raises(UsageError, match="expected FIGURE=NUMBER such as --min spearman="):
        limits_of("--min", [text])


def test_the_command_exits_with_one_or_prints_the_path(write, run_tool):
    path = write(measured(0.1))

    passed = run_tool("evaluate", "gate", path, "--min", "spearman=0.2", "--max", "unreachable=0.5")
    failed = run_tool("evaluate", "gate", "--min", "spearman=0.9", stdin=f"{path}\n")

    assert (passed.returncode, passed.stdout) == (0, f"{path}\n")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "evaluate: v2: spearman is 0.5, expected at least 0.9" in failed.stderr
