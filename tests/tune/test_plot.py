"""The page of a study: what is in it, and what a real browser makes of it."""

import json
import re
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from ml_skeleton.tuning.importance import FEWEST_TRIALS, importance
from ml_skeleton.tuning.objective import parse_objectives
from ml_skeleton.tuning.records import TrialRecord, read_trials
from ml_skeleton.tuning.space import Setting
from ml_skeleton.tuning.study import new_plan, open_study, read_study
from ml_skeleton.tuning.trial_folder import Result, trial_folder
from ml_skeleton_tune.plot import charts, table
from ml_skeleton_tune.plot.page import html_of, write_page
from ml_skeleton_tune.plot.parallel import parallel_coordinates
from ml_skeleton_tune.plot.study import see_study

EVIL = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> & 'é' 日本 %{x}"
COMMAND = ["train", "{lr:log:1e-5:1e-1}", "{opt}", "--mom={mom}", "{evil}", "{layers:int:2:4}"]
PARAMS = ["opt=choice:sgd,adam", "mom=float:0.5:0.9 if opt==sgd", f"evil=choice:{json.dumps([EVIL, 'b'])}"]


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Path]:
    """Write the files of a study that is over, as a run leaves them."""

    def make(trials: int, metrics: tuple[str, ...] = ("loss:min",), states: tuple[str, ...] = ("complete",)) -> Path:
        plan = new_plan(COMMAND, PARAMS, None, parse_objectives(metrics, "last", None), 1)
        folder = tmp_path / f"study {trials} & <b>"
        open_study(folder, plan)
        for number in range(trials):
            params = {"lr": 10.0 ** -(1 + number % 4), "opt": ("sgd", "adam")[number % 2], "layers": 2 + number % 3}
            params |= {"evil": (EVIL, "b")[number % 2]} | ({} if number % 2 else {"mom": 0.6})
            state = states[number % len(states)]
            values = [params["layers"] + number / 1000, 1.0 / params["layers"]][: len(metrics)]
            values = values if state == "complete" else []
            trial = trial_folder(folder, number)
            settings = {name: Setting(str(value), value) for name, value in params.items()}
            trial.prepare(settings, ["train", EVIL, str(number)], nested=False)
            trial.metrics.write_text("".join(f'{{"step": {step}, "loss": {9 - step}}}\n' for step in range(3)))
            trial.stdout.write_text(f"10 %\r20 %\r{EVIL}\x1b[31mred\n")
            trial.write_result(
                Result(
                    number, state, values[0] if values else None, "" if values else EVIL, 0, 1.5, "now", "host", None
                )
                if not values
                else Result(number, state, values[0], "", 0, 1.5, "now", "host", None, values=values)
            )
        return folder

    return make


class Elements(HTMLParser):
    """The elements of a page, those that a parser finds and nobody meant included."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def page_of(folder: Path) -> str:
    return html_of(see_study(folder), folder / "plot.html", "/* plotly */")


def test_whatever_is_in_names_values_and_outputs_is_shown_as_text_and_adds_no_element(make_study):
    page = Elements(page_of(make_study(12)))

    assert not page.all("img") and len(page.all("script")) == 4
    assert not [name for _, attributes in page.found for name in attributes if name.startswith("on")]
    assert f"20 %\r{EVIL}" not in "".join(page.texts) and f"{EVIL}red" in "".join(page.texts)


def test_the_page_asks_for_nothing_but_the_files_of_the_study_behind_links(make_study):
    folder = make_study(3)
    page = Elements(page_of(folder))

    assert not [tag for tag, attributes in page.found if "src" in attributes or tag in ("link", "iframe", "object")]
    links = {link["href"] for link in page.all("a")}
    assert "trials/00002/stdout.log" in links and all(link.startswith(("#", "trials/")) for link in links if link)
    assert "default-src 'none'" in page.all("meta")[1]["content"]


def test_links_lead_to_the_trials_from_wherever_the_page_is(make_study, tmp_path):
    folder = make_study(1)
    page = Elements(html_of(see_study(folder), tmp_path / "pages/plot.html", ""))

    assert "../study%201%20%26%20%3Cb%3E/trials/00000/stdout.log" in {link["href"] for link in page.all("a")}


def test_every_figure_is_one_that_plotly_knows(make_study):
    from plotly.graph_objects import Figure

    study = see_study(make_study(30, ("loss:min", "size:max"), ("complete", "pruned", "complete", "failed")))
    drawn = [charts.history, charts.curves, charts.slices, charts.importances, charts.front, parallel_coordinates]
    figures = {draw.__name__: draw(study) for draw in drawn}

    assert {name: len(found) for name, found in figures.items()} == {
        "history": 2, "curves": 1, "slices": 5, "importances": 2, "front": 1, "parallel_coordinates": 1
    }  # fmt: skip
    for figure in [figure for found in figures.values() for figure in found]:
        Figure({"data": list(figure.data), "layout": dict(figure.layout)})  # raises for what it does not know


def test_a_parameter_that_a_trial_lacks_stands_below_its_axis(make_study):
    (figure,) = parallel_coordinates(see_study(make_study(4)))

    axis = next(one for one in figure.data[0]["dimensions"] if one["label"] == "mom")
    assert axis["ticktext"][0] == "—" and axis["values"] == [0.6, axis["tickvals"][0]] * 2


def test_a_study_without_a_complete_trial_still_has_its_page(make_study):
    page = page_of(make_study(2, states=("failed",)))

    assert "2 failed" in page and "0 trials are complete" in page


def test_a_study_without_any_trial_still_has_its_page(make_study):
    assert "none yet" in page_of(make_study(0))


def test_outputs_are_cut_so_that_a_thousand_trials_stay_a_page(make_study, monkeypatch):
    folder = make_study(2)
    trial_folder(folder, 0).stdout.write_text("a line of output\n" * 1000)
    monkeypatch.setattr(table, "LOG_BYTES", 4 * 100)

    page = page_of(folder)

    assert page.count("a line of output") == 5 and "… 16900 bytes before" in page


def test_importances_name_the_parameter_that_matters_also_among_conditional_ones(make_study):
    folder = make_study(60)

    found = importance(read_study(folder), read_trials(folder), 0)

    assert next(iter(found.shares)) == "layers" and set(found.shares) == {"layers", "lr", "opt", "mom", "evil"}
    assert sum(found.shares.values()) == pytest.approx(1)


def test_a_maximized_metric_has_the_importances_of_its_negative(make_study):
    folder = make_study(60)
    trials = read_trials(folder)
    upside_down = new_plan(COMMAND, PARAMS, None, parse_objectives(["loss:max"], "last", None), 1)
    negated = [TrialRecord(**{**vars(trial), "values": [-trial.values[0]]}) for trial in trials]

    assert importance(upside_down, negated, 0) == importance(read_study(folder), trials, 0)


@pytest.mark.parametrize(("trials", "lack"), [(FEWEST_TRIALS - 1, "9 trials are complete"), (FEWEST_TRIALS, "")])
def test_with_too_few_trials_there_are_no_importances_but_the_reason(make_study, trials, lack):
    folder = make_study(trials)

    found = importance(read_study(folder), read_trials(folder), 0)

    assert found.lack.startswith(lack) and bool(found.shares) == (not lack)


def test_plot_prints_where_the_page_is(make_study, tune):
    folder = make_study(2)

    assert tune("plot", folder).stdout == f"{folder}/plot.html\n"
    assert tune("plot", folder, "--out", "there/page.html").stdout == "there/page.html\n"


def test_plot_of_a_folder_that_holds_no_study_is_one_line(tune, tmp_path):
    assert tune("plot", tmp_path, code=3).stderr == f"tune: {tmp_path}: no study here; tune run makes one\n"


DRAWN = "[...document.querySelectorAll('.chart')].filter(one => one.querySelector('.main-svg')).length"


def test_a_real_browser_draws_every_chart_without_a_complaint_or_a_request_and_obeys_the_keyboard(make_study, browser):
    """One page for all, as starting a browser takes a second of a core."""
    page = write_page(make_study(30, ("loss:min", "size:max"), ("complete", "pruned", "complete", "failed")), None)
    browser.ask("Emulation.setDeviceMetricsOverride", width=1400, height=6000, deviceScaleFactor=1, mobile=False)
    browser.ask("Page.navigate", url=page.resolve().as_uri())
    end = time.monotonic() + 60
    while browser.value(f"document.readyState === 'complete' && {DRAWN}") != 12:
        assert time.monotonic() < end, browser.complaints

    ink = "getComputedStyle(document.querySelector('.xtick text')).fill"
    light = browser.value(ink)
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    while browser.value(ink) == light:
        assert time.monotonic() < end, "the charts do not follow the theme"
    browser.ask("Emulation.setDeviceMetricsOverride", width=500, height=900, deviceScaleFactor=1, mobile=True)
    assert browser.value("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than a phone"

    first = "document.querySelector('#trials tbody').id"
    browser.value("document.querySelector('#trials th:nth-child(3) button').focus()")
    browser.press("Enter")
    assert browser.value("document.activeElement.parentElement.getAttribute('aria-sort')") == "ascending"
    assert browser.value(first) == "trial-0"
    browser.press("Enter")
    assert browser.value(first) == "trial-26"  # the largest loss; trials without one stay last
    browser.value(f"document.querySelector('#' + {first} + ' .more').focus()")
    browser.press("Enter")
    assert browser.value(f"document.querySelector('#' + {first} + ' .output').innerText").count("red")

    assert re.fullmatch(r"study 30 & <b>: tune", browser.value("document.title"))
    complaints = [one for one in browser.complaints if "GL Driver Message" not in one]  # on its own speed, in software
    assert complaints == [] and [url for url in browser.requests if url != page.resolve().as_uri()] == []
