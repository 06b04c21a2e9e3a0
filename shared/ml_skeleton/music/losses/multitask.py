"""The loss of a training run: named parts, weighed and added up."""

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from ml_skeleton.music.losses.contrastive import MetadataContrastiveLoss, NTXentLoss, SupervisedContrastiveLoss
from ml_skeleton.music.losses.heads import AlbumHead, AlbumLoss, RatingHead, RatingLoss
from ml_skeleton.music.losses.labels import Labels

CONTRASTIVE: dict[str, Callable[[int], nn.Module]] = {
    "windows": NTXentLoss,
    "same_album": lambda embedding_dim: SupervisedContrastiveLoss(embedding_dim, by=("albums",)),
    "same_artist": lambda embedding_dim: SupervisedContrastiveLoss(embedding_dim, by=("artists",)),
    "metadata": MetadataContrastiveLoss,
    "playlists": lambda embedding_dim: SupervisedContrastiveLoss(embedding_dim, by=("playlists",)),
}


class MultiTaskLoss(nn.Module):
    """The weighted sum of named losses of one embedding.

    The rating head learns whatever the weights are, so that every run can say
    what it would rate; where the rating has no weight it learns from the
    embedding as it is, and the encoder does not feel it.
    """

    def __init__(self, rating: RatingLoss, others: Mapping[str, nn.Module], weights: Mapping[str, float]) -> None:
        super().__init__()
        self.rating = rating
        self.others = nn.ModuleDict(dict(others))
        self.weights = dict(weights)

    def predict(self, embeddings: Tensor) -> Tensor:
        """Return ratings (B,) in 0 to 1 of embeddings (B, D)."""
        ratings: Tensor = self.rating.head(embeddings.float())
        return ratings

    def forward(self, embeddings: Tensor, labels: Labels) -> dict[str, Tensor]:
        """Return the weighted parts of the loss by name; their sum is what is minimised."""
        embeddings = embeddings.float()  # distances in bf16 would keep three digits
        weight = self.weights.get("rating")
        heard = embeddings.detach() if weight is None else embeddings
        parts = {"rating": (weight or 1.0) * self.rating(heard, labels)}
        for name, loss in self.others.items():
            parts[name] = self.weights[name] * loss(embeddings, labels)
        return parts


def build_loss(
    weights: Mapping[str, float],
    embedding_dim: int,
    albums: int,
    mean_rating: float,
    heads: tuple[RatingHead, AlbumHead] | None = None,
) -> MultiTaskLoss:
    """Return the loss of `weights` (objectives.loss_weights) for embeddings of `embedding_dim` numbers.

    `albums` is the number of columns of Labels.albums, `mean_rating` that of the
    training songs, 0 to 1. `heads` are those of an encoder that brings its own.
    """
    rating_head, album_head = heads or (RatingHead(embedding_dim), AlbumHead(embedding_dim, albums))
    rating_head.start_at(mean_rating)
    others: dict[str, nn.Module] = {name: CONTRASTIVE[name](embedding_dim) for name in weights if name in CONTRASTIVE}
    if "album" in weights:
        others["album"] = AlbumLoss(album_head)
    return MultiTaskLoss(RatingLoss(rating_head), others, weights)
