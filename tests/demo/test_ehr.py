from datetime import UTC, date, datetime, timedelta

import pytest

from service.demo.clock import DemoClock
from service.demo.ehr import running_ehr
from service.demo.population import base_day, expected
from service.fhir.errors import UnknownReplyError
from tests.demo.clocks import Stopped

TODAY = date(2028, 3, 15)
TASK = {
    "resourceType": "Task", "id": "t1", "status": "requested", "intent": "proposal",
    "identifier": [{"system": "urn:test", "value": "k1"}],
}  # fmt: skip


@pytest.fixture
def clock():
    return DemoClock(Stopped(datetime(2028, 3, 15, 0, 4, tzinfo=UTC)))


def test_the_clock_begins_in_the_evening_and_moves_on_when_it_is_told(clock):
    assert clock.now() == datetime(2028, 3, 15, 18, 0, tzinfo=UTC)
    clock.forward(days=90, minutes=5)
    assert clock.now() == datetime(2028, 3, 15, 18, 5, tzinfo=UTC) + timedelta(days=90)


def test_all_people_are_in_it_rolled_to_today(clock):
    with running_ehr(clock, TODAY) as ehr:
        assert {f"Patient/{one}" for one in ehr.patients()} == {person.patient for person in expected()}
        order = ehr.clinician.see("MedicationRequest/hapi-periodic-overdue-rx8")
    assert order["authoredOn"] == f"{TODAY - timedelta(days=4)}T09:30:00Z"
    assert base_day() != TODAY


def test_one_reply_is_lost_after_the_task_was_stored_and_no_other(clock):
    with running_ehr(clock, TODAY) as ehr:
        ehr.lose_next_task_reply()
        ehr.clinician.see("Patient/hapi-minor")
        with pytest.raises(UnknownReplyError):
            ehr.clinician.put(TASK)
        assert [task["id"] for task in ehr.clinician.tasks_with("urn:test", "k1")] == ["t1"]
        ehr.clinician.put({**TASK, "status": "received"})
        assert ehr.clinician.see("Task/t1")["status"] == "received"
