"""Texts that come from anywhere, made fit for a page, a script in it, or a label of a chart."""

import html
import json
import re
from typing import Any

_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")  # of terminals too, but not tab and newline


def escaped(text: object, longest: int | None = None) -> str:
    """Return a text as HTML shows it, cut off after `longest` letters."""
    return html.escape(plain(text, longest))


def plain(text: object, longest: int | None = None) -> str:
    """Return a text without what a terminal obeys, cut off after `longest` letters."""
    shown = _CONTROL.sub("", str(text)).encode("utf-8", "replace").decode("utf-8")
    return shown if longest is None or len(shown) <= longest else shown[: longest - 1] + "…"


def label(text: object, longest: int = 40) -> str:
    """Return a text as plotly shows it, which reads tags and some entities in labels, not &quot;."""
    return html.escape(plain(text, longest), quote=False).replace("%{", "%&#123;")


def script_json(value: Any) -> str:
    """Return JSON that can stand inside a script element; numbers that JSON does not have are refused."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
