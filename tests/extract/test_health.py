"""The health of a library, read off its crops folder."""

import numpy as np
from ml_skeleton.artifacts.crops import Failure, write_failures
from ml_skeleton.artifacts.duplicates import Duplicate, write_duplicates
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton_extract_audio.health import conflict_example, conflicting_ratings, health_table

TONE = (10_000 * np.sin(np.arange(16000) / 5)).astype(np.int16)


def test_copies_that_are_rated_differently_are_found(make_song):
    one = [make_song(1, audio_id="a", rating=0.4), make_song(2, audio_id="a", rating=0.9)]
    same = [make_song(3, audio_id="b", rating=0.4), make_song(4, audio_id="b", rating=0.4)]
    half = [make_song(5, audio_id="c", rating=0.4), make_song(6, audio_id="c", rating=None)]

    conflicts = conflicting_ratings([*one, *same, *half])

    assert conflicts == [one]
    assert conflict_example(one) == "Artist – Title 1 (4.5 and 2 stars)"


def test_the_table_names_what_stands_out(make_crops, make_song, make_crop):
    songs = [make_song(number, speech=0.9 if number == 5 else 0.0) for number in range(1, 7)]
    sounds = [TONE, TONE, TONE, TONE // 100, TONE, TONE * 0]
    codecs = ["mp3", "mp3", "flac", "flac", "mp3", "mp3"]
    crops = [
        make_crop(song.audio_id, samples=sound, codec=codec)
        for song, sound, codec in zip(songs, sounds, codecs, strict=True)
    ]
    folder = make_crops(songs, crops)
    write_failures(folder, [Failure("file:///b.mp3", "/music/b.mp3", 0.0, 1, 1, "an empty file")], "test")
    likes = [Duplicate(0, songs[0].audio_id, 0.9), Duplicate(0, songs[2].audio_id, 0.9)]
    write_duplicates(folder, likes, Provenance("crops-duplicates", 1, "test"))

    lines = [" ".join(line.split()) for line in health_table(folder).splitlines()]

    assert lines[1:] == [
        *("songs", "6 extracted"),
        *("codecs", "4 mp3", "2 flac"),
        *("not read, or with a warning", "1 an empty file: b.mp3"),
        *("sound", "1 silent: Artist – Title 6", "1 over 12 dB quieter than most: Artist – Title 4"),
        "1 speech for half of the time or more: Artist – Title 5",
        *("copies", "1 recordings in several encodings: Artist – Title 1 = Artist – Title 3"),
    ]
