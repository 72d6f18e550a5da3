"""Every row has a test that names it, or says why not; the page is what they say today."""

from tests.reliability.page import PAGE, page, rows
from tests.reliability.proofs import proofs


def test_the_page_is_what_the_rows_and_the_tests_say_today():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.reliability"


def test_every_row_is_there_once_and_in_order():
    assert [row.id for row in rows()] == [*(f"I{n}" for n in range(1, 9)), *(f"F{n}" for n in range(1, 36))]


def test_a_row_without_a_test_says_why():
    shown = proofs()
    assert [row.id for row in rows() if row.id not in shown and not row.lacks] == []


def test_no_test_names_a_row_that_is_not_there():
    assert proofs().keys() - {row.id for row in rows()} == set()
