"""The web process over real HTTP: health, headers, errors, and where the inbox is."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import httpx2
import pytest

from service.config import Settings, SourceSettings
from service.model.assessment import Priority
from service.model.item import Item, ItemState, Reason
from service.ports import PatientRow, StoredAssessment
from service.store import open_ledger
from service.web import Server, create_app

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SOURCE = SourceSettings(id="main", base_url="https://ehr.example/fhir")
EVIL = "<script>alert(1)</script>{{7*7}}\u202e"


class Clock:
    """Stands still for the date, runs for waiting."""

    def now(self):
        return NOW

    def monotonic(self):
        return time.monotonic()

    def sleep(self, seconds):
        threading.Event().wait(seconds)


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        yield ledger


@pytest.fixture
def visit(ledger):
    """Gives a client for an app on a real socket."""
    with (
        Server(app(ledger, with_inbox=True), Clock(), "127.0.0.1", 0) as server,
        httpx2.Client(base_url=server.url, trust_env=False) as client,
    ):
        yield client


def app(ledger, *sources, with_inbox=False):
    settings = Settings(source={source.id: source for source in sources or (SOURCE,)})
    return create_app(ledger, settings, Clock(), with_inbox=with_inbox)


def cycle_was(ledger, ago):
    with ledger.write(None) as tx:
        tx.save_source_state(replace(tx.source_state("main"), last_complete_at=NOW - ago, released_at=NOW))


def an_item(
    ledger, patient="p1", *, name="Canaria Yellowbird", state=ItemState.OPEN, complete=True, findings=True
):
    reason = Reason("R02", Priority.ROUTINE, date(2026, 11, 1), date(2026, 11, 15))
    item = Item(
        "main",
        patient,
        f"rbase{patient}",
        1,
        state,
        Priority.ROUTINE,
        date(2026, 11, 15),
        (reason,),
        "c",
        date(2026, 11, 1),
    )
    finding = {
        "rule": "R02", "title": "Periodic review due", "priority": "routine", "since": "2026-11-01",
        "due_on": "2026-11-15", "facts": {"anchor": "2026-08-01", "interval_days": 90},
        "numbers": {"R02.interval": {"value": 90, "unit": "days", "source": "a guideline"}},
        "evidence": ["MedicationRequest/a"], "citation": "a guideline", "actions": ["weigh benefit against risk", EVIL],
    }  # fmt: skip
    body = {
        "policy": "us@1", "as_of": "2026-11-24", "confidence": "high", "flags": [], "missing": [], "unreadable": [],
        "last_review": None, "suppressed": [{"rule": "R01", "by": "merge"}], "findings": [finding] if findings else [],
        "episode": {
            "start": "2026-05-01", "end": "2026-12-01", "covered_days": 207, "ingredients": ["diazepam"],
            "daily_dose_mg": {"diazepam": {"low": 10, "high": 10}}, "dme": {"low": 10, "typical": 10, "high": 10},
            "dependence": "likely",
        },
    }  # fmt: skip
    with ledger.write(None) as tx:
        since = None if complete else NOW - timedelta(hours=3)
        row = PatientRow(
            "main", patient, item.base, cohort_until=date(2027, 1, 1), complete=complete, incomplete_since=since,
            gathered_at=NOW, display={"name": name, "birth_date": "1951-12-24"},
        )  # fmt: skip
        tx.save_patient(row)
        tx.save_item(item, NOW)
        tx.save_assessment("main", StoredAssessment(patient, NOW, body))
    return item.key


def test_a_live_process_says_so(visit):
    assert visit.get("/livez").json() == {"status": "ok"}


def test_it_is_ready_when_the_last_complete_cycle_is_recent(visit, ledger):
    cycle_was(ledger, timedelta(minutes=5))
    assert visit.get("/readyz").status_code == 200


@pytest.mark.failure("F35")
@pytest.mark.parametrize("ago", [None, timedelta(hours=27)])
def test_it_is_not_ready_without_a_recent_complete_cycle_and_names_the_check(visit, ledger, ago):
    if ago is not None:
        cycle_was(ledger, ago)
    answer = visit.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()["failing"]) == {"cycle:main", "lease:main"}


def test_a_held_lease_is_not_among_the_failing_checks(visit, ledger):
    assert ledger.acquire("main", "somebody", 60) is not None
    assert set(visit.get("/readyz").json()["failing"]) == {"cycle:main"}


@pytest.mark.failure("F24", "F25")
def test_a_database_that_is_gone_is_named(visit, tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"no database" * 1000)
    answer = visit.get("/readyz")
    assert answer.status_code == 503
    assert list(answer.json()["failing"]) == ["database"]
    assert visit.get("/livez").status_code == 200


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/inbox", "/inbox/none", "/nowhere", "/api/v1/x", "/static/reviewdue.css"]
)
def test_every_answer_carries_the_headers_that_keep_a_browser_safe(visit, path):
    headers = visit.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/nowhere", "text/html"), ("/inbox/none", "text/html"), ("/api/v1/items", "application/problem+json")],
)
def test_an_error_is_a_page_for_people_and_a_problem_for_machines(visit, path, kind):
    answer = visit.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith(kind)
    assert path.rpartition("/")[2] not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE"])
def test_nothing_can_be_changed_from_outside(visit, method):
    assert visit.request(method, "/inbox").status_code == 405
    assert visit.request(method, "/readyz").status_code == 405


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/inbox/%00"]
)
def test_a_path_cannot_leave_its_folder(visit, path):
    assert visit.get(path).status_code in (400, 404)


def test_the_inbox_does_not_exist_unless_it_is_asked_for(ledger):
    key = an_item(ledger)
    client = app(ledger).test_client()
    assert [
        client.get(path).status_code for path in ("/", "/inbox", f"/inbox/{key}", "/static/reviewdue.css")
    ] == [404] * 4
    assert b"Canaria" not in client.get(f"/inbox/{key}").data


def test_the_list_shows_who_why_and_how_far_it_can_be_believed(visit, ledger):
    key = an_item(ledger)
    cycle_was(ledger, timedelta(minutes=5))
    page = visit.get("/inbox").text
    assert "Canaria Yellowbird" in page
    assert "Periodic review due" in page
    assert "diazepam 10 mg/day" in page
    assert "9 days late" in page
    assert "Data as of 24 Nov 2026, 11:55 · read in full for 1 of 1 patients" in page
    assert f"/inbox/{key}" in page
    assert "notice" not in page


@pytest.mark.failure("I8")
def test_an_empty_list_is_never_a_bare_all_clear(visit, ledger):
    assert "was never read in full. An empty list is not an all-clear." in visit.get("/inbox").text
    cycle_was(ledger, timedelta(hours=30))
    assert "No complete read of source main for more than a day." in visit.get("/inbox").text


@pytest.mark.failure("I8")
def test_an_incomplete_read_is_said_on_the_list_and_on_the_review(visit, ledger):
    key = an_item(ledger, complete=False)
    cycle_was(ledger, timedelta(minutes=5))
    page = visit.get("/inbox").text
    assert "1 of 1 patients could not be read in full" in page
    assert "read in full for 0 of 1 patients" in page
    assert "Incomplete since 24 Nov 2026, 09:00" in visit.get(f"/inbox/{key}").text


def test_one_review_shows_its_reasons_numbers_and_evidence(visit, ledger):
    page = visit.get(f"/inbox/{an_item(ledger)}").text
    for shown in (
        "R02.interval: 90 days",
        "a guideline",
        "MedicationRequest/a",
        "weigh benefit",
        "us@1",
        "Dependence",
    ):
        assert shown in page
    assert "it is not an order" in page


def test_a_review_without_a_finding_left_is_shown_as_such(visit, ledger):
    assert "Nothing fires any more" in visit.get(f"/inbox/{an_item(ledger, findings=False)}").text


def test_what_is_missing_or_assumed_is_said_in_words(visit, ledger):
    key = an_item(ledger)
    with ledger.write(None) as tx:
        stored = tx.assessment("main", "p1")
        asides = [{"reference": "MedicationRequest/x", "reason": "bad-date"}]
        body = {
            **stored.body,
            "flags": ["dose_unknown"],
            "missing": ["Encounter", "unreadable"],
            "unreadable": asides,
        }
        tx.save_assessment("main", replace(stored, body=body))
    page = visit.get(f"/inbox/{key}").text
    for shown in (
        "the daily dose could not be worked out",
        "MedicationRequest/x: a date is impossible or not written as FHIR writes dates",
        "Not read: Encounter",
    ):
        assert shown in page
    assert [
        code for code in ("dose_unknown", "dose unknown", "bad-date", "Not read: unreadable") if code in page
    ] == []


def test_stored_text_is_never_markup(visit, ledger):
    key = an_item(ledger, name=EVIL)
    for path in ("/inbox", f"/inbox/{key}"):
        page = visit.get(path).text
        assert "<script" not in page
        assert "49" not in re.sub(r"\d{3,}", "", page)
        assert "\u202e" not in page
        assert "□" in page


def test_pages_ask_for_nothing_but_their_own_style(visit, ledger):
    page = visit.get(f"/inbox/{an_item(ledger)}").text
    assert re.findall(r'(?:src|href)="((?!/|#)[^"]*)"', page) == []
    assert "<script" not in page
    assert "style=" not in page
    assert visit.get("/static/reviewdue.css").headers["content-type"].startswith("text/css")


def test_leaving_finishes_what_is_in_flight(ledger):
    flask = app(ledger)
    entered, go_on = threading.Event(), threading.Event()

    @flask.get("/slow")
    def slow():
        entered.set()
        go_on.wait(10)
        return "finished"

    with ThreadPoolExecutor(1) as pool:
        with Server(flask, Clock(), "127.0.0.1", 0) as server:
            answer = pool.submit(httpx2.get, f"{server.url}/slow", trust_env=False, timeout=20)
            assert entered.wait(10)
            threading.Timer(0.3, go_on.set).start()
        assert answer.result().text == "finished"
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{server.url}/livez", trust_env=False)
