"""S14: a review since then has answered it (rules.md, Suppressions)."""

from service.model.assessment import Priority
from service.model.days import Day, Days
from service.model.facts import OutcomeKind
from service.model.steps import pieces
from service.rules.case import Case
from service.rules.interval import intervals
from service.rules.r05_opioid import new_days
from service.rules.review import reviewing_outcomes
from service.rules.rule import Held

_BY_ANY_REVIEW = frozenset(
    {"R00", "R03", "R05", "R06", "R07", "R09", "R10", "R11", "R12", "R13", "R14", "R15", "R16"}
)
_DECISIONS = frozenset(
    {OutcomeKind.CONTINUE, OutcomeKind.REDUCE, OutcomeKind.TAPER, OutcomeKind.ALREADY_STOPPED}
)


def answered(case: Case, held: Held) -> Days:
    """The days on which a review answers the rule; asked of `as_of` and later days, all reviews being known then."""
    if held.id == "R04":
        return _stop_answered(case, held)
    if held.id not in _BY_ANY_REVIEW:
        return Days.none()
    days = _answered_by_review(case, held)
    if held.id == "R13":
        too_fast = held.exactly(Priority.URGENT)
        return (days - too_fast) | (_answered_by_decision(case, held) & too_fast)
    return days - case.remember(new_days) if held.id == "R05" else days


def _answered_by_review(case: Case, held: Held) -> Days:
    found: list[Days] = []
    interval, latest_fact = case.remember(intervals), held.rule.latest_fact(case)
    for run in held.days.periods():
        stretch = Days.span(run.start, run.end)
        parts = pieces(run.start, run.end, case.last_review, interval, latest_fact, *held.at_least.values())
        for a, b in parts:
            review, fact = case.last_review.at(a), latest_fact.at(a)
            if review is None or review not in stretch or (fact is not None and review < fact):
                continue
            then, now = held.priority(review), held.priority(a)
            if then is None or now is None or now > then:
                continue
            lasts = _lasts(case, held, review, interval.at(a)[0])
            found.append(Days.span(a, min(b, review + lasts)))
    return Days.union(found)


def _answered_by_decision(case: Case, held: Held) -> Days:
    """R13 too fast: a decision to continue, reduce or taper answers the present stretch."""
    return Days.union(
        held.stretch(outcome.day) & held.not_higher(outcome.day)
        for outcome in reviewing_outcomes(case.facts)
        if outcome.kind in _DECISIONS - {OutcomeKind.ALREADY_STOPPED}
    )


def _lasts(case: Case, held: Held, review: Day, interval: int) -> int:
    """How many days, from its own on, a review answers the rule."""
    if held.id == "R00":
        return case.policy.days("S14.R00_answer")
    if held.id == "R09":
        only_reviewed = _is_only_reviewed(case, review)
        return case.policy.days("S14.reviewed_answers" if only_reviewed else "S14.R09_answer")
    return interval


def _is_only_reviewed(case: Case, review: Day) -> bool:
    """Whether the review of that day is nothing but an outcome that says no more than `reviewed`."""
    outcomes = [outcome for outcome in reviewing_outcomes(case.facts) if outcome.day == review]
    others = any(each.day == review for each in case.facts.reviews)
    others |= any(plan.status == "active" and plan.start == review for plan in case.facts.plans)
    return bool(outcomes) and not others and all(each.kind is OutcomeKind.REVIEWED for each in outcomes)


def _stop_answered(case: Case, held: Held) -> Days:
    """R04: answered by a decision in its present stretch, by a plan begun in it, or for a while by `reviewed`."""
    outcomes = list(reviewing_outcomes(case.facts))
    found: list[Days] = []
    for outcome in outcomes:
        days = held.stretch(outcome.day) & held.not_higher(outcome.day)
        if outcome.kind in _DECISIONS:
            found.append(days)
        elif outcome.kind is OutcomeKind.REVIEWED:
            found.append(days.within(outcome.day, outcome.day + case.policy.days("S14.reviewed_answers")))
    found += [plan.days & held.stretch(plan.start) & held.not_higher(plan.start) for plan in case.taper_plans]
    return Days.union(found)
