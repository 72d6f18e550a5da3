"""What the record implies: supplies, episodes and dose over days (exposure.md §4–§6)."""

from dataclasses import dataclass

from service.model.days import Day, Days
from service.model.facts import Drug, Order, Phase, Range
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

    `start` and `end` are final: after carry-over, replacement and cuts; `end <= start` when nothing is left.
    `written_start` and `written_end` are those before the overlap step, `written_end` after cuts.
    """

    reference: str  # of the order, or of the fill
    order: Order | None  # None: a fill that names no known order
    drug: Drug
    start: Day
    end: Day
    written_start: Day
    written_end: Day
    length: int  # days before any cut
    as_needed: bool
    open_ended: bool  # nothing says how long: see `is_open`
    cut: (
        Day | None
    )  # the day on which it was cut: stop, successor, death; of an open-ended one also the next supply
    rule: str  # which length rule gave it: "bounds", "duration", "expected", "quantity", "open", "assumed", "fill"
    phases: tuple[Phase, ...]
    doses: tuple[DoseSpan, ...]  # without the days of a phase of 0 mg
    units: float | None  # tablets or mL, repeats included
    units_per_administration: float | None
    is_fill: bool = False
    flags: frozenset[str] = frozenset()

    @property
    def days(self) -> Days:
        """The covered days."""
        if len(self.doses) == 1:
            return Days.span(self.doses[0].start, self.doses[0].end)
        return Days.union(Days.span(span.start, span.end) for span in self.doses)

    @property
    def ingredient(self) -> str:
        return self.drug.ingredient

    def is_open(self, day: Day) -> bool:
        """Whether on `day` its end is not known yet (exposure.md §0)."""
        return self.open_ended and (self.cut is None or day < self.cut)


@dataclass(frozen=True, slots=True)
class Episode:
    """Supplies joined by at most the permissible gap, as far as they are known on some day."""

    start: Day
    end: Day  # the day after the last covered one; of an open supply: where it ends at the latest
    gap: int  # the permissible gap that follows it, days
    supplies: tuple[Supply, ...]  # in order of written start, then reference

    @property
    def covered(self) -> Days:
        """The days that the supplies of the episode cover, future ones too."""
        return Days.union(supply.days for supply in self.supplies)

    @property
    def ingredients(self) -> tuple[str, ...]:
        return tuple(sorted({supply.ingredient for supply in self.supplies}))

    def end_on(self, day: Day) -> Day:
        """The end as it is written on `day`: an open supply reaches the day after.

        A supply with days of 0 mg in between may go on in a later episode; that part is not of this one.
        """
        return max(
            min(span.end, day + 1) if supply.is_open(day) else span.end
            for supply in self.supplies
            for span in supply.doses
            if span.start < self.end and not (supply.is_open(day) and span.start > day)
        )

    def is_open(self, day: Day) -> bool:
        """Whether a supply of it is open on `day`."""
        return any(supply.is_open(day) for supply in self.supplies)


@dataclass(frozen=True, slots=True)
class Dme:
    """Diazepam-equivalent mg a day: low, typical, high; unknown where a part is unknown.

    Rounded to 2 decimals, half up (exposure.md §3).
    """

    low: Levels
    typical: Levels
    high: Levels
