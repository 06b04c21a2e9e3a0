"""The run as a function: what it leaves behind, and what it says."""

import sqlite3
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from ml_skeleton import console
from ml_skeleton.artifacts.crops import Crops, crop_measures, read_failures
from ml_skeleton.artifacts.speech import read_speech
from ml_skeleton.errors import UserError
from ml_skeleton.music.recordings import recordings_of
from ml_skeleton.path_map import PathMap, parse_path_map
from ml_skeleton_extract_audio.cropping import CropPolicy
from ml_skeleton_extract_audio.extract import Report, Request, extract
from ml_skeleton_extract_audio.plan import Selection
from ml_skeleton_extract_audio.speech import SpeechPolicy
from mutagen.flac import FLAC

RATE = 16000


@pytest.fixture
def library(tmp_path):
    """Return a function that writes a database of songs from their sounds, and returns what asks for their crops."""

    def make(*sounds: np.ndarray, ratings: tuple[float, ...] = ()) -> Request:
        (tmp_path / "music").mkdir(exist_ok=True)
        with sqlite3.connect(tmp_path / "player.db") as database:
            database.execute("CREATE TABLE songs (filename, title, rating, playcount)")
            for number, sound in enumerate(sounds):
                path = tmp_path / "music" / f"{number}.flac"
                soundfile.write(path, sound, RATE)
                rating = ratings[number] if ratings else -1
                database.execute("INSERT INTO songs VALUES (?, ?, ?, 0)", (path.as_uri(), f"Title {number}", rating))
        database.close()
        return Request(
            db=tmp_path / "player.db",
            out=tmp_path / "crops",
            policy=CropPolicy(seconds=3.0),
            path_map=PathMap(),
            selection=Selection(max_duration_s=900.0, rated_only=False, limit=None),
            speech=SpeechPolicy("keep"),
            retry_failed=False,
            workers=1,
        )

    return make


def sound(seed: int, seconds: float = 3.0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE)).astype(np.float32)


def test_files_that_were_moved_and_tagged_anew_cost_no_crop(library, tmp_path):
    """Players can write ratings into the files, which changes their size and time."""
    request = library(sound(1), sound(2))
    extract(request)
    crops, songs = crop_measures(request.out, ["audio_id", "samples"]), Crops(request.out).songs
    tagged, moved = FLAC(tmp_path / "music" / "0.flac"), tmp_path / "music" / "moved.flac"
    tagged["FMPS_RATING"] = "0.8" * 5000
    tagged.save()
    (tmp_path / "music" / "1.flac").rename(moved)
    with sqlite3.connect(request.db) as database:
        database.execute("UPDATE songs SET filename = ? WHERE title = 'Title 1'", (moved.as_uri(),))
    database.close()

    assert extract(request) == Report(2, {"extracted": 2})

    assert crop_measures(request.out, ["audio_id", "samples"]) == crops
    assert [song.audio_id for song in Crops(request.out).songs] == [song.audio_id for song in songs]


def test_a_run_that_opens_nothing_refreshes_ratings_and_play_counts(library):
    request = library(sound(1))
    extract(request)
    with sqlite3.connect(request.db) as database:
        database.execute("UPDATE songs SET rating = 0.4, playcount = 7")
    database.close()

    assert extract(request) == Report(1, {"extracted before": 1})

    (song,) = Crops(request.out).songs
    assert (song.rating, song.playcount) == (pytest.approx(0.4), 7)


def test_crops_that_were_kept_unmeasured_are_measured_by_a_later_run_that_asks(library):
    request = library(sound(1), sound(2))
    extract(request)
    before = crop_measures(request.out, ["samples", "speech"])

    report = extract(replace(request, speech=SpeechPolicy("mark")))

    assert report == Report(2, {"extracted before": 2})
    assert crop_measures(request.out, ["samples", "speech"]) == before
    assert [row.speech for row in read_speech(request.out)] == [0.0, 0.0]
    assert [song.speech for song in Crops(request.out).songs] == [0.0, 0.0]


def test_a_song_that_was_kept_before_is_dropped_as_speech_later_and_comes_back_without_being_decoded(library):
    request = library(sound(1), sound(2))
    extract(request)
    drop_all = replace(request, speech=SpeechPolicy("drop", threshold=0.0))  # anything is speech

    with pytest.raises(UserError, match="2 songs: 2 dropped as speech"):
        extract(drop_all)

    assert {failure.reason for failure in read_failures(request.out)} == {"speech: 100 % of the crop"}
    assert {song.audio_id for song in Crops(request.out).songs} == {None}
    before = crop_measures(request.out, ["audio_id"])
    assert extract(request) == Report(2, {"extracted": 2})
    assert crop_measures(request.out, ["audio_id"]) == before


def test_a_run_that_extracts_nothing_leaves_no_folder(library, tmp_path):
    request = library(sound(1))
    (tmp_path / "music" / "0.flac").write_bytes(b"no audio at all")

    with pytest.raises(UserError, match="not one song could be read"):
        extract(request)

    assert not request.out.exists()


def test_a_first_run_on_a_full_disk_leaves_no_folder(library, monkeypatch):
    def refuse(*_part, **_options):
        raise OSError(28, "No space left on device")

    request = library(sound(1))
    monkeypatch.setattr("ml_skeleton.artifacts.parts.pq.ParquetWriter", refuse)

    with pytest.raises(UserError, match="cannot write: No space left on device"):
        extract(request)

    assert not request.out.exists()


def test_progress_counts_what_is_left_out_as_unreadable_and_as_speech(library, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(console, "PLAIN_PROGRESS_EVERY_S", 0.0)
    request = replace(library(sound(1), sound(2), sound(3)), speech=SpeechPolicy("drop", threshold=0.0))
    (tmp_path / "music" / "0.flac").write_bytes(b"no audio at all")

    with pytest.raises(UserError):  # anything is speech
        extract(request)

    lines = [line for line in capsys.readouterr().err.splitlines() if "reading: 3/3 songs" in line]
    assert [line.rpartition("/s, ")[2] for line in lines] == ["1 unreadable, 2 speech"]


def test_a_map_that_no_file_needs_is_said(library, capsys):
    request = library(sound(1))

    extract(replace(request, path_map=parse_path_map(["/home/nobody=/music"])))

    assert "warning: path map /home/nobody=/music: no file of the database lies there; they are such as" in (
        capsys.readouterr().err
    )


def test_copies_that_are_rated_differently_are_said_in_one_line(library, capsys):
    extract(library(sound(1), sound(1), sound(2), ratings=(0.8, 0.2, 0.4)))

    lines = [line for line in capsys.readouterr().err.splitlines() if "rated differently" in line]
    assert len(lines) == 1 and lines[0].endswith("the rating changed last counts: Title 0 (4 and 1 stars)")


def test_the_rating_that_changed_between_two_runs_is_the_one_that_counts(library):
    request = library(sound(1), sound(1), ratings=(0.8, 0.2))
    extract(request)
    with sqlite3.connect(request.db) as database:
        database.execute("UPDATE songs SET rating = 1.0 WHERE title = 'Title 1'")
    database.close()
    extract(request)

    (recording,) = recordings_of(Crops(request.out).songs)
    assert recording.rating == 1.0


def test_near_duplicates_are_known_to_every_song(library):
    one = np.concatenate([sound(n) * n for n in range(4)])
    request = replace(library(one, 0.5 * one, sound(9, 12.0)), policy=CropPolicy(seconds=12.0))
    extract(request)

    songs = Crops(request.out).songs
    assert songs[0].audio_id != songs[1].audio_id
    assert [song.alike is None for song in songs] == [False, False, True]
    assert songs[0].alike == songs[1].alike == min(songs[0].audio_id, songs[1].audio_id)
