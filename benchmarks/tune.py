"""Times what `tune run` adds to a command, beside other ways to run the same trials; and the quality of its search.

    python benchmarks/tune.py                    cost per trial, start, ask after 1,000 trials, warm starts
    python benchmarks/tune.py --orion            beside `orion hunt`, installed into a throwaway environment
    python benchmarks/tune.py --quality          the best of 60 trials on three functions, over 20 seeds

Each figure is printed with its limit. A cost is that of a trial more: what a
long run takes beyond a short one, so that starting up is not in it. Ratios are
of CPU time, user and system, which other work on the machine disturbs least.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CommandFor = Callable[[int], list[str]]  # the command line that runs so many trials

BIN = Path(sys.executable).parent
COMMAND = ["/usr/bin/printf", '{{"loss": %s}}\\n', "{x:float:0:1}"]
SHORT, LONG = 20, 220

IN_PROCESS = """
import subprocess, sys, optuna
from optuna.storages.journal import JournalFileBackend, JournalStorage
optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(storage=JournalStorage(JournalFileBackend("journal.log")), study_name="s",
                            load_if_exists=True, sampler=optuna.samplers.TPESampler(seed=1))
def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    return float(subprocess.run(["/usr/bin/printf", "%s", str(x)], capture_output=True).stdout)
study.optimize(objective, n_trials=int(sys.argv[1]))
"""
IMPORTS_TORCH = "import torch\nprint('{\"loss\": 1}')\n"
IMPORTS_NOTHING = "print('{\"loss\": 1}')\n"


@dataclass(frozen=True)
class Cost:
    """Milliseconds."""

    wall: float
    cpu: float


def measure(command: list[str], folder: Path) -> Cost:
    """Run a command to its end and return what it and all its children took."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{command}: exit {done.returncode}: {done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall * 1000, cpu * 1000)


def per_trial(*commands: CommandFor, short: int = SHORT, long: int = LONG) -> list[Cost]:
    """Return the cost of one trial more of each: that of the cheapest of five long runs beyond the cheapest short one.

    They take turns, so that a busy minute of the machine falls on all of them.
    """
    few: list[list[Cost]] = [[] for _ in commands]
    many: list[list[Cost]] = [[] for _ in commands]
    for _ in range(5):
        for number, command_for in enumerate(commands):
            for trials, costs in ((short, few), (long, many)):
                with tempfile.TemporaryDirectory() as folder:
                    costs[number].append(measure(command_for(trials), Path(folder)))
    return [_beyond(one, other, long - short) for one, other in zip(few, many, strict=True)]


def _beyond(few: list[Cost], many: list[Cost], trials: int) -> Cost:
    wall = min(cost.wall for cost in many) - min(cost.wall for cost in few)
    cpu = min(cost.cpu for cost in many) - min(cost.cpu for cost in few)
    return Cost(wall / trials, cpu / trials)


def tune_run(trials: int, *options: str, command: list[str] = COMMAND) -> list[str]:
    """Return the command line of a study."""
    fixed = ["--mlflow", "off", "--quiet", "--no-reuse", "--pruner", "none"]
    return [str(BIN / "tune"), "run", "-n", str(trials), "-m", "loss:min", "--study", "s", *fixed, *options, *command]


def in_process(trials: int) -> list[str]:
    """Return a Python program that has Optuna search and start the same program."""
    return [sys.executable, "-c", IN_PROCESS, str(trials)]


def shell_loop(trials: int) -> list[str]:
    """Return a loop of a shell that runs the same program."""
    return ["sh", "-c", f"i=0; while [ $i -lt {trials} ]; do /usr/bin/printf '%s' 0.5; i=$((i+1)); done"]


def show(name: str, cost: Cost, of: Cost | None = None, limit: float | None = None) -> None:
    """Print one line: figures, ratio, limit."""
    ratio = f"  {cost.cpu / of.cpu:6.2f} times" if of else ""
    bound = f"  (limit {limit:g})" if limit else ""
    print(f"{name:48} {cost.cpu:9.1f} ms CPU {cost.wall:9.1f} ms{ratio}{bound}", flush=True)


def costs() -> None:
    """Print what a trial costs, in tune and elsewhere."""
    loop, plain, ours = per_trial(shell_loop, in_process, tune_run)
    show("a bare shell loop", loop)
    show("Optuna in process, journal, subprocess", plain)
    show("tune run: folder, logs, lease, result", ours, plain, 2.0)
    show("optuna ask and tell, the command line", optuna_command_line(), plain)


def optuna_command_line() -> Cost:
    """Return the cost of one trial with `optuna ask` and `optuna tell`."""
    space = '{"x": {"name": "FloatDistribution", "attributes": {"low": 0, "high": 1}}}'
    storage = ["--storage", "sqlite:///s.db", "--study-name", "s"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure([str(BIN / "optuna"), "create-study", *storage], folder)
        ask = measure([str(BIN / "optuna"), "ask", *storage, "--search-space", space], folder)
        tell = measure([str(BIN / "optuna"), "tell", *storage, "--trial-number", "0", "--values", "1"], folder)
    return Cost(ask.wall + tell.wall, ask.cpu + tell.cpu)


def orion_hunt() -> None:
    """Print the cost of a trial of Oríon, which needs old packages and gets an environment of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "objective.sh").write_text(
            'printf \'[{"name": "loss", "type": "objective", "value": %s}]\' "$2" >"$ORION_RESULTS_PATH"\n'
        )
        python = folder / "venv/bin/python"
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        packages = [
            "orion",
            "setuptools<80",
            "typing_extensions",
            "numpy<2",
            "pandas<2.2",
            "scipy<1.12",
            "scikit-learn<1.4",
            "xarray<2024",
        ]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True, capture_output=True)
        hunt = [str(folder / "venv/bin/orion"), "hunt", "-n", "s", "--worker-max-trials"]
        database = folder / "orion.yaml"
        database.write_text("database:\n  type: pickleddb\n  host: s.pkl\n")

        def hunt_for(trials: int) -> list[str]:
            rest = ["-c", str(database), "sh", str(folder / "objective.sh"), "-x~uniform(0, 1)"]
            return [*hunt, str(trials), "--max-trials", "1000", *rest]

        theirs, ours = per_trial(hunt_for, tune_run, short=5, long=45)
        show("orion hunt", theirs)
        show("tune run beside it", ours)
        print(f"{'orion hunt over tune run':48} {theirs.cpu / ours.cpu:9.1f} times  (limit 6)")


def start() -> None:
    """Print how long it takes from the start of `tune run` to that of its first command, beside Optuna's import."""
    command = [sys.executable, "-c", "import time; print('{{\"loss\": %r}}' % time.time())"]
    waits, imports = [], []
    for _ in range(5):
        with tempfile.TemporaryDirectory() as folder:
            imports.append(measure([sys.executable, "-c", "import optuna"], Path(folder)).wall)
            began = time.time()
            measure(tune_run(1, command=command), Path(folder))
            result = json.loads((Path(folder) / "s/trials/00000/result.json").read_text())
            waits.append((result["value"] - began) * 1000)
    print(f"{'import of Optuna':48} {min(imports):9.1f} ms, best of 5")
    print(f"{'start of tune run to its first command':48} {min(waits):9.1f} ms, best of 5  (limit 800)", flush=True)


def ask_after(trials: int) -> None:
    """Print how long asking takes in a study of so many finished trials."""
    from ml_skeleton.tuning.journal import JournalStore
    from ml_skeleton.tuning.objective import parse_objective
    from ml_skeleton.tuning.search import Search, SearchSettings
    from ml_skeleton.tuning.study import new_plan
    from ml_skeleton.tuning.trial_folder import Result

    with tempfile.TemporaryDirectory() as folder:
        command = ["true", *(f"{{x{number}:float:0:1}}" for number in range(5))]
        plan = new_plan(command, None, None, parse_objective("loss:min", "last", None), 1)
        search = Search(JournalStore(Path(folder)), plan, SearchSettings("tpe", "none", 1))
        times = []
        for number in range(trials + 20):
            began = time.process_time()
            attempt, settings = search.ask()
            times.append((time.process_time() - began) * 1000)
            value = sum(setting.value for setting in settings.values())
            search.tell(attempt, Result(number, "complete", value, "", 0, 0.0, "", "", None, values=[value]))
    median = statistics.median(times[-20:])
    print(f"{f'ask after {trials} trials of 5 parameters':48} {median:9.1f} ms CPU  (limit 50)", flush=True)


def warm_starts() -> None:
    """Print what a program that imports torch costs from a warm parent, beside one that imports nothing."""
    with tempfile.TemporaryDirectory() as folder:
        programs = {"torch": IMPORTS_TORCH, "nothing": IMPORTS_NOTHING}
        for name, text in programs.items():
            (Path(folder) / f"imports_{name}.py").write_text(text)
        nothing, torch = ([sys.executable, f"{folder}/imports_{name}.py"] for name in ("nothing", "torch"))
        cold, forked = per_trial(
            lambda trials: tune_run(trials, command=nothing),
            lambda trials: tune_run(trials, "--warm", "torch", command=torch),
            short=5,
            long=105,
        )
        show("a Python command that imports nothing", cold)
        show("one that imports torch, --warm torch", forked, cold, 1.5)
        (unwarmed,) = per_trial(lambda trials: tune_run(trials, command=torch), short=1, long=3)
        show("one that imports torch", unwarmed, cold)


def sphere(x: float, y: float) -> float:
    return x * x + y * y


def rosenbrock(x: float, y: float) -> float:
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def ackley(x: float, y: float) -> float:
    mean = math.exp(0.5 * (math.cos(2 * math.pi * x) + math.cos(2 * math.pi * y)))
    return -20 * math.exp(-0.2 * math.sqrt(0.5 * (x * x + y * y))) - mean + math.e + 20


def quality(seeds: int = 20, budget: int = 60) -> None:
    """Print, for each function, how often tune's search ends with a better value than Optuna's own, and the medians."""
    import optuna
    from ml_skeleton.tuning.objective import parse_objective
    from ml_skeleton.tuning.search import Search, SearchSettings
    from ml_skeleton.tuning.study import new_plan
    from ml_skeleton.tuning.trial_folder import Result

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for function in (sphere, rosenbrock, ackley):
        ours, theirs = [], []
        for seed in range(seeds):
            command = ["true", "{x:float:-5:5}", "{y:float:-5:5}"]
            plan = new_plan(command, None, None, parse_objective("loss:min", "last", None), seed)
            search = Search(None, plan, SearchSettings("tpe", "none", seed))
            values = []
            for number in range(budget):
                attempt, settings = search.ask()
                values.append(function(settings["x"].value, settings["y"].value))
                search.tell(
                    attempt, Result(number, "complete", values[-1], "", 0, 0.0, "", "", None, values=values[-1:])
                )
            ours.append(min(values))
            study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
            for _ in range(budget):
                trial = study.ask()
                study.tell(trial, function(trial.suggest_float("x", -5, 5), trial.suggest_float("y", -5, 5)))
            theirs.append(study.best_value)
        wins = sum(a < b for a, b in zip(ours, theirs, strict=True))
        medians = f"median {statistics.median(ours):.4g} against {statistics.median(theirs):.4g}"
        chance = sign_test(wins, seeds)
        print(
            f"{function.__name__:12} better in {wins} of {seeds}, {medians}; p that it is worse by chance {chance:.2f}"
        )


def sign_test(wins: int, pairs: int) -> float:
    """Return the chance of so few wins if both are equally good; below 0.05 the search is worse."""
    return sum(math.comb(pairs, count) for count in range(wins + 1)) / 2**pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orion", action="store_true", help="orion hunt, which is installed for it, alone")
    parser.add_argument("--quality", action="store_true", help="the quality of the search, alone")
    options = parser.parse_args()
    os.environ["MLFLOW_TRACKING_URI"] = "off"
    if options.quality:
        quality()
    elif options.orion:
        orion_hunt()
    else:
        costs()
        start()
        ask_after(1000)
        warm_starts()


if __name__ == "__main__":
    main()
