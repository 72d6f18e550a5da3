"""What a clinician reads of each finding; the people are those of the fixtures, on their base day."""

import json

import pytest

from service import wording
from service.assess import assess
from service.demo.population import base_day, expected, folder
from service.knowledge import knowledge, load_policy
from service.record.bundle import read_bundle
from service.record.group import group

SENTENCES = {
    "hapi-periodic-overdue": "every 90 days, counted from the start of the episode on 16 Apr 2026",
    "medplum-periodic-coming-due": "every 90 days, counted from the last review on 14 Aug 2026",
    "oracle-alcohol-thirty": "every 30 days, counted from the last review on 8 Oct 2026",
    "epic-first-review": "new use of alprazolam since 9 Oct 2026, no review since",
    "synthea-stale-active": "diazepam, ordered 20 Jun 2025 and still active",
    "medplum-stopped": (
        "stopped by the newest order on 31 Oct 2026; last covered day 30 Oct 2026 with diazepam 10 mg/day; "
        "dependence likely"
    ),
    "hapi-opioid-new": "oxycodone together with it since 27 Oct 2026, last on 2 Nov 2026; no naloxone on record",
    "medplum-opioid-new-with-naloxone": (
        "oxycodone together with it since 21 Oct 2026, last on 2 Nov 2026; naloxone on record"
    ),
}


def first_finding(name):
    file = folder() / "patients" / f"{name}.json"
    (record,) = group(read_bundle(file.read_bytes(), file=file.name).entries)
    return assess(record, load_policy("us"), knowledge(), base_day()).findings[0]


@pytest.mark.parametrize("name", SENTENCES)
def test_a_reason_says_what_decided_with_absolute_dates(name):
    assert wording.reason(first_finding(name)).endswith(f": {SENTENCES[name]}")


@pytest.mark.parametrize("person", [one for one in expected() if one.findings], ids=lambda one: one.file)
def test_no_reason_shows_how_the_facts_are_kept(person):
    (record,) = group(read_bundle((folder() / person.file).read_bytes(), file=person.file).entries)
    for finding in assess(record, load_policy("us"), knowledge(), base_day()).findings:
        text = wording.reason(finding)
        assert not set(text) & set("{}[]_'\""), text
        assert not any(
            json.dumps(value) in text for value in finding.facts.values() if isinstance(value, dict)
        )
