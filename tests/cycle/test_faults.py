"""The cycle against an EHR that fails: nothing lost, nothing twice, and no absence taken for a fact."""

import pytest

from service.model.item import ItemState, ProjectionState
from tests.cycle.world import a_review, an_order, people, world
from tests.ehr.hostile import Habits

UNCLEAR = [
    "lost-reply",
    "lost-reply-reset",
    "error-after-commit",
    "gateway-timeout-after-commit",
    "conflict-after-commit",
    "empty-reply",
    "login-page-after-commit",
]


@pytest.mark.failure("F8", "I2")
@pytest.mark.parametrize("fault", UNCLEAR)
@pytest.mark.parametrize("lag", [0, 5])
def test_a_stored_task_whose_answer_is_lost_is_found_and_stays_one(tmp_path, fault, lag):
    with world(tmp_path, people(3), habits=Habits(index_lag_seconds=lag)) as here:
        here.ehr.faults.add(fault, times=1, on="write Task")
        first = here.cycle()
        assert first.created + first.unknown == 3
        for _ in range(3):
            here.pass_time(seconds=160)
            here.cycle()
        assert {patient: len(found) for patient, found in here.live_tasks().items()} == {
            "p1": 1, "p2": 1, "p3": 1,
        }  # fmt: skip
        assert all(count == 1 for count in here.ehr.creations().values())
        assert all(here.projection(p).state is ProjectionState.CONFIRMED for p in ("p1", "p2", "p3"))


@pytest.mark.failure("F8")
def test_an_unknown_reply_is_said_and_not_repeated_before_it_is_settled(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.ehr.faults.add("lost-reply", times=1, on="write Task")
        first = here.cycle()
        assert first.unknown_keys == (here.item("p1").key,)
        assert here.cycle().created == 0
        assert here.projection("p1").state is ProjectionState.UNKNOWN


@pytest.mark.failure("F7")
@pytest.mark.parametrize("fault", ["unavailable", "throttled", "reset", "hang-up"])
def test_what_never_arrived_is_sent_later_under_the_same_key(tmp_path, fault):
    with world(tmp_path, people(1)) as here:
        here.ehr.faults.add(fault, times=1, on="write Task")
        here.cycle()
        assert here.tasks() == []
        for _ in range(3):
            here.pass_time(seconds=160)
            here.cycle()
        assert len(here.tasks()) == 1
        assert [item.n for item in here.items()] == [1]


@pytest.mark.failure("F8")
@pytest.mark.parametrize("fault", [*UNCLEAR, "unavailable", "server-error"])
def test_an_update_of_unclear_end_leaves_one_note_and_an_untouched_task(tmp_path, fault):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        for number in range(3):
            opioid = an_order("p1", f"opioid{number}", ago=number, days=30)
            opioid["medicationCodeableConcept"] = {"text": "oxycodone 5 mg tablet"}
            here.ehr.load([opioid])
            here.ehr.faults.add(fault, times=1, on="write Task")
            for _ in range(4):
                here.pass_time(minutes=16)
                here.cycle()
        [task] = here.tasks()
        assert "R05" in [row.get("valueString") for row in task["input"]]
        assert len(task["note"]) == 1
        for order in here.ehr.all("MedicationRequest"):
            here.ehr.edit(f"MedicationRequest/{order['id']}", status="entered-in-error")
        here.pass_time(minutes=16)
        here.cycle()
        assert here.tasks()[0]["status"] == "cancelled"  # nobody touched it, so it is ours to end


def test_a_review_that_cannot_be_read_for_now_still_answers(tmp_path):
    opioid = an_order("p1", "opioid", ago=20, days=30)
    opioid["medicationCodeableConcept"] = {"text": "oxycodone 5 mg tablet"}
    with world(tmp_path, [*people(1), opioid, a_review("p1")]) as here:
        here.cycle()
        here.ehr.faults.add("page-fails", on="list Procedure")
        here.ehr.faults.add("unavailable", on="list Procedure")
        for _ in range(6):
            here.pass_time(days=1)
            here.cycle(full=True)
            assert here.items() == []
        here.pass_time(days=2)  # longer ago than a record may be
        here.cycle(full=True)
        assert [reason.rule for reason in here.item("p1").reasons] == ["R05"]


def test_what_waits_for_release_and_is_not_due_any_more_stays_where_it_is_on_an_incomplete_read(tmp_path):
    with world(tmp_path, people(1), released=False) as here:
        here.cycle()
        here.ehr.load([a_review("p1")])
        here.ehr.faults.add("unavailable", on="list CarePlan")
        here.release()
        here.pass_time(minutes=16)
        assert here.cycle().created == 0
        assert here.item("p1").state is ItemState.HELD


def test_a_rule_that_leans_on_what_was_not_read_is_not_in_the_task_either(tmp_path):
    with world(tmp_path, people(1), released=False) as here:
        here.ehr.faults.add("unavailable", on="list Procedure")
        opioid = an_order("p1", "opioid", ago=3, days=30)
        opioid["medicationCodeableConcept"] = {"text": "oxycodone 5 mg tablet"}
        here.ehr.load([opioid])
        here.release()
        assert here.cycle().created == 1
        [task] = here.tasks()
        rules = [row["valueString"] for row in task["input"] if row["type"]["coding"][0]["code"] == "rule"]
        assert rules == ["R05"]  # whether the review is due is not known


@pytest.mark.failure("F18")
def test_a_person_who_is_quicker_than_our_end_of_a_task_keeps_it(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        [task] = here.tasks()
        here.ehr.load([a_review("p1")])
        here.ehr.faults.add("unavailable", on="write Task")
        here.pass_time(minutes=16)
        assert here.cycle().closed == 0
        here.ehr.faults.clear()
        here.ehr.edit(f"Task/{task['id']}", status="accepted")
        for _ in range(3):
            here.pass_time(minutes=16)
            here.cycle()
        assert here.item("p1").state is ItemState.OPEN
        assert "No longer due since" in here.tasks()[0]["note"][-1]["text"]
        here.pass_time(minutes=16)
        assert (here.cycle().updated, here.tasks()[0]["status"]) == (0, "accepted")


@pytest.mark.failure("F18")
def test_a_person_who_ends_a_task_before_we_do_has_ended_it(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        [task] = here.tasks()
        here.ehr.edit("Patient/p1", active=False)
        here.ehr.faults.add("unavailable", on="write Task")
        here.pass_time(minutes=16)
        here.cycle()
        here.ehr.faults.clear()
        here.ehr.edit(f"Task/{task['id']}", status="completed")
        here.pass_time(minutes=16)
        here.cycle()
        here.pass_time(minutes=16)
        assert here.cycle().patients == 0  # nobody is looked at again and again because of it
        assert here.projection("p1").state is ProjectionState.CONFIRMED


def test_an_end_is_not_sent_on_a_record_that_could_not_be_read(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        here.ehr.edit("Patient/p1", active=False)
        here.ehr.faults.add("unavailable", on="write Task")
        here.pass_time(minutes=16)
        here.cycle()
        here.ehr.faults.clear()
        here.ehr.edit("Patient/p1", active=True)
        here.ehr.faults.add("unavailable", on="list MedicationDispense")
        here.pass_time(minutes=16)
        assert here.cycle().closed == 0
        here.ehr.faults.clear()
        here.pass_time(hours=7)
        assert here.cycle().closed == 0
        assert here.tasks()[0]["status"] == "requested"
        assert here.item("p1").state is ItemState.OPEN


@pytest.mark.failure("F29", "I1")
def test_a_refused_task_goes_before_people_and_blocks_nobody(tmp_path):
    with world(tmp_path, people(3)) as here:
        here.ehr.faults.add("unprocessable", times=1, on="write Task")
        first = here.cycle()
        assert (first.created, first.quarantined) == (2, 1)
        assert any(reason.startswith("refused with 422") for reason in here.reasons())


@pytest.mark.parametrize("fault", ["forbidden", "not-allowed"])
def test_a_channel_that_is_closed_stops_and_says_why(tmp_path, fault):
    with world(tmp_path, people(3)) as here:
        here.ehr.faults.add(fault, on="write Task")
        first = here.cycle()
        assert (first.created, first.stopped is not None) == (0, True)
        here.ehr.faults.clear()
        assert here.cycle().created == 3


READ_FAULTS = [
    ("truncated-page", None),
    ("truncated-page-without-total", None),
    ("no-link", None),
    ("login-page", None),
    ("empty-body", None),
    ("outcome-in-200", None),
    ("forbidden", None),
    ("server-error", None),
    ("wrong-total", 5),
    ("suppressed", None),
    ("foreign-next", "http://127.0.0.1:9"),
    ("looping-next", None),
    ("endless-next", None),
    ("dropped-filter", "patient"),
]


@pytest.mark.failure("F1", "F21", "I5")
@pytest.mark.parametrize(("fault", "value"), READ_FAULTS)
def test_a_spoilt_read_of_orders_closes_and_raises_nothing(tmp_path, fault, value):
    with world(tmp_path, people(3), page_size=2) as here:
        here.cycle()
        before = here.tasks()
        here.ehr.faults.add(fault, on="list MedicationRequest", value=value)
        here.pass_time(days=8)
        report = here.cycle(full=True)
        assert here.ehr.faults.struck[fault] > 0
        assert (report.created, report.updated, report.closed) == (0, 0, 0)
        assert [item.state for item in here.items()] == [ItemState.OPEN] * 3
        assert here.tasks() == before


def test_a_failed_read_of_orders_closes_nothing_though_a_review_is_there(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        here.ehr.load([a_review("p1")])
        here.ehr.faults.add("login-page", on="list MedicationRequest")
        here.pass_time(hours=1)
        assert here.cycle().closed == 0
        assert "MedicationRequest" in (here.item("p1").incomplete_why or "")
        here.ehr.faults.clear()
        here.pass_time(hours=7)
        assert here.cycle().closed == 1


@pytest.mark.failure("F30")
def test_an_ehr_that_is_down_leaves_everything_as_it_is(tmp_path):
    with world(tmp_path, people(2)) as here:
        here.cycle()
        here.ehr.faults.add("unavailable", on="any")
        report = here.cycle(full=True)
        assert (report.complete, report.reads_ok, report.closed) == (False, 0, 0)
        assert [item.state for item in here.items()] == [ItemState.OPEN, ItemState.OPEN]


@pytest.mark.failure("F17")
def test_a_task_that_a_person_deleted_is_not_made_again(tmp_path):
    with world(tmp_path, people(5)) as here:
        here.cycle()
        [task] = here.live_tasks()["p1"]
        here.ehr.store.delete("Task", task["id"])
        here.pass_time(days=1)
        here.cycle()
        assert here.item("p1").state is ItemState.WITHDRAWN
        here.pass_time(days=8)
        here.cycle(full=True)
        assert "p1" not in here.live_tasks()


@pytest.mark.failure("F16")
def test_many_tasks_gone_at_once_freeze_writing_instead_of_being_believed(tmp_path):
    with world(tmp_path, people(6)) as here:
        here.cycle()
        here.ehr.vanish("Task", ids=[task["id"] for task in here.tasks()[:4]])
        here.pass_time(days=1)
        here.cycle()
        with here.parts.ledger.read() as tx:
            state = tx.source_state("main")
        assert state.frozen_since is not None
        assert all(item.state is ItemState.OPEN for item in here.items())
        before = here.tasks()
        here.pass_time(days=1)
        assert here.cycle(full=True).created == 0
        assert here.tasks() == before


@pytest.mark.failure("F16")
@pytest.mark.parametrize(("status", "ends_as"), [("requested", "cancelled"), ("accepted", "accepted")])
def test_an_ended_task_that_lives_again_does_not_live_beside_the_next_one(tmp_path, status, ends_as):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        [old] = here.tasks()
        here.ehr.load([a_review("p1")])
        here.pass_time(hours=1)
        assert here.cycle().closed == 1
        here.pass_time(days=85)
        assert here.cycle().created == 1
        here.ehr.edit(f"Task/{old['id']}", status=status, statusReason=None)  # as a restore leaves it
        for _ in range(2):
            here.pass_time(days=1)
            here.cycle()
        assert here.ehr.store.get("Task", old["id"])["status"] == ends_as
        assert ("duplicate-touched" in here.reasons()) is (status == "accepted")


def test_a_task_that_a_restore_took_back_is_written_again(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        then = here.ehr.store.snapshot()
        opioid = an_order("p1", "opioid", ago=3, days=30)
        opioid["medicationCodeableConcept"] = {"text": "oxycodone 5 mg tablet"}
        here.ehr.load([opioid])
        here.pass_time(minutes=16)
        assert here.cycle().updated == 1
        here.ehr.store.restore(then)
        here.ehr.load([opioid])
        here.pass_time(minutes=16)
        assert here.cycle(full=True).updated == 1
        assert "R05" in [row.get("valueString") for row in here.tasks()[0]["input"]]
        here.pass_time(minutes=16)
        assert here.cycle(full=True).updated == 0


def test_what_a_person_overwrote_of_ours_is_set_right_and_theirs_stays(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        [task] = here.tasks()
        here.ehr.edit(f"Task/{task['id']}", description="x", owner={"reference": "Practitioner/their"})
        here.pass_time(minutes=16)
        assert here.cycle().updated == 1
        [after] = here.tasks()
        assert (after["description"], after["owner"]["reference"]) == (
            task["description"],
            "Practitioner/their",
        )
        here.pass_time(minutes=16)
        assert here.cycle(full=True).updated == 0


@pytest.mark.failure("F16")
def test_a_reused_patient_id_freezes_the_item_and_is_shown(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        here.ehr.edit(
            "Patient/p1", birthDate="2001-01-01", identifier=[{"system": "urn:test:mrn", "value": "other"}]
        )
        here.pass_time(minutes=5)
        here.cycle()
        assert "patient-changed" in here.reasons()
        assert here.item("p1").state is ItemState.OPEN


def test_a_patient_who_cannot_be_read_for_two_days_goes_before_people(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        here.ehr.faults.add("login-page", on="list MedicationRequest")
        for _ in range(2):
            here.pass_time(hours=24, minutes=1)
            here.cycle(full=True)
        assert "incomplete" not in here.reasons()
        here.pass_time(hours=25)
        here.cycle(full=True)
        assert "incomplete" in here.reasons()
        here.ehr.faults.clear()
        here.cycle(full=True)
        assert "incomplete" not in here.reasons()


def test_a_server_without_own_ids_gets_its_tasks_by_post(tmp_path):
    with world(tmp_path, people(3), profile="generic", habits=Habits(index_lag_seconds=5)) as here:
        here.ehr.faults.add("lost-reply", times=2, on="create Task")
        here.ehr.faults.add("ignored-if-none-exist", on="create Task")
        for _ in range(4):
            here.cycle()
            here.pass_time(seconds=170)
        assert {patient: len(found) for patient, found in here.live_tasks().items()} == {
            "p1": 1, "p2": 1, "p3": 1,
        }  # fmt: skip
        assert all(count == 1 for count in here.ehr.creations().values())
        assert all(task["id"] != here.item(task["for"]["reference"][8:]).key for task in here.tasks())
