"""The `clem-extract` command: what it is asked, and nothing of how it is done."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from ml_skeleton.console import MOST_SPEECH, Config, Quiet, Workers, new_app, note, run_tool
from ml_skeleton.manual import after_options
from ml_skeleton.path_map import PathMapTexts, parse_path_map

app = new_app()


@app.command(
    epilog=after_options(
        "clem-extract --db ~/.config/Clementine/clementine.db",
        "clem-extract --db clementine.db --path-map /home/me/Music=/music --dry-run",
        "clem-extract --db clementine.db | train-encoder | embed | train-classifier | recommend",
    )
)
def clem_extract(
    db: Annotated[Path, typer.Option(help="Database of Clementine or Strawberry; only ever read.")],
    out: Annotated[Path, typer.Option(help="Crops folder to add to; made if missing.")] = Path("crops"),
    path_map: PathMapTexts = None,
    position: Annotated[
        Literal["end", "center", "start", "spread"], typer.Option(help="Where in the song to cut.")
    ] = "end",
    seconds: Annotated[float, typer.Option(min=0.1, help="Length of a crop.")] = 60.0,
    rate: Annotated[int, typer.Option(min=4000, max=192000, help="Sample rate of the crops, Hz.")] = 16000,
    crops: Annotated[int, typer.Option(min=1, help="Crops per song.")] = 1,
    speech: Annotated[
        Literal["keep", "mark", "drop"],
        typer.Option(help="Do not look for speech, store how much there is, or leave out songs that are speech."),
    ] = "mark",
    speech_threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Probability from which 32 ms count as speech.")
    ] = 0.5,
    max_speech: Annotated[
        float, typer.Option(min=0, max=1, help="Share of speech in every crop from which a song is dropped.")
    ] = MOST_SPEECH,
    max_duration: Annotated[float, typer.Option(min=1, help="Leave out songs longer than this, in seconds.")] = 900.0,
    limit: Annotated[int | None, typer.Option(min=1, help="Open at most this many songs in this run.")] = None,
    rated_only: Annotated[bool, typer.Option("--rated-only", help="Leave out songs without a rating.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Open again what could not be read.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Accept that files are gone, however many.")] = False,
    preview: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also write the crops as FLAC files, to listen to.")
    ] = None,
    report: Annotated[bool, typer.Option("--report", help="Show the health of the library as a table.")] = False,
    workers: Workers = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")] = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Cut crops of audio out of the songs of a player's library, and print the crops folder.

    A song is opened once: later runs open what is new or changed, and always
    refresh ratings and play counts.
    """
    from ml_skeleton.cores import default_workers  # here, as decoding libraries take a while to import

    from ml_skeleton_extract_audio.cropping import CropPolicy
    from ml_skeleton_extract_audio.extract import Request, extract, forecast
    from ml_skeleton_extract_audio.plan import Selection
    from ml_skeleton_extract_audio.results import show_results
    from ml_skeleton_extract_audio.speech import SpeechPolicy

    request = Request(
        db=db,
        out=out,
        policy=CropPolicy(position, seconds, crops, rate),
        path_map=parse_path_map(path_map or []),
        selection=Selection(max_duration, rated_only, limit, prune),
        speech=SpeechPolicy(speech, speech_threshold, max_speech),
        retry_failed=retry_failed,
        workers=workers or default_workers(),
    )
    if dry_run:
        note(str(forecast(request)))
        return
    note(str(extract(request)))
    show_results(out, preview, limit, report)
    typer.echo(out)


def main() -> None:
    run_tool(app)
