"""How long does one order or fill last?  (exposure.md §4)"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from service.model.facts import Dosage, Fill, Order, OrderStatus, Phase

TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Length:
    """Days from the start on, before any cut, and which rule said so."""

    days: int
    rule: str
    open_ended: bool = False
    flags: frozenset[str] = frozenset()


def order_length(order: Order, *, assumed: int, at_most: int) -> Length:
    """The length of an order that has no fill: the first rule that applies.

    `assumed` days where nothing is said; never more than `at_most` days.
    """
    said = _stated(order) or _repeated(order)
    if said is not None:
        return Length(max(1, min(said.days, at_most)), said.rule, flags=said.flags)
    stopped = order.status in (OrderStatus.STOPPED, OrderStatus.ON_HOLD) and order.stop_day is not None
    if order.status is OrderStatus.ACTIVE or stopped:
        return Length(at_most, "open", open_ended=True)
    return Length(min(assumed, at_most), "assumed", flags=frozenset({"assumed"}))


def fill_length(fill: Fill, order: Order | None, *, assumed: int, at_most: int) -> Length:
    """The length of a fill; `order` is the one that it was made from, where known."""
    days = fill.days
    if days is None and fill.quantity_units is not None:
        days = days_of_units(fill.quantity_units, fill_phases(fill, order))
    if days is None and order is not None:
        days = order.expected_days
    if days is None:
        return Length(min(assumed, at_most), "fill", flags=frozenset({"assumed"}))
    return Length(max(1, min(days, at_most)), "fill")


def fill_dosage(fill: Fill, order: Order | None) -> Dosage | None:
    """The instruction of the fill itself, else that of its order."""
    return fill.dosage or (order.dosage if order else None)


def fill_phases(fill: Fill, order: Order | None) -> tuple[Phase, ...]:
    """The phases that a fill is used by; the order's dose in units of the strength that was handed over."""
    dosage, share = fill_dosage(fill, order), units_of_fill(fill, order)
    if dosage is None or share == 1:
        return dosage.phases if dosage else ()
    return tuple(
        Phase(p.daily_mg, p.units_per_day.scaled(share) if p.units_per_day else None, p.days)
        for p in dosage.phases
    )


def units_of_fill(fill: Fill, order: Order | None) -> float:
    """How many units of the fill are as much as one unit of the order whose instruction it goes by.

    An order of one 5 mg tablet a day is filled with 10 mg tablets: half a tablet a day.
    """
    if fill.dosage is not None or order is None or not order.drug.strength or not fill.drug.strength:
        return 1.0
    return order.drug.strength / fill.drug.strength


def days_of_units(units: float, phases: Sequence[Phase]) -> int | None:
    """How many days `units` tablets or mL last at the high end, used up phase by phase; None: unknown."""
    days = 0
    for place, phase in enumerate(phases):
        if phase.units_per_day is None:
            return None
        rate = phase.units_per_day.high
        is_last = place == len(phases) - 1
        lasts = math.inf if rate <= 0 else math.floor(units / rate + TOLERANCE)
        if not is_last and phase.days is not None and lasts >= phase.days:
            units -= rate * phase.days
            days += phase.days
        elif math.isinf(lasts):
            return max(1, days) if days else None
        else:
            return max(1, days + int(lasts))
    return None


def _stated(order: Order) -> Length | None:
    dosage = order.dosage
    if not dosage.every_line_has_length:
        return None
    if dosage.bounds is not None:
        return Length(dosage.bounds.end - order.start, "bounds")
    return None if dosage.days is None else Length(dosage.days, "duration")


def _repeated(order: Order) -> Length | None:
    times = 1 + (order.repeats or 0)
    flags = frozenset({"repeats_assumed"}) if times > 1 else frozenset[str]()
    if order.expected_days is not None:
        return Length(order.expected_days * times, "expected", flags=flags)
    if order.quantity_units is None:
        return None
    days = days_of_units(order.quantity_units * times, order.dosage.phases)
    return None if days is None else Length(days, "quantity", flags=flags)
