"""What is true of every story: of exposure, of the rules, and of the day to look again."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from service.assess import assess_facts
from service.exposure.episodes import Gaps, last_episodes
from service.exposure.exposure import build_exposure
from service.knowledge import knowledge
from service.model.days import date_of
from service.model.facts import Facts, Order, OutcomeKind, Role
from service.rules import Case, judge
from tests.exposure.builders import (
    BORN,
    D,
    a_condition,
    a_patient,
    a_plan,
    a_review,
    an_order,
    an_outcome,
    exposed,
    us,
)

drugs = st.sampled_from([("diazepam", Role.IN_SCOPE), ("lorazepam", Role.IN_SCOPE), ("zopiclone", Role.IN_SCOPE),
                         ("tramadol", Role.OPIOID), ("gabapentin", Role.SEDATIVE)])  # fmt: skip


@st.composite
def orders(draw: st.DrawFn) -> list[Order]:
    found = []
    for n in range(draw(st.integers(1, 7))):
        ingredient, role = draw(drugs)
        start = draw(st.integers(0, 300))
        found.append(
            an_order(
                f"{n}",
                start,
                ingredient=ingredient,
                role=role,
                days=draw(st.one_of(st.none(), st.integers(1, 120))),
                mg=draw(st.sampled_from([None, 2, 5, 10, 20])),
                as_needed=draw(st.booleans()),
                stopped=draw(st.one_of(st.none(), st.integers(0, 330))),
                authored=start - draw(st.sampled_from([0, 0, 0, 12])),
                quantity_units=draw(st.sampled_from([None, 10, 28])),
                repeats=draw(st.sampled_from([None, 0, 1])),
                requester=draw(st.sampled_from([None, "Practitioner/x", "Practitioner/y"])),
            )
        )
    return found


@st.composite
def stories(draw: st.DrawFn) -> Facts:
    told: list[object] = [*draw(orders())]
    days = draw(st.lists(st.integers(0, 330), max_size=2))
    told += [a_review(on, strong=draw(st.booleans())) for on in days]
    for on in draw(st.lists(st.integers(0, 330), max_size=2, unique=True)):
        kind = draw(st.sampled_from(OutcomeKind))
        told.append(an_outcome(kind, on, rules=ANSWERED, until=on + draw(st.integers(1, 200))))
    concepts = draw(st.lists(st.sampled_from(CONCEPTS), max_size=2, unique=True))
    told += [a_condition(concept, draw(st.integers(-50, 330))) for concept in concepts]
    if draw(st.booleans()):
        told.append(a_plan(draw(st.integers(0, 330)), draw(st.sampled_from([None, 331, 400]))))
    return a_patient(*told, born=draw(st.sampled_from([BORN, OLDER])))


OLDER = D - 24_000
CONCEPTS = ("copd", "falls", "pregnancy", "alcohol_use_disorder", "seizure_disorder", "home_oxygen")
ANSWERED = ("R02", "R04", "R05", "R14", "R16")
asked = st.integers(0, 340)


def shown(facts: Facts, on: int):
    return assess_facts(facts, us(), knowledge(), date_of(D + on))


@settings(max_examples=60, deadline=None)
@given(stories(), asked, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_are_told_never_matters(facts, on, chance):
    shuffled = {name: tuple(chance.sample(getattr(facts, name), len(getattr(facts, name))))
                for name in ("orders", "reviews", "outcomes", "conditions")}  # fmt: skip
    assert shown(replace(facts, **shuffled), on) == shown(facts, on)


@settings(max_examples=60, deadline=None)
@given(orders(), asked, st.integers(1, 400))
def test_moving_all_dates_moves_the_answer(told, on, by):
    later = [
        replace(o, start=o.start + by, authored=o.authored + by, stop_day=o.stop_day and o.stop_day + by)
        for o in told
    ]
    before, after = shown(a_patient(*told, born=None), on), shown(a_patient(*later, born=None), on + by)
    shift = timedelta(days=by)
    assert [(f.rule, f.priority, f.since + shift, f.due_on + shift) for f in before.findings] == [
        (f.rule, f.priority, f.since, f.due_on) for f in after.findings
    ]
    assert (before.wake_on and before.wake_on + shift) == after.wake_on


@settings(max_examples=60, deadline=None)
@given(orders(), asked)
def test_low_is_at_most_typical_and_typical_at_most_high(told, on):
    dme = exposed(*told, on=on).dme
    for day in range(D, D + 500, 7):
        low, typical, high = dme.low.at(day), dme.typical.at(day), dme.high.at(day)
        assert (low is None) == (typical is None) == (high is None)
        assert low is None or low <= typical <= high


@settings(max_examples=60, deadline=None)
@given(orders(), asked, st.integers(0, 60), st.integers(0, 30))
def test_a_longer_permissible_gap_never_gives_more_episodes(told, on, gap, more):
    supplies = exposed(*told, on=on).supplies

    def count(days):
        return len({episode.start for episode in last_episodes(supplies, Gaps(days, days)).values})

    assert count(gap + more) <= count(gap)


@settings(max_examples=60, deadline=None)
@given(orders(), asked)
def test_a_supply_never_covers_a_day_before_its_start_nor_more_than_a_year(told, on):
    for supply in exposed(*told, on=on).supplies:
        assert supply.start >= supply.written_start
        assert all(supply.start <= span.start < span.end <= supply.end for span in supply.doses)
        assert supply.end - supply.start <= 365


@settings(max_examples=80, deadline=None)
@given(stories(), asked, st.integers(1, 60))
def test_before_it_wakes_a_later_day_gives_the_same_answer(facts, on, later):
    today = shown(facts, on)
    if today.wake_on is None or date_of(D + on + later) < today.wake_on:
        then = shown(facts, on + later)
        assert _answers(then) == _answers(today)
        assert then.wake_on == today.wake_on


def _answers(assessment):
    episode = assessment.episode
    found = (*assessment.findings, *assessment.suppressed)
    cover = (episode.ongoing, episode.covered) if episode else (False, False)
    return {(f.rule, f.priority, f.suppressed_by is None) for f in found}, cover


@settings(max_examples=60, deadline=None)
@given(stories(), asked)
def test_a_finding_has_arisen_by_its_day_and_points_to_its_evidence(facts, on):
    assessment = shown(facts, on)
    for finding in (*assessment.findings, *assessment.suppressed):
        assert finding.since <= assessment.as_of
        assert assessment.episode is not None
        assert finding.evidence


@settings(max_examples=60, deadline=None)
@given(stories(), asked)
def test_a_mute_only_ever_mutes_days_on_which_the_rule_holds(facts, on):
    exposure = build_exposure(facts, us(), knowledge(), D + on)
    for verdict in judge(Case(exposure)):
        assert not verdict.muted - verdict.held.days
        assert not verdict.held.days - exposure.all_days
