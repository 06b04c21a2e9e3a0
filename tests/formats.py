"""Which formats there are, and which number of each is written today."""

from ml_skeleton.artifacts import (
    catalogues,
    checkpoints,
    crops,
    duplicates,
    embeddings,
    evaluations,
    ledger,
    listening,
    maps,
    parts,
    playlists,
    speech,
)
from ml_skeleton_nightly import status

MODULES = (
    crops,
    parts,
    ledger,
    duplicates,
    speech,
    embeddings,
    evaluations,
    listening,
    maps,
    playlists,
    catalogues,
    status,
)
WRITTEN = {module.KIND: module.FORMAT for module in MODULES} | checkpoints.FORMATS
