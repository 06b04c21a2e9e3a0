"""The command in bad luck: killed, stopped, crashed, out of space. Nothing is lost, and nothing is done twice."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from ml_skeleton.artifacts.crops import Crops, crop_keys, crop_measures, read_failures
from ml_skeleton.path_map import PathMap
from ml_skeleton_demo_library.library import make_library
from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.extract import Request, extract
from ml_skeleton_extract_audio.plan import Selection
from ml_skeleton_extract_audio.speech import SpeechPolicy

SONGS = 24
COMMAND = Path(sys.executable).parent / "clem-extract"
OPTIONS = ["--seconds", "4", "--workers", "2", "--speech", "keep"]


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    """Return a library of short songs and the usual oddities; tests must not change it."""
    folder = tmp_path_factory.mktemp("library") / "demo"
    make_library(folder, songs=SONGS, seconds=(3, 6), seed=3)
    return folder


@pytest.fixture(scope="module")
def clean(library, tmp_path_factory) -> Path:
    """Return the crops folder of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("clean")
    subprocess.run([COMMAND, "--db", library / "clementine.db", *OPTIONS], cwd=folder, check=True, capture_output=True)
    return folder / "crops"


@pytest.fixture
def start(library, tmp_path):
    """Return a function that starts the command in a session of its own; what still runs at the end is killed."""
    started = []

    def run(*more: object, folder: Path = tmp_path) -> subprocess.Popen[str]:
        command = [COMMAND, "--db", library / "clementine.db", *OPTIONS, *map(str, more)]
        process = subprocess.Popen(
            command, cwd=folder, text=True, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def again(library, tmp_path):
    """Return a function that runs the same in this process, which saves a start."""

    def run(out: Path = tmp_path / "crops", retry_failed: bool = False) -> None:
        policy, selection, speech = CropPolicy(seconds=4.0), Selection(900.0, False, None), SpeechPolicy("keep")
        extract(Request(library / "clementine.db", out, policy, PathMap(), selection, speech, retry_failed, workers=2))

    return run


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return exit status and standard error, which is also printed."""
    _, err = process.communicate(timeout=100)
    print(f"exit {process.returncode}\n{err}")
    return process.returncode, err


def wait_for(happened, process):
    """Wait until `happened()` or the process has ended."""
    while process.poll() is None and not happened():
        time.sleep(0.01)


def content(folder: Path) -> list[tuple[object, ...]]:
    """Return what matters of a crops folder: every crop to the sample, and what became of every song."""
    table = crop_measures(folder, ["audio_id", "policy", "crop", "start_s", "samples", "sketch"])
    crops = sorted(zip(*(column.to_pylist() for column in table.columns), strict=True))
    failures = sorted((failure.url, failure.reason) for failure in read_failures(folder))
    return [*crops, *failures, *((song.song_id, song.audio_id) for song in Crops(folder).songs)]


def children_of(pid: int) -> list[int]:
    """Return the processes below `pid`, whoever started them."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
    below = {pid}
    while more := {child for child, parent in parents.items() if parent in below} - below:
        below |= more
    return sorted(below - {pid})


MOMENTS = {
    "workers start": lambda pid, out: len(children_of(pid)) >= 4,
    "crops are written": lambda _, out: any(out.glob("audio/.*")),
    "songs are written": lambda _, out: (out / "songs.parquet").exists(),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_after_a_kill_the_next_run_ends_as_a_clean_run_does(start, again, clean, tmp_path, moment):
    first = start()
    wait_for(lambda: MOMENTS[moment](first.pid, tmp_path / "crops"), first)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    finished = len(crop_keys(tmp_path / "crops"))

    again()

    assert content(tmp_path / "crops") == content(clean)
    assert max(crop_keys(tmp_path / "crops").values()) == 1, f"some of {finished} finished crops were cut again"
    assert not list((tmp_path / "crops").rglob("*.partial"))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_to_all_processes_finishes_the_songs_in_flight(start, again, clean, tmp_path, number, status):
    run = start()
    wait_for(lambda: any((tmp_path / "crops").glob("audio/*")), run)  # the first song is done, others are in flight
    os.killpg(run.pid, number)

    found, err = finish(run)

    assert (found, "run the same command to go on" in err) == (status, True)
    assert not any("crashed" in failure.reason for failure in read_failures(tmp_path / "crops"))
    assert sum(Crops(tmp_path / "crops").provenance.settings["counts"].values()) == len(Crops(clean).songs)
    again()
    assert content(tmp_path / "crops") == content(clean)


def test_a_decoder_that_crashes_costs_one_song(start, again, clean, tmp_path):
    run = start()
    wait_for(lambda: len(children_of(run.pid)) >= 4, run)
    os.kill(children_of(run.pid)[-1], signal.SIGSEGV)

    status, _ = finish(run)

    crashed = [failure for failure in read_failures(tmp_path / "crops") if "crashed (SIGSEGV)" in failure.reason]
    assert (status, len(crashed)) == (0, 1)
    again(retry_failed=True)
    assert content(tmp_path / "crops") == content(clean)


def test_a_second_run_at_the_same_time_is_turned_away(start, tmp_path):
    first = start()
    wait_for(lambda: children_of(first.pid), first)
    os.kill(first.pid, signal.SIGSTOP)

    status, err = finish(start())

    assert (status, "another run is writing it" in err) == (75, True)
    os.kill(first.pid, signal.SIGCONT)
    assert finish(first)[0] == 0


@pytest.fixture
def small_disk(tmp_path):
    """Return a disk of 1 MB, and what makes it larger."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk takes root")
    yield disk, lambda: subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_full_disk_is_one_line_and_the_next_run_goes_on(start, again, clean, small_disk):
    disk, enlarge = small_disk

    status, err = finish(start("--out", disk / "crops"))

    assert (status, "No space left on device" in err, "Traceback" in err) == (1, True, False)
    enlarge()
    again(disk / "crops")
    assert content(disk / "crops") == content(clean)


@pytest.fixture
def extracted(clean, tmp_path) -> Path:
    """Return a copy of the crops folder of a clean run, where the command looks for it."""
    return shutil.copytree(clean, tmp_path / "crops")


def test_a_missing_disk_changes_nothing_unless_pruned(start, library, extracted):
    elsewhere = f"{library}/music=/not mounted"
    before = {path: path.read_bytes() for path in extracted.rglob("*.parquet")}

    status, err = finish(start("--path-map", elsewhere))

    assert (status, "--prune" in err) == (1, True)
    assert {path: path.read_bytes() for path in extracted.rglob("*.parquet")} == before
    finish(start("--path-map", elsewhere, "--prune"))
    assert {song.audio_id for song in Crops(extracted).songs} == {None}


def test_songs_that_left_the_library_are_forgotten_and_their_crops_kept(start, library, clean, extracted, tmp_path):
    database = tmp_path / "clementine.db"
    database.write_bytes((library / "clementine.db").read_bytes())
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM songs WHERE rowid <= 5")

    status, err = finish(start("--db", database))

    assert (status, "5 songs of the last run no longer in the library" in err) == (0, True)
    assert [song.song_id for song in Crops(extracted).songs] == [song.song_id for song in Crops(clean).songs][5:]
    assert crop_keys(extracted) == crop_keys(clean)
