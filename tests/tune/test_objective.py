"""Where the value of a trial is found, and what is no value."""

import json
from pathlib import Path

import pytest
from ml_skeleton.errors import UsageError
from ml_skeleton.tuning.objective import Point, Score, TrialMetrics, parse_objective
from ml_skeleton.tuning.trial_folder import TrialFolder


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    return TrialFolder(tmp_path)


def score(folder: TrialFolder, metric: str = "loss:min", reduce: str = "last", regex: str | None = None) -> Score:
    return TrialMetrics(folder, parse_objective(metric, reduce, regex)).score()


def test_the_line_without_step_is_the_result(folder):
    folder.metrics.write_text('{"step": 1, "loss": 0.1}\n{"loss": 0.3, "accuracy": 0.9}\n{"step": 2, "loss": 0.2}\n')

    assert score(folder) == Score(0.3, "", {"loss": 0.3, "accuracy": 0.9})


@pytest.mark.parametrize(("reduce", "expected"), [("last", 3.0), ("best", 1.0), ("mean", 2.0)])
def test_a_curve_without_result_comes_down_to_one_value(folder, reduce, expected):
    folder.metrics.write_text(
        "".join(json.dumps({"step": step, "loss": loss}) + "\n" for step, loss in enumerate([2, 1, 3]))
    )

    assert score(folder, reduce=reduce).value == expected


def test_the_best_of_a_metric_that_shall_be_large_is_its_largest_value(folder):
    folder.metrics.write_text('{"step": 0, "ndcg": 0.4}\n{"step": 1, "ndcg": 0.2}\n')

    assert score(folder, "ndcg:max", "best").value == 0.4


def test_each_source_counts_only_where_the_ones_before_it_do_not_name_the_metric(folder):
    folder.stderr.write_text("loss: 5\n")
    assert score(folder, regex=r"loss: (\S+)").value == 5
    folder.stdout.write_text("loss: 4\nloss: 4.5\n")
    assert score(folder, regex=r"loss: (\S+)").value == 4.5
    folder.stdout.write_text('epoch 1\n{"loss": 3}\n{"level": "info"}\nbye\n')
    assert score(folder, regex=r"loss: (\S+)").value == 3
    folder.summary.write_text('{"loss": 2}')
    assert score(folder).value == 2
    folder.metrics.write_text('{"accuracy": 1}\n')
    assert score(folder).value == 2
    folder.metrics.write_text('{"loss": 1}\n')
    assert score(folder).value == 1


def test_garbage_and_half_lines_are_skipped_and_counted(folder):
    folder.metrics.write_bytes(
        b'\xff\xfe\nloss 0.1\n{"loss": 0.5}\n[1]\n{"loss":\n' + b"[" * 5000 + b'\n\n{"loss": 0.1'
    )

    assert score(folder) == Score(0.5, "", {"loss": 0.5}, skipped_lines=5)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "null", '"good"', "true", "[1]", "1e999"])
def test_what_is_no_finite_number_is_no_value_and_says_so(folder, value):
    folder.metrics.write_text(f'{{"loss": {value}}}\n')

    found = score(folder)

    assert found.value is None and found.reason.startswith("loss is ")


def test_a_number_written_as_text_is_a_number(folder):
    folder.metrics.write_text('{"loss": "0.25"}\n')

    assert score(folder).value == 0.25


def test_a_missing_metric_says_what_is_there_instead(folder):
    folder.metrics.write_text('{"train_loss": 0.25}\nx\n{"loss": 1}')

    assert score(folder).reason == (
        "no loss: found train_loss in $TUNE_METRICS, metrics.json and stdout; 1 lines are not JSON; "
        "the last line of metrics.jsonl has no newline at its end"
    )


def test_only_the_newest_output_is_looked_at_and_it_suffices(folder, monkeypatch):
    monkeypatch.setattr("ml_skeleton.tuning.objective.NEWEST_OUTPUT_BYTES", 1000)
    folder.stdout.write_text("x" * 5000 + '\n{"loss": 1}\n' + "y\n" * 100)

    assert score(folder).value == 1


def test_points_are_offered_once_as_they_come(folder):
    metrics = TrialMetrics(folder, parse_objective("loss:min", "last", None))
    folder.metrics.write_text('{"step": 0, "loss": 2}\n{"step": 1, "lo')
    first = metrics.new_points()
    with open(folder.metrics, "a") as file:
        file.write('ss": 1}\n{"step": 1, "loss": 1}\n{"step": 2, "loss": NaN}\n')
        file.write('{"step": 2.5, "loss": 1}\n{"step": -1, "loss": 1}\n')

    assert (first, metrics.new_points(), metrics.new_points()) == ([Point(0, 2.0)], [Point(1, 1.0)], [])


def test_points_come_from_the_output_of_a_program_that_knows_no_metrics_file(folder):
    metrics = TrialMetrics(folder, parse_objective("loss:min", "last", None))
    folder.stdout.write_text('hello\n{"step": 3, "loss": 2}\n')

    assert metrics.new_points() == [Point(3, 2.0)]


@pytest.mark.parametrize("text", ["loss", "loss:down", ":min"])
def test_a_wrong_objective_is_refused(text):
    with pytest.raises(UsageError, match="expected NAME:min or NAME:max"):
        parse_objective(text, "last", None)


def test_a_wrong_regular_expression_is_refused():
    with pytest.raises(UsageError, match="not a regular expression"):
        parse_objective("loss:min", "last", "(")
