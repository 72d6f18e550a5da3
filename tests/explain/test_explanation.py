"""What `explain` tells of the synthetic people, and whether it names every number of the answer."""

import re
from datetime import date, timedelta
from functools import cache
from itertools import pairwise

import pytest

from service import wording
from service.assess import assess
from service.cli.explanation import as_text
from service.demo.population import base_day, expected, folder
from service.explain import as_json, explain
from service.knowledge import knowledge, load_policy
from service.model.assessment_json import render
from service.record.bundle import read_bundle
from service.record.group import group
from service.wording import assumptions

PEOPLE = [person.file for person in expected()]
TOLD = (
    "epic-first-review", "hapi-fills", "medplum-high-equivalents", "oracle-above-label", "epic-dose-halved",
    "synthea-gone-quiet", "hapi-early-refills", "medplum-taper-too-fast", "hapi-moud", "medplum-dose-creep",
    "epic-three-sedatives", "hapi-lorazepam-range",
)  # fmt: skip


@cache
def told(file):
    path = folder() / file
    (record,) = group(read_bundle(path.read_bytes(), file=path.name).entries)
    policy = load_policy("us")
    return explain(record, assess(record, policy, knowledge(), base_day()), policy, knowledge())


def of(name):
    return told(f"patients/{name}.json")


def text_of(name):
    return as_text(of(name), knowledge())


@pytest.mark.parametrize("file", PEOPLE)
def test_every_number_of_the_answer_is_in_the_text(file):
    answer, text = render(told(file).answer), as_text(told(file), knowledge())
    numbers = set(re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\d)", text))
    missing = [
        f"{path}: {value}"
        for path, value in leaves(answer)
        if is_number(value) and wording.number(value) not in numbers
    ]
    assert not missing


@pytest.mark.parametrize("name", TOLD)
def test_every_date_of_the_answer_is_in_the_text(name):
    answer, text = render(of(name).answer), text_of(name)
    last_day = date.fromisoformat(answer["episode"].pop("end")) - timedelta(days=1)
    dates = [date.fromisoformat(v) for _, v in leaves(answer) if re.fullmatch(r"\d{4}-\d\d-\d\d", str(v))]
    assert dates
    for each in (*dates, last_day):
        assert each.isoformat() in text or wording.day(each) in text


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def leaves(tree, path=""):
    """(path, value) of everything in the JSON that is neither an object nor a list."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from leaves(value, f"{path}.{name}")
    elif isinstance(tree, list):
        for value in tree:
            yield from leaves(value, path)
    else:
        yield path, tree


@pytest.mark.parametrize("file", PEOPLE)
def test_everybody_can_be_explained_with_the_why_of_everything(file):
    answer, text = told(file).answer, as_text(told(file), knowledge())
    for finding in (*answer.findings, *answer.suppressed):
        assert f"{finding.rule} {finding.priority.word}: " in text
        for number in finding.numbers.values():
            assert number.source in text
    for finding in answer.suppressed:
        assert knowledge().texts.suppression(finding.suppressed_by).text in text
    for aside in (*answer.unreadable, *answer.ignored):
        assert f"{aside.reference}: {aside.reason}: {assumptions.REFUSED[aside.reason]}" in text
    for flag in answer.flags:
        assert f"{flag}: {assumptions.FLAGS[flag]}" in text


@pytest.mark.parametrize("file", PEOPLE)
def test_the_json_is_the_assessment_and_more(file):
    answer, found = render(told(file).answer), as_json(told(file))
    assert {name: found[name] for name in answer} == answer
    assert found.keys() - answer.keys() == {
        "timeline", "readings", "episodes", "doses", "factors", "dependence", "assumed", "held_back", "changes",
        "forgotten",
    }  # fmt: skip


def reading(name, reference):
    return next(each for each in of(name).readings if each.reference.endswith(reference))


@pytest.mark.parametrize(
    ("name", "reference", "rule", "days"),
    [
        ("oracle-alcohol-thirty", "9410101", "bounds", 180),
        ("epic-dose-halved", "1111", "expected", 180),
        ("synthea-gone-quiet", "000007", "open", 365),
        ("hapi-fills", "fill1", "fill", 30),
    ],
)
def test_a_reading_says_which_rule_gave_the_length(name, reference, rule, days):
    found = reading(name, reference)
    assert (found.length_rule, found.length_days) == (rule, days)
    assert f"{days} days" in text_of(name)
    assert assumptions.LENGTH_RULES[rule] in text_of(name)


def test_an_order_with_fills_covers_nothing_and_says_why():
    found = reading("hapi-fills", "rx1")
    assert (found.length_rule, found.no_supply) == (None, "its fills count instead")
    assert "covers nothing: its fills count instead" in text_of("hapi-fills")


def test_a_reading_says_why_it_was_cut():
    found = next(each for each in of("medplum-stopped").readings if each.cut == date(2026, 10, 31))
    assert found.cut_why == "stopped"
    assert "cut 2026-10-31 (stopped)" in text_of("medplum-stopped")


def test_the_dose_is_told_by_ranges_of_days_that_leave_out_no_day():
    doses = of("hapi-taper-rebound").doses
    assert [(each.days, each.dme.typical) for each in doses] == [(56, 20), (54, 15), (28, 10), (28, 12)]
    for before, after in pairwise(doses):
        assert after.start - before.end == timedelta(days=1)
    bars = [line.count("█") for line in text_of("hapi-taper-rebound").splitlines() if "█" in line]
    assert bars == [30, 22, 15, 18]


def test_what_is_held_back_says_until_when_and_what_then():
    (held,) = of("hapi-snoozed").held_back
    assert (held.finding.rule, held.by, held.until, held.holds_after) == (
        "R02",
        "S13",
        date(2026, 11, 21),
        True,
    )
    assert held.basis[0] in text_of("hapi-snoozed")
    assert "until 21 Nov 2026; then it is asked about" in text_of("hapi-snoozed")


def test_what_is_held_back_for_good_says_so():
    (held,) = of("medplum-inactive").held_back
    assert not held.holds_after
    assert "by then it no longer holds" in text_of("medplum-inactive")
    assert "S1 Deceased or inactive" in text_of("medplum-inactive")


def test_what_is_new_since_the_last_answer_is_told():
    changes = of("hapi-opioid-new").changes
    assert changes.since == date(2026, 9, 13)
    assert [event.what for event in changes.events] == ["oxycodone 15 mg/day"]
    assert (changes.dme_then, changes.dme_now) == (10, 10)
    assert of("hapi-periodic-overdue").changes is None


def test_the_actions_are_those_of_the_variants_that_hold():
    (stalled,) = of("medplum-taper-decided").answer.findings
    assert stalled.actions == (
        "stalled: a pause is allowed; agree the next small step or record why it rests",
    )
    (creep,) = of("medplum-dose-creep").answer.findings
    assert "creep: compare with the dose a year ago" in creep.actions
    assert not any(action.startswith("step") for action in creep.actions)
