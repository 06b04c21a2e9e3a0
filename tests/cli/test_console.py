"""What all command lines share: the pipe, the configuration file, signals, and one line for an error."""

import io
import os
import re
import signal
import sys

import pytest
from ml_skeleton.console import Progress, json_object, note, path_from_pipe
from ml_skeleton.errors import InputError, UsageError
from ml_skeleton.interrupts import stop_request
from ml_skeleton.tuning.signals import Signals

TOOLS = ["train-encoder", "embed", "train-classifier", "evaluate", "recommend"]
# root as well may read no more than the permissions of a file say
UNPRIVILEGED = "setpriv --bounding-set=-dac_override,-dac_read_search " if os.geteuid() == 0 else ""
READS = {
    "train-encoder": ("crops folder", "clem-extract"),
    "embed": ("encoder", "train-encoder"),
    "train-classifier": ("embedding database", "embed"),
    "evaluate": ("embedding database", "embed"),
    "recommend": ("classifier", "train-classifier"),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_an_empty_pipe_says_which_command_should_have_written(run_tool, tool):
    what, made_by = READS[tool]

    done = run_tool(tool)

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        f"{tool}: standard input: empty, expected the path of: {what}; {made_by} prints it, see its message above\n"
    )


@pytest.mark.parametrize("tool", TOOLS)
def test_a_path_that_does_not_exist_is_one_line(run_tool, tool, tmp_path):
    done = run_tool(tool, "nowhere.db" if "database" in READS[tool][0] else "nowhere")

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert done.stderr.startswith(f"{tool}: nowhere")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["clem-extract --db", "tune status", *TOOLS])
@pytest.mark.parametrize("closed", ["closed.db", "closed/x.db"])
def test_a_path_without_permission_is_one_line_and_no_usable_input(run_shell, tmp_path, command, closed):
    (tmp_path / closed).parent.mkdir(exist_ok=True)
    (tmp_path / closed).touch()
    (tmp_path / closed.split("/")[0]).chmod(0)

    done = run_shell(f"{UNPRIVILEGED}{command} {closed}")

    (tmp_path / closed.split("/")[0]).chmod(0o700)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert closed in done.stderr


@pytest.mark.parametrize("tool", ["clem-extract", *TOOLS])
def test_an_unknown_option_is_one_line_of_wrong_usage(run_tool, tool):
    done = run_tool(tool, "--xyzzy")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{tool}: No such option: --xyzzy; see {tool} --help\n"


@pytest.mark.parametrize("tool", ["clem-extract", *TOOLS])
def test_every_command_says_how_the_shell_completes_it(run_tool, tool):
    done = run_tool(tool, "--show-completion", "bash")

    assert (done.returncode, f"complete -o default -F _{tool.replace('-', '_')}_completion {tool}" in done.stdout) == (
        0,
        True,
    )


def test_a_wrong_value_in_the_configuration_names_the_file_and_the_option(run_tool, tmp_path):
    (tmp_path / "c.yaml").write_text("recommend: {top: many}\n")

    done = run_tool("recommend", "--config", "c.yaml")

    assert done.stderr.startswith("recommend: c.yaml: option 'top': found 'many': ")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_several_lines_on_standard_input_are_refused(monkeypatch):
    monkeypatch.setattr(sys, "stdin", __import__("io").StringIO("a\nb\n"))

    with pytest.raises(InputError, match="2 lines, expected one path, of: crops folder from clem-extract"):
        path_from_pipe(None, "crops folder", "clem-extract")


def test_a_pipe_whose_left_side_failed_fails_as_well_and_makes_nothing(run_shell, tmp_path):
    done = run_shell("clem-extract --db missing.db | train-encoder")

    assert (done.returncode, done.stdout) == (3, "")
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["clem-extract", "train-encoder"]
    assert list(tmp_path.iterdir()) == []


def test_the_configuration_file_gives_defaults_and_a_flag_beats_it(run_tool, make_store, rated_library, tmp_path):
    store = make_store(rated_library)
    (tmp_path / "c.yaml").write_text(
        "train-classifier: {model: mlp, max_steps: 3, out: from_file.pt}\nembed: {device: cpu}\n"
    )

    first = run_tool("train-classifier", store, "--config", "c.yaml")
    second = run_tool("train-classifier", store, "--config", "c.yaml", "--out", "flag.pt", "--metrics", "m.jsonl")

    assert [first.stdout, second.stdout] == ["from_file.pt\n", "flag.pt\n"]
    assert len((tmp_path / "m.jsonl").read_text().splitlines()) == 1 + 3 + 1


def test_a_path_of_the_configuration_may_begin_in_the_home_folder_as_in_a_shell(run_tool, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "c.yaml").write_text("clem-extract: {db: ~/none.db}")

    done = run_tool("clem-extract", "--config", "c.yaml")

    assert (done.returncode, done.stderr.startswith(f"clem-extract: {tmp_path}/none.db: ")) == (3, True), done.stderr


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("train-classifier: {max-stepz: 3}", 2, "unknown option 'max_stepz'; did you mean 'max_steps'?"),
        ("train_classifier: {max_steps: 3}", 2, "section 'train_classifier': no such tool; did you mean"),
        ("train-classifier: [1]", 2, "section 'train-classifier': found list, expected option: value lines"),
        ("train-classifier: {max_steps: many}", 2, "valid integer"),
        ("a: [", 2, "not a YAML file"),
        (None, 3, "cannot read the configuration: No such file"),
    ],
)
def test_a_wrong_configuration_file_is_said_by_name(run_tool, tmp_path, text, code, message):
    if text is not None:
        (tmp_path / "c.yaml").write_text(text)

    done = run_tool("train-classifier", "store.db", "--config", "c.yaml")

    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr and "Traceback" not in done.stderr


def test_quiet_says_nothing_but_the_path(run_tool, make_store, rated_library):
    done = run_tool("train-classifier", make_store(rated_library), "--quiet")

    assert (done.stdout, done.stderr) == ("checkpoints/classifier.pt\n", "")


def test_an_option_that_holds_no_json_object_is_wrong_usage():
    with pytest.raises(UsageError, match="not JSON"):
        json_object("--encoder-args", "{width: 3}")
    with pytest.raises(UsageError, match="expected a JSON object"):
        json_object("--encoder-args", "[3]")


class InterruptedOnce(io.RawIOBase):
    """A file into whose first bytes a Ctrl-C falls."""

    interrupted = False

    def writable(self):
        return True

    def write(self, data):
        if not self.interrupted:
            self.interrupted = True
            signal.raise_signal(signal.SIGINT)
        return len(data)


@pytest.mark.parametrize(
    ("heeding", "answer"), [(stop_request, "finishing what is in flight"), (Signals, "no further trials")]
)
def test_a_signal_in_the_middle_of_a_line_is_answered(monkeypatch, capfd, heeding, answer):
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BufferedWriter(InterruptedOnce())))
    with heeding():
        note("a line")

    assert answer in capfd.readouterr().err


def test_progress_without_a_terminal_is_plain_lines(capsys, monkeypatch):
    monkeypatch.setattr("ml_skeleton.console.PLAIN_PROGRESS_EVERY_S", 0.0)
    counter = Progress("reading", 4, "songs")
    counter.advance(2, "1 unreadable")
    counter.advance(2)

    lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r".*: reading: 2/4 songs, .*/s, 0 s left, 1 unreadable", lines[0])
    assert re.fullmatch(r".*: reading: 4/4 songs, [^,]*/s", lines[1])


def test_a_shell_that_completes_is_told_the_options(run_tool):
    asks = {"COMP_WORDS": "embed --sto", "COMP_CWORD": "1", "_EMBED_COMPLETE": "complete_bash"}

    assert run_tool("embed", env=asks).stdout == "--store\n"
