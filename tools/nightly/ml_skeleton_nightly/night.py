"""A night: extract what is new, embed it, train a new model when it pays, recommend, tidy up."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ml_skeleton.artifacts.crops import Crops
from ml_skeleton.artifacts.evaluations import read_evaluation
from ml_skeleton.artifacts.files import only_run
from ml_skeleton.artifacts.playlists import read_playlists
from ml_skeleton.console import Terminated, counted, duration_in_words
from ml_skeleton.errors import INTERRUPTED, TERMINATED, UserError
from ml_skeleton.music.limits import known_figures, limits_of, refuse_unknown

from ml_skeleton_nightly.models import Model, Models, count_new, ratings_of, remove, unused_versions, version_of
from ml_skeleton_nightly.status import StatusFile, Step
from ml_skeleton_nightly.steps import Run, StepFailed, run_command


@dataclass(frozen=True)
class Asked:
    """What clem-nightly was asked to do."""

    db: Path
    out: Path
    when_new_ratings: int = 20
    minimum: tuple[str, ...] = ()  # figures that a new model must reach, as `evaluate gate --min` takes them
    keep: int = 3
    config: Path | None = None
    device: str = "auto"
    force: bool = False

    @property
    def crops(self) -> Path:
        """Of clem-extract."""
        return self.out / "crops"

    @property
    def store(self) -> Path:
        """Of embed."""
        return self.out / "artifacts/embeddings.db"

    @property
    def playlists(self) -> Path:
        """Of recommend."""
        return self.out / "artifacts/recommendations"

    @property
    def models(self) -> Models:
        """The models of all nights."""
        return Models(self.out / "models")

    @property
    def status(self) -> Path:
        """What monitoring reads."""
        return self.out / "nightly/status.json"


def run_night(asked: Asked, run: Run = run_command) -> str:
    """Bring everything up to date and return one line about it.

    Raises StepFailed with the exit code of the step that failed, BusyError while
    another night runs. Where only the making of a new model failed, the one of
    before stays in use and the rest of the night is done with it before that is raised.
    """
    with only_run(asked.status):
        settings = {"db": str(asked.db), "when_new_ratings": asked.when_new_ratings, "min": list(asked.minimum)}
        status = StatusFile(asked.status, settings)
        with _ending(status):
            # before the hours of training at whose end the gate would say the same
            refuse_unknown("--min", limits_of("--min", asked.minimum), tuple(known_figures()))
            _Steps(asked, run, status).all()
    return _summary(status)


@contextmanager
def _ending(status: StatusFile) -> Iterator[None]:
    """Have status.json tell how the night ended, whatever ends it."""
    try:
        yield
    except UserError as error:
        status.end(error.exit_code, str(error))
        raise
    except Terminated:
        status.end(TERMINATED, "terminated")
        raise
    except KeyboardInterrupt:
        status.end(INTERRUPTED, "interrupted")
        raise
    except Exception as error:
        status.end(1, f"{type(error).__name__}: {error}")
        raise
    status.end(0)


class _Steps:
    """The steps of one night, in order."""

    def __init__(self, asked: Asked, run: Run, status: StatusFile) -> None:
        self.asked, self.run, self.status = asked, run, status

    def all(self) -> None:
        asked, night, models = self.asked, self.status.night, self.asked.models
        self.step("clem-extract", "--db", asked.db, "--out", asked.crops)
        crops = Crops(asked.crops)
        night.songs, night.new_songs = len(crops.songs), crops.provenance.settings["counts"].get("extracted", 0)
        ratings = ratings_of(crops.songs)
        night.new_ratings = count_new(ratings, models.current())
        failure = None
        if asked.force or models.current() is None or night.new_ratings >= asked.when_new_ratings:
            failure = self.try_to_train(ratings)
        model = models.current()
        if model is None:
            raise failure or UserError(f"{models.folder}: no model there")
        night.model, night.figures = model.name, read_evaluation(model.evaluation).versions[0].figure_values()
        if not night.trained:
            self.step("embed", model.encoder, "--crops", asked.crops, "--store", asked.store, "--device", asked.device)
        self.step("recommend", model.classifier, "--store", asked.store, "--out", asked.playlists)
        night.recommended = sum(len(playlist.tracks) for playlist in read_playlists(asked.playlists))
        self.tidy_up()
        if failure:
            raise failure

    def try_to_train(self, ratings: dict[str, float]) -> StepFailed | None:
        """Make a new model and use it; return what went wrong, after which the old one is still in use."""
        model = self.asked.models.next()
        model.write_ratings(ratings)
        self.asked.models.hand_down_encoder(model)
        try:
            self.train(model)
        except StepFailed as error:
            return error
        self.asked.models.use(model)
        self.status.night.trained = True
        return None

    def train(self, model: Model) -> None:
        asked = self.asked
        self.step("train-encoder", asked.crops, "--out", model.encoder, "--device", asked.device)
        self.step("embed", model.encoder, "--crops", asked.crops, "--store", asked.store, "--device", asked.device)
        version = version_of(asked.store, model)
        self.step("train-classifier", asked.store, "--version", version, "--out", model.classifier)
        self.step("evaluate", asked.store, "--version", version, "--out", model.folder)
        if asked.minimum:
            bounds = [word for bound in asked.minimum for word in ("--min", bound)]
            self.step("evaluate gate", model.evaluation, *bounds, "--mark", configured=False)

    def tidy_up(self) -> None:
        """Remove models that are no longer kept, and their embeddings first, as these are found by the models."""
        asked = self.asked
        outdated = asked.models.outdated(asked.keep)
        for version in unused_versions(asked.store, asked.models, outdated):
            self.step("embed", asked.store, "--drop", version)
        for model in outdated:
            remove(model)

    def step(self, command: str, *arguments: object, configured: bool = True) -> None:
        """Run a command, with its section of the configuration file; raise StepFailed unless it ends with 0."""
        config = ["--config", str(self.asked.config)] if configured and self.asked.config else []
        began, entry = self.status.seconds, Step(command)
        self.status.night.steps.append(entry)
        self.status.write()
        ended = self.run([*command.split(), *map(str, arguments), *config])
        entry.seconds, entry.exit_code = round(self.status.seconds - began, 1), ended.exit_code
        if ended.exit_code:
            raise StepFailed(command, ended)


def _summary(status: StatusFile) -> str:
    night = status.night
    order = (night.figures or {}).get("spearman")
    new_ratings = counted(night.new_ratings or 0, "new rating")
    parts = [
        f"{counted(night.songs or 0, 'song')}, {night.new_songs} opened, {new_ratings}",
        f"model {night.model}{', trained this night' if night.trained else ''}, "
        f"rank correlation {'undefined' if order is None else format(order, '.2f')}",
        f"{counted(night.recommended or 0, 'song')} recommended, in {duration_in_words(status.seconds)}",
    ]
    return "; ".join(parts)
