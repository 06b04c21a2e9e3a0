"""What an encoder makes of songs by artists it has not been trained on, and of ratings it has not learned."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from ml_skeleton.artifacts.crop_samples import Integers
from ml_skeleton.artifacts.parts import FULL_SCALE
from ml_skeleton.music.encoders import fixed_part
from ml_skeleton.music.neighbours import Neighbours
from ml_skeleton.music.recordings import Recording
from ml_skeleton.music.retrieval import retrieve
from ml_skeleton.music.ridge import predict_left_out
from ml_skeleton.music.scores import spearman
from ml_skeleton.music.splits import TRAIN, album_folds
from ml_skeleton.music.windows import window_starts
from torch import Tensor, nn

from ml_skeleton_train_encoder.batches import Batch, fetched
from ml_skeleton_train_encoder.learner import Learner
from ml_skeleton_train_encoder.songs import VAL, SongSet
from ml_skeleton_train_encoder.stores import Store, Windows

FEWEST_TO_VALIDATE = 5  # rated songs; fewer give no figure worth printing
FEWEST_TO_SCORE = 20
MOST_TRAINING_SONGS = 1000  # whose ratings the score is told
WINDOWS_OF_A_CROP = 3  # evenly spread
WINDOWS = 64  # of a batch
FOLDS = 5

Figures = dict[str, float | None]
Matrix = npt.NDArray[np.float32]


class Validation:
    """Songs that are embedded after every epoch: those of the validation side, and rated ones of the training."""

    def __init__(
        self, songs: SongSet, store: Store, encoder: nn.Module, device: torch.device, learns_ratings: bool
    ) -> None:
        """The index of `store` holds the crops of all songs."""
        self.recordings = [*songs.sides[VAL], *songs.rated(TRAIN)[:MOST_TRAINING_SONGS]]
        self.held_out = len(songs.sides[VAL])  # the first ones
        self.store, self.device = store, device
        self.fixed, self._fixed_vectors = fixed_part(encoder), np.empty((0, 0), np.float32)
        self.rated = np.flatnonzero([recording.rating is not None for recording in self.recordings])
        self.ratings = np.array([self.recordings[row].rating for row in self.rated], np.float64)
        # a regression on vectors that have learned these ratings would say nothing of others
        self.judged = (self.rated < self.held_out) | (not learns_ratings)
        self.windows, self.songs = _evenly_spread(store, self.recordings)

    @torch.no_grad()
    def figures(self, learner: Learner) -> Figures:
        """Return error and rank correlation of predicted ratings, album retrieval, and one figure for the whole."""
        found: Figures = {"val_loss": None, "val_spearman": None, "val_album_map": None, "val_score": None}
        if not self.recordings:
            return found
        learner.eval()
        vectors = self._mean_of_windows(lambda batch: learner.embed(batch.audio()))
        whole = self._beside_what_is_fixed(vectors.cpu().numpy())
        if self.held_out:
            space = Neighbours(whole[: self.held_out], hub_correction=False)
            albums = [recording.album_keys for recording in self.recordings[: self.held_out]]
            found["val_album_map"] = retrieve(space, albums).map
        held_out = self.rated[self.rated < self.held_out]
        if len(held_out) >= FEWEST_TO_VALIDATE:
            predicted = learner.loss.predict(vectors)[held_out].cpu().numpy().astype(np.float64)
            true = self.ratings[: len(held_out)]
            found["val_loss"] = float(((predicted - true) ** 2).mean())
            found["val_spearman"] = spearman(predicted, true)
        found["val_score"] = self._order_of_ratings(whole) if self._can_score else found["val_album_map"]
        return found

    @property
    def _can_score(self) -> bool:
        return int(self.judged.sum()) >= FEWEST_TO_SCORE

    def _order_of_ratings(self, vectors: Matrix) -> float | None:
        """Return the rank correlation that ridge regression reaches on albums whose ratings it was not told."""
        folds = np.array(album_folds([self.recordings[row] for row in self.rated], FOLDS, 0))
        predicted = predict_left_out(vectors[self.rated], self.ratings, folds, self.judged)
        return spearman(predicted[self.judged], self.ratings[self.judged])

    def _beside_what_is_fixed(self, vectors: Matrix) -> Matrix:
        """Return the vectors as embed will write them; what does not change is heard once."""
        if self.fixed is None:
            return vectors
        if not len(self._fixed_vectors):
            fixed = self.fixed
            self._fixed_vectors = self._mean_of_windows(lambda b: fixed(b.audio(), _level(b))).cpu().numpy()
        return np.concatenate([vectors, self._fixed_vectors], axis=1)

    def _mean_of_windows(self, hear: Callable[[Batch], Tensor]) -> Tensor:
        """Return the mean over the windows of each song, (songs, D)."""
        total = None
        plan = [slice(start, start + WINDOWS) for start in range(0, len(self.windows), WINDOWS)]
        batches = fetched(self.store, [self.windows[part] for part in plan], self.device)
        for batch, part in zip(batches, plan, strict=True):
            vectors = hear(batch)  # (B, D)
            if total is None:
                total = vectors.new_zeros(len(self.recordings), vectors.shape[1])
            total.index_add_(0, torch.from_numpy(self.songs[part]).to(self.device), vectors)
        assert total is not None
        counts = torch.from_numpy(np.bincount(self.songs, minlength=len(self.recordings))).to(self.device)
        return total / counts[:, None]


def _evenly_spread(store: Store, recordings: Sequence[Recording]) -> tuple[Windows, Integers]:
    """Return a few windows of every crop of the recordings, and the recording of each window."""
    number = {recording.audio_id: place for place, recording in enumerate(recordings)}
    rows = store.index.rows_of(number)
    starts = [_some(window_starts(int(store.index.samples[row]), store.length)) for row in rows]
    counts = [len(of_crop) for of_crop in starts]
    songs = [number[audio_id] for audio_id in store.index.audio_ids[rows].tolist()]
    windows = Windows(np.repeat(rows, counts), np.array([s for of_crop in starts for s in of_crop], np.int64))
    return windows, np.repeat(np.array(songs, np.int64), counts)


def _some(starts: list[int]) -> list[int]:
    places = np.linspace(0, len(starts) - 1, min(len(starts), WINDOWS_OF_A_CROP)).round().astype(int)
    return [starts[place] for place in places]


def _level(batch: Batch) -> Tensor:
    """Return the root mean square (B,) of the crops, 1 being full scale, as `embed` tells it."""
    scale = batch.scale[:, 0]
    return torch.where(scale > 0, 1 / (scale * FULL_SCALE), 0.0)
