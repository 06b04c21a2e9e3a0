"""Damaged files: whatever is wrong with a file, it gives crops or a reason, and never costs its worker."""

import random
from functools import partial

import pytest
from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.plan import Job
from ml_skeleton_extract_audio.reading import ReadSong, Unreadable, Wanted, read
from ml_skeleton_extract_audio.speech import SpeechPolicy
from ml_skeleton_extract_audio.workers import Limits, WorkerPool

MUTATIONS = 6
WANTED = Wanted(CropPolicy("end", 2.0), SpeechPolicy("keep"), 900.0, frozenset())


def damaged(content: bytes, seed: int) -> bytes:
    """Return `content` with another kind of damage for each `seed`: noise, zeros, a cut, a gap, a broken header."""
    chance, changed = random.Random(seed), bytearray(content)
    start, size = chance.randrange(len(changed)), chance.randrange(1, len(changed) // 4)
    match seed % MUTATIONS:
        case 0:
            changed[start : start + size] = chance.randbytes(size)
        case 1:
            changed[start : start + size] = bytes(size)
        case 2:
            del changed[start + 1 :]
        case 3:
            del changed[start : start + size]
        case 4:
            for _ in range(16):
                changed[chance.randrange(min(2048, len(changed)))] ^= 1 << chance.randrange(8)
        case 5:
            changed[start % 512 : start % 512 + 4] = b"\xff\xff\xff\x7f"
    return bytes(changed)


def test_damaged_files_of_every_kind_cost_no_worker(songs, tmp_path):
    jobs = []
    for number, path in enumerate(path for path in songs.values() for _ in range(MUTATIONS)):
        file = tmp_path / f"{number}{path.suffix}"
        file.write_bytes(damaged(path.read_bytes(), number))
        jobs.append(Job(number, bytes(file), 0.0, None))
    pool = WorkerPool(partial(read, wanted=WANTED), 2, Limits(seconds=60.0, memory_mb=512), [])

    results = dict(pool.run(jobs, lambda: False))

    assert len(results) == len(jobs) >= 60
    assert {type(result) for result in results.values()} == {ReadSong, Unreadable}


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"\0" * 100_000, b"ID3\4\0\0\x7f\x7f\x7f\x7f", b"OggS", b"fLaC", b"RIFF"]
)
@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".flac", ".m4a", ".wav", ".mpc", ""])
def test_a_stub_is_unreadable_whatever_its_name(tmp_path, content, suffix):
    path = tmp_path / f"stub{suffix}"
    path.write_bytes(content)

    assert isinstance(read(Job(0, bytes(path), 0.0, None), WANTED), Unreadable)
