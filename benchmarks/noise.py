"""What the benchmarks of train-encoder and embed share: a crops folder of noise, costs, and the pace of a GPU."""

import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch
from ml_skeleton.artifacts.crops import Crop, Crops, CropWriter, write_songs
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.artifacts.songs import Song
from torch.utils.flop_counter import FlopCounterMode

RATE = 16000
Cost = tuple[float, float]  # seconds, CPU seconds


def cost(job: Callable[[], object]) -> Cost:
    began, cpu = time.perf_counter(), time.process_time()
    job()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began, time.process_time() - cpu


def audio_id(number: int) -> str:
    return blake2b(str(number).encode(), digest_size=16).hexdigest()


def song(number: int) -> Song:
    """Return a rated song of an artist with six songs."""
    place = {"url": f"file:///{number}", "path": f"/{number}", "audio_id": audio_id(number), "available": True}
    artist, album = f"artist {number // 6}", f"album {number // 6}"
    text = {"title": f"{number}", "artist": artist, "albumartist": artist, "album": album, "genre": ""}
    unknown = dict.fromkeys(("year", "length_s", "lastplayed", "added", "mtime", "filesize"), None)
    counts = {"song_id": number, "start_s": 0.0, "playcount": 0, "skipcount": 0, "rating": number % 11 / 10}
    return Song(source="clementine", album_keys=(f"{artist}|||{album}",), **place, **text, **unknown, **counts)


def make_crops(folder: Path, songs: int, seconds: int, there: int = 0) -> Crops:
    """Return a crops folder of noise, to which the songs are added that are not `there` yet."""
    policy = f"end-1x{seconds}s-{RATE}hz"
    noise = np.random.default_rng(0).integers(-9000, 9000, seconds * RATE, dtype=np.int16)
    with CropWriter(folder, "benchmark") as writer:
        for number in range(there, songs):
            writer.add([Crop(audio_id(number), policy, 0, 0.0, RATE, np.roll(noise, 997 * number), None, "flac")])
    made = Provenance("crops", 1, "benchmark", {"policy": policy, "rate": RATE})
    write_songs(folder, [song(number) for number in range(songs)], made)
    return Crops(folder)


def matmul_flops(device: torch.device) -> float:
    """Return the operations per second of products of large bf16 matrices."""
    matrix, times = torch.randn(8192, 8192, device=device, dtype=torch.bfloat16), 20
    matrix @ matrix
    seconds, _ = cost(lambda: [matrix @ matrix for _ in range(times)])
    return 2 * 8192**3 * times / seconds


def operations(job: Callable[[], object]) -> int:
    """Return how many operations of floating point the products and convolutions of a job take."""
    with FlopCounterMode(display=False) as counter:
        job()
    return counter.get_total_flops()


def gpu_line(name: str, windows: int, spent: Cost, flops: float, peak: float) -> None:
    """Print the rate of windows, the most memory since it was last reset, and the share of the device's own rate."""
    memory = torch.cuda.max_memory_reserved() / 2**30
    print(
        f"{name:<44}{windows / spent[0]:9.1f} windows/s {memory:9.2f} GiB "
        f"{flops / spent[0] / peak:.1%} of the {peak / 1e12:.0f} TFLOP/s of plain matrix products"
    )
