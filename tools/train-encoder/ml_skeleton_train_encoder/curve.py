"""A picture of how the training went, beside the checkpoint."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ml_skeleton.artifacts.files import complete_or_absent

History = Sequence[Mapping[str, float | None]]
PANELS = {"loss": ("_loss",), "of validation songs": ("val_score", "val_spearman", "val_album_map")}


def draw_curve(history: History, best_epoch: int, path: Path) -> None:
    """Write an SVG picture of the losses, and of the figures of the validation songs, over the epochs."""
    from matplotlib.figure import Figure  # here, as it takes a second to import

    figure = Figure(figsize=(8, 6), layout="constrained")
    names = list(dict.fromkeys(name for epoch in history for name in epoch))
    for place, (title, endings) in enumerate(PANELS.items(), start=1):
        panel = figure.add_subplot(2, 1, place, xlabel="epoch", ylabel=title)
        for name in names:
            points = [(n, epoch[name]) for n, epoch in enumerate(history, start=1) if epoch.get(name) is not None]
            if name.endswith(endings) and points:
                panel.plot(*zip(*points, strict=True), marker=".", label=name.replace("_", " "))
        if panel.lines:
            panel.legend()
        panel.axvline(best_epoch, color="0.8", zorder=0)
    with complete_or_absent(path) as partial:
        figure.savefig(partial, format="svg")
