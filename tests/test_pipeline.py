"""The whole line on a real little library: by the installed commands and real pipes once, then step by step."""

import json
import sqlite3
from pathlib import Path

import pytest
from ml_skeleton.artifacts.crops import Crops, read_failures
from ml_skeleton.artifacts.playlists import read_playlist
from pipeline import SHORT, WHOLE_LINE
from shell import Ended, run_line


@pytest.fixture
def extract(little_library, tmp_path, monkeypatch):
    """Return a function that runs clem-extract on the little library, in a folder of this test's own."""
    monkeypatch.chdir(tmp_path)

    def run(options: str = SHORT, database: Path = little_library / "clementine.db") -> Ended:
        return run_line(f"clem-extract --db {database} {options}")

    return run


def test_from_database_to_playlist_through_one_pipe(whole_line):
    ended = json.loads((whole_line / "ended.json").read_text())

    _, tracks = read_playlist(whole_line / "artifacts/recommendations/best.json")
    rated = {song.audio_id for song in Crops(whole_line / "crops").songs if song.rating is not None}
    assert (ended["exit_code"], ended["stdout"]) == (0, "artifacts/recommendations\n"), ended["stderr"]
    assert tracks and all(Path(track["path"]).is_file() and track["audio_id"] not in rated for track in tracks)
    assert ended["library_changed"] is False


def test_the_same_line_once_more_finds_nothing_to_do(after_the_line):
    run_line(WHOLE_LINE)  # the playlists name the folder that they are made from, which is another one now

    again = run_line(WHOLE_LINE)

    idle = [text for text in again.stderr.splitlines() if "nothing new" in text or " 0 songs embedded" in text]
    assert (again.exit_code, again.stdout, len(idle)) == (0, "artifacts/recommendations\n", 4), again.stderr


def test_every_song_of_the_database_is_extracted_or_accounted_for(little_library, whole_line):
    with sqlite3.connect(little_library / "clementine.db") as database:
        (rows,) = database.execute("SELECT count(*) FROM songs").fetchone()
    crops = Crops(whole_line / "crops")
    counts = crops.provenance.settings["counts"]
    heard = sum(song.audio_id in set(crops.audio_ids) for song in crops.songs)
    fatal = sum(failure.fatal for failure in read_failures(whole_line / "crops"))

    assert (len(crops.songs), sum(counts.values())) == (rows, rows)
    assert (counts["extracted"], counts["could not be read"]) == (heard, fatal)


def test_a_run_with_nothing_new_opens_no_file(after_the_line, extract):
    again = extract()

    assert (again.exit_code, again.stdout) == (0, "crops\n")
    assert ", 0 to open" in again.stderr


def test_a_dry_run_writes_nothing(extract, tmp_path):
    done = extract("--dry-run")

    assert (done.exit_code, done.stdout, list(tmp_path.iterdir())) == (0, "", [])
    assert "to open" in done.stderr


def test_a_mapped_folder_is_where_the_files_are_looked_for(little_library, extract, tmp_path):
    (tmp_path / "mounted").symlink_to(little_library / "music")

    lost = extract(f"--path-map {little_library}/music=/nowhere")
    found = extract(f"--limit 3 {SHORT} --path-map {little_library}/music={tmp_path}/mounted")

    assert (lost.exit_code, found.exit_code) == (1, 0)
    assert "not one song could be read" in lost.stderr and "--path-map" in lost.stderr
    heard = [song for song in Crops(tmp_path / "crops").songs if song.audio_id]
    assert len(heard) == 3
    assert all(song.path.startswith(f"{tmp_path}/mounted/") and str(little_library) in song.url for song in heard)


def test_rated_only_leaves_the_others_for_later(extract):
    extract(f"--rated-only {SHORT}")
    rated = {song.audio_id for song in Crops(Path("crops")).songs if song.rating is not None}

    assert set(Crops(Path("crops")).audio_ids) == rated - {None}


def test_two_policies_live_side_by_side_and_the_last_run_s_is_read(extract):
    extract("--limit 3 --seconds 2")
    extract("--limit 3 --seconds 1 --position spread --crops 2")

    crops = Crops(Path("crops"))
    waveforms = [waveform for group in crops.groups for waveform in crops.read(group)]
    assert (crops.policy, len(waveforms)) == ("spread-2x1s-16000hz", 6)
    assert {len(waveform.samples) for waveform in waveforms} == {16000}


def test_an_empty_library_is_refused_and_nothing_is_made(little_library, extract, tmp_path):
    empty = tmp_path / "empty.db"
    empty.write_bytes((little_library / "clementine.db").read_bytes())
    with sqlite3.connect(empty) as database:
        database.execute("DELETE FROM songs")

    done = extract(database=empty)

    assert (done.exit_code, done.stdout) == (3, "")
    assert "has no songs yet" in done.stderr and not (tmp_path / "crops").exists()


def test_a_folder_of_something_else_is_not_made_a_crops_folder(extract, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()

    done = extract("--out photos")

    assert (done.exit_code, [path.name for path in (tmp_path / "photos").iterdir()]) == (3, ["cat.jpg"])
    assert "no crops folder, it holds 'cat.jpg'" in done.stderr


def test_show_walks_back_to_the_database(little_library, after_the_line):
    done = run_line("ml_skeleton show checkpoints/encoder.pt")

    lines = done.stdout.splitlines()
    assert lines[0].startswith("checkpoints/encoder.pt: encoder, format 1, by train-encoder")
    assert lines[-1].strip() == f"from clementine database {little_library}/clementine.db (there)"
