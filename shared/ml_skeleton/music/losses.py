"""Losses that an encoder learns from."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Labels:
    """What is known about the songs of a batch."""

    rating: Tensor  # (B,) 0 to 1, NaN where the listener gave none
    albums: Tensor  # (B, A) float: 1 for each album the song is on, else 0

    def __getitem__(self, rows: Tensor) -> "Labels":
        return Labels(self.rating[rows], self.albums[rows])

    def to(self, device: torch.device) -> "Labels":
        """Return the labels on `device`."""
        return Labels(self.rating.to(device), self.albums.to(device))


class RatingLoss(nn.Module):
    """Squared error of a rating head; songs without a rating do not count.

    The head ends in a sigmoid, so that predictions stay between 0 and 1. A batch
    without any rating costs 0.
    """

    uses_unrated = False

    def __init__(self, embedding_dim: int, albums: int, mean_rating: float) -> None:
        super().__init__()
        last = nn.Linear(embedding_dim, 1)
        centre = min(max(mean_rating, 0.02), 0.98)
        nn.init.constant_(last.bias, torch.logit(torch.tensor(centre)).item())  # start at the mean
        self.head = nn.Sequential(nn.LayerNorm(embedding_dim), last)

    def predict(self, embeddings: Tensor) -> Tensor:
        """Return ratings (B,) in 0 to 1."""
        return torch.sigmoid(self.head(embeddings)).squeeze(1)

    def forward(self, embeddings: Tensor, labels: Labels) -> dict[str, Tensor]:
        """Return the parts of the loss by name; their sum is what is minimised."""
        rated = ~torch.isnan(labels.rating)
        error = self.predict(embeddings)[rated] - labels.rating[rated]
        return {"rating": (error**2).sum() / rated.sum().clamp(min=1)}


class MultiTaskLoss(nn.Module):
    """Rating and album at once: unrated songs teach what an album sounds like.

    The album part is a cross-entropy over all albums of the training songs; for a
    song on several albums it is averaged over them. A song without album does not
    count in it. Its weight keeps it below the rating part once both have settled:
    albums told apart too well cost rank correlation on artists not heard before.
    """

    uses_unrated = True

    def __init__(self, embedding_dim: int, albums: int, mean_rating: float, album_weight: float = 0.01) -> None:
        super().__init__()
        self.rating = RatingLoss(embedding_dim, albums, mean_rating)
        self.album_head = nn.Sequential(nn.LayerNorm(embedding_dim), nn.Linear(embedding_dim, max(albums, 1)))
        self.album_weight = album_weight

    def predict(self, embeddings: Tensor) -> Tensor:
        """Return ratings (B,) in 0 to 1."""
        return self.rating.predict(embeddings)

    def forward(self, embeddings: Tensor, labels: Labels) -> dict[str, Tensor]:
        """Return the parts of the loss by name; their sum is what is minimised."""
        album = self.album_weight * self._album_loss(embeddings, labels)
        return {**self.rating(embeddings, labels), "album": album}

    def _album_loss(self, embeddings: Tensor, labels: Labels) -> Tensor:
        on_albums = labels.albums.sum(dim=1)
        known = on_albums > 0
        log_share = functional.log_softmax(self.album_head(embeddings[known]), dim=1)  # (K, A)
        per_song = -(log_share * labels.albums[known]).sum(dim=1) / on_albums[known]
        return per_song.sum() / known.sum().clamp(min=1)


LOSSES: dict[str, type[RatingLoss] | type[MultiTaskLoss]] = {"rating": RatingLoss, "multitask": MultiTaskLoss}
