"""The samples of crops: found without Parquet's reader, and the same as through it."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from ml_skeleton.artifacts.crop_samples import UNKNOWN, index_crops, read_samples, read_window
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.errors import InputError


def noise(number, length):
    return np.random.default_rng(number).integers(-9999, 9999, length, dtype=np.int16)


@pytest.fixture
def folder(make_crops, make_song, make_crop):
    """Return a folder of twelve crops of uneven length, one of them empty, written in a mixed order."""
    songs = [make_song(number) for number in range(12)]
    order = np.random.default_rng(0).permutation(12)
    crops = [make_crop(songs[n].audio_id, samples=noise(n, 1000 * n)) for n in order]
    return make_crops(songs, crops)


def read_all(index):
    places = np.concatenate([[0], np.cumsum(index.samples)])
    out = np.zeros(places[-1], np.int16)
    read_samples(index, out, places[:-1])
    return out


def rewrite(folder, **how):
    for part in (folder / "audio").glob("part-*.parquet"):
        pq.write_table(pq.read_table(part), part, row_group_size=5, **how)


def test_all_samples_are_read_in_the_order_of_the_audio_ids(folder):
    index = index_crops(Crops(folder))

    assert list(index.audio_ids) == sorted(index.audio_ids)
    np.testing.assert_array_equal(read_all(index), np.concatenate([noise(n, 1000 * n) for n in range(12)]))


@pytest.mark.parametrize("how", [{"compression": "zstd"}, {"use_dictionary": True}, {"compression": "none"}])
def test_parts_that_another_program_rewrote_are_read_all_the_same(folder, how):
    rewrite(folder, **how)

    np.testing.assert_array_equal(
        read_all(index_crops(Crops(folder))), np.concatenate([noise(n, 1000 * n) for n in range(12)])
    )


def test_where_samples_stand_is_not_known_of_a_compressed_part(folder):
    rewrite(folder, compression="zstd")

    assert set(index_crops(Crops(folder)).offset) == {UNKNOWN}


def test_a_window_is_read_alone(folder):
    index = index_crops(Crops(folder))
    out = np.zeros(500, np.int16)

    read_window(index, 7, 6500, out)

    np.testing.assert_array_equal(out, noise(7, 7000)[6500:])


def test_the_rows_of_some_recordings_are_found(folder):
    index = index_crops(Crops(folder))

    assert index.rows_of([f"{3:032x}", f"{9:032x}", "unknown"]).tolist() == [3, 9]


def test_a_part_cut_short_after_it_was_indexed_is_said_to_be_damaged(folder):
    index = index_crops(Crops(folder))
    part = next((folder / "audio").glob("part-*.parquet"))
    part.write_bytes(part.read_bytes()[:20000])

    with pytest.raises(InputError, match="ends in the middle of a crop; it is damaged"):
        read_all(index)
