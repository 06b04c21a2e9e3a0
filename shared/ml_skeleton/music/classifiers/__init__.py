"""Classifiers: models that predict a rating from an embedding, and how sure they are.

`fitting` fits any of them; `predictor` is what is used afterwards. The torch
modules are imported only when they are asked for, as `recommend` needs none for
the usual ones.
"""

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

MODELS = ("gp", "ridge", "mlp", "deep", "ensemble", "ordinal")
NETWORKS = (
    "SimpleRatingClassifier",
    "DeepRatingClassifier",
    "EnsembleRatingClassifier",
    "OrdinalRatingClassifier",
    "KernelRatingClassifier",
)


@runtime_checkable
class RatingClassifier(Protocol):
    """What the pipeline asks of a classifier; it must also be a torch module."""

    def forward(self, embeddings: "Tensor") -> "Tensor":
        """Return ratings (B, 1) in 0 to 1 for embeddings (B, D)."""
        ...


def __getattr__(name: str) -> Any:
    if name in NETWORKS:
        from ml_skeleton.music.classifiers import networks

        return getattr(networks, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
