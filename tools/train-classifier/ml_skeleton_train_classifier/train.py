"""Learns to predict ratings from embeddings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.checkpoints import FORMATS, read_header, save_checkpoint
from ml_skeleton.artifacts.files import only_run
from ml_skeleton.artifacts.metrics import MetricsLog
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.errors import InputError
from ml_skeleton.music.classifiers.conformal import SHOWN
from ml_skeleton.music.classifiers.fitting import Fitted, fit_classifier
from ml_skeleton.music.classifiers.saved import to_content
from ml_skeleton.music.rated import FitSettings, RatedSongs
from ml_skeleton.music.scores import STARS, Scores, score
from ml_skeleton.music.splits import album_folds

TOOL = "train-classifier"
KIND = "classifier"
FORMAT = FORMATS[KIND]
HARDLY = 0.05  # of the variance of the ratings: a gain that is none
TOLD = 0.03  # of the variance: a smaller share is not worth a word
VARIANCE = "variance_"  # begins the names of what a model says the ratings go by
IN_WORDS = {"audio": "sound", "bend": "likeness", "learned": "what the encoder learned"}


@dataclass(frozen=True)
class Trained:
    """How well the classifier on disk does on albums and artists left out, beside the floor."""

    model: str
    asked: str
    rated_songs: int
    albums: Scores  # of albums left out, their artists may be known
    artists: Scores  # of artists left out, by ear alone
    floor_stars: float  # error of the mean rating
    covered: float  # share of the songs of albums left out that lie in their 80 % interval
    goes_by: dict[str, float]  # share of the ratings' variance, largest first, "noise" among them; {} if not known

    @property
    def lines(self) -> list[str]:
        """What a person is told."""
        lines = [
            f"{self.rated_songs} rated songs, model {self.model}; error on albums left out "
            f"{self.albums.rmse_stars:.2f} stars, on artists left out {self.artists.rmse_stars:.2f}, "
            f"that of the mean rating {self.floor_stars:.2f} "
            "(evaluate measures it on songs that nothing was chosen by)",
            f"rank correlation {_shown(self.albums.spearman)} on albums and {_shown(self.artists.spearman)} on artists "
            f"left out; {self.covered:.0%} of the ratings lie in their 80 % interval",
        ]
        if self.goes_by:
            lines.append(self._going_by())
        if self.model != self.asked:
            lines.append(
                f"{self.rated_songs} rated songs are too few for {self.asked}: {self.model} was fitted instead"
            )
        if self.albums.rmse_stars**2 > (1 - HARDLY) * self.floor_stars**2:
            lines.append("the ratings can hardly be told from the songs yet: predictions stay close to the mean rating")
        return lines

    def _going_by(self) -> str:
        told = {name: share for name, share in self.goes_by.items() if share >= TOLD and name != "noise"}
        words = ", ".join(f"{IN_WORDS.get(name, name)} {share:.0%}" for name, share in told.items())
        rest = 1 - sum(told.values())
        return f"as far as they tell, the ratings go by {words or 'nothing known here'}; {rest:.0%} by none of these"


def is_current(songs: RatedSongs, out: Path, settings: FitSettings) -> bool:
    """Return whether `out` is the classifier that these songs and settings give; needs no torch.

    A classifier of an older format is not; anything else in its place raises InputError.
    """
    if not out.exists():
        return False
    header = read_header(out, None)
    if header.provenance.kind != KIND:
        raise InputError(f"{out}: found {header.provenance.kind}, expected {KIND} or nothing; name another with --out")
    return header.provenance.format == FORMAT and header.content["purpose"] == songs.purpose(settings)


def train_classifier(songs: RatedSongs, out: Path, settings: FitSettings, metrics: Path | None) -> Trained:
    """Fit a classifier on the rated songs and write it to `out`."""
    with only_run(out):
        folds = np.array(album_folds(songs.recordings, settings.folds, settings.seed))
        fitted = fit_classifier(songs.examples, folds, settings)
        trained = _judge(songs, fitted, settings)
        figures = {
            "val_loss": (trained.albums.rmse_stars / STARS) ** 2,
            "val_spearman": trained.albums.spearman,
            "val_spearman_by_ear": trained.artists.spearman,
            "val_covered": trained.covered,
            **fitted.chosen,
            "rated_songs": trained.rated_songs,
        }
        content = {
            **to_content(fitted.model, fitted.predictor, songs),
            "purpose": songs.purpose(settings),
            "metrics": figures,
        }
        how = {**settings.as_dict(), **asdict(songs.targeting)}
        made = Provenance(KIND, FORMAT, TOOL, how, settings.seed, parents=songs.parents)
        save_checkpoint(out, made, content)
    log = MetricsLog(metrics)
    for step, loss in enumerate(fitted.curve):
        log.step(step, {"val_loss": loss})
    log.result(figures)
    return trained


def _judge(songs: RatedSongs, fitted: Fitted, settings: FitSettings) -> Trained:
    judged = songs.examples.judged
    true = songs.examples.ratings[judged]
    low, high = (bound[judged] for bound in fitted.outside.interval(SHOWN))
    return Trained(
        model=fitted.model,
        asked=settings.model,
        rated_songs=songs.rated,
        albums=score(fitted.outside.mean[judged], true, fitted.outside.taught[judged]),
        artists=score(fitted.unmet.mean[judged], true, fitted.unmet.taught[judged]),
        floor_stars=STARS * float(true.std()),
        covered=float(((low <= true) & (true <= high)).mean()),
        goes_by=_goes_by(fitted.chosen),
    )


def _goes_by(chosen: Mapping[str, float]) -> dict[str, float]:
    """Return the shares of the variances that a Gaussian process found; none of another model."""
    found = {name.removeprefix(VARIANCE): value for name, value in chosen.items() if name.startswith(VARIANCE)}
    return {name: found[name] / sum(found.values()) for name in sorted(found, key=lambda name: -found[name])}


def _shown(correlation: float | None) -> str:
    return "undefined" if correlation is None else f"{correlation:.2f}"
