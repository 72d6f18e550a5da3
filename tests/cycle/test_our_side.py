"""The cycle when something on our side fails, or when much has waited: nothing lost, nothing twice."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import stamina
from sqlalchemy import event

from service.assess import assess
from service.knowledge import load_policy
from service.ports import LedgerError
from service.store import SqlLedger, open_ledger
from service.store.upkeep import backup
from tests.cycle.world import World, a_patient, a_review, an_order, ledger_url, people, world

# Nothing here depends on the kind of database; a full disk is SQLite's own matter.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def an_opioid(patient: str) -> dict[str, object]:
    return an_order(
        patient, "opioid", ago=3, days=30, medicationCodeableConcept={"text": "oxycodone 5 mg tablet"}
    )


def each_has_one_task(here: World, *patients: str) -> bool:
    """Each of these, and nobody else, has one live Task, and no key was ever created twice."""
    live = {patient: len(found) for patient, found in here.live_tasks().items()}
    return live == dict.fromkeys(patients, 1) and set(here.ehr.creations().values()) == {1}


@pytest.mark.failure("F6")
def test_a_record_that_cannot_be_thought_about_is_set_aside_and_the_others_go_on(tmp_path, monkeypatch):
    def assess_but_not_p2(record, *rest):
        if record.patient_id == "p2":
            raise ZeroDivisionError
        return assess(record, *rest)

    with world(tmp_path, people(3)) as here:
        with monkeypatch.context() as broken:
            broken.setattr(sys.modules["service.cycle.look"], "assess", assess_but_not_p2)
            assert here.cycle().created == 2
        assert here.reasons() == {"assessment-failed"}
        here.pass_time(hours=7)
        assert here.cycle().created == 1
        assert here.reasons() == set()


# -- the database ----------------------------------------------------------------------------------


@contextmanager
def a_full_disk(here: World) -> Iterator[None]:
    """The file may not grow by a page: SQLite then says what it says when the disk is full."""
    ledger = here.parts.ledger
    assert isinstance(ledger, SqlLedger)
    engine = ledger._engine

    def no_more(connection, _record):
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}").close()

    event.listen(engine, "connect", no_more)
    engine.dispose()
    try:
        yield
    finally:
        event.remove(engine, "connect", no_more)
        engine.dispose()


@pytest.mark.failure("F24")
def test_a_full_disk_ends_the_cycle_and_the_next_one_with_space_finishes_it(tmp_path):
    with world(tmp_path, people(15)) as here:
        with a_full_disk(here):
            with pytest.raises(LedgerError, match="full"):
                here.cycle()
            assert here.items() == []  # it can still be read, and holds whole transactions only
            assert here.tasks() == []
        here.cycle()
        assert each_has_one_task(here, *(f"p{n}" for n in range(1, 16)))


@pytest.mark.failure("F33", "I1", "I4")
def test_with_an_empty_ledger_the_tasks_that_are_there_are_taken_over(tmp_path):
    with world(tmp_path, people(3)) as here:
        here.cycle()
        [started] = here.live_tasks()["p2"]
        here.ehr.edit(f"Task/{started['id']}", status="in-progress")
        with open_ledger(f"sqlite:///{tmp_path / 'empty.db'}") as empty:
            after = World(here.ehr, replace(here.parts, ledger=empty), tmp_path)
            after.release()
            for _ in range(2):
                assert after.cycle().created == 0
                after.pass_time(days=1)
            assert each_has_one_task(after, "p1", "p2", "p3")
            assert {item.key for item in after.items()} == {item.key for item in here.items()}
            assert after.live_tasks()["p2"][0]["status"] == "in-progress"


@pytest.mark.failure("F33", "I2", "I4")
def test_with_a_ledger_of_yesterday_each_has_one_task_still_and_nobody_is_asked_again(tmp_path):
    with world(tmp_path, people(3)) as here:
        here.cycle()
        backup(ledger_url(tmp_path), tmp_path / "yesterday.db")
        here.pass_time(days=1)
        here.ehr.load([a_patient("later"), an_order("later")])
        [answered] = here.live_tasks()["p1"]
        here.ehr.edit(f"Task/{answered['id']}", status="completed")
        here.cycle()
        assert each_has_one_task(here, "p2", "p3", "later")
        with open_ledger(f"sqlite:///{tmp_path / 'yesterday.db'}") as old:
            after = World(here.ehr, replace(here.parts, ledger=old), tmp_path)
            for _ in range(2):
                after.pass_time(hours=1)
                assert after.cycle().created == 0
            assert each_has_one_task(after, "p2", "p3", "later")


# -- much has waited -------------------------------------------------------------------------------


@pytest.mark.failure("F30")
def test_after_three_days_without_the_ehr_what_is_due_goes_out_riskiest_first(tmp_path):
    with world(tmp_path, people(6), released=False, breaker_probe_seconds=0.01, concurrency=1) as here:
        here.cycle()
        here.release()
        here.ehr.faults.add("unavailable", on="any")
        with stamina.set_testing(True):  # an attempt each, without the waits between several
            for _ in range(3):
                here.pass_time(hours=24)
                assert here.cycle().created == 0
        here.ehr.load([a_review("p1", on=here.parts.day(here.parts.now())), an_opioid("p4")])
        here.ehr.edit("MedicationRequest/p2-a", status="entered-in-error")
        here.ehr.faults.clear()
        here.parts.clock.sleep(1)
        here.cycle()
        assert each_has_one_task(here, "p3", "p4", "p5", "p6")
        made = [write.id for write in here.ehr.store.journal if write.type == "Task"]
        assert made[0] == here.live_tasks()["p4"][0]["id"]


@pytest.mark.failure("F31", "I2")
def test_another_policy_changes_the_tasks_that_are_there_and_makes_no_second_one(tmp_path):
    with world(tmp_path, people(3)) as here:
        here.cycle()
        keys = {item.key for item in here.items()}
        here.parts = replace(here.parts, policy=load_policy("uk"))
        here.pass_time(days=8)
        assert here.cycle(full=True).created == 0
        with here.parts.ledger.read() as tx:
            stored = tx.assessment("main", "p1")
        assert stored is not None
        assert "uk" in str(stored.body["policy"])
        assert each_has_one_task(here, "p1", "p2", "p3")
        assert {item.key for item in here.items()} == keys
