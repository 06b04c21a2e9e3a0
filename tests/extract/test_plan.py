"""What a run decides to do, from the database, the disk and the past."""

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from ml_skeleton.artifacts.crops import CropWriter, Failure, write_failures
from ml_skeleton.artifacts.songs import KnownFile
from ml_skeleton.artifacts.speech import SpeechShare, mean_speech
from ml_skeleton.errors import UserError
from ml_skeleton.path_map import PathMap
from ml_skeleton_extract_audio.folder import read_past, refuse_foreign
from ml_skeleton_extract_audio.plan import Past, Plan, Selection, make_plan, refuse_missing_root
from ml_skeleton_extract_audio.speech import SpeechPolicy

ALL = Selection(max_duration_s=900.0, rated_only=False, limit=None)
NEW = Past([], [], set(), {})
POLICY = "end-1x60s-16000hz"


@pytest.fixture
def library(tmp_path, make_song):
    """Return a function that makes a song whose file holds 100 bytes, as the player's database tells of it."""
    (tmp_path / "music").mkdir()

    def make(song_id=1, **changes):
        file = tmp_path / "music" / f"{song_id}.mp3"
        file.write_bytes(bytes(100))
        unknown = {"mtime": None, "filesize": None, "audio_id": None}
        return make_song(song_id, url=file.as_uri(), path=file.as_uri(), **{**unknown, **changes})

    return make


def planned(songs, past=NEW, wanted=ALL) -> Plan:
    return make_plan(songs, PathMap(), past, wanted)


def past_of(songs, **fields) -> Past:
    """Return what a run leaves that found all these files, each a recording of its own."""
    found = make_plan(songs, PathMap(), NEW, ALL).songs
    known = [
        KnownFile(s.url, s.start_s, s.mtime, s.filesize, f"{s.song_id:032x}" if s.mtime else None, 60.0, s.rating, None)
        for s in found
    ]
    return Past(known, **{"failures": [], "failed": set(), "speech": {file.audio_id: None for file in known}, **fields})


def delete(*songs):
    for song in songs:
        Path(song.url.removeprefix("file://")).unlink()


def test_a_new_song_is_opened_and_an_extracted_one_is_not(library):
    old, new = library(1), library(2)

    plan = planned([old, new], past_of([old]))

    assert ([job.position for job in plan.jobs], plan.settled) == ([1], {"extracted before": 1})


def test_a_changed_file_is_opened_again(library):
    song = library(1)
    past = past_of([song])
    Path(song.url.removeprefix("file://")).write_bytes(bytes(101))

    assert len(planned([song], past).jobs) == 1


def test_a_song_whose_file_is_away_stays_the_recording_that_it_was_but_is_not_available(library):
    song = library(1)
    past = past_of([song])
    delete(song)

    (here,) = planned([song], past).songs

    assert (here.audio_id, here.available, here.mtime) == (f"{1:032x}", False, None)


def test_pruned_songs_are_no_recordings_any_more(library):
    song = library(1)
    past = past_of([song])
    delete(song)

    assert planned([song], past, Selection(900.0, False, None, prune=True)).songs[0].audio_id is None


@pytest.mark.parametrize(
    ("gone", "there", "refused"), [(30, 70, True), (21, 0, True), (20, 5, False), (30, 200, False)]
)
def test_a_missing_root_is_more_than_20_songs_and_a_fifth_of_all(library, gone, there, refused):
    songs = [library(number) for number in range(gone + there)]
    past = past_of(songs)
    delete(*songs[:gone])
    plan = planned(songs, past)

    if refused:
        with pytest.raises(UserError, match=rf"gone, like {gone} of the {gone + there} files of the last run.*--prune"):
            refuse_missing_root(plan, past)
    else:
        refuse_missing_root(plan, past)


def test_files_that_were_never_there_or_that_the_player_knows_to_be_gone_are_no_missing_root(library):
    songs = [library(number, available=number > 50) for number in range(100)]
    past = past_of(songs[:60])
    delete(*songs[:50], *songs[60:])

    assert planned(songs, past).vanished == []


def test_the_counts_add_up(library):
    songs = [library(1), library(2, rating=None), library(3, length_s=901.0), library(4, available=False), library(5)]
    delete(songs[4])

    plan = planned(songs, wanted=Selection(900.0, True, None))

    assert len(plan.jobs) + plan.settled.total() == len(songs)
    assert plan.settled.keys() == {
        "not rated (--rated-only)",
        "longer than --max-duration",
        "marked unavailable by the player",
        "file not found",
    }


@pytest.mark.parametrize(
    ("reason", "again"),
    [
        (("an empty file", True, False), set()),
        (("permission denied", True, True), {"always"}),
        (("cut off", False, False), {"always"}),
        (("speech: 93 % of the crop", True, False), {"mark"}),
        (("longer than 900 s", True, False), {"longer"}),
    ],
)
def test_a_failure_costs_one_attempt_as_long_as_it_would_come_again(tmp_path, reason, again):
    text, fatal, transient = reason
    write_failures(tmp_path, [Failure("file:///a.mp3", "/a.mp3", 0.0, 5, 6, text, fatal, transient)], "test")

    def holds(mode="drop", longest=900.0, retry=False):
        return bool(read_past(tmp_path, POLICY, SpeechPolicy(mode), longest, retry).failed)

    assert holds() == ("always" not in again)
    assert holds(mode="mark") == (not again & {"always", "mark"})
    assert holds(longest=1000.0) == (not again & {"always", "longer"})
    assert not holds(retry=True)


def test_the_past_knows_recordings_of_the_policy_and_their_speech(tmp_path, make_crop):
    with CropWriter(tmp_path, "test") as writer:
        writer.add([make_crop("a", speech=0.2), make_crop("a", crop=1, speech=0.4), make_crop("b")])
        writer.add([make_crop("c", policy="start-1x5s-16000hz")])

    past = read_past(tmp_path, POLICY, SpeechPolicy(), 900.0, retry_failed=False)

    assert past.speech == {"a": pytest.approx(0.3), "b": None}


def test_speech_is_weighted_by_length():
    assert mean_speech([SpeechShare(1.0, 10.0), SpeechShare(0.0, 30.0)]) == 0.25
    assert mean_speech([SpeechShare(1.0, 10.0), SpeechShare(None, 30.0)]) is None


def test_what_a_killed_run_left_half_written_is_no_foreign_file(tmp_path):
    (tmp_path / ".songs.parquet.123.partial").touch()

    refuse_foreign(tmp_path)


def new_file(folder, name="a.flac"):
    (folder / name).write_bytes(b"audio")
    return (folder / name).as_uri()


def test_a_cue_track_ends_where_the_next_begins_and_the_last_goes_on_to_the_end(make_song, tmp_path):
    url = new_file(tmp_path)
    tracks = [make_song(n, url=url, start_s=60.0 * n, length_s=60.0, audio_id=None) for n in range(3)]

    plan = make_plan(tracks, PathMap(), NEW, ALL)

    assert [(job.start_s, job.length_s) for job in plan.jobs] == [(0.0, 60.0), (60.0, 60.0), (120.0, None)]


def test_the_tagged_length_of_a_whole_file_is_not_believed(make_song, tmp_path):
    plan = make_plan([make_song(url=new_file(tmp_path), length_s=3.0)], PathMap(), NEW, ALL)

    assert plan.jobs[0].length_s is None


def test_every_song_without_a_job_has_a_reason(make_song, tmp_path):
    songs = [
        make_song(1, url="http://radio.example/stream"),
        make_song(2, url=(tmp_path / "gone.flac").as_uri()),
        make_song(3, url=(tmp_path / "deleted.flac").as_uri(), available=False),
        make_song(4, url=new_file(tmp_path), length_s=901.0),
        make_song(5, url=new_file(tmp_path), rating=None),
        make_song(6, url=new_file(tmp_path)),
        make_song(7, url=new_file(tmp_path)),
    ]

    plan = make_plan(songs, PathMap(), NEW, Selection(900.0, rated_only=True, limit=1))

    assert [job.position for job in plan.jobs] == [5]
    assert plan.settled == Counter(
        {
            "not a file of this machine": 1,
            "file not found": 1,
            "marked unavailable by the player": 1,
            "longer than --max-duration": 1,
            "not rated (--rated-only)": 1,
            "left for a later run (--limit)": 1,
        }
    )


def test_a_rating_that_changed_since_the_last_run_is_dated_and_stays_so(library):
    same, changed = library(1, rating=0.4), library(2, rating=0.4)
    past = past_of([same, changed])

    found = planned([same, replace(changed, rating=0.8)], past).songs

    assert found[0].rating_changed is None
    assert abs(found[1].rating_changed - time.time()) < 60
    remembered = [*past.songs[:1], past.songs[1]._replace(rating=0.8, rating_changed=7)]
    assert planned([replace(changed, rating=0.8)], replace(past, songs=remembered)).songs[0].rating_changed == 7
