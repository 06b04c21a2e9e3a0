"""Candidates: the songs that any list may hold, and why the others may not."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from ml_skeleton.errors import InputError
from ml_skeleton.music.candidates import unfit

from ml_skeleton_recommend.library import Library, Mask, Rows, column_of
from ml_skeleton_recommend.request import Request

LEAST_LIKED = 0.6  # of the rated songs, lists that take rated ones too hold those of three stars and more


@dataclass(frozen=True)
class Candidates:
    """Rows of the library that are there to play, whole files, music, not too long, let in by the filter and fresh."""

    library: Library
    request: Request
    mask: Mask  # (N,)
    left_out: dict[str, int]  # unrated songs, by reason

    def unrated(self) -> Rows:
        """Return those of which no copy is rated, nor anything that sounds the same."""
        return self._some(self.mask & ~self.library.rated, "no unrated song to recommend")

    def not_disliked(self, besides: Collection[int] = ()) -> Rows:
        """Return the unrated ones and the rated ones of three stars and more, without what sounds like the seeds."""
        library = self.library
        seeds = np.isin(library.groups, library.groups[list(besides)])
        disliked = library.ratings < LEAST_LIKED  # false where there is no rating
        return self._some(self.mask & ~seeds & ~disliked, "no song to list")

    def some(self, mask: Mask, what: str) -> Rows:
        """Return those of `mask`; raise InputError saying `what` if there is none."""
        return self._some(self.mask & mask, what)

    def _some(self, mask: Mask, what: str) -> Rows:
        if not mask.any():
            reasons = ", ".join(f"{number} {reason}" for reason, number in self.left_out.items() if number)
            path = self.library.path
            raise InputError(
                f"{path}: {self.request.file_name}: {what}" + (f" ({reasons} left out)" if reasons else "")
            )
        return np.flatnonzero(mask)


def find_candidates(library: Library, request: Request, held_back: Collection[str] = ()) -> Candidates:
    """Return the candidates of a request; `held_back` are the audio_id of songs that were listed lately."""
    column = library.catalogue.column
    barred = unfit(column("cue"), column("speech"), column("length_s"), request.max_speech, request.max_length)
    if request.where:
        from ml_skeleton_recommend.filters import songs_where  # here, as DuckDB takes a while to import

        shown = library.songs.take(pa.array(column("shown")))
        barred["by the filter"] = ~np.isin(shown.column("song_id").to_numpy(), list(songs_where(shown, request.where)))
    if held_back:
        barred["as listed lately"] = np.isin(column_of(library.catalogue.recordings, "audio_id"), list(held_back))
    mask = column("available")
    unrated = np.isnan(library.ratings)
    left_out = {}
    for reason, out in barred.items():
        left_out[reason] = int((mask & out & unrated).sum())
        mask = mask & ~out
    new = mask & ~library.rated
    left_out["as they sound like another"] = int((mask & unrated).sum()) - len(np.unique(library.groups[new]))
    return Candidates(library, request, mask, left_out)
