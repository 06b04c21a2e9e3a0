"""Evaluations: evaluation.json, what was measured and against which floors. Written by evaluate."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_skeleton.artifacts.files import write_text
from ml_skeleton.artifacts.provenance import Provenance, parse_provenance, require
from ml_skeleton.errors import InputError

KIND = "evaluation"
FILE_NAME = "evaluation.json"
FORMAT = 1
MADE_BY = "evaluate STORE"
Figures = Mapping[str, float | int | None]


@dataclass(frozen=True)
class Prediction:
    """One song that was held out, ratings from 0 to 1."""

    audio_id: str
    song: str
    true: float
    predicted: float


@dataclass(frozen=True)
class Evaluation:
    """Figures by method; the model is one of them, the others are floors."""

    provenance: Provenance
    purpose: str  # fingerprint of all that decides the figures
    version: str  # of the embeddings
    rated_songs: int
    tested_songs: int
    figures: Mapping[str, Figures]  # by method, then by name of the figure; None where it is not defined
    verdict: str
    predictions: Sequence[Prediction]


def write_evaluation(folder: Path, evaluation: Evaluation) -> Path:
    """Write evaluation.json to `folder` and return its path."""
    fields = {
        "ml_skeleton": json.loads(evaluation.provenance.to_json()),
        "purpose": evaluation.purpose,
        "version": evaluation.version,
        "rated_songs": evaluation.rated_songs,
        "tested_songs": evaluation.tested_songs,
        "figures": {method: dict(figures) for method, figures in evaluation.figures.items()},
        "verdict": evaluation.verdict,
        "predictions": [vars(prediction) for prediction in evaluation.predictions],
    }
    path = folder / FILE_NAME
    write_text(path, json.dumps(fields, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return path


def read_evaluation(path: Path) -> Evaluation:
    """Return what `write_evaluation` wrote; raise InputError for anything else."""
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        provenance = parse_provenance(json.dumps(fields.pop("ml_skeleton")), path)
        require(provenance, path, KIND, FORMAT, MADE_BY)
        predictions = [Prediction(**prediction) for prediction in fields.pop("predictions")]
        return Evaluation(provenance=provenance, predictions=predictions, **fields)
    except FileNotFoundError:
        raise InputError(f"{path}: no such evaluation; make it with: {MADE_BY}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: not an evaluation of these tools; make it again with: {MADE_BY}") from None
