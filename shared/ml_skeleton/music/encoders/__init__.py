"""Encoders: networks that turn a window of audio into a vector.

An encoder takes z-normalised audio (B, T) float32 and returns (B, D) float32.
"""

from ml_skeleton.music.encoders.beside import fixed_part, heard, learning_part
from ml_skeleton.music.encoders.networks import SimpleAudioEncoder, SpectrogramEncoder
from ml_skeleton.music.encoders.protocol import AudioEncoder, embedding_parts, pool_over_time
from ml_skeleton.music.encoders.registry import (
    BUILT_IN,
    NewEncoder,
    build_encoder,
    check_encoder_may_be_imported,
    check_hearing,
    new_encoder,
)

__all__ = [
    "BUILT_IN",
    "AudioEncoder",
    "NewEncoder",
    "SimpleAudioEncoder",
    "SpectrogramEncoder",
    "build_encoder",
    "check_encoder_may_be_imported",
    "check_hearing",
    "embedding_parts",
    "fixed_part",
    "heard",
    "learning_part",
    "new_encoder",
    "pool_over_time",
]
