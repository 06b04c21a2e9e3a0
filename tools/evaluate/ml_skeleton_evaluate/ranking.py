"""The unrated songs of a version, best first, as a playlist would have them."""

import numpy as np
from ml_skeleton.music.candidates import cue_tracks, lengths_s, rated_or_alike, speech_of, unfit
from ml_skeleton.music.classifiers.fitting import fit_predictor
from ml_skeleton.music.inputs import make_inputs
from ml_skeleton.music.rated import FitSettings
from ml_skeleton.music.recordings import Recording
from ml_skeleton.music.splits import album_folds

from ml_skeleton_evaluate.gather import Gathered


def best_unrated(gathered: Gathered, place: int, settings: FitSettings) -> list[Recording]:
    """Return the songs that are unrated in all copies and there to play, the most expected stars first.

    Only songs that all versions hold take part, so that their lists can be compared. Of
    songs that sound the same the best one is kept, and none that sounds like a rated one.
    """
    songs, heard = gathered.versions[place], gathered.heard[place]
    folds = np.array(album_folds(songs.recordings, settings.folds, settings.seed))
    predictor = fit_predictor(songs.examples, folds, settings, intervals=False)
    candidates, matrix = heard.of(_candidates(gathered))
    if not candidates:
        return []
    stars = predictor.predict(make_inputs(candidates, matrix, songs.targeting.features, songs.genres)).mean
    first: dict[str, Recording] = {}
    for row in np.argsort(-stars, kind="stable").tolist():
        first.setdefault(candidates[row].group, candidates[row])
    return list(first.values())


def _candidates(gathered: Gathered) -> list[Recording]:
    library, songs = gathered.library, gathered.songs
    shared = set.intersection(*(set(heard.audio_ids) for heard in gathered.heard))
    unfit_songs = unfit(cue_tracks(library, songs), speech_of(library), lengths_s(library), gathered.max_speech)
    barred = np.any([rated_or_alike(library, songs), *unfit_songs.values()], axis=0)
    return [
        recording
        for recording, out in zip(library, barred, strict=True)
        if recording.available and recording.audio_id in shared and not out
    ]
