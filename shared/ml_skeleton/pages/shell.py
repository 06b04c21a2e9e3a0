"""The shell of a page: head, policy, style of both themes, data and scripts."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from ml_skeleton.errors import UserError
from ml_skeleton.pages.text import escaped, script_json


@dataclass(frozen=True)
class Page:
    """What stands on a page. Texts in `body` are escaped by whoever makes it, the title and the data here."""

    title: str
    body: str  # HTML
    style: str  # after that of the shell, whose colours and controls it can use
    scripts: Sequence[str]  # run in this order, after the body and the data are there
    data: Mapping[str, Any] = field(default_factory=dict)  # by id of the script element that holds it as JSON
    media: str = ""  # where sound may come from, as a source list of the policy; "" for nowhere


def html_of_page(page: Page) -> str:
    """Return the page, which loads nothing and runs no script but those it was written with."""
    scripts = [_resource("theme.js"), *page.scripts]
    data = "".join(
        f'<script type="application/json" id="{name}">{script_json(value)}</script>\n'
        for name, value in page.data.items()
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts, page.media)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escaped(page.title)}</title>\n<style>{_resource('shell.css')}{page.style}</style></head>\n"
        f"<body>\n{page.body}\n{data}"
        f"{''.join(f'<script>{script}</script>{chr(10)}' for script in scripts)}</body></html>\n"
    )


def theme_button() -> str:
    """Return the switch between the themes: that of the system, light, dark."""
    return '<button type="button" id="theme" class="quiet">Theme</button>'


def plotly_script(install: str) -> str:
    """Return the plotting library; raise UserError saying how to `install` it where it is missing."""
    try:
        from plotly.offline import get_plotlyjs
    except ModuleNotFoundError:
        raise UserError(f"the page needs plotly; install it with: pip install '{install}'") from None
    return str(get_plotlyjs())


def _policy(scripts: Sequence[str], media: str) -> str:
    """Return a policy under which the page asks for nothing, and a script that came in through a text does not run."""
    digests = [base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    sound = f"media-src {media}; " if media else ""
    # plotly makes the code of some shaders at run time, which counts as eval
    return (
        f"default-src 'none'; script-src {allowed} 'unsafe-eval'; style-src 'unsafe-inline'; {sound}"
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _resource(name: str) -> str:
    return files("ml_skeleton.pages").joinpath(name).read_text(encoding="utf-8")
