"""Tuning a training function with Ray Tune, on this machine or on the cluster that RAY_ADDRESS names."""

import itertools
import math
import os
import pickle
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune import schedulers
from ray.tune.search.optuna import OptunaSearch

from ml_skeleton.console import warn
from ml_skeleton.core.config import ExperimentConfig
from ml_skeleton.core.protocols import TrainFunction
from ml_skeleton.core.trackers import tracker_of
from ml_skeleton.errors import UsageError
from ml_skeleton.tuning.builder import space_of_config
from ml_skeleton.tuning.live_trial import OBJECTIVE
from ml_skeleton.tuning.outcome import NoTrialComplete
from ml_skeleton.tuning.pickled import pickled
from ml_skeleton.tuning.ray_trial import RayTask, run_ray_trial
from ml_skeleton.tuning.space import Number, Parameter, nearest

_SCHEDULERS = {
    "ASHAScheduler": schedulers.ASHAScheduler,
    "ASHA": schedulers.ASHAScheduler,
    "AsyncHyperBandScheduler": schedulers.ASHAScheduler,
    "PopulationBasedTraining": schedulers.PopulationBasedTraining,
    "PBT": schedulers.PopulationBasedTraining,
    "HyperBandScheduler": schedulers.HyperBandScheduler,
    "MedianStoppingRule": schedulers.MedianStoppingRule,
    "FIFOScheduler": schedulers.FIFOScheduler,
}
EXPLOIT_EVERY_REPORTS = 5  # how often population based training looks for trials to replace
_SEARCHES = ("OptunaSearch", "BasicVariantGenerator")


class RayTuneTuner:
    """A search over the hyperparameters of one training function."""

    def __init__(
        self, train_fn: TrainFunction, config: ExperimentConfig, mlflow_tracking_uri: str | None = None
    ) -> None:
        """Only take note; raise UsageError for a scheduler or a search that there is none of."""
        uri = config.mlflow.tracking_uri if mlflow_tracking_uri is None else mlflow_tracking_uri
        self._config = replace(config, mlflow=replace(config.mlflow, tracking_uri=uri))
        self._train_fn, self._tuning = train_fn, config.tuning
        self._parameters = config.tuning.search_space.parameters
        _check("scheduler", self._tuning.scheduler, list(_SCHEDULERS))
        _check("search_alg", self._tuning.search_alg, list(_SEARCHES))

    def optimize(self) -> dict[str, Any]:
        """Run `num_samples` trials and return the best.

        The keys are best_params, best_value, n_trials and study (Ray's ResultGrid).
        Raises UserError if no trial is complete.
        """
        space = {parameter.name: self._domain(parameter) for parameter in space_of_config(self._parameters)}
        if not space:
            raise UsageError("tuning.search_space: empty; build one with SearchSpaceBuilder")
        with tracker_of(self._config, self._config.name) as tracker, _ray():
            tracker.set_tags(self._config.tags)
            grid, results = self._search(RayTask(self._train_fn, self._config, tracker.run_id), space)
            complete = [result for result in results if _is_complete(result)]
            better = min if complete[0].metrics["minimize"] else max
            best = better(complete, key=lambda result: float(result.metrics[OBJECTIVE]))
            params, value = dict(best.config), float(best.metrics[OBJECTIVE])
            tracker.log_metrics({"best_value": value})
            tracker.log_params({f"best_{name}": one for name, one in params.items()})
        return {"best_params": params, "best_value": value, "n_trials": len(results), "study": grid}

    def _search(self, task: RayTask, space: dict[str, Any]) -> tuple[Any, list[Any]]:
        """Run the trials. The first complete one runs alone: only its result says which way is better."""
        end = None if self._tuning.timeout is None else time.monotonic() + self._tuning.timeout
        results: list[Any] = []
        grid = None
        while len(results) < self._tuning.num_samples and not any(map(_is_complete, results)):
            grid = self._tuner(task, space, len(results), None, end).fit()
            results += list(grid)
        first = next(filter(_is_complete, results), None)
        if first is None:
            raise NoTrialComplete(f"none of {len(results)} trials is complete; {_reason(results)}")
        if len(results) < self._tuning.num_samples and (end is None or time.monotonic() < end):
            grid = self._tuner(task, space, len(results), "min" if first.metrics["minimize"] else "max", end).fit()
            results += list(grid)
        return grid, results

    def _tuner(self, task: RayTask, space: dict[str, Any], done: int, mode: str | None, end: float | None) -> Any:
        """Return a tuner for the rest of the trials, or without a mode for one that runs to its end."""
        tuning, folder = self._tuning, Path(self._config.artifact_dir).resolve() / "ray"
        keep = mode is not None and _SCHEDULERS[tuning.scheduler] is schedulers.PopulationBasedTraining
        scheduler = self._scheduler(space) if mode else schedulers.FIFOScheduler()
        numbers = itertools.count(done)
        return tune.Tuner(
            tune.with_resources(
                _trainable(task, folder / self._config.name, keep), _within_reach(tuning.resources_per_trial)
            ),
            param_space=space,
            tune_config=tune.TuneConfig(
                metric=OBJECTIVE if mode else None,
                mode=mode,
                search_alg=self._algorithm(done) if mode and not keep else None,
                scheduler=scheduler,
                num_samples=tuning.num_samples - done if mode else 1,
                max_concurrent_trials=None if keep else tuning.max_concurrent_trials,
                time_budget_s=None if end is None else max(1.0, end - time.monotonic()),
                trial_name_creator=lambda _trial: f"trial_{next(numbers):05d}",
            ),
            run_config=tune.RunConfig(
                name=f"{self._config.name}-{time.strftime('%Y%m%d-%H%M%S')}-{done}", storage_path=str(folder), verbose=0
            ),
        )

    def _scheduler(self, space: dict[str, Any]) -> Any:
        made = _SCHEDULERS[self._tuning.scheduler]
        if made is schedulers.PopulationBasedTraining:
            return made(
                time_attr="training_iteration", perturbation_interval=EXPLOIT_EVERY_REPORTS, hyperparam_mutations=space
            )
        return made()

    def _algorithm(self, done: int) -> Any:
        seed = self._config.seed + done
        return OptunaSearch(seed=seed) if self._tuning.search_alg == "OptunaSearch" else None

    def _domain(self, parameter: Parameter) -> Any:
        domain = parameter.domain
        if not isinstance(domain, Number):
            return tune.choice(list(self._parameters[parameter.name]["choices"]))
        if domain.whole:
            low, high = int(domain.low), int(domain.high) + 1  # Ray leaves the upper end out
            if domain.log:
                return tune.lograndint(low, high)
            return (
                tune.randint(low, high) if domain.step in (None, 1) else tune.qrandint(low, high - 1, int(domain.step))
            )
        if domain.log:
            return tune.loguniform(domain.low, domain.high)
        return (
            tune.uniform(domain.low, domain.high)
            if domain.step is None
            else tune.quniform(domain.low, domain.high, domain.step)
        )


def _trainable(task: RayTask, folder: Path, keep_checkpoints: bool) -> Callable[[dict[str, Any]], None]:
    """Return the function that Ray runs in its workers."""
    content = pickled(task, task.train_fn)

    def train(params: dict[str, Any]) -> None:
        def report(figures: dict[str, Any], checkpoints: Path) -> None:
            kept = keep_checkpoints and any(checkpoints.iterdir())  # without, Ray copies nothing
            tune.report(figures, checkpoint=tune.Checkpoint.from_directory(str(checkpoints)) if kept else None)

        context = tune.get_context()
        name, start = str(context.get_trial_name()), tune.get_checkpoint()
        place = folder / f"{name}-{context.get_trial_id()}"
        with start.as_directory() if start else nullcontext() as start_from:
            run_ray_trial(
                pickle.loads(content),
                int(name.rpartition("_")[2]),
                place,
                params,
                report,
                Path(start_from) if start_from else None,
            )

    return train


@contextmanager
def _ray() -> Iterator[None]:
    """Connect to the cluster of RAY_ADDRESS, or start Ray here; what was started here is stopped again."""
    ours = not ray.is_initialized()
    if ours:
        # data named by relative paths is where the script is, not in the folder of a trial
        os.environ.setdefault("RAY_CHDIR_TO_TRIAL_DIR", "0")
        ray.init(log_to_driver=False, logging_level="ERROR", include_dashboard=False)
    try:
        yield
    finally:
        if ours:
            ray.shutdown()


def _within_reach(wanted: Mapping[str, float]) -> dict[str, float]:
    """Return the resources of a trial, no more than there are: Ray would wait for others for ever."""
    there = ray.cluster_resources()
    given = {name: min(float(amount), there.get(name.upper(), 0.0)) for name, amount in wanted.items()}
    for name in wanted:
        if given[name] < wanted[name]:
            warn(f"resources_per_trial: {name}: {wanted[name]:g} wanted and {given[name]:g} there, which a trial gets")
    return given


def _is_complete(result: Any) -> bool:
    figures = result.metrics or {}
    return result.error is None and bool(figures.get("complete")) and math.isfinite(figures[OBJECTIVE])


def _reason(results: list[Any]) -> str:
    errors = [str(result.error).strip().splitlines()[-1] for result in results if result.error]
    if not errors and any((result.metrics or {}).get("complete") for result in results):
        return "no result was a finite number"
    return f"the first error: {errors[0]}" if errors else "the time was up"


def _check(option: str, found: str, known: list[str]) -> None:
    if found not in known:
        raise UsageError(f"tuning.{option}: found {found!r}{nearest(found, known)}")
