"""evaluation.json: what is written comes back, and nothing else is taken for one."""

import pytest
from ml_skeleton.artifacts.evaluations import Evaluation, Prediction, read_evaluation, write_evaluation
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.errors import InputError

EVALUATION = Evaluation(
    provenance=Provenance("evaluation", 1, "evaluate", {"folds": 5}, 42),
    purpose="p",
    version="v1",
    rated_songs=30,
    tested_songs=7,
    figures={"model": {"songs": 7, "spearman": None, "rmse_stars": 0.9}},
    verdict="no audio signal shown",
    predictions=[Prediction("a", "Ünïcödé – Title", 0.8, 0.61)],
)


def test_an_evaluation_comes_back_as_it_was(tmp_path):
    assert read_evaluation(write_evaluation(tmp_path, EVALUATION)) == EVALUATION


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
    path.write_text(path.read_text().replace('"format": 1', '"format": 9'))

    with pytest.raises(InputError, match="evaluation format 9, this version reads format 1"):
        read_evaluation(path)
