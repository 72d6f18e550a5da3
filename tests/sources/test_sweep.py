"""Whom to look at: the full sweep, the watch, watermarks, and what their faults do."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.ports import ReadFailure
from service.record.group import Traits
from service.sources.sweep import WATCHED
from tests.ehr.hostile import Habits
from tests.ehr.running import START
from tests.sources.ehrs import (
    DIAZEPAM,
    METFORMIN,
    a_condition,
    a_fill,
    a_patient,
    a_population,
    a_task,
    an_order,
    cohort,
    named,
    swept,
    watermarks,
)


def test_the_first_sweep_finds_the_cohort_and_starts_every_watermark():
    others = [
        a_patient("q"),
        an_order("oq", "q", medicationCodeableConcept=METFORMIN),
        a_condition("cq", "q"),
    ]
    with swept([*a_population(7), *others], page_size=3) as source:
        noticed, failures = source.discover(full=True)
        assert failures == []
        assert cohort(noticed) == {f"p{number}" for number in range(7)}
        assert watermarks(noticed) == dict.fromkeys(WATCHED, START)
        assert "GET Condition" not in source.requests(), "the cohort is gathered anyway"


def test_a_watch_names_who_changed_and_nothing_more_is_fetched_than_pages():
    with swept(a_population(5)) as source:
        source.discover(full=True)
        source.ehr.clock.pass_time(hours=2)
        source.discover()
        source.ehr.clock.pass_time(hours=2)
        source.ehr.edit("MedicationRequest/o3", status="stopped")
        source.ehr.load([a_condition("c1", "p1"), a_condition("c9", "stranger")])
        before = source.client.requests
        noticed, failures = source.discover()
        assert failures == []
        assert named(noticed) == {"p1", "p3", "stranger"}
        assert cohort(noticed) == {"p3"}
        assert source.client.requests - before == len(WATCHED)


def test_every_watched_type_names_its_patient():
    subject = {"subject": {"reference": "Patient/p0"}}
    changes = [
        an_order("n1", "p0"),
        a_fill("n2", "p0"),
        a_task("n3", "p0"),
        a_patient("p0", active=True),
        a_condition("n4", "p0"),
        {"resourceType": "Procedure", "id": "n5", "status": "completed"} | subject,
        {"resourceType": "Encounter", "id": "n6", "status": "in-progress", "class": {"code": "IMP"}}
        | subject,
        {"resourceType": "CarePlan", "id": "n7", "status": "active", "intent": "plan"} | subject,
        {"resourceType": "QuestionnaireResponse", "id": "n8", "status": "completed"} | subject,
        {
            "resourceType": "Observation",
            "id": "n9",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "11778-8"}]},
        }
        | subject,
    ]
    assert len(changes) == len(WATCHED)
    for change in changes:
        with swept(a_population(1)) as source:
            source.discover(full=True)
            source.ehr.clock.pass_time(hours=1)
            source.ehr.load([change])
            noticed, failures = source.discover()
            assert failures == []
            assert named(noticed, change["resourceType"]) == {"p0"}


def test_observations_and_tasks_that_no_rule_asks_about_are_not_fetched():
    weight = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
    subject = {"subject": {"reference": "Patient/p0"}}
    with swept(a_population(1)) as source:
        source.discover(full=True)
        source.ehr.clock.pass_time(hours=1)
        source.discover()
        source.ehr.clock.pass_time(hours=1)
        source.ehr.load(
            [{"resourceType": "Observation", "id": "w", "status": "final", "code": weight} | subject]
        )
        source.ehr.load([a_task("foreign", "p0", key=None)])
        assert named(source.discover()[0]) == set()


@pytest.mark.failure("F3")
def test_a_change_that_becomes_visible_late_is_found_in_the_overlap_and_named_once():
    with swept(a_population(2), habits=Habits(index_lag_seconds=300)) as source:
        source.discover(full=True)
        source.ehr.clock.pass_time(hours=1)
        source.discover()
        source.ehr.clock.pass_time(seconds=100)
        source.ehr.edit("MedicationRequest/o1", status="stopped")
        found = []
        for _ in range(5):
            source.ehr.clock.pass_time(seconds=150)
            found.append(named(source.discover()[0]))
        assert found.count({"p1"}) == 1
        assert [each for each in found if each] == [{"p1"}]


def test_a_row_that_changes_again_inside_the_overlap_is_named_again():
    with swept(a_population(1)) as source:
        source.discover(full=True)
        for status in ("on-hold", "stopped"):
            source.ehr.clock.pass_time(seconds=60)
            source.ehr.edit("MedicationRequest/o0", status=status)
            assert named(source.discover()[0]) == {"p0"}


@pytest.mark.failure("F3")
def test_a_full_sweep_names_who_changed_since_the_last_one_and_not_everybody():
    with swept(a_population(4)) as source:
        source.ehr.clock.pass_time(hours=1)
        source.discover(full=True)
        source.ehr.clock.pass_time(hours=24)
        source.ehr.edit("MedicationRequest/o2", status="stopped")
        noticed, failures = source.discover(full=True)
        assert failures == []
        assert named(noticed) == {"p2"}
        assert cohort(noticed) == {"p0", "p1", "p2", "p3"}


@pytest.mark.failure("F5")
def test_without_last_updated_a_full_sweep_names_whose_rows_are_not_what_they_were():
    with swept(a_population(3)) as source:
        source.ehr.faults.add("no-last-updated")
        assert named(source.discover(full=True)[0], "MedicationRequest") == {"p0", "p1", "p2"}
        source.ehr.clock.pass_time(hours=24)
        source.ehr.edit("MedicationRequest/o1", status="stopped")
        assert named(source.discover(full=True)[0], "MedicationRequest") == {"p1"}


def test_medications_are_read_once_and_many_at_a_time():
    drugs = [
        {"resourceType": "Medication", "id": f"m{n}", "code": METFORMIN if n else DIAZEPAM} for n in range(12)
    ]
    orders = [
        an_order(
            f"o{n}",
            f"p{n}",
            medicationCodeableConcept=None,
            medicationReference={"reference": f"Medication/m{n % 12}"},
        )
        for n in range(36)
    ]
    with swept([*drugs, *orders], page_size=10, settings={"ids_per_request": 50}) as source:
        noticed, failures = source.discover(full=True)
        assert failures == []
        assert cohort(noticed) == {"p0", "p12", "p24"}
        assert source.requests().count("GET Medication") == 2


# -- faults ----------------------------------------------------------------------------------------


@pytest.mark.failure("F1", "F21", "F26")
@pytest.mark.parametrize(
    "fault",
    [
        "unavailable",
        "server-error",
        "reset",
        "hang-up",
        "login-page",
        "empty-body",
        "not-json",
        "other-json",
        "outcome-in-200",
        "page-fails",
        "page-expired",
        "truncated-page",
        "no-link",
        "foreign-next",
        "looping-next",
        "endless-next",
        "outcome-row",
        "suppressed",
        "wrong-total",
        "cut-reply",
    ],
)
def test_a_fault_of_a_sweep_gives_no_watermark_and_one_line_and_the_other_types_go_on(fault):
    value = {"foreign-next": "http://127.0.0.1:9", "outcome-row": "4119", "wrong-total": 5}.get(fault)
    with swept(a_population(9), page_size=4, attempts=2, max_empty_pages=3, max_pages=15) as source:
        on = "page MedicationRequest" if fault.startswith("page-") else "list MedicationRequest"
        source.ehr.faults.add(fault, on=on, value=value)
        noticed, failures = source.discover(full=True)
        assert source.ehr.faults.struck[fault] > 0
        assert [failure.kind for failure in failures] == ["MedicationRequest"]
        assert "\n" not in failures[0].why
        assert "MedicationRequest" not in watermarks(noticed)
        assert "MedicationDispense" in watermarks(noticed)
        source.ehr.faults.clear()
        noticed, failures = source.discover(full=True)
        assert failures == []
        assert cohort(noticed) == {f"p{n}" for n in range(9)}


def test_an_ehr_that_is_down_gives_one_failure_a_type_and_few_requests():
    with swept(a_population(1), attempts=2, breaker_failures=4) as source:
        source.ehr.faults.add("unavailable", on="any")
        noticed, failures = source.discover(full=True)
        assert noticed == []
        assert {failure.kind for failure in failures} == {"MedicationRequest", "MedicationDispense", "Task"}
        assert source.client.requests <= 5


@pytest.mark.failure("F22")
def test_a_refused_credential_ends_the_run_at_once():
    with swept(a_population(1)) as source:
        source.ehr.faults.add("unauthorized", on="any")
        assert list(source.sweep.discover(source.state, full=True, now=source.now)) == [
            ReadFailure("MedicationRequest", "the EHR refused the credential")
        ]
        assert source.client.requests == 1


@pytest.mark.parametrize("fault", ["forbidden", "unknown-type", "rejected"])
def test_a_type_that_cannot_be_watched_is_no_failure_and_is_not_asked_for_again(fault):
    with swept(a_population(2)) as source:
        source.discover(full=True)
        source.ehr.clock.pass_time(hours=1)
        source.ehr.faults.add(fault, on="list Condition")
        for _ in range(3):
            noticed, failures = source.discover()
            assert failures == []
            assert "Condition" not in watermarks(noticed)
            assert "Encounter" in watermarks(noticed)
        assert source.requests().count("GET Condition") <= 2


@pytest.mark.parametrize("fault", ["forbidden", "unknown-type", "rejected"])
def test_orders_and_tasks_must_be_swept_and_fills_need_not(fault):
    for kind, matters in (("MedicationRequest", True), ("Task", True), ("MedicationDispense", False)):
        with swept(a_population(1)) as source:
            source.ehr.faults.add(fault, on=f"list {kind}")
            _, failures = source.discover(full=True)
            assert [failure.kind for failure in failures] == ([kind] if matters else [])


@pytest.mark.failure("F5")
def test_a_server_that_ignores_last_updated_is_not_watched_by_it():
    with swept(a_population(2)) as source:
        source.discover(full=True)
        source.ehr.clock.pass_time(hours=1)
        source.ehr.faults.add("dropped-filter", on="search Condition", value="_lastUpdated")
        source.ehr.load([a_condition("c", "p1")])
        noticed, failures = source.discover()
        assert failures == []
        assert "Condition" not in watermarks(noticed)


def test_a_medication_that_cannot_be_read_now_leaves_the_watermark_where_it_was():
    order = an_order("o1", medicationCodeableConcept=None, medicationReference={"reference": "Medication/m1"})
    with swept([order, {"resourceType": "Medication", "id": "m1", "code": DIAZEPAM}], attempts=1) as source:
        source.ehr.faults.add("unavailable", on="search Medication")
        noticed, failures = source.discover(full=True)
        assert [failure.kind for failure in failures] == ["MedicationRequest"]
        assert "MedicationRequest" not in watermarks(noticed)
        source.ehr.faults.clear()
        assert cohort(source.discover()[0]) == {"p1"}


@pytest.mark.failure("F1", "F4")
@given(st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_pages_do_a_watermark_means_that_nobody_was_missed(data):
    faults = st.sampled_from(
        [
            "server-error",
            "reset",
            "truncated-page",
            "page-expired",
            "foreign-next",
            "repeated-rows",
            "unlabelled",
        ]
    )
    with swept(a_population(12), page_size=3, attempts=1) as source:
        for fault in data.draw(st.lists(faults, max_size=4)):
            skip = data.draw(st.integers(0, 5))
            source.ehr.faults.add(
                fault, times=1, skip=skip, on="list MedicationRequest", value="http://127.0.0.1:9"
            )
        noticed, failures = source.discover(full=True)
        everybody = {f"p{number}" for number in range(12)}
        assert cohort(noticed) <= everybody, "nobody is invented"
        assert ("MedicationRequest" in watermarks(noticed)) == (not failures)
        assert failures or cohort(noticed) == everybody


# -- own Tasks -------------------------------------------------------------------------------------


def test_own_tasks_are_found_by_identifier_and_no_others():
    tasks = [a_task(f"t{number}", key=f"r{number}-1") for number in range(5)]
    foreign = [
        a_task("x", key=None),
        a_task("y", key=None) | {"identifier": [{"system": "urn:other", "value": "k"}]},
    ]
    with swept([*tasks, *foreign], page_size=2) as source:
        raw, read = source.sweep.own_tasks()
        assert read.state == "complete"
        assert sorted(b'"id":"t' in body.replace(b" ", b"") for body in raw) == [True] * 5


def test_where_a_search_by_system_is_refused_own_tasks_are_found_by_code():
    with swept([a_task("t1"), a_task("x", key=None)]) as source:
        source.ehr.faults.add("rejected", on="search Task", where="identifier")
        raw, read = source.sweep.own_tasks()
        assert (len(raw), read.state) == (1, "complete")


def test_own_tasks_that_were_not_all_read_are_failed():
    with swept([a_task(f"t{n}", key=f"r{n}-1") for n in range(5)], page_size=2, attempts=1) as source:
        source.ehr.faults.add("page-fails", on="page Task")
        raw, read = source.sweep.own_tasks()
        assert read.state == "failed"
        assert len(raw) == 2


@pytest.mark.failure("F14")
def test_today_is_the_day_at_the_clinic():
    order = an_order(authoredOn=None, status="stopped")
    with swept([order], settings={"traits": Traits(timezone="Pacific/Auckland")}) as source:
        source.ehr.clock.set(START.replace(hour=20))
        noticed, _ = source.discover(full=True)
        assert {until for each in noticed for _, until in each.cohort} == {
            date(2026, 3, 2) + timedelta(days=400)
        }
