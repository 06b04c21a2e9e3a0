"""recommend: unrated songs that are there to play, best first, each once."""

from dataclasses import replace

import pytest
from ml_skeleton.artifacts.checkpoints import read_header
from ml_skeleton.artifacts.embeddings import Version, open_or_make_store, open_store
from ml_skeleton.artifacts.playlists import read_playlist
from ml_skeleton.errors import InputError
from ml_skeleton_recommend.gathering import read_library
from ml_skeleton_recommend.make import Output, make, write
from ml_skeleton_recommend.request import Request


@pytest.fixture
def recommend_from(library_of, tmp_path):
    """Return a function that trains on the songs and returns the tracks recommended."""

    def run(songs, top=100):
        write([make(library_of(songs), Request(top=top), tmp_path / "out")], Output(tmp_path / "out"))
        return read_playlist(tmp_path / "out" / "best.json")[1]

    return run


def test_unrated_songs_come_best_first(recommend_from, rated_library):
    tracks = recommend_from(rated_library)

    assert len(tracks) == 20
    assert int(tracks[0]["audio_id"], 16) % 11 > int(tracks[-1]["audio_id"], 16) % 11


def test_expected_stars_come_with_the_interval_that_holds_them(recommend_from, rated_library):
    tracks = recommend_from(rated_library)

    assert all(0 <= track["stars_low"] <= track["stars"] <= track["stars_high"] <= 5 for track in tracks)
    assert all(track["stars_high"] > track["stars_low"] for track in tracks)


def test_the_list_is_as_long_as_asked(recommend_from, rated_library):
    assert [track["rank"] for track in recommend_from(rated_library, top=3)] == [1, 2, 3]


def test_a_song_that_is_not_available_is_left_out(recommend_from, rated_library):
    gone = [replace(song, available=song.song_id != 1) for song in rated_library]

    assert 1 not in {track["song_id"] for track in recommend_from(gone)}


def test_a_recording_is_left_out_when_a_copy_of_it_is_rated(recommend_from, rated_library, make_song):
    unrated, rated = make_song(100, audio_id="f" * 32, rating=None), make_song(101, audio_id="f" * 32, rating=0.9)

    assert not {100, 101} & {track["song_id"] for track in recommend_from([*rated_library, unrated, rated])}


def test_a_recording_with_two_copies_is_listed_once(recommend_from, rated_library, make_song):
    copies = [make_song(number, audio_id="f" * 32, rating=None, mtime=number) for number in (100, 101)]

    found = [track["song_id"] for track in recommend_from([*rated_library, *copies])]

    assert {100, 101} & set(found) == {101}


def test_tracks_of_a_cue_sheet_are_left_out_as_a_playlist_cannot_point_into_a_file(
    recommend_from, rated_library, make_song
):
    cue = [make_song(100 + n, url="file:///m/set.flac", start_s=60.0 * n, rating=None) for n in range(2)]

    assert not {100, 101} & {track["song_id"] for track in recommend_from([*rated_library, *cue])}


def test_a_song_that_is_speech_is_left_out(recommend_from, rated_library, make_song):
    spoken, sung = make_song(100, rating=None, speech=0.93), make_song(101, rating=None, speech=0.2)

    found = {track["song_id"] for track in recommend_from([*rated_library, spoken, sung])}

    assert {100, 101} & found == {101}


def test_a_library_that_is_rated_through_is_refused(recommend_from, make_song):
    with pytest.raises(InputError, match="no unrated song to recommend"):
        recommend_from([make_song(n, rating=0.5) for n in range(5)])


def test_embeddings_of_another_encoder_are_refused(recommend_from, rated_library, tmp_path):
    recommend_from(rated_library)
    with open_or_make_store(tmp_path / "other.db", "embed") as store:
        store.add_version(Version("v1", "f" * 32, 4, {}, (), "2026-01-01"))
        with pytest.raises(InputError, match="made by another encoder than the classifier was trained on"):
            read_library(read_header(tmp_path / "c.pt", "classifier"), store)


def test_the_same_inputs_give_the_same_bytes(recommend_from, rated_library, tmp_path):
    recommend_from(rated_library)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("best.*")}
    header = read_header(tmp_path / "c.pt", "classifier")
    with open_store(tmp_path / "store.db") as store:
        again = make(read_library(header, store), Request(top=100), tmp_path / "again")
    write([again], Output(tmp_path / "again"))

    assert {path.name: path.read_bytes() for path in (tmp_path / "again").glob("best.*")} == before
    assert set(before) == {"best.xspf", "best.m3u8", "best.csv", "best.json"}


def test_of_recordings_that_sound_the_same_one_is_listed(recommend_from, rated_library, make_song):
    alike = [make_song(100 + n, rating=None, audio_id=f"{n:x}" * 32, alike="0" * 32) for n in range(3)]

    found = [track["song_id"] for track in recommend_from([*rated_library, *alike])]

    assert (len(found), len([song_id for song_id in found if song_id >= 100])) == (21, 1)


def test_a_song_that_sounds_like_a_rated_one_is_left_out(recommend_from, rated_library, make_song):
    other_encoding = make_song(100, rating=None, alike=rated_library[1].audio_id)
    rated = replace(rated_library[1], alike=rated_library[1].audio_id)

    tracks = recommend_from([rated_library[0], rated, *rated_library[2:], other_encoding])

    assert rated.rating is not None and 100 not in {track["song_id"] for track in tracks}
