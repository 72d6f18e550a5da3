"""When was it last reviewed, and what was decided?  (rules.md, last_review and outcomes)"""

from collections.abc import Iterable

from service.model.days import Day
from service.model.facts import Facts, Outcome, OutcomeKind, PlanFact
from service.model.steps import Steps, steps_of

REVIEWS = frozenset(
    {
        OutcomeKind.CONTINUE,
        OutcomeKind.REDUCE,
        OutcomeKind.TAPER,
        OutcomeKind.ALREADY_STOPPED,
        OutcomeKind.REVIEWED,
    }
)


def last_review(facts: Facts) -> Steps[Day | None]:
    """The latest day, so far, on which evidence that counts says that a review was done."""
    counted = _counted(facts)
    plans = [(plan.start, plan.end) for plan in facts.plans if plan.start is not None and is_active(plan)]
    changes = {*counted, *(start for start, _ in plans), *(end + 1 for _, end in plans if end is not None)}

    def on(day: Day) -> Day | None:
        reviews = [each for each in counted if each <= day]
        begun = [start for start, end in plans if start <= day and (end is None or end >= day)]
        return max([*reviews, *begun], default=None)

    return steps_of(None, [(day, on(day)) for day in sorted(changes)])


def is_active(plan: PlanFact) -> bool:
    return plan.status == "active"


def reviewing_outcomes(facts: Facts) -> Iterable[Outcome]:
    """The outcomes that are reviews: a completed answer that somebody looked."""
    return (outcome for outcome in facts.outcomes if outcome.completed and outcome.kind in REVIEWS)


def latest_outcome(facts: Facts) -> Steps[Outcome | None]:
    """The latest outcome so far; of those of one day the one with the greatest reference."""
    ranked = sorted(facts.outcomes, key=lambda outcome: (outcome.day, outcome.reference))
    return steps_of(None, [(outcome.day, outcome) for outcome in ranked])


def snoozes_in_a_row(facts: Facts, outcome: Outcome) -> int:
    """How many snoozes, without another outcome between them, end with this one."""
    ranked = sorted(facts.outcomes, key=lambda each: (each.day, each.reference))
    count = 0
    for each in reversed(ranked[: ranked.index(outcome) + 1]):
        if each.kind is not OutcomeKind.SNOOZE:
            break
        count += 1
    return count


def _counted(facts: Facts) -> list[Day]:
    """The days of strong evidence, and of the first moderate one after each; starts of plans are apart."""
    strong = {review.day for review in facts.reviews if review.strong}
    strong |= {outcome.day for outcome in reviewing_outcomes(facts)}
    plans = {plan.start for plan in facts.plans if plan.start is not None and is_active(plan)}
    moderate = {review.day for review in facts.reviews} - strong - plans
    counted: list[Day] = []
    moderate_counts = True
    for day in sorted(strong | plans | moderate):
        if day in strong or (day in moderate and moderate_counts):
            counted.append(day)
        moderate_counts = day not in moderate
    return counted
