"""Days on which somebody, or something, does what nobody expected: no row stops others, no person is overwritten."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete

from service.cycle.operators import accept
from service.model.item import CloseReason, ItemState
from service.store.tables import assessment_table, item_table, patient_table, projection_table
from tests.cycle.world import (
    DIAZEPAM_5,
    RXNORM,
    Resource,
    World,
    a_patient,
    a_review,
    an_order,
    days_ago,
    people,
    world,
)
from tests.ehr.hostile import Habits


def an_opioid(here: World, patient: str = "p1", name: str = "opioid") -> Resource:
    """Ordered today: a new fact."""
    order = an_order(patient, name, days=30)
    today = here.ehr.clock().date().isoformat()
    return {**order, "medicationCodeableConcept": {"text": "oxycodone 5 mg tablet"}, "authoredOn": today}


def merge(here: World) -> None:
    link = [{"other": {"reference": "Patient/p2"}, "type": "replaced-by"}]
    here.ehr.edit("Patient/p1", active=False, link=link)
    here.ehr.edit("MedicationRequest/p1-a", subject={"reference": "Patient/p2"})


def some_cycles(here: World, number: int = 3, **time: float) -> None:
    for _ in range(number):
        here.pass_time(**(time or {"minutes": 16}))
        here.cycle()


def forget(here: World, patient: str) -> None:
    """The ledger is that of yesterday: it does not know this patient."""
    with here.parts.ledger.write(None) as tx:
        for table in (item_table, projection_table, patient_table, assessment_table):
            tx._connection.execute(delete(table).where(table.c.patient == patient))


def refuse_writes_once(here: World) -> None:
    """One cycle in which nothing can be written: what is decided stays planned."""
    here.ehr.faults.add("unavailable", on="write Task")
    here.pass_time(minutes=2)
    here.cycle()
    here.ehr.faults.clear()


ODD: list[dict[str, Any]] = [
    {"businessStatus": {"text": ""}},
    {"note": ["x"]},
    {"note": [None]},
    {"statusReason": "x"},
]


@pytest.mark.parametrize("edit", ODD, ids=lambda edit: next(iter(edit)))
def test_an_odd_task_goes_before_people_and_stops_no_other(tmp_path, edit):
    with world(tmp_path, people(2)) as here:
        here.cycle()
        [task] = here.live_tasks()["p1"]
        here.ehr.edit(f"Task/{task['id']}", **edit)
        here.ehr.load([an_opioid(here, "p1"), an_opioid(here, "p2"), a_patient("p9"), an_order("p9")])
        some_cycles(here, 2, days=1)
        rules = {row.get("valueString") for row in here.live_tasks()["p2"][0]["input"]}
        assert "R05" in rules
        assert len(here.live_tasks()["p9"]) == 1


def test_a_ledger_of_yesterday_takes_the_live_task_on(tmp_path):
    with world(tmp_path, people(2)) as here:
        here.cycle()
        [task] = here.live_tasks()["p2"]
        here.ehr.edit(f"Task/{task['id']}", status="accepted", note=[*task["note"], {"text": "called her"}])
        forget(here, "p2")
        here.pass_time(minutes=16)
        here.cycle(full=True)
        here.ehr.load([an_opioid(here, "p2")])
        some_cycles(here, 3)
        some_cycles(here, 2, days=1)
        [after] = here.live_tasks()["p2"]
        assert (after["id"], after["status"]) == (task["id"], "accepted")
        texts = [note["text"] for note in after["note"]]
        assert texts[0] == "called her"
        assert len(texts) == 2
        assert "R05" in {row.get("valueString") for row in after["input"]}


def test_the_daily_check_ends_no_task_of_a_patient_who_could_not_be_read(tmp_path):
    with world(tmp_path, people(2)) as here:
        here.cycle()
        forget(here, "p2")
        here.ehr.faults.add("login-page", on="list Encounter")
        here.pass_time(days=1)
        here.cycle(full=True)
        assert len(here.live_tasks()["p2"]) == 1


def test_after_an_un_merge_each_of_the_two_has_a_task_of_their_own(tmp_path):
    with world(tmp_path, [*people(1), a_patient("p2")]) as here:
        here.cycle()
        merge(here)
        some_cycles(here)
        [task] = here.tasks()
        here.ehr.edit(
            f"Task/{task['id']}", status="in-progress", note=[*task["note"], {"text": "spoke with p2"}]
        )
        some_cycles(here, 1)
        here.ehr.edit("Patient/p1", active=True, link=None)
        here.ehr.load([an_order("p1", "b")])
        some_cycles(here)
        kept = here.ehr.store.get("Task", task["id"])
        assert kept["for"] == {"reference": "Patient/p2"}
        assert {patient: len(found) for patient, found in here.live_tasks().items()} == {"p1": 1, "p2": 1}
        assert here.item("p1").n == 2


@pytest.mark.parametrize("note", [[], [{"text": "please look again"}]], ids=["silent", "with-a-note"])
def test_a_task_that_was_opened_again_ends_as_any_other(tmp_path, note):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        [task] = here.tasks()
        here.ehr.edit(f"Task/{task['id']}", status="completed")
        some_cycles(here, 1)
        here.ehr.edit(f"Task/{task['id']}", status="requested", note=[*task["note"], *note])
        some_cycles(here, 2)
        here.ehr.load([a_review("p1")])
        some_cycles(here, 2)
        some_cycles(here, 3, days=1)
        [after] = here.tasks()
        assert (after["status"], after["statusReason"]["coding"][0]["code"]) == ("completed", "reviewed")
        assert here.item("p1").close_reason is CloseReason.REVIEWED


def test_a_deleted_task_that_a_restore_brings_back_is_ended_when_nothing_is_due(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        [task] = here.tasks()
        here.ehr.store.delete("Task", task["id"])
        some_cycles(here, 2, days=1)
        assert here.item("p1").state is ItemState.WITHDRAWN
        here.ehr.load(
            [{name: value for name, value in task.items() if name != "meta"} | {"owner": {"reference": "x"}}]
        )
        here.ehr.load([a_review("p1", on=here.ehr.clock().date())])
        some_cycles(here, 3, days=1)
        assert here.tasks()[0]["status"] == "completed"
        assert here.item("p1").state is ItemState.CLOSED


def test_a_deleted_task_that_a_restore_brings_back_in_somebody_s_hands_is_kept_true(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        [task] = here.tasks()
        here.ehr.store.delete("Task", task["id"])
        some_cycles(here, 2, days=1)
        back = {name: value for name, value in task.items() if name != "meta"}
        here.ehr.load([{**back, "status": "accepted", "description": "of yesterday"}])
        some_cycles(here, 3, days=1)
        assert here.tasks()[0]["description"].startswith("Benzodiazepine review due")


def test_a_server_that_tells_no_version_is_set_right_after_a_restore_too(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.ehr.faults.add("no-last-updated")
        here.cycle()
        then = here.ehr.store.snapshot()
        here.ehr.load([an_opioid(here)])
        here.pass_time(minutes=16)
        assert here.cycle(full=True).updated == 1
        here.ehr.store.restore(then)
        here.ehr.load([an_opioid(here)])
        here.pass_time(minutes=16)
        assert here.cycle(full=True).updated == 1
        here.pass_time(minutes=16)
        assert here.cycle(full=True).updated == 0


def test_the_daily_check_ends_nothing_by_what_a_late_list_says(tmp_path):
    with world(tmp_path, people(1), habits=Habits(index_lag_seconds=200_000)) as here:
        here.cycle()
        here.ehr.load([a_review("p1")])
        here.ehr.faults.add("no-last-updated")
        some_cycles(here, 3, days=1)
        [task] = here.tasks()
        assert task["statusReason"]["coding"][0]["code"] == "reviewed"


def test_404_counts_once_a_cycle_and_not_for_ever(tmp_path):
    with world(tmp_path, people(5)) as here:
        here.cycle()
        [task] = here.live_tasks()["p1"]
        here.ehr.vanish("Task", ids=[task["id"]])
        here.pass_time(days=1)
        here.cycle(full=True)
        assert here.item("p1").state is ItemState.OPEN
        here.ehr.load([{name: value for name, value in task.items() if name != "meta"}])
        here.pass_time(days=1)
        here.cycle(full=True)
        here.ehr.vanish("Task", ids=[task["id"]])
        here.pass_time(days=1)
        here.cycle(full=True)
        assert here.projection("p1").seen.gone <= 1


def test_another_task_under_the_id_of_ours_is_not_ours(tmp_path):
    with world(tmp_path, people(2)) as here:
        here.cycle()
        [task] = here.live_tasks()["p1"]
        here.ehr.store.delete("Task", task["id"])
        theirs = {"resourceType": "Task", "id": task["id"], "status": "requested", "intent": "order"}
        here.ehr.load([{**theirs, "for": {"reference": "Patient/p1"}, "description": "call back"}])
        here.ehr.load([an_opioid(here)])
        some_cycles(here, 3, days=1)
        assert here.ehr.store.get("Task", task["id"])["description"] == "call back"
        assert here.item("p1").state is not ItemState.OPEN or len(here.live_tasks()["p1"]) == 2


def test_an_answer_in_a_task_that_a_list_left_out_is_not_asked_again(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        [task] = here.tasks()
        here.ehr.edit("Patient/p1", active=False)
        here.pass_time(minutes=16)
        here.cycle()
        here.ehr.edit("Patient/p1", active=True)
        here.ehr.edit(f"Task/{task['id']}", status="completed", statusReason=None)
        here.ehr.faults.add("truncated-page-without-total", on="list Task")
        here.pass_time(minutes=16)
        here.cycle(full=True)
        assert here.ehr.faults.struck["truncated-page-without-total"] > 0
        here.ehr.faults.clear()
        some_cycles(here, 2, hours=7)
        assert [each["id"] for each in here.tasks()] == [task["id"]]


def test_a_stay_that_a_list_left_out_goes_on(tmp_path):
    stay = {
        "resourceType": "Encounter",
        "id": "stay",
        "status": "in-progress",
        "class": {"code": "IMP"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": days_ago(3)},
    }
    with world(tmp_path, [*people(1), stay]) as here:
        here.cycle()
        assert here.items() == []
        here.ehr.faults.add("truncated-page-without-total", on="list Encounter")
        here.pass_time(minutes=16)
        here.cycle(full=True)
        assert here.items() == []


def test_a_patient_about_whom_nothing_can_be_decided_uses_nobody_s_budget(tmp_path):
    with world(tmp_path, people(3), released=False, new_per_source_per_day=1) as here:
        here.cycle()
        first = max(here.items(), key=lambda item: (item.rank, item.key)).patient
        here.ehr.edit(
            f"Patient/{first}", birthDate="2001-01-01", identifier=[{"system": "x", "value": "other"}]
        )
        here.release()
        some_cycles(here, 2, days=1)
        assert len(here.tasks()) == 2
        assert first not in here.live_tasks()


def test_an_old_answer_does_not_make_a_new_alarm_reviewed(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        [task] = here.tasks()
        output = [
            {
                "type": {"coding": [{"system": "urn:reviewdue:output", "code": "outcome"}]},
                "valueCodeableConcept": {"coding": [{"system": "urn:reviewdue:outcome", "code": "continue"}]},
            },
            {
                "type": {"coding": [{"system": "urn:reviewdue:output", "code": "until"}]},
                "valueDate": "2027-03-01",
            },
        ]
        here.ehr.edit(f"Task/{task['id']}", status="completed", output=output)
        some_cycles(here, 1)
        here.pass_time(days=40)
        here.ehr.load([an_opioid(here)])
        some_cycles(here, 2)
        assert len(here.live_tasks()["p1"]) == 1
        here.ehr.edit("MedicationRequest/p1-opioid", status="entered-in-error")
        some_cycles(here, 2)
        assert {each["status"] for each in here.tasks()} == {"completed", "cancelled"}


def test_a_planned_write_is_not_sent_for_a_test_patient(tmp_path):
    with world(tmp_path, people(2), exclude_tags=["test"]) as here:
        here.cycle()
        before = here.live_tasks()["p1"]
        here.ehr.load([an_opioid(here), an_order("p3"), a_patient("p3")])
        refuse_writes_once(here)
        for patient in ("p1", "p3"):
            here.ehr.edit(f"Patient/{patient}", meta={"tag": [{"system": "x", "code": "test"}]})
        some_cycles(here, 2)
        assert here.live_tasks()["p1"] == before
        assert "p3" not in here.live_tasks()
        here.pass_time(minutes=16)
        assert here.cycle().patients == 0  # nobody is looked at again and again because of it


@pytest.mark.parametrize("unread", ["unavailable", "birth date of no kind"])
def test_a_test_patient_stays_one_while_the_record_cannot_be_read(tmp_path, unread):
    tag = {"meta": {"tag": [{"system": "x", "code": "test"}]}}
    held = [a_patient("p2", **tag), an_order("p2")]
    with world(tmp_path, [*people(1), *held], exclude_tags=["test"]) as here:
        here.cycle()
        before = here.tasks()
        here.ehr.edit("Patient/p1", **tag)
        some_cycles(here, 1)
        if unread == "unavailable":
            here.ehr.faults.add(unread, on="list Patient")
        else:
            for patient in ("p1", "p2"):
                here.ehr.edit(f"Patient/{patient}", birthDate=1951)
        here.ehr.load([an_opioid(here, "p1"), an_opioid(here, "p2")])
        some_cycles(here, 2)
        assert here.tasks() == before
        assert here.item("p2").state is ItemState.HELD


def test_a_create_of_unclear_end_is_found_after_a_merge(tmp_path):
    with world(tmp_path, [*people(1), a_patient("p2")]) as here:
        here.ehr.faults.add("lost-reply", times=1, on="write Task")
        here.cycle()
        merge(here)
        here.pass_time(seconds=20)
        here.cycle()
        some_cycles(here, 4)
        [task] = here.tasks()
        assert (task["status"], task["for"]) == ("requested", {"reference": "Patient/p2"})
        assert here.reasons() == set()


@pytest.mark.parametrize("status", ["completed", "accepted"])
def test_what_people_do_to_a_task_that_still_names_the_merged_record_counts(tmp_path, status):
    with world(tmp_path, [*people(1), a_patient("p2")]) as here:
        here.cycle()
        [task] = here.tasks()
        merge(here)
        refuse_writes_once(here)  # it moved in the ledger, and the EHR was not told
        here.ehr.edit("MedicationRequest/p1-a", status="entered-in-error")
        refuse_writes_once(here)  # it is to be ended, and the EHR was not told
        here.ehr.edit(f"Task/{task['id']}", status=status)
        some_cycles(here, 4)
        assert here.tasks()[0]["status"] == status
        assert (here.item("p2").state is ItemState.OPEN) is (status == "accepted")
        here.pass_time(minutes=16)
        assert here.cycle().patients == 0  # nobody is looked at again and again because of it


def test_an_answer_stays_with_the_survivor_when_the_merged_record_is_read_in_part(tmp_path):
    with world(tmp_path, [*people(1), a_patient("p2")]) as here:
        here.cycle()
        [task] = here.tasks()
        here.ehr.edit(f"Task/{task['id']}", status="completed")
        merge(here)
        some_cycles(here, 2)
        here.ehr.faults.add("login-page", on="list Encounter")
        here.ehr.edit("Patient/p1", gender="other")
        some_cycles(here, 1)
        with here.parts.ledger.read() as tx:
            assert [outcome.key for outcome in tx.outcomes_of("main", ["p2"])["p2"]] == [task["id"]]


def test_what_an_operator_accepted_stays_accepted_through_a_failed_read(tmp_path):
    odd = an_order("p1", "odd", ago=3)
    odd |= {
        "dispenseRequest": "nonsense",
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": DIAZEPAM_5}]},
    }
    with world(tmp_path, [*people(1), odd]) as here:
        here.cycle()
        reference = "MedicationRequest/p1-odd"
        now = here.ehr.clock()
        assert accept(here.parts.ledger, "main", reference, reason="known", now=now, actor="operator")
        here.ehr.faults.add("login-page", on="list MedicationRequest")
        here.pass_time(minutes=16)
        here.cycle(full=True)
        here.ehr.faults.clear()
        here.ehr.load([a_review("p1")])
        some_cycles(here, 1, hours=7)
        assert here.item("p1").close_reason is CloseReason.REVIEWED


def test_nothing_planned_is_written_once_the_id_is_somebody_else_s(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        before = here.tasks()
        here.ehr.load([an_opioid(here)])
        refuse_writes_once(here)
        here.ehr.edit("Patient/p1", birthDate="2001-01-01", identifier=[{"system": "x", "value": "other"}])
        some_cycles(here, 3)
        assert "patient-changed" in here.reasons()
        assert here.tasks() == before


def test_a_deletion_holds_for_the_person_whatever_the_record_is_called(tmp_path):
    with world(tmp_path, [*people(1), a_patient("p2")]) as here:
        here.cycle()
        [task] = here.tasks()
        here.ehr.store.delete("Task", task["id"])
        some_cycles(here, 2, days=1)
        assert here.item("p1").state is ItemState.WITHDRAWN
        merge(here)
        some_cycles(here)
        assert here.tasks() == []


def test_a_pilot_that_was_narrowed_holds_planned_creates_back(tmp_path):
    doctor = {"resourceType": "Practitioner", "id": "eyre", "active": True}
    order = an_order("p1", requester={"reference": "Practitioner/eyre"})
    with world(tmp_path, [doctor, a_patient("p1"), order]) as here:
        refuse_writes_once(here)
        pilot = here.parts.settings.pilot.model_copy(update={"owners": ["Practitioner/other"]})
        here.parts = replace(here.parts, settings=here.parts.settings.model_copy(update={"pilot": pilot}))
        some_cycles(here, 2)
        assert here.tasks() == []
