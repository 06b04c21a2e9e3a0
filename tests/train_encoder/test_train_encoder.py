"""train-encoder: it learns, it keeps what it says it keeps, it does no work twice."""

from dataclasses import replace

import matplotlib
import numpy as np
import pytest
import torch
from ml_skeleton.artifacts.checkpoints import load_tensors, read_header
from ml_skeleton.artifacts.crops import Crops, CropWriter, write_songs
from ml_skeleton.artifacts.metrics import read_metrics
from ml_skeleton.errors import InputError, UsageError, UserError
from ml_skeleton.music.encoders import new_encoder
from ml_skeleton.music.objectives import PRESETS
from ml_skeleton_train_encoder.curve import draw_curve
from ml_skeleton_train_encoder.settings import Manner, Settings
from ml_skeleton_train_encoder.songs import TEST, TRAIN, VAL, is_current, songs_to_learn_from
from ml_skeleton_train_encoder.train import train_encoder

SIZES = {"epochs": 3, "window_s": 1.0, "windows_per_crop": 2, "batch_size": 8}
UNRATED = Settings("simple+statistics", {"embedding_dim": 16, "width": 4}, **SIZES)
SMALL = Settings("simple", {"embedding_dim": 16, "width": 4}, dict(PRESETS["multitask"]), **SIZES)
CPU = torch.device("cpu")


def train(folder, out, settings=SMALL, **manner):
    return train_encoder(songs_to_learn_from(Crops(folder), settings), out, settings, CPU, Manner(**manner))


def weights_of(path):
    return load_tensors(read_header(path, "encoder"))["weights"]


def same(first, second):
    return all(first[name].equal(second[name]) for name in first)


def test_the_loss_falls_on_songs_whose_rating_is_their_pitch(audible_library, tmp_path):
    loss = dict(PRESETS["rating"])
    settings = Settings(
        "spectrogram", {"width": 8}, loss, epochs=6, window_s=1.0, windows_per_crop=4, batch_size=8, lr=3e-3
    )

    history = train(audible_library, tmp_path / "encoder.pt", settings).content["history"]

    assert history[-1]["train_rating_loss"] < 0.5 * history[0]["train_rating_loss"]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(audible_library, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(audible_library, tmp_path / f"{name}.pt", Settings(**{**SMALL.as_dict(), "seed": seed}))
    a, b, c = (weights_of(tmp_path / f"{name}.pt") for name in "abc")

    assert (same(a, b), same(a, c)) == (True, False)


def test_another_opinion_changes_no_weight_where_the_loss_leaves_ratings_out(
    audible_library, make_crops, make_crop, tmp_path
):
    crops = Crops(audible_library)
    rated = [replace(song, rating=None if song.rating is None else 1 - song.rating) for song in crops.songs]
    found = {crop.audio_id: crop.samples for group in crops.groups for crop in crops.read(group)}
    other = make_crops(rated, [make_crop(name, samples=samples) for name, samples in found.items()], "other")

    for name, folder in (("a", audible_library), ("b", other)):
        train(folder, tmp_path / f"{name}.pt", UNRATED)

    assert same(weights_of(tmp_path / "a.pt"), weights_of(tmp_path / "b.pt"))
    assert read_header(tmp_path / "a.pt", "encoder").content["ratings_seen"] == []


def test_neither_the_order_nor_the_files_that_crops_were_written_in_change_a_weight(
    audible_library, make_crops, make_crop, tmp_path
):
    crops = Crops(audible_library)
    backwards = make_crops(crops.songs, [], "backwards")
    found = {crop.audio_id: crop.samples for group in crops.groups for crop in crops.read(group)}
    for some in np.array_split([song.audio_id for song in crops.songs][::-1], 3):  # each a part of its own
        with CropWriter(backwards, "clem-extract") as writer:
            writer.add([make_crop(audio_id, samples=found[audio_id]) for audio_id in some])

    for name, folder in (("a", audible_library), ("b", backwards)):
        train(folder, tmp_path / f"{name}.pt")

    assert [len(Crops(folder).parts()) for folder in (audible_library, backwards)] == [1, 3]
    assert same(weights_of(tmp_path / "a.pt"), weights_of(tmp_path / "b.pt"))


def test_where_crops_are_kept_changes_no_weight(audible_library, tmp_path):
    for place in ("device", "disk"):
        train(audible_library, tmp_path / f"{place}.pt", crops_in=place)

    assert same(weights_of(tmp_path / "device.pt"), weights_of(tmp_path / "disk.pt"))


def test_an_encoder_without_weights_to_train_is_written_as_it_is(audible_library, tmp_path, capsys):
    settings = Settings("random", {"width": 4})

    content = train(audible_library, tmp_path / "encoder.pt", settings, metrics=tmp_path / "m.jsonl").content

    untrained = new_encoder("random", {"width": 4}, 16000, 0).encoder.state_dict()
    assert same(weights_of(tmp_path / "encoder.pt"), untrained)
    assert (content["history"], content["ratings_seen"], content["metrics"]["epochs"]) == ([], [], 0)
    assert "random: has no weights to train; written as it is" in capsys.readouterr().err
    assert read_metrics(tmp_path / "m.jsonl")[1]["epochs"] == 0


def test_windows_are_no_longer_than_the_crops(audible_library, tmp_path, capsys):
    settings = Settings(**{**SMALL.as_dict(), "window_s": 5000.0, "epochs": 1})

    content = train(audible_library, tmp_path / "encoder.pt", settings).content

    assert content["window_s"] == 3.0
    assert "crops last 3 s at most" in capsys.readouterr().err


def test_training_ends_when_patience_does_and_the_best_epoch_is_kept(audible_library, tmp_path, monkeypatch):
    monkeypatch.setattr("ml_skeleton_train_encoder.run.FEWEST_TO_CHOOSE", 1)
    losses = iter([0.4, 0.3, 0.5, 0.6, 0.1])
    figures = "ml_skeleton_train_encoder.validation.Validation.figures"
    monkeypatch.setattr(figures, lambda *_: {"val_loss": next(losses), "val_score": None})

    metrics = train(
        audible_library, tmp_path / "encoder.pt", Settings(**{**SMALL.as_dict(), "epochs": 9, "patience": 2})
    ).content["metrics"]

    assert (metrics["epochs"], metrics["best_epoch"], metrics["val_loss"]) == (4, 2, 0.3)


def test_the_last_weights_and_a_picture_stand_beside_the_best(audible_library, tmp_path, monkeypatch):
    monkeypatch.setattr("ml_skeleton_train_encoder.run.FEWEST_TO_CHOOSE", 1)
    losses = iter([0.4, 0.5, 0.6])
    figures = "ml_skeleton_train_encoder.validation.Validation.figures"
    monkeypatch.setattr(figures, lambda *_: {"val_loss": next(losses), "val_score": None})

    train(audible_library, tmp_path / "encoder.pt")

    best, last = (read_header(tmp_path / name, "encoder") for name in ("encoder.pt", "encoder.last.pt"))
    assert (best.content["metrics"]["val_loss"], last.content["metrics"]["val_loss"]) == (0.4, 0.6)
    assert best.fingerprint != last.fingerprint
    assert "<svg" in (tmp_path / "encoder.curve.svg").read_text()


@pytest.mark.parametrize(
    ("epoch", "drawn"),
    [
        ({"train_windows_loss": 3.0, "train_album_loss": 0.25, "val_score": -0.5}, {"windows", "album", "score"}),
        ({"train_windows_loss": 3.0, "train_playlists_loss": 0.0, "val_loss": None}, {"windows"}),
        ({"train_playlists_loss": 0.0}, set()),
    ],
)
@pytest.mark.filterwarnings("error")
def test_the_picture_shows_each_loss_above_0_and_each_figure_that_is_known(tmp_path, monkeypatch, epoch, drawn):
    monkeypatch.setitem(matplotlib.rcParams, "svg.fonttype", "none")  # text as text

    draw_curve([epoch, epoch], 2, tmp_path / "curve.svg")

    picture = (tmp_path / "curve.svg").read_text()
    assert {name for name in ("windows", "album", "playlists", "val loss", "score") if name in picture} == drawn


def test_a_loss_that_is_no_number_ends_the_training_with_advice(audible_library, tmp_path):
    with pytest.raises(UserError, match="epoch 1: the loss is no number any more; try a lower --lr"):
        train(audible_library, tmp_path / "encoder.pt", Settings(**{**SMALL.as_dict(), "lr": float("inf")}))

    assert not list(tmp_path.glob("*encoder.pt*.state"))


def test_a_damaged_state_is_said_and_not_used(audible_library, tmp_path, capsys):
    (tmp_path / ".encoder.pt.state").write_bytes(b"half a state")

    train(audible_library, tmp_path / "encoder.pt")

    assert "is damaged; starting anew" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "change", "is_new"),
    [
        (UNRATED, {"rating": 0.1}, False),
        (UNRATED, {"rating": None}, False),
        (UNRATED, {"genre": "Polka", "playcount": 9}, False),
        (UNRATED, {"album_keys": ("Artist|||Another",)}, True),
        (UNRATED, {"playlists": ("Mornings",)}, True),
        (SMALL, {"rating": 0.1}, True),
        (Settings("multitask:simple", loss=dict(PRESETS["ntxent"])), {"rating": 0.1}, True),  # its head says ratings
        (Settings("simple", loss=dict(PRESETS["ntxent"])), {"album_keys": ("Artist|||Another",)}, False),
        (Settings("simple", loss=dict(PRESETS["metadata"])), {"genre": "Polka"}, True),
    ],
)
def test_only_what_is_learned_from_can_be_new(make_crops, make_song, settings, change, is_new):
    songs = [make_song(n, artist=f"Artist {n // 4}", album=f"Album {n // 4}", rating=n % 3 / 2) for n in range(24)]
    everything = replace(Settings(**settings.as_dict()), val_fraction=0.0, test_fraction=0.0)

    before, after = (
        songs_to_learn_from(Crops(make_crops(found, folder=name)), everything).purpose
        for name, found in {"before": songs, "after": [replace(songs[0], **change), *songs[1:]]}.items()
    )

    assert (before != after) is is_new


def test_a_song_that_is_only_tested_is_nothing_new(make_crops, make_song):
    songs = [make_song(n, artist=f"Artist {n // 4}", album=f"Album {n // 4}") for n in range(48)]
    crops = Crops(make_crops(songs))
    tested = songs_to_learn_from(crops, UNRATED).sides[TEST][0].audio_id
    others = [replace(song, album_keys=("x|||y",)) if song.audio_id == tested else song for song in songs]

    again = songs_to_learn_from(Crops(make_crops(others, folder="others")), UNRATED)

    assert again.purpose == songs_to_learn_from(crops, UNRATED).purpose


def test_the_score_is_how_well_ratings_that_were_not_learned_are_ordered(audible_library, make_crops, tmp_path):
    crops = Crops(audible_library)
    shuffled = np.random.default_rng(0).permutation([song.rating for song in crops.songs])
    by_chance = [replace(song, rating=rating) for song, rating in zip(crops.songs, shuffled, strict=True)]

    by_pitch = train(audible_library, tmp_path / "encoder.pt", UNRATED).content["history"][-1]["val_score"]
    write_songs(audible_library, by_chance, crops.provenance)
    chance = train(audible_library, tmp_path / "chance.pt", UNRATED).content["history"][-1]["val_score"]

    assert by_pitch > 0.5 > 0.3 > chance


def test_without_ratings_the_score_is_how_well_songs_find_their_album(audible_library, tmp_path):
    crops = Crops(audible_library)
    write_songs(audible_library, [replace(song, rating=None) for song in crops.songs], crops.provenance)

    metrics = train(audible_library, tmp_path / "encoder.pt", UNRATED).content["metrics"]

    assert (metrics["val_loss"], metrics["val_score"]) == (None, metrics["val_album_map"])
    assert metrics["val_score"] > 0


def test_nothing_new_is_known_from_songs_ratings_and_settings(audible_library, tmp_path):
    train(audible_library, tmp_path / "encoder.pt")
    other = Settings(**{**SMALL.as_dict(), "lr": 0.5})
    crops = Crops(audible_library)

    answers = [is_current(songs_to_learn_from(crops, s), tmp_path / "encoder.pt") for s in (SMALL, other)]

    assert answers == [True, False]


def test_the_checkpoint_names_the_songs_whose_ratings_it_has_seen(audible_library, tmp_path):
    header = train(audible_library, tmp_path / "encoder.pt")
    songs = songs_to_learn_from(Crops(audible_library), SMALL)

    sides = {side: {recording.audio_id for recording in songs.rated(side)} for side in (TRAIN, VAL, TEST)}
    assert all(sides.values())
    assert set(header.content["ratings_seen"]) == sides[TRAIN]  # the few of VAL choose nothing


def test_validation_songs_that_choose_the_epoch_count_as_seen(audible_library, tmp_path, monkeypatch):
    monkeypatch.setattr("ml_skeleton_train_encoder.run.FEWEST_TO_CHOOSE", 1)
    monkeypatch.setattr("ml_skeleton_train_encoder.validation.FEWEST_TO_VALIDATE", 1)

    header = train(audible_library, tmp_path / "encoder.pt")

    songs = songs_to_learn_from(Crops(audible_library), SMALL)
    used = {recording.audio_id for side in (TRAIN, VAL) for recording in songs.rated(side)}
    best = min(header.content["history"], key=lambda epoch: epoch["val_loss"])
    assert set(header.content["ratings_seen"]) == used
    assert header.content["metrics"]["val_loss"] == best["val_loss"]


def test_the_rating_loss_alone_trains_on_rated_songs_only(audible_library):
    crops = Crops(audible_library)
    sizes = [
        len(songs_to_learn_from(crops, Settings("simple", loss=loss)).sides[TRAIN])
        for loss in (PRESETS["multitask"], PRESETS["rating"])
    ]

    assert sizes[1] == len(songs_to_learn_from(crops, SMALL).rated(TRAIN)) < sizes[0]


def test_a_song_that_is_speech_teaches_nothing(make_crops, make_song):
    folder = make_crops([make_song(number, speech=0.9 if number == 3 else None) for number in range(1, 7)])

    songs = songs_to_learn_from(Crops(folder), SMALL)

    assert f"{3:032x}" not in {recording.audio_id for side in songs.sides.values() for recording in side}


def test_ratings_to_learn_have_to_be_there(make_crops, make_song):
    folder = make_crops([make_song(number, rating=None) for number in range(3)])

    with pytest.raises(InputError, match="no rated song to learn from; rate some in the player"):
        songs_to_learn_from(Crops(folder), SMALL)


def test_where_every_song_is_kept_to_judge_by_nothing_is_trained_and_that_is_said(audible_library, tmp_path):
    nothing_left = replace(UNRATED, val_fraction=0.5, test_fraction=0.5)

    with pytest.raises(InputError, match="no song is left to learn from; extract more, or lower --val-fraction"):
        train(audible_library, tmp_path / "encoder.pt", nothing_left)


def test_an_encoder_that_cannot_hear_its_windows_is_refused_before_the_first_step(audible_library, tmp_path):
    deaf = Settings("spectrogram", {"mel_bands": 8}, **SIZES)

    with pytest.raises(UsageError, match="encoder spectrogram: cannot hear windows of 16000 samples"):
        train(audible_library, tmp_path / "encoder.pt", deaf)


def test_the_limit_of_gpu_memory_that_was_asked_for_is_set(audible_library, tmp_path, monkeypatch):
    limits = []
    monkeypatch.setattr("ml_skeleton_train_encoder.train.limit_gpu_memory", limits.append)

    train(audible_library, tmp_path / "encoder.pt", Settings("random", {"width": 4}), gpu_memory_gb=7.5)

    assert limits == [7.5]


def test_with_too_few_songs_to_validate_the_last_epoch_is_kept(make_crops, make_song, tmp_path):
    folder = make_crops([make_song(number) for number in range(4)])

    metrics = train(folder, tmp_path / "encoder.pt").content["metrics"]

    assert (metrics["val_loss"], metrics["best_epoch"]) == (None, SMALL.epochs)


def test_the_command_writes_metrics_and_prints_the_path_alone(audible_library, run_tool, tmp_path):
    encoder = ["--encoder", "simple", "--encoder-args", '{"width": 4}', "--epochs", 2, "--window", 1]
    others = ["--precision", "fp32", "--metrics", "m.jsonl", "--out", "o/encoder.pt"]

    done = run_tool("train-encoder", audible_library, *encoder, *others)

    points, result = read_metrics(tmp_path / "m.jsonl")
    assert (done.returncode, done.stdout) == (0, "o/encoder.pt\n")
    assert ([point["step"] for point in points], result["epochs"]) == ([1, 2], 2)


def test_an_encoder_class_of_the_user_trains_and_embeds_only_when_named(audible_library, run_tool, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from ml_skeleton.music.encoders import SimpleAudioEncoder\n"
        "class Mine(SimpleAudioEncoder):\n"
        "    def __init__(self, sample_rate, width=4):\n"
        "        super().__init__(sample_rate, 8, width)\n"
    )
    env = {"PYTHONPATH": str(tmp_path)}
    arguments = ["--encoder", "mine:Mine", "--encoder-args", '{"width": 5}', "--epochs", 1, "--precision", "fp32"]

    trained = run_tool("train-encoder", audible_library, *arguments, "--out", "encoder.pt", env=env)
    refused = run_tool("embed", "encoder.pt", env=env)
    embedded = run_tool("embed", "encoder.pt", "--encoder-class", "mine:Mine", env=env)

    assert [done.returncode for done in (trained, refused, embedded)] == [0, 1, 0]
    assert "--encoder-class mine:Mine" in refused.stderr
