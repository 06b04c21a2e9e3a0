"""The tools of this repository are tuned through tune: spaces, recipes, and the best settings as configuration."""

import importlib
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from ml_skeleton.tuning.grammar import read_space
from ml_skeleton.tuning.objective import parse_objectives
from ml_skeleton.tuning.space import Number, Parameter, Setting
from ml_skeleton.tuning.study import Plan, new_plan, open_study
from ml_skeleton.tuning.trial_folder import Result, trial_folder
from ml_skeleton_train_encoder.outcome import UNKNOWN
from shell import JUST, lines_of_recipe

ROOT = Path(__file__).resolve().parents[2]
TOOLS = {"encoder": "train-encoder", "classifier": "train-classifier"}
ENDS = {"low": lambda found: found.low, "high": lambda found: found.high}


@pytest.fixture
def recipe_lines(tmp_path):
    """The command lines of a recipe, as words, with all settings in a folder whose name has a space."""
    if JUST is None:
        pytest.skip("just is not installed")

    def lines(*recipe: str) -> list[list[str]]:
        settings = [f"out={tmp_path}/my music", f"db={tmp_path}/my music/library.db"]
        return [shlex.split(line) for line in lines_of_recipe(*settings, *recipe, folder=ROOT)]

    return lines


def tuning_line(lines: list[list[str]], tool: str) -> list[str]:
    return next(line for line in lines if line[:2] == ["tune", "run"] and tool in line)


def parsed(tool: str, arguments: list[str]) -> dict[str, Any]:
    """Return what the tool's own command line makes of arguments, without running it."""
    app = importlib.import_module(f"ml_skeleton_{tool.replace('-', '_')}.cli").app
    return typer.main.get_command(app).make_context(tool, arguments).params


def plan_of_recipe(lines: list[list[str]], tool: str) -> Plan:
    line = tuning_line(lines, tool)
    command = line[line.index("--") + 1 : line.index(">/dev/null")]
    return new_plan(
        command,
        None,
        ROOT / line[line.index("--space") + 1],
        parse_objectives([line[line.index("-m") + 1]], "last", None),
        1,
    )


def at_an_end(end: str):
    def choose(parameter: Parameter) -> float | str:
        domain = parameter.domain
        if isinstance(domain, Number):
            return ENDS[end](domain)
        return domain.texts[0 if end == "low" else -1]

    return choose


def alike(value: Any) -> float | str:
    """Return what 3, 3.0 and the text of either have in common."""
    try:
        return float(value)
    except ValueError:
        return str(value)


@pytest.mark.parametrize("what", TOOLS)
@pytest.mark.parametrize("end", ENDS)
def test_the_tool_takes_every_command_line_at_the_ends_of_its_space(recipe_lines, what, end):
    plan = plan_of_recipe(recipe_lines(f"tune-{what}"), TOOLS[what])
    settings = plan.space.settle(at_an_end(end))

    texts = {name: setting.text for name, setting in settings.items()}
    tool, *arguments = plan.template.fill(texts | {"dir": "/trial"})
    given = parsed(tool, arguments)

    assert tool == TOOLS[what]
    assert {name: alike(given[name]) for name in settings} == {name: alike(one.value) for name, one in settings.items()}


@pytest.mark.parametrize("what", TOOLS)
@pytest.mark.parametrize("end", ENDS)
def test_the_tool_takes_the_best_settings_as_its_configuration(recipe_lines, tune, tmp_path, what, end):
    """A study as if a trial had been the best, its section written over the real configuration file."""
    plan = plan_of_recipe(recipe_lines(f"tune-{what}"), TOOLS[what])
    study, settings = tmp_path / "study", plan.space.settle(at_an_end(end))
    finish_trial(study, plan, settings)
    base = ROOT / "configs/music_recommendation.yaml"

    tune("best", study, "--as-config", TOOLS[what], "--base", base, "--out", "tuned.yaml")

    config = tmp_path / "tuned.yaml"
    given = parsed(TOOLS[what], ["--config", str(config)])
    assert {name: alike(given[name]) for name in settings} == {name: alike(one.value) for name, one in settings.items()}
    others = {name: section for name, section in yaml.safe_load(base.read_text()).items() if name != TOOLS[what]}
    assert others.items() <= yaml.safe_load(config.read_text()).items()


def finish_trial(study: Path, plan: Plan, settings: dict[str, Setting]) -> None:
    open_study(study, plan)
    trial = trial_folder(study, 0)
    trial.prepare(settings, [], nested=False)
    trial.write_result(Result(0, "complete", 0.5, "", 0, 1.0, "", "", None, values=[0.5]))


def test_the_tuned_pipeline_trains_and_recommends_with_the_file_that_tuning_wrote(recipe_lines, tmp_path):
    lines = recipe_lines("music-pipeline-tuned", "7")
    tuned = f"{tmp_path}/my music/tuned.yaml"

    assert tuning_line(lines, "train-encoder")[2:4] == ["-n", "7"]
    assert ["--out", tuned] == next(line for line in lines if line[:2] == ["tune", "best"])[-2:]
    inner = [line for line in lines if line[0] == "just" and f"config={tuned}" in line]
    assert [line[line.index(f"config={tuned}") + 1 :] for line in inner] == [
        ["train", "embed", "tune-classifier", "7"],
        ["control", "evaluate", "mark", "classify", "recommend"],
    ]
    assert {f"out={tmp_path}/my music", f"db={tmp_path}/my music/library.db"} <= set(inner[0])


def test_each_recipe_reads_the_tuned_file_it_is_given(recipe_lines, tmp_path):
    tuned = f"{tmp_path}/my music/tuned.yaml"

    for recipe in ("train", "embed", "classify", "evaluate", "recommend"):
        line = recipe_lines(f"config={tuned}", recipe)[-1]
        assert line[line.index("--config") + 1] == tuned


@pytest.mark.parametrize("what", TOOLS)
def test_a_space_can_be_read_by_itself(what):
    assert len(read_space(ROOT / f"configs/tune_{what}.yaml")) >= 4


def test_the_encoder_is_tuned_for_a_figure_that_it_reports_after_every_epoch(recipe_lines):
    line = tuning_line(recipe_lines("tune-encoder"), "train-encoder")

    name, _, direction = line[line.index("-m") + 1].partition(":")

    assert (name in UNKNOWN, direction) == (True, "max")
