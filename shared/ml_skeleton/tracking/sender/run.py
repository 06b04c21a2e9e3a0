"""One run on its way to the server: begun there, filled from its folder, ended."""

import json
import shutil
from collections.abc import Callable, Mapping
from typing import Any

from ml_skeleton.tracking.errors import Refused
from ml_skeleton.tracking.runs import Figure, Runs, Status
from ml_skeleton.tracking.spool import RunFolder, Target, is_written

PIECE_BYTES = 1 << 20
UNEXPLAINED = "the process ended without a word: killed, out of memory, or crashed outside Python"


class RunSender:
    """Sends what is new in the folder of a run."""

    _runs: Runs

    def __init__(self, folder: RunFolder, target: Target) -> None:
        self.folder, self.target = folder, target
        self._sent = folder.read_sent()

    @property
    def ended(self) -> bool:
        """Whether the run has ended on the server."""
        return self._sent.ended

    def advance(self, runs: Runs) -> None:
        """Send all that is new, and end the run if its lines say so or its process is gone."""
        self._runs = runs
        run = self._sent.run or self._begin()
        alive = is_written(self.folder.lines)  # before reading, so that no last line is missed
        while not self.ended and (piece := self._read_piece()):
            self._send(run, [line for text in piece.splitlines() if (line := self._parsed(text))])
            self._keep(bytes=self._sent.bytes + len(piece))
        if not alive and not self.ended:
            self._runs.tag(run, {"ml_skeleton.end": UNEXPLAINED})
            self._end(run, "FAILED", None)

    def close(self) -> None:
        """Remove the folder of a run that has ended, or all but the note of what was refused."""
        if self._sent.refused:
            self._keep(done=True)
            self.folder.lines.unlink()
        else:
            self.folder.remove()

    def trouble(self, text: str) -> None:
        """Keep why nothing goes out at the moment."""
        if self.folder.path.exists():
            self._keep(trouble=text)

    def _begin(self) -> str:
        target = self.target
        if target.run_id:
            self._runs.go_on(target.run_id)
            run = target.run_id
        else:
            run = self._runs.begin(target.run_name, {}, {}, self._parent(), target.start_ms)
        self._keep(run=run, artifact_uri=self._runs.artifact_uri(run))
        return run

    def _parent(self) -> str | None:
        if self.target.parent is None:
            return self.target.parent_run_id
        return RunFolder(self.folder.path.with_name(self.target.parent)).read_sent().run

    def _keep(self, **changes: Any) -> None:
        for name, value in ({"trouble": ""} | changes).items():
            setattr(self._sent, name, value)
        self.folder.write_sent(self._sent)

    def _read_piece(self) -> bytes:
        """Return the next complete lines."""
        with open(self.folder.lines, "rb") as file:
            file.seek(self._sent.bytes)
            piece = file.read(PIECE_BYTES)
            if len(piece) == PIECE_BYTES:
                piece += file.readline()
        return piece[: piece.rfind(b"\n") + 1]

    def _parsed(self, text: bytes) -> dict[str, Any]:
        """Return a line; of two that a full disk has run together nothing can be told but that they are lost."""
        try:
            found: dict[str, Any] = json.loads(text)
        except ValueError:
            self._sent.refused.append(f"a line that is damaged: {text[:80].decode('ascii', 'replace')}")
            return {}
        return found

    def _send(self, run: str, lines: list[dict[str, Any]]) -> None:
        params: dict[str, str] = {}
        tags: dict[str, str] = {}
        figures: list[Figure] = []
        for line in lines:
            params |= line.get("params", {})
            tags |= line.get("tags", {})
            for name, value in line.get("metrics", {}).items():
                figures.append(Figure(name, value, line["step"], line["ms"]))
        self._send_params(run, params)
        self._offer("tags", lambda: self._runs.tag(run, tags) if tags else None)
        self._offer("metrics", lambda: self._runs.log(run, figures))
        for line in lines:
            if "artifact" in line:
                self._upload(run, line)
            if "end" in line:
                self._end(run, line["end"], line["ms"])

    def _send_params(self, run: str, params: Mapping[str, str]) -> None:
        """Send parameters together, and one by one where one of them is refused."""
        try:
            self._runs.params(run, params)
        except Refused:
            for name, text in params.items():
                self._offer(f"parameter {name}", lambda one={name: text}: self._runs.params(run, one))  # type: ignore[misc]

    def _upload(self, run: str, line: Mapping[str, Any]) -> None:
        local = self.folder.artifacts / line["artifact"]
        if not local.exists():  # sent by a sender that was killed before it could say so
            return
        self._offer(f"artifact {local.name}", lambda: self._runs.upload(run, local, line["path"]))
        if line.get("register"):
            path = "/".join(filter(None, (line["path"], local.name)))
            self._offer(f"model {line['register']}", lambda: self._runs.register(run, path, line["register"]))
        shutil.rmtree(local.parent)

    def _end(self, run: str, status: Status, end_ms: int | None) -> None:
        self._runs.end(run, status, end_ms)
        self._keep(ended=True)

    def _offer(self, what: str, send: Callable[[], None]) -> None:
        try:
            send()
        except Refused as error:
            self._sent.refused.append(f"{what}: {error}")
