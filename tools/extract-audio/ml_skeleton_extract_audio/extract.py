"""Brings a crops folder up to date with the player's library."""

from collections.abc import Sequence
from dataclasses import replace

from ml_skeleton.artifacts.crops import sweep
from ml_skeleton.artifacts.files import make_folder, only_run
from ml_skeleton.artifacts.player import Library, read_library
from ml_skeleton.artifacts.songs import Song
from ml_skeleton.console import counted, note, warn
from ml_skeleton.errors import InputError, UserError
from ml_skeleton.interrupts import stop_request

from ml_skeleton_extract_audio.folder import refuse_foreign, remove_if_empty
from ml_skeleton_extract_audio.health import conflict_example, conflicting_ratings
from ml_skeleton_extract_audio.locations import unused_maps
from ml_skeleton_extract_audio.plan import Past, Plan, make_plan, refuse_missing_root
from ml_skeleton_extract_audio.run import Report, Request, Run
from ml_skeleton_extract_audio.speech import SpeechPolicy, load_model

__all__ = ["Report", "Request", "extract", "forecast"]


def extract(request: Request) -> Report:
    """Write the crops of all wanted songs that `request.out` does not hold yet, and refresh its songs.

    Raises InputError for a database without songs, UserError when not one song
    could be read or a disk seems to be missing, BusyError while another run
    writes the same folder. A new folder that nothing came into is not left behind.
    """
    library = _library(request)
    refuse_foreign(request.out)
    request = replace(request, speech=_measurable(request.speech))
    is_new = not request.out.exists()
    make_folder(request.out)
    try:
        with only_run(request.out):
            sweep(request.out)
            run = _planned_run(request, library)
            with stop_request() as stop:
                run.read_all(stop)
                if not stop:
                    run.settle_speech(stop)
                if run.has_crops or not is_new:
                    run.save()
                    if not stop and run.find_alike():
                        run.save()
                stop.leave_if_asked()
    finally:
        if is_new:
            remove_if_empty(request.out)
    if not run.has_crops:
        raise _nothing(request, run)
    _say_conflicts(run.songs)
    return run.report()


def forecast(request: Request) -> Report:
    """Return what `extract` would do, the songs that it would open counted as "to open"; writes nothing."""
    plan, _ = _planned(request, _library(request))
    return Report(len(plan.songs), {"to open": len(plan.jobs), **plan.settled})


def _planned_run(request: Request, library: Library) -> Run:
    """Return the run that is to be done, and say what that is.

    What is known of files from earlier runs is forgotten here: of 60,000 songs it takes 30 MB.
    """
    plan, past = _planned(request, library)
    _say_what_is_to_do(library, past, plan)
    return Run(request, library, plan, past)


def _planned(request: Request, library: Library) -> tuple[Plan, Past]:
    """Return what is to be done, and after what; raise UserError if a disk seems to be missing."""
    past = request.past()
    plan = make_plan(library.songs, request.path_map, past, request.selection)
    refuse_missing_root(plan, past)
    return plan, past


def _library(request: Request) -> Library:
    """Return the player's songs, and warn of a --path-map that none of them needs."""
    library = read_library(request.db)
    if not library.songs:
        raise InputError(
            f"{request.db}: the {library.player} library has no songs yet; let the player scan a folder first"
        )
    for text in unused_maps(request.path_map, [song.url for song in library.songs]):
        warn(text)
    return library


def _nothing(request: Request, run: Run) -> UserError:
    if request.selection.rated_only and not any(song.rating is not None for song in run.songs):
        return InputError(f"{request.db}: no rated song; rate some in the player, or leave out --rated-only")
    return UserError(f"{request.db}: not one song could be read ({run.report()}); --path-map may be missing")


def _measurable(speech: SpeechPolicy) -> SpeechPolicy:
    """Return what can be done about speech; raise UserError if it is to be dropped and cannot be found."""
    if not speech.measures:
        return speech
    try:
        load_model()
    except UserError as error:
        if speech.mode == "drop":
            raise
        warn(f"speech is not measured: {error}")
        return replace(speech, mode="keep")
    return speech


def _say_what_is_to_do(library: Library, past: Past, plan: Plan) -> None:
    note(f"{counted(len(plan.songs), 'song')} in the {library.player} library, {len(plan.jobs)} to open")
    there = {(song.url, song.start_s) for song in library.songs}
    gone = sum((song.url, song.start_s) not in there for song in past.songs)
    if gone:
        note(f"{counted(gone, 'song')} of the last run no longer in the library under their names")
    if plan.vanished:
        warn(f"{counted(len(plan.vanished), 'file')} of the last run gone, such as {plan.vanished[0].path}")


def _say_conflicts(songs: Sequence[Song]) -> None:
    conflicts = conflicting_ratings(songs)
    if conflicts:
        note(
            f"copies of {counted(len(conflicts), 'recording')} rated differently, the rating changed last counts: "
            f"{conflict_example(conflicts[0])}"
        )
