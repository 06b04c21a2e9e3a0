"""A study for other programs: JSON, CSV, Parquet, a configuration file, MLflow rebuilt from the files."""

import csv
import io
import json
import pty
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from ml_skeleton_tune.formats import Table, as_parquet, as_text, refuse_terminal

COMMAND = """
echo '{"step": 0, "loss": 3}' >>"$TUNE_METRICS"
echo '{"step": 1, "loss": 2, "acc": 0.5}' >>"$TUNE_METRICS"
[ "$TUNE_TRIAL" != 1 ] || exit 1
echo "{\\"loss\\": $1, \\"acc\\": 1}" >>"$TUNE_METRICS"
"""
POINTS = [
    {"metric": "loss", "step": 0, "value": 3.0},
    {"metric": "loss", "step": 1, "value": 2.0},
    {"metric": "acc", "step": 1, "value": 0.5},
]


@pytest.fixture
def finished(study, script):
    """Two trials of which the second failed, with values that are hard on formats."""
    choice = json.dumps(['a, "b"\n日本', "plain"])
    params = ["lr=float:0:1", f"text=choice:{choice}", "state=bool", "mom=float:0:1 if text==plain", "n=fixed:7"]
    command = ["sh", script(COMMAND), "{lr}", "{text}", "{?state}", "--mom={mom}", "{n}"]
    first = {"lr": 0.25, "text": 'a, "b"\n日本', "state": True}
    second = {"lr": 1e-05, "text": "plain", "state": False, "mom": 0.5}
    study.run(*command, n=2, params=params, enqueue=[json.dumps(first), json.dumps(second)])
    return study.folder


def test_json_holds_parameters_values_metrics_and_curves(finished, tune):
    rows = json.loads(tune("export", finished, "--json").stdout)

    assert [(row["trial"], row["state"], row["values"]) for row in rows] == [
        (0, "complete", {"loss": 0.25}),
        (1, "failed", {}),
    ]
    assert rows[1]["params"] == {"lr": 1e-05, "text": "plain", "state": False, "mom": 0.5, "n": 7}
    assert rows[0]["curves"] == {"loss": [[0, 3.0], [1, 2.0]], "acc": [[1, 0.5]]}
    assert rows[0]["metrics"] == {"loss": 0.25, "acc": 1.0} and rows[1]["reason"] == "exit 1"


def test_csv_has_a_column_for_each_parameter_and_the_curves_as_json(finished, tune):
    first, second = csv.DictReader(io.StringIO(tune("export", finished, "--csv").stdout))

    assert (first["params.text"], first["params.mom"], first["params.state"]) == ('a, "b"\n日本', "", "true")
    assert (second["params.lr"], second["values.loss"], second["metrics.acc"]) == ("1e-05", "", "0.5")
    assert json.loads(first["curves"]) == POINTS


def test_parquet_keeps_the_types(finished, tune, tmp_path):
    assert tune("export", finished, "--parquet", "--out", "trials.parquet").stdout == "trials.parquet\n"

    table = pq.read_table(tmp_path / "trials.parquet")
    first, second = table.to_pylist()
    assert (first["params.lr"], first["params.state"], first["params.n"], first["params.mom"]) == (0.25, True, 7, None)
    assert (second["state"], second["values.loss"], second["curves"]) == ("failed", None, POINTS)


def test_a_study_without_trials_has_columns_and_no_rows():
    table = Table(["trial", "values.loss"], [])

    assert (as_text(table, "csv"), as_text(table, "json")) == ("trial,values.loss", "[]")
    assert pq.read_table(io.BytesIO(as_parquet(table))).column_names == ["trial", "values.loss"]


def test_a_parquet_column_of_several_kinds_holds_their_json():
    table = Table(["x"], [{"x": 1}, {"x": "a"}, {"x": None}, {"x": True}])

    assert pq.read_table(io.BytesIO(as_parquet(table)))["x"].to_pylist() == ["1", '"a"', None, "true"]


@pytest.mark.parametrize("command", ["best", "trials", "status"])
def test_best_trials_and_status_are_there_for_programs_too(finished, tune, command):
    from_json = json.loads(tune(command, finished, "--json").stdout)
    from_csv = list(csv.DictReader(io.StringIO(tune(command, finished, "--csv").stdout)))

    assert from_json and len(from_csv) == (2 if command == "trials" else 1)
    if command == "trials":
        assert (from_csv[0]["state"], from_csv[0]["params.state"]) == ("complete", "true")


def test_parquet_goes_to_a_pipe_and_not_to_a_terminal(finished, monkeypatch, capfdbinary):
    from ml_skeleton_tune.report import trials_report

    trials_report(finished, "parquet")

    assert pq.read_table(io.BytesIO(capfdbinary.readouterr().out))["loss"].to_pylist() == [0.25, None]
    person, program = pty.openpty()
    with open(person, "rb", buffering=0), open(program, "w") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        with pytest.raises(Exception, match="a terminal cannot show it"):
            refuse_terminal("parquet", None)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("export", "."), "expected one of --json, --csv, --parquet and --mlflow URI"),
        (("export", ".", "--json", "--mlflow", "x"), "expected one of"),
        (("trials", ".", "--json", "--csv"), "--json and --csv: choose one"),
        (("best", ".", "--out", "x"), "--base and --out: only with --as-config"),
        (("best", ".", "--as-config", "tool", "--json"), "--as-config and --json: choose one"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(tune, arguments, expected):
    assert expected in tune(*arguments, code=2).stderr


def test_the_best_parameters_become_a_section_and_the_rest_of_the_file_stays(finished, tune, tmp_path):
    base = tmp_path / "base.yaml"
    base.write_text("extract: {rate: 16000}\ntrain: {lr: 0.5, epochs: 3}\nembed:\n")

    printed = tune("best", finished, "--as-config", "train", "--base", base).stdout

    assert yaml.safe_load(printed) == {
        "extract": {"rate": 16000},
        "train": {"lr": 0.25, "epochs": 3, "text": 'a, "b"\n日本', "state": True, "n": 7},
        "embed": None,
    }


def test_a_configuration_file_can_be_brought_up_to_date_in_place(finished, tune, tmp_path):
    config = tmp_path / "tuned.yaml"
    config.write_text("other: {x: 1}\n")

    assert tune("best", finished, "--as-config", "train", "--base", config, "--out", config).stdout == f"{config}\n"
    assert yaml.safe_load(config.read_text())["other"] == {"x": 1}


@pytest.mark.parametrize("text", ["[1, 2]", "a: 3", "a: [", "\x80"])
def test_what_is_no_configuration_file_is_refused_in_one_line(finished, tune, tmp_path, text):
    (tmp_path / "base.yaml").write_bytes(text.encode("latin-1"))

    done = tune("best", finished, "--as-config", "train", "--base", "base.yaml", code=1)

    assert done.stderr.startswith("tune: base.yaml: ") and done.stderr.count("\n") == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own use of SQLAlchemy
def test_mlflow_is_rebuilt_from_the_files_also_after_its_database_was_lost(finished, tune, mlflow_uri):
    from mlflow import MlflowClient

    def runs(uri: str) -> dict[str, str]:
        client = MlflowClient(uri)
        experiment = client.get_experiment_by_name("tune").experiment_id
        return {run.info.run_name: run.info.status for run in client.search_runs([experiment])}

    first = tune("export", finished, "--mlflow", mlflow_uri).stderr.splitlines()[-1]
    again = tune("export", finished, "--mlflow", mlflow_uri).stderr.splitlines()[-1]
    MlflowClient(mlflow_uri).delete_run(json.loads((finished / "mlflow.json").read_text())[mlflow_uri]["run"])
    rebuilt = tune("export", finished, "--mlflow", mlflow_uri).stderr.splitlines()[-1]

    assert (first, again, rebuilt) == tuple(f"tune: {n} trials sent to MLflow at {mlflow_uri}" for n in (2, 0, 2))
    assert runs(mlflow_uri) == {"study": "FINISHED", "trial 0": "FINISHED", "trial 1": "FAILED"}


def test_a_server_that_does_not_answer_is_one_line_and_a_failure(finished, tune):
    done = tune("export", finished, "--mlflow", "http://127.0.0.1:9", code=1)

    assert done.stderr.startswith("tune: MLflow at http://127.0.0.1:9: ") and done.stderr.count("\n") == 1
    assert not Path(finished / "mlflow.json").exists()
