"""What is true of every record, from FHIR resources to the answer (exposure.md, rules.md)."""

import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.assess import assess, render
from service.knowledge import knowledge
from service.model.assessment import Priority
from tests.spec.said import Answer, answer, record_of
from tests.spec.said import policy as us
from tests.spec.stories import an_outcome, stories
from tests.spec.told import resources
from tests.spec.told_dose import DAY_0

MAY_MUTE_R04 = {"S1", "S2", "S4", "S11", "S13", "S14", "S15"}
UNREADABLE = ["? 10 mg @{day} 28d", "diazepam 10 mg @{day} 28d status=banana", "lorazepam 1 mg @2026-02-30 28d",
              "fill diazepam 28d", "diazepam 10 mg @{day} .dosageInstruction=5"]  # fmt: skip
DATE = re.compile(r"\d{4}-\d\d-\d\d")
asked = st.integers(0, 300)


def on(told: str, day: int) -> Answer:
    return answer(told, str(day))


def priorities(told: str, day: int) -> dict[str, Priority]:
    """Rule that holds, muted or not → how soon."""
    assessment = on(told, day).assessment
    return {each.rule: each.priority for each in (*assessment.findings, *assessment.suppressed)}


@settings(max_examples=60, deadline=None)
@given(stories(), asked)
def test_a_stop_is_hidden_only_by_the_suppressions_that_may(told, day):
    assert on(told, day).suppressed.get("R04", "S1") in MAY_MUTE_R04


@settings(max_examples=60, deadline=None)
@given(stories(outcomes=False), an_outcome(), asked)
def test_an_outcome_never_raises_a_priority(told, outcome, day):
    before, after = priorities(told, day), priorities(f"{told}; {outcome}", day)
    assert {rule: soon for rule, soon in after.items() if soon > before.get(rule, soon)} == {}


@settings(max_examples=60, deadline=None)
@given(stories(), st.sampled_from(UNREADABLE), asked, st.integers(0, 200))
def test_an_unreadable_resource_changes_nothing_that_others_say(told, unreadable, day, at):
    before, after = on(told, day).shown, on(f"{told}; zz: {unreadable.format(day=at)}", day).shown
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"unreadable", "complete", "missing", "listed"}
    assert len(after["unreadable"]) == 1
    assert not after["complete"]


@settings(max_examples=60, deadline=None)
@given(stories(), asked, st.integers(1, 45))
def test_before_it_wakes_a_later_day_gives_the_same_answer(told, day, later):
    today, then = on(told, day).shown, on(told, day + later).shown
    wakes = today["wake_on"]
    if wakes is None or (DAY_0 + timedelta(days=day + later)).isoformat() < wakes:
        assert _answers(then) == _answers(today)
        assert then["wake_on"] == wakes


@settings(max_examples=60, deadline=None)
@given(stories(), st.randoms(use_true_random=False), asked)
def test_the_order_of_the_input_never_matters(told, chance, day):
    named = [f"x{n}: {entry}" for n, entry in enumerate(told.split("; "))]
    shuffled = chance.sample(named, len(named))
    assert on("; ".join(named), day).shown == on("; ".join(shuffled), day).shown


@pytest.mark.failure("F15")
@settings(max_examples=60, deadline=None)
@given(stories(), asked, st.integers(1, 1500))
def test_moving_all_dates_moves_the_answer(told, day, by):
    """1,500 days take every story over the 29th of February 2028; birthdays do not move, so nobody has one."""
    told = "; ".join(entry for entry in told.split("; ") if "born=" not in entry) + "; patient born=unknown"
    when = DAY_0 + timedelta(days=day)
    moved = json.loads(_moved(json.dumps(resources(told)), by))
    assessment = assess(record_of(moved), us("us"), knowledge(), when + timedelta(days=by))
    assert json.loads(_moved(json.dumps(render(assessment)), -by)) == render(on(told, day).assessment)


def _moved(text: str, by: int) -> str:
    """Every date in a text moved by days."""
    return DATE.sub(lambda found: (date.fromisoformat(found[0]) + timedelta(days=by)).isoformat(), text)


def _answers(shown: dict[str, Any]) -> object:
    episode = shown["episode"]
    found = {(each["rule"], each["priority"]) for each in shown["findings"]}
    muted = {each["rule"] for each in shown["suppressed"]}
    return found, muted, bool(episode and episode["ongoing"]), bool(episode and episode["covered"])
