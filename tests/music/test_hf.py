"""Pretrained transformers: read from a folder alone, and heard as transformers itself would hear."""

import json
import socket

import numpy as np
import pytest
import torch
from ml_skeleton.errors import InputError, UsageError
from ml_skeleton.music.encoders import build_encoder, new_encoder
from ml_skeleton.music.encoders.audio_input import LEVEL

pytest.importorskip("transformers")

TINY = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16,
    "conv_dim": (8, 8), "conv_stride": (5, 4), "conv_kernel": (10, 4), "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2,
}  # fmt: skip
TINY_TOWER = {
    "window_size": 4, "hidden_size": 64, "patch_embeds_hidden_size": 8,
    "depths": [1, 1, 1, 1], "num_attention_heads": [1, 1, 2, 2], "projection_dim": 24,
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("a model was looked for on the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="module")
def hubert(tmp_path_factory):
    """Return a HuBERT of random weights that hears 24 kHz, and its folder."""
    from transformers import HubertConfig, HubertModel, Wav2Vec2FeatureExtractor

    folder = tmp_path_factory.mktemp("hubert")
    torch.manual_seed(0)
    model = HubertModel(HubertConfig(**TINY)).eval()
    model.save_pretrained(folder)
    Wav2Vec2FeatureExtractor(sampling_rate=24000, do_normalize=True).save_pretrained(folder)
    return model, folder


@pytest.fixture
def changed(hubert, tmp_path):
    """Return a function that copies the folder of the HuBERT with other settings in config.json."""

    def copy(**settings):
        for path in hubert[1].iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        config = json.loads((tmp_path / "config.json").read_text())
        (tmp_path / "config.json").write_text(json.dumps(config | settings))
        return tmp_path

    return copy


def audio(seconds, rate, windows=2):
    return torch.randn(windows, round(seconds * rate), generator=torch.Generator().manual_seed(0))


def encoder_of(folder, rate=24000, **arguments):
    return new_encoder(f"hf:{folder}", arguments, rate, albums=0)


def test_a_layer_is_what_transformers_gives_for_its_own_features(hubert):
    from transformers import Wav2Vec2FeatureExtractor

    model, folder = hubert
    windows = 3 * audio(0.5, 24000) + 1
    features = Wav2Vec2FeatureExtractor.from_pretrained(folder)(list(windows.numpy()), sampling_rate=24000)
    layers = model(torch.tensor(np.stack(features["input_values"])), output_hidden_states=True).hidden_states

    found = encoder_of(folder, layer=1, pooling="mean").encoder(windows)

    torch.testing.assert_close(found, layers[1].mean(dim=1), atol=1e-5, rtol=1e-4)


def test_all_layers_pooled_by_mean_maximum_and_deviation_is_the_default(hubert):
    encoder = encoder_of(hubert[1]).encoder

    assert encoder(audio(0.5, 24000)).shape == (2, 3 * 16) == (2, encoder.get_embedding_dim())


def test_audio_of_another_rate_is_resampled_to_the_model_s(hubert):
    heard = []
    new = encoder_of(hubert[1], rate=16000)
    new.encoder.model.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0].shape))

    new.encoder(audio(0.5, 16000))

    assert heard == [(2, 12000)]


def test_the_checkpoint_needs_neither_the_folder_nor_its_path(hubert):
    new = encoder_of(hubert[1], layer=2)
    again = build_encoder(new.model, json.loads(json.dumps(new.arguments)))
    again.load_state_dict(new.encoder.state_dict())

    windows = audio(0.5, 24000)
    assert str(hubert[1]) not in json.dumps(new.arguments)
    assert torch.equal(again.eval()(windows), new.encoder(windows))


def test_frozen_it_does_not_change_in_training_mode_and_trainable_it_learns(hubert):
    windows = audio(0.5, 24000)
    frozen = encoder_of(hubert[1]).encoder.train()
    trained = encoder_of(hubert[1], trainable=True).encoder.train()

    trained(windows).sum().backward()

    assert torch.equal(frozen(windows), frozen(windows))
    assert not any(weight.requires_grad for weight in frozen.parameters())
    assert trained.model.encoder.layers[0].attention.q_proj.weight.grad.any()


@pytest.mark.parametrize("fusion", [False, True])
def test_a_clap_tower_hears_what_transformers_own_features_say(tmp_path, fusion):
    from transformers import ClapAudioConfig, ClapAudioModelWithProjection, ClapFeatureExtractor

    torch.manual_seed(0)
    model = ClapAudioModelWithProjection(ClapAudioConfig(**TINY_TOWER, enable_fusion=fusion)).eval()
    model.save_pretrained(tmp_path)
    extractor = ClapFeatureExtractor(truncation="fusion" if fusion else "rand_trunc")
    extractor.save_pretrained(tmp_path)
    windows = audio(3, 48000)
    features = extractor(list((windows * LEVEL).numpy()), sampling_rate=48000, return_tensors="pt")["input_features"]

    found = encoder_of(tmp_path, rate=48000).encoder(windows)

    expected = model(features.float(), is_longer=torch.zeros(2, 1, dtype=torch.bool)).audio_embeds
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_a_plain_mert_is_a_hubert(hubert, changed):
    plain = changed(model_type="mert_model", auto_map={"AutoModel": "code.Mert"}, deepnorm=False)
    windows = audio(0.5, 24000)

    assert torch.equal(encoder_of(plain).encoder(windows), encoder_of(hubert[1]).encoder(windows))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model_type": "mert_model", "attention_relax": 32.0}, "takes code of its own"),
        (
            {"model_type": "mine", "auto_map": {}},
            "type 'mine' with code of its own, which is never run; expected one of",
        ),
        ({"model_type": "bert"}, "a model of type 'bert'; expected one of hubert"),
        ({"num_hidden_layers": 3}, "lacks 16 weights of the model, encoder.layers.2"),
    ],
)
def test_a_model_that_is_not_read_here_is_one_line(changed, settings, message):
    with pytest.raises(InputError, match=message):
        encoder_of(changed(**settings))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": 5}, "layer 5; expected 0 .* to 2, or 'mean'"),
        ({"pooling": "max"}, "pooling 'max'; expected one of mean, mean-max"),
        ({"depth": 5}, "does not take the arguments"),
    ],
)
def test_a_choice_that_the_model_does_not_have_is_one_line(hubert, arguments, message):
    with pytest.raises(UsageError, match=message):
        encoder_of(hubert[1], **arguments)


def test_a_name_of_the_model_hub_is_no_folder(tmp_path):
    with pytest.raises(InputError, match="no such folder; models are read from local files only, fetch one first with"):
        encoder_of("facebook/hubert-base-ls960")
