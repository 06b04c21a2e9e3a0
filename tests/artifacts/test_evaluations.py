"""evaluation.json: what is written comes back, and nothing else is taken for one."""

from dataclasses import replace

import pytest
from ml_skeleton.artifacts.evaluations import (
    FORMAT,
    Comparison,
    Evaluation,
    Figure,
    Gain,
    Learned,
    Measured,
    Prediction,
    Situation,
    earlier_evaluation,
    read_evaluation,
    write_evaluation,
)
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.errors import InputError

SITUATION = Situation(
    songs=7,
    figures={
        "model": {"spearman": Figure(0.4, 0.1, 0.6), "rmse_stars": Figure(0.9)},
        "genre": {"spearman": Figure(None)},
    },
    gain=Gain("genre", 0.4, 0.1, 0.6),
    verdict="fine",
)
MEASURED = Measured(
    version="v1",
    situations={
        "new album": SITUATION,
        "new artist": replace(
            SITUATION, gain=Gain("genre", 0.1, None, None), gain_over_deaf=Gain("genre", 0.1, 0.05, 0.2)
        ),
    },
    leakage=Figure(0.1, -0.1, 0.3),
    covered={"0.8": 0.75},
    learning=[Learned(0.25, 5, {"spearman": Figure(0.2)})],
    space={"unreachable": 0.1, "album_map": None},
    predictions=[Prediction("a", "Ünïcödé – Title", "x|||y", 0.8, {"new album": 0.61}, 0.2, 0.9, 3)],
    verdict="fine",
)
EVALUATION = Evaluation(
    provenance=Provenance("evaluation", FORMAT, "evaluate", {"folds": 5}, 42),
    purpose="p",
    rated_songs=30,
    tested_songs=7,
    ceiling={"low_stars": 0.5, "high_stars": 0.8, "source": "somebody"},
    verdict="fine",
    versions=[MEASURED],
    comparisons=[Comparison("v1", "v2", {"new album": {"spearman": Figure(0.1, 0, 0.2)}}, 0.5, 0.3, 100, "better")],
)


def test_an_evaluation_comes_back_as_it_was(tmp_path):
    assert read_evaluation(write_evaluation(tmp_path, EVALUATION)) == EVALUATION


def test_figures_of_new_albums_go_by_their_own_name_and_others_by_that_of_the_situation():
    both = {"songs": 7, "spearman": 0.4, "rmse_stars": 0.9}

    assert MEASURED.figure_values() == {
        **both,
        **{f"new_artist.{name}": value for name, value in both.items()},
        "gain": 0.4,
        "gain_low": 0.1,
        "new_artist.gain": 0.1,
        "new_artist.gain_low": None,
        "new_artist.gain_over_deaf": 0.1,
        "new_artist.gain_over_deaf_low": 0.05,
        "leakage": 0.1,
        "covered": 0.75,
        "unreachable": 0.1,
        "album_map": None,
    }


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"ml_skeleton": {"kind": "evaluation"}}'])
def test_another_json_file_is_refused(tmp_path, text):
    (tmp_path / "evaluation.json").write_text(text)

    with pytest.raises(InputError, match=r"evaluation.json: (not an evaluation|carries no provenance)"):
        read_evaluation(tmp_path / "evaluation.json")


def test_a_truncated_file_is_refused(tmp_path):
    path = write_evaluation(tmp_path, EVALUATION)
    path.write_text(path.read_text()[:-20])

    with pytest.raises(InputError, match="make it again with: evaluate"):
        read_evaluation(path)


def test_another_format_number_is_refused(tmp_path):
    path = write_evaluation(tmp_path, EVALUATION)
    path.write_text(path.read_text().replace(f'"format": {FORMAT}', '"format": 1'))

    with pytest.raises(InputError, match=f"evaluation format 1, this version reads format {FORMAT}"):
        read_evaluation(path)


def test_an_earlier_format_may_be_replaced_and_a_later_one_may_not(tmp_path):
    path = write_evaluation(tmp_path, EVALUATION)
    text = path.read_text()

    assert earlier_evaluation(tmp_path / "none.json") is None
    assert earlier_evaluation(path) == EVALUATION
    path.write_text(text.replace(f'"format": {FORMAT}', '"format": 1'))
    assert earlier_evaluation(path) is None
    path.write_text(text.replace(f'"format": {FORMAT}', '"format": 9'))
    with pytest.raises(InputError, match="evaluation format 9"):
        earlier_evaluation(path)


def test_a_folder_is_refused_with_the_name_of_the_file_in_it(tmp_path):
    with pytest.raises(InputError, match=r"a folder, expected an evaluation such as .*evaluation\.json"):
        read_evaluation(tmp_path)
