"""Pretrained models of transformers, from a local folder: no network, and never code from the folder."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, ClapAudioModelWithProjection, PreTrainedModel
from transformers.utils import logging

from ml_skeleton.errors import InputError, UsageError
from ml_skeleton.music.encoders.hf import WAVEFORM_MODELS, WaveformTransformer
from ml_skeleton.music.encoders.hf_clap import ClapTower

CLAP_MODELS = ("clap", "clap_audio_model")
CLAP_FEATURES = (
    *("sampling_rate", "feature_size", "fft_window_size", "hop_length"),
    *("frequency_min", "frequency_max", "max_length_s", "truncation"),
)
MERT = "mert_model"  # a HuBERT but for what these settings switch on
NOT_HUBERT = {"feature_extractor_cqt": False, "deepnorm": False, "attention_relax": -1.0}
OF_THE_FILE = {"_name_or_path", "transformers_version"}  # no part of what the model is
NOT_NEEDED = {"masked_spec_embed"}  # stands for what pretraining hides


def load_hf(
    path: Path, sample_rate: int, layer: int | str | None = None, pooling: str | None = None, trainable: bool = False
) -> tuple[str, dict[str, Any], nn.Module]:
    """Return name and arguments that build the encoder again, and the encoder with the weights in `path`.

    `layer` and `pooling` are those of WaveformTransformer, `layer` that of
    ClapTower. Raises InputError for a folder without a model that is read here.
    """
    config, features = _json(path, "config.json"), _json(path, "preprocessor_config.json")
    chosen: dict[str, Any] = {
        name: value for name, value in (("layer", layer), ("pooling", pooling)) if value is not None
    }
    if config.get("model_type") in CLAP_MODELS:
        if pooling is not None:
            raise UsageError("encoder hf: a CLAP model pools by itself; leave out pooling")
        model = _loaded(path, ClapAudioModelWithProjection)
        wanted = {name: features[name] for name in CLAP_FEATURES}
        arguments = {"sample_rate": sample_rate, "config": _settings(model), "features": wanted, **chosen}
        return "hf-clap", arguments, _filled(ClapTower(**arguments, trainable=trainable), model)
    model = _loaded(path, AutoModel, config=AutoConfig.for_model(**_waveform_config(path, config)))
    heard = {"model_rate": features["sampling_rate"], "normalise": features.get("do_normalize", True)}
    arguments = {"sample_rate": sample_rate, "config": _settings(model), **heard, **chosen}
    return "hf", arguments, _filled(WaveformTransformer(**arguments, trainable=trainable), model)


def _waveform_config(path: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a model that takes waveforms; raise InputError for any other."""
    kind = config.get("model_type")
    if kind == MERT:
        unlike = {name: config[name] for name, plain in NOT_HUBERT.items() if config.get(name, plain) != plain}
        if unlike:
            raise InputError(
                f"{path}: a MERT model with {unlike}, which takes code of its own; only plain ones are read"
            )
        return {**config, "model_type": "hubert"}
    if kind not in WAVEFORM_MODELS:
        known = ", ".join([*WAVEFORM_MODELS, MERT, *CLAP_MODELS])
        own = " with code of its own, which is never run" if "auto_map" in config else ""
        raise InputError(f"{path}: a model of type {kind!r}{own}; expected one of {known}")
    return config


def _loaded(path: Path, model_class: type, **settings: Any) -> PreTrainedModel:
    """Return the model with all its weights from `path`, in float32."""
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model, report = model_class.from_pretrained(  # type: ignore[attr-defined]
            path, local_files_only=True, output_loading_info=True, dtype=torch.float32, **settings
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{path}: cannot read the model: {str(error).splitlines()[0]}") from None
    missing = set(report["missing_keys"]) - NOT_NEEDED
    if missing:
        raise InputError(f"{path}: lacks {len(missing)} weights of the model, {min(missing)} first")
    loaded: PreTrainedModel = model
    return loaded


def _filled(encoder: nn.Module, model: PreTrainedModel) -> nn.Module:
    """Return the encoder with the weights of `model`."""
    assert isinstance(encoder.model, nn.Module)
    encoder.model.load_state_dict(model.state_dict())
    return encoder


def _settings(model: PreTrainedModel) -> dict[str, Any]:
    """Return the configuration of the model as JSON values, what is at its default included, as defaults change."""
    settings: dict[str, Any] = json.loads(model.config.to_json_string(use_diff=False))
    return {name: value for name, value in settings.items() if name not in OF_THE_FILE}


def _json(path: Path, name: str) -> dict[str, Any]:
    if not path.is_dir():
        raise InputError(
            f"{path}: no such folder; models are read from local files only, "
            "fetch one first with: hf download NAME --local-dir FOLDER"
        )
    try:
        found: dict[str, Any] = json.loads((path / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {name} cannot be read: {error}; it belongs to the model") from None
    return found
