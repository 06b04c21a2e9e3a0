"""The options of `recommend`: names, meanings, and how their texts are read. All kinds share those of Common."""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer
from ml_skeleton.console import MOST_MINUTES, MOST_SPEECH, Config, Force, MaxSpeech, Quiet, Seed
from ml_skeleton.errors import UsageError
from ml_skeleton.path_map import PathMapTexts, parse_path_map

from ml_skeleton_recommend.request import PARTS, Request, check

if TYPE_CHECKING:
    from ml_skeleton_recommend.make import Output

FORMS = ("xspf", "m3u8", "csv", "json", "parquet")
USUAL_FORMS = "xspf,m3u8,csv,json"
OUT = Path("artifacts/recommendations")
USUAL_CLASSIFIER = Path("checkpoints/classifier.pt")

_DAYS = {"d": 1.0, "w": 7.0, "h": 1 / 24}


def days(text: str) -> float:
    """Return the days of `14d`, `2w` or `12h`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([dwh])", str(text))
    if not found:
        raise UsageError(f"fresh {text}: expected a time such as 14d, 2w or 12h")
    return float(found[1]) * _DAYS[found[2]]


Classifier = Annotated[
    Path | None, typer.Argument(help="Checkpoint of train-classifier; left out, its path is read from stdin.")
]
ClassifierOption = Annotated[Path, typer.Option("--classifier", metavar="FILE", help="Checkpoint of train-classifier.")]
Song = "by path, URL, ROWID or 'artist - title'"
Songs = Annotated[list[str], typer.Argument(metavar="SONG...", help=f"Songs to go by, each {Song}.")]
Begin = Annotated[str, typer.Argument(metavar="A", help=f"Song to begin with, {Song}.")]
End = Annotated[str, typer.Argument(metavar="B", help="Song to arrive at.")]
Unlike = Annotated[list[str] | None, typer.Option(metavar="SONG", help="Stay away from this song; repeatable.")]
PageFolder = Annotated[Path, typer.Argument(help="Folder that holds the page.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes any free one.")]
Recipes = Annotated[
    Path | None, typer.Option("--recipes", metavar="FILE", help="Make all playlists of this YAML file instead.")
]


@dataclass(frozen=True)
class Common:
    """What every kind of playlist can be asked."""

    store: Annotated[
        Path | None, typer.Option(help="Embedding database.", show_default="the one that the classifier was trained on")
    ] = None
    out: Annotated[Path, typer.Option(help="Folder for the playlists; - prints the paths of the songs instead.")] = (
        Path("artifacts/recommendations")
    )
    name: Annotated[str, typer.Option(help="Name of the files.", show_default="the kind")] = ""
    title: Annotated[str, typer.Option(help="Title in the player.", show_default="what the kind makes of it")] = ""
    top: Annotated[
        int | None, typer.Option(min=1, help="Songs in the playlist.", show_default="100; help, path 20")
    ] = None
    minutes: Annotated[float | None, typer.Option(min=1, help="Length of the playlist, instead of --top.")] = None
    where: Annotated[
        str,
        typer.Option(
            metavar="SQL", help="Only songs for which this is true, such as \"genre = 'Jazz' and year < 1970\"."
        ),
    ] = ""
    per_artist: Annotated[int, typer.Option(min=0, help="Songs by one artist at most; 0 is no limit.")] = 10
    per_album: Annotated[int, typer.Option(min=0, help="Songs of one album at most; 0 is no limit.")] = 0
    diversity: Annotated[float, typer.Option(min=0, max=1, help="How much songs must differ from each other.")] = 0.0
    variation: Annotated[float, typer.Option(min=0, max=1, help="How much is left to chance, by --seed.")] = 0.0
    weight: Annotated[
        list[str] | None,
        typer.Option(metavar="PART=SHARE", help=f"Share of {', '.join(PARTS)} in the score; repeatable."),
    ] = None
    fresh: Annotated[
        str, typer.Option(metavar="TIME", help="Hold back what earlier editions of this list held, such as 14d.")
    ] = ""
    order: Annotated[
        Literal["score", "arc"], typer.Option(help="Best first, or loudness rising to a peak and falling again.")
    ] = "score"
    hub_correction: Annotated[
        bool, typer.Option("--hub-correction", help="Tell what sounds alike by mutual proximity instead of cosine.")
    ] = False
    max_speech: MaxSpeech = MOST_SPEECH
    max_length: Annotated[float, typer.Option(min=0, help="Minutes; longer songs are left out.")] = MOST_MINUTES
    seed: Seed = 42
    formats: Annotated[str, typer.Option(metavar="LIST", help=f"Of {', '.join(FORMS)}.")] = USUAL_FORMS
    paths: Annotated[
        Literal["player", "absolute", "relative"],
        typer.Option(
            help="Files as the player's database names them, as this machine does, or relative to the playlist, "
            "which Clementine reads in M3U8 only."
        ),
    ] = "player"
    path_map: PathMapTexts = None
    model_class: Annotated[
        str | None, typer.Option(metavar="MODULE:CLASS", help="Your class, if the classifier is one of yours.")
    ] = None
    html: Annotated[
        bool, typer.Option("--html", help="Write index.html too: the playlists of the folder and a map of the library.")
    ] = False
    force: Force = False
    config: Config = None
    quiet: Quiet = False

    def request(self, kind: str, songs: tuple[str, ...] = (), unlike: tuple[str, ...] = ()) -> Request:
        """Return the playlist asked for; raise UsageError for what makes no sense."""
        same = {field.name for field in fields(Request)} & {field.name for field in fields(self)} - {"weight"}
        values = {name: getattr(self, name) for name in same}
        asked = Request(
            kind,
            songs=songs,
            unlike=unlike,
            weight=weights(self.weight or []),
            fresh_days=days(self.fresh) if self.fresh else 0.0,
            **values,
        )
        return check(asked)

    def output(self) -> "Output":
        """Return where the lists go and in which forms; raise UsageError for an unknown one."""
        from ml_skeleton.artifacts.playlist_forms import Places  # here, as it imports pyarrow

        from ml_skeleton_recommend.make import Output

        forms = tuple(form.strip() for form in self.formats.split(","))
        if unknown := sorted(set(forms) - set(FORMS)):
            raise UsageError(f"--formats {self.formats}: {unknown[0]!r} is none of {', '.join(FORMS)}")
        style = "absolute" if self.path_map and self.paths == "player" else self.paths
        places = Places(style, parse_path_map(self.path_map or []), self.out)
        return Output(self.out, ("json", *forms) if "json" not in forms else forms, places)


def weights(texts: list[str]) -> dict[str, float]:
    """Return what `taste=0.5` and so on say, by part."""
    found = {}
    for text in texts:
        part, _, number = text.partition("=")
        try:
            found[part.strip()] = float(number)
        except ValueError:
            raise UsageError(f"--weight {text}: expected a part and its share, such as taste=0.5") from None
    return found


def with_common(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with the options of Common behind its own; it gets them as its argument `asked`."""
    own = [p for p in signature(command, eval_str=True).parameters.values() if p.name != "asked"]
    hints = get_type_hints(Common, include_extras=True)
    shared = [(field.name, field.default, hints[field.name]) for field in fields(Common)]

    def run(**values: Any) -> None:
        asked = Common(**{name: values.pop(name) for name, _, _ in shared})
        command(**values, asked=asked)

    parameters = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in own]
    parameters += [Parameter(name, Parameter.KEYWORD_ONLY, default=d, annotation=hint) for name, d, hint in shared]
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run
