"""A command with holes: `{name}` the value, `{?name}` the flag if true, `{name!}` `--name=value`, `{{` a brace.

A hole may declare its parameter in place: `{lr:log:1e-5:1e-2}`. The command is
a list of arguments from beginning to end and never passes through a shell, so a
value arrives as it is, whatever is in it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ml_skeleton.errors import UsageError
from ml_skeleton.tuning.grammar import BUILT_IN, NAME, parse_parameter
from ml_skeleton.tuning.space import Parameter, Space, nearest

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+", re.DOTALL)
_HOLE = re.compile(rf"(\??)({NAME})(!?)(?::(.*))?", re.DOTALL)


@dataclass(frozen=True)
class Hole:
    """A place for a value."""

    name: str
    form: Literal["value", "flag", "option"]
    declares: str | None = None  # the description of the parameter, if it stands here


Argument = tuple[str | Hole, ...]


@dataclass(frozen=True)
class CommandTemplate:
    """The arguments of a command, some with holes."""

    arguments: tuple[Argument, ...]

    def holes(self) -> Iterator[Hole]:
        """Yield every hole from left to right."""
        for argument in self.arguments:
            yield from (piece for piece in argument if isinstance(piece, Hole))

    def names(self) -> set[str]:
        """Return the names in all holes."""
        return {hole.name for hole in self.holes()}

    def fixed_program(self) -> str | None:
        """Return the program, or None if it is a parameter itself."""
        pieces = [piece for piece in self.arguments[0] if isinstance(piece, str)]
        return "".join(pieces) if len(pieces) == len(self.arguments[0]) else None

    def declared(self) -> dict[str, Parameter]:
        """Return the parameters that are described in the holes; `{?name}` alone is a bool."""
        found: dict[str, Parameter] = {}
        for hole in self.holes():
            if hole.declares is not None:
                parameter = parse_parameter(hole.name, hole.declares)
                if found.setdefault(hole.name, parameter) != parameter:
                    raise UsageError(f"{{{hole.name}:…}} is described twice, and differently; describe it once")
        return found

    def fill(self, texts: Mapping[str, str]) -> list[str]:
        """Return the arguments for the values in `texts`.

        An argument with a name that `texts` does not hold is left out whole,
        together with the option before it in `--name {name}`.
        """
        filled: list[str] = []
        before: Argument = ()
        for argument in self.arguments:
            holes = [piece for piece in argument if isinstance(piece, Hole)]
            if all(_wanted(hole, texts) for hole in holes):
                filled.append("".join(piece if isinstance(piece, str) else _text(piece, texts) for piece in argument))
            elif _is_value_of(before, argument):
                filled.pop()
            before = argument
        return filled


def parse_command(arguments: Sequence[str]) -> CommandTemplate:
    """Return the template of a command line; raise UsageError for a hole that cannot be read."""
    return CommandTemplate(tuple(_parse_argument(argument) for argument in arguments))


def declare_all(template: CommandTemplate, given: Mapping[str, Parameter]) -> Space:
    """Return the space of the parameters in `given` and in the command.

    Raise UsageError for a hole of an unknown name, for a parameter that no hole
    uses, and for a flag that is not a bool.
    """
    declared = template.declared()
    for name in declared.keys() & given.keys():
        if declared[name] != given[name]:
            raise UsageError(f"{{{name}:…}} and the option or file describe {name} differently; describe it once")
    parameters = {**given, **declared}
    for hole in template.holes():
        if hole.form == "flag" and hole.name not in {*parameters, *BUILT_IN}:
            parameters[hole.name] = parse_parameter(hole.name, "bool")
    for hole in template.holes():
        _check_hole(hole, parameters)
    unused = sorted(parameters.keys() - template.names() - _parents(parameters))
    if unused and "config" not in template.names():
        raise UsageError(
            f"the command does not use {', '.join(unused)}; write {{{unused[0]}}} where it goes, or {{config}}"
        )
    return Space(parameters)


def _parents(parameters: Mapping[str, Parameter]) -> set[str]:
    return {parameter.condition.parent for parameter in parameters.values() if parameter.condition}


def _check_hole(hole: Hole, parameters: Mapping[str, Parameter]) -> None:
    known = [*parameters, *BUILT_IN]
    if hole.name not in known:
        raise UsageError(
            f"{{{hole.name}}}: no such parameter{nearest(hole.name, known)}; for a brace itself write {{{{ or }}}}"
        )
    if hole.form == "flag" and (hole.name in BUILT_IN or parameters[hole.name].kind != "bool"):
        raise UsageError(f"{{?{hole.name}}}: only a bool can be a flag")


def _parse_argument(text: str) -> Argument:
    pieces: list[str | Hole] = []
    for token in _TOKEN.finditer(text):
        if token[1] is not None:
            pieces.append(_parse_hole(text, token[1]))
        elif token[0] in "{}":
            raise UsageError(f"{text!r}: a single brace; write {{{{ or }}}} for the brace itself")
        else:
            pieces.append({"{{": "{", "}}": "}"}.get(token[0], token[0]))
    for piece in pieces:
        if isinstance(piece, Hole) and piece.form != "value" and len(pieces) > 1:
            raise UsageError(f"{text!r}: {{?name}} and {{name!}} stand alone in their argument")
    return tuple(pieces)


def _parse_hole(argument: str, inside: str) -> Hole:
    found = _HOLE.fullmatch(inside)
    if not found or (found[1] and found[3]):
        raise UsageError(
            f"{argument!r}: {{{inside}}} is no placeholder; write {{name}}, {{name:kind:…}}, {{?name}} or {{name!}}, "
            "and {{ or }} for a brace itself"
        )
    return Hole(found[2], "flag" if found[1] else "option" if found[3] else "value", found[4])


def _wanted(hole: Hole, texts: Mapping[str, str]) -> bool:
    return hole.name in texts and (hole.form != "flag" or texts[hole.name] == "true")


def _text(hole: Hole, texts: Mapping[str, str]) -> str:
    if hole.form == "flag":
        return f"--{hole.name}"
    return f"--{hole.name}={texts[hole.name]}" if hole.form == "option" else texts[hole.name]


def _is_value_of(before: Argument, argument: Argument) -> bool:
    """Tell whether `argument` is the value of the option before it: `--name {name}`, both one argument on the page."""
    alone = len(argument) == 1 and isinstance(argument[0], Hole) and argument[0].form == "value"
    option = before[0] if len(before) == 1 and isinstance(before[0], str) else ""
    return alone and option.startswith("-") and option != "--" and "=" not in option
