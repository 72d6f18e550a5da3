"""Every shape of Task that we write is valid R4, judged by a real validator."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from service.channels import task as tasks
from service.model.assessment import Priority
from service.model.facts import SetAside
from service.model.item import CloseReason
from tests.hapi.validation import validate
from tests.reconcile.build import a_finding, an_assessment, an_item

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
INPUTS = {"rule", "as-of", "policy", "episode-start", "daily-dose", "dme", "last-review"} | {
    "evidence",
    "missing",
    "citation",
}


def full_elements() -> dict[str, Any]:
    """Each kind of input, and every element that can be there."""
    findings = (a_finding("R05", Priority.ASAP), a_finding())
    assessment = an_assessment(
        *findings,
        last_review=date(2026, 3, 3),
        missing=("MedicationDispense", "unreadable"),
        unreadable=(SetAside("MedicationRequest/x", "bad-date"),),
    )
    return tasks.elements(
        assessment,
        an_item(*findings, owner="Practitioner/d"),
        requester="Organization/o",
        pool=None,
        release_days={"asap": 1, "urgent": 3, "routine": 14},
    )


def full_task() -> dict[str, Any]:
    return tasks.new_task(
        full_elements(), key="rabc-1", item_system="urn:reviewdue:item", now=NOW, own_id=True
    )


def test_a_new_task_with_each_kind_of_input_is_valid(hapi):
    task = full_task()
    assert {row["type"]["coding"][0]["code"] for row in task["input"]} == INPUTS
    assert validate(hapi, task) == []


@pytest.mark.parametrize("reason", list(CloseReason))
def test_an_ended_task_is_valid(hapi, reason):
    assert validate(hapi, tasks.ended(full_task(), reason, NOW)) == []


@pytest.mark.parametrize(
    "status", ["draft", "requested", "received", "accepted", "ready", "in-progress", "on-hold", "failed"]
)
def test_a_task_that_a_person_is_at_stays_valid_when_we_write_into_it(hapi, status):
    current = {**full_task(), "status": status, "businessStatus": {"text": "called"}}
    current["note"] = [*current["note"], {"text": "theirs"}]
    quiet = tasks.no_longer_due(full_elements(), date(2026, 6, 1), "a review has been recorded")
    assert validate(hapi, tasks.merged(current, quiet, tasks.baseline(full_task()), NOW)) == []


def test_the_validator_refuses_what_is_wrong(hapi):
    assert validate(hapi, {**full_task(), "intent": "banana"}) != []
