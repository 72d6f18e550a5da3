"""An unreadable order keeps a review from closing until an operator accepts it (lifecycle.md §1)."""

import pytest

from service.cycle.operators import accept
from service.model.item import CloseReason, ItemState
from tests.cycle.world import a_patient, a_review, an_order, world

UNREADABLE = an_order("p1", "x", ago=20, authoredOn="31/12/2025")


def acts(here, act):
    with here.parts.ledger.read() as tx:
        return [row for row in tx.audit_trail("main") if row["act"] == act]


def accepted(here, named):
    return accept(
        here.parts.ledger, "main", named, reason="seen on paper", now=here.parts.now(), actor="operator:me"
    )


def test_an_accepted_unreadable_no_longer_blocks_closing(tmp_path):
    with world(tmp_path, [a_patient(), an_order(), UNREADABLE]) as here:
        assert here.cycle().quarantined == 1
        here.ehr.load([a_review()])
        here.pass_time(minutes=5)
        assert here.cycle().closed == 0
        assert accepted(here, "MedicationRequest/p1-x") == 1
        report = here.cycle()
        assert (report.closed, report.quarantined) == (1, 0)
        assert here.item("p1").close_reason is CloseReason.REVIEWED
        [row] = acts(here, "quarantine accepted")
        assert (row["actor"], row["subject"]) == ("operator:me", "MedicationRequest/p1-x")
        assert row["detail"].endswith("seen on paper")


def test_accepting_what_is_not_in_quarantine_does_nothing(tmp_path):
    with world(tmp_path, [a_patient(), an_order()]) as here:
        here.cycle()
        assert accepted(here, "MedicationRequest/p1-a") == 0
        assert acts(here, "quarantine accepted") == []


def test_an_accepted_row_stays_accepted_and_another_reason_is_a_new_row(tmp_path):
    with world(tmp_path, [a_patient(), an_order(), UNREADABLE]) as here:
        here.cycle()
        accepted(here, "MedicationRequest/p1-x")
        here.pass_time(minutes=5)
        assert here.cycle(full=True).quarantined == 0
        assert accepted(here, "MedicationRequest/p1-x") == 0
        here.ehr.edit("MedicationRequest/p1-x", authoredOn="2025-12-31", status="nonsense")
        here.pass_time(minutes=5)
        assert here.cycle().quarantined == 1


def test_a_patient_who_became_another_person_cannot_be_accepted_away(tmp_path):
    with world(tmp_path, [a_patient(), an_order()]) as here:
        here.cycle()
        other = [{"system": "urn:test:mrn", "value": "mrn-of-another"}]
        here.ehr.edit("Patient/p1", identifier=other, birthDate="1999-09-09")
        here.pass_time(minutes=5)
        here.cycle()
        with pytest.raises(ValueError, match="patient-changed cannot be accepted"):
            accepted(here, "Patient/p1")
        assert here.reasons() == {"patient-changed"}
        assert acts(here, "quarantine accepted") == []


def test_the_text_about_a_stop_then_says_that_an_order_could_not_be_read(tmp_path):
    with world(tmp_path, [a_patient(), an_order("p1", ago=300, days=295), UNREADABLE]) as here:
        here.cycle()
        accepted(here, "MedicationRequest/p1-x")
        here.pass_time(days=1)
        here.cycle(full=True)
        [task] = here.tasks()
        assert task["reasonCode"]["coding"][0]["code"] == "R04"
        assert "could not be read" in task["note"][0]["text"]
        assert here.item("p1").state is ItemState.OPEN
