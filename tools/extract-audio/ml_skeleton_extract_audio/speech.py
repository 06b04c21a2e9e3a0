"""How much of a crop is speech, by Silero VAD, without importing torch.

The model is a file inside the silero-vad package, whose own code imports torch;
only the file is used, through onnxruntime. The model hears frames of 32 ms, each
with the last 4 ms of the one before it, and carries its state from frame to
frame.
"""

import importlib
import importlib.util
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from ml_skeleton.console import MOST_SPEECH
from ml_skeleton.errors import UserError
from numpy.typing import NDArray

MODES = ("keep", "mark", "drop")
MODEL_RATE = 16000  # Hz
FRAME, CONTEXT = 512, 64  # samples
BLOCK_FRAMES = 512  # in one call of the model: 16 s, 1 MB
STATE_SHAPE = (1, 1, 128)
FULL_SCALE = np.float32(32768)
DROPPED = "speech: "  # how the reason of a dropped song begins
INSTALL = "pip install 'ml-skeleton-extract-audio[speech]'"


@dataclass(frozen=True)
class SpeechPolicy:
    """What is done about speech."""

    mode: str = "mark"  # keep: not measured; mark: measured; drop: and songs that are speech are left out
    threshold: float = 0.5  # probability from which a frame counts as speech
    max_speech: float = MOST_SPEECH  # share of a crop from which it counts as speech

    @property
    def measures(self) -> bool:
        return self.mode != "keep"

    def verdict(self, shares: list[float]) -> str | None:
        """Return why a song with these shares of speech is left out, or None."""
        if self.mode != "drop" or not shares or min(shares) < self.max_speech:
            return None
        what = "of the crop" if len(shares) == 1 else f"of {len(shares)} crops"
        return f"{DROPPED}{round(100 * sum(shares) / len(shares))} % {what}"


class SpeechModel:
    """The network, loaded; of one process and one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def _session(self) -> Any:
        onnxruntime = importlib.import_module("onnxruntime")  # here, as it takes 0.5 s and not every run wants it
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # processes are what runs in parallel
        return onnxruntime.InferenceSession(str(self.path), options, providers=["CPUExecutionProvider"])

    def probabilities(self, samples: NDArray[np.int16], rate: int) -> NDArray[np.float32]:
        """Return the probability of speech in each frame of 32 ms, the last one filled up with silence. (L,)"""
        frames = _frames(_at_model_rate(samples, rate))
        hidden = cell = np.zeros(STATE_SHAPE, np.float32)
        found = [np.zeros(0, np.float32)]
        for first in range(0, len(frames), BLOCK_FRAMES):
            block = {"input": frames[first : first + BLOCK_FRAMES], "h": hidden, "c": cell}
            values, hidden, cell = self._session.run(["speech_probs", "hn", "cn"], block)
            found.append(values.reshape(-1))
        return np.concatenate(found)

    def share(self, samples: NDArray[np.int16], rate: int, threshold: float) -> float:
        """Return the share of frames with a probability of at least `threshold`; 0 for no samples."""
        found = self.probabilities(samples, rate)
        return float((found >= threshold).mean()) if len(found) else 0.0


@cache
def load_model() -> SpeechModel:
    """Return the model of the installed silero-vad, the same one at every call; raise UserError without it."""
    package = importlib.util.find_spec("silero_vad")  # finds, does not import
    if package is None or not package.submodule_search_locations or importlib.util.find_spec("onnxruntime") is None:
        raise UserError(f"measuring speech needs the packages silero-vad and onnxruntime: {INSTALL}")
    path = Path(package.submodule_search_locations[0]) / "data" / "silero_vad_16k_sequence.onnx"
    if not path.is_file():
        raise UserError(f"{path}: no such file; measuring speech needs silero-vad 6.2 or newer: {INSTALL}")
    return SpeechModel(path)


def _at_model_rate(samples: NDArray[np.int16], rate: int) -> NDArray[np.float32]:
    audio = samples.astype(np.float32) / FULL_SCALE
    if rate == MODEL_RATE:
        return audio
    resampled: NDArray[np.float32] = soxr.resample(audio, rate, MODEL_RATE, quality="HQ")
    return resampled


def _frames(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return frames with their context. (T,) -> (L, CONTEXT + FRAME)"""
    count = -(-len(audio) // FRAME)
    padded = np.zeros(CONTEXT + max(count, 1) * FRAME, np.float32)
    padded[CONTEXT : CONTEXT + len(audio)] = audio
    windows = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + FRAME)[::FRAME]
    return np.ascontiguousarray(windows[:count])
