"""`reviewdue cycle` and the ledger's commands, against an EHR over HTTP: honest, down, or not itself."""

import json
import socket
import sqlite3
import time

import pytest

from service.bootstrap import SystemClock
from tests.cli.command import end, people, process, reviewdue, settings, started
from tests.ehr.faults import Rule
from tests.ehr.running import running_ehr

PRINTED = {
    "source", "patients", "assessed", "incomplete", "quarantined", "created", "updated", "closed", "unknown",
    "held", "requests", "complete",
}  # fmt: skip
ITEM = {
    "key", "source", "patient", "state", "close_reason", "priority", "due_on", "reasons", "projection", "task",
    "updated",
}  # fmt: skip


@pytest.fixture
def ehr():
    with running_ehr(people(), clock=SystemClock().now) as ehr:
        yield ehr


@pytest.fixture
def well():
    """An EHR in which nothing is unreadable."""
    with running_ehr(_readable(people()), clock=SystemClock().now) as ehr:
        yield ehr


def _readable(resources):
    mine = [r for r in resources if "hapi-periodic-overdue" in json.dumps(r)]
    return [r for r in resources if r in mine or r["resourceType"] in ("Practitioner", "Medication")]


def test_a_new_source_is_in_shadow_until_it_is_released_and_then_writes_once(tmp_path, well):
    settings(tmp_path, well.base)
    (first,) = reviewdue(tmp_path, "cycle", "--json").documents
    assert set(first) == PRINTED
    assert (first["created"], first["held"], first["complete"]) == (0, 1, True)
    assert well.all("Task") == []
    assert reviewdue(tmp_path, "release", "on").code == 0
    second = reviewdue(tmp_path, "cycle", "--json")
    assert (second.code, second.documents[0]["created"]) == (0, 1)
    (third,) = reviewdue(tmp_path, "cycle", "--json").documents
    assert (third["created"], third["updated"], third["closed"]) == (0, 0, 0)
    assert list(well.creations().values()) == [1]

    (item,) = reviewdue(tmp_path, "items", "--json").documents
    assert set(item) == ITEM
    assert (item["state"], item["projection"], item["patient"]) == (
        "open",
        "confirmed",
        "Patient/hapi-periodic-overdue",
    )
    assert item["task"] == f"Task/{well.all('Task')[0]['id']}"
    assert reviewdue(tmp_path, "items", "--state", "closed", "--json").documents == []
    (full,) = reviewdue(tmp_path, "item", item["key"], "--json").documents
    assert "item released" in [each["act"] for each in full["history"]]
    assert reviewdue(tmp_path, "item", "no-such-key").code == 2


@pytest.mark.failure("F33")
def test_the_secret_is_made_once_and_a_lost_one_stops_everything(tmp_path, well):
    settings(tmp_path, well.base)
    assert reviewdue(tmp_path, "release", "on").code == 0
    secret = tmp_path / "reviewdue.secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert reviewdue(tmp_path, "cycle").code == 0
    for content in (None, b"", b"short\n"):
        secret.unlink(missing_ok=True)
        if content is not None:
            secret.write_bytes(content)
        ended = reviewdue(tmp_path, "cycle")
        assert (ended.code, len(ended.problems)) == (2, 1)
        assert ended.problems[0].startswith("instance.secret_file: ")


def test_quarantined_rows_make_the_exit_code_1_and_are_listed_by_reference(tmp_path, ehr):
    settings(tmp_path, ehr.base)
    ended = process(tmp_path, "cycle", "--json")
    assert ended.code == 1
    listed = reviewdue(tmp_path, "quarantine", "list", "--json").documents
    assert len(listed) == ended.documents[0]["quarantined"] > 0
    assert {tuple(row) for row in listed} == {("source", "patient", "reference", "key", "reason")}
    (again,) = reviewdue(tmp_path, "quarantine", "retry", "--json").documents
    assert again["rows"] == len(listed)
    names = {
        n["family"]
        for r in people()
        if r["resourceType"] == "Patient"
        for n in r.get("name", ())
        if "family" in n
    }
    assert names
    ledger = [
        line for line in _dump(tmp_path).splitlines() if 'INTO "patient"' not in line
    ]  # patient.display
    everything = "\n".join([ended.out, ended.err, json.dumps(listed), *ledger])
    assert [name for name in names if name in everything] == []


def test_a_refreshed_patient_is_looked_at_in_the_next_cycle(tmp_path, well):
    settings(tmp_path, well.base)
    reviewdue(tmp_path, "cycle")
    (steady,) = reviewdue(tmp_path, "cycle", "--json").documents
    assert steady["patients"] == 0
    (told,) = reviewdue(tmp_path, "refresh", "Patient/hapi-periodic-overdue", "--json").documents
    assert told == {"source": "main", "patient": "Patient/hapi-periodic-overdue"}
    (after,) = reviewdue(tmp_path, "cycle", "--json").documents
    assert after["patients"] == 1
    assert reviewdue(tmp_path, "refresh", "not/an/id").code == 2


def test_a_dry_run_writes_nothing(tmp_path, well):
    settings(tmp_path, well.base)
    reviewdue(tmp_path, "release", "on")
    before = _dump(tmp_path)
    (report,) = reviewdue(tmp_path, "cycle", "--dry-run", "--json").documents
    assert (report["assessed"], report["held"], report["created"]) == (1, 1, 0)
    assert well.all("Task") == []
    assert _dump(tmp_path) == before


@pytest.mark.failure("I4")
def test_reconcile_compares_all_own_tasks_now(tmp_path, well):
    settings(tmp_path, well.base)
    reviewdue(tmp_path, "release", "on")
    reviewdue(tmp_path, "cycle")
    (found,) = reviewdue(tmp_path, "reconcile", "--json").documents
    assert (found["tasks"], found["missing"], found["complete"]) == (1, 0, True)
    (accepted,) = reviewdue(tmp_path, "reconcile", "--accept-gone", "--json").documents
    assert accepted["withdrawn"] == 0


@pytest.mark.parametrize(
    "fault",
    ["unauthorized", "forbidden", "login-page", "unavailable", "outcome-in-200", "empty-body", "redirect"],
)
def test_an_ehr_that_gives_nothing_is_exit_3_and_leaves_the_ledger_as_it_was(tmp_path, well, fault):
    settings(tmp_path, well.base)
    reviewdue(tmp_path, "release", "on")
    reviewdue(tmp_path, "cycle")
    before = (_items(tmp_path), well.all("Task"))
    well.faults.put(Rule(fault, on="any", value="http://127.0.0.1:9/" if fault == "redirect" else None))
    ended = reviewdue(tmp_path, "cycle", "--full", "--json")
    assert ended.code == 3
    assert ended.documents[0]["complete"] is False
    (line,) = ended.problems
    assert line.startswith("main: nothing could be read from the EHR: ")
    assert (_items(tmp_path), well.all("Task")) == before


def test_an_ehr_that_is_down_is_exit_3_with_a_clear_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        settings(tmp_path, f"http://127.0.0.1:{taken.getsockname()[1]}/fhir")
        ended = process(tmp_path, "cycle")
    assert ended.code == 3
    (line,) = ended.problems
    assert line.startswith("main: nothing could be read from the EHR: ")


@pytest.mark.failure("F21")
@pytest.mark.parametrize(
    "fault", ["no-link", "endless-next", "looping-next", "foreign-next", "truncated-page"]
)
def test_pages_that_lie_close_and_raise_nothing(tmp_path, well, fault):
    settings(tmp_path, well.base)
    reviewdue(tmp_path, "release", "on")
    reviewdue(tmp_path, "cycle")
    before = (_items(tmp_path), well.all("Task"))
    well.faults.put(Rule(fault, on="list", value="http://127.0.0.1:9" if fault == "foreign-next" else None))
    ended = reviewdue(tmp_path, "cycle", "--full", "--json")
    assert ended.code in (0, 3)
    assert (_items(tmp_path), well.all("Task")) == before


@pytest.mark.failure("F34")
def test_an_interrupted_cycle_is_exit_130_and_the_next_one_finishes_it(tmp_path, well):
    settings(tmp_path, well.base)
    reviewdue(tmp_path, "release", "on")
    well.faults.put(Rule("slow", on="any", value=1, times=2))
    with started(tmp_path, "cycle", "--json") as running:
        while not well.interactions.exchanges and not well.faults.struck:
            assert running.poll() is None
            time.sleep(0.02)
        ended = end(running)
    assert ended.code == 130
    reviewdue(tmp_path, "cycle")
    assert list(well.creations().values()) == [1]


def _items(folder):
    return [
        {name: value for name, value in row.items() if name != "updated"}
        for row in reviewdue(folder, "items", "--json").documents
    ]


def _dump(folder):
    connection = sqlite3.connect(folder / "reviewdue.db")
    try:
        return "\n".join(line for line in connection.iterdump() if 'INTO "lease"' not in line)
    finally:
        connection.close()


def test_a_refused_delivery_is_quarantined_and_can_be_tried_again(tmp_path, well):
    settings(tmp_path, well.base)
    reviewdue(tmp_path, "release", "on")
    refusing = well.faults.add("unprocessable", on="write Task")
    ended = reviewdue(tmp_path, "cycle", "--json")
    assert (ended.code, ended.documents[0]["created"], ended.documents[0]["quarantined"]) == (1, 0, 1)
    (row,) = reviewdue(tmp_path, "quarantine", "list", "--json").documents
    (item,) = reviewdue(tmp_path, "items", "--json").documents
    assert (row["key"], item["projection"]) == (item["key"], "rejected")
    well.faults.clear()
    assert refusing.fault == "unprocessable"
    assert reviewdue(tmp_path, "cycle", "--json").documents[0]["created"] == 0  # not by itself
    (done,) = reviewdue(tmp_path, "quarantine", "retry", "--json").documents
    assert done == {"source": "main", "rows": 1, "planned": 1, "patients": 1}
    after = reviewdue(tmp_path, "cycle", "--json")
    assert (after.code, after.documents[0]["created"]) == (0, 1)
    (full,) = reviewdue(tmp_path, "item", item["key"], "--json").documents
    assert [
        act["actor"].split(":")[0] for act in full["history"] if act["act"] == "delivery planned again"
    ] == ["operator"]


@pytest.mark.failure("F8")
def test_a_lost_reply_is_named_and_settled_by_a_later_cycle(tmp_path, well):
    settings(tmp_path, well.base)
    reviewdue(tmp_path, "release", "on")
    well.faults.add("lost-reply", on="write Task", times=1)
    unsettled = {"REVIEWDUE_SOURCE__MAIN__SETTLE_SECONDS": "60"}
    first = reviewdue(tmp_path, "cycle", "--json", environment=unsettled)
    assert (first.code, first.documents[0]["unknown"]) == (0, 1)
    assert any("delivery unknown, settled by the next cycle" in line for line in first.problems)
    time.sleep(0.3)  # settle_seconds
    reviewdue(tmp_path, "cycle")
    (item,) = reviewdue(tmp_path, "items", "--json").documents
    assert item["projection"] == "confirmed"
    assert list(well.creations().values()) == [1]
