"""What earlier versions of the tools have made is read, or refused in one line with the command that makes it again.

formats/ holds what the tools once made of a dozen tones: `first` before anything had a second format, `now` at the
last change of one. Who raises a number adds an archive with an artifact of the one before.
"""

import json
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from formats import WRITTEN
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.tuning import study
from ml_skeleton_demo_library import folder as demo
from shell import run_line

ARCHIVES = sorted((Path(__file__).parent / "formats").glob("*.tar.xz"))
EVERY_KIND = WRITTEN | {study.KIND: study.FORMAT, demo.KIND: demo.FORMAT}
REBUILD = "this version reads format 2; rebuild it with: "


@pytest.fixture(scope="module", params=ARCHIVES, ids=lambda archive: archive.name.partition(".")[0])
def made(request, tmp_path_factory) -> Path:
    """Return the folder with what one generation of the tools has made."""
    return unpacked(request.param, tmp_path_factory.mktemp("made"))


def unpacked(archive: Path, folder: Path) -> Path:
    shutil.unpack_archive(archive, folder)  # Python 3.11.2, that of Debian 12, has no filter= for tar files yet
    return folder


@pytest.fixture
def first(tmp_path, monkeypatch) -> Path:
    """Return the current folder, with what the first generation has made."""
    monkeypatch.chdir(tmp_path)
    return unpacked(next(archive for archive in ARCHIVES if archive.name.startswith("first.")), tmp_path)


def provenance_of(path: Path) -> str | bytes | None:
    """Return the JSON text by which a file says what it is, found without the readers that are tested here."""
    if path.suffix == ".parquet":
        return (pq.read_schema(path).metadata or {}).get(b"ml_skeleton")
    if path.suffix in (".pt", ".state"):
        with zipfile.ZipFile(path) as archive:
            header = next(name for name in archive.namelist() if name.endswith("ml_skeleton.json"))
            return json.loads(archive.read(header))["ml_skeleton"]
    if path.suffix in (".db", ".duckdb"):
        connection = sqlite3.connect(path) if path.suffix == ".db" else duckdb.connect(str(path), read_only=True)
        (value,) = connection.execute("SELECT value FROM artifact WHERE key = 'provenance'").fetchone()
        connection.close()
        return value
    if path.suffix == ".catalogue":
        with pa.memory_map(str(path)) as file:
            return pa.ipc.open_stream(file).schema.metadata[b"ml_skeleton"]
    if path.suffix == ".npz":
        return str(np.load(path)["ml_skeleton"])
    if path.name in ("study.json", "demo.json", "best.json", "evaluation.json", "status.json", "key.json"):
        fields = json.loads(path.read_text(encoding="utf-8"))
        return json.dumps(fields.get("ml_skeleton") or fields.get("provenance") or fields)
    return None


def kinds_in(folder: Path) -> Iterator[tuple[str, int]]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if text := provenance_of(path):
            fields = json.loads(text)
            yield fields["kind"], fields["format"]


def test_an_artifact_of_every_format_that_was_ever_released_is_kept(tmp_path):
    kept = {found for archive in ARCHIVES for found in kinds_in(unpacked(archive, tmp_path / archive.name))}

    released = {(kind, number) for kind, last in EVERY_KIND.items() for number in range(1, last + 1)}
    assert kept == released


def test_crops_are_read_and_what_they_do_not_hold_is_null(made):
    crops = Crops(made / "crops")

    waveforms = [waveform for group in crops.groups for waveform in crops.read(group)]
    assert (len(crops.songs), len(waveforms)) == (25, 24)
    assert {song.playlists for song in crops.songs} <= {None, ()}


@pytest.mark.parametrize("suffix", [".db", ".duckdb"])
def test_embeddings_are_read_with_either_suffix(made, suffix):
    with open_store(made / f"artifacts/embeddings{suffix}") as store:
        (version,) = store.versions()
        assert len(store.vectors(version.name).audio_ids) == len(store.songs()) - 1 == 24


def test_an_encoder_makes_vectors(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    done = run_line(f"embed {made}/checkpoints/encoder.pt --crops {made}/crops --store new.db --allow-collapse")

    assert (done.exit_code, done.stdout) == (0, "new.db\n"), done.stderr


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (
            "recommend checkpoints/classifier.pt",
            f"{REBUILD}train-classifier STORE --out checkpoints/classifier.pt",
        ),
        ("evaluate gate evaluation/evaluation.json --min spearman=0", f"{REBUILD}evaluate STORE"),
        ("tune best runs/study", "runs/study/study.json: incomplete; remove the folder and run the study again"),
    ],
)
def test_what_is_read_no_more_is_refused_with_the_command_that_makes_it_again(first, command, refusal):
    done = run_line(command)

    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert done.stderr.rstrip().endswith(refusal)


def test_those_commands_replace_what_they_no_longer_read(first):
    done = run_line(
        "evaluate artifacts/embeddings.db && train-classifier artifacts/embeddings.db --model ridge --folds 2 "
        "&& recommend checkpoints/classifier.pt --store artifacts/embeddings.db"
    )

    assert done.exit_code == 0, done.stderr
    assert {found for found in kinds_in(first) if found[0] in ("evaluation", "classifier", "playlist")} == {
        (kind, WRITTEN[kind]) for kind in ("evaluation", "classifier", "playlist")
    }
