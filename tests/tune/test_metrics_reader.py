"""Reading a metrics file that others write."""

import pytest
from ml_skeleton.artifacts import metrics
from ml_skeleton.artifacts.metrics import MetricsLog, MetricsReader, read_metrics
from ml_skeleton.errors import UserError


def test_what_was_logged_is_read_back(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.step(0, {"loss": 0.5})
    log.result({"loss": 0.4, "ndcg": float("nan")})

    assert read_metrics(tmp_path / "metrics.jsonl") == ([{"step": 0, "loss": 0.5}], {"loss": 0.4, "ndcg": None})


def test_a_folder_is_refused_before_there_is_anything_to_log(tmp_path):
    with pytest.raises(UserError, match="a folder; --metrics names a file to append to"):
        MetricsLog(tmp_path)


def test_a_missing_file_has_no_lines_yet(tmp_path):
    assert read_metrics(tmp_path / "none.jsonl") == ([], None)


def test_a_file_that_is_begun_anew_is_read_from_its_start(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"loss": 1}\n{"loss": 2}\n')
    reader = MetricsReader(path)
    before = reader.read_new()
    path.write_text('{"loss": 3}\n')

    assert (before, reader.read_new()) == ([{"loss": 1}, {"loss": 2}], [{"loss": 3}])


def test_a_line_of_any_length_is_one_skipped_line(tmp_path, monkeypatch):
    monkeypatch.setattr(metrics, "LONGEST_LINE_BYTES", 64)
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"x": "' + "y" * 1000 + '"}\n{"loss": 1}\n')
    reader = MetricsReader(path)

    assert (reader.read_new(), reader.skipped) == ([{"loss": 1}], 1)
