"""A picture of how the training went, beside the checkpoint."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ml_skeleton.artifacts.files import complete_or_absent

History = Sequence[Mapping[str, float | None]]
PANELS = {  # the endings of the figures in each, and its scale: the largest loss would press the others flat
    "loss": (("_loss",), "log"),
    "of validation songs": (("val_score", "val_spearman", "val_album_map"), "linear"),
}


def draw_curve(history: History, best_epoch: int, path: Path) -> None:
    """Write an SVG picture of the losses, and of the figures of the validation songs, over the epochs."""
    from matplotlib.figure import Figure  # here, as it takes a second to import

    figure = Figure(figsize=(8, 6), layout="constrained")
    names = list(dict.fromkeys(name for epoch in history for name in epoch))
    for place, (title, (endings, scale)) in enumerate(PANELS.items(), start=1):
        panel = figure.add_subplot(2, 1, place, xlabel="epoch", ylabel=title, yscale=scale)
        for name in filter(lambda name: name.endswith(endings), names):
            points = list(_points(history, name, above=0.0 if scale == "log" else -math.inf))
            if points:
                panel.plot(*zip(*points, strict=True), marker=".", label=name.replace("_", " "))
        if panel.lines:
            panel.legend(loc="upper left", bbox_to_anchor=(1, 1))  # beside it, where no line can lie beneath
        panel.axvline(best_epoch, color="0.8", zorder=0)
    with complete_or_absent(path) as partial:
        figure.savefig(partial, format="svg")


def _points(history: History, name: str, above: float) -> Iterator[tuple[int, float]]:
    """Yield epoch and value of a figure, where it is known and can be drawn."""
    for number, epoch in enumerate(history, start=1):
        value = epoch.get(name)
        if value is not None and value > above:
            yield number, value
