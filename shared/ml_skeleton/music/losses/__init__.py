"""Losses that an encoder learns from."""

from ml_skeleton.music.losses.contrastive import (
    ContrastiveLoss,
    MetadataContrastiveLoss,
    NTXentLoss,
    SupervisedContrastiveLoss,
)
from ml_skeleton.music.losses.heads import AlbumHead, AlbumLoss, RatingHead, RatingLoss
from ml_skeleton.music.losses.labels import Labels
from ml_skeleton.music.losses.multitask import MultiTaskLoss, build_loss

__all__ = [
    "AlbumHead",
    "AlbumLoss",
    "ContrastiveLoss",
    "Labels",
    "MetadataContrastiveLoss",
    "MultiTaskLoss",
    "NTXentLoss",
    "RatingHead",
    "RatingLoss",
    "SupervisedContrastiveLoss",
    "build_loss",
]
