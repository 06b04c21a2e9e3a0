"""Learns to predict ratings from one version of embeddings."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.checkpoints import FORMAT, read_header, save_checkpoint
from ml_skeleton.artifacts.files import only_run
from ml_skeleton.artifacts.metrics import MetricsLog
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.music.rated import FitSettings, RatedSongs
from ml_skeleton.music.scores import STARS, spearman
from ml_skeleton.music.splits import album_folds

TOOL = "train-classifier"
KIND = "classifier"


@dataclass(frozen=True)
class Trained:
    """How well the classifier on disk does on albums left out, beside the floor."""

    rated_songs: int
    error_stars: float  # root mean square
    floor_stars: float  # of the mean rating

    def __str__(self) -> str:
        return (
            f"{self.rated_songs} rated songs; error on albums left out {self.error_stars:.2f} stars, that of the mean "
            f"rating {self.floor_stars:.2f} (evaluate measures it on songs that the encoder has not learned from)"
        )


def is_current(songs: RatedSongs, out: Path, settings: FitSettings) -> bool:
    """Return whether `out` is the classifier that these songs and settings give; needs no torch."""
    return out.exists() and read_header(out, KIND).content["purpose"] == songs.purpose(settings)


def train_classifier(songs: RatedSongs, out: Path, settings: FitSettings, metrics: Path | None) -> Trained:
    """Fit a classifier on the rated songs and write it to `out`."""
    from ml_skeleton.music.classifiers import fit_classifier

    with only_run(out):
        folds = np.array(album_folds(songs.recordings, settings.folds, settings.seed))
        fitted = fit_classifier(songs.matrix, songs.ratings, folds, settings, songs.rating_seen)
        figures = {
            "val_loss": float(fitted.curve[fitted.steps]),
            "val_spearman": spearman(fitted.predicted[fitted.judged], songs.ratings[fitted.judged]),
            "steps": fitted.steps,
            "penalty": fitted.penalty,
            "rated_songs": len(songs.ratings),
        }
        content = {
            "model": settings.model,
            "arguments": fitted.arguments,
            "weights": fitted.module.state_dict(),
            "purpose": songs.purpose(settings),
            "version": songs.version.name,
            "encoder_fingerprint": songs.version.encoder_fingerprint,
            "metrics": figures,
        }
        made = Provenance(KIND, FORMAT, TOOL, settings.as_dict(), settings.seed, parents=(songs.parent,))
        save_checkpoint(out, made, content)
    log = MetricsLog(metrics)
    for step, loss in enumerate(fitted.curve.tolist()):
        log.step(step, {"val_loss": loss})
    log.result(figures)
    error = STARS * float(np.sqrt(fitted.curve[fitted.steps]))
    return Trained(len(songs.ratings), error, STARS * float(songs.ratings[fitted.judged].std()))
