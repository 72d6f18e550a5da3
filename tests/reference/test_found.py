"""Records on which the readings once differed: what the page says of each, for the service and for the reference."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.spec.golden import differences

from .comparing import Answer, served, told

FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))
ALSO = ("flags", "complete", "missing")


def _case(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@pytest.mark.parametrize("reading", [served, told], ids=["service", "reference"])
@pytest.mark.parametrize("case", [pytest.param(_case(path), id=path.stem) for path in FOUND])
def test_it_says_what_the_page_says(case, reading):
    got = reading(case["resources"], case["as_of"], case["policy"])
    assert _differences(case["expect"], got) == {}, f"{case['clause']}: {case['page']}"


def _differences(expect: dict[str, Any], got: Answer) -> dict[str, Any]:
    also = {name: expect[name] for name in ALSO if name in expect}
    found: dict[str, Any] = differences({n: v for n, v in expect.items() if n not in ALSO}, got)
    return found | {n: (want, got[n]) for n, want in also.items() if got is not None and got[n] != want}


def test_every_case_says_why_it_is_kept():
    for path in FOUND:
        assert all(_case(path)[name] for name in ("clause", "page", "why", "as_of", "resources")), path.name
