"""What MLflow takes: characters of names, lengths of texts."""

import re
from posixpath import normpath

LONGEST_PARAM = 6000  # MLflow cuts what is longer without a word
LONGEST_TAG = 8000
_CUT = " … (cut)"
_ILLEGAL = re.compile(r"[^\w\-. :/]", re.ASCII)


def legal_name(name: str) -> str:
    """Return the name of a metric or parameter as MLflow takes it: `recall@10` becomes `recall_10`."""
    legal = _ILLEGAL.sub("_", name)
    is_path = normpath(legal) != legal or legal.startswith(("/", "..")) or legal == "."
    return re.sub(r"[/.]", "_", legal) if is_path else legal


def cut(text: str, length: int) -> str:
    """Return `text`, cut so that it can be seen where it is longer than `length`."""
    return text if len(text) <= length else text[: length - len(_CUT)] + _CUT
