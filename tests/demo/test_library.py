"""The library as a whole: files, rows and truth agree."""

import csv
import os
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
import soundfile
from ml_skeleton.errors import UsageError
from ml_skeleton_demo_library import recording
from ml_skeleton_demo_library.catalogue import Settings
from ml_skeleton_demo_library.library import make_library
from ml_skeleton_demo_library.listing import plan_listing
from ml_skeleton_demo_library.styles import STYLES

from .conftest import read_rows

DEFAULT = Settings(songs=200, seconds=(20.0, 90.0), seed=7, styles=tuple(STYLES), odd_cases=True)


def file_of(row) -> Path:
    return Path(os.fsdecode(unquote_to_bytes(row["filename"]).removeprefix(b"file://")))


def truths(library) -> list[dict[str, str]]:
    with open(library.truth, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def without_place(library) -> list[dict]:
    """The rows, with the folder of the library cut out of every path."""
    place = str(library.folder.resolve())
    rows = read_rows(library.database)
    for row in rows:
        row["filename"] = row["filename"].decode().replace(place, "")
        row["cue_path"] = row["cue_path"] and row["cue_path"].replace(place, "")
    return rows


def test_every_row_has_its_file_but_the_deleted_and_the_moved_one(tiny):
    lost = [row["title"] for row in read_rows(tiny.database) if not file_of(row).exists()]

    assert lost == ["Deleted", "Moved Away"]


def test_only_the_deleted_song_is_marked_unavailable(tiny):
    assert [row["title"] for row in read_rows(tiny.database) if row["unavailable"]] == ["Deleted"]


def test_size_and_time_of_every_file_are_those_of_its_row(tiny):
    rows = [row for row in read_rows(tiny.database) if row["title"] not in ("Emptied", "Deleted", "Moved Away")]

    assert [(row["filesize"], row["mtime"]) for row in rows] == [
        (file_of(row).stat().st_size, int(file_of(row).stat().st_mtime)) for row in rows
    ]


def test_time_of_every_folder_is_that_of_its_row(tiny):
    rows = read_rows(tiny.database, "subdirectories")

    assert {row["path"]: row["mtime"] for row in rows} == {
        folder: int(os.stat(folder).st_mtime) for folder, _, _ in os.walk(tiny.music.resolve())
    }


def test_all_five_containers_are_written(tiny):
    assert {file_of(row).suffix for row in read_rows(tiny.database)} == {".flac", ".ogg", ".mp3", ".opus", ".wav"}


def test_every_whole_file_can_be_decoded_at_a_sane_level_without_clipping(tiny):
    for line in truths(tiny):
        if line["state"] not in ("whole", "copy"):
            continue
        samples, _ = soundfile.read(tiny.music / line["path"], dtype="float32")
        level = 10 * np.log10(np.mean(samples**2))
        assert np.abs(samples).max() < 1, line["path"]
        assert -30 < level < -10, line["path"]


def test_length_of_a_row_is_that_of_the_audio_in_whole_seconds(tiny):
    whole = {line["path"] for line in truths(tiny) if line["state"] == "whole" and line["cue_track"] == "0"}
    exact = [tiny.music.resolve() / path for path in whole if path.endswith((".flac", ".wav"))]
    lengths = {file_of(row): row["length"] for row in read_rows(tiny.database) if file_of(row) in exact}

    assert lengths == {path: int(soundfile.info(path).duration) * 10**9 for path in exact}


@pytest.mark.parametrize("title", ["Not Music", "Emptied"])
def test_a_ruined_file_cannot_be_opened(tiny, title):
    (row,) = [row for row in read_rows(tiny.database) if row["title"] == title]

    with pytest.raises(soundfile.LibsndfileError):
        soundfile.info(file_of(row))


def test_a_truncated_file_is_the_start_of_a_whole_one(tiny):
    cut = (tiny.music / "Various Damage/Cut Short.ogg").read_bytes()

    assert [
        path for path in tiny.music.rglob("*.ogg") if path.read_bytes().startswith(cut) and path.stem != "Cut Short"
    ]


def test_a_recording_on_two_albums_is_two_equal_files_of_which_only_the_rows_differ(tiny):
    copies = [row for row in read_rows(tiny.database) if row["album"] == "Festival Sampler"]

    for copy in copies:
        twins = [row for row in read_rows(tiny.database) if row["title"] == copy["title"] and row not in copies]
        assert [file_of(twin).read_bytes() for twin in twins] == [file_of(copy).read_bytes()]
        assert copy["effective_albumartist"] == "Various Artists"


def test_tracks_of_the_cue_sheet_follow_each_other_in_one_file(tiny):
    tracks = [row for row in read_rows(tiny.database) if row["cue_path"]]
    sheet = Path(tracks[0]["cue_path"]).read_text(encoding="utf-8")
    starts = [
        (int(m) * 60 + int(s) + int(f) / 75) * 1e9 for m, s, f in re.findall(r"INDEX 01 (\d+):(\d+):(\d+)", sheet)
    ]

    assert len({row["filename"] for row in tracks}) == 1
    assert [row["beginning"] for row in tracks] == pytest.approx(starts, abs=1)
    assert all(a["beginning"] + a["length"] == b["beginning"] for a, b in pairwise(tracks))


def test_the_playlist_points_to_songs_that_the_listener_likes(tiny):
    ratings = {row["rowid"]: row["rating"] for row in read_rows(tiny.database)}
    items = [row["library_id"] for row in read_rows(tiny.database, "playlist_items")]

    assert items
    assert all(ratings[item] > 0.79 for item in items)


def test_truth_holds_a_rating_for_unrated_songs_and_agrees_with_the_rated_ones(tiny):
    rated, unrated = [], []
    for line in truths(tiny):
        (rated if line["rating_in_clementine"] else unrated).append(line)

    assert all(line["true_rating"] == line["rating_in_clementine"] for line in rated)
    assert {line["state"] for line in unrated if not line["true_rating"]} == {"truncated", "emptied", "broken"}


def test_truth_and_rows_are_in_the_same_order(tiny):
    place = tiny.music.resolve()

    assert [line["path"] for line in truths(tiny)] == [
        str(file_of(row).relative_to(place)) for row in read_rows(tiny.database)
    ]


def test_the_same_seed_gives_the_same_rows_whatever_the_place_and_the_workers(tmp_path, monkeypatch):
    one = make_library(tmp_path / "one", songs=4, seconds=(1, 1), seed=5, workers=1)
    monkeypatch.setattr(recording, "FEW_RECORDINGS", 0)
    two = make_library(tmp_path / "two", songs=4, seconds=(1, 1), seed=5, workers=2)

    assert without_place(one) == without_place(two)
    assert one.truth.read_text(encoding="utf-8") == two.truth.read_text(encoding="utf-8")


def test_another_seed_gives_other_songs():
    one, two = (plan_listing(replace(DEFAULT, seed=seed)).entries for seed in (1, 2))

    assert not {entry.song.piece for entry in one} & {entry.song.piece for entry in two}


def test_without_odd_cases_there_are_as_many_rows_as_songs_and_each_can_be_opened(tmp_path):
    library = make_library(tmp_path / "demo", songs=6, seconds=(1, 2), styles=["Jazz", "Rock"], odd_cases=False)
    rows = read_rows(library.database)

    assert [soundfile.info(file_of(row)).frames > 0 for row in rows] == [True] * 6
    assert {row["genre"] for row in rows} == {"Jazz", "Rock"}


def test_the_default_library_is_as_large_and_as_varied_as_promised():
    songs = [entry.song for entry in plan_listing(DEFAULT).entries][:200]

    assert len({song.genre for song in songs}) == 10
    assert len({song.artist for song in songs}) == 20
    assert len({(song.artist, song.album) for song in songs}) >= 40
    assert all(20 <= song.piece.seconds <= 90 for song in songs)


def test_no_two_files_of_the_default_library_share_a_path_and_every_name_fits():
    listing = plan_listing(DEFAULT)
    paths = [entry.song.path for entry in listing.entries if not listing.recording(entry.recording).cue_path]

    assert Counter(paths).most_common(1)[0][1] == 1
    assert max(len(part.encode()) for path in paths for part in path.split("/")) <= 255


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"songs": 3}, "--songs 3: expected 4 to 576"),
        ({"seconds": (9, 3)}, "song lengths 9.0 to 3.0 s"),
        ({"styles": ["Polka"]}, "styles Polka: known are Ambient"),
    ],
)
def test_impossible_settings_are_refused_before_anything_is_made(tmp_path, arguments, complaint):
    with pytest.raises(UsageError, match=complaint):
        make_library(tmp_path / "demo", **arguments)

    assert not (tmp_path / "demo").exists()
