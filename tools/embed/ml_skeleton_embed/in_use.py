"""A version that is in use while a newer encoder is on trial: it gets the new songs too."""

from dataclasses import replace
from pathlib import Path

from ml_skeleton.artifacts.checkpoints import Header, read_header
from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.console import warn

from ml_skeleton_embed.embed import Embedded, Options, embed_songs


def keep_up(encoder_path: Path | None, newer: Header, crops: Crops, store: Path, options: Options) -> list[Embedded]:
    """Add the new songs to what this encoder made of crops that were cut alike, and return what that came to.

    Nothing is done where there is no such file, or it holds the newer encoder itself.
    """
    if encoder_path is None or not encoder_path.exists():
        return []
    encoder = read_header(encoder_path, "encoder")
    if encoder.fingerprint == newer.fingerprint:
        return []
    with open_store(store) as opened:
        made = [version for version in opened.versions() if version.encoder_fingerprint == encoder.fingerprint]
    alike = [version for version in made if version.settings["policy"] == crops.policy]
    if len(alike) < len(made):
        warn(f"{encoder_path}: made vectors of other crops than {crops.policy}; new songs are not added to those")
    return [
        embed_songs(
            encoder,
            crops,
            store,
            replace(options, version=version.name, precision=version.settings.get("precision", "float32")),
        )
        for version in alike
    ]
