"""Classifiers: models that predict a rating from an embedding.

A classifier takes embeddings (B, D) float32 and returns ratings (B, 1) in 0 to 1.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ml_skeleton.music.rated import FitSettings
from ml_skeleton.music.scores import Ratings

Matrix = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
FEWEST_JUDGED = 10
SMALL_MATRIX = 1_000_000  # numbers; a step on fewer takes less than a millisecond


@runtime_checkable
class RatingClassifier(Protocol):
    """What the pipeline asks of a classifier; it must also be a torch module."""

    def forward(self, embeddings: Tensor) -> Tensor:
        """Return ratings (B, 1) in 0 to 1 for embeddings (B, D)."""
        ...


class SimpleRatingClassifier(nn.Module):
    """Two layers on standardised embeddings; it starts out predicting the mean rating."""

    centre: Tensor
    scale: Tensor

    def __init__(self, embedding_dim: int, hidden: int = 32, dropout: float = 0.2) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(embedding_dim))
        self.register_buffer("scale", torch.ones(embedding_dim))
        self.layers = nn.Sequential(
            nn.Linear(embedding_dim, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, 1), nn.Sigmoid()
        )

    def forward(self, embeddings: Tensor) -> Tensor:
        return cast(Tensor, self.layers((embeddings - self.centre) * self.scale))

    def start_from(self, embeddings: Tensor, ratings: Tensor) -> None:
        """Take the spread of the embeddings (N, D), and as first prediction the mean of the ratings (N,)."""
        deviation = embeddings.std(dim=0, unbiased=False)
        self.centre.copy_(embeddings.mean(dim=0))
        self.scale.copy_(torch.where(deviation > 1e-6, 1.0 / deviation.clamp(min=1e-6), 0.0))
        last = cast(nn.Linear, self.layers[-2])
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, float(torch.logit(ratings.mean().clamp(0.02, 0.98))))


MODELS: dict[str, type[SimpleRatingClassifier]] = {"mlp": SimpleRatingClassifier}


@dataclass(frozen=True)
class Fitted:
    """A classifier trained on all that it was given, and how its length of training was chosen."""

    module: SimpleRatingClassifier
    arguments: dict[str, Any]  # of the class of `module`
    steps: int
    curve: Ratings  # (max_steps + 1,) mean squared error on the folds left out, after each step
    predicted: Ratings  # (N,) each song by the models that were not trained on its album, after `steps`
    judged: Mask  # (N,) the songs that `curve` is of


def fit_classifier(
    matrix: Matrix, ratings: Ratings, folds: npt.NDArray[np.int64], settings: FitSettings, seen: Mask | None = None
) -> Fitted:
    """Return a classifier trained on embeddings (N, D) and ratings (N,).

    The number of steps is the one with the least squared error on songs of albums
    left out, over `folds` (N,) of whole albums; then all songs train the final
    model that long. Steps are of the whole data, so the order of songs is nothing.

    Songs whose rating the encoder has `seen` (N,) look more predictable than any
    new song will be. So the error is that on the others, where there are at least
    10: it stops the training before it trusts the embeddings too much.
    """
    with _threads_for(matrix):
        judged = np.ones(len(ratings), dtype=np.bool_) if seen is None or (~seen).sum() < FEWEST_JUDGED else ~seen
        return _fit(matrix, ratings, folds, judged, settings)


def _fit(matrix: Matrix, ratings: Ratings, folds: npt.NDArray[np.int64], judged: Mask, settings: FitSettings) -> Fitted:
    audio, target = torch.from_numpy(np.array(matrix, np.float32)), torch.from_numpy(ratings.astype(np.float32))
    outside = np.empty((settings.max_steps + 1, len(ratings)))
    for fold in np.unique(folds):
        left_out = torch.from_numpy(folds == fold)
        if bool(left_out.all()):
            outside[:, :] = ratings.mean()
            continue
        path = _train(audio[~left_out], target[~left_out], settings, settings.max_steps, audio[left_out])[1]
        outside[:, left_out.numpy()] = path
    curve = ((outside - ratings)[:, judged] ** 2).mean(axis=1)
    steps = int(curve.argmin())
    module, _ = _train(audio, target, settings, steps, audio[:0])
    arguments = {"embedding_dim": matrix.shape[1], "hidden": settings.hidden, "dropout": settings.dropout}
    return Fitted(module, arguments, steps, curve, outside[steps], judged)


@contextmanager
def _threads_for(matrix: Matrix) -> Iterator[None]:
    """Use one thread for small data: more only wait for each other, four times slower on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if matrix.size < SMALL_MATRIX else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train(
    audio: Tensor, target: Tensor, settings: FitSettings, steps: int, others: Tensor
) -> tuple[SimpleRatingClassifier, Ratings]:
    """Return the module after `steps`, and the ratings (steps + 1, M) it gave `others` (M, D) on the way."""
    torch.manual_seed(settings.seed)
    module = MODELS[settings.model](audio.shape[1], settings.hidden, settings.dropout)
    module.start_from(audio, target)
    optimizer = torch.optim.AdamW(module.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)
    path = [predict(module, others)]
    for _ in range(steps):
        module.train()
        loss = ((module(audio).squeeze(1) - target) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        path.append(predict(module, others))
    return module.eval(), np.stack(path)


@torch.no_grad()
def predict(module: nn.Module, embeddings: Tensor | Matrix) -> Ratings:
    """Return ratings (N,) in 0 to 1 for embeddings (N, D)."""
    module.eval()
    audio = torch.from_numpy(np.array(embeddings)) if isinstance(embeddings, np.ndarray) else embeddings
    ratings: Ratings = module(audio).squeeze(1).double().numpy()
    return ratings


def build_classifier(name: str, arguments: dict[str, Any], weights: dict[str, Tensor]) -> nn.Module:
    """Return the classifier of a checkpoint, ready to predict."""
    module = MODELS[name](**arguments)
    module.load_state_dict(weights)
    return module.eval()
