"""The objects of a training run: the network, the crops, the order of the windows."""

import numpy as np
import torch
from ml_skeleton.artifacts.crop_samples import CropIndex, index_crops
from ml_skeleton.console import warn
from ml_skeleton.errors import InputError
from ml_skeleton.music.augment import Augment
from ml_skeleton.music.devices import free_memory, out_of_memory_in_one_line
from ml_skeleton.music.encoders import NewEncoder, check_hearing, embedding_parts, learning_part, new_encoder
from ml_skeleton.music.losses import build_loss
from ml_skeleton.music.splits import TRAIN
from ml_skeleton.utils.memory import memory_limit_gb
from torch import nn

from ml_skeleton_train_encoder.batch_size import find_batch_size, step_memory
from ml_skeleton_train_encoder.batches import Epochs
from ml_skeleton_train_encoder.labels import SongLabels
from ml_skeleton_train_encoder.learner import Learner, Stepper
from ml_skeleton_train_encoder.parallel import Team
from ml_skeleton_train_encoder.precision import choose_precision
from ml_skeleton_train_encoder.settings import Manner, Settings
from ml_skeleton_train_encoder.songs import VAL, SongSet
from ml_skeleton_train_encoder.state import TrainingState
from ml_skeleton_train_encoder.stores import Store, open_store
from ml_skeleton_train_encoder.validation import Validation

FEWEST_TO_CHOOSE = 50  # rated songs; below it, the best epoch would be chosen by chance; the last one is kept


class Network:
    """A new encoder with its loss, on the device."""

    def __init__(self, songs: SongSet, settings: Settings, device: torch.device, team: Team) -> None:
        torch.manual_seed(settings.seed)
        rate, albums = songs.crops.sample_rate, len(songs.album_index)
        self.new: NewEncoder = new_encoder(settings.encoder, settings.encoder_arguments, rate, albums)
        encoder = _fast_layout(self.new.encoder.to(device))
        if team.size > 1 and device.type == "cuda":
            encoder = nn.SyncBatchNorm.convert_sync_batchnorm(encoder)  # type: ignore[no-untyped-call]
        self.encoder, learned = encoder, learning_part(encoder)
        self.dimension: int = encoder.get_embedding_dim()  # type: ignore[operator]
        self.parts = embedding_parts(encoder)
        self.device = device
        heads, dimension = getattr(learned, "heads", None), learned.get_embedding_dim()  # type: ignore[operator]
        loss = build_loss(settings.loss, dimension, albums, songs.mean_rating, heads).to(device)
        labels = SongLabels(songs.sides[TRAIN], list(songs.album_index), device)
        self.learner = Learner(learned, loss, Augment(settings.augment, rate, settings.seed), labels)

    @property
    def learns(self) -> bool:
        """Whether the encoder has anything to learn."""
        return any(weights.requires_grad for weights in self.encoder.parameters())

    def check_hearing(self, length: int) -> None:
        """Raise UsageError unless windows of `length` samples become vectors, as the encoder says."""
        check_hearing(learning_part(self.encoder), self.new.model, torch.zeros(2, length, device=self.device))


class Run:
    """All that a training needs, ready to go on from a state."""

    def __init__(
        self,
        songs: SongSet,
        settings: Settings,
        manner: Manner,
        state: TrainingState,
        network: Network,
        device: torch.device,
        team: Team,
    ) -> None:
        self.songs, self.settings, self.device, self.team = songs, settings, device, team
        if not songs.sides[TRAIN]:
            raise InputError(
                f"{songs.crops.folder}: no song is left to learn from; extract more, or lower --val-fraction and "
                "--test-fraction"
            )
        self.encoder = network.encoder
        learner = network.learner
        crops = index_crops(songs.crops)
        train, val = (crops.rows_of([r.audio_id for r in songs.sides[side]]) for side in (TRAIN, VAL))
        crops = crops[np.concatenate([train, val])]
        length = self.length = _window_samples(settings.window_s, songs, int(crops.samples.max()))
        network.check_hearing(length)
        windows = len(train) * settings.windows_per_crop
        state.precision = team.from_leader(
            lambda: state.precision or choose_precision(settings.precision, learner, length, device)
        )
        learner.precision = "bf16" if state.precision == "bf16" else "fp32"
        state.batch_size = team.from_leader(
            lambda: state.batch_size or settings.batch_size or find_batch_size(learner, length, windows, device)
        )
        self.batch_size: int = state.batch_size
        self.store = self._open_store(crops, learner, manner)
        self.epochs = Epochs(
            crops[: len(train)], self.batch_size, settings.windows_per_crop, length, settings.seed, team
        )
        self.validation = Validation(songs, self.store, network.encoder, device, settings.learns_ratings)
        optimizer = torch.optim.AdamW(learner.trained(), lr=settings.lr, weight_decay=settings.weight_decay)
        state.attach({"encoder": learner.encoder, "loss": learner.loss, "optimizer": optimizer})
        self.learner, self.stepper = learner, Stepper(learner, optimizer, team, device)

    def _open_store(self, crops: CropIndex, learner: Learner, manner: Manner) -> Store:
        """Return the crops where there is room for them beside a step of the training."""
        with out_of_memory_in_one_line(self.device, self.batch_size):
            step = step_memory(learner, -(-self.batch_size // self.team.size), self.length, self.device)
            budget = free_memory(self.device, memory_limit_gb(manner.gpu_memory_gb)) - step
            return open_store(crops, self.length, self.device, manner.crops_in, budget)

    @property
    def chooses_epoch(self) -> bool:
        """Whether the validation songs are enough to say which epoch was best.

        What has not learned from ratings is not chosen by them either, so that all of them can test it.
        """
        return self.settings.learns_ratings and len(self.songs.rated(VAL)) >= FEWEST_TO_CHOOSE

    @property
    def window_s(self) -> float:
        """Seconds that the encoder hears at a time."""
        return self.length / self.songs.crops.sample_rate


def _window_samples(window_s: float, songs: SongSet, longest: int) -> int:
    """Return the samples of a window; no crop is shorter than the window of all of them would be."""
    length = round(window_s * songs.crops.sample_rate)
    if length <= longest or not longest:
        return length
    seconds = longest / songs.crops.sample_rate
    warn(f"{songs.crops.folder}: crops last {seconds:g} s at most, so windows do as well, not --window {window_s:g}")
    return longest


def _fast_layout(encoder: nn.Module) -> nn.Module:
    """Let the weights of 2-D convolutions stand channels last, which a CPU computes with in a third less time."""
    for weights in encoder.parameters():
        if weights.dim() == 4:
            weights.data = weights.data.contiguous(memory_format=torch.channels_last)
    return encoder
