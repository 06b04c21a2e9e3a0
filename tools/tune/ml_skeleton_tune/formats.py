"""Rows for programs: JSON, CSV or Parquet, to a file or to standard output."""

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ml_skeleton.artifacts.files import complete_or_absent, write_text
from ml_skeleton.errors import UsageError
from ml_skeleton.tuning.space import text_of

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["json", "csv", "parquet"]


@dataclass(frozen=True)
class Table:
    """Rows that share their columns."""

    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]


def chosen_format(as_json: bool, as_csv: bool, as_parquet: bool) -> Format | None:
    """Return the format that was asked for, None for a text for people; raise UsageError for more than one."""
    wanted: dict[Format, bool] = {"json": as_json, "csv": as_csv, "parquet": as_parquet}
    chosen = [name for name, asked in wanted.items() if asked]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(f'--{name}' for name in chosen)}: choose one")
    return chosen[0] if chosen else None


def refuse_terminal(written: Format | None, out: Path | None) -> None:
    """Raise UsageError where bytes would go to a terminal."""
    if written == "parquet" and out is None and sys.stdout.isatty():
        raise UsageError("--parquet: a terminal cannot show it; name a file with > FILE")


def print_table(table: Table, written: Format) -> None:
    """Write a table to standard output."""
    if written == "parquet":
        sys.stdout.buffer.write(as_parquet(table))
        sys.stdout.flush()
    else:
        print(as_text(table, written))


def write_table(table: Table, written: Format, out: Path) -> None:
    """Write a table to a file that is there only when it is complete."""
    if written == "parquet":
        with complete_or_absent(out) as partial:
            partial.write_bytes(as_parquet(table))
    else:
        write_text(out, as_text(table, written) + "\n")


def as_text(table: Table, written: Literal["json", "csv"]) -> str:
    """Return a table as a JSON list of objects, or as CSV with lists and objects as JSON in their cells."""
    if written == "json":
        return json.dumps(table.rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([cell(row[name]) for name in table.columns] for row in table.rows)
    return text.getvalue().rstrip("\n")


def as_parquet(table: Table) -> bytes:
    """Return a Parquet file; a column of values of several kinds holds their JSON."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: _column([row[name] for row in table.rows]) for name in table.columns}
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, compression="zstd")
    return file.getvalue()


def cell(value: Any) -> str:
    """Return a value as CSV has it: text as it is, nothing for None, all else as JSON with all its digits."""
    return "" if value is None else text_of(value)


def _column(values: Sequence[Any]) -> "pa.Array":
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if len(kinds) < 2 or kinds == {int, float}:
        with suppress(pa.ArrowInvalid, OverflowError, UnicodeEncodeError):  # such as lists of several kinds, or 2**70
            return pa.array(values)
    return pa.array([None if value is None else json.dumps(value) for value in values], pa.string())
