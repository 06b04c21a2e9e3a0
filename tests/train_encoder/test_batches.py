"""Batches: their order follows from audio_ids and seed, a song stays together, and no store changes a sample."""

import numpy as np
import pytest
import torch
from ml_skeleton.artifacts.crop_samples import index_crops
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.errors import UserError
from ml_skeleton_train_encoder.batches import Epochs, fetched
from ml_skeleton_train_encoder.parallel import ALONE, Team
from ml_skeleton_train_encoder.stores import DiskStore, MemoryStore

CPU = torch.device("cpu")
LENGTH = 16000


@pytest.fixture
def uneven_crops(make_crops, make_song, make_crop):
    """Return the index of nine songs, every third with two crops, one of them shorter than a window."""
    songs = [make_song(number) for number in range(9)]
    random = np.random.default_rng(0)
    crops = []
    for number, song in enumerate(songs):
        for crop in range(2 if number % 3 == 0 else 1):
            samples = random.integers(-9999, 9999, 9000 if number == 4 else 40000, dtype=np.int16)
            crops.append(make_crop(song.audio_id, crop=crop, samples=samples))
    return index_crops(Crops(make_crops(songs, crops)))


def audio_of(store, epochs):
    return [batch.audio() for batch in fetched(store, [step.windows for step in epochs.plan(0)], CPU)]


def test_an_epoch_hears_every_crop_as_often_as_asked(uneven_crops):
    steps = Epochs(uneven_crops, 8, 3, LENGTH, seed=1).plan(0)

    heard = np.bincount(np.concatenate([step.windows.rows for step in steps]))

    assert heard.tolist() == [3] * len(uneven_crops)


def test_all_windows_of_a_song_stand_in_one_batch_of_at_most_the_wanted_size(uneven_crops):
    steps = Epochs(uneven_crops, 8, 2, LENGTH, seed=1).plan(0)

    songs = [set(step.songs.tolist()) for step in steps]
    assert sum(map(len, songs)) == len(set.union(*songs)) == 9
    assert max(len(step.songs) for step in steps) <= 8


def test_every_epoch_has_an_order_of_its_own_that_the_seed_fixes(uneven_crops):
    def heard(seed, epoch):
        steps = Epochs(uneven_crops, 4, 1, LENGTH, seed).plan(epoch)
        return np.concatenate([[step.windows.rows, step.windows.starts] for step in steps], axis=1).tolist()

    assert heard(1, 0) == heard(1, 0)
    assert heard(1, 0) != heard(1, 1) != heard(2, 1)


def test_windows_lie_within_their_crops(uneven_crops):
    epochs = Epochs(uneven_crops, 8, 20, LENGTH, seed=1)

    for step in epochs.plan(0):
        room = np.maximum(uneven_crops.samples[step.windows.rows] - LENGTH, 0)
        assert ((step.windows.starts >= 0) & (step.windows.starts <= room)).all()


def test_windows_are_the_same_from_memory_from_a_thread_and_from_disk(uneven_crops):
    epochs = Epochs(uneven_crops, 8, 2, LENGTH, seed=1)
    memory = MemoryStore(uneven_crops, LENGTH, CPU, CPU)
    ahead = MemoryStore(uneven_crops, LENGTH, CPU, CPU)
    ahead.reads_ahead = True

    expected = audio_of(memory, epochs)

    for store in (ahead, DiskStore(uneven_crops, LENGTH, CPU)):
        assert all(map(torch.equal, expected, audio_of(store, epochs)))


def test_a_window_is_z_normalised_as_its_crop_is_elsewhere(make_crops, make_song, make_crop, tmp_path):
    folder = make_crops([make_song(n) for n in range(3)])
    whole = {crop.audio_id: crop.normalised() for group in Crops(folder).groups for crop in Crops(folder).read(group)}
    index = index_crops(Crops(folder))
    epochs = Epochs(index, 1, 1, LENGTH, seed=1)

    for step, audio in zip(epochs.plan(0), audio_of(MemoryStore(index, LENGTH, CPU, CPU), epochs), strict=True):
        (row,), (start,) = step.windows.rows, step.windows.starts
        np.testing.assert_allclose(audio[0], whole[str(index.audio_ids[row])][start : start + LENGTH], atol=1e-6)


def test_two_processes_share_the_songs_of_a_batch_and_lose_none(uneven_crops):
    alone = Epochs(uneven_crops, 16, 2, LENGTH, 1, ALONE).plan(0)
    shares = [Epochs(uneven_crops, 16, 2, LENGTH, 1, Team(rank, 2)).plan(0) for rank in range(2)]

    for whole, *parts in zip(alone, *shares, strict=True):
        heard = np.concatenate([part.windows.rows for part in parts])
        assert sorted(heard) == sorted(whole.windows.rows)
        assert all(part.shares == tuple(len(other.windows) for other in parts) for part in parts)
        assert all(np.array_equal(part.songs, parts[0].songs) for part in parts)


def test_more_processes_than_songs_are_refused(uneven_crops):
    with pytest.raises(UserError, match="9 songs for 10 processes: each needs one"):
        Epochs(uneven_crops, 8, 2, LENGTH, 1, Team(0, 10))
