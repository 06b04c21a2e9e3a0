"""The page of formats describes every file, column, type and key that the code writes."""

import csv
import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import duckdb
import pytest
import torch
from formats import WRITTEN
from ml_skeleton.artifacts import catalogues, listening, maps, playlists
from ml_skeleton.artifacts.crops import AUDIO_SCHEMA, Crops
from ml_skeleton.artifacts.duplicates import DUPLICATES_SCHEMA
from ml_skeleton.artifacts.embeddings import Health, open_or_make_store, open_store
from ml_skeleton.artifacts.evaluations import Comparison, Evaluation, Measured, Prediction, Situation
from ml_skeleton.artifacts.ledger import FAILURES_SCHEMA
from ml_skeleton.artifacts.playlist_files import write_playlist
from ml_skeleton.artifacts.playlists import Entry, Playlist
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.artifacts.songs import SONGS_SCHEMA
from ml_skeleton.artifacts.speech import SPEECH_SCHEMA
from ml_skeleton.music.rated import FitSettings, rated_songs, vectors_of
from ml_skeleton.music.recordings import recordings_of
from ml_skeleton.music.scores import Scores
from ml_skeleton_evaluate.space import measure_space
from ml_skeleton_nightly.status import Night, Step
from ml_skeleton_train_classifier.train import train_classifier
from ml_skeleton_train_encoder.settings import Settings
from ml_skeleton_train_encoder.songs import songs_to_learn_from
from ml_skeleton_train_encoder.train import train_encoder

FORMATS = (Path(__file__).resolve().parents[1] / "docs/formats.md").read_text(encoding="utf-8")
NAMES_OF_TYPES = {"double": "float64", "float": "float32"}


def table_rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the tables in `text`, code marks removed."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            yield [cell.strip().replace("`", "").replace("\\|", "|") for cell in cells]


def section(title: str) -> str:
    """Return what formats.md says under a heading, its own subsections included."""
    level, rest = re.search(rf"^(#+) {re.escape(title)}\n(.*)", FORMATS, re.MULTILINE | re.DOTALL).groups()
    return re.split(rf"^#{{2,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def names_in(title: str, header: str) -> list[str]:
    """Return the first column of the table in a section whose header begins with `header`."""
    rows = list(table_rows(section(title)))
    starts = [number for number, row in enumerate(rows) if row[0] == header]
    names = []
    for row in rows[starts[0] + 1 :]:
        if re.match(r"(field|figure|column|key|share)\b", row[0]) and row[1] in {"type", "meaning", "in"}:
            break
        names.append(row[0])
    return names


def test_every_kind_is_listed_with_its_format_number():
    listed = {row[0]: int(row[1]) for row in table_rows(FORMATS.partition("## What all")[0]) if row[1].isdigit()}

    assert listed == WRITTEN


@pytest.mark.parametrize(
    ("title", "schema"),
    [
        ("songs.parquet", SONGS_SCHEMA),
        ("audio/part-*.parquet", AUDIO_SCHEMA),
        ("failures.parquet", FAILURES_SCHEMA),
        ("duplicates.parquet", DUPLICATES_SCHEMA),
        ("speech.parquet", SPEECH_SCHEMA),
    ],
)
def test_every_column_is_described_with_its_type_and_what_null_means(title, schema):
    described = [(name, kind, null == "never") for name, kind, null, _ in list(table_rows(section(title)))[1:]]

    assert described == [(field.name, name_of(field.type), not field.nullable) for field in schema]


def name_of(arrow_type) -> str:
    if hasattr(arrow_type, "value_type"):
        return f"list<{name_of(arrow_type.value_type)}>"
    return NAMES_OF_TYPES.get(str(arrow_type), str(arrow_type))


@pytest.mark.parametrize(("suffix", "column"), [(".db", 2), (".duckdb", 3)])
def test_every_column_of_a_store_is_described_with_its_type(tmp_path, suffix, column):
    path = tmp_path / f"store{suffix}"
    with open_or_make_store(path, "embed"):
        pass
    connection = sqlite3.connect(path) if suffix == ".db" else duckdb.connect(str(path))
    found = {
        (table, row[1], row[2])
        for table in ("artifact", "versions", "vectors")
        for row in connection.execute(f"PRAGMA table_info('{table}')").fetchall()
    }
    songs = [row[1] for row in connection.execute("PRAGMA table_info('songs')").fetchall()]
    connection.close()

    tables = section("embeddings.db and embeddings.duckdb").partition("| figure of health")[0]
    rows = list(table_rows(tables))[1:]

    assert {(row[0], row[1], row[column]) for row in rows} == found
    assert songs == SONGS_SCHEMA.names


def test_every_figure_of_health_is_described():
    _, described = section("embeddings.db and embeddings.duckdb").split("| figure of health", maxsplit=1)

    assert [row[0] for row in list(table_rows(described))] == [field.name for field in fields(Health)]


def test_every_field_of_the_provenance_is_described():
    title = "What all of them share"

    assert set(names_in(title, "field")) == {field.name for field in fields(Provenance)}
    assert set(names_in(title, "field of a parent")) == {field.name for field in fields(Parent)}


def test_every_key_of_an_evaluation_is_described():
    kinds = {
        "key": Evaluation,
        "key of a version": Measured,
        "key of a situation": Situation,
        "figure": Scores,
        "field of a prediction": Prediction,
        "key of a comparison": Comparison,
    }
    by_hand = {"provenance", "songs"}  # under another name, and the number of songs that figures are of

    for header, kind in kinds.items():
        expected = {field.name for field in fields(kind)} - (by_hand if kind in (Evaluation, Scores) else set())
        assert set(names_in("evaluation.json", header)) == expected, header


def test_every_field_of_a_song_of_a_listening_test_is_described():
    assert names_in("listening/", "field of a listed song") == [field.name for field in fields(listening.ListedSong)]
    assert all(f"`{column}`" in section("listening/") for column in listening.BALLOT_COLUMNS)


def test_every_figure_of_the_space_is_described(make_store, rated_library):
    with open_store(make_store(rated_library)) as store:
        figures = measure_space(vectors_of(store, [None]), recordings_of(store.songs()))

    assert names_in("evaluation.json", "figure of the space") == list(figures)


def test_every_key_of_the_status_of_a_night_is_described():
    title = "status.json"

    assert names_in(title, "key") == [field.name for field in fields(Night)]
    assert names_in(title, "field of a step") == [field.name for field in fields(Step)]


def test_every_column_of_a_playlist_is_described(tmp_path, make_song):
    provenance = Provenance(playlists.KIND, playlists.FORMAT, "recommend")
    _, _, table, text = write_playlist(tmp_path, Playlist("best", "Best", [Entry(make_song(), 4.0)], provenance))
    with open(table, encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    (track,) = json.loads(text.read_text(encoding="utf-8"))["tracks"]

    assert names_in("Playlists", "column of best.csv") == columns
    assert track.keys() - columns == {"url", "song_id", "audio_id", "score", "why"}
    assert all(f"`{name}`" in section("Playlists") for name in track)
    assert names_in("Playlists", "share") == list(playlists.SHARES)


def test_every_array_of_a_map_is_described():
    assert names_in("map.npz", "array") == [field.name for field in fields(maps.SongMap)]


def test_every_column_of_a_catalogue_is_described():
    described = {name.strip("`"): kind for name, kind, _ in list(table_rows(section("The catalogue")))[1:]}

    assert described == {
        **{field.name: str(field.type) for field in catalogues.COLUMNS},
        catalogues.UNIT: "fixed_size_list of float",
    }


def test_every_key_of_a_checkpoint_is_described(audible_library, make_store, rated_library, tmp_path):
    settings = Settings("simple", {"width": 4}, epochs=1, window_s=1.0)
    train_encoder(
        songs_to_learn_from(Crops(audible_library), settings), tmp_path / "e.pt", settings, torch.device("cpu")
    )
    with open_store(make_store(rated_library)) as store:
        train_classifier(rated_songs(store, None), tmp_path / "c.pt", FitSettings(max_steps=1), None)
    encoder, classifier = (torch.load(tmp_path / name, weights_only=True).keys() for name in ("e.pt", "c.pt"))

    described = list(table_rows(section("encoder.pt and classifier.pt")))[1:]

    assert {key for key, where, _ in described if where in {"both", "encoder"}} == set(encoder)
    assert {key for key, where, _ in described if where in {"both", "classifier"}} == set(classifier)
