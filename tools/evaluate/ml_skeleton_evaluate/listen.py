"""Listening tests: writes blind lists of two versions, and reads what the listener thought of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ml_skeleton.artifacts.embeddings import open_store
from ml_skeleton.artifacts.listening import (
    BALLOTS,
    FORMAT,
    KEY,
    KIND,
    ListedSong,
    Listening,
    read_ballots,
    read_key,
    write_ballots,
    write_key,
)
from ml_skeleton.artifacts.playlist_files import write_playlist
from ml_skeleton.artifacts.playlists import FORMAT as PLAYLIST_FORMAT
from ml_skeleton.artifacts.playlists import KIND as PLAYLIST
from ml_skeleton.artifacts.playlists import Entry, Playlist
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.errors import InputError, UsageError
from ml_skeleton.music.rated import FitSettings, Targeting
from ml_skeleton.music.scores import STARS

from ml_skeleton_evaluate.ballots import Heard, count_ballots
from ml_skeleton_evaluate.gather import Gathered, gather
from ml_skeleton_evaluate.interleave import Pick, team_draft
from ml_skeleton_evaluate.ranking import best_unrated

TOOL = "evaluate listen"
LISTS = 2
FORMS = ("m3u8",)  # the others say how many stars are expected
NOT_TOLD = float("nan")


@dataclass(frozen=True)
class Draft:
    """What the lists are made from."""

    versions: tuple[str, str]
    store: Path
    songs: int  # in each list
    max_speech: float
    settings: FitSettings
    targeting: Targeting


def make_lists(draft: Draft, out: Path, force: bool) -> bool:
    """Write two blind lists, ballots to fill in and the key to `out`; return whether they were not there already.

    Raises UsageError where other lists are there, whose ballots would be lost, unless `force` is given.
    """
    if (out / KEY).exists() and not force:
        if read_key(out).versions != draft.versions:
            raise UsageError(f"{out}: holds lists of other versions; name another folder with --out, or add --force")
        return False
    with open_store(draft.store) as store:
        gathered = gather(store, draft.versions, draft.max_speech, draft.targeting)
    rounds = draft.songs // 2
    rankings = best_unrated(gathered, 0, draft.settings), best_unrated(gathered, 1, draft.settings)
    picks = team_draft(rankings, LISTS * rounds, draft.settings.seed)
    if len(picks) < LISTS * 2:
        raise InputError(f"{draft.store}: {len(rankings[0])} unrated songs, at least 4 are needed for two lists")
    _write(draft, gathered, picks, min(rounds, len(picks) // (2 * LISTS)), out)
    return True


def _write(draft: Draft, gathered: Gathered, picks: list[Pick], rounds: int, out: Path) -> None:
    """Write the lists of so many rounds each; the key comes last, so that lists without it are made again."""
    settings = {"versions": list(draft.versions), "songs": draft.songs, "classifier": draft.settings.model}
    parents = [parent for songs in gathered.versions for parent in songs.parents]
    seed, songs = draft.settings.seed, list[ListedSong]()
    for number in range(1, LISTS + 1):
        own = picks[2 * rounds * (number - 1) : 2 * rounds * number]
        made = Provenance(PLAYLIST, PLAYLIST_FORMAT, TOOL, settings, seed, tuple(parents))
        entries = [Entry(pick.recording.song, NOT_TOLD) for pick in own]
        title = f"Listening test, list {number} of {LISTS}"
        write_playlist(out, Playlist(f"listen-{number}", title, entries, made), FORMS)
        songs += [_listed(number, place, pick, draft) for place, pick in enumerate(own, 1)]
    write_ballots(out, songs)
    made = Provenance(KIND, FORMAT, TOOL, settings, seed, tuple(parents))
    write_key(out, Listening(made, draft.versions, songs))


def _listed(number: int, place: int, pick: Pick, draft: Draft) -> ListedSong:
    song, urls = pick.recording.song, tuple(song.url for song in pick.recording.songs)
    version = draft.versions[pick.team]
    return ListedSong(number, place, song.artist, song.title, pick.recording.audio_id, urls, version, pick.round)


def read_result(out: Path, ballots: Path | None, db: Path | None, seed: int) -> Heard:
    """Return what was thought of the lists in `out`: the stars in `ballots`, else in the player's `db`.

    Where neither is named the ballots in the folder are read.
    """
    listening = read_key(out)
    stars = _stars_in_player(listening, db) if db else read_ballots(ballots or out / BALLOTS)
    return count_ballots(listening, stars, seed)


def _stars_in_player(listening: Listening, db: Path) -> Mapping[tuple[int, int], float]:
    """Return the stars that the songs have in the player by now; they had none when the lists were made."""
    from ml_skeleton.artifacts.player import read_library

    given = {song.url: song.rating for song in read_library(db).songs if song.rating is not None}
    found = {(song.list, song.place): [given[url] for url in song.urls if url in given] for song in listening.songs}
    return {place: STARS * ratings[0] for place, ratings in found.items() if ratings}


def told(heard: Heard, out: Path) -> list[str]:
    """Return what a person is told of the ballots."""
    if not sum(heard.songs):
        return [f"no song of the lists in {out} has stars yet; rate them in the player, or in {BALLOTS}"]
    return [*heard.lines, heard.verdict]
