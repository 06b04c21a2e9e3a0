"""The plan: which part of which file each song of a library needs."""

from collections import Counter

from ml_skeleton_extract_audio.locations import PathMap
from ml_skeleton_extract_audio.plan import Past, Selection, make_plan

EVERYTHING = Selection(max_duration_s=900.0, rated_only=False, limit=None)
NO_PAST = Past([], [], frozenset())


def new_file(folder, name="a.flac"):
    (folder / name).write_bytes(b"audio")
    return (folder / name).as_uri()


def test_a_cue_track_ends_where_the_next_begins_and_the_last_goes_on_to_the_end(make_song, tmp_path):
    url = new_file(tmp_path)
    tracks = [make_song(n, url=url, start_s=60.0 * n, length_s=60.0, audio_id=None) for n in range(3)]

    plan = make_plan(tracks, PathMap(), NO_PAST, EVERYTHING)

    assert [(job.start_s, job.length_s) for job in plan.jobs] == [(0.0, 60.0), (60.0, 60.0), (120.0, None)]


def test_the_tagged_length_of_a_whole_file_is_not_believed(make_song, tmp_path):
    plan = make_plan([make_song(url=new_file(tmp_path), length_s=3.0)], PathMap(), NO_PAST, EVERYTHING)

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

    plan = make_plan(songs, PathMap(), NO_PAST, Selection(900.0, rated_only=True, limit=1))

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
