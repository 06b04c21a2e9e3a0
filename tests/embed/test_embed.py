"""embed: the same vector whatever else is in the run, and no work done twice."""

import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from ml_skeleton.artifacts.checkpoints import load_tensors
from ml_skeleton.artifacts.crops import Crops, Waveform
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.console import Terminated
from ml_skeleton.errors import InputError, UserError
from ml_skeleton.music.encoders import build_encoder
from ml_skeleton.music.windows import all_windows
from ml_skeleton_embed.apply import Applied, load_encoder
from ml_skeleton_embed.cli import app
from ml_skeleton_embed.embed import Options, crops_of, embed_songs
from ml_skeleton_embed.places import batches
from typer.testing import CliRunner


def embed(encoder, folder, store, name=None, **options):
    return embed_songs(encoder, Crops(folder), store, Options(name, "cpu", **options))


@pytest.mark.parametrize("suffix", [".db", ".duckdb"])
def test_every_recording_gets_one_vector(make_crops, make_song, make_encoder, tmp_path, suffix):
    folder = make_crops([make_song(number) for number in (1, 2, 3)])
    store_path = tmp_path / f"e{suffix}"

    done = embed(make_encoder(seen=[f"{2:032x}"]), folder, store_path, "v1")

    with open_store(store_path) as store:
        vectors, songs, parts = store.vectors("v1"), store.songs(), store.version("v1").parts
    assert (done.added, done.kept, vectors.matrix.shape, len(songs)) == (3, 0, (3, 6), 3)
    assert parts == {"low": 2, "high": 4}
    assert vectors.rating_seen.tolist() == [False, True, False]


def test_a_second_run_embeds_only_what_is_new(make_crops, make_song, make_encoder, tmp_path):
    encoder, songs = make_encoder(), [make_song(number) for number in (1, 2, 3)]
    embed(encoder, make_crops(songs[:2], folder="before"), tmp_path / "e.db")

    done = embed(encoder, make_crops(songs, folder="after"), tmp_path / "e.db")

    assert (done.added, done.kept) == (1, 2)


def test_a_new_rating_reaches_the_store_without_new_vectors(make_crops, make_song, make_encoder, tmp_path):
    encoder = make_encoder()
    embed(encoder, make_crops([make_song(rating=None)], folder="before"), tmp_path / "e.db")

    done = embed(encoder, make_crops([make_song(rating=0.9)], folder="after"), tmp_path / "e.db")

    with open_store(tmp_path / "e.db") as store:
        assert (done.added, [song.rating for song in store.songs()]) == (0, [0.9])


def test_a_song_s_vector_is_the_same_to_the_bit_alone_or_among_others(
    make_crops, make_song, make_crop, make_encoder, tmp_path
):
    songs = [make_song(number) for number in range(1, 12)]
    crops = [
        make_crop(s.audio_id, samples=np.roll(make_crop().samples, 50 * s.song_id)[: 9000 * s.song_id]) for s in songs
    ]
    embed(make_encoder(), make_crops(songs, crops, folder="all"), tmp_path / "e.db", "all")
    embed(make_encoder(), make_crops(songs[6:7], crops[6:7], folder="one"), tmp_path / "e.db", "one")

    with open_store(tmp_path / "e.db") as store:
        every, one = store.vectors("all"), store.vectors("one")
    np.testing.assert_array_equal(every.matrix[every.audio_ids.index(one.audio_ids[0])], one.matrix[0])


def test_a_song_s_vector_is_the_same_to_the_bit_in_any_order(make_crops, make_song, make_crop, make_encoder, tmp_path):
    songs = [make_song(number) for number in range(1, 12)]
    crops = [make_crop(s.audio_id, samples=np.roll(make_crop().samples, 50 * s.song_id)) for s in songs]
    embed(make_encoder(), make_crops(songs, crops, folder="to"), tmp_path / "e.db", "to")
    embed(make_encoder(), make_crops(songs, crops[::-1], folder="fro"), tmp_path / "e.db", "fro")

    with open_store(tmp_path / "e.db") as store:
        np.testing.assert_array_equal(store.vectors("to").matrix, store.vectors("fro").matrix)


def test_several_crops_of_a_song_are_averaged_over_all_their_windows(make_crop, make_encoder):
    applied = load_encoder(make_encoder(), "cpu", None, "float32")
    clips = [make_crop().samples[:16000], make_crop().samples[20000:36000]]
    crops = [Waveform("a", clip, 0.0, 0.3) for clip in clips]

    together, *apart = (vector_of(applied, waveforms) for waveforms in (crops, crops[:1], crops[1:]))

    np.testing.assert_allclose(together, np.mean(apart, axis=0), rtol=1e-4, atol=1e-6)


def vector_of(applied, waveforms):
    (batch,) = batches([("a", waveforms)], applied.rows, applied.length)
    vectors = applied.hear(batch)
    return np.mean([vectors[row] for row, _, _ in batch.places], axis=0)


def test_a_batch_is_heard_as_the_encoder_hears_normalised_windows(make_crop, make_encoder):
    applied = load_encoder(header := make_encoder(), "cpu", None, "float32")
    crop = Waveform("a", make_crop().samples, 0.01, 0.3)
    encoder = build_encoder("simple", header.content["arguments"]).eval()
    encoder.load_state_dict(load_tensors(header)["weights"])

    with torch.no_grad():
        expected = encoder(torch.from_numpy(all_windows(crop, applied.length))).mean(dim=0)

    np.testing.assert_allclose(vector_of(applied, [crop]), expected.numpy(), rtol=1e-4, atol=1e-6)


def test_bfloat16_is_a_version_of_its_own(make_crops, make_song, make_encoder, tmp_path):
    folder = make_crops([make_song()])
    embed(make_encoder(), folder, tmp_path / "e.db", "v1", precision="bfloat16")

    with pytest.raises(UserError, match=r"version 'v1' is of .*'precision': 'bfloat16'.*; name a new one"):
        embed(make_encoder(), folder, tmp_path / "e.db", "v1")


def test_songs_that_left_the_library_are_not_embedded(make_crops, make_song, make_crop, make_encoder, tmp_path):
    stays, left = make_song(1), make_song(2)

    done = embed(make_encoder(), make_crops([stays], [make_crop(s.audio_id) for s in (stays, left)]), tmp_path / "e.db")

    assert (done.added, done.strays) == (1, 0)


def test_vectors_of_another_library_stay_and_are_counted_apart(make_crops, make_song, make_encoder, tmp_path):
    embed(make_encoder(), make_crops([make_song(1), make_song(2)], folder="one"), tmp_path / "e.db")

    done = embed(make_encoder(), make_crops([make_song(2), make_song(3)], folder="other"), tmp_path / "e.db")

    assert (done.added, done.kept, done.strays) == (1, 1, 1)
    assert "it also holds 1 vectors of songs that are gone, which count nowhere" in str(done)


def test_prune_removes_the_vectors_of_songs_that_are_gone(make_crops, make_song, make_encoder, tmp_path):
    embed(make_encoder(), make_crops([make_song(1), make_song(2)], folder="one"), tmp_path / "e.db", "v1")

    done = embed(make_encoder(), make_crops([make_song(2)], folder="other"), tmp_path / "e.db", "v1", prune=True)

    with open_store(tmp_path / "e.db") as store:
        assert (done.pruned, done.strays, store.audio_ids("v1")) == (1, 0, {f"{2:032x}"})


def test_health_is_of_the_songs_of_the_library_alone(make_crops, make_song, make_crop, make_encoder, tmp_path):
    songs = [make_song(number) for number in range(1, 31)]
    crops = [make_crop(s.audio_id, samples=np.roll(make_crop().samples, 50 * s.song_id)) for s in songs]
    embed(make_encoder(), make_crops(songs, crops, folder="all"), tmp_path / "e.db")

    done = embed(make_encoder(), make_crops(songs[:25], crops[:25], folder="some"), tmp_path / "e.db")

    assert (done.added, done.health.songs, done.strays) == (0, 25, 5)


@pytest.fixture
def deaf_to_silence(monkeypatch):
    """Make every encoder answer silence with no number, and anything else with one."""

    def hear(batch):
        return np.where(batch.scale > 0, 1.0, np.nan)[:, None] * np.ones(6, np.float32)

    monkeypatch.setattr("ml_skeleton_embed.embed.load_encoder", lambda *_: Applied(hear, rows=4, length=16000))


def test_a_song_without_a_number_is_left_out_and_named(
    make_crops, make_song, make_crop, make_encoder, deaf_to_silence, tmp_path, capsys
):
    songs = [make_song(1), make_song(2, artist="Nobody", title="Nothing")]
    crops = [make_crop(songs[0].audio_id), make_crop(songs[1].audio_id, samples=np.zeros(48000, np.int16))]

    done = embed(make_encoder(), make_crops(songs, crops), tmp_path / "e.db", "v1")

    with open_store(tmp_path / "e.db") as store:
        assert (done.added, store.audio_ids("v1")) == (1, {songs[0].audio_id})
    assert "the encoder gave no number for 1 of 2 songs, such as Nobody – Nothing" in capsys.readouterr().err


def test_a_run_in_which_no_song_got_a_number_fails_and_leaves_no_version(
    make_crops, make_song, make_crop, make_encoder, deaf_to_silence, tmp_path
):
    folder = make_crops([make_song()], [make_crop(samples=np.zeros(48000, np.int16))])

    with pytest.raises(UserError, match=r"no number for 1 of 1 songs, .*; train it again"):
        embed(make_encoder(), folder, tmp_path / "e.db")

    with open_store(tmp_path / "e.db") as store:
        assert store.versions() == []


def test_a_signal_keeps_the_songs_that_are_done_and_the_next_run_goes_on(
    make_crops, make_song, make_crop, make_encoder, monkeypatch, tmp_path
):
    encoder, songs = make_encoder(), [make_song(number) for number in range(1, 81)]
    crops = [make_crop(s.audio_id, samples=np.roll(make_crop().samples, 50 * s.song_id)) for s in songs]
    folder = make_crops(songs, crops)
    whole = embed(encoder, folder, tmp_path / "whole.db")
    loaded = load_encoder(encoder, "cpu", None, "float32")
    heard = []

    def hear(batch):
        heard.append(batch)
        if len(heard) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return loaded.hear(batch)

    with monkeypatch.context() as interrupted, pytest.raises(Terminated):
        interrupted.setattr("ml_skeleton_embed.embed.load_encoder", lambda *_: replace(loaded, hear=hear))
        embed(encoder, folder, tmp_path / "broken.db")
    rest = embed(encoder, folder, tmp_path / "broken.db")

    assert (whole.added, rest.added + rest.kept) == (80, 80) and rest.kept > 0
    with open_store(tmp_path / "whole.db") as one, open_store(tmp_path / "broken.db") as other:
        np.testing.assert_array_equal(one.vectors(whole.version).matrix, other.vectors(rest.version).matrix)


def test_a_collapsed_version_ends_the_command_with_1_unless_that_is_allowed(
    make_crops, make_song, make_encoder, tmp_path
):
    songs = [make_song(number) for number in range(1, 22)]  # the same tone, so the same vector, in all of them
    encoder, store = make_encoder(make_crops(songs)), tmp_path / "e.db"
    command = [str(encoder.path), "--store", str(store), "--device", "cpu"]

    refused, allowed = (CliRunner().invoke(app, [*command, *more]) for more in ([], ["--allow-collapse"]))

    assert (refused.exception.exit_code, refused.stdout) == (1, "")
    assert "has collapsed" in str(refused.exception)
    assert (allowed.exit_code, allowed.stdout) == (0, f"{store}\n")


def test_versions_of_two_encoders_stand_side_by_side(make_crops, make_song, make_encoder, tmp_path):
    folder = make_crops([make_song()])

    names = [embed(make_encoder(seed=seed), folder, tmp_path / "e.db").version for seed in (0, 1)]

    with open_store(tmp_path / "e.db") as store:
        assert [version.name for version in store.versions()] == names


def test_a_version_name_of_another_encoder_is_refused(make_crops, make_song, make_encoder, tmp_path):
    folder = make_crops([make_song()])
    embed(make_encoder(seed=0), folder, tmp_path / "e.db", "mine")

    with pytest.raises(UserError, match="version 'mine' is of another encoder; name a new one with --version"):
        embed(make_encoder(seed=1), folder, tmp_path / "e.db", "mine")


def test_crops_of_another_sample_rate_are_refused_before_a_store_is_made(make_crops, make_song, make_encoder, tmp_path):
    with pytest.raises(InputError, match="crops of 16000 Hz, but the encoder hears 8000 Hz"):
        embed(make_encoder(sample_rate=8000), make_crops([make_song()]), tmp_path / "e.db")

    assert not (tmp_path / "e.db").exists()


def test_the_encoder_knows_its_crops(make_encoder, tmp_path):
    assert crops_of(make_encoder(crops=tmp_path / "crops")) == tmp_path / "crops"

    with pytest.raises(InputError, match="names no crops folder; name one with --crops"):
        crops_of(make_encoder(seed=1))
