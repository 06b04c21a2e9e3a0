"""Times nightly runs over a large library in which little is new: list, compare, refresh.

    python benchmarks/library.py --songs 60000

Makes a player's database of so many rows over a few files and a crops folder that
has a crop for each row, of a tenth of a second but with a sketch of full size. It
measures the real command: seconds, CPU seconds, peak MB; then how long it takes to
open the crops folder. Everything is made in a temporary folder.
"""

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from ml_skeleton.artifacts.crops import Crop, Crops, CropWriter, write_songs

COMMAND = Path(sys.executable).parent / "clem-extract"
COLUMNS = (
    "filename, title, artist, albumartist, effective_albumartist, album, genre, year, length, beginning, rating, "
    "playcount, skipcount, lastplayed, mtime, ctime, filesize, unavailable"
)
NS_PER_S = 10**9
SECONDS, RATE = 3, 16000
SKETCH_WORDS, FLIPS = 460, 0.15  # of a crop of a minute; how often a bit changes
SONGS_PER_ALBUM, ALBUMS_PER_ARTIST = 12, 4


@dataclass(frozen=True)
class Cost:
    """What a run of the command took."""

    seconds: float
    cpu_s: float
    peak_mb: float
    said: str


def make_files(folder: Path, files: int, songs: int) -> list[Path]:
    """Return the paths of `songs` files, all of them links to `files` real ones."""
    folder.mkdir()
    time_s = np.arange(SECONDS * RATE) / RATE
    for number in range(files):
        soundfile.write(folder / f"{number}.flac", 0.3 * np.sin(2 * np.pi * (200 + 7 * number) * time_s), RATE)
    paths = []
    for number in range(songs):
        album = (
            folder / f"Artist {number // (SONGS_PER_ALBUM * ALBUMS_PER_ARTIST)}" / f"Album {number // SONGS_PER_ALBUM}"
        )
        if number % SONGS_PER_ALBUM == 0:
            album.mkdir(parents=True)
        paths.append(album / f"{number:05d} A song with a name of usual length.flac")
        os.link(folder / f"{number % files}.flac", paths[-1])
    return paths


def make_database(path: Path, files: list[Path]) -> None:
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE songs ({COLUMNS})")
        database.executemany(f"INSERT INTO songs VALUES ({', '.join('?' * 18)})", map(row, range(len(files)), files))
    database.close()


def row(number: int, file: Path) -> tuple[object, ...]:
    album, artist = number // SONGS_PER_ALBUM, number // (SONGS_PER_ALBUM * ALBUMS_PER_ARTIST)
    return (
        *(file.as_uri().encode(), f"A song with a name of usual length {number}", f"Artist {artist}", ""),
        *(f"Artist {artist}", f"Album {album}", "Rock", 1970 + album % 50, SECONDS * NS_PER_S, 0),
        *(number % 11 / 10 if number % 5 == 0 else -1, number % 30, number % 4, 1_700_000_000, 1_600_000_000),
        *(1_600_000_000, 50_000, 0),
    )


def run(database: Path, out: Path, *options: str) -> Cost:
    began = time.perf_counter()
    command = [COMMAND, "--db", database, "--out", out, "--seconds", str(SECONDS), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.read().strip()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(said)
    seconds = time.perf_counter() - began
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said)


def seconds_to_open(out: Path) -> tuple[float, float]:
    """Return how long it takes to know what a folder holds, by the clock and of CPU, the imports not counted."""
    code = (
        "import sys, time; from pathlib import Path; from ml_skeleton.artifacts.crops import Crops; "
        "began, cpu = time.perf_counter(), time.process_time(); "
        "crops = Crops(Path(sys.argv[1])); crops.groups, crops.audio_ids; "
        "print(time.perf_counter() - began, time.process_time() - cpu)"
    )
    said = subprocess.run([sys.executable, "-c", code, out], capture_output=True, text=True, check=True).stdout
    seconds, cpu_s = map(float, said.split())
    return seconds, cpu_s


def crop_all(out: Path) -> None:
    """Give every song that has none a recording and a crop of its own."""
    crops, chance = Crops(out), np.random.default_rng(0)
    there = set(crops.audio_ids)
    songs = [replace(song, audio_id=song.audio_id or f"{song.song_id:032x}") for song in crops.songs]
    samples = np.zeros(RATE // 10, np.int16)
    with CropWriter(out, "benchmark") as writer:
        for song in songs:
            if song.audio_id not in there:
                flips = chance.random((SKETCH_WORDS, 32)) < FLIPS  # bits that stay for a while, like those of music
                begin = chance.integers(0, 2, 32)
                bits = np.packbits((np.cumsum(flips, axis=0) + begin) % 2, axis=1).tobytes()
                writer.add([Crop(song.audio_id or "", crops.policy, 0, 0.0, RATE, samples, 0.0, "flac", bits)])
    write_songs(out, songs, crops.provenance)


def add_file(database: Path, folder: Path, songs: int) -> None:
    """Add one new song to the library."""
    path = folder / "music" / "new.flac"
    soundfile.write(path, 0.1 * np.random.default_rng(1).standard_normal(20 * RATE), RATE)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(f"INSERT INTO songs VALUES ({', '.join('?' * 18)})", row(songs, path))


def show(what: str, cost: Cost) -> None:
    said = cost.said.splitlines()[-1]
    print(f"{what:<34} {cost.seconds:6.1f} s  {cost.cpu_s:6.1f} s CPU  {cost.peak_mb:6.0f} MB  {said}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=60_000)
    parser.add_argument("--files", type=int, default=50)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        database, out = folder / "clementine.db", folder / "crops"
        make_database(database, make_files(folder / "music", asked.files, asked.songs))
        run(database, out, "--limit", str(asked.files))
        crop_all(out)
        print(f"{asked.songs} songs, a crop each, in {len(Crops(out).parts())} parts")
        show("all compared for the first time", run(database, out))
        show("nothing new", run(database, out))
        with closing(sqlite3.connect(database)) as ratings, ratings:
            ratings.execute("UPDATE songs SET rating = 0.5 WHERE rowid % 100 = 0")
        show("ratings changed", run(database, out))
        add_file(database, folder, asked.songs)
        show("one new song", run(database, out))
        show("nothing written (--dry-run)", run(database, out, "--dry-run"))
        seconds, cpu_s = seconds_to_open(out)
        print(f"{'the folder opens in':<34} {seconds:6.2f} s  {cpu_s:6.2f} s CPU")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
