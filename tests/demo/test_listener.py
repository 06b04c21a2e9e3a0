"""The listener: stars follow what is heard, the album and the mood."""

from dataclasses import replace

import numpy as np
import pytest
from ml_skeleton_demo_library.catalogue import Settings, plan_songs
from ml_skeleton_demo_library.hearing import Heard, hear
from ml_skeleton_demo_library.listener import BRIGHTNESS, DYNAMICS_DB, PULSE, form_opinion, stars_for
from ml_skeleton_demo_library.styles import STYLES

ORDINARY = Heard(brightness=BRIGHTNESS[0], pulse=PULSE[0], dynamics_db=DYNAMICS_DB[0], rms_db=-18.0)
SONGS = plan_songs(Settings(300, (20.0, 90.0), 1, tuple(STYLES), odd_cases=False))


def opinions(heard: Heard = ORDINARY):
    return [form_opinion(1, song, song.path, heard) for song in SONGS]


def test_an_ordinary_song_is_worth_the_centre_of_the_scale():
    assert stars_for(ORDINARY) == 3.2


def test_a_brighter_song_is_worth_less_and_a_song_with_more_pulse_more():
    brighter, steadier = replace(ORDINARY, brightness=11.5), replace(ORDINARY, pulse=2.5)

    assert stars_for(brighter) < 3.2 < stars_for(steadier)


def test_stars_are_halves_within_the_scale():
    extreme = opinions(replace(ORDINARY, brightness=2.0)) + opinions(replace(ORDINARY, brightness=20.0))

    assert {opinion.stars for opinion in extreme} <= {half / 2 for half in range(1, 11)}


def test_about_two_songs_in_five_stay_unrated():
    assert np.mean([not opinion.rated for opinion in opinions()]) == pytest.approx(0.4, abs=0.08)


def test_what_cannot_be_heard_moves_a_song_by_less_than_half_a_star():
    assert np.std([opinion.stars for opinion in opinions()]) == pytest.approx(0.45, abs=0.1)


def test_songs_of_an_album_share_the_fondness_for_it():
    first = SONGS[0]
    album = [song for song in SONGS if (song.artist, song.album) == (first.artist, first.album)]

    assert len({form_opinion(1, song, song.path, ORDINARY).album_stars for song in album}) == 1


def test_a_copy_has_the_stars_of_the_original_and_a_life_of_its_own():
    pairs = [(form_opinion(1, s, s.path, ORDINARY), form_opinion(1, s, "copy/" + s.path, ORDINARY)) for s in SONGS[:40]]

    assert all(original.stars == copy.stars for original, copy in pairs)
    assert any(original.rated != copy.rated for original, copy in pairs)


def test_liked_songs_are_played_more_often():
    liked, disliked = (opinions(replace(ORDINARY, brightness=value)) for value in (9.0, 11.7))

    assert sum(o.playcount for o in liked) > 1.5 * sum(o.playcount for o in disliked)


def test_turning_the_volume_does_not_change_what_is_judged():
    rng = np.random.default_rng(0)
    samples = (rng.standard_normal((44100, 2)) * (np.arange(44100)[:, None] % 11025 < 2000)).astype(np.float32)

    loud, quiet = hear(0.1 * samples, 22050), hear(0.01 * samples, 22050)

    assert stars_for(loud) == pytest.approx(stars_for(quiet), abs=1e-3)
    assert loud.rms_db - quiet.rms_db == pytest.approx(20, abs=0.01)


def test_silence_and_a_song_shorter_than_a_judgement_are_heard_without_an_error():
    heard = hear(np.zeros((4000, 1), np.float32), 22050)

    assert np.isfinite(stars_for(heard))
