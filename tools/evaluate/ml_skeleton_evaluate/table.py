"""The table that a person reads on the terminal."""

from collections.abc import Mapping, Sequence

from ml_skeleton.artifacts.evaluations import Comparison, Evaluation, Figure, Measured

WITH_INTERVAL = {"spearman": "rank corr.", "rmse_stars": "RMSE stars"}
PLAIN = {
    "mae_stars": "MAE",
    "r2": "R2",
    "pearson": "Pearson",
    "auc_loved": "AUC 4*",
    "precision_at_20": "P@20 4*",
    "ndcg_at_50": "NDCG@50",
}
NO_FIGURE = "-"


def table(evaluation: Evaluation) -> str:
    """Return the figures of all versions and what they are compared with."""
    parts = [part for measured in evaluation.versions for part in _version(measured)]
    low, high = evaluation.ceiling["low_stars"], evaluation.ceiling["high_stars"]
    parts += [f"two ratings of one song by one person differ by {float(low):.2f} to {float(high):.2f} stars (RMSE)"]
    return "\n".join([*parts, *(_comparison(comparison) for comparison in evaluation.comparisons)])


def _version(measured: Measured) -> list[str]:
    lines = []
    for name, situation in measured.situations.items():
        width = max(map(len, situation.figures)) + 2
        titles = "".join(f"{title:>22}" for title in WITH_INTERVAL.values())
        titles += "".join(f"{title:>9}" for title in PLAIN.values())
        lines += [f"{measured.version}, {name} ({situation.songs} songs)", " " * width + titles]
        lines += [_row(method, figures, width) for method, figures in situation.figures.items()]
        lines += [situation.verdict, ""]
    return [*lines, *_facts(measured)]


def _row(method: str, figures: Mapping[str, Figure], width: int) -> str:
    wide = "".join(f"{_with_interval(figures[name]):>22}" for name in WITH_INTERVAL)
    return f"{method:<{width}}" + wide + "".join(f"{number(figures[name].value):>9}" for name in PLAIN)


def _facts(measured: Measured) -> Sequence[str]:
    curve = ", ".join(f"{point.share:.0%} {number(point.figures['spearman'].value)}" for point in measured.learning)
    space = ", ".join(f"{name} {number(value)}" for name, value in measured.space.items())
    return [
        f"leakage (by ear, songs held out less albums held out): {_with_interval(measured.leakage)}",
        f"ratings of new albums in their 80 % interval: {measured.covered['0.8']:.0%}",
        f"rank correlation after a share of the ratings: {curve}",
        f"space: {space}",
    ]


def _comparison(comparison: Comparison) -> str:
    return (
        f"{comparison.verdict}; {comparison.neighbours:.0%} of the nearest songs and "
        f"{comparison.playlist:.0%} of the {comparison.playlist_songs} best unrated songs are the same"
    )


def _with_interval(figure: Figure) -> str:
    if figure.value is None or figure.low is None or figure.high is None:
        return number(figure.value)
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"


def number(value: float | None) -> str:
    """Return a figure with two decimals, a dash where it is not defined."""
    return NO_FIGURE if value is None else f"{value:.2f}"
