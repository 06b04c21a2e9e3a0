"""Trains an encoder: the loop that reads top to bottom, and what stands around it."""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from ml_skeleton.artifacts.checkpoints import Header
from ml_skeleton.artifacts.files import only_run
from ml_skeleton.console import note
from ml_skeleton.errors import UserError
from ml_skeleton.interrupts import StopRequest, stop_request
from ml_skeleton.music.devices import out_of_memory_in_one_line
from ml_skeleton.utils.memory import limit_gpu_memory
from ml_skeleton.utils.seed import set_deterministic

from ml_skeleton_train_encoder.batches import fetched
from ml_skeleton_train_encoder.learner import seed_step
from ml_skeleton_train_encoder.meter import Meter
from ml_skeleton_train_encoder.outcome import Reporter, write_outcome
from ml_skeleton_train_encoder.parallel import Team, joined_team
from ml_skeleton_train_encoder.run import Network, Run
from ml_skeleton_train_encoder.settings import Manner, Settings
from ml_skeleton_train_encoder.songs import SongSet
from ml_skeleton_train_encoder.state import Figures, TrainingState, resume_or_start, weights_of


def train_encoder(
    songs: SongSet, out: Path, settings: Settings, device: torch.device, manner: Manner | None = None
) -> Header | None:
    """Train an encoder on `songs`, write it to `out` and return its header.

    An interrupted run goes on from its last step on disk and ends with the weights
    of an uninterrupted one, unless `manner` asks for a fresh start. Of several
    processes that torchrun started, the others than the first return None.
    """
    manner = manner or Manner()
    note(str(songs))
    limit_gpu_memory(manner.gpu_memory_gb)
    with (
        joined_team(device) as team,
        _alone_at(out, team),
        _deterministic(manner.deterministic),
        stop_request() as stop,
    ):
        state = resume_or_start(out, songs.purpose, manner.fresh)
        network = Network(songs, settings, device, team)
        run = None
        with Reporter(out, settings, manner, team) as reporter:
            if network.learns:
                run = Run(songs, settings, manner, state, network, device, team)
                train(run, state, stop, reporter, manner.save_every_s)
                stop.leave_if_asked()
            else:
                network.check_hearing(round(settings.window_s * songs.crops.sample_rate))
                note(f"{settings.encoder}: has no weights to train; written as it is")
                state.best_weights = weights_of(network.encoder)
            header = write_outcome(out, songs, settings, network, state, run) if team.leads else None
            reporter.result(header)
        return header


def train(run: Run, state: TrainingState, stop: StopRequest, reporter: Reporter, save_every_s: float) -> None:
    """Run the epochs that are left; what was reached is on disk when it returns."""
    settings = run.settings
    with reporter.shown(settings.epochs, state.epoch):
        while state.epoch < settings.epochs and not _is_patience_over(run, state):
            with out_of_memory_in_one_line(run.device, run.batch_size):
                learned = _one_epoch(run, state, stop, save_every_s)
            if learned is None:
                return
            validated = run.team.from_leader(lambda: run.validation.figures(run.learner))
            figures = {**learned, **validated}
            state.finish_epoch(figures, run.encoder, better=_is_better(run, state, figures["val_loss"]))
            if run.team.leads:
                state.write()
            reporter.epoch(state.epoch, figures)


def _one_epoch(run: Run, state: TrainingState, stop: StopRequest, save_every_s: float) -> Figures | None:
    """Run the steps that are left of an epoch and return its figures; None if a signal ended it."""
    plan = run.epochs.plan(state.epoch)[state.step :]
    run.learner.train()
    meter, seed = Meter(run.device), run.settings.seed
    sums = _Sums(state.sums, run.device)
    windows = 0
    for batch, step in zip(fetched(run.store, [s.windows for s in plan], run.device), plan, strict=True):
        number = state.epoch * run.epochs.steps + state.step
        seed_step(seed, number, run.team.rank, run.learner.augment)
        rate = run.settings.lr * _cosine(number / (run.settings.epochs * run.epochs.steps))
        songs = torch.from_numpy(step.songs).to(run.device, non_blocking=True)
        with meter.working():
            sums.add(run.stepper.step(batch, songs, step.shares, rate), len(step.songs))
        state.step += 1
        windows += len(step.songs)
        stopping = run.team.agrees(bool(stop), state.step)
        if run.team.leads and (stopping or state.is_due(save_every_s)):
            state.sums = sums.values()
            state.write()
        if stopping:
            return None
    means = {f"train_{name}_loss": total / run.epochs.windows for name, total in sums.values().items()}
    if not all(map(math.isfinite, means.values())):
        state.discard()
        raise UserError(
            f"epoch {state.epoch + 1}: the loss is no number any more; try a lower --lr or --precision fp32"
        )
    return {**means, "lr": rate, **meter.figures(windows // run.settings.windows_per_crop, windows)}


class _Sums:
    """Sums of the parts of the loss, kept on the device so that no step waits for it."""

    def __init__(self, before: dict[str, float], device: torch.device) -> None:
        self._names = list(before)
        self._sums = torch.tensor(list(before.values()), dtype=torch.float64, device=device)

    def add(self, parts: dict[str, torch.Tensor], windows: int) -> None:
        """Add the mean of each part over so many windows."""
        values = torch.stack([value.detach() for value in parts.values()]).double() * windows
        self._sums = self._sums + values if self._names else values
        self._names = list(parts)

    def values(self) -> dict[str, float]:
        """Return them by name."""
        return dict(zip(self._names, self._sums.tolist(), strict=True))


def _cosine(share: float) -> float:
    """Return the share of the learning rate that is left when `share` of the steps are done."""
    return 0.5 * (1 + math.cos(math.pi * share))


def _is_better(run: Run, state: TrainingState, loss: float | None) -> bool:
    best = state.best_loss
    return loss is None or best is None or loss < best or not run.chooses_epoch


def _is_patience_over(run: Run, state: TrainingState) -> bool:
    patience = run.settings.patience
    return bool(patience and run.chooses_epoch and state.epoch - state.best_epoch >= patience)


@contextmanager
def _alone_at(out: Path, team: Team) -> Iterator[None]:
    """Hold the lock of `out`, in the process that writes it."""
    with ExitStack() as lock:
        if team.leads:
            lock.enter_context(only_run(out))
        yield


@contextmanager
def _deterministic(wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    set_deterministic(True)
    try:
        yield
    finally:
        set_deterministic(False)
