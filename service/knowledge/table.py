"""Reading a table of clinical data: every row has its source, or nothing is loaded."""

import csv
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass


class KnowledgeError(ValueError):
    """The clinical data cannot be used as it is; the message names the file and the line to mend."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table.  Cells are stripped; an empty cell is the empty string."""

    file: str
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def error(self, what: str) -> KnowledgeError:
        return KnowledgeError(f"{self.file}:{self.line}: {what}")

    def required(self, column: str) -> str:
        """The cell; KnowledgeError when it is empty."""
        value = self.cells[column]
        if not value:
            raise self.error(f"{column} is missing")
        return value

    def one_of(self, column: str, allowed: Collection[str]) -> str:
        """The cell; KnowledgeError when it is none of `allowed`."""
        value = self.cells[column]
        if value not in allowed:
            raise self.error(f"{column} is {value!r}, not one of {', '.join(sorted(allowed))}")
        return value

    def yes(self, column: str) -> bool:
        return self.one_of(column, ("yes", "no")) == "yes"

    def number(self, column: str) -> float:
        """The cell as a number > 0; KnowledgeError when it is anything else."""
        try:
            value = float(self.cells[column])
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            raise self.error(f"{column} is {self.cells[column]!r}, not a number above 0")
        return value


def read_table(file: str, text: str, columns: Collection[str]) -> Iterator[Row]:
    """Yield the rows of a CSV `text` that is named `file` in messages.

    `columns` are those that the caller reads; `source` is always among them, and more are allowed.

    Raises KnowledgeError for a missing or repeated column, a row of another width, and a row without source.
    """
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        header = next(reader, [])
        _check_header(file, header, columns)
        for values in reader:
            row = Row(file, reader.line_num, dict(zip(header, map(str.strip, values), strict=False)))
            if len(values) != len(header):
                raise row.error(f"{len(values)} cells under {len(header)} columns")
            if not row["source"]:
                raise row.error("source is missing")
            yield row
    except csv.Error as problem:
        raise KnowledgeError(f"{file}:{reader.line_num}: {problem}") from problem


def _check_header(file: str, header: list[str], columns: Collection[str]) -> None:
    missing = [column for column in (*columns, "source") if column not in header]
    if missing:
        raise KnowledgeError(f"{file}:1: column {', '.join(dict.fromkeys(missing))} is missing")
    if len(set(header)) != len(header):
        raise KnowledgeError(f"{file}:1: a column stands twice")
