"""`/metrics`: what operators watch, from the ledger, without a word about a person."""

import re

import pytest

from service.config import Settings
from service.ports import LedgerError
from service.web import create_app
from tests.cycle.world import a_review, an_order, people, world

NAMES = {
    "reviewdue_cycles_total", "reviewdue_patients_assessed_total", "reviewdue_findings", "reviewdue_items",
    "reviewdue_deliveries_total", "reviewdue_projections", "reviewdue_ehr_requests_total",
    "reviewdue_ehr_request_seconds_bucket", "reviewdue_ehr_request_seconds_count", "reviewdue_ehr_request_seconds_sum",
    "reviewdue_last_complete_cycle_age_seconds", "reviewdue_quarantine_size", "reviewdue_unmapped_drug_codes",
}  # fmt: skip
LABELS = {"source", "outcome", "rule", "state", "class", "le"}
SAMPLE = re.compile(r"(\w+)(?:\{(.*)\})? ([-+\w.]+)")


def client(here):
    settings = Settings(source={"main": here.parts.settings})
    return create_app(here.parts.ledger, settings, here.parts.clock).test_client()


def scraped(here):
    """Value by `name{labels}`, the source left out."""
    answer = client(here).get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")
    found = {}
    for line in answer.text.splitlines():
        if not line.startswith("#"):
            name, labels, value = SAMPLE.fullmatch(line).groups()
            pairs = dict(re.findall(r'(\w+)="([^"]*)"', labels or ""))
            assert pairs.pop("source") == "main"
            assert set(pairs) <= LABELS
            found[name, *pairs.values()] = float(value)
    return found


@pytest.mark.failure("F35")
def test_every_number_that_operators_watch_is_there_and_right(tmp_path):
    unreadable = an_order("p1", "x", ago=20, authoredOn="31/12/2025")
    with world(tmp_path, [*people(3), unreadable]) as here:
        here.cycle()
        here.ehr.load([a_review("p2")])
        here.pass_time(minutes=5)
        second = here.cycle()
        found = scraped(here)
        assert {name for name, *_ in found} == NAMES
        assert found["reviewdue_cycles_total", "complete"] == 2
        assert found["reviewdue_patients_assessed_total",] == 3 + second.assessed
        assert found["reviewdue_findings", "R02"] == 2
        assert (found["reviewdue_items", "open"], found["reviewdue_items", "closed"]) == (2, 1)
        assert found["reviewdue_deliveries_total", "created"] == 3
        assert found["reviewdue_deliveries_total", "closed"] == 1
        assert found["reviewdue_projections", "confirmed"] == 3
        assert found["reviewdue_quarantine_size",] == 1
        assert found["reviewdue_unmapped_drug_codes",] == 0
        here.pass_time(seconds=90)
        assert scraped(here)["reviewdue_last_complete_cycle_age_seconds",] >= 90


def test_requests_are_counted_by_class_and_by_how_long_they_took(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.ehr.faults.add("unavailable", on="list Condition", times=1)
        report = here.cycle()
        found = scraped(here)
        classes = {key[1]: n for key, n in found.items() if key[0] == "reviewdue_ehr_requests_total"}
        assert classes["5xx"] == 1
        assert sum(classes.values()) == report.requests == found["reviewdue_ehr_request_seconds_count",]
        buckets = [n for key, n in found.items() if key[0] == "reviewdue_ehr_request_seconds_bucket"]
        assert buckets == sorted(buckets)
        assert buckets[-1] == report.requests


def test_a_medicine_told_by_its_name_only_is_counted(tmp_path):
    named = an_order("p1", medicationCodeableConcept={"text": "Diazepam 5 mg tablets"})
    with world(tmp_path, [*people(1)[:1], named]) as here:
        here.cycle()
        assert scraped(here)["reviewdue_unmapped_drug_codes",] == 1


def test_an_unreachable_ehr_is_a_cycle_of_its_own_kind(tmp_path):
    with world(tmp_path, people(1)) as here:
        here.ehr.faults.add("unauthorized", on="any")
        here.cycle()
        assert scraped(here)["reviewdue_cycles_total", "unreachable"] == 1


@pytest.mark.failure("I7")
def test_no_label_and_no_value_is_about_a_person(tmp_path):
    with world(tmp_path, people(2)) as here:
        here.cycle()
        text = client(here).get("/metrics").text
        assert [
            word for word in ("p1", "Patient/", "mrn", "1971", here.item("p1").base) if word in text
        ] == []


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_metrics_are_read_only(tmp_path, method):
    with world(tmp_path) as here:
        assert getattr(client(here), method)("/metrics").status_code == 405


def test_a_ledger_that_does_not_answer_is_503_and_a_problem(tmp_path):
    class Silent:
        def read(self):
            raise LedgerError("database: no answer")

    with world(tmp_path) as here:
        app = create_app(Silent(), Settings(source={"main": here.parts.settings}), here.parts.clock)
        answer = app.test_client().get("/metrics")
        assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
