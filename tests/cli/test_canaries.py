"""People whose every personal detail is a canary go through all commands; none of it comes out where it must not."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import timedelta

import httpx2
import pytest

from service.bootstrap import SystemClock
from tests.cli.command import TODAY, end, process, reviewdue, settings, started
from tests.cycle.world import a_patient, a_review, an_order
from tests.ehr.bundles import SPOILS
from tests.ehr.replies import AFTER_COMMIT, INSTEAD
from tests.ehr.running import running_ehr

PERSON = {
    "birthDate": "1951-12-24",
    "identifier": [{"system": "urn:mrn", "value": "MRN-8675309"}, {"system": "urn:ssn", "value": "078-05-1120"}],
    "name": [{"family": "Yellowbird", "given": ["Canaria", "Serinette"]}, {"text": "Birdie Goldfinch"}],
    "address": [{"line": ["13 Zebracrossing Lane"], "city": "Quuxville", "postalCode": "QX9 9ZZ"}],
    "telecom": [{"system": "phone", "value": "+44 1632 960961"}],
    "contact": [{"name": {"text": "Nextofkin Sparrowhawk"}}],
    "text": {"status": "generated", "div": "<div>Canaria Yellowbird, Quuxville</div>"},
}  # fmt: skip
CANARIES = (
    "yellowbird", "canaria", "serinette", "goldfinch", "zebracrossing", "quuxville", "qx9", "8675309", "078-05",
    "960961", "sparrowhawk", "1951-12-24", "24 dec 1951", "19511224", "hushhush",
)  # fmt: skip
"""In lower case; `hushhush` stands in free text of clinical resources."""

NOTE = [{"text": "HushHush: Canaria Yellowbird called from Quuxville"}]


def resources():
    """Everything that can be wrong with an order too, with a canary in the wrong place."""
    began = (TODAY - timedelta(days=100)).isoformat()
    found = []
    for patient in ("p1", "p2", "p3"):
        subject = {"reference": f"Patient/{patient}", "display": "Canaria Yellowbird"}
        person = {
            **PERSON,
            "identifier": [*PERSON["identifier"], {"system": "urn:n", "value": f"MRN-8675309-{patient}"}],
        }
        order = an_order(patient, authoredOn=began, note=NOTE, subject=subject)
        found += [a_patient(patient, **person), order]
    wrong = {
        "x1": {"authoredOn": "24 Dec 1951 Canaria"}, "x2": {"status": "Yellowbird"}, "x3": {"intent": 1951},
        "x4": {"dosageInstruction": "Canaria Yellowbird"}, "x5": {"medicationCodeableConcept": {"text": "Yellowbird"}},
        "x6": {"meta": "Quuxville"}, "x7": {"dosageInstruction": [{"text": "HushHush take 2 for Canaria"}]},
    }  # fmt: skip
    return [
        *found,
        *(an_order("p1", name, **{"authoredOn": began, **element}) for name, element in wrong.items()),
    ]


@pytest.fixture
def ehr():
    with running_ehr(resources(), clock=SystemClock().now) as ehr:
        yield ehr


@pytest.fixture
def here(tmp_path, ehr):
    settings(tmp_path, ehr.base, more='[log]\nlevel = "debug"')
    return tmp_path


def leaks(*texts):
    """Canaries in the texts, whatever their case or escapes."""
    whole = "\n".join(texts).lower()
    return [canary for canary in CANARIES if canary in whole or canary.encode().hex() in whole]


def until(process, event):
    """The lines of the log up to that event."""
    found = []
    for line in process.stderr:
        found.append(line)
        if json.loads(line)["event"] == event:
            return found
    raise AssertionError(f"ended before {event!r}: {found}")


def test_the_canaries_are_seen_where_they_may_be(here):
    reviewdue(here, "cycle")
    with closing(sqlite3.connect(here / "reviewdue.db")) as ledger:
        kept = "\n".join(ledger.iterdump())
    assert {"yellowbird", "1951-12-24"} <= set(leaks(kept))  # patient.display, for the inbox
    other = [line for line in kept.splitlines() if 'INTO "patient"' not in line]
    assert leaks(*other) == []


@pytest.mark.failure("I7")
def test_no_command_tells_who_a_patient_is(here, ehr):
    texts = []

    def run(*words, codes=(0, 1)):
        ended = reviewdue(here, *words)
        assert ended.code in codes, (words, ended.err)
        texts.extend([ended.out, ended.err])
        return ended

    for words in (
        "config check",
        "db upgrade",
        "db check",
        "policy show",
        "cycle --dry-run",
        "release on",
        "cycle",
    ):
        run(*words.split())
    (key, *_) = [row["key"] for row in run("items", "--json").documents if row["state"] == "open"]
    ehr.faults.add("unprocessable", on="write Task")
    run("refresh", "p1")
    run("cycle", "--full", "--json")
    ehr.faults.clear()
    rows = run("quarantine", "list", "--json").documents
    assert {row["reference"] for row in rows} >= {"MedicationRequest/p1-x1", "MedicationRequest/p1-x2"}
    run("quarantine", "list")
    run("quarantine", "accept", "MedicationRequest/p1-x1")
    run("quarantine", "retry")
    for wrong in (
        ["refresh", "Canaria Yellowbird"],
        ["quarantine", "accept", "Quuxville"],
        ["verify", "Yellowbird"],
    ):
        run(*wrong, codes=(2,))
    for words in (
        f"item {key}",
        f"item {key} --json",
        "items",
        "reconcile",
        "reconcile --accept-gone",
        f"verify {key}",
    ):
        run(*words.split())
    ehr.load([a_review("p2", on=TODAY)])
    run("cycle", "--full")
    run("withdraw", "--reason", "a trial")
    run("release", "off")
    exported = run("audit", "export")
    assert len(exported.documents) > 5
    assert leaks(*texts) == []


@pytest.mark.failure("I7")
def test_no_fault_of_the_ehr_brings_one_out(here, ehr):
    reviewdue(here, "release", "on")
    texts = []
    for fault in sorted({*INSTEAD, *AFTER_COMMIT, *SPOILS}):
        value = {"status": 418, "foreign-next": "http://127.0.0.1:9"}.get(fault)
        ehr.faults.add(fault, rate=0.4, times=3, **({"value": value} if value else {}))
        ended = reviewdue(here, "cycle", "--full", "--debug")
        ehr.faults.clear()
        assert "internal error" not in ended.err, (fault, ended.err)
        texts += [ended.out, ended.err]
    assert leaks(*texts, reviewdue(here, "audit", "export").out) == []


@pytest.mark.parametrize("words", [["cycle"], ["cycle", "--debug"]], ids=" ".join)
def test_a_database_that_refuses_a_row_does_not_quote_it(here, words):
    reviewdue(here, "db", "upgrade")
    with closing(sqlite3.connect(here / "reviewdue.db")) as ledger:
        for change in ("INSERT", "UPDATE"):
            ledger.execute(
                f"CREATE TRIGGER no_{change} BEFORE {change} ON patient WHEN NEW.display IS NOT NULL"
                " BEGIN SELECT RAISE(ABORT, 'refused by a test'); END"
            )
        ledger.commit()
    ended = process(here, *words)
    assert ended.code == 3
    assert "refused by a test" in ended.err
    assert ("Traceback" in ended.err) is ("--debug" in words)
    assert leaks(ended.out, ended.err) == []


@pytest.mark.parametrize("words", [["item"], ["verify"], ["cycle"]], ids=" ".join)
def test_a_traceback_does_not_quote_what_the_ledger_or_a_record_holds(here, words):
    reviewdue(here, "cycle")
    (row, *_) = reviewdue(here, "items", "--json").documents
    with closing(sqlite3.connect(here / "reviewdue.db")) as ledger:
        ledger.execute(
            'UPDATE item SET reasons = \'[["R02", "Canaria Yellowbird", "2026-01-01", "2026-01-01"]]\''
        )
        ledger.commit()
    asked = [*words, *([] if words == ["cycle"] else [row["key"]])]
    quiet, loud = reviewdue(here, *asked), reviewdue(here, *asked, "--debug")
    assert (quiet.code, loud.code) == (3, 3)
    assert quiet.problems[-1] == "internal error: ValueError; --debug shows where"
    assert "Traceback" not in quiet.err
    assert "Traceback" in loud.err
    assert "ValueError" in loud.err
    assert leaks(quiet.out, quiet.err, loud.out, loud.err) == []


@pytest.mark.failure("I7")
def test_worker_web_logs_and_metrics_hold_none(here, ehr):
    reviewdue(here, "release", "on")
    ehr.faults.add("lost-reply", on="write Task", times=1)
    with started(here, "run", "--port", "0") as both:
        log = until(both, "listening")
        url = json.loads(log[-1])["path"]
        log += until(both, "cycle done")
        with httpx2.Client(base_url=url, trust_env=False) as client:
            paths = (
                "/metrics",
                "/livez",
                "/readyz",
                "/inbox",
                "/inbox/Yellowbird",
                "/api/v1/Canaria",
                "/%00",
            )
            answers = [client.get(path) for path in paths]
            assert answers[0].status_code == 200
            assert "reviewdue_items" in answers[0].text
        ended = end(both)
    assert len(log) > 1
    assert leaks(ended.out, ended.err, *log, *(answer.text for answer in answers)) == []
    assert not re.search(r"Patient/|\bp[123]\b", answers[0].text)


def test_offline_answers_name_people_by_reference_only(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    lines = "\n".join(json.dumps(resource) for resource in resources())
    (folder / "all.ndjson").write_text(lines + '\n{"resourceType": "Patient", "name": "Yellowbird"\n')
    texts = []
    for words in (
        "assess data --all --format ndjson",
        "assess data --summary",
        "assess data",
        "explain data --patient p1",
    ):
        ended = reviewdue(tmp_path, *words.split(), "--debug")
        texts += [ended.err, ended.out if words.startswith("assess") else ""]
    assert leaks(*texts) == []
