"""A person's medicines as a line of text, one character for a few days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from service.model.days import date_of, day_of
from service.model.exposure import Supply
from service.wording import day as written

WIDTH = 52  # characters of the axis
_BEFORE = timedelta(days=14)  # shown before the first supply
_AFTER = timedelta(days=28)  # shown after today
COVERED, START, EMPTY = "━", "┣", "·"


@dataclass(frozen=True, slots=True)
class Axis:
    """The days that are shown, cut into equal columns."""

    start: date
    end: date

    def column(self, when: date) -> int | None:
        """The column of a day; None outside."""
        if not self.start <= when < self.end:
            return None
        return (when - self.start).days * WIDTH // (self.end - self.start).days

    def heading(self) -> str:
        left, right = written(self.start), written(self.end)
        return left + right.rjust(WIDTH - len(left))

    def mark(self, when: date, sign: str) -> str:
        """A row with one sign on a day; empty when the day is outside."""
        column = self.column(when)
        return "" if column is None else " " * column + sign


def axis_of(supplies: Sequence[Supply], today: date) -> Axis:
    """From before the first supply to some weeks after today."""
    first = min((date_of(supply.start) for supply in supplies), default=today)
    return Axis(min(first, today) - _BEFORE, today + _AFTER)


def rows(supplies: Sequence[Supply], axis: Axis) -> list[tuple[str, str]]:
    """(ingredient, line): covered days are drawn, each order's first day stands out."""
    by_ingredient: dict[str, list[Supply]] = {}
    for supply in supplies:
        by_ingredient.setdefault(supply.ingredient, []).append(supply)
    return [(name, _line(each, axis)) for name, each in sorted(by_ingredient.items())]


def _line(supplies: Sequence[Supply], axis: Axis) -> str:
    line = [EMPTY] * WIDTH
    for supply in supplies:
        for span in supply.doses:
            first, last = max(span.start, day_of(axis.start)), min(span.end, day_of(axis.end))
            for day in range(first, last):
                column = axis.column(date_of(day))
                if column is not None and line[column] == EMPTY:
                    line[column] = COVERED
        start = axis.column(date_of(supply.start))
        if start is not None:
            line[start] = START
    return "".join(line)
