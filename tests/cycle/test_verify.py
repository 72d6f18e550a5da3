"""`verify`: the evidence is read again and computed again as of the Task's day."""

from dataclasses import replace

import pytest

from service.cycle.verify import NoTaskError, verify
from service.fhir.errors import FhirError
from tests.cycle.world import TODAY, a_review, an_order, people, world


def differences(here, patient="p1"):
    found = verify(here.parts, here.item(patient).key)
    return {one.what: (one.written, one.now) for one in found.differences}


def test_a_task_whose_evidence_stands_is_the_same_on_that_day_and_later(tmp_path):
    with world(tmp_path, people(2)) as here:
        here.cycle()
        assert differences(here) == {}
        here.pass_time(days=30)
        found = verify(here.parts, here.item("p1").key)
        assert found.differences == ()
        assert (found.as_of, found.policy) == (TODAY.isoformat(), here.parts.policy.label)
        assert (
            found.task
            == f"Task/{next(t['id'] for t in here.tasks() if t['for']['reference'] == 'Patient/p1')}"
        )


def test_what_happened_after_the_tasks_day_changes_nothing(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        [task] = here.tasks()
        here.pass_time(days=2)
        here.ehr.load([an_order("p1", "b", ago=-2, days=30), a_review(on=TODAY.replace(day=3))])
        here.ehr.edit(f"Task/{task['id']}", status="completed", lastModified="2026-06-03T10:00:00Z")
        here.cycle()
        assert differences(here) == {}


def test_a_changed_order_is_named_with_what_was_written_and_what_is_now(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        here.ehr.edit("MedicationRequest/p1-a", dosageInstruction=[{"text": "take 1 tablet at night"}])
        found = differences(here)
        assert found["episode.daily_dose_mg.diazepam.high"] == (10, 5)
        assert "findings.R02.evidence" not in found


def test_an_order_taken_back_leaves_nothing_of_the_finding(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        here.ehr.edit("MedicationRequest/p1-a", status="entered-in-error")
        found = differences(here)
        assert found["task.rule"] == (["R02"], [])
        assert found["task.evidence"] == (["MedicationRequest/p1-a"], [])
        assert found["findings.R02.priority"] == ("routine", None)


def test_a_task_that_was_rewritten_is_compared_with_its_last_write(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        here.ehr.edit("MedicationRequest/p1-a", dosageInstruction=[{"text": "take 3 tablets daily"}])
        here.pass_time(days=1)
        assert here.cycle().updated == 1
        assert differences(here) == {}


def test_a_rule_that_somebody_wrote_into_the_task_is_seen(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        [task] = here.tasks()
        changed = [
            {**row, "valueString": "R08"} if row.get("valueString") == "R02" else row for row in task["input"]
        ]
        here.ehr.edit(f"Task/{task['id']}", input=changed)
        assert differences(here) == {"task.rule": (["R08"], ["R02"])}


def test_a_policy_that_is_not_here_any_more_is_said(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        label = here.parts.policy.label
        uk = replace(here.parts, policy=replace(here.parts.policy, name="site", version=9))
        assert verify(uk, here.item("p1").key).differences == ()  # a preset is found again
        [task] = here.tasks()
        changed = [
            {**row, "valueString": "gone@7"} if row.get("valueString") == label else row
            for row in task["input"]
        ]
        here.ehr.edit(f"Task/{task['id']}", input=changed)
        assert differences(here) == {"policy": ("gone@7", label)}


def test_a_record_that_cannot_be_read_proves_nothing(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.cycle()
        here.ehr.faults.add("unavailable", on="list MedicationRequest")
        with pytest.raises(FhirError):
            differences(here)


def test_an_item_without_a_task_cannot_be_verified(tmp_path):
    with world(tmp_path, people(1), released=False) as here:
        here.cycle()
        with pytest.raises(NoTaskError):
            differences(here)
