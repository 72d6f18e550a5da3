"""What an operator does and proves, with the real commands against an EHR over HTTP."""

from datetime import timedelta

import pytest

from service.bootstrap import SystemClock
from tests.cli.command import TODAY, reviewdue, settings
from tests.cycle.world import a_patient, a_review, an_order
from tests.ehr.running import running_ehr


def due(patient, **elements):
    """Somebody whose periodic review is due today."""
    started = (TODAY - timedelta(days=100)).isoformat()
    return [a_patient(patient), an_order(patient, **{"authoredOn": started, **elements})]


def unreadable(patient):
    return an_order(patient, "x", authoredOn="31/12/2025")


@pytest.fixture
def ehr():
    with running_ehr([*due("p1"), *due("p2")], clock=SystemClock().now) as ehr:
        yield ehr


@pytest.fixture
def here(tmp_path, ehr):
    """A folder with settings and a released source that was worked on once."""
    settings(tmp_path, ehr.base)
    assert reviewdue(tmp_path, "release", "on").code == 0
    assert reviewdue(tmp_path, "cycle").code == 0
    return tmp_path


def keys(folder, state="open"):
    return [row["key"] for row in reviewdue(folder, "items", "--state", state, "--json").documents]


def exported(folder, *words):
    return reviewdue(folder, "audit", "export", *words).documents


def test_withdraw_recalls_and_release_on_lets_it_be_made_again(here, ehr):
    ended = reviewdue(here, "withdraw", "--reason", "threshold was wrong", "--json")
    assert ended.code == 0
    assert ended.documents == [{"source": "main", "recalled": 2, "left": 0, "closed": 2}]
    assert {task["status"] for task in ehr.all("Task")} == {"cancelled"}
    (second,) = reviewdue(here, "cycle", "--json").documents
    assert second["created"] == 0
    (again,) = reviewdue(here, "release", "on", "--json").documents
    assert (again["changed"], again["recalls_lifted"]) == (False, 2)
    (third,) = reviewdue(here, "cycle", "--json").documents
    assert third["created"] == 2
    by_operator = [row for row in exported(here) if row["actor"].startswith("operator")]
    assert [row["act"] for row in by_operator if row["act"] != "item recalled"] == [
        "release on", "withdrawn", "release on",
    ]  # fmt: skip


def test_withdraw_by_rule_leaves_the_others(here):
    (done,) = reviewdue(here, "withdraw", "--rule", "R08", "--reason", "x", "--json").documents
    assert done["recalled"] == 0
    assert len(keys(here)) == 2


@pytest.mark.parametrize("words", [["--reason", " "], ["--reason", "x", "--rule", "R8"], []])
def test_a_withdrawal_without_a_reason_or_with_a_wrong_rule_is_exit_2(here, words):
    ended = reviewdue(here, "withdraw", *words)
    assert (ended.code, ended.out) == (2, "")
    assert len(keys(here)) == 2


def test_in_shadow_nothing_can_be_withdrawn_and_that_is_said(here):
    reviewdue(here, "release", "off")
    ended = reviewdue(here, "withdraw", "--reason", "x")
    assert (ended.code, ended.out) == (2, "")
    assert "nothing can be written now" in ended.problems[-1]


def test_an_accepted_unreadable_order_lets_a_review_close(tmp_path):
    with running_ehr([*due("p1"), unreadable("p1")], clock=SystemClock().now) as ehr:
        settings(tmp_path, ehr.base)
        reviewdue(tmp_path, "release", "on")
        assert reviewdue(tmp_path, "cycle").code == 1
        ehr.load([a_review("p1", on=TODAY)])
        (row,) = reviewdue(tmp_path, "quarantine", "list", "--json").documents
        (blocked,) = reviewdue(tmp_path, "cycle", "--json").documents
        assert blocked["closed"] == 0
        ended = reviewdue(
            tmp_path, "quarantine", "accept", row["reference"], "--reason", "seen on paper", "--json"
        )
        assert ended.documents == [{"source": "main", "reference": row["reference"], "rows": 1}]
        after = reviewdue(tmp_path, "cycle", "--json")
        assert (after.code, after.documents[0]["closed"], after.documents[0]["quarantined"]) == (0, 1, 0)
        assert reviewdue(tmp_path, "quarantine", "list", "--json").documents == []
        assert reviewdue(tmp_path, "quarantine", "accept", "MedicationRequest/none").code == 2


def test_verify_prints_same_or_exactly_what_differs(here, ehr):
    [key, *_] = [k for k in keys(here) if _patient(here, k) == "Patient/p1"]
    same = reviewdue(here, "verify", key)
    assert (same.code, same.out, same.err) == (0, "same\n", "")
    (document,) = reviewdue(here, "verify", key, "--json").documents
    assert (document["same"], document["differences"], document["as_of"]) == (True, [], TODAY.isoformat())
    ehr.edit("MedicationRequest/p1-a", dosageInstruction=[{"text": "take 1 tablet at night"}])
    other = reviewdue(here, "verify", key)
    assert other.code == 1
    assert "episode.daily_dose_mg.diazepam.high: written 10, now 5" in other.out.splitlines()


def _patient(folder, key):
    (found,) = reviewdue(folder, "item", key, "--json").documents
    return found["patient"]


def test_verify_of_no_such_key_is_exit_2_and_of_an_ehr_that_is_down_exit_3(here, ehr):
    unknown = reviewdue(here, "verify", "no-such-key")
    assert (unknown.code, len(unknown.problems)) == (2, 1)
    ehr.faults.add("unavailable", on="any")
    down = reviewdue(here, "verify", keys(here)[0])
    assert (down.code, down.out) == (3, "")
    assert len(down.problems) == 1


@pytest.mark.failure("I6")
def test_the_audit_is_exported_whole_in_order_with_who_and_when(here):
    reviewdue(here, "refresh", "p1")
    reviewdue(here, "reconcile")
    rows = exported(here)
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert {tuple(row) for row in rows} == {("id", "at", "source", "actor", "act", "subject", "detail")}
    assert all(row["at"] and row["actor"] and row["act"] for row in rows)
    assert {
        "release on",
        "item found",
        "item released",
        "task created",
        "refresh asked",
        "comparison asked",
    } <= {row["act"] for row in rows}
    assert exported(here, "--source", "main") == rows  # the export is about no source
    later = exported(here)
    assert later[: len(rows)] == rows
    assert later[-1]["act"] == "audit exported"
    assert reviewdue(here, "audit", "export", "--source", "other").code == 2


def test_a_worklist_is_released_without_a_write_and_has_no_projection(tmp_path, ehr):
    settings(tmp_path, ehr.base, write="never", more="channels = ['worklist']")
    reviewdue(tmp_path, "release", "on")
    (report,) = reviewdue(tmp_path, "cycle", "--json").documents
    assert (report["created"], report["held"]) == (0, 0)
    rows = reviewdue(tmp_path, "items", "--json").documents
    assert [(row["state"], row["projection"], row["task"]) for row in rows] == [("open", None, None)] * 2
    assert ehr.all("Task") == []


def test_a_pilot_and_a_test_patient_are_held_and_counted(tmp_path):
    owners = [{"resourceType": "Practitioner", "id": name, "active": True} for name in ("eyre", "grey")]
    eyre, grey = ({"reference": f"Practitioner/{name}"} for name in ("eyre", "grey"))
    trained = {**a_patient("t"), "meta": {"tag": [{"code": "HTEST"}]}}
    people = [*due("p1", requester=eyre), *due("p2", requester=grey), trained, due("t", requester=eyre)[1]]
    more = "exclude_tags = ['HTEST']\n[source.main.pilot]\nowners = ['Practitioner/eyre']"
    with running_ehr([*owners, *people], clock=SystemClock().now) as ehr:
        settings(tmp_path, ehr.base, more=more)
        reviewdue(tmp_path, "release", "on")
        (report,) = reviewdue(tmp_path, "cycle", "--json").documents
        assert (report["created"], report["held"]) == (1, 2)
        assert ehr.all("Task")[0]["for"]["reference"] == "Patient/p1"
