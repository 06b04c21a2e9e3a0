"""The loop of a study in the hands of a script: `tune ask`, `report`, `tell`, and `retry` of what is over."""

import json
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ml_skeleton.errors import BusyError, InputError, UsageError, UserError
from ml_skeleton.tuning.attempts import Attempt
from ml_skeleton.tuning.constraints import broken_in_words
from ml_skeleton.tuning.lease import write_loan
from ml_skeleton.tuning.objective import TrialFigures, as_number
from ml_skeleton.tuning.others import Others
from ml_skeleton.tuning.search import Search, seed_of
from ml_skeleton.tuning.trial import argv_of
from ml_skeleton.tuning.trial_folder import Result, State, TrialFolder, trial_folder

_GRACE_S = 10.0


def ask_trial(folder: Path, search: Search, target: int | None, loan_s: float) -> dict[str, Any]:
    """Take the next trial for a script, which has `loan_s` seconds for its next word; return what it is.

    Raise InputError if `target` trials are finished, BusyError if others work on
    the last of them.
    """
    study, plan = folder.resolve(), search.plan
    Others(study, plan, search, _GRACE_S).take_over(set())
    asked = search.ask_within(target or len(search.finished) + 2**31, _loan(loan_s))
    if asked is None:
        if target is not None and len(search.finished) >= target:
            raise InputError(f"{folder}: {len(search.finished)} trials are finished, and no more were wanted")
        raise BusyError(f"{folder}: the last of {target} trials are being worked on")
    attempt, settings = asked
    trial = trial_folder(study, attempt.number)
    argv = argv_of(study, plan, attempt.number, settings, None) if plan.command else []
    trial.prepare(settings, argv, nested=True)
    write_loan(trial.lease, time.time() + loan_s)
    return {
        "trial": attempt.number,
        "params": {name: setting.value for name, setting in settings.items()},
        "seed": seed_of(plan.seed, attempt.number),
        "dir": str(trial.path),
        "metrics": str(trial.metrics),
        "config": str(trial.config),
        **({"argv": argv} if argv else {}),
    }


def report_step(folder: Path, search: Search, number: int, line: Mapping[str, Any], loan_s: float) -> bool:
    """Append a line of metrics to a trial that was asked for, and tell whether to give it up."""
    attempt = _lent(folder, search, number)
    trial = trial_folder(folder.resolve(), number)
    if "step" not in line:
        raise UsageError(f'found {json.dumps(dict(line))}, expected a "step" in it; tune tell takes the result')
    step = as_number(line["step"])
    if not (step >= 0 and step.is_integer()):
        raise UsageError(f'"step": found {json.dumps(line["step"])}, expected a whole number, 0 or more')
    figures = TrialFigures(trial, search.plan.objectives)
    figures.new_points()
    _append(trial, line)
    search.report(attempt, figures.new_points())
    write_loan(trial.lease, time.time() + loan_s)
    search.lend(attempt, {**(attempt.worker or {}), **_loan(loan_s), "since": (attempt.worker or {})["since"]})
    return search.hopeless(attempt)


def tell_trial(
    folder: Path, search: Search, number: int, figures: Mapping[str, Any] | None, state: State, reason: str
) -> Result:
    """End a trial that was asked for: with these figures, or those that are in its files, or another state."""
    attempt = _lent(folder, search, number)
    trial = trial_folder(folder.resolve(), number)
    if figures is not None:
        _append(trial, figures)
    plan = search.plan
    score = TrialFigures(trial, plan.objectives).score(plan.constraints)
    if state == "complete" and score.value is None:
        state, reason = "failed", score.reason
    complete = state == "complete"
    since = float((attempt.worker or {})["since"])
    result = Result(
        trial=number,
        state=state,
        value=score.value if complete else None,
        reason=broken_in_words(plan.constraints, score.metrics) if complete else reason or "as the script told",
        exit_code=None,
        seconds=round(max(0.0, time.time() - since), 3),
        started=datetime.fromtimestamp(since, UTC).isoformat(timespec="milliseconds"),
        host=socket.gethostname(),
        commit=None,
        metrics=score.metrics,
        skipped_lines=score.skipped_lines,
        values=list(score.values) if complete else [],
        violations=[one.violation(score.metrics) for one in plan.constraints] if complete else [],
        attempt=attempt.attempt,
    )
    trial.write_result(result)
    search.tell(attempt, result)
    return result


def retry_trials(folder: Path, search: Search, numbers: Sequence[int]) -> list[int]:
    """Queue trials again that are over, the failed ones if none are named, and return them.

    A loan that a script does not give back is ended, if the trial is named.
    """
    study, queued = folder.resolve(), []
    with search.claim():
        search.refresh()
        failed = [number for number in search.finished if _state(search, study, number) == "failed"]
        for number in sorted(set(numbers) or failed):
            if not search.knows(number):
                raise InputError(f"{folder}: no trial {number}")
            lent = next((one for one in search.running() if one.number == number and search.is_newest(one)), None)
            if number in search.finished:
                search.retry(number)
            elif lent and lent.worker and "until" in lent.worker:
                search.again(lent, lent.failures, lent.interruptions)
            else:
                raise UserError(f"{folder}: trial {number} is not over; it is running or queued already")
            trial_folder(study, number).result.unlink(missing_ok=True)
            queued.append(number)
    return queued


def _state(search: Search, study: Path, number: int) -> State | None:
    result = search.result(number) or trial_folder(study, number).read_result()
    return result.state if result else None


def _lent(folder: Path, search: Search, number: int) -> Attempt:
    """Return the attempt at a trial that a script is on; raise UserError if none is."""
    for attempt in search.running():
        if attempt.number == number and search.is_newest(attempt) and attempt.worker and "until" in attempt.worker:
            return attempt
    if not search.knows(number):
        raise InputError(f"{folder}: no trial {number} was asked for")
    over = "is over" if number in search.finished else "is queued or running elsewhere, as its time ran out"
    raise UserError(f"{folder}: trial {number} {over}; ask for another one")


def _loan(loan_s: float) -> dict[str, float]:
    now = time.time()
    return {"until": now + loan_s, "since": now}


def _append(trial: TrialFolder, line: Mapping[str, Any]) -> None:
    try:
        with open(trial.metrics, "a", encoding="utf-8") as lines:
            lines.write(json.dumps(dict(line)) + "\n")
    except OSError as error:
        raise UserError(f"{trial.metrics}: cannot append metrics: {error.strerror}") from None
