"""What an encoder makes of songs by artists it has not been trained on."""

from collections.abc import Sequence

import numpy as np
import torch
from ml_skeleton.artifacts.crop_samples import Integers
from ml_skeleton.music.neighbours import Neighbours
from ml_skeleton.music.recordings import Recording
from ml_skeleton.music.retrieval import retrieve
from ml_skeleton.music.scores import spearman
from ml_skeleton.music.windows import window_starts

from ml_skeleton_train_encoder.batches import fetched
from ml_skeleton_train_encoder.learner import Learner
from ml_skeleton_train_encoder.stores import Rows, Store, Windows

FEWEST_TO_VALIDATE = 5  # rated songs; fewer give no figure worth printing
WINDOWS = 64  # of a batch

Figures = dict[str, float | None]


class Validation:
    """The songs of the validation side, ready to be embedded after every epoch."""

    def __init__(self, recordings: Sequence[Recording], store: Store, rows: Rows) -> None:
        """`rows` are those of the crops of `recordings` in the store, in the order of their audio_id."""
        self.recordings, self.store = recordings, store
        starts = [window_starts(int(store.index.samples[row]), store.length) for row in rows]
        counts = [len(of_crop) for of_crop in starts]
        self.windows = Windows(np.repeat(rows, counts), np.array([s for of_crop in starts for s in of_crop], np.int64))
        number = {recording.audio_id: place for place, recording in enumerate(recordings)}
        songs = [number[audio_id] for audio_id in store.index.audio_ids[rows].tolist()]
        self.songs: Integers = np.repeat(np.array(songs, np.int64), counts)

    @torch.no_grad()
    def figures(self, learner: Learner, device: torch.device) -> Figures:
        """Return error and rank correlation of predicted ratings, and how well songs find those of their album."""
        rated = [number for number, recording in enumerate(self.recordings) if recording.rating is not None]
        found: Figures = {"val_loss": None, "val_spearman": None, "val_album_map": None}
        if not self.recordings:
            return found
        learner.eval()
        embeddings = self._embed(learner, device)
        space = Neighbours(embeddings.cpu().numpy(), hub_correction=False)
        found["val_album_map"] = retrieve(space, [recording.album_keys for recording in self.recordings]).map
        if len(rated) >= FEWEST_TO_VALIDATE:
            predicted = learner.loss.predict(embeddings)[rated].cpu().numpy().astype(np.float64)
            true = np.array([self.recordings[number].rating for number in rated], np.float64)
            found["val_loss"] = float(((predicted - true) ** 2).mean())
            found["val_spearman"] = spearman(predicted, true)
        return found

    def _embed(self, learner: Learner, device: torch.device) -> torch.Tensor:
        """Return the mean over the windows of each song, (songs, D)."""
        total = None
        plan = [slice(start, start + WINDOWS) for start in range(0, len(self.windows), WINDOWS)]
        for batch, part in zip(fetched(self.store, [self.windows[p] for p in plan], device), plan, strict=True):
            vectors = learner.embed(batch.audio())  # (B, D)
            if total is None:
                total = vectors.new_zeros(len(self.recordings), vectors.shape[1])
            total.index_add_(0, torch.from_numpy(self.songs[part]).to(device), vectors)
        assert total is not None
        counts = torch.from_numpy(np.bincount(self.songs, minlength=len(self.recordings))).to(device)
        return total / counts[:, None]
