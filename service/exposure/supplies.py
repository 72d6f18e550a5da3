"""Which days does each order or fill cover, as it is written and cut?  (exposure.md §4)"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from service.exposure.length import (
    Length,
    fill_dosage,
    fill_length,
    fill_phases,
    order_length,
    units_of_fill,
)
from service.knowledge import Policy
from service.model.days import Day
from service.model.exposure import DoseSpan, Supply
from service.model.facts import Dosage, Facts, Fill, Order, Phase, Role


@dataclass(frozen=True, slots=True)
class Cuts:
    """On which day, at the latest, each order stops giving cover."""

    successors: dict[str, Day]  # order → start of the earliest order that follows it by priorPrescription
    deceased: Day | None

    def of_order(self, order: Order) -> Day | None:
        """The earliest of its stop, its successor's start and the patient's death."""
        return min(self._days(order), default=None)

    def of_fill(self, fill: Fill, order: Order | None) -> Day | None:
        """As of its order; but what was handed over on or after a cut is not cut by it."""
        return min(
            (day for day in self._days(order) if not (fill.handed_over and fill.start >= day)), default=None
        )

    def _days(self, order: Order | None) -> Iterator[Day]:
        if order is not None and order.stop_day is not None:
            yield order.stop_day
        if order is not None and order.reference in self.successors:
            yield self.successors[order.reference]
        if self.deceased is not None:
            yield self.deceased


def cuts_of(facts: Facts) -> Cuts:
    """The cuts that the record knows."""
    successors: dict[str, Day] = {}
    for order in facts.orders:
        if order.prior is not None and order.prior != order.reference:
            successors[order.prior] = min(order.start, successors.get(order.prior, order.start))
    return Cuts(successors, facts.deceased)


def written_supplies(facts: Facts, role: Role, policy: Policy) -> tuple[Supply, ...]:
    """The supplies of all drugs of a role before the overlap step, in order of start, then reference.

    An order with a readable fill gives none of its own; one that is cut before it starts gives none at all.
    """
    assumed, at_most = policy.days("supply.assumed"), policy.days("supply.at_most")
    cuts = cuts_of(facts)
    orders = {order.reference: order for order in facts.orders}
    filled = {order for fill in facts.fills for order in fill.orders}
    found: list[Supply] = []
    for order in facts.orders:
        if order.drug.role is role and order.reference not in filled:
            length = order_length(order, assumed=assumed, at_most=at_most)
            found.append(_of_order(order, length, cuts.of_order(order)))
    for fill in facts.fills:
        if fill.drug.role is role:
            source = orders.get(fill.order) if fill.order else None
            length = fill_length(fill, source, assumed=assumed, at_most=at_most)
            found.append(_of_fill(fill, source, length, cuts.of_fill(fill, source)))
    found = [supply for supply in found if supply.written_end > supply.written_start]
    found.sort(key=lambda supply: (supply.written_start, supply.reference))
    return tuple(_ended_by_the_next(found))


def dose_spans(phases: Sequence[Phase], start: Day, end: Day) -> tuple[DoseSpan, ...]:
    """The doses of `[start, end)`: phase after phase, the last one to the end; days of 0 mg are left out."""
    if not phases:
        return (DoseSpan(start, end, None),) if end > start else ()
    spans: list[DoseSpan] = []
    at = start
    for place, phase in enumerate(phases):
        is_last = place == len(phases) - 1
        until = end if is_last or phase.days is None else min(end, at + phase.days)
        if until > at and not (phase.daily_mg is not None and phase.daily_mg.high <= 0):
            spans.append(DoseSpan(at, until, phase.daily_mg))
        at = max(at, until)
    return tuple(spans)


def placed(supply: Supply, start: Day, end: Day) -> Supply:
    """The supply on `[start, end)`: its phases begin with it."""
    doses = dose_spans(supply.phases, start, end)
    if doses:  # a phase of 0 mg at either end is no supply
        start, end = doses[0].start, doses[-1].end
    return replace(supply, start=start, end=end, doses=doses)


def _of_order(order: Order, length: Length, cut: Day | None) -> Supply:
    flags = length.flags | order.flags | ({"stop_date_unknown"} if order.stop_unknown else frozenset())
    return _supply(
        order.reference,
        order,
        order,
        length,
        cut,
        dosage=order.dosage,
        phases=order.dosage.phases,
        units=None if order.quantity_units is None else order.quantity_units * (1 + (order.repeats or 0)),
        flags=flags,
    )


def _of_fill(fill: Fill, order: Order | None, length: Length, cut: Day | None) -> Supply:
    return _supply(
        fill.reference,
        fill,
        order,
        length,
        cut,
        dosage=fill_dosage(fill, order),
        phases=fill_phases(fill, order),
        units=fill.quantity_units,
        share=units_of_fill(fill, order),
        flags=length.flags | fill.flags,
    )


def _supply(
    reference: str,
    source: Order | Fill,
    order: Order | None,
    length: Length,
    cut: Day | None,
    *,
    dosage: Dosage | None,
    phases: tuple[Phase, ...],
    units: float | None,
    flags: frozenset[str],
    share: float = 1.0,  # units of what was handed over in one unit of the dosage
) -> Supply:
    start, end = source.start, source.start + length.days
    if cut is not None:
        end = min(end, cut)
    if dosage is not None:
        flags |= dosage.flags
    each = dosage.units_per_administration if dosage else None
    doses = dose_spans(phases, start, end)
    return Supply(
        reference=reference,
        order=order,
        drug=source.drug,
        start=doses[0].start if doses else start,  # a phase of 0 mg at either end is no supply
        end=doses[-1].end if doses else end,
        written_start=start,
        written_end=end,
        length=length.days,
        as_needed=dosage is not None and dosage.as_needed,
        open_ended=length.open_ended,
        cut=cut,
        rule=length.rule,
        phases=phases,
        doses=doses,
        units=units,
        units_per_administration=None if each is None else each * share,
        is_fill=isinstance(source, Fill),
        flags=flags,
    )


def _ended_by_the_next(supplies: Iterable[Supply]) -> Iterator[Supply]:
    """An open-ended supply ends where the next of its ingredient and as-needed state starts on a later day."""
    given = list(supplies)
    starts: dict[tuple[str, bool], list[Day]] = defaultdict(list)
    for supply in given:
        starts[supply.ingredient, supply.as_needed].append(supply.written_start)
    for supply in given:
        later = (day for day in starts[supply.ingredient, supply.as_needed] if day > supply.written_start)
        following = min(later, default=None) if supply.open_ended else None
        if following is None or (supply.cut is not None and supply.cut <= following):
            yield supply
            continue
        end = min(supply.written_end, following)
        yield placed(replace(supply, cut=following, written_end=end), supply.written_start, end)
