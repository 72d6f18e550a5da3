"""lifecycle.md §4 and §5: the Task of an item, and who owns what in it."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from service.channels import task as tasks
from service.model.assessment import Priority
from service.model.item import CloseReason
from tests.reconcile.build import a_finding, an_assessment, an_item

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
RELEASE_DAYS = {"asap": 1, "urgent": 3, "routine": 14}


def wanted(*findings, **changes):
    assessment = an_assessment(*(findings or (a_finding(),)), **changes)
    item = an_item(*(findings or (a_finding(),)), opened_on=date(2026, 6, 1))
    return tasks.elements(
        assessment, item, requester="Device/d", pool="Organization/pool", release_days=RELEASE_DAYS
    )


def made(**changes):
    elements = wanted(**changes)
    return tasks.new_task(elements, key="rabc-1", item_system="urn:reviewdue:item", now=NOW, own_id=True)


def test_a_task_says_what_is_due_for_whom_until_when_and_why():
    task = made(last_review=date(2026, 3, 3))
    assert task["identifier"] == [{"system": "urn:reviewdue:item", "value": "rabc-1"}]
    assert (task["status"], task["intent"], task["priority"]) == ("requested", "proposal", "routine")
    assert task["for"] == {"reference": "Patient/p"}
    assert task["focus"] == {"reference": "MedicationRequest/a"}
    assert task["description"] == (
        "Benzodiazepine review due: diazepam 10 mg/day since 1 Jan 2026; last review 3 Mar 2026"
    )
    assert task["reasonCode"]["coding"][0] == {
        "system": "urn:reviewdue:rule",
        "code": "R02",
        "display": "Title of R02",
    }
    assert task["restriction"] == {"period": {"end": "2026-06-15"}}
    assert task["owner"] == {"reference": "Organization/pool"}
    kinds = [row["type"]["coding"][0]["code"] for row in task["input"]]
    assert kinds == [
        "rule", "as-of", "policy", "episode-start", "daily-dose", "dme", "last-review", "evidence", "citation",
    ]  # fmt: skip
    assert "not for emergencies" in task["note"][0]["text"]
    assert len(task["description"]) <= 200


@pytest.mark.parametrize(
    ("priority", "due_on", "end"),
    [
        (Priority.ASAP, date(2026, 5, 1), "2026-06-02"),
        (Priority.URGENT, date(2026, 5, 1), "2026-06-04"),
        (Priority.ROUTINE, date(2026, 5, 1), "2026-06-15"),
        (Priority.ROUTINE, date(2026, 7, 1), "2026-07-01"),
    ],
)
def test_an_answer_is_asked_for_on_the_day_due_but_never_at_once(priority, due_on, end):
    elements = wanted(a_finding(priority=priority, due_on=due_on))
    assert elements["restriction"] == {"period": {"end": end}}


def test_a_long_list_of_medicines_still_fits_the_description():
    names = {f"a-very-long-medicine-name-{n}": None for n in range(12)}
    episode = replace(an_assessment().episode, daily_dose_mg=names)
    description = made(episode=episode)["description"]
    assert len(description) <= 200
    assert "12 medicines since 1 Jan 2026; no review on record" in description


@pytest.mark.failure("F18")
def test_a_person_s_elements_stay_theirs_from_their_first_change_on():
    first = made()
    baseline = tasks.baseline(first)
    theirs = {**first, "owner": {"reference": "Practitioner/x"}, "note": [*first["note"], {"text": "called"}]}
    new = {
        **wanted(),
        "description": "new",
        "owner": {"reference": "Practitioner/y"},
        "note": [{"text": "n2"}],
    }
    after = tasks.merged(theirs, new, baseline, NOW)
    assert after["owner"] == {"reference": "Practitioner/x"}
    assert after["note"] == [{"text": "called"}, {"text": "n2"}]
    assert after["description"] == "new"
    again = tasks.next_baseline(theirs, new, baseline)
    assert tasks.is_touched(after, again)  # writing it back does not make it ours
    assert tasks.merged(after, new, again, NOW)["owner"] == {"reference": "Practitioner/x"}


@pytest.mark.parametrize(
    ("touched", "now", "want", "expected"),
    [
        (False, "urgent", "routine", "routine"),
        (False, "routine", "asap", "asap"),
        (True, "urgent", "routine", "urgent"),
        (True, "routine", "asap", "asap"),
        (True, "stat", "asap", "stat"),
    ],
)
def test_the_priority_moves_both_ways_untouched_and_upward_once_touched(touched, now, want, expected):
    first = made()
    current = {**first, "priority": now, **({"businessStatus": {"text": "seen"}} if touched else {})}
    after = tasks.merged(current, {**wanted(), "priority": want}, tasks.baseline(first), NOW)
    assert after["priority"] == expected


def test_version_and_meta_never_count_as_touched():
    first = made()
    current = {**first, "meta": {"versionId": "7", "lastUpdated": "2026-06-02T00:00:00Z"}}
    assert not tasks.is_touched(current, tasks.baseline(first))
    assert tasks.shows(current, wanted(), tasks.baseline(first))


@pytest.mark.parametrize("reason", list(CloseReason))
def test_ending_a_task_says_why_and_is_known_again_as_ours(reason):
    ended = tasks.ended(made(), reason, NOW)
    assert ended["status"] == ("completed" if reason is CloseReason.REVIEWED else "cancelled")
    assert ended["statusReason"]["coding"] == [{"system": "urn:reviewdue:close", "code": reason.value}]
    assert tasks.has_close_code(ended)


def test_a_task_that_is_not_valid_is_refused_by_the_names_of_its_elements():
    with pytest.raises(tasks.InvalidTaskError, match="description"):
        tasks.valid({**made(), "description": {"secret": "text"}})


@pytest.mark.parametrize(
    ("reference", "patient"),
    [
        ("Patient/p", "p"),
        ("https://ehr.example/fhir/Patient/p", "p"),
        ("Patient/p/_history/3", "p"),
        ("Group/g", None),
        (None, None),
    ],
)
def test_whose_task_it_is(reference, patient):
    assert tasks.patient_of({"for": {"reference": reference}}) == patient
