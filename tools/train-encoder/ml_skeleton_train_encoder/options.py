"""Options that hold several numbers by name, such as rating=1,album=0.01: short to type, and open to `tune`."""

import math
from collections.abc import Collection
from difflib import get_close_matches

from ml_skeleton.errors import UsageError
from ml_skeleton.music.objectives import AUGMENTATIONS, PARTS, loss_weights


def weights_of_loss(preset: str, changed: str) -> dict[str, float]:
    """Return the weight of each part of the loss that --loss and --loss-weights ask for."""
    return loss_weights(preset, named_numbers("--loss-weights", changed, PARTS))


def augmentations(changed: str) -> dict[str, float]:
    """Return how likely each augmentation is, by name, as --augment asks for: the usual ones but for what it names."""
    if changed == "none":
        return {}
    shares = AUGMENTATIONS | named_numbers("--augment", changed, AUGMENTATIONS, most=1.0)
    return {name: share for name, share in shares.items() if share > 0}


def named_numbers(option: str, text: str, known: Collection[str], most: float = float("inf")) -> dict[str, float]:
    """Return the numbers of an option by name, - read as _ where that is the name.

    Raises UsageError for a name that is not `known`, and for anything that is no
    number from 0 to `most`.
    """
    by_spelling = {name.replace("_", "-"): name for name in known}
    numbers = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        spelling, _, value = (part.strip() for part in entry.partition("="))
        name = by_spelling.get(spelling.replace("_", "-"))
        if name is None:
            near = get_close_matches(spelling, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"
            raise UsageError(f"{option} {entry}: unknown name {spelling!r}{hint}")
        numbers[name] = _number(option, entry, value, most)
    return numbers


def _number(option: str, entry: str, value: str, most: float) -> float:
    try:
        number = float(value)
    except ValueError:
        raise UsageError(f"{option} {entry}: {value!r} is no number; expected NAME=NUMBER") from None
    if not (0 <= number <= most and math.isfinite(number)):
        raise UsageError(f"{option} {entry}: expected a number from 0 {'on' if math.isinf(most) else f'to {most:g}'}")
    return number
