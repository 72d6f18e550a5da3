"""The daily dose over days: mg of an ingredient, and diazepam equivalents (exposure.md §3)."""

import math
from collections.abc import Callable, Iterable, Mapping

from service.exposure.length import TOLERANCE
from service.knowledge import Equivalence
from service.model.days import Day
from service.model.exposure import Dme, Supply
from service.model.facts import Range
from service.model.levels import Levels

Value = Callable[[Range, Equivalence], float]


def rounded(value: float) -> float:
    """To 2 decimals, half up."""
    return math.floor(value * 100 + 0.5 + TOLERANCE) / 100


def dme(supplies: Iterable[Supply], equivalences: Mapping[str, Equivalence]) -> Dme:
    """The sum over the supplies of each day; unknown where the dose or the factor of one is unknown."""
    given = tuple(supplies)

    def levels(value: Value) -> Levels:
        return Levels.total(_spans(given, equivalences, value)).map(_rounded_or_unknown)

    return Dme(low=levels(_low), typical=levels(_typical), high=levels(_high))


def daily_mg(supplies: Iterable[Supply], day: Day) -> dict[str, Range | None]:
    """The mg of each ingredient that covers `day`; None: unknown."""
    found: dict[str, Range | None] = {}
    for supply in supplies:
        for span in supply.doses:
            if span.start <= day < span.end:
                found[supply.ingredient] = _sum(found.get(supply.ingredient, Range(0, 0)), span.mg)
    return dict(sorted(found.items()))


def _sum(a: Range | None, b: Range | None) -> Range | None:
    return None if a is None or b is None else Range(a.low + b.low, a.high + b.high)


def _low(mg: Range, factor: Equivalence) -> float:
    return mg.low * factor.dme_per_mg_low


def _typical(mg: Range, factor: Equivalence) -> float:
    return mg.mid * factor.dme_per_mg


def _high(mg: Range, factor: Equivalence) -> float:
    return mg.high * factor.dme_per_mg_high


def _spans(
    supplies: Iterable[Supply], equivalences: Mapping[str, Equivalence], value: Value
) -> Iterable[tuple[Day, Day, float | None]]:
    for supply in supplies:
        factor = equivalences.get(supply.ingredient)
        for span in supply.doses:
            if span.mg is None or factor is None:
                yield span.start, span.end, None
            else:
                yield span.start, span.end, value(span.mg, factor)


def _rounded_or_unknown(value: float | None) -> float | None:
    return None if value is None else rounded(value)
