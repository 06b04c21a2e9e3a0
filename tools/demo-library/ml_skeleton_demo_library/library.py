"""The demo library: music, a player's database over it, and the truth about the listener, in one folder."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ml_skeleton.artifacts.files import make_folder, only_run
from ml_skeleton.artifacts.provenance import Provenance
from ml_skeleton.console import note
from ml_skeleton.errors import UsageError, UserError

from ml_skeleton_demo_library import folder
from ml_skeleton_demo_library.catalogue import MAX_SONGS, Settings, generator
from ml_skeleton_demo_library.listener import form_opinion
from ml_skeleton_demo_library.listing import Entry, Listing, State, plan_listing
from ml_skeleton_demo_library.player_database import NS_PER_S, UNKNOWN, Row, write_database
from ml_skeleton_demo_library.recording import Take, record_all
from ml_skeleton_demo_library.styles import STYLES
from ml_skeleton_demo_library.truth import Truth, write_truth

DATABASE, MUSIC, TRUTH = "clementine.db", "music", "truth.csv"
FEWEST_SONGS = 4
OLDEST_FILE, FILES_WITHIN_S = 1_500_000_000, 90_000_000  # Unix time: a library is not made in a day
PLAYLIST_SONGS = 8
KEPT_OF_TRUNCATED = 3  # a third
OPUS_RATE = 48_000  # Hz, whatever went in
NEVER_RATED = (State.BROKEN, State.EMPTIED, State.TRUNCATED)


@dataclass(frozen=True)
class Library:
    """A demo library on disk."""

    folder: Path
    made: bool  # False when it was already there
    rows: int = 0
    rated: int = 0
    megabytes: float = 0.0

    @property
    def database(self) -> Path:
        """Clementine's database."""
        return self.folder / DATABASE

    @property
    def music(self) -> Path:
        """The folder of the audio files."""
        return self.folder / MUSIC

    @property
    def truth(self) -> Path:
        """The CSV file of true ratings."""
        return self.folder / TRUTH


def make_library(
    out: Path,
    songs: int = 200,
    seconds: tuple[float, float] = (20.0, 90.0),
    seed: int = 7,
    styles: Sequence[str] = tuple(STYLES),
    odd_cases: bool = True,
    workers: int = 1,
    force: bool = False,
) -> Library:
    """Return the library in `out`, made now unless it is there already.

    `songs` counts those without the odd cases: with `odd_cases` come odd names, a
    cue sheet, a reading, a song of two seconds, copies, and damaged and lost
    files. The same arguments give the same rows and the same samples. Raise
    UserError for a folder that is not a demo library, and for one of other
    settings unless `force` is given.
    """
    settings = _checked(songs, seconds, seed, styles, odd_cases)
    provenance = _provenance(out, settings)
    if _is_there(out, provenance, force):  # before the lock, so that a library on a read-only disk will do
        return Library(out, made=False)
    make_folder(out)
    with only_run(out):
        if _is_there(out, provenance, force):
            return Library(out, made=False)
        former = folder.read_mark(out)
        if former and not force:
            note(f"{out}: the library there is unfinished, has lost files or was moved; making it again")
        return _make(out, settings, provenance, former, workers)


def _is_there(out: Path, asked: Provenance, force: bool) -> bool:
    """Tell whether `out` holds the library asked for, whole and in its place, and is not to be made again.

    Raise UserError if it holds something else.
    """
    former = folder.read_mark(out)
    if former is None or force or not former.complete:
        return False
    _refuse_other_settings(out, former.provenance, asked)
    return former.provenance.settings == asked.settings and folder.is_intact(out, former)


def _checked(songs: int, seconds: tuple[float, float], seed: int, styles: Sequence[str], odd_cases: bool) -> Settings:
    if not FEWEST_SONGS <= songs <= MAX_SONGS:
        raise UsageError(f"--songs {songs}: expected {FEWEST_SONGS} to {MAX_SONGS}")
    shortest, longest = (float(limit) for limit in seconds)
    if not 1 <= shortest <= longest:
        raise UsageError(f"song lengths {shortest} to {longest} s: expected at least 1 s, the shorter first")
    unknown = [style for style in styles if style not in STYLES]
    if unknown or not styles:
        raise UsageError(f"styles {', '.join(unknown) or 'none'}: known are {', '.join(STYLES)}")
    return Settings(songs, (shortest, longest), seed, tuple(styles), odd_cases)


def _provenance(out: Path, settings: Settings) -> Provenance:
    """Return what the mark is to say; the place belongs to it, as the database holds absolute paths."""
    asked = {
        "songs": settings.songs,
        "seconds": list(settings.seconds),
        "styles": list(settings.styles),
        "odd_cases": settings.odd_cases,
        "place": str(out.resolve()),
    }
    return Provenance(folder.KIND, folder.FORMAT, "clem-demo", asked, settings.seed)


def _refuse_other_settings(out: Path, former: Provenance, asked: Provenance) -> None:
    """Raise UserError for the first setting that differs, other than the place."""
    found, expected = ({"seed": provenance.seed} | provenance.settings for provenance in (former, asked))
    for name in sorted(expected.keys() - {"place"}):
        if found.get(name) != expected[name]:
            raise UserError(
                f"{out}: holds a library with {name} {found.get(name)}, asked for {expected[name]}; "
                "replace it with --force, or name another folder with --out"
            )


def _make(out: Path, settings: Settings, provenance: Provenance, former: folder.Mark | None, workers: int) -> Library:
    listing = plan_listing(settings)
    files = [*(f"{MUSIC}/{name}" for name in listing.files()), DATABASE, TRUTH]
    folder.begin(out, provenance, files, former)
    music = out / MUSIC
    takes = record_all(listing.recordings, music, workers)
    for entry in listing.entries:
        _make_odd_file(entry, music, settings.seed)
    times = _set_times(settings.seed, listing, music)
    home = music.resolve()
    truths = [_truth(settings.seed, listing, takes, entry, row) for row, entry in enumerate(listing.entries, start=1)]
    rows = [_row(truth, takes[truth.entry.recording], home, music, times) for truth in truths]
    favourites = [truth.row_id for truth in truths if (truth.shown or 0) >= 4 and truth.entry.state is State.WHOLE]
    folders = {home / path: mtime for path, mtime in times.items() if not (music / path).is_file()}
    write_database(out / DATABASE, home, folders, rows, favourites[:PLAYLIST_SONGS])
    write_truth(out / TRUTH, truths)
    folder.finish(out, provenance, files)
    size = sum((out / name).stat().st_size for name in files) / 1e6
    return Library(out, made=True, rows=len(rows), rated=sum(row.stars is not None for row in rows), megabytes=size)


def _make_odd_file(entry: Entry, music: Path, seed: int) -> None:
    """Put the file of a copied or a damaged row where the row says it is."""
    if entry.state in (State.WHOLE, State.DELETED, State.MISSING):
        return
    path = music / entry.song.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.state is State.COPY:
            shutil.copyfile(music / entry.recording, path)
        elif entry.state is State.TRUNCATED:
            whole = (music / entry.recording).read_bytes()
            path.write_bytes(whole[: len(whole) // KEPT_OF_TRUNCATED])
        else:
            path.write_bytes(b"" if entry.state is State.EMPTIED else generator(seed, "broken").bytes(20_000))
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror}") from None


def _set_times(seed: int, listing: Listing, music: Path) -> dict[str, int]:
    """Set the time of every file and folder, and return it by path inside `music`, "." being `music` itself.

    Times follow from the seed; a folder is as old as the youngest thing in it.
    """
    times = {
        name: OLDEST_FILE + int(generator(seed, "time", name).integers(FILES_WITHIN_S)) for name in listing.files()
    }
    for name, mtime in list(times.items()):
        for parent in Path(name).parents:
            times[str(parent)] = max(times.get(str(parent), 0), mtime)
    for name, mtime in times.items():
        os.utime(music / name, (mtime, mtime))
    return times


def _truth(seed: int, listing: Listing, takes: dict[str, Take], entry: Entry, row_id: int) -> Truth:
    recorded = listing.recording(entry.recording).songs[entry.part]
    heard = takes[entry.recording].heard[entry.part]
    opinion = form_opinion(seed, recorded, entry.song.path, heard)
    shown = opinion.stars if opinion.rated and entry.state not in NEVER_RATED else None
    return Truth(entry, heard, opinion, shown, row_id)


def _row(truth: Truth, take: Take, home: Path, music: Path, times: dict[str, int]) -> Row:
    """Return the row of the database: what the player found in the file, and what the listener told it."""
    entry, opinion = truth.entry, truth.opinion
    song, readable = entry.song, entry.state is not State.BROKEN
    path = music / song.path
    lost = entry.state in (State.EMPTIED, State.DELETED, State.MISSING)
    beginning_ns, length_ns = _span_ns(entry, take)
    return Row(
        title=song.title,
        album=song.album,
        artist=song.artist,
        albumartist=entry.albumartist,
        track=song.track,
        year=song.year,
        genre=song.genre if readable else "",
        compilation=entry.compilation,
        length_ns=length_ns if readable else UNKNOWN,
        bitrate=int(take.filesize * 8 / take.seconds / 1000) if readable else UNKNOWN,
        samplerate=(OPUS_RATE if path.suffix == ".opus" else take.sample_rate) if readable else UNKNOWN,
        path=home / song.path,
        mtime=times.get(song.path, OLDEST_FILE),
        filesize=take.filesize if lost else path.stat().st_size,
        stars=truth.shown,
        playcount=opinion.playcount,
        skipcount=opinion.skipcount,
        lastplayed=opinion.lastplayed,
        score=opinion.score,
        beginning_ns=beginning_ns,
        cue_path=(home / song.path).with_suffix(".cue") if take.is_cue else None,
        unavailable=entry.state is State.DELETED,
    )


def _span_ns(entry: Entry, take: Take) -> tuple[int, int]:
    """Return where a song begins in its file and how long it is, as the player has it.

    The player counts files in whole seconds. The tracks of a cue sheet are exact
    but for the last, which ends with the whole seconds of the file.
    """
    start, end = (bound * NS_PER_S // take.sample_rate for bound in take.bounds[entry.part : entry.part + 2])
    if entry.state is State.TRUNCATED:
        end //= KEPT_OF_TRUNCATED
    if entry.part == len(take.bounds) - 2:
        end = end // NS_PER_S * NS_PER_S
    return start, end - start
