"""The whole line, by the installed commands, through real pipes, on a real little library."""

import hashlib
import sqlite3
from pathlib import Path

import pytest
from ml_skeleton.artifacts.crops import Crops, read_failures
from ml_skeleton.artifacts.playlists import read_playlist
from ml_skeleton_demo_library.library import make_library

SHORT = "--seconds 4"
QUICK = "--encoder simple --encoder-args '{\"width\": 4}' --epochs 1 --window 1 --test-fraction 0.4"


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    """Return the folder of a library of 24 short songs and the usual oddities; tests must not change it."""
    folder = tmp_path_factory.mktemp("library") / "demo"
    make_library(folder, songs=24, seconds=(3, 6), seed=3)
    return folder


def content_of(folder: Path) -> dict[str, tuple[str, int]]:
    """Return digest and time of change of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in files
    }


def test_from_database_to_playlist_through_one_pipe(library, run_shell, tmp_path):
    before = content_of(library)

    line = (
        f"clem-extract --db {library}/clementine.db {SHORT} | train-encoder {QUICK} "
        "| embed | train-classifier --max-steps 5 | recommend"
    )
    done = run_shell(line)

    assert (done.returncode, done.stdout) == (0, "artifacts/recommendations\n")
    _, tracks = read_playlist(tmp_path / "artifacts/recommendations/best.json")
    rated = {song.audio_id for song in Crops(tmp_path / "crops").songs if song.rating is not None}
    assert tracks and all(Path(track["path"]).is_file() and track["audio_id"] not in rated for track in tracks)
    assert content_of(library) == before

    again = run_shell(line)

    idle = [text for text in again.stderr.splitlines() if "nothing new" in text or " 0 songs embedded" in text]
    assert (again.returncode, again.stdout, len(idle)) == (0, done.stdout, 4)


def test_every_song_of_the_database_is_extracted_or_accounted_for(library, run_tool, tmp_path):
    run_tool("clem-extract", "--db", library / "clementine.db", *SHORT.split())

    with sqlite3.connect(library / "clementine.db") as database:
        (rows,) = database.execute("SELECT count(*) FROM songs").fetchone()
    crops = Crops(tmp_path / "crops")
    counts = crops.provenance.settings["counts"]
    heard = sum(song.audio_id in set(crops.audio_ids) for song in crops.songs)
    fatal = sum(failure.fatal for failure in read_failures(tmp_path / "crops"))
    assert (len(crops.songs), sum(counts.values())) == (rows, rows)
    assert (counts["extracted"], counts["could not be read"]) == (heard, fatal)


def test_a_run_with_nothing_new_opens_no_file(library, run_tool):
    run_tool("clem-extract", "--db", library / "clementine.db", *SHORT.split())

    again = run_tool("clem-extract", "--db", library / "clementine.db", *SHORT.split())

    assert (again.returncode, again.stdout) == (0, "crops\n")
    assert ", 0 to open" in again.stderr


def test_a_dry_run_writes_nothing(library, run_tool, tmp_path):
    done = run_tool("clem-extract", "--db", library / "clementine.db", "--dry-run")

    assert (done.returncode, done.stdout, list(tmp_path.iterdir())) == (0, "", [])
    assert "to open" in done.stderr


def test_a_mapped_folder_is_where_the_files_are_looked_for(library, run_tool, tmp_path):
    (tmp_path / "mounted").symlink_to(library / "music")

    lost = run_tool("clem-extract", "--db", library / "clementine.db", "--path-map", f"{library}/music=/nowhere")
    found = run_tool(
        "clem-extract", "--db", library / "clementine.db", "--limit", 3, *SHORT.split(),
        "--path-map", f"{library}/music={tmp_path}/mounted",
    )  # fmt: skip

    assert (lost.returncode, found.returncode) == (1, 0)
    assert "not one song could be read" in lost.stderr and "--path-map" in lost.stderr
    heard = [song for song in Crops(tmp_path / "crops").songs if song.audio_id]
    assert len(heard) == 3
    assert all(song.path.startswith(f"{tmp_path}/mounted/") and str(library) in song.url for song in heard)


def test_rated_only_leaves_the_others_for_later(library, run_tool, tmp_path):
    run_tool("clem-extract", "--db", library / "clementine.db", "--rated-only", *SHORT.split())
    rated = {song.audio_id for song in Crops(tmp_path / "crops").songs if song.rating is not None}

    assert set(Crops(tmp_path / "crops").audio_ids) == rated - {None}


def test_two_policies_live_side_by_side_and_the_last_run_s_is_read(library, run_tool, tmp_path):
    database = library / "clementine.db"
    run_tool("clem-extract", "--db", database, "--limit", 3, "--seconds", 2)
    run_tool("clem-extract", "--db", database, "--limit", 3, "--seconds", 1, "--position", "spread", "--crops", 2)

    crops = Crops(tmp_path / "crops")
    waveforms = [waveform for group in crops.groups for waveform in crops.read(group)]
    assert (crops.policy, len(waveforms)) == ("spread-2x1s-16000hz", 6)
    assert {len(waveform.samples) for waveform in waveforms} == {16000}


def test_an_empty_library_is_refused_and_nothing_is_made(library, run_tool, tmp_path):
    empty = tmp_path / "empty.db"
    empty.write_bytes((library / "clementine.db").read_bytes())
    with sqlite3.connect(empty) as database:
        database.execute("DELETE FROM songs")

    done = run_tool("clem-extract", "--db", empty)

    assert (done.returncode, done.stdout) == (3, "")
    assert "has no songs yet" in done.stderr and not (tmp_path / "crops").exists()


def test_a_folder_of_something_else_is_not_made_a_crops_folder(library, run_tool, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()

    done = run_tool("clem-extract", "--db", library / "clementine.db", "--out", "photos")

    assert (done.returncode, [path.name for path in (tmp_path / "photos").iterdir()]) == (3, ["cat.jpg"])
    assert "no crops folder, it holds 'cat.jpg'" in done.stderr


def test_show_walks_back_to_the_database(library, run_shell, run_tool):
    database = library / "clementine.db"
    run_shell(f"clem-extract --db {database} {SHORT} | train-encoder {QUICK}")

    done = run_tool("ml_skeleton", "show", "checkpoints/encoder.pt")

    lines = done.stdout.splitlines()
    assert lines[0].startswith("checkpoints/encoder.pt: encoder, format 1, by train-encoder")
    assert lines[-1].strip() == f"from clementine database {database} (there)"
