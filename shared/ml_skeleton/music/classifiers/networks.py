"""Classifiers as torch modules. Each takes embeddings (B, D) float32 and returns ratings (B, 1) in 0 to 1."""

import importlib
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from ml_skeleton.errors import UsageError, UserError
from ml_skeleton.music.classifiers import MODELS, RatingClassifier
from ml_skeleton.music.classifiers.kernel import similarities, standardise
from ml_skeleton.music.inputs import Matrix
from ml_skeleton.music.ridge import fit_ridge
from ml_skeleton.music.scores import Ratings

LEVELS = 11  # the player's ratings: 0 to 5 stars by halves
LOGISTIC = 0.55  # the logistic distribution of deviation 1 has this scale: sqrt(3) / pi
NARROWEST = 0.05  # deviation of the ratings around the line: a quarter star


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
        last = nn.Linear(hidden, 1, bias=False)
        nn.init.zeros_(last.weight)
        self.bend = nn.Sequential(*self.hidden_layers(embedding_dim, hidden, dropout), last)

    @staticmethod
    def hidden_layers(embedding_dim: int, hidden: int, dropout: float) -> list[nn.Module]:
        """Return the layers from (B, D) to (B, hidden)."""
        return [nn.Linear(embedding_dim, hidden), nn.GELU(), nn.Dropout(dropout)]

    def forward(self, embeddings: Tensor) -> Tensor:
        return self.unbounded(embeddings).clamp(0.0, 1.0)

    def unbounded(self, embeddings: Tensor) -> Tensor:
        """Return predictions (B, 1) before they are cut to 0 to 1, where the gradient would end."""
        standard = standardise(embeddings, self.centre, self.scale)
        return cast(Tensor, self.line(standard) + self.bend(standard))

    def loss(self, embeddings: Tensor, ratings: Tensor, weights: Tensor) -> Tensor:
        """Return the mean squared error, each song counted with its weight (B,)."""
        return (weights * (self.unbounded(embeddings).squeeze(1) - ratings) ** 2).mean()

    def start_from(self, embeddings: Matrix, ratings: Ratings, penalty: float, weights: Ratings) -> None:
        """Take the spread of the embeddings (N, D) and the ridge regression on the ratings (N,)."""
        ridge = fit_ridge(embeddings, ratings, penalty, weights)
        with torch.no_grad():
            self.centre.copy_(torch.from_numpy(ridge.centre))
            self.scale.copy_(torch.from_numpy(ridge.scale))
            self.line.weight.copy_(torch.from_numpy(ridge.slopes)[None])
            self.line.bias.fill_(ridge.mean)
        self.line.requires_grad_(False)


class _Residual(nn.Module):
    """x + what two layers make of x."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + cast(Tensor, self.layers(x))


class DeepRatingClassifier(SimpleRatingClassifier):
    """A line, bent by residual blocks in place of one hidden layer."""

    def __init__(self, embedding_dim: int, hidden: int = 32, dropout: float = 0.2, blocks: int = 3) -> None:
        self.blocks = blocks
        super().__init__(embedding_dim, hidden, dropout)

    def hidden_layers(self, embedding_dim: int, hidden: int, dropout: float) -> list[nn.Module]:  # type: ignore[override]
        blocks = [_Residual(hidden, dropout) for _ in range(self.blocks)]
        return [nn.Linear(embedding_dim, hidden), *blocks, nn.LayerNorm(hidden), nn.GELU()]


class EnsembleRatingClassifier(nn.Module):
    """Simple classifiers that each weigh the songs differently (Rubin's Bayesian bootstrap 1981), and their mean.

    Where they disagree, little is known.
    """

    def __init__(self, embedding_dim: int, hidden: int = 32, dropout: float = 0.2, members: int = 8) -> None:
        super().__init__()
        self.members = nn.ModuleList(SimpleRatingClassifier(embedding_dim, hidden, dropout) for _ in range(members))

    def forward(self, embeddings: Tensor) -> Tensor:
        return self.opinions(embeddings).mean(dim=0).clamp(0.0, 1.0)

    def opinions(self, embeddings: Tensor) -> Tensor:
        """Return what each member predicts (members, B, 1), not bounded."""
        return torch.stack([cast(SimpleRatingClassifier, member).unbounded(embeddings) for member in self.members])

    def loss(self, embeddings: Tensor, ratings: Tensor, weights: Tensor) -> Tensor:
        """Return the sum of the members' errors, each with its own weights."""
        own = _bootstrap(len(self.members), len(ratings))
        errors = (self.opinions(embeddings).squeeze(2) - ratings) ** 2  # (members, B)
        return (own * weights * errors).mean(dim=1).sum()

    def start_from(self, embeddings: Matrix, ratings: Ratings, penalty: float, weights: Ratings) -> None:
        """Start every member from a ridge regression with its own weights."""
        for member, own in zip(self.members, _bootstrap(len(self.members), len(ratings)).double().numpy(), strict=True):
            cast(SimpleRatingClassifier, member).start_from(embeddings, ratings, penalty, weights * own)


class OrdinalRatingClassifier(nn.Module):
    """A cumulative link model (McCullagh 1980): one line, and where on it each half star begins.

    The steps between stars need not be equal: for a listener who gives four
    stars to nearly everything, five are far away.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, embedding_dim: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(embedding_dim))
        self.register_buffer("scale", torch.ones(embedding_dim))
        self.line = nn.Linear(embedding_dim, 1, bias=False)
        self.first = nn.Parameter(torch.tensor(-2.0))
        self.steps = nn.Parameter(torch.zeros(LEVELS - 2))  # logarithms, so that the thresholds stay in order

    def forward(self, embeddings: Tensor) -> Tensor:
        return self.above(embeddings).mean(dim=1, keepdim=True)

    def above(self, embeddings: Tensor) -> Tensor:
        """Return the chance (B, 10) of more than 0, 0.5, … 4.5 stars."""
        thresholds = torch.cat([self.first[None], self.first + self.steps.exp().cumsum(0)])
        return torch.sigmoid(self.line(standardise(embeddings, self.centre, self.scale)) - thresholds)

    def loss(self, embeddings: Tensor, ratings: Tensor, weights: Tensor) -> Tensor:
        """Return the mean negative log likelihood; a rating between two levels counts for both."""
        edges = nn.functional.pad(self.above(embeddings), (1, 1))  # (B, 12)
        edges[:, 0] = 1.0
        chances = (edges[:, :-1] - edges[:, 1:]).clamp_min(1e-6)  # (B, 11)
        apart = (ratings[:, None] * (LEVELS - 1) - torch.arange(LEVELS)).abs()
        return -(weights * ((1 - apart).clamp_min(0.0) * chances.log()).sum(dim=1)).mean()

    def start_from(self, embeddings: Matrix, ratings: Ratings, penalty: float, weights: Ratings) -> None:
        """Expect what the ridge regression does, with stars of equal width to begin with."""
        ridge = fit_ridge(embeddings, ratings, penalty, weights)
        spread = max(float(np.std(ratings - ridge.predict(embeddings))), 0.3 * float(np.std(ratings)), NARROWEST)
        scale = spread * LOGISTIC
        thresholds = ((np.arange(LEVELS - 1) + 0.5) / (LEVELS - 1) - ridge.mean) / scale
        with torch.no_grad():
            self.centre.copy_(torch.from_numpy(ridge.centre))
            self.scale.copy_(torch.from_numpy(ridge.scale))
            self.line.weight.copy_(torch.from_numpy(ridge.slopes / scale)[None])
            self.first.fill_(float(thresholds[0]))
            self.steps.copy_(torch.from_numpy(np.log(np.diff(thresholds))))


class KernelRatingClassifier(nn.Module):
    """What a Gaussian process or a ridge regression hears, as a torch module; see kernel.Ear."""

    def __init__(self, embedding_dim: int, inducing: int, audio: int, rank: int) -> None:
        super().__init__()
        shapes = {
            "centre": (embedding_dim,), "scale": (embedding_dim,), "intercept": (), "slopes": (embedding_dim,),
            "inducing": (inducing, audio), "narrowness": (audio,), "bends": (inducing,),
            "unknown": (1 + embedding_dim,), "taught": (1 + embedding_dim + inducing, rank),
        }  # fmt: skip
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape))

    def forward(self, embeddings: Tensor) -> Tensor:
        part = cast(Mapping[str, Tensor], dict(self.named_buffers()))
        standard = standardise(embeddings, part["centre"], part["scale"])
        alike = similarities(standard, part["inducing"], part["narrowness"], torch.exp)
        rating = part["intercept"] + standard @ part["slopes"] + alike @ part["bends"]
        return cast(Tensor, rating.clamp(0.0, 1.0)[:, None])


NETWORKS: dict[str, type[nn.Module]] = {
    "gp": KernelRatingClassifier,
    "ridge": KernelRatingClassifier,
    "mlp": SimpleRatingClassifier,
    "deep": DeepRatingClassifier,
    "ensemble": EnsembleRatingClassifier,
    "ordinal": OrdinalRatingClassifier,
}


def new_network(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Return a new classifier: a built-in by its name, or a class of the user's as package.module:Class.

    Raises UsageError for an unknown name or arguments that the class does not take.
    """
    network_class = NETWORKS.get(name) or _import_class(name)
    try:
        network = network_class(**arguments)
    except TypeError as error:
        raise UsageError(f"--model {name}: does not take the arguments {dict(arguments)}: {error}") from None
    if not isinstance(network, RatingClassifier) or not isinstance(network, nn.Module):
        raise UsageError(f"--model {name}: expected a torch module with forward(embeddings)")
    return network


def build_classifier(name: str, arguments: Mapping[str, Any], weights: Mapping[str, Tensor]) -> nn.Module:
    """Return the classifier of a checkpoint, ready to predict."""
    module = new_network(name, arguments)
    module.load_state_dict(weights)
    return module.eval()


def check_class_may_be_imported(name: str, asked: str | None) -> None:
    """Raise UserError when a checkpoint names a class that is not built in and that the user did not name."""
    if name not in MODELS and name != asked:
        raise UserError(
            f"the checkpoint was made with the classifier class {name}, which is imported only "
            f"when you name it as well: --model-class {name}"
        )


class NetworkHeard:
    """A torch module as the part of a predictor that goes by the features."""

    def __init__(self, module: nn.Module, arguments: Mapping[str, Any]) -> None:
        self.module = module
        self.arguments = dict(arguments)  # of its class

    @torch.no_grad()
    def predict(self, matrix: Matrix) -> tuple[Ratings, Ratings]:
        """Return ratings (N,) in 0 to 1 and their variances (N,): how far an ensemble's members disagree, or 0."""
        self.module.eval()
        asked = torch.from_numpy(np.array(matrix))
        ratings = cast(Ratings, self.module(asked).squeeze(1).double().numpy())
        if isinstance(self.module, EnsembleRatingClassifier):
            return ratings, self.module.opinions(asked).squeeze(2).double().var(dim=0).numpy()
        return ratings, np.zeros(len(ratings))


def _bootstrap(members: int, songs: int) -> Tensor:
    """Return weights (members, songs) of mean 1, the same at every call."""
    return torch.empty(members, songs).exponential_(generator=torch.Generator().manual_seed(songs))


def _import_class(name: str) -> type[nn.Module]:
    module_name, colon, class_name = name.partition(":")
    if not colon:
        raise UsageError(f"--model {name}: unknown; expected one of {', '.join(MODELS)}, or a class as module:Class")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"--model {name}: cannot be imported: {error}") from None
    return cast(type[nn.Module], found)
