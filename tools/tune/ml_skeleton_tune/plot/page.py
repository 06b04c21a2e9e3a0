"""The page itself: one HTML file with its style, its scripts and its figures."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ml_skeleton.artifacts.files import write_text
from ml_skeleton.pages.shell import Page, html_of_page, plotly_script, theme_button
from ml_skeleton.pages.text import escaped
from ml_skeleton.tuning.records import count_states

from ml_skeleton_tune.plot import charts
from ml_skeleton_tune.plot.parallel import parallel_coordinates
from ml_skeleton_tune.plot.study import SeenStudy, see_study
from ml_skeleton_tune.plot.table import trial_table

if TYPE_CHECKING:
    from ml_skeleton_tune.plot.figures import Figure

_SECTIONS: Sequence[tuple[str, str, "Callable[[SeenStudy], list[Figure]]"]] = (
    ("history", "History", charts.history),
    ("front", "Pareto front", charts.front),
    ("curves", "Curves", charts.curves),
    ("importances", "Importances", charts.importances),
    ("parallel", "Parallel coordinates", parallel_coordinates),
    ("slices", "Slices", charts.slices),
)


def write_page(folder: Path, out: Path | None) -> Path:
    """Write the page of the study in `folder` to `out`, by default into the folder, and return where it is."""
    library = plotly_script("ml-skeleton-tune[plot]")
    page = out or folder / "plot.html"
    write_text(page, html_of(see_study(folder), page, library))
    return page


def html_of(study: SeenStudy, page: Path, library: str) -> str:
    """Return the page, which loads nothing and runs no script but its own."""
    figures: list[Figure] = []
    sections, titles = "", ""
    for name, title, draw in _SECTIONS:
        drawn = draw(study)
        content = "".join(_frame(len(figures) + place, figure, title) for place, figure in enumerate(drawn))
        content += _lacks(study) if name == "importances" else ""
        figures += drawn
        if content:
            sections += f'<section id="{name}"><h2>{title}</h2><div class="figures">{content}</div></section>\n'
            titles += f'<a href="#{name}">{title}</a> '
    body = (
        f'{_head(study)}<nav>{titles}<a href="#table">Trials</a>{theme_button()}</nav>\n'
        f"<main>\n{sections}{_table(study, page)}</main>"
    )
    title = f"{study.folder.resolve().name}: tune"
    data = {"figures": [asdict(figure) for figure in figures]}
    return html_of_page(Page(title, body, _resource("page.css"), [library, _resource("page.js")], data))


def _head(study: SeenStudy) -> str:
    states = [f"{count} {state}" for state, count in count_states(study.trials).items() if count]
    facts = {
        "objective": ", ".join(map(str, study.objectives)),
        "trials": ", ".join(states) or "none yet",
        "constraints": ", ".join(map(str, study.plan.constraints)),
        "command": shlex.join(study.plan.command),
        "folder": str(study.folder.resolve()),
    }
    if study.winners:
        best = study.winners[0]
        value = ", ".join(f"{one.metric} {value:.6g}" for one, value in zip(study.objectives, best.values, strict=True))
        params = ", ".join(
            f"{one.name} {one.text_for(best.params[one.name])}" for one in study.plan.space if one.name in best.params
        )
        front = f"{len(study.winners)} on the Pareto front; " if study.plan.further else ""
        facts = {"best": f"{front}{value} in trial {best.trial}: {params}"} | facts
    lines = "".join(f"<dt>{name}</dt><dd>{escaped(text, 2000)}</dd>" for name, text in facts.items() if text)
    return f"<header><h1>{escaped(study.folder.resolve().name)}</h1><dl>{lines}</dl></header>\n"


def _frame(number: int, figure: "Figure", section: str) -> str:
    wide = ' class="wide"' if figure.wide else ""
    note = f"<p>{figure.note}</p>" if figure.note else ""
    title = f"<h3>{figure.title}</h3>" if figure.title != section else ""
    return (
        f"<figure{wide}><figcaption>{title}{note}</figcaption>"
        f'<div class="chart" data-figure="{number}" role="img" '
        f'aria-label="{section}, {escaped(figure.title)}; its data are in the table of trials"></div>'
        "</figure>"
    )


def _lacks(study: SeenStudy) -> str:
    pairs = zip(study.objectives, study.importances, strict=True)
    return "".join(f"<p>{escaped(one.metric)}: {escaped(found.lack)}.</p>" for one, found in pairs if found.lack)


def _table(study: SeenStudy, page: Path) -> str:
    options = "".join(f"<option>{state}</option>" for state, count in count_states(study.trials).items() if count)
    return (
        '<section id="table"><h2>Trials</h2>\n<form><label>State <select id="state"><option value="">all</option>'
        f'{options}</select></label> <label>Containing <input id="words" type="search" autocomplete="off"></label> '
        '<output id="shown"></output></form>\n'
        f'<div class="scroll" role="region" aria-label="table of trials" tabindex="0">{trial_table(study, page)}</div>'
        "</section>\n"
    )


def _resource(name: str) -> str:
    return files("ml_skeleton_tune.plot").joinpath(name).read_text(encoding="utf-8")
