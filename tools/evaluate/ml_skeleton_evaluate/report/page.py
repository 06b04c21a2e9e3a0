"""The page itself: one HTML file that asks for nothing, with verdicts, pictures and all figures."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from ml_skeleton.artifacts.evaluations import HEADLINE, Comparison, Evaluation, Figure, Measured
from ml_skeleton.artifacts.files import write_text
from ml_skeleton.music.scores import STARS
from ml_skeleton.pages.shell import Page, html_of_page, theme_button
from ml_skeleton.pages.text import escaped

from ml_skeleton_evaluate.report.html import Picture, facts, folded, shown, table
from ml_skeleton_evaluate.report.measures import coverage
from ml_skeleton_evaluate.report.pictures import FIGURES, comparison_picture, pictures_of
from ml_skeleton_evaluate.verdict import NO_SIGNAL

FILE_NAME = "evaluation.html"
WORST = 20  # songs listed


def write_page(folder: Path, evaluation: Evaluation) -> Path:
    """Write evaluation.html to `folder` and return its path; the same evaluation gives the same bytes."""
    path = folder / FILE_NAME
    write_text(path, html_of(evaluation))
    return path


def html_of(evaluation: Evaluation) -> str:
    """Return the page of an evaluation."""
    ceiling = (float(evaluation.ceiling["low_stars"]), float(evaluation.ceiling["high_stars"]))
    versions = [_version(number, measured, ceiling) for number, measured in enumerate(evaluation.versions)]
    links = [(f"v{number}", measured.version) for number, measured in enumerate(evaluation.versions)]
    if evaluation.comparisons:
        links.append(("against", "Against each other"))
    links.append(("made", "How it was made"))
    navigation = " ".join(f'<a href="#{name}">{escaped(title, 40)}</a>' for name, title in links)
    body = (
        f"<header><h1>Evaluation</h1><p>{evaluation.tested_songs} of {evaluation.rated_songs} rated songs were "
        f"predicted by models that had not learned from them.</p></header>\n<nav>{navigation} {theme_button()}</nav>\n"
        f"<main>\n{''.join(versions)}{_comparisons(evaluation.comparisons)}{_made(evaluation)}</main>"
    )
    style = files("ml_skeleton_evaluate.report").joinpath("page.css").read_text(encoding="utf-8")
    return html_of_page(Page(f"Evaluation of {evaluation.versions[0].version}", body, style, []))


def _version(number: int, measured: Measured, ceiling: tuple[float, float]) -> str:
    covered = coverage(measured.predictions)
    sections = "".join(
        f"<h3>{escaped(title)}</h3>{_frames(pictures)}"
        for title, pictures in pictures_of(measured, ceiling, covered).items()
    )
    return (
        f'<section id="v{number}"><h2>{escaped(measured.version)}</h2>{_verdicts(measured)}{_tiles(measured, covered)}'
        f"{sections}{_all_figures(measured)}{_space(measured)}{_worst_songs(measured)}</section>\n"
    )


def _verdicts(measured: Measured) -> str:
    lines = ""
    for name, situation in measured.situations.items():
        look = "unsure" if situation.verdict.startswith(NO_SIGNAL) else "sure"
        lines += f'<li class="{look}"><b>{escaped(name)}</b> {escaped(situation.verdict)}</li>'
    return f'<ul class="verdicts">{lines}</ul>'


def _tiles(measured: Measured, covered: Figure) -> str:
    return facts(
        {
            "leakage": f"{shown(measured.leakage)}: rank correlation by ear with songs held out, less that with albums "
            "held out; so much would a test by songs flatter",
            "80 % intervals": f"hold {shown(covered)} of the ratings of new albums",
        }
    )


def _frames(pictures: Sequence[Picture]) -> str:
    return f'<div class="pictures">{"".join(picture.html() for picture in pictures)}</div>'


def _all_figures(measured: Measured) -> str:
    content = "".join(
        f"<h4>{escaped(name)}, {situation.songs} songs</h4>" + table(("", *FIGURES.values()), _rows(situation.figures))
        for name, situation in measured.situations.items()
    )
    return folded("All figures, with the interval that holds 95 % of samples of as many albums", content)


def _rows(by_method: Mapping[str, Mapping[str, Figure]]) -> list[Sequence[str]]:
    return [(method, *(shown(figures[name]) for name in FIGURES)) for method, figures in by_method.items()]


def _space(measured: Measured) -> str:
    rows = [(name.replace("_", " "), shown(Figure(value))) for name, value in measured.space.items()]
    return folded("The space of the vectors: who is found near whom, hubs and collapse", table(("", "figure"), rows))


def _worst_songs(measured: Measured) -> str:
    said = [(prediction, prediction.predicted[HEADLINE]) for prediction in measured.predictions]
    worst = sorted(said, key=lambda one: -abs(one[1] - one[0].true))[:WORST]
    rows = [
        (one.song, *(f"{STARS * rating:.1f}" for rating in (one.true, said_of, one.low, one.high)))
        for one, said_of in worst
    ]
    header = ("song", "stars given", "predicted", "80 % interval from", "to")
    return folded(f"The {len(rows)} songs that were missed most, as of new albums", table(header, rows))


def _comparisons(comparisons: Sequence[Comparison]) -> str:
    if not comparisons:
        return ""
    content = "".join(
        f"<h3>{escaped(one.second)} beside {escaped(one.first)}</h3><p>{escaped(one.verdict)}</p>"
        + facts(
            {
                "the same nearest songs": f"{one.neighbours:.0%}",
                "the same best unrated songs": f"{one.playlist:.0%} of {one.playlist_songs}",
            }
        )
        + _frames([comparison_picture(one)])
        + folded("All differences", table(("", *FIGURES.values()), _rows(one.differences)))
        for one in comparisons
    )
    return f'<section id="against"><h2>Against each other</h2>{content}</section>\n'


def _made(evaluation: Evaluation) -> str:
    made = evaluation.provenance
    parents = "; ".join(f"{parent.path} {parent.part or ''}".strip() for parent in made.parents)
    settings = {name: value for name, value in made.settings.items() if not isinstance(value, dict)}
    settings |= made.settings.get("classifier", {})
    named = {
        "from": parents,
        "settings": ", ".join(f"{name} {value}" for name, value in settings.items()),
        "seed": str(made.seed),
        "written": made.created,
        "ml-skeleton": made.version,
        "two ratings by one person": str(evaluation.ceiling["source"]),
    }
    return f'<section id="made"><h2>How it was made</h2>{facts(named)}</section>'
