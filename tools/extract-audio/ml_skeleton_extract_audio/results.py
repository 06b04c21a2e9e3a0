"""What a person is shown of a crops folder after a run: previews to hear, and the health of the library."""

from pathlib import Path

from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.console import counted, note, show

from ml_skeleton_extract_audio.health import health_table


def show_results(out: Path, preview: Path | None, limit: int | None, report: bool) -> None:
    """Write previews of at most `limit` crops to `preview`, and show the table, as far as they are wanted."""
    if preview is not None:
        from ml_skeleton_extract_audio.preview import write_previews  # here, as few runs need soundfile

        note(f"{counted(write_previews(Crops(out), preview, limit), 'preview')} written to {preview}")
    if report:
        show(health_table(out))
