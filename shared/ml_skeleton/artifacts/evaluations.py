"""Evaluations: evaluation.json, what was measured and beside what. Written by evaluate.

A version is measured in several situations: a further song of an album that is known,
a new album, an artist never rated, and what came later in time. In each, several
methods predict the same songs: the model, the floors and the controls.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ml_skeleton.artifacts.files import write_text
from ml_skeleton.artifacts.provenance import Provenance, parse_provenance, require
from ml_skeleton.errors import InputError

KIND = "evaluation"
FILE_NAME = "evaluation.json"
FORMAT = 2
MADE_BY = "evaluate STORE"
MODEL = "model"
NEW_SONG, NEW_ALBUM, NEW_ARTIST, LATER = "new song", "new album", "new artist", "later"
HEADLINE = NEW_ALBUM  # the situation that figures are of where none is named


def figure_prefix(situation: str) -> str:
    """Return what stands before the names of a situation's figures: nothing for those of HEADLINE."""
    return "" if situation == HEADLINE else f"{situation.replace(' ', '_')}."


@dataclass(frozen=True)
class Figure:
    """A figure, and the interval in which 95 % of the samples have theirs; None where it is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Gain:
    """How far the model's rank correlation is above that of the best of the others."""

    over: str  # the other method
    value: float
    low: float | None
    high: float | None

    @property
    def shown(self) -> bool:
        """Whether the interval is above 0."""
        return self.low is not None and self.low > 0


@dataclass(frozen=True)
class Situation:
    """What is known of a song when it is predicted, and how well each method does then."""

    songs: int  # tested
    figures: Mapping[str, Mapping[str, Figure]]  # by method, then by figure
    gain: Gain
    verdict: str
    gain_over_deaf: Gain | None = None  # over the best of those that do not listen; None in evaluations of before


@dataclass(frozen=True)
class Learned:
    """The model after a share of the ratings, on new albums."""

    share: float
    ratings: int  # learned from, at most
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class Prediction:
    """One song that was held out, ratings from 0 to 1."""

    audio_id: str
    song: str
    album: str  # the group that it was drawn and held out with
    true: float
    predicted: Mapping[str, float]  # by situation, those in which it was tested
    low: float  # of the interval that holds 80 % of such ratings, as of a new album
    high: float
    known: int  # ratings of the same artist that it was predicted with, as a new song
    taught: Mapping[str, float] = field(default_factory=dict)  # by situation: mean of the ratings it was predicted from

    def above(self, situation: str) -> float:
        """Return how far the song was predicted above what its model was taught, by which songs are ranked."""
        return self.predicted[situation] - self.taught.get(situation, 0.0)  # 0 in evaluations of before


@dataclass(frozen=True)
class Measured:
    """One version of the embeddings, or several side by side."""

    version: str
    situations: Mapping[str, Situation]
    leakage: Figure  # rank correlation by ear, songs held out less albums held out
    covered: Mapping[str, float]  # share of the ratings of new albums in their interval, by what it promises
    learning: Sequence[Learned]
    space: Mapping[str, float | None]  # retrieval, hubs and collapse
    predictions: Sequence[Prediction]
    verdict: str

    def figure_values(self) -> dict[str, float | None]:
        """Return all figures by the names that `evaluate gate` knows.

        Those of the model on new albums by their own name, those of another situation after its name:
        `spearman`, `new_artist.spearman`. Beside them stand `gain`, `gain_low`, `gain_over_deaf`,
        `gain_over_deaf_low`, `leakage`, `covered` and those of the space.
        """
        named: dict[str, float | None] = {}
        for situation, measured in self.situations.items():
            prefix = figure_prefix(situation)
            named[f"{prefix}songs"] = measured.songs
            named |= {f"{prefix}{name}": figure.value for name, figure in measured.figures[MODEL].items()}
            for gain, words in ((measured.gain, "gain"), (measured.gain_over_deaf, "gain_over_deaf")):
                if gain is not None:
                    named |= {f"{prefix}{words}": gain.value, f"{prefix}{words}_low": gain.low}
        return {**named, "leakage": self.leakage.value, "covered": self.covered.get("0.8"), **self.space}


@dataclass(frozen=True)
class Comparison:
    """Two versions on the same songs and folds."""

    first: str
    second: str
    differences: Mapping[str, Mapping[str, Figure]]  # second less first, by situation, then by figure
    neighbours: float  # share of the ten nearest songs that both name, 0 to 1
    playlist: float  # share of the best unrated songs that both name
    playlist_songs: int
    verdict: str


@dataclass(frozen=True)
class Evaluation:
    """What is known of the quality of one or several versions."""

    provenance: Provenance
    purpose: str  # fingerprint of all that decides the figures
    rated_songs: int
    tested_songs: int
    ceiling: Mapping[str, float | str]  # how much two ratings of one person differ, in stars, and who found that
    verdict: str
    versions: Sequence[Measured]
    comparisons: Sequence[Comparison]

    def version(self, name: str | None, path: Path) -> Measured:
        """Return what is said of a version, of the first for None; raise InputError if `path` does not have it."""
        named = {measured.version: measured for measured in self.versions}
        if name is not None and name not in named:
            raise InputError(f"{path}: no version {name!r}; it measured {', '.join(named)}")
        return named[name] if name is not None else self.versions[0]


def write_evaluation(folder: Path, evaluation: Evaluation) -> Path:
    """Write evaluation.json to `folder` and return its path."""
    fields = asdict(evaluation)
    fields = {"ml_skeleton": json.loads(evaluation.provenance.to_json()), **fields}
    del fields["provenance"]
    path = folder / FILE_NAME
    write_text(path, json.dumps(fields, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return path


def read_evaluation(path: Path) -> Evaluation:
    """Return what `write_evaluation` wrote; raise InputError for anything else."""
    fields, provenance = _read(path)
    require(provenance, path, KIND, FORMAT, MADE_BY)
    try:
        versions = [_measured(**version) for version in fields.pop("versions")]
        comparisons = [_comparison(**comparison) for comparison in fields.pop("comparisons")]
        return Evaluation(provenance=provenance, versions=versions, comparisons=comparisons, **fields)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _none(path) from None


def earlier_evaluation(path: Path) -> Evaluation | None:
    """Return the evaluation at `path`, None if there is none or one of an older format, which may be replaced.

    Anything else in its place raises InputError.
    """
    if not path.exists():
        return None
    _, provenance = _read(path)
    if provenance.kind == KIND and provenance.format < FORMAT:
        return None
    return read_evaluation(path)


def _read(path: Path) -> tuple[dict[str, Any], Provenance]:
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return fields, parse_provenance(json.dumps(fields.pop("ml_skeleton")), path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such evaluation; make it with: {MADE_BY}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: a folder, expected an evaluation such as {path / FILE_NAME}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _none(path) from None


def _none(path: Path) -> InputError:
    return InputError(f"{path}: not an evaluation of these tools; make it again with: {MADE_BY}")


def _measured(situations: dict[str, Any], leakage: Any, learning: Any, predictions: Any, **others: Any) -> Measured:
    return Measured(
        situations={name: _situation(**situation) for name, situation in situations.items()},
        leakage=Figure(**leakage),
        learning=[Learned(point["share"], point["ratings"], _figures(point["figures"])) for point in learning],
        predictions=[Prediction(**prediction) for prediction in predictions],
        **others,
    )


def _situation(figures: dict[str, Any], gain: Any, gain_over_deaf: Any = None, **others: Any) -> Situation:
    by_method = {method: _figures(named) for method, named in figures.items()}
    over_deaf = Gain(**gain_over_deaf) if gain_over_deaf else None
    return Situation(figures=by_method, gain=Gain(**gain), gain_over_deaf=over_deaf, **others)


def _comparison(differences: dict[str, Any], **others: Any) -> Comparison:
    return Comparison(differences={name: _figures(named) for name, named in differences.items()}, **others)


def _figures(named: Mapping[str, Any]) -> dict[str, Figure]:
    return {name: Figure(**figure) for name, figure in named.items()}
