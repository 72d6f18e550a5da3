"""docs/clinical/sandbox-data.md, written from a run."""

from collections import Counter
from collections.abc import Iterable

from tests.sandbox_data.assessing import DAYS, Figures, figures
from tests.sandbox_data.by_hand import BY_HAND, ByHand
from tests.sandbox_data.orders import OrderFigures, order_figures
from tests.sandbox_data.strangest import STRANGEST, Strange

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
_ORDERS = """
## How the orders were read

The orders in scope of each folder, as they are read once everything is known. *Named*: MedicationRequests that name
a benzodiazepine or z-drug, by the data's own manifest; each of them is read, set aside (entered in error, an injection)
or unreadable, but for the eight within CDS Hooks requests and for one that nhs-eps-uk repeats in four more messages.
*Text*: with an instruction in words; *from text*: the dose is known by the words alone. *Stated*, *open* and *assumed*
are the lengths of the supplies that orders and fills give: by what is written; active and not ended; 30 days because
nothing says how long. Unreadable ones are in scope; in brackets those that are not known to be. The total counts
synthea-2020-us-all, which repeats synthea-2020-us, once.

"""
_ORDER_COLUMNS = (
    "folder", "named", "orders", "set aside", "fills", "text", "dose known", "from text", "stated", "open", "assumed",
    "unreadable",
)  # fmt: skip
_REPEATED = "synthea-2020-us-all"
_STRANGEST = """
## The ten strangest orders

Each resource was read by hand and held against the specification; a test compares how the service reads it.

"""
_BY_HAND = """
## Looked at by hand

{count} patients, read resource by resource; the expected answer was worked out from the rules, then compared.

"""


def page() -> str:
    """The whole page."""
    rows = [figures(folder, day) for folder, days in DAYS.items() for day in days]
    parts = (
        _HEAD + _inputs(rows) + "\n" + table(rows),
        _ORDERS + orders(map(order_figures, DAYS)),
        _STRANGEST + strangest(),
        _BY_HAND.format(count=len(BY_HAND)) + by_hand(),
    )
    return "".join(parts)


def table(rows: Iterable[Figures]) -> str:
    return table_of(_COLUMNS, map(_row, rows))


def orders(rows: Iterable[OrderFigures]) -> str:
    """The rows, and their total."""
    each = list(rows)
    cells = [
        (row.folder, *map(str, _numbers(row)), _unreadable(row.unreadable, row.doubtful)) for row in each
    ]
    counted = [row for row in each if row.folder != _REPEATED]
    sums = map(sum, zip(*map(_numbers, counted), strict=True))
    unreadable = sum((row.unreadable for row in counted), Counter[str]())
    doubtful = sum((row.doubtful for row in counted), Counter[str]())
    total = ("total", *map(str, sums), _unreadable(unreadable, doubtful))
    return table_of(_ORDER_COLUMNS, [*cells, total])


def strangest() -> str:
    return "\n".join(map(_strange, STRANGEST))


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


def _numbers(row: OrderFigures) -> tuple[int, ...]:
    return (
        row.named, row.orders, row.set_aside, row.fills, row.with_text, row.dose_known, row.dose_from_text,
        row.stated, row.open_ended, row.assumed,
    )  # fmt: skip


def _unreadable(found: Counter[str], doubtful: Counter[str]) -> str:
    return _counts(found) + (f" ({_counts(doubtful)})" if doubtful else "")


def _strange(order: Strange) -> str:
    return f"**{order.folder}, {order.reference}** ({order.reading}). {order.judgement}\n"


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
