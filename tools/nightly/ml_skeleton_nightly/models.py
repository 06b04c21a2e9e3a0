"""The models of the nights: a numbered folder each, and a link to the one in use.

    models/0001/encoder.pt, classifier.pt, evaluation.json
    models/0001/ratings.json    the ratings that it was made from
    models/current              a link to the folder in use

The number after that of the link is the one being made: what a night that was cut
short has left there, the next one goes on with. A model comes into use by one
rename of the link.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml_skeleton.artifacts.checkpoints import read_header
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.artifacts.files import complete_or_absent, make_folder, write_text
from ml_skeleton.artifacts.songs import Song
from ml_skeleton.errors import InputError, UserError

LINK = "current"


@dataclass(frozen=True)
class Model:
    """What one training made."""

    folder: Path

    @property
    def name(self) -> str:
        """Its number, such as 0003."""
        return self.folder.name

    @property
    def encoder(self) -> Path:
        """The encoder's checkpoint."""
        return self.folder / "encoder.pt"

    @property
    def classifier(self) -> Path:
        """The classifier's checkpoint."""
        return self.folder / "classifier.pt"

    @property
    def evaluation(self) -> Path:
        """What was measured of it."""
        return self.folder / "evaluation.json"

    def write_ratings(self, ratings: Mapping[str, float]) -> None:
        """Keep the ratings that the model is made from."""
        make_folder(self.folder)
        write_text(self.folder / "ratings.json", json.dumps(ratings, indent=0) + "\n")

    def ratings(self) -> dict[str, float]:
        """Return the ratings that the model was made from, by audio_id."""
        path = self.folder / "ratings.json"
        try:
            return {str(audio_id): float(rating) for audio_id, rating in json.loads(path.read_text("utf-8")).items()}
        except (OSError, ValueError, AttributeError, TypeError):
            raise InputError(f"{path}: missing or damaged; train a new model with: clem-nightly --force") from None


@dataclass(frozen=True)
class Models:
    """The folder with all models."""

    folder: Path

    def current(self) -> Model | None:
        """Return the model in use, None before there is one."""
        link = self.folder / LINK
        return Model(self.folder / os.readlink(link)) if link.is_symlink() else None

    def next(self) -> Model:
        """Return the model to make next, which a night that was cut short may have begun."""
        current = self.current()
        return Model(self.folder / f"{int(current.name) + 1 if current else 1:04d}")

    def hand_down_encoder(self, model: Model) -> None:
        """Give a new model the encoder in use; train-encoder leaves it as it is where nothing new can be learned."""
        current = self.current()
        if current and current.encoder.exists() and not model.encoder.exists():
            with complete_or_absent(model.encoder) as partial:
                shutil.copyfile(current.encoder, partial)

    def use(self, model: Model) -> None:
        """Make this one the current one, at once or not at all."""
        link, new = self.folder / LINK, self.folder / f".{LINK}.new"
        try:
            new.unlink(missing_ok=True)
            new.symlink_to(model.name)
            new.replace(link)
        except OSError as error:
            raise UserError(f"{link}: cannot set the link: {error.strerror}") from None

    def outdated(self, keep: int) -> list[Model]:
        """Return the models before the current one and the `keep` - 1 before that."""
        last = self.current()
        numbered = [path for path in self.folder.iterdir() if path.name.isdecimal() and not path.is_symlink()]
        used = sorted(path for path in numbered if last and path.name <= last.name)
        return [Model(path) for path in used[:-keep]]


def ratings_of(songs: Sequence[Song]) -> dict[str, float]:
    """Return the ratings of the songs that could be heard, by audio_id."""
    return {song.audio_id: song.rating for song in songs if song.audio_id and song.rating is not None}


def count_new(ratings: Mapping[str, float], model: Model | None) -> int:
    """Return how many ratings the model does not know, or knows otherwise."""
    known = model.ratings() if model else {}
    return sum(known.get(audio_id) != rating for audio_id, rating in ratings.items())


def version_of(store: Path, model: Model) -> str:
    """Return the name of the newest embeddings in the store that the model's encoder made."""
    fingerprint = read_header(model.encoder, "encoder").fingerprint
    with open_store(store) as opened:
        names = [version.name for version in opened.versions() if version.encoder_fingerprint == fingerprint]
    if not names:
        raise UserError(f"{store}: holds no embeddings of {model.encoder}")
    return names[-1]


def unused_versions(store: Path, models: Models, outdated: Sequence[Model]) -> list[str]:
    """Return the embeddings that were made for models of these nights and belong to none that stays.

    Versions that somebody made by hand are not among them.
    """
    gone = {model.folder for model in outdated}
    encoders = [path for path in models.folder.glob("*/encoder.pt") if path.parent.name.isdecimal()]
    staying = {read_header(path, "encoder").fingerprint for path in encoders if path.parent not in gone}
    ours = models.folder.resolve()
    with open_store(store) as opened:
        return [
            version.name
            for version in opened.versions()
            if version.encoder_fingerprint not in staying
            and any(parent.kind == "encoder" and ours in Path(parent.path).parents for parent in version.parents)
        ]


def remove(model: Model) -> None:
    """Remove the folder of a model."""
    try:
        shutil.rmtree(model.folder)
    except OSError as error:
        raise UserError(f"{model.folder}: cannot remove: {error.strerror}") from None
