"""The service and the day-by-day reference agree on some invented people: part of the suite of mutation testing alone.

`make test` compares them on other people, more of them (tests/reference).  Here the reference, which is slow and does
not use the rooms that are changed, is asked once for each; what it said is kept for all mutants.
"""

from typing import Any

import pytest

from tests.reference.comparing import differences, served, told
from tests.reference.records import Example, example

PEOPLE = 150
_KNOWN: dict[int, tuple[Example, Any]] = {}
"""Person → the record, and what the reference says; no cached function, for those are cleared before each mutant."""


@pytest.mark.parametrize("person", range(PEOPLE))
def test_they_agree_on(person):
    if person not in _KNOWN:
        of = example(person)
        _KNOWN[person] = of, told(of.resources, of.as_of, of.policy)
    of, said = _KNOWN[person]
    assert differences(served(of.resources, of.as_of, of.policy), said) == {}
