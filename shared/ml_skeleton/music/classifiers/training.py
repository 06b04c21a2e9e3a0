"""Trains the torch classifiers: full steps of AdamW, as many as help on albums left out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ml_skeleton.music.classifiers.networks import NetworkHeard, new_network
from ml_skeleton.music.inputs import Matrix
from ml_skeleton.music.rated import FitSettings
from ml_skeleton.music.ridge import choose_penalty
from ml_skeleton.music.scores import Ratings
from ml_skeleton.music.targets import Examples

SMALL_MATRIX = 1_000_000  # numbers; a step on fewer takes less than a millisecond
HIDDEN = ("mlp", "deep", "ensemble")  # these take `hidden` and `dropout`

Folds = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]


@runtime_checkable
class Starts(Protocol):
    """A module that begins with a ridge regression."""

    def start_from(self, embeddings: Matrix, ratings: Ratings, penalty: float, weights: Ratings) -> None: ...


@runtime_checkable
class Judges(Protocol):
    """A module with a loss of its own."""

    def loss(self, embeddings: Tensor, ratings: Tensor, weights: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Course:
    """How long to train, as the albums left out told it."""

    penalty: float  # of the ridge regression to start from
    steps: int
    curve: Ratings  # (max_steps + 1,) mean squared error on the judged songs of folds left out, after each step


def choose_course(examples: Examples, folds: Folds, settings: FitSettings) -> Course:
    """Return the penalty and the number of steps with the least error on judged songs of `folds` (N,) left out."""
    matrix, judged = examples.inputs.matrix, examples.judged
    penalty = choose_penalty(matrix, examples.ratings, folds, judged, examples.weights)
    error, weight = np.zeros(settings.max_steps + 1), 0.0
    for fold in np.unique(folds[judged]):
        asked, rows = np.flatnonzero((folds == fold) & judged), np.flatnonzero(folds != fold)
        if len(rows):
            path = np.array(list(_steps(examples, rows, penalty, settings, settings.max_steps, matrix[asked])))
            trust = examples.weights[asked]
            error += ((path - examples.ratings[asked]) ** 2) @ trust
            weight += float(trust.sum())
    curve = error / weight if weight else error
    return Course(penalty, int(curve.argmin()), curve)


def train(examples: Examples, rows: Rows, course: Course, settings: FitSettings) -> NetworkHeard:
    """Return a network trained on the songs of `rows` as long as the course says."""
    module, arguments = _new(examples, settings)
    for _ in _train(module, examples, rows, course.penalty, settings, course.steps):
        pass
    return NetworkHeard(module.eval(), arguments)


def _steps(
    examples: Examples, rows: Rows, penalty: float, settings: FitSettings, steps: int, asked: Matrix
) -> Iterator[Ratings]:
    """Train on `rows` and yield the ratings of the songs asked (M, F) before and after each step."""
    module, arguments = _new(examples, settings)
    heard = NetworkHeard(module, arguments)
    for _ in _train(module, examples, rows, penalty, settings, steps):
        yield heard.predict(asked)[0]


def _new(examples: Examples, settings: FitSettings) -> tuple[nn.Module, dict[str, Any]]:
    torch.manual_seed(settings.seed)
    hidden = {"hidden": settings.hidden, "dropout": settings.dropout} if settings.model in HIDDEN else {}
    arguments = {"embedding_dim": examples.inputs.matrix.shape[1], **hidden, **settings.model_args}
    return new_network(settings.model, arguments), arguments


def _train(
    module: nn.Module, examples: Examples, rows: Rows, penalty: float, settings: FitSettings, steps: int
) -> Iterator[None]:
    """Yield before the first step and after each. Steps are of the whole data, so the order of songs is nothing."""
    matrix, ratings, weights = examples.inputs.matrix[rows], examples.ratings[rows], examples.weights[rows]
    if isinstance(module, Starts):
        module.start_from(matrix, ratings, penalty, weights)
    audio, target, trust = (torch.from_numpy(values.astype(np.float32)) for values in (matrix, ratings, weights))
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=settings.lr, weight_decay=settings.weight_decay)
    with _threads_for(matrix):
        yield
        for _ in range(steps):
            module.train()
            optimizer.zero_grad()
            _loss(module, audio, target, trust).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            yield


def _loss(module: nn.Module, audio: Tensor, target: Tensor, trust: Tensor) -> Tensor:
    """Return the module's own loss, or the squared error where it has none."""
    if isinstance(module, Judges):
        return module.loss(audio, target, trust)
    squared: Tensor = (trust * (module(audio).squeeze(1) - target) ** 2).mean()
    return squared


@contextmanager
def _threads_for(matrix: Matrix) -> Iterator[None]:
    """Use one thread for small data: more only wait for each other, four times slower on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if matrix.size < SMALL_MATRIX else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
