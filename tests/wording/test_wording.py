"""What a clinician reads of each finding; the people are those of the fixtures, on their base day."""

import json
import re
from dataclasses import replace
from functools import cache

import pytest

from service import wording
from service.demo.population import expected
from service.knowledge import knowledge
from service.model.assessment_json import finding_of, render
from service.model.facts import Range
from tests.wording.snapshots import FOLDER, answers, snapshots

DUE = [person.file for person in expected() if person.findings]
_CLAUSE = re.compile(r"[^.:;,]*")


@cache
def everybody():
    return {person.file: answer for person, answer in answers()}


def told(answer):
    return [wording.description(answer), wording.note(answer), *map(wording.reason, answer.findings)]


def test_the_snapshots_are_what_is_said():
    kept = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.txt")}
    assert kept == snapshots()


def test_every_rule_and_variant_is_in_a_snapshot():
    rules = {finding.rule for answer in everybody().values() for finding in answer.findings}
    variants = {v for a in everybody().values() for f in a.findings for v in f.facts.get("variants", [])}
    assert rules == knowledge().texts.rules.keys()
    for rule in ("R03", "R04", "R13"):
        assert variants >= knowledge().texts.rule(rule).variants.keys()


@pytest.mark.parametrize("file", DUE)
def test_no_text_shows_how_the_facts_are_kept(file):
    for text in told(everybody()[file]):
        assert not set(text) & set('{}[]_"'), text
        assert "None" not in text
        assert "unknown dose of" not in text


@pytest.mark.parametrize("file", DUE)
def test_every_date_is_absolute_and_in_words(file):
    for text in told(everybody()[file]):
        said = text.replace("a year ago", "")
        assert not re.search(r"\d{4}-\d\d-\d\d|\bago\b|today|yesterday|tomorrow", said), text


@pytest.mark.parametrize("file", DUE)
def test_it_says_review_and_never_stop(file):
    """`Stopped` is what happened; `stop` and `stopping` come only with a never, a not or a no."""
    for text in told(everybody()[file]):
        for clause in _CLAUSE.findall(text):
            if re.search(r"\bstop(ping)?\b", clause, re.IGNORECASE):
                assert re.search(r"\b(never|not|no)\b.*\bstop", clause, re.IGNORECASE), clause


@pytest.mark.parametrize("file", DUE)
def test_a_description_has_at_most_200_characters_and_ends_with_the_last_review(file):
    text = wording.description(everybody()[file])
    assert len(text) <= 200
    assert re.search(r"; (last review \d+ \w+ \d{4}|no review on record)$", text)


def test_a_description_of_many_medicines_counts_them_instead_of_being_cut():
    answer = everybody()["patients/hapi-two-agents.json"]
    many = {f"chlordiazepoxide{n}": Range(10, 20) for n in range(9)}
    episode = replace(answer.episode, daily_dose_mg=many, ingredients=tuple(many))
    text = wording.description(replace(answer, episode=episode))
    assert "9 medicines since" in text
    assert text.endswith("; last review 3 Sep 2026")


@pytest.mark.parametrize("file", DUE)
def test_a_stored_finding_reads_like_a_fresh_one(file):
    answer = everybody()[file]
    stored = json.loads(json.dumps(render(answer)))["findings"]
    assert [wording.reason(finding_of(each)) for each in stored] == list(map(wording.reason, answer.findings))


def test_a_finding_of_an_earlier_version_still_reads():
    (finding,) = everybody()["patients/oracle-above-label.json"].findings
    text = wording.reason(replace(finding, facts={}, numbers={}))
    assert text == "High daily dose since 16 Oct 2026, due 23 Oct 2026"


def test_after_a_stop_the_note_says_to_consider_restarting_and_where_emergencies_go():
    for file in ("medplum-stopped", "hapi-lapsed-temazepam", "nhs-last-prescription", "epic-dose-halved"):
        note = wording.note(everybody()[f"patients/{file}.json"])
        assert "consider resuming at the last tolerated dose and tapering from there" in note
        assert "need emergency care now" in note


def test_treatment_of_opioid_use_disorder_is_never_to_be_disrupted():
    answer = everybody()["patients/hapi-moud.json"]
    assert "Never disrupt the treatment of opioid use disorder" in wording.note(answer)
    assert "treats opioid use disorder, not to be disrupted" in wording.reason(answer.findings[0])
    assert "treats opioid" not in wording.reason(everybody()["patients/hapi-opioid-new.json"].findings[0])


def test_with_a_seizure_disorder_it_is_said_never_to_stop_abruptly():
    answer = everybody()["patients/medplum-seizures-diazepam.json"]
    assert "never stop abruptly" in wording.note(answer)
    assert "never stop abruptly" not in wording.note(everybody()["patients/hapi-periodic-overdue.json"])


SENTENCES = {
    "hapi-periodic-overdue": "every 90 days, counted from the start of the episode on 16 Apr 2026",
    "medplum-stopped": (
        "stopped by the newest order on 31 Oct 2026; last covered day 30 Oct 2026 with diazepam 10 mg/day; "
        "dependence likely"
    ),
    "epic-dose-halved": (
        "dose halved without a plan to taper, from 20 to 10 mg/day as diazepam; clonazepam 1 mg/day; "
        "dependence likely"
    ),
    "oracle-above-label": (
        "zolpidem 20 mg/day, above the label maximum of 12.5 mg/day; on 14 or more of the last 28 covered days"
    ),
    "medplum-taper-too-fast": (
        "too fast: from 15 to 8 mg/day as diazepam within two weeks; taper began 4 Aug 2026"
    ),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_a_reason_says_what_decided(name):
    finding = everybody()[f"patients/{name}.json"].findings[0]
    assert wording.reason(finding).endswith(f": {SENTENCES[name]}")
