"""Everything dated of one patient as a timeline."""

from collections.abc import Iterator

from service import wording
from service.explain.explanation import Event
from service.exposure import Exposure
from service.model.days import Day, date_of
from service.model.exposure import Supply
from service.model.facts import Facts
from service.wording.assumptions import LENGTH_RULES


def timeline(exposure: Exposure) -> tuple[Event, ...]:
    """What is known on the day, earliest first."""
    events = [*_supplies(exposure), *_record(exposure.facts), *_answers(exposure.facts)]
    return tuple(sorted(events, key=lambda event: (event.start, event.reference, event.what)))


def _supplies(exposure: Exposure) -> Iterator[Event]:
    for supply in (*exposure.supplies, *exposure.opioids, *exposure.sedatives):
        for span in supply.doses:
            dose = wording.amount(span.mg)
            yield _event(
                span.start, span.end - 1, f"{supply.ingredient} {dose}", _basis(supply), supply.reference
            )


def _basis(supply: Supply) -> str:
    notes = [f"{supply.length} days", LENGTH_RULES.get(supply.rule, supply.rule)]
    if supply.as_needed:
        notes.append("as needed")
    if supply.cut is not None:
        notes.append(f"cut {date_of(supply.cut).isoformat()}")
    return ", ".join(notes)


def _record(facts: Facts) -> Iterator[Event]:
    for condition in facts.conditions:
        start = condition.start if condition.start is not None else condition.recorded
        if start is not None:
            last = condition.abated - 1 if condition.abated is not None else None
            yield _event(start, last, condition.code, _condition(condition.active), condition.reference)
    for stay in facts.encounters:
        if stay.start is not None:
            what = f"stay in hospital, class {stay.klass}" if stay.klass else "stay"
            yield _event(stay.start, stay.end, what, stay.status, stay.reference)
    for procedure in facts.procedures:
        what = "hospice care" if procedure.hospice else "palliative care"
        yield _event(procedure.day, None, what, "procedure", procedure.reference)
    for delivery in facts.deliveries:
        if delivery.known is not None:
            what = f"delivery expected {date_of(delivery.expected).isoformat()}"
            yield _event(delivery.known, None, what, "observation", delivery.reference)


def _condition(active: bool) -> str:
    return "condition" if active else "condition, not active"


def _answers(facts: Facts) -> Iterator[Event]:
    for review in facts.reviews:
        strength = "strong" if review.strong else "moderate"
        yield _event(review.day, None, "review", f"{review.kind}, {strength}", review.reference)
    for plan in facts.plans:
        if plan.start is not None:
            yield _event(plan.start, plan.end, "taper plan", plan.status, plan.reference)
    for outcome in facts.outcomes:
        until = f" until {date_of(outcome.until).isoformat()}" if outcome.until is not None else ""
        rules = ", ".join(sorted(outcome.rules))
        yield _event(outcome.day, None, f"answer: {outcome.kind.value}{until}", rules, outcome.reference)


def _event(start: Day, last: Day | None, what: str, basis: str, reference: str) -> Event:
    end = None if last is None or last < start else date_of(last)
    return Event(date_of(start), end, what, basis, reference)
