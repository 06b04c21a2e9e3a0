"""Labels: which songs of a batch belong together."""

import torch
from ml_skeleton.music.recordings import recordings_of
from ml_skeleton_train_encoder.labels import SongLabels

CPU = torch.device("cpu")


def labels_of(songs, albums=(), rows=None):
    recordings = recordings_of(songs)
    return SongLabels(recordings, albums, CPU)[torch.arange(len(recordings)) if rows is None else torch.tensor(rows)]


def test_a_batch_holds_what_is_known_of_each_window_s_song(make_song):
    songs = [
        make_song(1, artist="A", album="One", rating=0.8, year=1999, genre="Jazz"),
        make_song(2, artist="A", album="Two", rating=None, year=None, genre="jazz "),
        make_song(3, artist="B", album="", rating=0.2, genre="Rock"),
    ]

    labels = labels_of(songs, ["A|||One", "A|||Two"], rows=[0, 1, 1, 2])

    torch.testing.assert_close(labels.rating, torch.tensor([0.8, float("nan"), float("nan"), 0.2]), equal_nan=True)
    assert labels.albums.tolist() == [[1, 0], [0, 1], [0, 1], [0, 0]]
    assert labels.artists.tolist() == [[1], [1], [1], [0]]  # nobody shares the other one
    assert labels.genres.tolist() == [[1], [1], [1], [0]]
    torch.testing.assert_close(labels.year, torch.tensor([1999.0, float("nan"), float("nan"), 2001.0]), equal_nan=True)
    assert labels.song.tolist() == [0, 1, 1, 2]


def test_a_recording_on_two_albums_is_on_both(make_song):
    labels = labels_of([make_song(1, album_keys=("A|||One", "A|||Two"))], ["A|||One", "A|||Three", "A|||Two"])

    assert labels.albums.tolist() == [[1, 0, 1]]


def test_a_playlist_counts_for_every_copy_unless_it_is_the_library(make_song):
    songs = [make_song(number, playlists=("All",)) for number in range(1, 13)]
    songs[0] = make_song(1, playlists=("All", "Evening"))
    songs.append(make_song(99, audio_id=songs[1].audio_id, playlists=("Evening",)))

    labels = labels_of(songs)

    assert labels.playlists.tolist() == [[1], [1], *[[0]] * 10]


def test_songs_of_which_nothing_is_known_are_nowhere(make_song):
    labels = labels_of([make_song(number, artist="", album="", genre="", year=None) for number in (1, 2)])

    shapes = {name: tuple(getattr(labels, name).shape) for name in ("albums", "artists", "playlists", "genres")}
    assert shapes == dict.fromkeys(shapes, (2, 0))
