"""evaluate gate: what falls short does not pass, and says in what."""

from dataclasses import replace

import numpy as np
import pytest
from ml_skeleton.artifacts.embeddings import open_store
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
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.errors import InputError, UsageError, UserError
from ml_skeleton.music.rated import Targeting, rated_songs
from ml_skeleton_evaluate.gate import Terms, pass_or_fail
from ml_skeleton_evaluate.gather import gather

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
    def write(version, folder="new", made_from=None):
        parents = (Parent("embeddings", str(made_from), "f", version.version),) if made_from else ()
        made = Provenance("evaluation", FORMAT, "evaluate", parents=parents)
        return write_evaluation(tmp_path / folder, Evaluation(made, "p", 60, 60, {}, "", [version], []))

    return write


def judge(path, lows=None, highs=None, other=None, shipped=None):
    return pass_or_fail(path, None, Terms(lows or {}, highs or {}, other, shipped))


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


def test_a_version_is_no_worse_for_the_means_that_its_models_were_taught(write):
    good = measured(0.1)
    shifted = [
        replace(one, predicted={"new album": one.predicted["new album"] - true}, taught={"new album": -true})
        for one, true in zip(good.predictions, TRUE.tolist(), strict=True)
    ]

    assert judge(write(replace(good, predictions=shifted)), other=write(good, "old")) == "v2 passes"


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


def test_the_command_exits_with_one_or_prints_the_path(write, run_tool):
    path = write(measured(0.1))

    passed = run_tool("evaluate", "gate", path, "--min", "spearman=0.2", "--max", "unreachable=0.5")
    failed = run_tool("evaluate", "gate", "--min", "spearman=0.9", stdin=f"{path}\n")

    assert (passed.returncode, passed.stdout) == (0, f"{path}\n")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "evaluate: v2: spearman is 0.5, expected at least 0.9" in failed.stderr


def test_a_version_that_does_not_pass_is_the_newest_for_nobody_until_it_does(make_store, rated_library, write, capsys):
    path = make_store(rated_library)
    with open_store(path) as store:
        old = store.vectors("v1")
        store.add_version(replace(store.version("v1"), name="v2"))
        store.add_vectors("v2", old.audio_ids, old.matrix, old.rating_seen)
        evaluation = write(measured(0.1), made_from=path)

        with pytest.raises(UserError, match="does not pass"):
            pass_or_fail(evaluation, None, Terms({"spearman": 0.9}, {}), mark=True)
        rejected = (
            store.version("v2").rejected,
            rated_songs(store).version,
            gather(store, None, 0.7, Targeting()).versions[0].version,
        )
        pass_or_fail(evaluation, None, Terms({"spearman": 0.2}, {}), mark=True)
        passed = (store.version("v2").rejected, rated_songs(store).version)

    assert rejected == ("spearman is 0.5, expected at least 0.9", "v1", "v2")
    assert passed == (None, "v2")
    assert "v2 was rejected (spearman is 0.5, expected at least 0.9), v1 is used" in capsys.readouterr().err


def test_a_store_of_which_all_was_rejected_says_what_can_be_done(make_store, rated_library):
    with open_store(make_store(rated_library)) as store:
        store.set_rejected("v1", "too low")

        with pytest.raises(InputError, match=r"rejected all there is \(v1\); name one with --version"):
            store.version(None)


def test_versions_side_by_side_cannot_be_marked(write):
    with pytest.raises(UsageError, match="--mark: v2 is no version of a store, but several side by side"):
        pass_or_fail(write(measured(0.1)), None, Terms({"spearman": 0.2}, {}), mark=True)
