"""Supplies of one ingredient that overlap: leftover is used up first, a new dose replaces (exposure.md §4)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from service.exposure.supplies import placed
from service.model.days import Day
from service.model.exposure import DoseSpan, Supply
from service.model.facts import Phase

_DECIMALS = 8  # of mg that are told apart


def settle_overlaps(supplies: Sequence[Supply], *, carry_over_at_most: int) -> tuple[Supply, ...]:
    """The supplies after carry-over and replacement; those of which nothing is left are left out.

    They come, and are given back, in order of written start, then reference.
    """
    by_ingredient: dict[str, list[int]] = defaultdict(list)
    settled = list(supplies)
    for place, supply in enumerate(settled):
        if not _is_open_for_good(supply):
            by_ingredient[supply.ingredient].append(place)
    for places in by_ingredient.values():
        if len(places) > 1:
            _settle(settled, places, carry_over_at_most)
    return tuple(supply for supply in settled if supply.doses)


def same_daily_dose(a: Supply, b: Supply) -> bool:
    """Equal mg ranges, or the same phases."""
    return dose_key(a) == dose_key(b)


def dose_key(supply: Supply) -> tuple[object, ...]:
    """Equal for supplies of the same daily dose: their mg; of a phased one those of each phase, and its length."""
    if len(supply.phases) == 1:
        return (_mg(supply.phases[0]),)
    return tuple((_mg(phase), phase.days) for phase in supply.phases)


def _mg(phase: Phase) -> tuple[float, float] | None:
    """Low and high mg, without what floats make of them (exposure.md §0: tolerance 1e-9)."""
    mg = phase.daily_mg
    return None if mg is None else (round(mg.low, _DECIMALS), round(mg.high, _DECIMALS))


def has_unknown_dose(supply: Supply) -> bool:
    return not supply.phases or any(phase.daily_mg is None for phase in supply.phases)


def are_linked(a: Supply, b: Supply) -> bool:
    """Whether `priorPrescription` of one names the other's order."""
    if a.order is None or b.order is None:
        return False
    return a.order.prior == b.order.reference or b.order.prior == a.order.reference


def _is_open_for_good(supply: Supply) -> bool:
    return supply.open_ended and supply.cut is None


def _settle(settled: list[Supply], places: Sequence[int], carry_over_at_most: int) -> None:
    for at, place in enumerate(places):
        this = settled[place]
        earlier = [
            other
            for other in places[:at]
            if settled[other].written_start < this.written_start
            and settled[other].doses
            and settled[other].end > this.written_start
            and not are_linked(settled[other], this)
        ]
        if not earlier:
            continue
        alike = [settled[other].end for other in earlier if _carries_over(settled[other], this)]
        if alike:
            by = min(max(alike) - this.written_start, carry_over_at_most)
            settled[place] = _moved(this, by)
            continue
        for other in earlier:
            before = settled[other]
            if before.as_needed == this.as_needed:
                settled[other] = _replaced(before, this.written_start)
                settled[place] = replace(this, flags=this.flags | {"assumed_replaced"})


def _carries_over(before: Supply, this: Supply) -> bool:
    return same_daily_dose(before, this) or has_unknown_dose(before) or has_unknown_dose(this)


def _moved(supply: Supply, by: int) -> Supply:
    start, end = supply.written_start + by, supply.written_end + by
    return placed(supply, start, end if supply.cut is None else min(end, supply.cut))


def _replaced(supply: Supply, by_start: Day) -> Supply:
    """Ended where another dose begins.  A moved one may begin later than that: nothing of it is left."""
    doses = tuple(
        DoseSpan(span.start, min(span.end, by_start), span.mg)
        for span in supply.doses
        if span.start < by_start
    )
    end = doses[-1].end if doses else supply.start
    return replace(supply, end=end, doses=doses, flags=supply.flags | {"assumed_replaced"})
