"""Applies an encoder to batches of windows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from ml_skeleton.artifacts.checkpoints import Header, load_tensors
from ml_skeleton.artifacts.parts import FULL_SCALE
from ml_skeleton.errors import UserError

from ml_skeleton_embed.places import Batch

Precision = Literal["float32", "bfloat16"]
Matrix = npt.NDArray[np.float32]

ROWS = {"cpu": 16, "cuda": 64}  # windows in a batch; chosen, not measured: no GPU was at hand


@dataclass(frozen=True)
class Applied:
    """An encoder, ready to hear."""

    hear: Callable[[Batch], Matrix]  # windows (B, T) to vectors (B, D)
    rows: int  # B, always
    length: int  # T, samples


def load_encoder(header: Header, device_name: str, encoder_class: str | None, precision: Precision) -> Applied:
    """Return the encoder of a checkpoint on the device; the same batch gives the same bits on the same machine."""
    import torch  # here, as it takes seconds to import and a run with nothing new does not need it
    from ml_skeleton.music.devices import choose_device
    from ml_skeleton.music.encoders import build_encoder, check_encoder_may_be_imported, heard

    content = header.content
    check_encoder_may_be_imported(content["model"], encoder_class)
    device = choose_device(device_name)
    encoder = build_encoder(content["model"], content["arguments"])
    encoder.load_state_dict(load_tensors(header)["weights"])
    encoder.eval().to(device)
    _make_exact()

    @torch.inference_mode()
    def hear(batch: Batch) -> Matrix:
        samples, mean, scale = (torch.from_numpy(a).to(device) for a in (batch.samples, batch.mean, batch.scale))
        audio = (samples.float() - mean[:, None]) * scale[:, None]  # (B, T) as Waveform.normalised
        level = torch.where(scale > 0, 1 / (scale * FULL_SCALE), 0.0)  # (B,)
        try:
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
                vectors = heard(encoder, audio, level)  # (B, D)
            found: Matrix = vectors.float().cpu().numpy()
        except torch.cuda.OutOfMemoryError:
            raise UserError(
                f"{header.path}: {len(audio)} windows at a time do not fit the memory of {device}; "
                "try --precision bfloat16 or --device cpu"
            ) from None
        return found

    return Applied(hear, ROWS.get(device.type, ROWS["cpu"]), round(content["window_s"] * _rate(content)))


def _rate(content: dict[str, Any]) -> int:
    return int(content["arguments"]["sample_rate"])


def _make_exact() -> None:
    """Let CUDA use the same kernels every time, and all bits of float32."""
    import torch

    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
