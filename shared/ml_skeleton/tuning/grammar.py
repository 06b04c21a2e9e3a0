"""How a search space is written: `KIND:ARGS[:step=S][ if other==v]`, and the same as YAML or JSON.

lr=log:1e-5:1e-2     layers=int:2:6     width=int:64:512:step=64     opt=choice:sgd,adam
mom=float:0.5:0.99 if opt==sgd          note=choice:["two words","a,b"]     augment=bool     epochs=fixed:20
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from ml_skeleton.errors import InputError, UsageError
from ml_skeleton.tuning.space import Condition, Number, Options, Parameter, nearest, text_of

NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
BUILT_IN = ("dir", "trial", "study", "seed", "gpu", "config", "metrics")
NUMBER_KINDS = {"float": (False, False), "log": (True, False), "int": (False, True), "logint": (True, True)}
KINDS = [*NUMBER_KINDS, "choice", "bool", "fixed"]

_CONDITION = re.compile(rf" if ({NAME})==(.*)$", re.DOTALL)
_EXPONENT_WITHOUT_POINT = re.compile(r"[-+]?\d+[eE][-+]?\d+")  # YAML 1.1 reads 1e-5 as text


def parse_parameter(name: str, text: str) -> Parameter:
    """Return the parameter that `text` describes; raise UsageError saying what was expected."""
    _check_name(name)
    where = f"parameter {name}={text}"
    found = _CONDITION.search(text, _end_of_list(where, text))
    body = text[: found.start()] if found else text
    kind, colon, arguments = body.partition(":")
    domain = _domain(where, kind, arguments if colon else None)
    return Parameter(name, kind, domain, Condition(found[1], found[2]) if found else None)


def parse_assignment(text: str) -> Parameter:
    """Return the parameter of one `-p NAME=KIND:ARGS`."""
    name, equals, description = text.partition("=")
    if not equals:
        raise UsageError(f"-p {text}: expected NAME=KIND:ARGS, such as lr=log:1e-5:1e-2")
    return parse_parameter(name, description)


def describe(parameter: Parameter) -> str:
    """Return the parameter as the command line would describe it, for a message."""
    domain, kind, condition = parameter.domain, parameter.kind, parameter.condition
    if isinstance(domain, Number):
        kind += f":{text_of(domain.low)}:{text_of(domain.high)}"
        kind += "" if domain.step is None else f":step={text_of(domain.step)}"
    elif kind != "bool":
        as_list = any("," in text for text in domain.texts) and kind == "choice"
        kind += ":" + (text_of(list(domain.texts)) if as_list else ",".join(domain.texts))
    return kind + (f" if {condition.parent}=={condition.text}" if condition else "")


def to_json(parameter: Parameter) -> dict[str, Any]:
    """Return the long form of a parameter, which `from_mapping` reads."""
    domain, long = parameter.domain, dict[str, Any](kind=parameter.kind)
    if isinstance(domain, Number):
        long |= {"low": domain.low, "high": domain.high}
        long |= {} if domain.step is None else {"step": domain.step}
    elif parameter.kind != "bool":
        long |= {"choices": list(domain.values), "texts": list(domain.texts)}
    if parameter.condition:
        long["if"] = f"{parameter.condition.parent}=={parameter.condition.text}"
    return long


def from_mapping(name: str, long: Mapping[str, Any]) -> Parameter:
    """Return the parameter of a long form: kind, then low, high, step, or choices, or value; and `if: other==v`."""
    _check_name(name)
    return from_json(name, long)


def from_json(name: str, long: Mapping[str, Any]) -> Parameter:
    """Return the parameter of a long form whose name no command line has to spell: that of a function's argument."""
    where = f"parameter {name}: {json.dumps(long, default=str)}"
    allowed = ["kind", "low", "high", "step", "choices", "texts", "value", "if"]
    for unknown in long.keys() - set(allowed):
        raise UsageError(f"{where}: unknown key {unknown!r}{nearest(str(unknown), allowed)}")
    condition = _CONDITION.fullmatch(f" if {long['if']}") if "if" in long else None
    if "if" in long and not condition:
        raise UsageError(f"{where}: expected if: other==value")
    kind = str(long["kind"])
    if kind in NUMBER_KINDS:
        domain: Number | Options = _number(where, kind, long.get("low"), long.get("high"), long.get("step"))
    elif kind == "bool":
        domain = _domain(where, kind, None)
    else:
        domain = _listed(where, kind, long)
    return Parameter(name, kind, domain, Condition(condition[1], condition[2]) if condition else None)


def read_space(path: Path) -> dict[str, Parameter]:
    """Return the parameters of a YAML file; nested names are joined with dots.

    A value is a text as on the command line, a list of choices, a long form with
    `kind`, a mapping of nested names, or a number or true/false, which is fixed.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot read the search space: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path}: found {type(content).__name__}, expected lines such as lr: log:1e-5:1e-2")
    try:
        return {parameter.name: parameter for parameter in _nested("", content)}
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _nested(prefix: str, content: Mapping[Any, Any]) -> Iterator[Parameter]:
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and "kind" not in value:
            yield from _nested(f"{name}.", value)
        elif isinstance(value, dict):
            yield from_mapping(name, value)
        elif isinstance(value, str):
            yield parse_parameter(name, value)
        elif isinstance(value, list):
            yield from_mapping(name, {"kind": "choice", "choices": value})
        else:
            yield from_mapping(name, {"kind": "fixed", "value": value})


def _check_name(name: str) -> None:
    if not re.fullmatch(NAME, name):
        raise UsageError(f"parameter {name!r}: a name is letters, digits and _ . - after a first letter")
    if name in BUILT_IN:
        raise UsageError(f"parameter {name}: {{{name}}} is built in; take another name")


def _end_of_list(where: str, text: str) -> int:
    """Return where the JSON list of `choice:[…]` ends, as it may hold ` if a==b` itself; 0 if there is none."""
    if not text.startswith("choice:["):
        return 0
    try:
        return json.JSONDecoder().raw_decode(text, len("choice:"))[1]
    except ValueError as error:
        raise UsageError(f'{where}: not a JSON list such as choice:["a b","c"]: {error}') from None


def _domain(where: str, kind: str, arguments: str | None) -> Number | Options:
    if kind not in KINDS:
        raise UsageError(f"{where}: unknown kind {kind!r}{nearest(kind, KINDS)}")
    if kind == "bool":
        if arguments is not None:
            raise UsageError(f"{where}: found {arguments!r}, a bool takes nothing more")
        return Options(("false", "true"), (False, True))
    if arguments is None:
        raise UsageError(f"{where}: expected {kind}:{_shape(kind)}")
    if kind in NUMBER_KINDS:
        low, high, *step = arguments.split(":") if ":" in arguments else (arguments, "")
        if len(step) > 1 or not all(part.startswith("step=") for part in step):
            raise UsageError(f"{where}: expected {kind}:{_shape(kind)}")
        return _number(where, kind, low, high, step[0].removeprefix("step=") if step else None)
    if kind == "fixed":
        return _options(where, [arguments], [_typed(arguments)])
    if arguments.startswith("["):
        return _listed(where, kind, {"choices": _whole_list(where, arguments)})
    texts = arguments.split(",")
    return _options(where, texts, [_typed(text) for text in texts])


def _shape(kind: str) -> str:
    return {"choice": "A,B,…", "fixed": "VALUE"}.get(kind, "LOW:HIGH, and :step=S if wanted")


def _whole_list(where: str, arguments: str) -> list[Any]:
    values, end = json.JSONDecoder().raw_decode(arguments)
    if arguments[end:]:
        raise UsageError(f"{where}: found {arguments[end:]!r} after the list")
    return list(values)


def _listed(where: str, kind: str, long: Mapping[str, Any]) -> Options:
    if kind not in KINDS:
        raise UsageError(f"{where}: unknown kind {kind!r}{nearest(kind, KINDS)}")
    values = [long["value"]] if kind == "fixed" and "value" in long else long.get("choices")
    if not isinstance(values, list):
        raise UsageError(f"{where}: expected {'value: …' if kind == 'fixed' else 'choices: [A, B, …]'}")
    if long.get("texts"):  # written by `to_json`, with every value as it was
        return _options(where, long["texts"], values)
    texts = [_json_text(where, value) for value in values]
    typed = [
        float(value) if isinstance(value, str) and _EXPONENT_WITHOUT_POINT.fullmatch(value) else value
        for value in values
    ]
    return _options(where, texts, typed)


def _json_text(where: str, value: Any) -> str:
    try:
        return text_of(value)
    except TypeError:
        raise UsageError(f"{where}: {value} is a {type(value).__name__}, which JSON does not have; quote it") from None


def _options(where: str, texts: list[str], values: list[Any]) -> Options:
    if not texts:
        raise UsageError(f"{where}: no value to choose from")
    for text in texts:
        if texts.count(text) > 1:
            raise UsageError(f"{where}: {text!r} is there twice")
        if "\0" in text:
            raise UsageError(f"{where}: a command cannot be given a NUL character")
    return Options(tuple(texts), tuple(values))


def _typed(text: str) -> Any:
    """Return the number, true, false or null that `text` spells in JSON, or else the text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    known = value is None or (isinstance(value, int | float) and math.isfinite(value))
    return value if known else text


def _number(where: str, kind: str, low: Any, high: Any, step: Any) -> Number:
    log, whole = NUMBER_KINDS[kind]
    ends = [_parsed(where, value, whole) for value in (low, high)]
    width = None if step is None else _parsed(where, step, whole)
    if ends[0] > ends[1]:
        raise UsageError(f"{where}: {text_of(ends[0])} is above {text_of(ends[1])}; the lower end comes first")
    if log and ends[0] <= 0:
        raise UsageError(f"{where}: a logarithmic range starts above 0")
    if width is not None:
        _check_step(where, ends[0], ends[1], width, log)
    return Number(ends[0], ends[1], width, log, whole)


def _check_step(where: str, low: float, high: float, step: float, log: bool) -> None:
    if log:
        raise UsageError(f"{where}: a logarithmic range takes no step")
    if step <= 0:
        raise UsageError(f"{where}: a step is above 0")
    rest = (Decimal(str(high)) - Decimal(str(low))) % Decimal(str(step))
    if rest:
        last = Decimal(str(high)) - rest
        raise UsageError(f"{where}: steps of {step} from {low} end at {last}; write {last} for {high}")


def _parsed(where: str, found: Any, whole: bool) -> float:
    try:
        number = int(str(found)) if whole else float(found)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"{where}: found {found!r}, expected {'a whole number' if whole else 'a number'}")
    return number
