"""The long-running processes: started, looked at over HTTP, ended by a signal."""

import signal
import time

import httpx2
import pytest

from service.bootstrap import SystemClock
from tests.cli.command import end, people, reviewdue, settings, started, wait_for_event
from tests.ehr.faults import Rule
from tests.ehr.running import running_ehr

SECONDS_TO_DRAIN = 10
LONG_LEASE = 90  # seconds: no cycle waits so long for any other reason, on however busy a machine


@pytest.fixture
def ehr():
    with running_ehr(people(), clock=SystemClock().now) as ehr:
        yield ehr


def test_a_worker_runs_its_first_cycle_at_once_and_ends_quietly_on_sigterm(tmp_path, ehr):
    settings(tmp_path, ehr.base)
    with started(tmp_path, "worker") as worker:
        assert wait_for_event(worker, "cycle done")["complete"] is True
        began = time.monotonic()
        ended = end(worker)
    assert ended.code == 0
    assert time.monotonic() - began < SECONDS_TO_DRAIN
    assert "Traceback" not in ended.err


@pytest.mark.failure("F34")
def test_a_worker_that_is_ended_in_a_cycle_finishes_what_is_in_flight_and_frees_the_lease(tmp_path, ehr):
    settings(tmp_path, ehr.base, lease=LONG_LEASE)
    reviewdue(tmp_path, "release", "on")
    ehr.faults.put(Rule("slow", on="create Task", value=1))
    ehr.faults.put(Rule("slow", on="update Task", value=1))
    with started(tmp_path, "worker") as worker:
        wait_for_event(worker, "worker started")
        while not ehr.faults.struck:
            assert worker.poll() is None
            time.sleep(0.02)
        began = time.monotonic()
        ended = end(worker)
    assert ended.code == 0
    assert time.monotonic() - began < SECONDS_TO_DRAIN
    items = reviewdue(tmp_path, "items", "--json").documents
    assert [item["key"] for item in items if item["projection"] in ("sending", "unknown")] == []
    confirmed = {f"urn:reviewdue:item|{item['key']}" for item in items if item["projection"] == "confirmed"}
    assert confirmed == set(ehr.creations())
    assert len(confirmed) < len(items)  # the rest was not begun
    ehr.faults.clear()
    began = time.monotonic()
    reviewdue(tmp_path, "cycle")
    assert time.monotonic() - began < LONG_LEASE - SECONDS_TO_DRAIN  # the lease was given back
    assert set(ehr.creations().values()) == {1}


@pytest.mark.failure("F34")
def test_a_worker_with_a_request_that_does_not_end_leaves_in_time_and_nothing_is_lost(tmp_path, ehr):
    settings(tmp_path, ehr.base, deadline=30, lease=60)
    reviewdue(tmp_path, "release", "on")
    ehr.faults.put(Rule("slow", on="update Task", value=25))
    with started(tmp_path, "worker") as worker:
        wait_for_event(worker, "worker started")
        while not ehr.faults.struck:
            assert worker.poll() is None
            time.sleep(0.02)
        began = time.monotonic()
        assert end(worker).code == 130
        assert time.monotonic() - began < SECONDS_TO_DRAIN
    items = reviewdue(tmp_path, "items", "--json").documents
    assert "sending" in {item["projection"] for item in items}  # to the next holder of the lease: unknown


@pytest.mark.failure("F12")
def test_a_second_worker_stands_by(tmp_path, ehr):
    settings(tmp_path, ehr.base)
    ehr.faults.put(Rule("slow", on="search", value=0.3))
    with started(tmp_path, "worker") as first:
        wait_for_event(first, "worker started")
        while not ehr.faults.struck:
            time.sleep(0.02)
        with started(tmp_path, "worker") as second:
            assert wait_for_event(second, "standing by")["source"] == "main"


def test_an_interrupted_worker_is_exit_130(tmp_path, ehr):
    settings(tmp_path, ehr.base)
    with started(tmp_path, "worker") as worker:
        wait_for_event(worker, "cycle done")
        assert end(worker, signal.SIGINT).code == 130


def test_web_answers_and_has_no_inbox_and_ends_on_sigterm(tmp_path):
    settings(tmp_path, "https://ehr.example/fhir")
    with started(tmp_path, "web", "--port", "0") as web:
        url = wait_for_event(web, "listening")["path"]
        with httpx2.Client(base_url=url, trust_env=False) as client:
            assert client.get("/livez").status_code == 200
            assert client.get("/readyz").status_code == 503
            assert client.get("/inbox").status_code == 404
        assert end(web).code == 0


def test_run_is_both(tmp_path, ehr):
    settings(tmp_path, ehr.base)
    with started(tmp_path, "run", "--port", "0") as both:
        url = wait_for_event(both, "listening")["path"]
        wait_for_event(both, "cycle done")
        with httpx2.Client(base_url=url, trust_env=False) as client:
            assert client.get("/readyz").status_code == 200
            assert client.get("/inbox").status_code == 404
        assert end(both).code == 0


def test_a_taken_port_is_exit_2_and_names_its_setting(tmp_path):
    with started(tmp_path, "web", "--port", "0") as web:
        port = wait_for_event(web, "listening")["path"].rpartition(":")[2]
        ended = reviewdue(tmp_path, "web", "--port", port)
    assert ended.code == 2
    assert ended.problems[-1].startswith("web.port: ")
