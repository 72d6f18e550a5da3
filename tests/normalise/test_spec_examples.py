"""The examples of the specification, as far as normalise alone answers them."""

import json
from pathlib import Path

import pytest

from service.model.facts import Role
from tests.normalise.build import facts

EXAMPLES = Path(__file__).parent.parent / "spec" / "examples"
CASES = [case for file in sorted(EXAMPLES.glob("*.json")) for case in json.loads(file.read_text("utf-8"))]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
def test_what_does_not_count_is_set_aside_with_its_reason(case):
    found, expect = facts(*case["resources"]), case["expect"]
    for name, asides in (("unreadable", found.unreadable), ("ignored", found.ignored)):
        if name in expect:
            assert {one.reference: one.reason for one in asides} == expect[name]
    if "listed" in expect:
        counts = any(one.drug.role is Role.IN_SCOPE for one in (*found.orders, *found.fills))
        assert expect["listed"] == (
            counts or bool(found.unreadable) or any(one.in_scope for one in found.ignored)
        )
