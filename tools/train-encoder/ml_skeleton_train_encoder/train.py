"""Trains an encoder: one function that reads top to bottom, and what it is made of."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ml_skeleton.artifacts.checkpoints import FORMAT, Header, save_checkpoint
from ml_skeleton.artifacts.files import only_run
from ml_skeleton.artifacts.metrics import MetricsLog
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.console import progress
from ml_skeleton.interrupts import StopRequest, stop_request
from ml_skeleton.music.augment import Augment
from ml_skeleton.music.encoders import new_encoder
from ml_skeleton.music.losses import build_loss
from ml_skeleton.music.scores import spearman
from ml_skeleton.music.splits import TRAIN
from ml_skeleton.music.windows import all_windows
from torch import nn

from ml_skeleton_train_encoder.batches import training_batches, waveforms
from ml_skeleton_train_encoder.labels import SongLabels
from ml_skeleton_train_encoder.settings import Settings
from ml_skeleton_train_encoder.songs import KIND, VAL, SongSet
from ml_skeleton_train_encoder.state import TrainingState, resume_or_start

TOOL = "train-encoder"
MAX_GRADIENT = 1.0
FEWEST_TO_VALIDATE = 5  # rated songs; fewer give no figure worth printing
FEWEST_TO_CHOOSE = 50  # below it, the best epoch would be chosen by chance; the last one is kept
Epoch = dict[str, float | None]


def train_encoder(
    songs: SongSet,
    out: Path,
    settings: Settings,
    device: torch.device,
    metrics: Path | None = None,
    fresh: bool = False,
) -> Header:
    """Train an encoder on `songs`, write it to `out` and return its header.

    An interrupted run goes on from its last epoch and ends with the weights of an
    uninterrupted one, unless `fresh` asks for a new start.
    """
    torch.manual_seed(settings.seed)
    run = Run(songs, settings, device, MetricsLog(metrics))
    with only_run(out), stop_request() as stop:
        state = resume_or_start(out, songs.purpose, run.parts(), fresh)
        run.train(state, stop)
        stop.leave_if_asked()
        header = _save(out, run, state)
        state.discard()
    run.metrics.result(header.content["metrics"])
    return header


def summary(header: Header) -> str:
    """Return one line for a person on what the training came to."""
    metrics = header.content["metrics"]
    kept = f"{metrics['epochs']} epochs, {metrics['best_epoch']} kept"
    if metrics["val_loss"] is None:
        return f"{kept}; too few rated songs to validate on"
    rank = metrics["val_spearman"]
    return (
        f"{kept}; val_loss {metrics['val_loss']:.4f}, rank correlation {'undefined' if rank is None else f'{rank:.2f}'}"
    )


class Run:
    """The objects of one training run."""

    def __init__(self, songs: SongSet, settings: Settings, device: torch.device, metrics: MetricsLog) -> None:
        self.songs, self.settings, self.device, self.metrics = songs, settings, device, metrics
        rate, albums = songs.crops.sample_rate, len(songs.album_index)
        self.new = new_encoder(settings.encoder, settings.encoder_arguments, rate, albums)
        self.encoder = self.new.encoder.to(device)
        self.dimension: int = self.encoder.get_embedding_dim()  # type: ignore[operator]
        heads = getattr(self.encoder, "heads", None)
        self.loss = build_loss(settings.loss, self.dimension, albums, songs.mean_rating, heads).to(device)
        self.augment = Augment(settings.augment, rate, settings.seed)
        self.labels = SongLabels(songs.sides[TRAIN], list(songs.album_index), device)
        self.length = round(settings.window_s * songs.crops.sample_rate)  # samples
        weights = list(nn.ModuleList([self.encoder, self.loss]).parameters())  # heads that they share once
        self.optimizer = torch.optim.AdamW(weights, lr=settings.lr, weight_decay=settings.weight_decay)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, max(settings.epochs, 1))

    def parts(self) -> Mapping[str, Any]:
        """Return what a training state has to hold, each with state_dict and load_state_dict."""
        return {"encoder": self.encoder, "loss": self.loss, "optimizer": self.optimizer, "schedule": self.schedule}

    def train(self, state: TrainingState, stop: StopRequest) -> None:
        """Run the epochs that are left; the state on disk is never more than one epoch behind."""
        with progress("training", self.settings.epochs, "epochs") as shown:
            shown.advance(state.epoch)
            while state.epoch < self.settings.epochs and not stop:
                epoch = self._one_epoch(state.epoch, stop)
                if stop:
                    return  # half an epoch cannot be resumed exactly
                self.schedule.step()
                state.finish_epoch(epoch, self.encoder, better=self._is_better(epoch, state))
                self.metrics.step(state.epoch, epoch)
                shown.advance(
                    remark=", ".join(f"{name} {value:.4g}" for name, value in epoch.items() if value is not None)
                )

    def _one_epoch(self, number: int, stop: StopRequest) -> Epoch:
        self.encoder.train()
        self.loss.train()
        random = np.random.default_rng([self.settings.seed, number])  # each epoch by itself, so a resumed run is exact
        torch.manual_seed(self.settings.seed * 100_003 + number)
        began, windows, sums = time.monotonic(), 0, dict[str, float]()
        batches = training_batches(
            self.songs, self.length, self.settings.batch_size, self.settings.windows_per_crop, random
        )
        self.augment.reseed(self.settings.seed * 100_003 + number)
        for audio, rows in batches:
            if stop:
                break
            embeddings = self.encoder(self.augment(audio.to(self.device)))
            parts = self.loss(embeddings, self.labels[rows.to(self.device)])
            self.optimizer.zero_grad()
            torch.stack(list(parts.values())).sum().backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_([*self.encoder.parameters(), *self.loss.parameters()], MAX_GRADIENT)
            self.optimizer.step()
            windows += len(audio)
            for name, value in parts.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach()) * len(audio)
        means: Epoch = {f"train_{name}_loss": total / max(windows, 1) for name, total in sums.items()}
        return means | self._validate() | {"windows_per_s": windows / (time.monotonic() - began)}

    @torch.no_grad()
    def _validate(self) -> Epoch:
        """Return the error and rank correlation on rated songs of artists and albums not trained on."""
        self.encoder.eval()
        self.loss.eval()
        true = {recording.audio_id: recording.rating for recording in self.songs.rated(VAL)}
        if len(true) < FEWEST_TO_VALIDATE:
            return {"val_loss": None, "val_spearman": None}
        pairs = []
        for waveform in waveforms(self.songs.crops, self.songs.crops.groups, set(true)):
            audio = torch.from_numpy(all_windows(waveform, self.length)).to(self.device)
            embedding = self.encoder(audio).mean(dim=0, keepdim=True)  # (1, D)
            pairs.append((float(self.loss.predict(embedding)), true[waveform.audio_id]))
        predicted, rated = np.array(pairs, dtype=np.float64).T
        return {"val_loss": float(((predicted - rated) ** 2).mean()), "val_spearman": spearman(predicted, rated)}

    def _is_better(self, epoch: Epoch, state: TrainingState) -> bool:
        loss, best = epoch["val_loss"], state.best_loss
        return loss is None or best is None or loss < best or not self.chooses_epoch

    @property
    def chooses_epoch(self) -> bool:
        """Whether the validation songs are enough to say which epoch was best."""
        return len(self.songs.rated(VAL)) >= FEWEST_TO_CHOOSE


def _save(out: Path, run: Run, state: TrainingState) -> Header:
    songs, settings = run.songs, run.settings
    shaping = (TRAIN, VAL) if run.chooses_epoch else (TRAIN,)
    heard = [recording.audio_id for side in shaping for recording in songs.rated(side)]
    content = {
        "model": run.new.model,
        "arguments": run.new.arguments,
        "source": run.new.source,
        "weights": state.best_weights,
        "purpose": songs.purpose,
        "embedding_dim": run.dimension,
        "window_s": settings.window_s,
        "ratings_seen": sorted(heard),  # these songs' ratings shaped the weights, so they cannot test them
        "history": state.history,
        "metrics": {**state.history[state.best_epoch - 1], "epochs": state.epoch, "best_epoch": state.best_epoch},
    }
    made = Provenance(KIND, FORMAT, TOOL, settings.as_dict(), settings.seed, parents=(songs.crops.as_parent(),))
    return save_checkpoint(out, made, content)
