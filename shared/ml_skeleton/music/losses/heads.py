"""Losses of a head on the embedding: the rating of a song, and the albums it is on."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml_skeleton.music.losses.labels import Labels


class RatingHead(nn.Module):
    """Ratings (B,), 0 to 1, of embeddings (B, D); it starts at the mean rating."""

    def __init__(self, embedding_dim: int, mean_rating: float = 0.5) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(embedding_dim)
        self.linear = nn.Linear(embedding_dim, 1)
        self.start_at(mean_rating)

    def start_at(self, mean_rating: float) -> None:
        """Make `mean_rating` what an embedding that says nothing is rated."""
        centre = torch.tensor(min(max(mean_rating, 0.02), 0.98))
        nn.init.constant_(self.linear.bias, torch.logit(centre).item())

    def forward(self, embeddings: Tensor) -> Tensor:
        return torch.sigmoid(self.linear(self.norm(embeddings))).squeeze(1)


class AlbumHead(nn.Module):
    """Scores (B, A) of embeddings (B, D); their softmax is the share of each album."""

    def __init__(self, embedding_dim: int, albums: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.LayerNorm(embedding_dim), nn.Linear(embedding_dim, max(albums, 1)))

    def forward(self, embeddings: Tensor) -> Tensor:
        scores: Tensor = self.layers(embeddings)
        return scores


class RatingLoss(nn.Module):
    """Squared error of a rating head; songs without a rating do not count.

    A batch without any rating costs 0.
    """

    def __init__(self, head: RatingHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, embeddings: Tensor, labels: Labels) -> Tensor:
        rated = ~torch.isnan(labels.rating)
        error = self.head(embeddings) - labels.rating.nan_to_num()  # masked, not indexed: no waiting for the device
        squares: Tensor = (error.square() * rated).sum()
        return squares / rated.sum().clamp(min=1)


class AlbumLoss(nn.Module):
    """Cross-entropy over all albums of the training songs: unrated songs teach what an album sounds like.

    For a song on several albums it is averaged over them; a song without album
    does not count.
    """

    def __init__(self, head: AlbumHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, embeddings: Tensor, labels: Labels) -> Tensor:
        on_albums = labels.albums.sum(dim=1)  # (B,)
        log_share = functional.log_softmax(self.head(embeddings), dim=1)  # (B, A)
        per_song = -(log_share * labels.albums).sum(dim=1) / on_albums.clamp(min=1)
        return per_song.sum() / (on_albums > 0).sum().clamp(min=1)
