"""Recall: untouched own Tasks are taken back, and not made again without a new reason."""

from dataclasses import replace

import pytest

from service.cycle.operators import set_release
from service.cycle.withdraw import NotWritingError, withdraw
from service.fhir.errors import FhirError
from service.model.item import CloseReason, ItemState
from tests.cycle.world import a_patient, an_order, people, world

ACTOR = "operator:somebody"


def recall(here, rule=None):
    return withdraw(here.parts, here.holder, rule=rule, reason="a wrong threshold", actor=ACTOR)


def acts(here, act):
    with here.parts.ledger.read() as tx:
        return [row for row in tx.audit_trail("main") if row["act"] == act]


def with_an_opioid(patient):
    opioid = an_order(patient, "o", ago=3, days=30)
    opioid["medicationCodeableConcept"] = {"text": "Tramadol 50 mg capsules"}
    return opioid


def test_untouched_tasks_are_cancelled_as_recalled_and_the_act_is_audited(tmp_path):
    with world(tmp_path, people(3)) as here:
        here.cycle()
        done = recall(here)
        assert (done.recalled, done.left, done.closed) == (3, 0, 3)
        assert {task["status"] for task in here.tasks()} == {"cancelled"}
        assert {task["statusReason"]["coding"][0]["code"] for task in here.tasks()} == {"recalled"}
        assert {(item.state, item.close_reason) for item in here.items()} == {
            (ItemState.CLOSED, CloseReason.RECALLED)
        }
        recalled = acts(here, "item recalled")
        assert {row["subject"] for row in recalled} == {item.key for item in here.items()}
        assert {(row["actor"], row["detail"]) for row in recalled} == {(ACTOR, "a wrong threshold")}
        [whole] = acts(here, "withdrawn")
        assert (whole["actor"], whole["subject"]) == (ACTOR, "main")


@pytest.mark.parametrize(
    "edit",
    [{"status": "in-progress"}, {"note": [{"text": "mine"}]}, {"owner": {"reference": "Practitioner/other"}}],
    ids=["begun", "noted", "reassigned"],
)
def test_a_task_that_a_person_touched_stays(tmp_path, edit):
    with world(tmp_path, people(2)) as here:
        here.cycle()
        key = here.item("p1").key
        [mine] = [task for task in here.tasks() if task["identifier"][0]["value"] == key]
        here.ehr.edit(f"Task/{mine['id']}", **edit)
        done = recall(here)
        assert (done.recalled, done.left) == (1, 1)
        assert set(here.live_tasks()) == {"p1"}
        assert here.item("p1").state is ItemState.OPEN


def test_by_rule_only_those_with_no_other_reason_are_recalled(tmp_path):
    with world(tmp_path, [*people(2), with_an_opioid("p1")]) as here:
        here.cycle()
        assert len(here.item("p1").reasons) > 1
        assert recall(here, "R08").recalled == 0
        assert recall(here, "R02").recalled == 1
        assert set(here.live_tasks()) == {"p1"}


def test_a_recalled_item_is_not_made_again_until_another_rule_fires(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        recall(here)
        for _ in range(3):
            here.pass_time(days=3)
            report = here.cycle(full=True)
            assert (report.created, report.held) == (0, 0)
        here.ehr.load([with_an_opioid("p1")])
        here.pass_time(minutes=5)
        assert here.cycle(full=True).created == 1
        assert [item.n for item in here.items()] in ([1, 2], [2, 1])
        assert len(here.live_tasks()["p1"]) == 1


def test_release_on_given_again_lets_recalled_items_be_made_again(tmp_path):
    with world(tmp_path, people(2)) as here:
        here.cycle()
        recall(here)
        here.pass_time(minutes=5)
        assert here.cycle().created == 0
        done = set_release(here.parts.ledger, "main", on=True, now=here.parts.now(), actor=ACTOR)
        assert (done.changed, done.lifted) == (False, 2)
        assert acts(here, "release on")[-1]["actor"] == ACTOR
        assert here.cycle().created == 2
        again = set_release(here.parts.ledger, "main", on=True, now=here.parts.now(), actor=ACTOR)
        assert (again.changed, again.lifted) == (False, 0)


def test_what_could_not_be_ended_at_once_is_ended_by_the_next_cycle(tmp_path):
    with world(tmp_path, people(2)) as here:
        here.cycle()
        here.ehr.faults.add("unavailable", on="write Task", times=2)
        assert recall(here).recalled == 2
        here.ehr.faults.clear()
        here.pass_time(minutes=20)
        here.cycle()
        assert here.live_tasks() == {}
        assert {item.close_reason for item in here.items()} == {CloseReason.RECALLED}


def test_a_task_that_was_never_sent_is_not_sent_any_more(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.ehr.faults.add("unavailable", on="write Task")
        here.cycle()
        here.ehr.faults.clear()
        assert recall(here).recalled == 1
        here.pass_time(hours=1)
        here.cycle(full=True)
        assert here.live_tasks() == {}


def test_a_source_in_shadow_or_with_unread_tasks_recalls_nothing(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        here.ehr.faults.add("unavailable", on="list Task")
        with pytest.raises(FhirError):
            recall(here)
        here.ehr.faults.clear()
        here.release(on=False)
        with pytest.raises(NotWritingError, match="shadow"):
            recall(here)
        assert here.item("p1").state is ItemState.OPEN


def test_of_a_worklist_alone_the_items_are_recalled(tmp_path):
    with world(tmp_path, people(1), channels=["worklist"], write="never") as here:
        here.cycle()
        assert recall(here).recalled == 1
        here.pass_time(days=8)
        assert here.cycle().held == 0
        assert here.ehr.creations() == {}


def test_a_person_who_opens_a_recalled_task_again_gets_the_item_back(tmp_path):
    with world(tmp_path, [a_patient(), an_order()]) as here:
        here.cycle()
        recall(here)
        [task] = here.tasks()
        here.ehr.edit(f"Task/{task['id']}", status="requested")
        here.pass_time(hours=1)
        here.cycle()
        here.pass_time(hours=1)
        here.cycle(full=True)
        assert here.item("p1").state is ItemState.OPEN
        assert replace(here.item("p1"), recalled=False).close_reason is None
