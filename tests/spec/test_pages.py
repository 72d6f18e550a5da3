"""The clinical pages are those that the tables and the code give today."""

import re

import pytest

from service.rules.judge import RULES
from tests.spec.facts import described, seen
from tests.spec.pages import FOLDER, PAGES
from tests.spec.table import sections


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_tables_say_today(name):
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run python -m tests.spec.pages"


def test_every_name_inside_facts_is_listed_and_occurs_in_some_case():
    assert {rule: set(names) for rule, names in described().items()} == seen()


def test_every_rule_and_suppression_has_a_section_of_its_own():
    clauses = " ".join(section.clause for section in sections("rules"))
    expected = {rule.id for rule in RULES} | {f"S{n}" for n in range(1, 16) if n != 6}
    stale = {"R00"}  # with the stale orders of exposure.md §6
    assert expected - stale - set(re.findall(r"[RS]\d+", clauses)) == set()


def test_every_case_has_a_name_of_its_own_and_every_section_a_clause():
    for section in (*sections("exposure"), *sections("rules")):
        names = [row.case for row in section.rows]
        assert section.clause
        assert names
        assert len(set(names)) == len(names), section.title
