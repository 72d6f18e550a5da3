"""docs/clinical/sandbox-data.md, written from a run."""

from collections import Counter
from collections.abc import Iterable

from tests.sandbox_data.assessing import DAYS, Figures, figures
from tests.sandbox_data.by_hand import BY_HAND, ByHand

_HEAD = """# Public sandbox data, assessed

What `assess` with policy `us` says of eleven folders of third-party FHIR R4 data: public sandboxes and test
patients, all synthetic or invented, origins and licences in the data's own manifest. The data is not part of
this repository. Written by `python -m tests.sandbox_data`; where the data is beside the checkout (or named by
`SANDBOX_DATA`), a test compares this page with a fresh run.

- *input*: sha256 over the sorted hashes of all files, its first 16 digits
- *patients*: with anything that is in scope, or may be; *in scope*: with a readable order or fill in scope
- *unreadable* and *ignored* are resources of these patients, by reason; *not FHIR* are documents that are no
  FHIR resource (CDS Hooks requests), each named on stderr; *astray* are resources without a subject

"""
_COLUMNS = (
    "folder", "as of", "patients", "in scope", "findings", "suppressed", "unreadable", "ignored", "not FHIR", "astray",
)  # fmt: skip
_BY_HAND = """
## Looked at by hand

{count} patients, read resource by resource; the expected answer was worked out from the rules, then compared.

"""


def page() -> str:
    """The whole page."""
    rows = [figures(folder, day) for folder, days in DAYS.items() for day in days]
    return _HEAD + _inputs(rows) + "\n" + table(rows) + _BY_HAND.format(count=len(BY_HAND)) + by_hand()


def table(rows: Iterable[Figures]) -> str:
    return table_of(_COLUMNS, map(_row, rows))


def by_hand() -> str:
    return "\n".join(map(_judged, BY_HAND))


def _inputs(rows: Iterable[Figures]) -> str:
    found = {row.folder: row.input for row in rows}
    return table_of(("folder", "input"), found.items())


def _row(row: Figures) -> tuple[str, ...]:
    return (
        row.folder,
        row.as_of.isoformat(),
        str(row.patients),
        str(row.in_scope),
        _counts(row.findings),
        _counts(row.suppressed),
        _counts(row.unreadable),
        _counts(row.ignored),
        str(row.documents),
        str(row.astray),
    )


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "–"


def table_of(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = tuple(head)
    lines = [titles, ("---",) * len(titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _judged(case: ByHand) -> str:
    said = [
        "; ".join(case.findings) or "no finding",
        *(f"suppressed: {each}" for each in case.suppressed),
        *(f"unreadable: {reason}" for reason in dict.fromkeys(case.unreadable)),
    ]
    return f"**{case.folder}, {case.patient}, as of {case.as_of}** ({'; '.join(said)}). {case.judgement}\n"
