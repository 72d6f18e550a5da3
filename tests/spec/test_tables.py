"""Every row of the tables comes to what it says; they go the whole way, from FHIR resources to the answer."""

import pytest

from tests.spec.said import answer, different
from tests.spec.table import Row, Section, sections

ROWS = [
    (section, row) for folder in ("exposure", "rules") for section in sections(folder) for row in section.rows
]


@pytest.mark.parametrize(("section", "row"), ROWS, ids=[f"{row.place} {row.case}" for _, row in ROWS])
def test_a_row(section: Section, row: Row):
    assert different(answer(section.record(row), row.day, section.policy), row.expected) == [], (
        section.record(row)
    )
