"""The page of troubleshooting shows messages that the tools can say."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import ROOT, blocks

PAGE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
MESSAGES = [line for block in blocks(PAGE) if block.language == "text" for line in block.content.splitlines()]
GAP = "\0"  # stands for what is put into a text when it is said


def texts_of(tree: ast.AST) -> Iterator[str]:
    """Yield every text of a program, with a gap wherever a value is put in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def all_texts() -> list[str]:
    files: list[Path] = [*ROOT.glob("shared/ml_skeleton/**/*.py"), *ROOT.glob("tools/*/ml_skeleton_*/**/*.py")]
    return [text for file in files for text in texts_of(ast.parse(file.read_text(encoding="utf-8")))]


TEXTS = all_texts()


def can_be_said(message: str, text: str) -> bool:
    """Return whether the parts of the message between its gaps stand in the text in their order, each unbroken."""
    place = 0
    for part in filter(None, (part.strip() for part in message.split("…"))):
        found = text.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return True


def test_the_page_shows_messages():
    assert len(MESSAGES) > 25


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_of_the_page_is_one_that_the_tools_can_say(message):
    assert any(can_be_said(message, text) for text in TEXTS)
