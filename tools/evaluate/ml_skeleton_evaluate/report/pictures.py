"""Pictures: what is drawn of a version, and what each picture says."""

from collections.abc import Sequence

from ml_skeleton.artifacts.evaluations import HEADLINE, MODEL, Comparison, Figure, Measured, Situation

from ml_skeleton_evaluate.report.charts import Marked, Row, curve_chart, grid_chart, rows_chart
from ml_skeleton_evaluate.report.html import Picture
from ml_skeleton_evaluate.report.measures import (
    HALF_STARS,
    calibration,
    confusion,
    error_by_known,
    misses_by_album,
)

MOST_ALBUMS, FEWEST_SONGS = 16, 3
FIGURES = {
    "spearman": "rank correlation",
    "pearson": "Pearson",
    "rmse_stars": "RMSE, stars",
    "mae_stars": "MAE, stars",
    "r2": "R2",
    "auc_loved": "AUC of 4 stars",
    "precision_at_20": "precision at 20 of 4 stars",
    "ndcg_at_50": "NDCG at 50",
}
SITUATIONS = {
    "new song": "Other songs of its album and artist are rated.",
    "new album": "No song of its album is rated, others of its artist may be.",
    "new artist": "Nobody of its artist is rated: by ear alone.",
    "later": "Songs rated late, predicted from what was rated before.",
}


def situation_picture(name: str, situation: Situation, within: Sequence[Figure]) -> Picture:
    """Return the rank correlation of every method in a situation, on an axis with those `within`."""
    rows = [
        Row(method, figures["spearman"], "model" if method == MODEL else "other")
        for method, figures in situation.figures.items()
    ]
    caption = f"{SITUATIONS.get(name, '')} {situation.songs} songs; 1 is the right order, 0 is chance."
    return rows_chart(name.capitalize(), caption.strip(), rows, FIGURES["spearman"], within=within)


def error_picture(situation: Situation, ceiling: tuple[float, float]) -> Picture:
    """Return the typical error of every method on new albums, beside what a person differs from themself."""
    rows = [
        Row(method, figures["rmse_stars"], "model" if method == MODEL else "other")
        for method, figures in situation.figures.items()
    ]
    middle = Figure(sum(ceiling) / 2, *ceiling)
    rows.append(Row("the same person again", middle, "zero", "published, of films"))
    caption = "Typical error on new albums; no model can know a rating better than the one who gave it."
    return rows_chart("Error beside the floors", caption, rows, FIGURES["rmse_stars"], zero=None)


def calibration_picture(measured: Measured) -> Picture:
    """Return the stars given, over the stars predicted."""
    groups = calibration(measured.predictions)
    points = [Marked(group.predicted, group.true, f"{group.songs} songs") for group in groups]
    return curve_chart(
        "Stars given over stars predicted",
        "Each dot is a group of songs predicted about alike. On the broken line stars mean what they say.",
        points,
        ("stars predicted", "stars given, mean"),
        ((0, 5), (0, 5)),
        [(0, 0), (5, 5)],
    )


def coverage_picture(measured: Measured, shown: Figure) -> Picture:
    """Return how many ratings lie in the intervals, over what these promise."""
    points = [
        Marked(float(level), shown if level == "0.8" else Figure(share)) for level, share in measured.covered.items()
    ]
    return curve_chart(
        "Ratings inside their interval",
        "Of songs of new albums. On the broken line an interval holds as many ratings as it promises.",
        points,
        ("share promised", "share found"),
        ((0.4, 1), (0.4, 1)),
        [(0.4, 0.4), (1, 1)],
    )


def learning_picture(measured: Measured) -> Picture:
    """Return the rank correlation on new albums after a part of the ratings."""
    points = [
        Marked(float(point.ratings), point.figures["spearman"], f"{point.share:.0%} of the ratings")
        for point in measured.learning
    ]
    return curve_chart(
        "What more ratings bring",
        "New albums, learned from a quarter, half and all of the ratings. A line that still rises asks for more.",
        points,
        ("ratings learned from", FIGURES["spearman"]),
        reference=[(point.at, 0.0) for point in points],
    )


def known_picture(measured: Measured) -> Picture:
    """Return the error of new songs by how many ratings of their artist are known."""
    groups = error_by_known(measured.predictions)
    points = [Marked(float(place), group.error, f"{group.songs} songs") for place, group in enumerate(groups)]
    return curve_chart(
        "Error by number of ratings",
        "New songs, by how many ratings of the same artist they were predicted with.",
        points,
        ("known ratings of the artist", FIGURES["rmse_stars"]),
        ((-0.5, max(len(groups) - 0.5, 0.5)), None),
        labels=[group.known for group in groups],
    )


def albums_picture(measured: Measured) -> Picture:
    """Return the albums whose songs are most over- and underrated together."""
    albums, every = misses_by_album(measured.predictions, FEWEST_SONGS, MOST_ALBUMS)
    rows = [Row(album.album, album.missed, "model", f"{album.songs} songs") for album in albums]
    caption = (
        f"Stars predicted less stars given, mean of an album: the {len(albums)} farthest from 0 of {every} albums "
        f"with {FEWEST_SONGS} tested songs and more."
    )
    return rows_chart("Residuals by album", caption, rows, "stars too many (right) or too few")


def confusion_picture(measured: Measured) -> Picture:
    """Return which half star was predicted where which was given."""
    names = [f"{place / 2:g}" for place in range(HALF_STARS)]
    return grid_chart(
        "Half stars",
        "Songs of new albums. The darker a field, the more of the songs with that rating are in it.",
        confusion(measured.predictions),
        names,
        ("stars predicted", "stars given"),
    )


def comparison_picture(comparison: Comparison) -> Picture:
    """Return how much better or worse the second version orders songs, by situation."""
    rows = [Row(name, figures["spearman"], "model") for name, figures in comparison.differences.items()]
    caption = f"Right of 0 {comparison.second} is better, left of it {comparison.first}; on the same songs and samples."
    return rows_chart("Difference in each situation", caption, rows, "rank correlation, second less first")


def pictures_of(measured: Measured, ceiling: tuple[float, float], covered: Figure) -> dict[str, Sequence[Picture]]:
    """Return the pictures of a version by the heading that they stand under."""
    every = [by["spearman"] for situation in measured.situations.values() for by in situation.figures.values()]
    situations = [situation_picture(name, situation, every) for name, situation in measured.situations.items()]
    return {
        "Four situations": [*situations, error_picture(measured.situations[HEADLINE], ceiling)],
        "Can the stars be believed?": [calibration_picture(measured), coverage_picture(measured, covered)],
        "Where it is wrong": [albums_picture(measured), confusion_picture(measured)],
        "What more ratings bring": [learning_picture(measured), known_picture(measured)],
    }
