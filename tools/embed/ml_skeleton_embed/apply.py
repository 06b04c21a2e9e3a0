"""Applies an encoder to crops."""

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
from ml_skeleton.artifacts.checkpoints import Header, load_tensors
from ml_skeleton.artifacts.crops import Waveform
from ml_skeleton.music.windows import all_windows

Vector = npt.NDArray[np.float32]  # (D,)
Embed = Callable[[Iterable[Waveform]], Vector]  # all crops of one song to its vector


def load_encoder(header: Header, device_name: str, encoder_class: str | None) -> Embed:
    """Return the function that embeds one song: the mean over all windows of all its crops.

    The windows of one song are a batch of their own, so that what else is in the
    run cannot change a bit of the result.
    """
    import torch  # here, as it takes seconds to import and a run with nothing new does not need it
    from ml_skeleton.music.devices import choose_device
    from ml_skeleton.music.encoders import build_encoder, check_encoder_may_be_imported

    content = header.content
    check_encoder_may_be_imported(content["model"], encoder_class)
    device = choose_device(device_name)
    encoder = build_encoder(content["model"], content["arguments"])
    encoder.load_state_dict(load_tensors(header)["weights"])
    encoder.eval().to(device)
    window = round(content["window_s"] * content["arguments"]["sample_rate"])  # samples

    @torch.no_grad()
    def embed(waveforms: Iterable[Waveform]) -> Vector:
        windows = np.concatenate([all_windows(waveform, window) for waveform in waveforms])
        vectors = encoder(torch.from_numpy(windows).to(device))  # (W, D)
        vector: Vector = vectors.mean(dim=0).float().cpu().numpy()
        return vector

    return embed
