"""docs/reliability.md, written from rows.toml and the marks of the tests."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.reliability.proofs import ROOT, Proof, proofs

PAGE = ROOT / "docs/reliability.md"

_HEAD = """# What can go wrong, and what shows that it does no harm

Written by `python -m tests.reliability` from `tests/reliability/rows.toml` and the tests, which name their rows
(`@pytest.mark.failure("F8")`). A linked sentence is the name of a test, without its underscores. A dagger (†): a sample
runs in `make test`, the whole in `make faults`. The last column is what is not done, or not shown.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that can go wrong; `lacks` is empty where nothing is missing."""

    id: str
    fault: str
    does: str
    lacks: str = ""


def rows() -> list[Row]:
    told = tomllib.loads(Path(__file__).with_name("rows.toml").read_text(encoding="utf-8"))
    return [Row(id_, **words) for id_, words in told.items()]


def page() -> str:
    shown = proofs()
    must_hold = [row for row in rows() if row.id.startswith("I")]
    faults = [row for row in rows() if row.id.startswith("F")]
    return "".join(
        [
            _HEAD,
            "\n## Whatever happens\n\n",
            *_table(must_hold, shown),
            "\n## One by one\n\n",
            *_table(faults, shown),
        ]
    )


def _table(lines: list[Row], shown: dict[str, list[Proof]]) -> Iterator[str]:
    yield "| | What goes wrong | What the service does | Tests | Not done, or not shown |\n|---|---|---|---|---|\n"
    for row in lines:
        tests = "<br>".join(_linked(proof) for proof in shown.get(row.id, [])) or "none"
        yield f"| {row.id} | {row.fault} | {row.does} | {tests} | {row.lacks or '–'} |\n"


def _linked(proof: Proof) -> str:
    return f"[{proof.sentence}](../{proof.path}){' †' if proof.long else ''}"
