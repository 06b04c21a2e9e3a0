"""What is known about the songs of a batch."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class Labels:
    """What is known about the song of each window of a batch.

    `albums`, `artists`, `playlists` and `genres` hold 1 for each one the song
    belongs to, else 0, and may have no column at all. Windows of one song are
    told by `song`.
    """

    rating: Tensor  # (B,) float32, 0 to 1; NaN where the listener gave none
    albums: Tensor  # (B, A) float32, over all albums of the training songs
    artists: Tensor  # (B, R) float32
    playlists: Tensor  # (B, P) float32
    genres: Tensor  # (B, G) float32
    year: Tensor  # (B,) float32; NaN where it is not tagged
    song: Tensor  # (B,) int64

    def __getitem__(self, rows: Tensor) -> "Labels":
        return Labels(*(getattr(self, field.name)[rows] for field in fields(self)))

    def to(self, device: torch.device) -> "Labels":
        """Return the labels on `device`."""
        return Labels(*(getattr(self, field.name).to(device) for field in fields(self)))
