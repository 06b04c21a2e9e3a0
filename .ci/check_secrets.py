"""Looks for passwords, keys and tokens in files; prints a table and exits 1 when one is found.

Without arguments: all files that git tracks or would add. The scanner is
detect-secrets, without its network checks. A find that is none is marked in
its line with the comment "pragma: allowlist secret".
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings


@dataclass(frozen=True)
class Checked:
    """What was found in one file."""

    path: str
    status: str  # what git knows of it: committed, changed or new
    finds: tuple[str, ...]  # each the kind of secret and its line

    @property
    def row(self) -> tuple[str, str, str, str]:
        """File, status, safe or not, and notes."""
        return self.path, self.status, "not safe" if self.finds else "safe", "; ".join(self.finds)


def files_of_repository() -> list[str]:
    """Return the files under the current folder that git tracks or would add, sorted."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return sorted(path for path in set(listed.split("\0")) if path and Path(path).is_file())


def statuses() -> dict[str, str]:
    """Return what git knows of the files that are not as they were committed, by path from the current folder."""
    command = ["git", "status", "--porcelain", "-z", "--untracked-files=all"]
    root = subprocess.run(["git", "rev-parse", "--show-toplevel"], check=True, capture_output=True, text=True).stdout
    listed = subprocess.run([*command, "--no-renames"], check=True, capture_output=True, text=True).stdout
    entries = [entry for entry in listed.split("\0") if entry]
    return {
        os.path.relpath(Path(root.rstrip("\n")) / entry[3:]): "new" if entry[:2] in ("??", "A ") else "changed"
        for entry in entries
    }


def check(paths: list[str]) -> list[Checked]:
    """Return what the scanner found, one entry per file."""
    known = statuses()
    secrets = SecretsCollection()
    with default_settings():
        secrets.scan_files(*paths)
    found = {os.path.relpath(path): sorted(secrets[path]) for path in secrets.files}
    return [
        Checked(
            path,
            known.get(os.path.relpath(path), "committed"),
            tuple(f"{one.type} in line {one.line_number}" for one in found.get(os.path.relpath(path), [])),
        )
        for path in paths
    ]


def table(checked: list[Checked]) -> str:
    """Return the files, their status, whether they are safe and what was found in them, and the verdict."""
    rows = [("file", "status", "safe or not", "notes"), *(one.row for one in checked)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    unsafe = sum(1 for one in checked if one.finds)
    verdict = (
        f"NOT SAFE: {unsafe} of {len(checked)} files hold" if unsafe else f"safe: none of {len(checked)} files holds"
    )
    return "\n".join([*lines, f"verdict: {verdict} what looks like a secret"])


def main() -> None:
    checked = check(sys.argv[1:] or files_of_repository())
    print(table(checked))
    sys.exit(any(one.finds for one in checked))


if __name__ == "__main__":
    main()
