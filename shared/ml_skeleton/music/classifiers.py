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
from ml_skeleton.music.ridge import choose_penalty, fit_ridge
from ml_skeleton.music.scores import Ratings

Matrix = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Folds = npt.NDArray[np.int64]
FEWEST_JUDGED = 10
SMALL_MATRIX = 1_000_000  # numbers; a step on fewer takes less than a millisecond


@runtime_checkable
class RatingClassifier(Protocol):
    """What the pipeline asks of a classifier; it must also be a torch module."""

    def forward(self, embeddings: Tensor) -> Tensor:
        """Return ratings (B, 1) in 0 to 1 for embeddings (B, D)."""
        ...


class SimpleRatingClassifier(nn.Module):
    """A line through standardised embeddings, and one hidden layer that bends it where the songs ask for it.

    The line is a ridge regression, which no network beats on a few hundred songs;
    the hidden layer starts at 0 and adds what the line misses.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, embedding_dim: int, hidden: int = 32, dropout: float = 0.2) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(embedding_dim))
        self.register_buffer("scale", torch.ones(embedding_dim))
        self.line = nn.Linear(embedding_dim, 1)
        self.bend = nn.Sequential(
            nn.Linear(embedding_dim, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, 1, bias=False)
        )
        nn.init.zeros_(cast(nn.Linear, self.bend[-1]).weight)

    def forward(self, embeddings: Tensor) -> Tensor:
        return self.unbounded(embeddings).clamp(0.0, 1.0)

    def unbounded(self, embeddings: Tensor) -> Tensor:
        """Return predictions (B, 1) before they are cut to 0 to 1, where the gradient would end."""
        standard = (embeddings - self.centre) * self.scale
        return cast(Tensor, self.line(standard) + self.bend(standard))

    def start_from(self, embeddings: Matrix, ratings: Ratings, penalty: float) -> None:
        """Take the spread of the embeddings (N, D) and the ridge regression on the ratings (N,)."""
        ridge = fit_ridge(embeddings, ratings, penalty)
        with torch.no_grad():
            self.centre.copy_(torch.from_numpy(ridge.centre))
            self.scale.copy_(torch.from_numpy(ridge.scale))
            self.line.weight.copy_(torch.from_numpy(ridge.slopes)[None])
            self.line.bias.fill_(ridge.mean)


MODELS: dict[str, type[SimpleRatingClassifier]] = {"mlp": SimpleRatingClassifier}


@dataclass(frozen=True)
class Fitted:
    """A classifier trained on all that it was given, and how its length of training was chosen."""

    module: SimpleRatingClassifier
    arguments: dict[str, Any]  # of the class of `module`
    penalty: float  # of the ridge regression it started from
    steps: int
    curve: Ratings  # (max_steps + 1,) mean squared error on the judged songs of the folds left out, after each step
    predicted: Ratings  # (N,) each song by the models that were not trained on its album, after `steps`
    judged: Mask  # (N,) the songs that `curve` is of


def fit_classifier(
    matrix: Matrix, ratings: Ratings, folds: Folds, settings: FitSettings, seen: Mask | None = None
) -> Fitted:
    """Return a classifier trained on embeddings (N, D) and ratings (N,).

    The penalty of the ridge regression and the number of steps after it are those
    with the least squared error on songs of albums left out, over `folds` (N,) of
    whole albums; then all songs train the final model that long. Steps are of the
    whole data, so the order of songs is nothing.

    Songs whose rating the encoder has `seen` (N,) look more predictable than any
    new song will be. So the error is that on the others, where there are at least
    10: it stops the training before it trusts the embeddings too much.
    """
    judged = np.ones(len(ratings), dtype=np.bool_) if seen is None or (~seen).sum() < FEWEST_JUDGED else ~seen
    penalty = choose_penalty(matrix, ratings, folds, judged)
    outside = np.empty((settings.max_steps + 1, len(ratings)))
    with _threads_for(matrix):
        for fold in np.unique(folds):
            left_out = folds == fold
            if left_out.all():
                outside[:, :] = ratings.mean()
                continue
            train = matrix[~left_out], ratings[~left_out]
            outside[:, left_out] = _train(*train, penalty, settings, settings.max_steps, matrix[left_out])[1]
        curve = ((outside - ratings)[:, judged] ** 2).mean(axis=1)
        steps = int(curve.argmin())
        module, _ = _train(matrix, ratings, penalty, settings, steps, matrix[:0])
    arguments = {"embedding_dim": matrix.shape[1], "hidden": settings.hidden, "dropout": settings.dropout}
    return Fitted(module, arguments, penalty, steps, curve, outside[steps], judged)


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
    matrix: Matrix, ratings: Ratings, penalty: float, settings: FitSettings, steps: int, others: Matrix
) -> tuple[SimpleRatingClassifier, Ratings]:
    """Return the module after `steps`, and the ratings (steps + 1, M) it gave `others` (M, D) on the way."""
    torch.manual_seed(settings.seed)
    module = MODELS[settings.model](matrix.shape[1], settings.hidden, settings.dropout)
    module.start_from(matrix, ratings, penalty)
    audio, asked = torch.from_numpy(np.array(matrix)), torch.from_numpy(np.array(others))
    target = torch.from_numpy(ratings.astype(np.float32))
    optimizer = torch.optim.AdamW(module.bend.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)
    path = [predict(module, asked)]
    for _ in range(steps):
        module.train()
        loss = ((module.unbounded(audio).squeeze(1) - target) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        path.append(predict(module, asked))
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
