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
    finds: tuple[str, ...]  # each the kind of secret and its line

    @property
    def row(self) -> tuple[str, str, str]:
        """File, status and notes."""
        return self.path, "not safe" if self.finds else "safe", "; ".join(self.finds)


def files_of_repository() -> list[str]:
    """Return the files under the current folder that git tracks or would add, sorted."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return sorted(path for path in set(listed.split("\0")) if path and Path(path).is_file())


def check(paths: list[str]) -> list[Checked]:
    """Return what the scanner found, one entry per file."""
    secrets = SecretsCollection()
    with default_settings():
        secrets.scan_files(*paths)
    found = {os.path.relpath(path): sorted(secrets[path]) for path in secrets.files}
    return [
        Checked(path, tuple(f"{one.type} in line {one.line_number}" for one in found.get(os.path.relpath(path), [])))
        for path in paths
    ]


def table(checked: list[Checked]) -> str:
    """Return the files, their status and what was found in them, and the verdict."""
    rows = [("file", "status", "notes"), *(one.row for one in checked)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"{path:<{widths[0]}}  {status:<{widths[1]}}  {notes}".rstrip() for path, status, notes in rows]
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
