"""What commands print: results on stdout, everything else on stderr."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

WIDTH = 10_000  # of tables that are not on a terminal: as wide as they need, for `grep` and `less -S`
Advance = Callable[[str, int, int], None]


def emit(document: object) -> None:
    """One JSON document, or one line of NDJSON."""
    sys.stdout.write(as_line(document))


def as_line(document: object) -> str:
    return json.dumps(document, ensure_ascii=False) + "\n"


def say(line: str) -> None:
    """A message for a person, never part of the result."""
    sys.stderr.write(f"{line}\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on stdout."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH)
    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")  # a reference that is cut is of no use
    for row in rows:
        shown.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console.print(shown)


@contextmanager
def progress(what: str, *, quiet: bool = False) -> Iterator[Advance]:
    """Shows how far the work is, on stderr where that is a terminal; gives `(what, done, in all)`."""
    if quiet or not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def advance(now: str, done: int, total: int) -> None:
            bar.update(task, description=now, completed=done, total=total)

        yield advance
