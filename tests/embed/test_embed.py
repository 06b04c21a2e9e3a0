"""embed: the same vector whatever else is in the run, and no work done twice."""

import numpy as np
import pytest
import torch
from ml_skeleton.artifacts.checkpoints import save_checkpoint
from ml_skeleton.artifacts.crops import Crops, Waveform
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.errors import InputError, UserError
from ml_skeleton.music.encoders import build_encoder
from ml_skeleton_embed.apply import load_encoder
from ml_skeleton_embed.embed import crops_of, embed_songs

ARGUMENTS = {"sample_rate": 16000, "embedding_dim": 6, "width": 4}


@pytest.fixture
def make_encoder(tmp_path):
    """Return a function that writes an untrained encoder and returns its header."""

    def make(crops=None, seed=0, seen=(), **arguments):
        torch.manual_seed(seed)
        arguments = {**ARGUMENTS, **arguments}
        parents = (Parent("crops", str(crops), "c" * 32),) if crops else ()
        content = {
            "model": "simple",
            "arguments": arguments,
            "weights": build_encoder("simple", arguments).state_dict(),
            "embedding_dim": arguments["embedding_dim"],
            "window_s": 1.0,
            "ratings_seen": list(seen),
        }
        return save_checkpoint(
            tmp_path / f"encoder{seed}.pt", Provenance("encoder", 1, "test", parents=parents), content
        )

    return make


def embed(encoder, folder, store, name=None):
    return embed_songs(encoder, Crops(folder), store, name, "cpu", None)


@pytest.mark.parametrize("suffix", [".db", ".duckdb"])
def test_every_recording_gets_one_vector(make_crops, make_song, make_encoder, tmp_path, suffix):
    folder = make_crops([make_song(number) for number in (1, 2, 3)])
    store_path = tmp_path / f"e{suffix}"

    done = embed(make_encoder(seen=[f"{2:032x}"]), folder, store_path, "v1")

    with open_store(store_path) as store:
        vectors, songs = store.vectors("v1"), store.songs()
    assert (done.added, done.kept, vectors.matrix.shape, len(songs)) == (3, 0, (3, 6), 3)
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


def test_several_crops_of_a_song_are_averaged_over_all_their_windows(make_crop, make_encoder):
    function = load_encoder(make_encoder(), "cpu", None)
    clips = [make_crop().samples[:16000], make_crop().samples[20000:36000]]
    crops = [Waveform("a", clip, 0.0, 0.3) for clip in clips]

    together, apart = function(crops), np.mean([function([crop]) for crop in crops], axis=0)

    np.testing.assert_allclose(together, apart, rtol=1e-4, atol=1e-6)


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
