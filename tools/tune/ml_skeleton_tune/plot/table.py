"""The table of trials: readable without scripts, its size bounded however much the commands printed."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from ml_skeleton.pages.text import escaped
from ml_skeleton.tuning.records import TrialRecord
from ml_skeleton.tuning.trial_folder import TrialFolder, trial_folder

from ml_skeleton_tune.plot.study import SeenStudy

LOG_BYTES = 2 << 20  # of all outputs together
LONGEST_LOG_BYTES = 4096
_LONGEST_CELL = 60
_LONGEST_COMMAND = 4000
_FILES = ("stdout.log", "stderr.log", "metrics.jsonl", "params.json", "result.json")


def trial_table(study: SeenStudy, page: Path) -> str:
    """Return the rows of all trials, with links that are right in `page`."""
    names = [parameter.name for parameter in study.plan.space]
    metrics = [objective.metric for objective in study.objectives]
    header = ["trial", "state", *metrics, "seconds", *names, "reason"]
    titles = "".join(
        f'<th scope="col" aria-sort="none"><button type="button">{escaped(name, _LONGEST_CELL)}</button></th>'
        for name in header
    )
    log_bytes = min(LONGEST_LOG_BYTES, LOG_BYTES // (2 * max(1, len(study.trials))))
    best = {trial.trial for trial in study.winners}
    rows = (_rows(study, trial, trial.trial in best, len(header) + 1, page, log_bytes) for trial in study.trials)
    return f'<table id="trials"><thead><tr>{titles}<th scope="col">output</th></tr></thead>{"".join(rows)}</table>'


def _rows(study: SeenStudy, trial: TrialRecord, best: bool, columns: int, page: Path, log_bytes: int) -> str:
    number = trial.trial
    values = [f"{value:.6g}" for value in trial.values] or [""] * len(study.objectives)
    seconds = "" if trial.seconds is None else f"{trial.seconds:.3g}"
    params = [
        parameter.text_for(trial.params[parameter.name]) if parameter.name in trial.params else ""
        for parameter in study.plan.space
    ]
    cells = "".join(map(_cell, [*values, seconds, *params, trial.reason]))
    mark = ' class="best"' if best else ""
    return (
        f'<tbody id="trial-{number}" data-state="{trial.state}"{mark}>'
        f'<tr><th scope="row" tabindex="-1">{number}</th>'
        f'<td><span class="state {trial.state}">{trial.state}</span></td>'
        f'{cells}<td><button type="button" class="more" aria-expanded="false" aria-controls="output-{number}" '
        f'aria-label="output of trial {number}">show</button></td></tr>'
        f'<tr class="output" id="output-{number}" hidden><td colspan="{columns}">'
        f"{''.join(_details(study, trial, page, log_bytes))}</td></tr></tbody>\n"
    )


def _cell(text: str) -> str:
    whole = f' title="{escaped(text, 500)}"' if len(text) > _LONGEST_CELL else ""
    return f"<td{whole}>{escaped(text, _LONGEST_CELL)}</td>"


def _details(study: SeenStudy, trial: TrialRecord, page: Path, log_bytes: int) -> Iterator[str]:
    folder = trial_folder(study.folder, trial.trial)
    yield f"<p>{_links(folder, page)}</p>"
    result = study.results.get(trial.trial)
    if result:
        code = "not started" if result.exit_code is None else f"exit code {result.exit_code}"
        yield f"<p>{escaped(result.started)} on {escaped(result.host)}, {code}</p>"
        figures = ", ".join(f"{name} {value:.6g}" for name, value in result.metrics.items())
        yield f"<p>{escaped(figures, _LONGEST_COMMAND)}</p>" if figures else ""
    if trial.argv:
        yield f"<pre>{escaped(shlex.join(trial.argv), _LONGEST_COMMAND)}</pre>"
    for path in (folder.stdout, folder.stderr):
        text = _tail(path, log_bytes)
        yield f"<h4>{path.name}</h4><pre>{escaped(text)}</pre>" if text else ""


def _links(folder: TrialFolder, page: Path) -> str:
    there = [folder.path, *(path for path in (folder.path / name for name in _FILES) if path.exists())]
    return " ".join(f'<a href="{escaped(_address(path, page))}">{escaped(path.name)}</a>' for path in there)


def _address(path: Path, page: Path) -> str:
    """Return the address of a file as seen from `page`; one on another drive or disk is none the worse."""
    return quote(os.path.relpath(path.resolve(), page.resolve().parent).encode("utf-8", "surrogateescape"))


def _tail(path: Path, longest: int) -> str:
    """Return the end of an output, from a whole line on."""
    try:
        with open(path, "rb") as log:
            start = max(0, log.seek(0, 2) - longest)
            log.seek(start)
            text = log.read(longest)
    except FileNotFoundError:
        return ""
    shown = _newest_lines(text).strip("\n")
    return f"… {start} bytes before\n{shown.partition(chr(10))[2] or shown}" if start else shown


def _newest_lines(output: bytes) -> str:
    """Return the end of an output as a terminal would leave it: of a line drawn over itself, the last state."""
    text = output.decode("utf-8", "replace").replace("\r\n", "\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
