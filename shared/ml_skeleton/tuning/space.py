"""The search space: parameters, the values they can take, and when they exist.

A parameter is a range of numbers or a list of options. It may hang on another
one (`if opt==sgd`), and does not exist in a trial where that one has another
value. A space says nothing of how values are chosen: `Space.settle` asks.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ml_skeleton.errors import UsageError


@dataclass(frozen=True)
class Number:
    """A range of numbers, both ends included."""

    low: float
    high: float
    step: float | None = None
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Options:
    """Some values, each with the text that a command gets for it; no text twice."""

    texts: tuple[str, ...]
    values: tuple[Any, ...]  # JSON values


@dataclass(frozen=True)
class Condition:
    """The parameter exists only while `parent` has the value written `text`."""

    parent: str
    text: str


@dataclass(frozen=True)
class Parameter:
    """A name and what it can be. `kind` is float, log, int, logint, choice, bool or fixed, as on the command line."""

    name: str
    kind: str
    domain: Number | Options
    condition: Condition | None = None

    @property
    def only(self) -> str | None:
        """The text of the one value there is, or None where there is a choice to make."""
        return self.domain.texts[0] if isinstance(self.domain, Options) and len(self.domain.texts) == 1 else None

    def text_for(self, value: Any) -> str:
        """Return what a command got for a value that a trial had."""
        if isinstance(self.domain, Number):
            return text_of(value)
        wanted = json.dumps(value)  # 1 and true are equal in Python
        known = zip(self.domain.texts, self.domain.values, strict=True)
        return next((text for text, one in known if json.dumps(one) == wanted), text_of(value))


@dataclass(frozen=True)
class Setting:
    """The value of a parameter in one trial: what a command line gets, and what a JSON file gets."""

    text: str
    value: Any


class Space:
    """Parameters in an order in which each comes after the one it hangs on."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        _check_nesting(parameters)
        self.parameters = dict(_parents_first(parameters))

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters.values())

    def settle(self, choose: Callable[[Parameter], float | str]) -> dict[str, Setting]:
        """Return the settings of one trial: those of the parameters that exist in it.

        `choose` returns a number of a Number, or one of the texts of Options.
        """
        settled: dict[str, Setting] = {}
        for parameter in self:
            condition = parameter.condition
            if condition and (condition.parent not in settled or settled[condition.parent].text != condition.text):
                continue
            chosen = choose(parameter) if parameter.only is None else parameter.only
            settled[parameter.name] = _setting(parameter.domain, chosen)
        return settled


def text_of(value: Any) -> str:
    """Return `value` as a command gets it: text as it is, all else as JSON, numbers with all their digits."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def nearest(name: str, known: list[str]) -> str:
    """Return the hint that ends a message about an unknown name."""
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}" if known else ""


def _setting(domain: Number | Options, chosen: float | str) -> Setting:
    if isinstance(domain, Options):
        return Setting(str(chosen), domain.values[domain.texts.index(str(chosen))])
    number = int(chosen) if domain.whole else float(chosen)
    return Setting(repr(number), number)


def _parents_first(parameters: Mapping[str, Parameter]) -> Iterator[tuple[str, Parameter]]:
    waiting = dict(parameters)
    for parameter in parameters.values():
        _check_condition(parameter, parameters)
    while waiting:
        ready = [name for name, one in waiting.items() if not one.condition or one.condition.parent not in waiting]
        if not ready:
            raise UsageError(f"the conditions of {', '.join(sorted(waiting))} hang on each other in a circle")
        for name in ready:
            yield name, waiting.pop(name)


def _check_nesting(names: Iterable[str]) -> None:
    """Raise UsageError where one name is a value and a group of others at once: `optimizer` and `optimizer.lr`."""
    known = set(names)
    for name in known:
        outer = name.rpartition(".")[0]
        if outer in known:
            raise UsageError(f"parameter {name}: {outer} is a parameter too, and cannot be a value and a group at once")


def _check_condition(parameter: Parameter, parameters: Mapping[str, Parameter]) -> None:
    if parameter.condition is None:
        return
    where = f"parameter {parameter.name}: if {parameter.condition.parent}=={parameter.condition.text}"
    parent = parameters.get(parameter.condition.parent)
    if parent is None:
        raise UsageError(f"{where}: no parameter of that name{nearest(parameter.condition.parent, list(parameters))}")
    if isinstance(parent.domain, Options):
        if parameter.condition.text not in parent.domain.texts:
            raise UsageError(f"{where}: {parent.name} can only be {', '.join(parent.domain.texts)}")
    elif not _holds(parent.domain, parameter.condition.text):
        raise UsageError(f"{where}: a condition needs a choice, a bool, or a whole number that {parent.name} can be")


def _holds(numbers: Number, text: str) -> bool:
    if not numbers.whole or not text.lstrip("-").isdigit():
        return False
    return str(int(text)) == text and numbers.low <= int(text) <= numbers.high
