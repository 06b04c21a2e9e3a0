"""mlflow.json: what a tracking server already has of a study or of a trial, kept beside its other files."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ml_skeleton.tuning.trial_folder import trial_folders


@dataclass(frozen=True)
class Sent:
    """What a tracking server has of a trial or a study."""

    run: str | None = None
    lines: int = 0  # of metrics
    step: int = 0  # of the last of them
    ended: bool = False


class SentFile:
    """By tracking URI, what has been sent there."""

    def __init__(self, path: Path, uri: str) -> None:
        self._path, self._uri = path, uri
        try:
            self._all: dict[str, Any] = json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError):
            self._all = {}
        self.sent = Sent(**self._all.get(uri, {}))

    def update(self, **changes: Any) -> None:
        """Change what has been sent, in the file too."""
        self.sent = replace(self.sent, **changes)
        self._all[self._uri] = asdict(self.sent)
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(self._all), encoding="utf-8")
        partial.replace(self._path)


def sent_file(folder: Path, uri: str) -> SentFile:
    """Return what has been sent of the study or trial in `folder`."""
    return SentFile(folder / "mlflow.json", uri)


def anything_to_send(study: Path, uri: str) -> bool:
    """Tell whether the server lacks something of a trial."""
    return not all(sent_file(folder.path, uri).sent.ended for folder in trial_folders(study))
