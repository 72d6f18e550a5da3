"""Which facts are known on a day, and on which later day the next one becomes known (exposure.md §0)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from service.model.days import Day
from service.model.facts import Facts, Order, OrderStatus

_EVER_IN_FORCE = frozenset({"active", "completed"})


class _Fact(Protocol):
    @property
    def reference(self) -> str: ...


T = TypeVar("T", bound=_Fact)


@dataclass(frozen=True, slots=True)
class Known:
    """The facts known on a day, and the first later day on which the record says more."""

    facts: Facts
    next_day: Day | None


def known_on(facts: Facts, as_of: Day) -> Known:
    """The facts of the record that are known on `as_of`.

    They come in order of reference, so that the order of the input never matters.  An undated fact is known on
    every day.  A stop, or a death, that is dated later has not happened yet.  A refuted Condition and a plan that
    was never in force say nothing, so nobody looks again because of them.
    """
    later: list[Day] = []

    def keep(many: Iterable[T], day_known: Callable[[T], Day | None]) -> tuple[T, ...]:
        kept: list[T] = []
        for one in many:
            day = day_known(one)
            if day is None or day <= as_of:
                kept.append(one)
            else:
                later.append(day)
        return tuple(sorted(kept, key=_reference))

    deceased = facts.deceased
    if deceased is not None and deceased > as_of:
        later.append(deceased)
        deceased = None
    known = replace(
        facts,
        deceased=deceased,
        orders=tuple(_unstopped(o, as_of, later) for o in keep(facts.orders, lambda order: order.known_on)),
        fills=keep(facts.fills, lambda fill: fill.start),
        conditions=keep((c for c in facts.conditions if c.valid), lambda condition: condition.start),
        encounters=keep(facts.encounters, lambda encounter: encounter.start),
        procedures=keep(facts.procedures, lambda procedure: procedure.day),
        reviews=keep(facts.reviews, lambda review: review.day),
        plans=keep((p for p in facts.plans if p.status in _EVER_IN_FORCE), lambda plan: plan.start),
        deliveries=keep(facts.deliveries, lambda delivery: delivery.known),
        outcomes=keep(facts.outcomes, lambda outcome: outcome.day),
    )
    return Known(known, min(later, default=None))


def _reference(fact: _Fact) -> str:
    return fact.reference


def _unstopped(order: Order, as_of: Day, later: list[Day]) -> Order:
    if order.stop_day is None or order.stop_day <= as_of:
        return order
    later.append(order.stop_day)
    return replace(order, status=OrderStatus.ACTIVE, stop_day=None)
