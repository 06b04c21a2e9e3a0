"""train-classifier: it learns from rated songs, names its embeddings, and does no work twice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ml_skeleton.artifacts.checkpoints import read_header, save_checkpoint
from ml_skeleton.artifacts.embeddings import Version, open_store
from ml_skeleton.artifacts.metrics import read_metrics
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.errors import InputError, UsageError, UserError
from ml_skeleton.music.classifiers import MODELS
from ml_skeleton.music.classifiers.fitting import fit_classifier
from ml_skeleton.music.classifiers.saved import inputs_for, load_predictor, to_content, vectors_for
from ml_skeleton.music.rated import FitSettings, Targeting, rated_songs
from ml_skeleton_train_classifier.options import model_named, targeting_of, versions_of
from ml_skeleton_train_classifier.train import is_current, train_classifier

SETTINGS = FitSettings()


def songs_of(path, versions=None, **targeting):
    with open_store(path) as store:
        return rated_songs(store, versions, targeting=Targeting(**targeting))


def add_version(path, name):
    """Add a second version of as many numbers, that knows all songs but the first two, of which one is rated."""
    with open_store(path) as store:
        vectors = store.vectors("v1")
        version = store.version("v1")
        store.add_version(Version(name, "f" * 32, version.dimension, {}, (), "2026-01-02"))
        rest = slice(2, None)
        store.add_vectors(name, vectors.audio_ids[rest], -vectors.matrix[rest], vectors.rating_seen[rest].tolist())


@pytest.fixture(scope="module")
def trained(shared_store, rated_library):
    """Return the rated songs of a store, the checkpoint of a classifier trained on them, and how good it is."""
    songs = songs_of(shared_store(rated_library))
    checkpoint = Path(songs.path).parent / "c.pt"
    return songs, checkpoint, train_classifier(songs, checkpoint, SETTINGS, None)


def test_the_error_falls_below_that_of_the_mean_rating(trained):
    _, _, done = trained

    assert (done.rated_songs, done.albums.rmse_stars < 0.3 * done.floor_stars) == (40, True)
    assert done.artists.spearman > 0.9 and 0.6 < done.covered < 0.95


def test_a_person_is_told_what_the_ratings_go_by(trained):
    _, _, done = trained
    none = replace(done, goes_by={"noise": 0.99, "artist": 0.01})
    several = replace(done, goes_by={"noise": 0.5, "learned": 0.3, "bend": 0.18, "album": 0.02})

    assert max(done.goes_by, key=done.goes_by.get) in ("audio", "bend")
    assert sum(done.goes_by.values()) == pytest.approx(1.0)
    assert [them.lines[2].partition("go by ")[2] for them in (none, several)] == [
        "nothing known here; 100% by none of these",
        "what the encoder learned 30%, likeness 18%; 52% by none of these",
    ]


def test_the_checkpoint_names_the_embeddings_it_was_trained_on(trained):
    songs, checkpoint, _ = trained

    header = read_header(checkpoint, "classifier")
    assert (header.content["versions"], header.content["features"]) == ([["v1", "e" * 32]], ["audio"])
    assert header.provenance.parents == songs.parents
    assert (songs.path, songs.parents[0].part) == (str(checkpoint.parent / "store.db"), "v1")


def test_several_versions_stand_side_by_side_for_the_songs_that_all_of_them_hold(make_store, rated_library, tmp_path):
    path = make_store(rated_library)
    add_version(path, "v2")

    both = songs_of(path, ["v1", "v2"])
    train_classifier(both, tmp_path / "c.pt", SETTINGS, None)

    matrix = both.examples.inputs.matrix
    assert (both.version, matrix.shape[1]) == ("v1,v2", 8) and np.array_equal(matrix[:, :4], -matrix[:, 4:])
    assert len(both.recordings) == 39 == len(songs_of(path, "v1").recordings) - 1
    assert both.examples.inputs.parts == {"v1 audio": 4, "v2 audio": 4}
    assert [parent.part for parent in read_header(tmp_path / "c.pt", "classifier").provenance.parents] == ["v1", "v2"]


def test_nothing_new_is_known_from_vectors_ratings_and_settings(trained, make_store, make_song, rated_library):
    songs, checkpoint, _ = trained
    rated_anew = songs_of(make_store([make_song(1, rating=0.7), *rated_library[1:]], "other.db"))

    answers = [
        is_current(songs, checkpoint, SETTINGS),
        is_current(songs, checkpoint, FitSettings("ridge")),
        is_current(rated_anew, checkpoint, SETTINGS),
        is_current(songs_of(Path(songs.path), features=("audio", "metadata")), checkpoint, SETTINGS),
    ]

    assert answers == [True, False, False, False]


def test_a_classifier_of_an_older_format_is_made_again_and_an_encoder_is_not_overwritten(
    make_store, rated_library, tmp_path
):
    songs = songs_of(make_store(rated_library))
    for kind in ("classifier", "encoder"):
        save_checkpoint(
            tmp_path / f"{kind}.pt", Provenance(kind, 1, "test"), {"model": "", "arguments": {}, "weights": {}}
        )

    assert not is_current(songs, tmp_path / "classifier.pt", SETTINGS)
    with pytest.raises(InputError, match="found encoder, expected classifier or nothing"):
        is_current(songs, tmp_path / "encoder.pt", SETTINGS)
    with pytest.raises(InputError, match=r"format 1, this version reads format 2; rebuild it with: train-classifier"):
        read_header(tmp_path / "classifier.pt", "classifier")


@pytest.mark.parametrize("model", MODELS)
def test_a_classifier_from_disk_predicts_what_was_fitted(model, make_store, rated_library, tmp_path):
    path = make_store(rated_library)
    songs, settings = songs_of(path, features=("audio", "metadata")), FitSettings(model, hidden=4, max_steps=2)
    fitted = fit_classifier(songs.examples, np.arange(40) % 3, settings)
    content = to_content(fitted.model, fitted.predictor, songs)
    save_checkpoint(tmp_path / "c.pt", Provenance("classifier", 2, "test", parents=songs.parents), content)

    header = read_header(tmp_path / "c.pt", "classifier")
    with open_store(path) as store:
        inputs = inputs_for(header, *vectors_for(header, store).of(songs.recordings))
    again, before = load_predictor(header).predict(inputs), fitted.predict(songs.examples.inputs)

    np.testing.assert_allclose(again.mean, before.mean, atol=1e-6)
    np.testing.assert_allclose(again.interval(), before.interval(), atol=1e-6)


def test_a_class_of_the_listener_s_own_is_imported_only_when_it_is_named(make_store, rated_library, tmp_path):
    songs = songs_of(make_store(rated_library))
    fitted = fit_classifier(songs.examples, np.arange(40) % 3, FitSettings("ordinal", max_steps=1))
    content = to_content("ml_skeleton.music.classifiers.networks:OrdinalRatingClassifier", fitted.predictor, songs)
    header = save_checkpoint(tmp_path / "c.pt", Provenance("classifier", 2, "test"), content)

    with pytest.raises(UserError, match="imported only when you name it as well: --model-class ml_skeleton"):
        load_predictor(header)
    said = load_predictor(header, content["model"]).predict(songs.examples.inputs)
    assert said.mean == pytest.approx(fitted.predict(songs.examples.inputs).mean)


def test_a_rated_song_that_is_speech_is_left_out(make_store, make_song):
    songs = songs_of(make_store([make_song(1, speech=0.9), make_song(2, speech=0.1), make_song(3)]))

    assert [recording.song.song_id for recording in songs.recordings] == [2, 3]


def test_a_store_without_a_rated_song_is_refused(make_store, make_song):
    path = make_store([make_song(1, rating=None)])

    with pytest.raises(InputError, match=r"store.db: no rated song; rate some in the player"):
        songs_of(path)


def test_vectors_that_are_not_numbers_are_refused(make_store, rated_library):
    with pytest.raises(InputError, match=r"vectors that are not numbers; make them again with embed --force"):
        songs_of(make_store(rated_library, noise=float("nan")))


def test_songs_that_were_only_played_count_as_much_as_asked(make_store, rated_library, tmp_path):
    library = [replace(song, playcount=n % 2) for n, song in enumerate(rated_library)]

    songs = songs_of(make_store(library), implicit=0.25)

    assert (songs.rated, songs.examples.weak.sum()) == (40, 10)
    assert songs.examples.weights.tolist() == [1.0] * 40 + [0.25] * 10
    assert not songs.examples.judged[40:].any()
    assert train_classifier(songs, tmp_path / "c.pt", SETTINGS, None).rated_songs == 40


def test_recent_ratings_count_more_and_all_together_as_much_as_before(make_store, rated_library):
    library = [replace(song, lastplayed=1_600_000_000 + 86_400 * n) for n, song in enumerate(rated_library)]

    songs = songs_of(make_store(library), half_life_days=10.0)

    played = [recording.song.song_id for recording in songs.recordings]
    assert songs.examples.weights.mean() == pytest.approx(1.0)
    assert songs.examples.weights[played.index(60)] / songs.examples.weights[played.index(50)] == pytest.approx(2.0)


def test_few_ratings_that_say_nothing_are_called_that(make_store, make_song, tmp_path):
    library = [make_song(n, artist=f"A{n}", album=f"B{n}", rating=(n * 7 % 11) / 10) for n in range(1, 21)]
    songs = songs_of(make_store(library, noise=1000.0))

    lines = train_classifier(songs, tmp_path / "c.pt", FitSettings("mlp"), None).lines

    assert "20 rated songs are too few for mlp: ridge was fitted instead" in lines
    assert any("predictions stay close to the mean rating" in line for line in lines)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: targeting_of("audio,smell", 0.0, None), "unknown smell; expected some of audio, metadata, behaviour"),
        (lambda: targeting_of(" ,", 0.0, None), "--features: empty"),
        (lambda: targeting_of("audio,behaviour", 0.1, None), "--implicit makes labels of plays and skips"),
        (lambda: versions_of("a", "b,c"), "found both, expected one"),
        (lambda: model_named("nonsense"), "unknown; expected one of gp, ridge"),
    ],
)
def test_options_that_make_no_sense_are_wrong_usage(call, message):
    with pytest.raises(UsageError, match=message):
        call()


def test_the_command_prints_the_path_alone_and_a_result_line(make_store, rated_library, run_tool, tmp_path):
    store = make_store(rated_library)

    done = run_tool(
        "train-classifier",
        "--out",
        "c.pt",
        "--metrics",
        "m.jsonl",
        "--max-steps",
        5,
        "--model",
        "mlp",
        stdin=f"{store}\n",
    )

    points, result = read_metrics(Path(tmp_path / "m.jsonl"))
    assert (done.returncode, done.stdout) == (0, "c.pt\n")
    assert (len(points), result["rated_songs"]) == (6, 40)
