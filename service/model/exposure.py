"""What the record implies: supplies, episodes and dose over days (exposure.md §4–§6)."""

from dataclasses import dataclass

from service.model.days import Day, Days
from service.model.facts import Drug, Order, Range
from service.model.levels import Levels


@dataclass(frozen=True, slots=True)
class DoseSpan:
    """The daily dose of a supply on `[start, end)`; `mg` None: unknown."""

    start: Day
    end: Day
    mg: Range | None


@dataclass(frozen=True, slots=True)
class Supply:
    """The days that one order or fill covers.

    `start` and `end` are final: after carry-over, replacement and cuts.  `written_start` and
    `written_end` are those before the overlap step, `written_end` after cuts.
    """

    reference: str  # of the order, or of the fill
    order: Order | None  # None: a fill that names no known order
    drug: Drug
    start: Day
    end: Day
    written_start: Day
    written_end: Day
    as_needed: bool
    open_ended: bool
    rule: str  # which length rule gave it: "bounds", "duration", "expected", "quantity", "open", "assumed", "fill"
    doses: tuple[DoseSpan, ...]
    units: float | None  # tablets or mL, repeats included
    units_per_administration: float | None
    flags: frozenset[str] = frozenset()

    @property
    def days(self) -> Days:
        return Days.span(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Episode:
    """Supplies joined by at most the permissible gap."""

    start: Day
    end: Day  # the day after the last covered one
    gap: int  # the permissible gap that follows it, days
    supplies: tuple[Supply, ...]
    covered: Days
    ingredients: tuple[str, ...]
    flags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Dme:
    """Diazepam-equivalent mg a day: low, typical, high; unknown where a part is unknown.

    Rounded to 2 decimals, half up (exposure.md §3).
    """

    low: Levels
    typical: Levels
    high: Levels
