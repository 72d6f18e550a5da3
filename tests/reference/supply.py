"""Supplies: how long each order or fill lasts, what cuts it, what moves it (exposure.md, section 4)."""

import math
from dataclasses import dataclass, field, replace

from . import days, fhir, units
from .classify import Order
from .dose import Dose, Phase, dose_of
from .knowledge import Policy

LONGEST = 365


@dataclass(eq=False)
class Supply:
    ref: str
    ingredient: str
    start: int  # as written, before any move
    length: int  # days as written, before cuts
    dose: Dose
    as_needed: bool
    order: Order | None  # the order behind it
    source: Order  # the order or the fill itself
    without_end: bool  # rule 5: no length is known
    flags: set[str] = field(default_factory=set)
    cut: int | None = None  # the first day without it: stop, successor, death, next supply
    first: int = 0  # where it begins after moves
    end: int = 0  # the first day after it, after moves and cuts

    @property
    def day_count(self) -> int:
        """Days before cuts; one without an end: its days until it was cut (R12)."""
        return self.end - self.first if self.without_end else self.length

    def open_on(self, day: int) -> bool:
        """`open_ended` on a day: without a known end, and not yet cut."""
        return self.without_end and (self.cut is None or day < self.cut)

    def end_on(self, day: int) -> int:
        """Its end as a day sees it: an open one reaches the day after."""
        if self.open_on(day):
            return max(self.first, min(self.first + LONGEST, day + 1))
        return self.end

    def phase_on(self, day: int) -> Phase:
        return self.dose.phase_on(day - self.first)

    def is_supply_day(self, day: int) -> bool:
        """Within it and not a day of a phase of 0."""
        mg = self.phase_on(day).mg
        return not (self.dose.phased and mg is not None and mg[1] <= 0)

    def contains(self, day: int) -> bool:
        return self.first <= day < self.end and self.is_supply_day(day)

    @property
    def reach(self) -> int:
        """The day after its last supply day."""
        return max(
            (day + 1 for day in range(self.first, self.end) if self.is_supply_day(day)), default=self.first
        )

    @property
    def first_day(self) -> int:
        """Its first supply day."""
        return next((day for day in range(self.first, self.end) if self.is_supply_day(day)), self.first)

    def days_on(self, day: int) -> list[int]:
        """Its supply days as a day sees them."""
        span = range(self.first, self.end_on(day))
        return [d for d in span if self.is_supply_day(d)] if self.dose.phased else list(span)


@dataclass
class Known:
    """What is known on t about one family of drugs (in scope; or opioids, sedatives)."""

    t: int
    orders: list[Order]
    fills: list[Order]
    death: int | None
    policy: Policy
    last_updated_is_stop: bool = True


def fills_of(known: Known, order: Order) -> list[Order]:
    """The fills that name an order."""
    return [
        f
        for f in known.fills
        if order.ref in [fhir.reference(a) for a in f.body.get("authorizingPrescription", [])]
    ]


def linked(one: Order | None, other: Order | None) -> bool:
    """Does a `priorPrescription` join the two orders, either way?"""
    if one is None or other is None:
        return False
    return one.prior == other.ref or other.prior == one.ref


def supplies_before_overlap(known: Known, everybody: list[Order]) -> list[Supply]:
    """All supplies with their cuts; `everybody` are all known orders, of any drug (a successor may be any)."""
    by_ref = {order.ref: order for order in known.orders}
    found = [_of_order(order, known) for order in known.orders if not fills_of(known, order)]
    for fill in known.fills:
        named = [fhir.reference(a) for a in fill.body.get("authorizingPrescription", [])]
        order = next((by_ref[ref] for ref in named if ref in by_ref), None)
        found.append(_of_fill(fill, order, known))
    for supply in found:
        supply.cut = _first_cut(supply, known, everybody)
    found = [s for s in found if s.cut is None or s.start < s.cut]  # one that starts on its cut gives nothing
    _end_at_next(found, lambda _supply, _other: True)
    for supply in found:
        _settle(supply)
    return sorted(found, key=lambda s: (s.start, s.ref))


def supplies_of_r11(known: Known, everybody: list[Order], same_person) -> list[Supply]:
    """As above, but an order of another requester does not end an open one, which counts for 90 days at most."""
    found = [replace(s, flags=set(s.flags)) for s in supplies_before_overlap(known, everybody)]
    for supply in found:
        supply.cut = _first_cut(supply, known, everybody)
    _end_at_next(found, same_person)
    for supply in found:
        _settle(supply)
        if supply.without_end:
            supply.end = min(supply.end, supply.first + int(known.policy("R11.open_ended_counts")))
    return found


def _settle(supply: Supply) -> None:
    """Its place from its start, its length and its cut."""
    supply.first = supply.start
    supply.end = supply.start + supply.length
    if supply.cut is not None:
        supply.end = max(supply.first, min(supply.end, supply.cut))


def _end_at_next(found: list[Supply], may_end) -> None:
    """Rule 5: it ends where the next supply of the ingredient and as-needed state starts on a later day."""
    for supply in found:
        if supply.without_end:
            later = [
                other.start
                for other in found
                if other.ingredient == supply.ingredient
                and other.as_needed == supply.as_needed
                and other.start > supply.start
                and may_end(supply, other)
            ]
            if later:
                supply.cut = min(later) if supply.cut is None else min(supply.cut, min(later))


def _first_cut(supply: Supply, known: Known, everybody: list[Order]) -> int | None:
    """The earliest of stop, successor and death that is known on t."""
    cuts = []
    order = supply.order
    if order is not None:
        stop = order.stop_day()
        if stop is not None and stop <= known.t:
            cuts.append(stop)
        cuts += [other.start for other in everybody if other.prior == order.ref and other.ref != order.ref]
    if known.death is not None and known.death <= known.t:
        cuts.append(known.death)
    if days.when(supply.source.body.get("whenHandedOver")) is not None:
        cuts = [
            cut for cut in cuts if supply.start < cut
        ]  # handed over on or after the cut: keeps its length
    return min(cuts) if cuts else None


# --- lengths -------------------------------------------------------------------------------------------------------


def _make(
    source: Order, order: Order | None, dose: Dose, length: int, flags: set[str], without_end: bool
) -> Supply:
    assert source.dose is not None
    return Supply(
        ref=source.ref,
        ingredient=source.ingredient,
        start=source.start,
        length=min(length, LONGEST),
        dose=dose,
        as_needed=dose.as_needed,
        order=order,
        source=source,
        without_end=without_end,
        flags=source.flags | flags,
    )


def _of_order(order: Order, known: Known) -> Supply:
    length, flags, without_end = _length_of_order(order, known)
    if order.status in ("stopped", "on-hold", "ended") and order.stop_day() is None:
        flags = flags | {"stop_date_unknown"}
    assert order.dose is not None
    return _make(order, order, order.dose, length, flags, without_end)


def _length_of_order(order: Order, known: Known) -> tuple[int, set[str], bool]:
    dose = order.dose
    assert dose is not None
    request = fhir.dig(order.body, "dispenseRequest") or {}
    if dose.every_line_has_length:
        if all(start is not None and end is not None for start, end in dose.bounds):  # rule 1
            first = min(start for start, _ in dose.bounds if start is not None)
            last = max(end for _, end in dose.bounds if end is not None)
            return last + 1 - first, set(), False
        if dose.length is not None:  # rule 2
            return dose.length, set(), False
    times = 1 + order.repeats
    repeated = {"repeats_assumed"} if order.repeats > 0 else set()
    expected = units.days_of(request.get("expectedSupplyDuration"))
    if expected is not None:  # rule 3
        return max(1, math.floor(expected * times + days.TINY)), repeated, False
    total = units_of_quantity(request.get("quantity"), order)
    if total is not None:  # rule 4
        lasts = _used_up(total * times, dose)
        if lasts is not None:
            return lasts, repeated, False
    if order.status == "active" or order.stop_day() is not None:  # rule 5
        return LONGEST, {"open_ended"}, True
    return int(known.policy("supply.assumed")), {"assumed"}, False  # rule 6


def units_of_quantity(quantity, source: Order) -> float | None:
    """Tablets or mL of a quantity; None when it is missing or cannot be computed (box, pack, bottle)."""
    value = fhir.positive(fhir.dig(quantity, "value"))
    if value is None:
        return None
    unit, missing = units.unit_of(quantity)
    return units.in_units(value, unit, missing, source.strength)


def _used_up(total: float, dose: Dose) -> int | None:
    """Days that an amount lasts at the high end, phase by phase; at least one."""
    if any(phase.units is None for phase in dose.phases):
        return None
    lasted, left = 0, total
    while lasted < LONGEST:
        phase = dose.phase_on(lasted)
        assert phase.units is not None
        if phase.units[1] > left + days.TINY:
            break
        if phase.units[1] <= 0 and not dose.phased:
            return None
        left -= phase.units[1]
        lasted += 1
    return max(1, lasted)


def _of_fill(fill: Order, order: Order | None, known: Known) -> Supply:
    own = fhir.objects(fill.body.get("dosageInstruction"))
    dose = fill.dose
    flags: set[str] = set()
    if not own and order is not None:
        dose = _dose_by_order(fill, order)
        flags |= dose.flags
    assert dose is not None
    length = units.days_of(fill.body.get("daysSupply"), missing=1.0)
    if length is not None:
        return _make(fill, order, dose, max(1, math.floor(length + days.TINY)), flags, False)
    total = units_of_quantity(fill.body.get("quantity"), fill)
    lasts = _used_up(total, dose) if total is not None else None
    if lasts is not None:
        return _make(fill, order, dose, lasts, flags, False)
    expected = (
        units.days_of(fhir.dig(order.body, "dispenseRequest", "expectedSupplyDuration"))
        if order is not None
        else None
    )
    if expected is not None:
        return _make(fill, order, dose, max(1, math.floor(expected + days.TINY)), flags, False)
    return _make(fill, order, dose, int(known.policy("supply.assumed")), flags | {"assumed"}, False)


def _dose_by_order(fill: Order, order: Order) -> Dose:
    """The order's dose in mg, in units of the fill's strength; its words for this drug where they give no mg."""
    if order.ingredient != fill.ingredient or order.strength is None or order.dose is None:
        return dose_of(fhir.objects(order.body.get("dosageInstruction")), fill.ingredient, fill.strength)
    if fill.strength is None:
        return order.dose
    ratio = order.strength[0] / fill.strength[0]
    each = order.dose.units_each_low
    return replace(
        order.dose,
        phases=[
            replace(
                phase, units=None if phase.units is None else (phase.units[0] * ratio, phase.units[1] * ratio)
            )
            for phase in order.dose.phases
        ],
        units_each_low=None if each is None else each * ratio,
    )


# --- overlap -------------------------------------------------------------------------------------------------------


def overlap(before: list[Supply], policy: Policy) -> list[Supply]:
    """Carry-over and replacement among supplies of one ingredient, in order of start."""
    after = [replace(supply, flags=set(supply.flags)) for supply in before]
    after.sort(key=lambda s: (s.start, s.ref))
    for place, this in enumerate(after):
        if this.without_end and this.cut is None:
            continue
        earlier = [
            other
            for other in after[:place]
            if other.ingredient == this.ingredient
            and other.start < this.start
            and not linked(other.order, this.order)
            and not (other.without_end and other.cut is None)
        ]
        overlapping = [other for other in earlier if other.reach > max(this.start, other.first)]
        same = [other for other in overlapping if _same_dose(other, this)]
        if same:
            shift = min(
                max(other.reach for other in same) - this.start, int(policy("supply.carry_over_at_most"))
            )
            this.first = this.start + shift
            this.end = this.first + this.length
            if this.cut is not None:
                this.end = max(this.first, min(this.end, this.cut))
            continue
        for other in overlapping:
            if other.as_needed == this.as_needed:
                other.end = max(other.first, this.start)
                this.flags.add("assumed_replaced")
                other.flags.add("assumed_replaced")
    return after


def _same_dose(one: Supply, other: Supply) -> bool:
    return not one.dose.known or not other.dose.known or one.dose.same_as(other.dose)
