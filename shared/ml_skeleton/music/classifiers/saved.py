"""A classifier as a checkpoint holds it, and what of a store it can be asked about."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_skeleton.artifacts.arrays import load_arrays
from ml_skeleton.artifacts.checkpoints import Header, load_tensors
from ml_skeleton.artifacts.embeddings import EmbeddingStore
from ml_skeleton.errors import InputError
from ml_skeleton.music.classifiers.effects import Effects
from ml_skeleton.music.classifiers.kernel import Ear
from ml_skeleton.music.classifiers.predictor import Heard, Predictor
from ml_skeleton.music.inputs import Inputs, Matrix, make_inputs
from ml_skeleton.music.rated import RatedSongs, SharedVectors, vectors_of
from ml_skeleton.music.recordings import Recording

WITHOUT_TORCH = ("gp", "ridge")
EAR, EFFECTS, NOISE = "ear.", "effects.", "noise"
Arrays = dict[str, npt.NDArray[Any]]


def to_content(model: str, predictor: Predictor, songs: RatedSongs) -> dict[str, Any]:
    """Return the entries of a checkpoint that `load_predictor`, `vectors_for` and `inputs_for` read."""
    import torch

    arguments, heard = _parts(predictor.heard)
    effects = {EFFECTS + name: value for name, value in vars(predictor.effects).items()}
    arrays = {**{EAR + name: value for name, value in heard.items()}, **effects, NOISE: np.array(predictor.noise)}
    return {
        "model": model,
        "arguments": arguments,
        "weights": {name: torch.from_numpy(np.array(value, order="C")) for name, value in arrays.items()},
        "intervals": {str(level): factor for level, factor in predictor.factors.items()},
        "versions": [[version.name, version.encoder_fingerprint] for version in songs.versions],
        "features": list(songs.targeting.features),
        "genres": songs.genres,
    }


def load_predictor(classifier: Header, model_class: str | None = None) -> Predictor:
    """Return the predictor of a checkpoint; a Gaussian process and a ridge regression need no torch.

    Raises UserError for a class of the user's that `model_class` does not name.
    """
    content = classifier.content
    if content["model"] in WITHOUT_TORCH:
        arrays = load_arrays(classifier)
        heard: Heard = Ear(**{field.name: arrays[EAR + field.name] for field in fields(Ear)})
    else:
        from ml_skeleton.music.classifiers.networks import NetworkHeard, build_classifier, check_class_may_be_imported

        check_class_may_be_imported(content["model"], model_class)
        weights = load_tensors(classifier)["weights"]
        own = {name.removeprefix(EAR): value for name, value in weights.items() if name.startswith(EAR)}
        heard = NetworkHeard(build_classifier(content["model"], content["arguments"], own), content["arguments"])
        arrays = {name: value.numpy() for name, value in weights.items() if not name.startswith(EAR)}
    effects = Effects(**{field.name: arrays[EFFECTS + field.name] for field in fields(Effects)})
    factors = {float(level): factor for level, factor in content["intervals"].items()}
    return Predictor(heard, effects, float(arrays[NOISE]), factors)


def vectors_for(classifier: Header, store: EmbeddingStore) -> SharedVectors:
    """Return the vectors of the classifier's versions; raise InputError if other encoders made them."""
    names = [name for name, _ in classifier.content["versions"]]
    vectors = vectors_of(store, names)
    for version, (name, fingerprint) in zip(vectors.versions, classifier.content["versions"], strict=True):
        if version.encoder_fingerprint != fingerprint:
            raise InputError(
                f"{store.path}: version {name!r} was made by another encoder than the classifier was trained on; "
                f"train it again with: train-classifier {store.path} --versions {','.join(names)}"
            )
    return vectors


def inputs_for(
    classifier: Header, recordings: Sequence[Recording], matrix: Matrix, parts: Mapping[str, int] | None = None
) -> Inputs:
    """Return the inputs of recordings with vectors (N, D), as the classifier was trained on them.

    Of which `parts` the vectors are is only asked where something is learned from them.
    """
    return make_inputs(recordings, matrix, classifier.content["features"], classifier.content["genres"], parts)


def _parts(heard: Any) -> tuple[dict[str, Any], Arrays]:
    """Return the arguments of the torch module that hears the same, and its weights."""
    if isinstance(heard, Ear):
        inducing, audio = heard.inducing.shape
        sizes = {"embedding_dim": len(heard.slopes), "inducing": inducing, "audio": audio}
        return {**sizes, "rank": heard.taught.shape[1]}, vars(heard)
    return heard.arguments, {name: value.numpy() for name, value in heard.module.state_dict().items()}
