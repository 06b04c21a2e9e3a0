"""An encoder for the tests of embed."""

import pytest
import torch
from ml_skeleton.artifacts.checkpoints import save_checkpoint
from ml_skeleton.artifacts.provenance import Parent, Provenance
from ml_skeleton.music.encoders import build_encoder

ARGUMENTS = {"sample_rate": 16000, "embedding_dim": 6, "width": 4}


@pytest.fixture
def make_encoder(tmp_path):
    """Return a function that writes an untrained encoder and returns its header."""

    def make(crops=None, seed=0, seen=(), **arguments):
        torch.manual_seed(seed)
        arguments = {**ARGUMENTS, **arguments}
        parents = (Parent("crops", str(crops), "c" * 32),) if crops else ()
        content = {
            "model": "simple",
            "arguments": arguments,
            "weights": build_encoder("simple", arguments).state_dict(),
            "embedding_dim": arguments["embedding_dim"],
            "embedding_parts": {"low": 2, "high": arguments["embedding_dim"] - 2},
            "window_s": 1.0,
            "ratings_seen": list(seen),
        }
        return save_checkpoint(
            tmp_path / f"encoder{seed}.pt", Provenance("encoder", 1, "test", parents=parents), content
        )

    return make
