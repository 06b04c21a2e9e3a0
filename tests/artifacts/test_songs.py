"""Songs: what belongs to a recording is shared by its copies, and older files are read."""

import sqlite3

import pyarrow.parquet as pq
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.artifacts.embeddings import open_or_make_store, open_store
from ml_skeleton.artifacts.songs import MOST_ALBUMS, from_table, joined_by_audio, to_table


def test_copies_share_albums_and_speech_and_a_song_without_audio_keeps_its_own(make_song):
    songs = [
        make_song(1, album="X", audio_id="a"),
        make_song(2, album="Y", audio_id="a"),
        make_song(3, album="Z", audio_id=None),
    ]

    found = joined_by_audio(songs, {"a": 0.25, "b": 0.5})

    both = ("Artist|||X", "Artist|||Y")
    assert [(song.album_keys, song.speech) for song in found] == [(both, 0.25), (both, 0.25), (("Artist|||Z",), None)]


def test_a_jingle_on_every_album_ties_only_some_together(make_song):
    songs = [make_song(number, album=f"{number:04d}", audio_id="a") for number in range(1000)]

    found = joined_by_audio(songs, {})

    assert {len(song.album_keys) for song in found} == {MOST_ALBUMS}
    assert all(f"Artist|||{song.album}" in song.album_keys for song in found)


def test_a_table_without_the_speech_column_is_read(make_song):
    assert from_table(to_table([make_song(speech=0.5)]).drop_columns(["speech"])) == [make_song(speech=None)]


def test_a_crops_folder_without_the_speech_column_is_read(make_crops, make_song):
    folder = make_crops([make_song(speech=0.5)])
    table = pq.read_table(folder / "songs.parquet")
    pq.write_table(table.drop_columns(["speech"]), folder / "songs.parquet")

    assert Crops(folder).songs == [make_song(speech=None)]


def test_a_store_without_the_speech_column_is_read_and_brought_up_to_date(tmp_path, make_song):
    path = tmp_path / "store.db"
    with open_or_make_store(path, "test") as store:
        store.replace_songs([make_song(speech=0.5)])
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE songs DROP COLUMN speech")

    with open_store(path) as store:
        before = store.songs()
        store.replace_songs([make_song(speech=0.25)])
        assert (before, store.songs()) == ([make_song(speech=None)], [make_song(speech=0.25)])
