"""What training costs beside the bare step of the network, and what its parts cost beside their peers.

    python benchmarks/train.py [--songs 120] [--seconds 60] [--encoder spectrogram] [--device auto] [--rounds 3]
                               [--tracks FOLDER] [--only data,epochs,reading,tracks,precision,gpu]

Makes a crops folder of noise in a temporary folder. Every comparison takes turns in one process; the median of the
rounds' ratios counts. CPU seconds of all threads stand beside the clock, as only they mean something on a
machine that others use too.

    data        an epoch, beside the same steps on a random tensor that is already on the device
    epochs      the first epoch, reading the crops included, beside the second
    reading     all crops into memory, beside a copy of the same samples out of np.memmap; both into fresh memory
    tracks      an epoch, beside one that decodes each track for each window (FOLDER, or synthesised FLAC)
    precision   bf16 and fp32, each with and without weights that stand channels last
    gpu         bf16 with and without torch.compile: windows/s, memory, share of the rate of plain matrix products
"""

import argparse
import copy
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from ml_skeleton.artifacts.crop_samples import index_crops, read_samples
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.music.devices import choose_device
from ml_skeleton.music.objectives import AUGMENTATIONS
from ml_skeleton_train_encoder.batches import Batch, Step, fetched
from ml_skeleton_train_encoder.parallel import ALONE
from ml_skeleton_train_encoder.run import Network, Run
from ml_skeleton_train_encoder.settings import Manner, Settings
from ml_skeleton_train_encoder.songs import songs_to_learn_from
from ml_skeleton_train_encoder.state import TrainingState
from noise import RATE, Cost, cost, gpu_line, make_crops, matmul_flops, operations

EARLIER = 2.9  # crops/s a core of the earlier package, which decodes every track for every crop (published)


def ratios(first: Callable[[], object], second: Callable[[], object], rounds: int) -> tuple[Cost, Cost, Cost]:
    """Return the best costs of both, and the median of second / first, by the clock and by CPU time."""
    pairs = [(cost(first), cost(second)) for _ in range(rounds)]
    best = [(min(costs)[0], min(cpu for _, cpu in costs)) for costs in zip(*pairs, strict=True)]
    shares = [median(b[place] / a[place] for a, b in pairs) for place in range(2)]
    return best[0], best[1], (shares[0], shares[1])


def line(name: str, count: int, unit: str, spent: Cost) -> None:
    seconds, cpu = spent
    print(f"{name:<44}{count / seconds:9.1f} {unit}/s {count / max(cpu, 1e-9):9.1f} a core {cpu:8.2f} s CPU")


def verdict(name: str, share: Cost, wanted: str) -> None:
    print(f"  {name}: {share[0]:.2f} by the clock, {share[1]:.2f} by CPU time ({wanted} wanted)\n")


def new_run(crops: Crops, asked: argparse.Namespace, precision: str = "auto") -> Run:
    settings = Settings(asked.encoder, precision=precision, augment=AUGMENTATIONS, test_fraction=0.0, val_fraction=0.0)
    songs, device = songs_to_learn_from(crops, settings), choose_device(asked.device)
    state = TrainingState(crops.folder / "state", songs.purpose)
    return Run(songs, settings, Manner(), state, Network(songs, settings, device, ALONE), device, ALONE)


def learn(run: Run, plan: Sequence[Step], batches: Iterator[Batch]) -> None:
    run.learner.train()
    for batch, step in zip(batches, plan, strict=True):
        run.stepper.step(batch, torch.from_numpy(step.songs).to(run.device), step.shares, 1e-4)


def epoch(run: Run, number: int = 0, steps: int | None = None) -> None:
    plan = run.epochs.plan(number)[:steps]
    learn(run, plan, fetched(run.store, [step.windows for step in plan], run.device))


@dataclass(frozen=True)
class Ready(Batch):
    """A batch that is audio already."""

    def audio(self) -> torch.Tensor:
        return self.samples


def on_device(run: Run, steps: int | None = None) -> None:
    """Learn as often as in an epoch, each time from the same random tensor."""
    plan = run.epochs.plan(0)[:steps]
    sizes = {len(step.windows) for step in plan}
    none = torch.zeros(0, device=run.device)
    ready = {size: Ready(torch.randn(size, run.length, device=run.device), none, none) for size in sizes}
    learn(run, plan, (ready[len(step.windows)] for step in plan))


def measure_data(run: Run, asked: argparse.Namespace) -> None:
    on_device(run, 2)
    plain, ours, share = ratios(partial(on_device, run), partial(epoch, run), asked.rounds)
    line("steps on a tensor on the device", run.epochs.windows, "windows", plain)
    line("an epoch from crops", run.epochs.windows, "windows", ours)
    verdict("share of the on-device rate", (1 / share[0], 1 / share[1]), "at least 0.9")


def measure_epochs(crops: Crops, asked: argparse.Namespace) -> None:
    warm = new_run(crops, asked)
    on_device(warm, 2)  # what a process does once, such as compiling kernels, is no reading
    runs: list[Run] = []

    def first() -> None:
        runs.append(new_run(crops, asked, warm.learner.precision))
        epoch(runs[-1])

    one, two, share = ratios(first, lambda: epoch(runs[-1], 1), asked.rounds)
    line("the first epoch, reading included", runs[0].epochs.windows, "windows", one)
    line("the second epoch", runs[0].epochs.windows, "windows", two)
    verdict("the first one takes", (1 / share[0], 1 / share[1]), "at most 1.5 times the second")


def measure_reading(crops: Crops, folder: Path, asked: argparse.Namespace) -> None:
    index = index_crops(crops)
    places = np.concatenate([[0], np.cumsum(index.samples)])
    plain = np.memmap(folder / "plain.i2", np.int16, "w+", shape=(int(places[-1]),))
    read_samples(index, plain, places[:-1])
    plain.flush()

    def through_memmap() -> None:
        np.empty(len(plain), np.int16)[:] = np.memmap(folder / "plain.i2", np.int16, "r")

    def ours() -> None:
        read_samples(index_crops(crops), np.empty(len(plain), np.int16), places[:-1])

    peer, own, share = ratios(through_memmap, ours, asked.rounds)
    line("np.memmap", len(index), "crops", peer)
    line("crops folder, indexed anew", len(index), "crops", own)
    verdict("share of the rate of np.memmap", (1 / share[0], 1 / share[1]), "at least 0.5")


def tracks_of(asked: argparse.Namespace, folder: Path) -> list[Path]:
    """Return tracks to decode: those of the folder asked for, or twelve synthesised ones of three minutes."""
    if asked.tracks:
        return sorted(path for path in asked.tracks.rglob("*") if path.suffix in {".mp3", ".flac", ".ogg"})[:60]
    import soundfile

    seconds = np.arange(180 * 44100) / 44100
    for number in range(12):
        tones = [np.sin(2 * np.pi * 110 * (number + k) * seconds) / (k + 2) for k in range(2)]
        soundfile.write(folder / f"{number}.flac", np.stack(tones, axis=1).astype(np.float32), 44100)
    return sorted(folder.glob("*.flac"))


def measure_tracks(run: Run, asked: argparse.Namespace, folder: Path) -> None:
    from ml_skeleton_extract_audio.cropping import CropPolicy
    from ml_skeleton_extract_audio.decode import read_song

    tracks, policy = tracks_of(asked, folder), CropPolicy()
    plan = run.epochs.plan(0)[: max(1, 2 * len(tracks) // run.batch_size)]
    songs = [-(-len(step.windows) // 2) for step in plan]  # two windows of each, as an epoch takes them

    def decoded(load: Callable[[Path], np.ndarray]) -> Iterator[Batch]:
        turns = itertools.cycle(tracks)
        for step, count in zip(plan, songs, strict=True):
            audio = [np.resize(load(next(turns)), run.length) for _ in range(count)]
            both = np.repeat(np.stack(audio).astype(np.float32), 2, axis=0)[: len(step.windows)]
            ready = torch.from_numpy(both).to(run.device)
            yield Ready(ready, ready[:0], ready[:0])

    def with_librosa(track: Path) -> np.ndarray:
        import librosa

        return librosa.load(track, sr=RATE, mono=True)[0]

    def with_ours(track: Path) -> np.ndarray:
        return read_song(bytes(track), policy).crops[0].samples / np.float32(32768)

    def from_crops() -> None:
        learn(run, plan, fetched(run.store, [step.windows for step in plan], run.device))

    with_librosa(tracks[0])
    stored: list[float] = []
    for name, load, wanted in (
        ("each track by librosa", with_librosa, "at least 10"),
        ("each crop as clem-extract decodes it", with_ours, "more than 1"),
    ):
        peer, own, share = ratios(lambda load=load: learn(run, plan, decoded(load)), from_crops, asked.rounds)
        line(name + ", on the fly", sum(songs), "crops", peer)
        line("from crops", sum(songs), "crops", own)
        stored.append(sum(songs) / own[1])
        verdict("times the rate", (1 / share[0], 1 / share[1]), wanted)
    print(f"  times the {EARLIER} crops/s a core of the earlier package: {max(stored) / EARLIER:.1f}\n")


def measure_precision(run: Run, asked: argparse.Namespace) -> None:
    audio = torch.randn(16, run.length, device=run.device)
    encoder = run.learner.encoder.train()
    nets = {"channels last": encoder, "contiguous": copy.deepcopy(encoder).to(memory_format=torch.contiguous_format)}

    def step(net: torch.nn.Module, bf16: bool) -> None:
        with torch.autocast(run.device.type, torch.bfloat16, enabled=bf16):
            net(audio).float().square().mean().backward()

    jobs = {
        f"{'bf16' if b else 'fp32'}, {name}": partial(step, net, b) for b in (False, True) for name, net in nets.items()
    }
    for job in jobs.values():
        job()
    spent = {name: [] for name in jobs}
    for _ in range(asked.rounds):
        for name, job in jobs.items():
            spent[name].append(cost(job))
    for name, costs in spent.items():
        line(name, len(audio), "windows", (min(costs)[0], min(cpu for _, cpu in costs)))
    plain, fast = spent["fp32, contiguous"], spent["bf16, channels last"]
    gains = (median(a[place] / b[place] for a, b in zip(plain, fast, strict=True)) for place in range(2))
    verdict("bf16 with channels last is so many times as fast", tuple(gains), "2 for a 2-D network")


def measure_gpu(run: Run, asked: argparse.Namespace) -> None:
    if run.device.type != "cuda":
        print("gpu: none here\n")
        return
    peak = matmul_flops(run.device)
    audio = torch.randn(run.batch_size, run.length, device=run.device)
    encoder = run.learner.encoder
    with torch.autocast("cuda", torch.bfloat16):
        per_batch = operations(lambda: encoder(audio).float().square().mean().backward())
    for name, compiled in (("bf16", encoder), ("bf16, torch.compile", torch.compile(encoder))):
        run.learner.encoder = compiled
        on_device(run, 4)
        torch.cuda.reset_peak_memory_stats()
        spent = min(cost(partial(on_device, run)) for _ in range(asked.rounds))
        gpu_line(name, run.epochs.windows, spent, per_batch / len(audio) * run.epochs.windows, peak)
    run.learner.encoder = encoder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=120)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--encoder", default="spectrogram")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tracks", type=Path)
    parser.add_argument("--only", default="data,epochs,reading,tracks,precision,gpu")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        crops = make_crops(folder / "crops", asked.songs, asked.seconds)
        run = new_run(crops, asked)
        measures = {
            "data": lambda: measure_data(run, asked),
            "epochs": lambda: measure_epochs(crops, asked),
            "reading": lambda: measure_reading(crops, folder, asked),
            "tracks": lambda: measure_tracks(run, asked, folder),
            "precision": lambda: measure_precision(run, asked),
            "gpu": lambda: measure_gpu(run, asked),
        }
        print(f"{asked.songs} crops of {asked.seconds} s, {asked.encoder}, {run.learner.precision} on {run.device}\n")
        for name in asked.only.split(","):
            measures[name]()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
