"""A summary of a pipeline's run for the listener: what was heard, how good the guesses are, what to play."""

from collections import Counter
from pathlib import Path

from ml_skeleton.artifacts.crops import Crops, read_failures
from ml_skeleton.artifacts.evaluations import HEADLINE, MODEL, Evaluation, read_evaluation
from ml_skeleton.artifacts.playlists import MADE_BY, WrittenPlaylist, read_playlists
from ml_skeleton.console import counted
from ml_skeleton.errors import InputError

TOP = 10
NAMED_FAILURES = 5
WIDTH = 60


def summarise(crops_path: Path, evaluation_path: Path, recommendations: Path) -> str:
    """Return the summary as text; raise InputError naming the artifact that is missing."""
    crops, evaluation = Crops(crops_path), read_evaluation(evaluation_path)
    playlists = read_playlists(recommendations)
    if not playlists:
        raise InputError(f"{recommendations}: no playlist here; make one with: {MADE_BY}")
    shown = next((playlist for playlist in playlists if playlist.name == "best"), playlists[0])
    parts = [
        _library(crops),
        _unreadable(crops_path),
        _agreement(evaluation, "+".join(shown.versions)),
        _playlist(shown),
        f"Playlists  {len(playlists)} in {recommendations}/ (open {shown.name}.xspf in the player)",
    ]
    return "\n\n".join(filter(None, parts))


def _library(crops: Crops) -> str:
    rated = sum(song.rating is not None for song in crops.songs)
    counts: dict[str, int] = crops.provenance.settings["counts"]
    lines = [f"Library    {len(crops.songs)} songs, {rated} rated; {len(crops.audio_ids)} recordings heard"]
    lines += [f"           {count:>5} {outcome}" for outcome, count in counts.items()]
    return "\n".join(lines)


def _unreadable(crops_path: Path) -> str:
    fatal = [failure for failure in read_failures(crops_path) if failure.fatal]
    if not fatal:
        return ""
    reasons = Counter(failure.reason for failure in fatal)
    lines = [f"Unreadable {counted(len(fatal), 'song')}:"]
    for reason, count in reasons.most_common(NAMED_FAILURES):
        example = next(Path(failure.path).name for failure in fatal if failure.reason == reason)
        lines.append(f"           {count:>5} {reason} ({example!r})")
    return "\n".join([*lines, f"           all of them: {crops_path / 'failures.parquet'}"])


def _agreement(evaluation: Evaluation, listed_by: str) -> str:
    """Say how good the measured version is, and if another one, of before, made the playlists."""
    measured = evaluation.versions[0]
    situation = measured.situations[HEADLINE]
    errors = {method: f"{figures['rmse_stars'].value:.2f}" for method, figures in situation.figures.items()}
    others = ", ".join(f"{method} {error}" for method, error in errors.items() if method != MODEL)
    verdicts = [f"           {name}: {one.verdict}" for name, one in measured.situations.items()]
    return "\n".join(
        [
            f"Accuracy   on {evaluation.tested_songs} rated songs that no model had learned from:",
            f"           typical error on new albums {errors[MODEL]} stars; others: {others}",
            *verdicts,
            *(
                []
                if measured.version == listed_by
                else [f"           that is {measured.version}; the playlists are by {listed_by}"]
            ),
        ]
    )


def _playlist(shown: WrittenPlaylist) -> str:
    lines = [f"{shown.title}:"]
    for track in shown.tracks[:TOP]:
        label = f"{track['artist']} – {track['title'] or Path(track['path']).name}"
        lines.append(f"  {track['stars']:.1f} stars  {label[:WIDTH]}")
    return "\n".join(lines)
