"""The main job end to end: from orders in an EHR to one review-due Task per person in it, kept true."""

import pytest

from service.model.item import CloseReason, ItemState, ProjectionState
from tests.cycle.world import TODAY, a_patient, a_review, an_order, people, world


@pytest.mark.failure("I1")
def test_each_person_due_gets_exactly_one_task_and_a_second_cycle_writes_nothing(tmp_path):
    with world(tmp_path, people(5)) as here:
        first = here.cycle()
        assert (first.created, first.updated, first.closed, first.unknown) == (5, 0, 0, 0)
        assert first.complete
        assert {patient: len(found) for patient, found in here.live_tasks().items()} == {
            f"p{n}": 1 for n in range(1, 6)
        }
        again = here.cycle()
        assert (again.created, again.updated, again.closed) == (0, 0, 0)
        full = here.cycle(full=True)
        assert (full.assessed, full.created, full.updated) == (5, 0, 0)
        assert here.ehr.creations() == {f"urn:reviewdue:item|{item.key}": 1 for item in here.items()}


def test_the_task_carries_key_patient_reason_and_numbers(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        [task] = here.tasks()
        item = here.item("p1")
        assert task["identifier"] == [{"system": "urn:reviewdue:item", "value": item.key}]
        assert task["reasonCode"]["coding"][0]["code"] == "R02"
        assert "diazepam 10 mg/day since 21 Feb 2026" in task["description"]
        assert task["restriction"]["period"]["end"] == "2026-06-15"


def test_a_new_source_is_in_shadow_until_it_is_released(tmp_path):
    with world(tmp_path, people(2), released=False) as here:
        shadow = here.cycle()
        assert (shadow.created, shadow.held) == (0, 2)
        assert here.tasks() == []
        here.release()
        assert here.cycle().created == 2


def test_writing_needs_the_setting_as_well(tmp_path):
    with world(tmp_path, people(1), write="never") as here:
        assert here.cycle().held == 1
        assert here.tasks() == []


def test_the_budget_paces_the_first_day_and_the_riskiest_go_first(tmp_path):
    older = [a_patient("old", birthDate="1990-01-01"), an_order("old", ago=300, days=400)]
    with world(tmp_path, people(3) + older, new_per_owner_per_day=2) as here:
        assert here.cycle().created == 2
        assert here.cycle().created == 0
        here.pass_time(days=1)
        assert here.cycle().created == 2


def test_a_review_in_the_record_closes_the_task_as_reviewed(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        here.ehr.load([a_review(on=TODAY)])
        here.pass_time(minutes=5)
        done = here.cycle()
        assert done.closed == 1
        [task] = here.tasks()
        assert task["status"] == "completed"
        assert task["statusReason"]["coding"][0]["code"] == "reviewed"
        assert here.item("p1").close_reason is CloseReason.REVIEWED
        assert here.cycle().closed == 0


@pytest.mark.failure("F20", "I3")
def test_orders_entered_in_error_take_the_task_back(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        here.ehr.edit("MedicationRequest/p1-a", status="entered-in-error")
        here.pass_time(minutes=5)
        assert here.cycle().closed == 1
        assert here.tasks()[0]["statusReason"]["coding"][0]["code"] == "source-error"


def test_a_new_fact_updates_the_same_task_in_place(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        tramadol = an_order("p1", "o", ago=3, days=30)
        tramadol["medicationCodeableConcept"] = {"text": "Tramadol 50 mg capsules"}
        here.ehr.load([tramadol])
        here.pass_time(minutes=5)
        assert here.cycle().updated == 1
        [task] = here.tasks()
        assert task["priority"] == "asap"
        assert task["reasonCode"]["coding"][0]["code"] == "R05"


@pytest.mark.failure("F18", "F20")
@pytest.mark.parametrize("status", ["received", "accepted", "ready", "in-progress", "on-hold"])
def test_a_person_at_the_task_keeps_it_though_nothing_is_due_any_more(tmp_path, status):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        [task] = here.tasks()
        here.ehr.edit(f"Task/{task['id']}", status=status, note=[*task["note"], {"text": "mine"}])
        here.ehr.load([a_review()])
        here.pass_time(minutes=5)
        assert here.cycle().closed == 0
        [task] = here.tasks()
        assert task["status"] == status
        assert [note["text"][:13] for note in task["note"]] == ["mine", "No longer due"]
        assert here.cycle().updated == 0


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("completed", "reviewed"), ("rejected", "not-applicable"), ("cancelled", "not-applicable")],
)
def test_a_person_who_ends_the_task_is_not_asked_again(tmp_path, status, outcome):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        [task] = here.tasks()
        here.ehr.edit(f"Task/{task['id']}", status=status, lastModified="2026-06-01T10:00:00Z")
        here.pass_time(hours=2)
        here.cycle()
        assert here.item("p1").state is ItemState.CLOSED
        with here.parts.ledger.read() as tx:
            [stored] = tx.outcomes_of("main", ["p1"])["p1"]
        assert stored.kind.value == outcome
        here.pass_time(days=8)
        here.cycle(full=True)
        assert len(here.tasks()) == 1


def test_a_task_opened_again_by_a_person_lives_on(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        [task] = here.tasks()
        here.ehr.edit(f"Task/{task['id']}", status="completed")
        here.pass_time(hours=1)
        here.cycle()
        here.ehr.edit(f"Task/{task['id']}", status="requested")
        here.pass_time(hours=1)
        here.cycle()
        assert here.item("p1").state is ItemState.OPEN
        here.pass_time(hours=1)
        here.cycle(full=True)
        assert [task["status"] for task in here.tasks()] == ["requested"]


def test_the_ledger_states_the_delivery_as_confirmed(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        assert here.projection("p1").state is ProjectionState.CONFIRMED


def merged_into(here, patient, other):
    here.ehr.edit(
        f"Patient/{patient}",
        active=False,
        link=[{"other": {"reference": f"Patient/{other}"}, "type": "replaced-by"}],
    )
    for order in here.ehr.all("MedicationRequest"):
        if order["subject"]["reference"] == f"Patient/{patient}":
            here.ehr.edit(f"MedicationRequest/{order['id']}", subject={"reference": f"Patient/{other}"})


def test_a_day_that_changes_nothing_writes_nothing_into_the_ledger_either(tmp_path):
    with world(tmp_path, people(2)) as here:
        here.cycle()

        def told() -> list[object]:
            with here.parts.ledger.read() as tx:
                return [*here.items(), *tx.audit_trail("main")]

        before = told()
        for _ in range(3):
            here.pass_time(days=1)
            here.cycle(full=True)
        assert told() == before


@pytest.mark.failure("F19")
def test_an_item_follows_a_merged_patient_with_its_key(tmp_path):
    with world(tmp_path, [*people(1), a_patient("new")]) as here:
        here.cycle()
        key = here.item("p1").key
        merged_into(here, "p1", "new")
        here.pass_time(minutes=5)
        for _ in range(2):
            here.cycle()
            here.pass_time(minutes=20)
        assert here.item("new").key == key
        [task] = here.tasks()
        assert (task["status"], task["for"]) == ("requested", {"reference": "Patient/new"})
        assert here.cycle(full=True).updated == 0


@pytest.mark.failure("F19")
def test_of_two_merged_patients_the_survivor_keeps_its_item(tmp_path):
    with world(tmp_path, people(2)) as here:
        here.cycle()
        merged_into(here, "p1", "p2")
        here.pass_time(minutes=5)
        here.cycle()
        assert here.item("p1").close_reason is CloseReason.SUPERSEDED
        assert {patient: len(found) for patient, found in here.live_tasks().items()} == {"p2": 1}


def test_an_item_that_moved_to_a_patient_with_ended_ones_is_the_one_that_counts(tmp_path):
    with world(tmp_path, people(2)) as here:
        here.cycle()
        [own] = here.live_tasks()["p2"]
        here.ehr.edit(f"Task/{own['id']}", status="completed")
        here.pass_time(minutes=5)
        here.cycle()
        merged_into(here, "p1", "p2")
        for _ in range(2):
            here.pass_time(hours=1)
            assert here.cycle().complete
        moved = [item for item in here.items() if item.patient == "p2" and item.key != own["id"]]
        assert {(item.state, item.close_reason) for item in moved} == {
            (ItemState.CLOSED, CloseReason.REVIEWED)  # what was answered for the one record is for the other
        }
        assert {task["status"] for task in here.tasks()} == {"completed"}


@pytest.mark.failure("F19")
def test_a_superseded_task_is_ended_later_when_the_ehr_was_down(tmp_path):
    with world(tmp_path, people(2)) as here:
        here.cycle()
        merged_into(here, "p1", "p2")
        here.ehr.faults.add("unavailable", on="write")
        here.pass_time(minutes=5)
        here.cycle()
        here.ehr.faults.clear()
        here.pass_time(hours=7)
        here.cycle()
        assert {patient: len(found) for patient, found in here.live_tasks().items()} == {"p2": 1}


def test_a_task_in_somebody_s_hands_outlives_a_merge_before_people_s_eyes(tmp_path):
    with world(tmp_path, people(2)) as here:
        here.cycle()
        [task] = here.live_tasks()["p1"]
        here.ehr.edit(f"Task/{task['id']}", status="in-progress")
        merged_into(here, "p1", "p2")
        for _ in range(3):
            here.pass_time(hours=25)
            here.cycle(full=True)
        assert here.item("p1").state is ItemState.OPEN
        assert "duplicate-touched" in here.reasons()
        here.ehr.edit(f"Task/{task['id']}", status="completed")
        for _ in range(2):
            here.pass_time(hours=25)
            here.cycle(full=True)
        assert here.item("p1").close_reason is CloseReason.REVIEWED
        with here.parts.ledger.read() as tx:
            assert [outcome.key for outcome in tx.outcomes_of("main", ["p2"])["p2"]] == [here.item("p1").key]
        assert here.live_tasks() == {}  # the review of the one record answers for the other


@pytest.mark.failure("F19")
def test_patients_that_replace_each_other_in_a_circle_go_before_people(tmp_path):
    with world(tmp_path, people(2)) as here:
        here.cycle()
        for patient, other in (("p1", "p2"), ("p2", "p1")):
            link = [{"other": {"reference": f"Patient/{other}"}, "type": "replaced-by"}]
            here.ehr.edit(f"Patient/{patient}", link=link)
        here.pass_time(minutes=5)
        here.cycle()
        assert "merge-not-followed" in here.reasons()
        assert len(here.live_tasks()) == 2
