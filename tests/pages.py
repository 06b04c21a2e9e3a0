"""The pages of the documentation and their fenced blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOL_PAGES = sorted(ROOT.glob("tools/*/README.md"))
OTHERS = [*sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("*/README.md"))]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *OTHERS, *TOOL_PAGES]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """What stands between two fences."""

    language: str
    content: str

    def commands(self) -> Iterator[str]:
        """Yield every line that a reader may type: all of a `sh` block, and what follows "$ " elsewhere."""
        for line in self.content.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                yield line.removeprefix("$ ")
            elif self.language == "sh" and line.strip() and not line.startswith("#"):
                yield line

    @property
    def file_name(self) -> str | None:
        """The name of the file that the block is, where its first line says so: `# name.py` or `$ cat name.sh`."""
        named = re.match(r"(?:# |\$ cat )([\w.]+\.\w+)(?:,| |$)", self.content.partition("\n")[0])
        return named[1] if named else None

    @property
    def file_content(self) -> str:
        """The file that the block is, up to the first empty line where a session of a shell follows."""
        whole = re.sub(r"\A\$ cat .*\n", "", self.content)
        return whole.partition("\n\n$ ")[0].rstrip("\n") + "\n" if whole != self.content else whole


def blocks(text: str) -> Iterator[Block]:
    """Yield each fenced block."""
    for found in FENCED.finditer(text):
        yield Block(found[1], found[2])


def prose(text: str) -> str:
    """Return the page without its fenced blocks."""
    return FENCED.sub("", text)
