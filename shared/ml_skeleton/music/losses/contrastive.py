"""Contrastive losses: windows that belong together are drawn together, all others of the batch apart."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml_skeleton.music.losses.labels import Labels

PROJECTION = 64  # numbers in which windows are compared
TEMPERATURE = 0.1
YEARS = 10.0  # songs that many years apart are alike by 1/e


def contrastive(projected: Tensor, alike: Tensor, temperature: float) -> Tensor:
    """Return the supervised contrastive loss of windows (B, P); `alike` (B, B), 0 to 1, weighs the positives.

    Khosla et al. 2020, "Supervised Contrastive Learning", equation 2, where a
    pair may count in part: for every window the mean over what is like it, of
    minus the log of its share among all other windows. A window that nothing
    is like does not count; without any the loss is 0.
    """
    windows = functional.normalize(projected, dim=1)
    itself = torch.eye(len(windows), dtype=torch.bool, device=windows.device)
    similarity = (windows @ windows.T / temperature).masked_fill(itself, float("-inf"))  # (B, B)
    log_share = functional.log_softmax(similarity, dim=1).masked_fill(itself, 0.0)
    weight = alike.masked_fill(itself, 0.0)
    total = weight.sum(dim=1)  # (B,)
    per_window = -(log_share * weight).sum(dim=1) / total.clamp(min=1e-6)
    return per_window.sum() / (total > 0).sum().clamp(min=1)


class ContrastiveLoss(nn.Module, ABC):
    """A contrastive loss on a projection of the embedding; a subclass says which windows are alike.

    The projection takes the loss's invariances on itself (Chen et al. 2020,
    "SimCLR", section 4.2), so that the embedding keeps what tells songs apart.
    """

    def __init__(self, embedding_dim: int, temperature: float = TEMPERATURE) -> None:
        super().__init__()
        self.temperature = temperature
        self.projection = nn.Sequential(
            nn.Linear(embedding_dim, embedding_dim), nn.GELU(), nn.Linear(embedding_dim, PROJECTION)
        )

    @abstractmethod
    def alike(self, labels: Labels) -> Tensor:
        """Return how far each pair of windows belongs together: (B, B), 0 to 1."""

    def forward(self, embeddings: Tensor, labels: Labels) -> Tensor:
        if len(embeddings) < 2:  # nothing to compare with
            return embeddings.sum() * 0.0
        return contrastive(self.projection(embeddings), self.alike(labels), self.temperature)


class NTXentLoss(ContrastiveLoss):
    """Two windows of a song, each augmented in its own way, are alike (Chen et al. 2020, "SimCLR")."""

    def alike(self, labels: Labels) -> Tensor:
        return (labels.song[:, None] == labels.song[None]).float()


class SupervisedContrastiveLoss(ContrastiveLoss):
    """Songs that share an album, an artist or a playlist are alike.

    `by` names the labels to share; of several, a pair counts by the share of
    them that it has in common.
    """

    def __init__(self, embedding_dim: int, by: tuple[str, ...], temperature: float = TEMPERATURE) -> None:
        super().__init__(embedding_dim, temperature)
        self.by = by

    def alike(self, labels: Labels) -> Tensor:
        return torch.stack([shared(getattr(labels, name)) for name in self.by]).mean(dim=0)


class MetadataContrastiveLoss(ContrastiveLoss):
    """Songs of one genre are alike, the more so the closer their years; an untagged year tells nothing."""

    def alike(self, labels: Labels) -> Tensor:
        apart = (labels.year[:, None] - labels.year[None]).abs().nan_to_num(nan=0.0)  # (B, B)
        return shared(labels.genres) * torch.exp(-apart / YEARS)


def shared(groups: Tensor) -> Tensor:
    """Return 1 for each pair (B, B) of rows of `groups` (B, N) that have a group in common, else 0."""
    return (groups @ groups.T > 0).float()
