"""What a training says and writes: figures of every epoch, the checkpoints, a picture."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from ml_skeleton.artifacts.checkpoints import FORMAT, Header, save_checkpoint
from ml_skeleton.artifacts.metrics import MetricsLog
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.console import Progress, counted, note, progress
from ml_skeleton.music.splits import TRAIN

from ml_skeleton_train_encoder.curve import draw_curve
from ml_skeleton_train_encoder.parallel import Team
from ml_skeleton_train_encoder.run import Network, Run
from ml_skeleton_train_encoder.settings import Manner, Settings
from ml_skeleton_train_encoder.songs import KIND, VAL, SongSet
from ml_skeleton_train_encoder.state import Figures, TrainingState, weights_of
from ml_skeleton_train_encoder.tracking import Untracked, tracker

TOOL = "train-encoder"
UNKNOWN: Figures = {"val_loss": None, "val_spearman": None, "val_album_map": None, "val_score": None}


class Reporter:
    """Takes the figures of every epoch to the screen, the metrics file and the tracking server."""

    def __init__(self, out: Path, settings: Settings, manner: Manner, team: Team) -> None:
        self._metrics = MetricsLog(manner.metrics) if team.leads else None
        self._tracker = tracker(manner.tracking_uri, out.name, settings.as_dict()) if team.leads else Untracked()
        self._progress: Progress | None = None
        self._team = team

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tracker.end(done=kind is None)

    @contextmanager
    def shown(self, epochs: int, done: int) -> Iterator[None]:
        """Show how many of the epochs are done."""
        with progress("training", epochs, "epochs") as self._progress:
            self._progress.advance(done)
            yield

    def epoch(self, number: int, figures: Figures) -> None:
        """Take the figures of a finished epoch."""
        if self._metrics:
            self._metrics.step(number, figures)
        self._tracker.step(number, figures)
        if self._progress:
            remark = ", ".join(f"{name} {value:.4g}" for name, value in figures.items() if value is not None)
            self._progress.advance(remark=remark)

    def result(self, header: Header | None) -> None:
        """Take what came of it."""
        if header and self._metrics:
            self._metrics.result(header.content["metrics"])
            if header.content["history"]:
                note(summary(header))


def summary(header: Header) -> str:
    """Return one line for a person on what the training came to."""
    metrics = header.content["metrics"]
    kept = f"{counted(metrics['epochs'], 'epoch')}, the one kept is {metrics['best_epoch']}"
    figures = [f"{name} {metrics[name]:.4f}" for name in ("val_loss", "val_score") if metrics[name] is not None]
    return f"{kept}; {', '.join(figures) or 'too few songs to validate on'}"


def write_outcome(
    out: Path, songs: SongSet, settings: Settings, network: Network, state: TrainingState, run: Run | None
) -> Header:
    """Write the best weights to `out`, the last ones and the picture beside it; without a run, `out` alone."""
    shaping = () if run is None or not settings.learns_ratings else (TRAIN, VAL) if run.chooses_epoch else (TRAIN,)
    content = {
        "model": network.new.model,
        "arguments": network.new.arguments,
        "source": network.new.source,
        "weights": state.best_weights,
        "purpose": songs.purpose,
        "embedding_dim": network.dimension,
        "embedding_parts": network.parts,
        "window_s": run.window_s if run else settings.window_s,
        "precision": state.precision,
        "batch_size": state.batch_size,
        # these songs' ratings shaped the weights, so they cannot test them
        "ratings_seen": sorted(recording.audio_id for side in shaping for recording in songs.rated(side)),
        "history": state.history,
        "metrics": _metrics(state, state.best_epoch),
    }
    made = Provenance(KIND, FORMAT, TOOL, settings.as_dict(), settings.seed, parents=(songs.crops.as_parent(),))
    if run:
        last = {**content, "weights": weights_of(network.encoder), "metrics": _metrics(state, state.epoch)}
        save_checkpoint(beside(out, ".last", out.suffix), made, last)
        draw_curve(state.history, state.best_epoch, beside(out, ".curve", ".svg"))
    header = save_checkpoint(out, made, content)
    state.discard()
    return header


def beside(out: Path, ending: str, suffix: str) -> Path:
    """Return the name of a file that goes with the checkpoint `out`."""
    return out.with_name(f"{out.stem}{ending}{suffix}")


def _metrics(state: TrainingState, epoch: int) -> dict[str, float | None]:
    """Return the figures of an epoch, counted from 1, and how many there were."""
    figures = state.history[epoch - 1] if epoch else UNKNOWN
    return {**figures, "epochs": state.epoch, "best_epoch": state.best_epoch}
