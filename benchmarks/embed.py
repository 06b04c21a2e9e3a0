"""What embedding costs beside the encoder's own forward pass, and writing vectors beside a plain dump.

    python benchmarks/embed.py [--songs 150] [--seconds 60] [--encoder spectrogram] [--device auto] [--rounds 3]
                               [--vectors 100000] [--dimension 256]

Makes a crops folder of noise and an untrained encoder in a temporary folder. The forward pass runs on a float32 tensor
of the same shape that is already on the device; reading, conversion, averaging and the database come on top of it for
`embed`. Both take turns, the best round counts. CPU seconds of all threads stand beside the wall clock,
as only they mean something on a machine that others use too.
"""

import argparse
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from ml_skeleton.artifacts.checkpoints import Header, load_tensors, save_checkpoint
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.artifacts.embeddings import Version, open_or_make_store, open_store
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.music.devices import choose_device
from ml_skeleton.music.encoders import build_encoder
from ml_skeleton_embed.apply import ROWS
from ml_skeleton_embed.embed import Options, embed_songs
from noise import RATE, Cost, audio_id, cost, gpu_line, make_crops, matmul_flops, operations

WINDOW_S = 5.0
TARGET_SHARE, TARGET_WRITE_S = 0.9, 2.0
BATCHES = 20  # in a round on a GPU


def best(costs: list[Cost]) -> Cost:
    return min(seconds for seconds, _ in costs), min(cpu for _, cpu in costs)


def make_encoder(path: Path, name: str) -> Header:
    torch.manual_seed(0)
    arguments = {"sample_rate": RATE}
    encoder = build_encoder(name, arguments)
    content = {"model": name, "arguments": arguments, "weights": encoder.state_dict(), "window_s": WINDOW_S}
    content |= {"embedding_dim": encoder.get_embedding_dim(), "ratings_seen": []}
    return save_checkpoint(path, Provenance("encoder", 1, "benchmark"), content)


def loaded(header: Header, device: torch.device) -> torch.nn.Module:
    encoder = build_encoder(header.content["model"], header.content["arguments"])
    encoder.load_state_dict(load_tensors(header)["weights"])
    return encoder.eval().to(device)


def forward(header: Header, device: torch.device, windows: int) -> Callable[[], None]:
    """Return what hears so many windows, in batches of the size that embed uses."""
    encoder = loaded(header, device)
    rows = ROWS.get(device.type, ROWS["cpu"])
    audio = torch.randn(rows, round(WINDOW_S * RATE), device=device)

    @torch.inference_mode()
    def hear() -> None:
        for _ in range(-(-windows // rows)):
            found = encoder(audio)
        found.cpu()  # waits for the device

    return hear


def measure_embedding(folder: Path, asked: argparse.Namespace) -> None:
    crops = make_crops(folder / "crops", asked.songs, asked.seconds)
    header = make_encoder(folder / "e.pt", asked.encoder)
    device, windows = choose_device(asked.device), asked.songs * -(-asked.seconds // int(WINDOW_S))
    hear = forward(header, device, windows)
    plain, embedded = [], []
    for number in range(asked.rounds):
        plain.append(cost(hear))
        options = Options(version=f"v{number}", device=str(device))
        embedded.append(cost(lambda options=options: embed_songs(header, crops, folder / "e.db", options)))
    (plain_s, plain_cpu), (embed_s, embed_cpu) = best(plain), best(embedded)
    print(f"{asked.songs} songs of {asked.seconds} s, {windows} windows, {asked.encoder} on {device}")
    print(f"{'forward pass alone':<28}{windows / plain_s:8.1f} windows/s {plain_cpu:8.2f} s CPU")
    print(f"{'embed':<28}{windows / embed_s:8.1f} windows/s {embed_cpu:8.2f} s CPU")
    shares = f"{plain_s / embed_s:.2f} by the clock, {plain_cpu / embed_cpu:.2f} by CPU time"
    print(f"share of the forward rate: {shares} (at least {TARGET_SHARE} wanted)")
    new = max(1, asked.songs // 20)
    make_crops(folder / "crops", asked.songs + new, asked.seconds, asked.songs)
    options, crops = Options(version="v0", device=str(device)), Crops(folder / "crops")
    for what in (f"a second run, {new} new", "a third run, nothing new"):
        seconds, cpu = cost(lambda: embed_songs(header, crops, folder / "e.db", options))
        print(f"{what:<28}{seconds:8.2f} s {cpu:18.2f} s CPU")


def measure_gpu(folder: Path, asked: argparse.Namespace) -> None:
    """Print how fast the encoder alone hears on a GPU, and how fast all of embed is in bfloat16."""
    device = choose_device(asked.device)
    if device.type != "cuda":
        print("\ngpu: none here")
        return
    header = make_encoder(folder / "gpu.pt", asked.encoder)
    encoder, rows = loaded(header, device), ROWS["cuda"]
    audio, peak = torch.randn(rows, int(RATE * WINDOW_S), device=device), matmul_flops(device)
    flops = operations(lambda: encoder(audio)) * BATCHES
    for name, hear, bf16 in (
        ("float32", encoder, False),
        ("bf16", encoder, True),
        ("bf16, torch.compile", torch.compile(encoder), True),
    ):

        @torch.inference_mode()
        def batches(hear: Callable[[torch.Tensor], torch.Tensor] = hear, bf16: bool = bf16) -> None:
            with torch.autocast("cuda", torch.bfloat16, enabled=bf16):
                for _ in range(BATCHES):
                    hear(audio)

        batches()
        torch.cuda.reset_peak_memory_stats()
        gpu_line(name, BATCHES * rows, min(cost(batches) for _ in range(asked.rounds)), flops, peak)
    crops, options = Crops(folder / "crops"), Options(version="bf16", device=str(device), precision="bfloat16")
    seconds, _ = cost(lambda: embed_songs(header, crops, folder / "e.db", options))
    print(f"all of embed in bf16: {len(crops.audio_ids) / seconds:.1f} songs/s")


def measure_writing(folder: Path, count: int, dimension: int, rounds: int) -> None:
    matrix = np.random.default_rng(0).standard_normal((count, dimension)).astype(np.float32)
    ids = [audio_id(number) for number in range(count)]

    def to_store(path: Path) -> None:
        with open_store(path) as store:
            store.add_vectors("v", ids, matrix, [False] * count)

    def to_file(path: Path) -> None:
        np.save(path, matrix)

    def to_sqlite(path: Path) -> None:
        database = sqlite3.connect(path)
        database.execute("CREATE TABLE vectors (audio_id TEXT, vector BLOB)")
        rows = zip(ids, (row.tobytes() for row in matrix), strict=True)
        database.executemany("INSERT INTO vectors VALUES (?, ?)", rows)
        database.commit()
        database.close()

    jobs = {"numpy.save": (to_file, ".npy"), "sqlite3 executemany, no key": (to_sqlite, ".raw")}
    jobs |= {"our store in SQLite": (to_store, ".db"), "our store in DuckDB": (to_store, ".duckdb")}
    costs: dict[str, list[Cost]] = {name: [] for name in jobs}
    for number in range(rounds):
        for name, (job, suffix) in jobs.items():
            path = folder / f"{number}{suffix}"
            if job is to_store:
                with open_or_make_store(path, "benchmark") as store:
                    store.add_version(Version("v", "e" * 32, dimension, {}, (), ""))
            costs[name].append(cost(lambda job=job, path=path: job(path)))
            path.unlink()
    print(f"\n{count} vectors of {dimension} written (under {TARGET_WRITE_S} s wanted)")
    raw = best(costs["sqlite3 executemany, no key"])
    for name, found in costs.items():
        seconds, cpu = best(found)
        print(f"{name:<28}{seconds:8.2f} s {cpu:8.2f} s CPU {seconds / raw[0]:8.1f} times executemany")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=150)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--encoder", default="spectrogram")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=256)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        measure_embedding(folder, asked)
        measure_gpu(folder, asked)
        measure_writing(folder, asked.vectors, asked.dimension, asked.rounds)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
