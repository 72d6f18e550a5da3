"""Release: who is written for, in which order, and how many a day."""

import pytest

from service.model.item import ItemState
from tests.cycle.world import SNOMED, a_patient, a_review, an_order, days_ago, people, world

EYRE, GREY, CLINIC = "Practitioner/eyre", "Practitioner/grey", "Organization/north"


def a_practitioner(reference, **elements):
    kind, _, id_ = reference.partition("/")
    return {"resourceType": kind, "id": id_, "active": True, **elements}


def a_role(practitioner, organization, **elements):
    return {
        "resourceType": "PractitionerRole",
        "id": f"role-{practitioner.rpartition('/')[2]}",
        "practitioner": {"reference": practitioner},
        "organization": {"reference": organization},
        **elements,
    }


def prescribed(id_, owner, **order):
    return [a_patient(id_), an_order(id_, requester={"reference": owner}, **order)]


TWO_OWNERS = [
    a_practitioner(EYRE), a_practitioner(GREY), *prescribed("e1", EYRE), *prescribed("e2", EYRE),
    *prescribed("g1", GREY), *prescribed("g2", GREY),
]  # fmt: skip


def with_a_task(here):
    return set(here.live_tasks())


def states(here):
    return {item.patient: item.state for item in here.items()}


@pytest.mark.failure("F31")
def test_each_owner_has_a_budget_a_day_and_the_source_one_too(tmp_path):
    with world(tmp_path, TWO_OWNERS, new_per_owner_per_day=1) as here:
        report = here.cycle()
        assert (report.created, report.held) == (2, 2)
        assert {task["owner"]["reference"] for task in here.tasks()} == {EYRE, GREY}
        here.pass_time(hours=20)
        assert here.cycle().created == 2
    (tmp_path / "b").mkdir()
    with world(tmp_path / "b", TWO_OWNERS, new_per_source_per_day=3) as here:
        assert [here.cycle().created, here.cycle().created] == [3, 0]


@pytest.mark.failure("F14")
def test_the_day_of_the_budget_is_that_of_the_clinic(tmp_path):
    with world(tmp_path, people(2), new_per_source_per_day=1, timezone="Pacific/Auckland") as here:
        assert here.cycle().created == 1  # 21:00 in Auckland
        here.pass_time(hours=2)
        assert here.cycle().created == 0
        here.pass_time(hours=2)
        assert here.cycle().created == 1


def test_the_riskiest_go_first(tmp_path):
    more = an_order("p2", dosageInstruction=[{"text": "take 4 tablets twice a day"}])
    with world(
        tmp_path, [*people(1), a_patient("p2"), more, *people(3)[4:]], new_per_source_per_day=1
    ) as here:
        here.cycle()
        assert with_a_task(here) == {"p2"}


def test_asap_goes_out_at_once_though_the_budget_is_used_up(tmp_path):
    tramadol = an_order("p1", "o", ago=3, days=30)
    tramadol["medicationCodeableConcept"] = {"text": "Tramadol 50 mg capsules"}
    with world(tmp_path, [*people(3), tramadol], new_per_source_per_day=0) as here:
        assert here.cycle().created == 1
        assert with_a_task(here) == {"p1"}
        assert here.cycle().held == 2


def test_an_urgent_finding_from_after_the_release_is_outside_the_budget(tmp_path):
    pregnant = {
        "resourceType": "Condition",
        "id": "pregnant",
        "subject": {"reference": "Patient/p2"},
        "code": {"coding": [{"system": SNOMED, "code": "77386006"}]},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "recordedDate": days_ago(-1),
    }
    with world(tmp_path, people(2), new_per_source_per_day=0) as here:
        assert here.cycle().created == 0
        here.pass_time(days=2)
        here.ehr.load([pregnant])
        here.cycle()
        assert here.item("p2").priority.word == "urgent"
        assert with_a_task(here) == {"p2"}
        assert states(here)["p1"] is ItemState.HELD


def test_a_pilot_writes_for_its_owners_only_and_the_others_stay_in_shadow(tmp_path):
    with world(tmp_path, TWO_OWNERS, pilot={"owners": [EYRE]}) as here:
        report = here.cycle()
        assert (report.created, report.held) == (2, 2)
        assert with_a_task(here) == {"e1", "e2"}
        here.ehr.load([a_review("e1")])
        here.pass_time(minutes=5)
        assert here.cycle().closed == 1
        assert {states(here)["g1"], states(here)["g2"]} == {ItemState.HELD}


def test_those_outside_a_pilot_use_up_nothing_of_its_budget(tmp_path):
    with world(tmp_path, TWO_OWNERS, pilot={"owners": [GREY]}, new_per_source_per_day=2) as here:
        assert here.cycle().created == 2
        assert with_a_task(here) == {"g1", "g2"}


def test_asap_does_not_pass_the_gate_of_a_pilot(tmp_path):
    opioid = {
        **an_order("g1", "o", ago=3, days=30),
        "medicationCodeableConcept": {"text": "Tramadol 50 mg capsules"},
    }
    with world(tmp_path, [*TWO_OWNERS, opioid], pilot={"owners": [EYRE]}) as here:
        here.cycle()
        assert with_a_task(here) == {"e1", "e2"}


def test_a_pilot_of_an_organization_is_for_those_who_work_there(tmp_path):
    roles = [a_role(GREY, CLINIC), a_role(EYRE, CLINIC, active=False)]
    with world(tmp_path, [*TWO_OWNERS, *roles], pilot={"organizations": [CLINIC]}) as here:
        here.cycle()
        assert with_a_task(here) == {"g1", "g2"}


def test_a_test_patient_is_never_written_for_and_stands_in_nobodys_way(tmp_path):
    tagged = [
        a_patient("t1", meta={"tag": [{"system": "urn:lab", "code": "training"}]}), an_order("t1", ago=300, days=400),
        a_patient("t2", identifier=[{"system": "urn:test:mrn", "value": "ZZZ 1"}]), an_order("t2", ago=300, days=400),
    ]  # fmt: skip
    chosen = {"exclude_tags": ["urn:lab|training"], "exclude_identifiers": ["urn:test:mrn|ZZZ 1"]}
    with world(tmp_path, [*tagged, *people(2)], new_per_source_per_day=2, **chosen) as here:
        report = here.cycle()
        assert (report.assessed, report.created, report.held) == (4, 2, 2)
        assert with_a_task(here) == {"p1", "p2"}
        here.pass_time(days=2)
        assert here.cycle(full=True).created == 0


def test_a_patient_who_is_made_a_test_patient_is_left_out_from_then_on(tmp_path):
    with world(tmp_path, people(1), released=False, exclude_tags=["HTEST"]) as here:
        here.cycle()
        here.ehr.edit("Patient/p1", meta={"tag": [{"code": "HTEST"}]})
        here.release()
        here.pass_time(minutes=20)
        assert here.cycle().created == 0
        assert states(here) == {"p1": ItemState.HELD}


def test_a_test_patient_found_out_right_before_the_write_is_not_written_for(tmp_path):
    with world(tmp_path, people(2), exclude_tags=["HTEST"]) as here:
        here.ehr.faults.add("unavailable", on="write Task")
        here.cycle()
        here.ehr.edit("Patient/p1", meta={"tag": [{"code": "HTEST"}]})
        here.ehr.faults.clear()
        for _ in range(3):
            here.pass_time(minutes=20)
            here.cycle()
        assert with_a_task(here) == {"p2"}


def test_the_task_of_somebody_who_became_a_test_patient_is_not_written_to_any_more(tmp_path):
    with world(tmp_path, people(1), exclude_tags=["HTEST"]) as here:
        here.cycle()
        here.ehr.edit("Patient/p1", meta={"tag": [{"code": "HTEST"}]})
        here.ehr.edit("MedicationRequest/p1-a", dosageInstruction=[{"text": "take 3 tablets daily"}])
        here.pass_time(minutes=20)
        assert here.cycle().updated == 0
        assert "10 mg/day" in here.tasks()[0]["description"]


def test_a_source_with_a_worklist_only_is_released_without_a_write(tmp_path):
    with world(tmp_path, people(2), channels=["worklist"], write="never", released=False) as here:
        assert here.cycle().held == 2
        here.release()
        report = here.cycle()
        assert (report.created, report.held) == (0, 0)
        assert here.tasks() == []
        with here.parts.ledger.read() as tx:
            assert {(row["state"], row["projection"], row["task"]) for row in tx.items_listing()} == {
                ("open", None, None)
            }
        here.ehr.load([a_review("p1")])
        here.pass_time(minutes=5)
        here.cycle()
        assert states(here) == {"p1": ItemState.CLOSED, "p2": ItemState.OPEN}
        here.pass_time(days=1)
        here.cycle()
        assert here.ehr.creations() == {}


def test_an_open_item_is_not_held_again_when_the_source_goes_into_shadow_and_back(tmp_path):
    with world(tmp_path, people(2), new_per_source_per_day=2) as here:
        here.cycle()
        here.release(on=False)
        here.pass_time(minutes=5)
        here.cycle(full=True)
        assert set(states(here).values()) == {ItemState.OPEN}
        here.release()
        here.ehr.edit("MedicationRequest/p1-a", dosageInstruction=[{"text": "take 3 tablets daily"}])
        here.pass_time(minutes=5)
        report = here.cycle()
        assert (report.created, report.updated) == (0, 1)
