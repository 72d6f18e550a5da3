"""What never changes an answer: the order of the input, the date on the calendar, a resource that nobody can read."""

import copy
import datetime as dt
import re
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from .comparing import Answer, differences, served
from .record_drugs import Json
from .records import Example, examples

quickly = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(T.*)?")
PARTIAL = re.compile(r"\d{4}(-\d{2})?")
OF_THE_UNREADABLE = {"unreadable", "complete", "missing"}
UNREADABLE: tuple[Json, ...] = (
    {"status": "bogus"},
    {"status": "active", "authoredOn": "2026-02-30", "medicationCodeableConcept": {"text": "diazepam 5 mg"}},
    {"status": "active", "dosageInstruction": 5, "medicationCodeableConcept": {"text": "lorazepam 1 mg"}},
    {"status": "active", "medicationCodeableConcept": {"text": "diazepam or lorazepam"}},
    {"status": "active", "authoredOn": "2026-01-02"},
)


@quickly
@given(examples, st.integers(0, 2**32))
def test_the_order_of_the_input_never_matters(example, order):
    resources = list(example.resources)
    Random(order).shuffle(resources)
    assert (
        differences(
            served(example.resources, example.as_of, example.policy),
            served(resources, example.as_of, example.policy),
        )
        == {}
    )


@quickly
@given(examples, st.sampled_from([1, 7, 28, 29, 59, 60, 365, 366, 731, 1461]))
def test_shifting_all_dates_shifts_the_answer(example, days):
    here = precise(example)
    later = served(shifted(here, days), shifted(example.as_of, days), example.policy)
    assert differences(shifted(served(here, example.as_of, example.policy), days), later) == {}


@quickly
@given(examples, st.sampled_from(UNREADABLE))
def test_an_unreadable_resource_never_changes_what_others_say(example, elements):
    alone = served(example.resources, example.as_of, example.policy)
    also = {
        "resourceType": "MedicationRequest",
        "id": "unreadable",
        "subject": {"reference": "Patient/p"},
        **elements,
    }
    together = served([*example.resources, also], example.as_of, example.policy)
    assert reasons(together) == reasons(alone) | {"MedicationRequest/unreadable"}
    if alone is not None:
        assert set(differences(alone, together)) <= OF_THE_UNREADABLE


def reasons(answer: Answer) -> set[str]:
    return set() if answer is None else {each["reference"] for each in answer["unreadable"]}


def shifted(value: Any, days: int) -> Any:
    """Every full date later by some days; what is no date stays as it is."""
    if isinstance(value, dict):
        return {name: shifted(each, days) for name, each in value.items()}
    if isinstance(value, list):
        return [shifted(each, days) for each in value]
    found = DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    try:
        day = dt.date.fromisoformat(found[1]) + dt.timedelta(days=days)
    except ValueError:
        return value
    return day.isoformat() + (found[2] or "")


def precise(example: Example) -> list[Json]:
    """The record with its partial dates completed, and with a birthday that no rule is near to."""
    resources: list[Json] = completed(copy.deepcopy(example.resources))
    as_of = dt.date.fromisoformat(example.as_of)
    for body in resources:
        if body["resourceType"] == "Patient" and "birthDate" in body:
            years = (as_of - dt.date.fromisoformat(body["birthDate"])).days / 365.25
            age = 12 if years < 18 else 45 if years < 65 else 75
            body["birthDate"] = (as_of - dt.timedelta(days=round((age + 0.5) * 365.25))).isoformat()
    return resources


def completed(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: completed(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [completed(each, name) for each in value]
    if isinstance(value, str) and name not in ("code", "value") and PARTIAL.fullmatch(value):
        return (value + "-01-01")[:10]
    return value
