"""What people decided by ending our Tasks (lifecycle.md §4, §5)."""

from datetime import date

import pytest

from service.model.facts import OutcomeKind
from service.record.elements import Task
from service.record.own_tasks import own_task
from service.record.read import read
from tests.record.build import a_task, raw

OURS = {"coding": [{"system": "urn:reviewdue:close", "code": "resolved"}]}


def task(**changes):
    body = read(raw(a_task(**changes)), "x").body
    assert isinstance(body, Task)
    return own_task(body, "urn:reviewdue:item", "Europe/London")


def output(code, **value):
    return {"type": {"coding": [{"system": "urn:reviewdue:output", "code": code}]}, **value}


def outcome(code):
    concept = {"coding": [{"system": "urn:reviewdue:outcome", "code": code}]}
    return output("outcome", valueCodeableConcept=concept)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"status": "completed"}, "reviewed"),
        ({"status": "completed", "output": [outcome("reduce")]}, "reduce"),
        ({"status": "completed", "output": [outcome("nonsense")]}, "reviewed"),
        ({"status": "cancelled"}, "not-applicable"),
        ({"status": "rejected"}, "not-applicable"),
        ({"status": "entered-in-error"}, "not-applicable"),
        ({"status": "rejected", "output": [outcome("snooze")]}, "snooze"),
        ({"status": "rejected", "statusReason": OURS}, "not-applicable"),
        ({"status": "completed", "statusReason": OURS}, None),
        ({"status": "cancelled", "statusReason": OURS}, None),
        ({"status": "requested"}, None),
        ({"status": "in-progress", "output": [outcome("reduce")]}, None),
        ({"status": "failed"}, None),
        ({"status": "completed", "executionPeriod": None}, None),
    ],
)
def test_ending_a_task_is_an_outcome_unless_we_ended_it(changes, kind):
    found = task(**changes).outcome
    assert (found.kind if found else None) == (OutcomeKind(kind) if kind else None)


def test_only_a_completed_task_is_a_review():
    assert task(status="completed").outcome.completed
    assert not task(status="rejected").outcome.completed


def test_an_outcome_says_key_day_until_reason_and_the_rules_it_answered():
    rule = {"type": {"coding": [{"system": "urn:reviewdue:input", "code": "rule"}]}, "valueString": "R08"}
    found = task(
        output=[
            outcome("continue"),
            output("until", valueDate="2026-08"),
            output("reason", valueString="stable"),
        ],
        input=[rule],
        reasonCode={"coding": [{"system": "urn:reviewdue:rule", "code": "R02"}]},
        owner={"reference": "Practitioner/x"},
    ).outcome
    assert (found.key, found.reference, found.by, found.reason) == (
        "K-1",
        "Task/t",
        "Practitioner/x",
        "stable",
    )
    assert date.fromordinal(found.day) == date(2026, 5, 22)
    assert date.fromordinal(found.until) == date(2026, 8, 31)
    assert found.rules == {"R02", "R08"}


def test_a_task_without_an_execution_period_ended_when_it_was_last_modified():
    found = task(executionPeriod=None, lastModified="2026-05-22T23:30:00Z").outcome
    assert date.fromordinal(found.day) == date(2026, 5, 23)


def test_a_task_of_another_system_is_not_ours():
    assert task(identifier=[{"system": "urn:other", "value": "K-1"}]) is None
    assert task(identifier=[{"system": "urn:reviewdue:item"}]) is None
