"""The gate: whether a version is good enough to be shipped, and not worse than the one that is."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ml_skeleton.artifacts.evaluations import HEADLINE, Evaluation, Measured, read_evaluation
from ml_skeleton.artifacts.files import complete_or_absent
from ml_skeleton.console import show
from ml_skeleton.errors import UsageError, UserError
from ml_skeleton.music.limits import refuse_unknown
from ml_skeleton.music.resampling import album_samples, difference, scored

FEWEST_IN_COMMON = 5
SEED = 42


@dataclass(frozen=True)
class Terms:
    """What a version must keep to pass."""

    lows: Mapping[str, float]
    highs: Mapping[str, float]
    other: Path | None = None  # an evaluation that it must not rank worse than
    shipped: Path | None = None  # the same, where it is there; what passes takes its place

    def before(self) -> list[Path]:
        """Return the evaluations to compare with."""
        return [path for path in (self.other, self.shipped) if path and (path is self.other or path.exists())]


def pass_or_fail(path: Path, version: str | None, terms: Terms, mark: bool = False, exit_zero: bool = False) -> str:
    """Return what a person is told of a version that passes; say a line for each shortfall of one that does not.

    Raises UserError if it does not, unless with `exit_zero`. With `mark` the outcome is noted in its store.
    """
    if not (terms.lows or terms.highs or terms.other or terms.shipped):
        raise UsageError("no limit given: name one with --min, --max, --not-worse-than or --ship")
    evaluation = read_evaluation(path)
    measured = evaluation.version(version, path)
    values = measured.figure_values()
    for option, limits in (("--min", terms.lows), ("--max", terms.highs)):
        refuse_unknown(option, limits, values)
    short = _shortfalls(values, terms.lows, terms.highs)
    for before in terms.before():
        short += _worse(measured, read_evaluation(before).version(None, before), before)
    for line in short:
        show(f"{measured.version}: {line}")
    if mark:
        _mark(evaluation, measured.version, "; ".join(short) or None, path)
    if short:
        verdict = f"{path}: {measured.version} does not pass, so what ships now should stay"
        if exit_zero:
            return verdict
        raise UserError(verdict)
    if terms.shipped is not None:
        with complete_or_absent(terms.shipped) as partial:
            shutil.copyfile(path, partial)
    return f"{measured.version} passes"


def _mark(evaluation: Evaluation, version: str, reason: str | None, path: Path) -> None:
    """Note in the version's store why it did not pass, None if it did."""
    from ml_skeleton.artifacts.embeddings import open_store  # here, as databases take a while to import

    parent = next((parent for parent in evaluation.provenance.parents if parent.part == version), None)
    if parent is None:
        raise UsageError(f"{path}: --mark: {version} is no version of a store, but several side by side")
    with open_store(Path(parent.path)) as store:
        store.version(version)
        store.set_rejected(version, reason)


def _shortfalls(values: Mapping[str, float | None], lows: Mapping[str, float], highs: Mapping[str, float]) -> list[str]:
    """Return a line for each figure beyond its limit; one that is not defined is beyond any."""
    asked = [(name, limit, -1, "at least") for name, limit in lows.items()]
    asked += [(name, limit, 1, "at most") for name, limit in highs.items()]
    lines = []
    for name, limit, sign, words in asked:
        value = values[name]
        if value is None:
            lines.append(f"{name} is undefined, expected {words} {limit:g}")
        elif sign * value > sign * limit:
            lines.append(f"{name} is {value:.4g}, expected {words} {limit:g}")
    return lines


def _worse(new: Measured, old: Measured, path: Path) -> list[str]:
    """Return a line if the new version ranks the songs that both were tested on worse, beyond chance."""
    before = {prediction.audio_id: prediction for prediction in old.predictions}
    common = [prediction for prediction in new.predictions if prediction.audio_id in before]
    if len(common) < FEWEST_IN_COMMON:
        return [
            f"has {len(common)} tested songs in common with {path}, at least {FEWEST_IN_COMMON} are needed to compare"
        ]
    true = np.array([prediction.true for prediction in common])
    weights = album_samples([prediction.album for prediction in common], SEED)
    ours, theirs = (
        scored(np.array([prediction.above(HEADLINE) for prediction in side]), true, weights)
        for side in (common, [before[prediction.audio_id] for prediction in common])
    )
    gain = difference(ours, theirs, "spearman")
    if gain.value is None or gain.high is None or gain.high >= 0:
        return []
    return [
        f"ranks worse than {old.version} of {path}: rank correlation {gain.value:+.2f} "
        f"({gain.low:+.2f} to {gain.high:+.2f}) on {len(common)} songs"
    ]
