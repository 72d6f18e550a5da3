"""One number of a policy, and what it may be."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from service.knowledge.table import Row, read_table
from service.knowledge.texts import MARKS, Mark

Kind = Literal["days", "count", "number", "window"]
Value = int | float | tuple[int, int]

_LIMIT_COLUMNS = ("name", "unit", "kind", "least", "most", "not_above")
THRESHOLD_KEYS = ("value", "unit", "source", "mark")


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number that a rule uses, with where it comes from.

    The value of a window is its first day and the day after its last one.
    """

    name: str
    value: Value
    unit: str
    source: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Limit:
    """What a threshold is, and the span in which it keeps its meaning."""

    name: str
    unit: str
    kind: Kind
    least: float
    most: float
    not_above: str  # another threshold that is never smaller, or empty

    def accept(self, value: object) -> Value:
        """The value as a policy holds it.  Raises ValueError, saying what is wrong with it."""
        if self.kind == "window":
            return self._window(value)
        whole = self.kind != "number"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise ValueError(f"value is {value!r}, not a {'whole ' if whole else ''}number")
        if not (math.isfinite(value) and self.least <= value <= self.most):
            raise ValueError(f"value is {value}, not between {self.least:g} and {self.most:g} {self.unit}")
        return value

    def _window(self, value: object) -> tuple[int, int]:
        match value:
            case [int(first), int(end)] if self.least <= first < end <= self.most:
                return first, end
        raise ValueError(f"value is {value!r}, not [first, end] from {self.least:g} to {self.most:g} days")


def read_limits(file: str, text: str) -> dict[str, Limit]:
    """The limits of every threshold there is, by name.  Raises KnowledgeError."""
    rows = list(read_table(file, text, _LIMIT_COLUMNS))
    limits: dict[str, Limit] = {}
    for row in rows:
        limit = _limit(row)
        if limit.name in limits:
            raise row.error(f"{limit.name} stands twice")
        limits[limit.name] = limit
    for row in rows:
        row.one_of("not_above", {"", *limits})
    return limits


def _limit(row: Row) -> Limit:
    kinds: tuple[Kind, ...] = get_args(Kind)
    kind = next((kind for kind in kinds if kind == row["kind"]), None)
    if kind is None:
        raise row.error(f"kind is {row['kind']!r}")
    try:
        least, most = float(row["least"]), float(row["most"])
    except ValueError as problem:
        raise row.error(f"least or most: {problem}") from problem
    return Limit(row.required("name"), row.required("unit"), kind, least, most, row["not_above"])


def read_threshold(limit: Limit, cells: Mapping[str, object]) -> tuple[Threshold | None, list[str]]:
    """The threshold that a table of a policy file states; or None, and everything that is wrong with it."""
    problems = [f"{key} is missing" for key in THRESHOLD_KEYS if key not in cells]
    problems += [f"{key} is not known here" for key in cells if key not in THRESHOLD_KEYS]
    if "unit" in cells and cells["unit"] != limit.unit:
        problems.append(f"unit is {cells['unit']!r}, not {limit.unit!r}")
    source = cells.get("source")
    if "source" in cells and not (isinstance(source, str) and source.strip()):
        problems.append("source is empty")
    mark = next((mark for mark in MARKS if mark == cells.get("mark")), None)
    if "mark" in cells and mark is None:
        problems.append(f"mark is {cells['mark']!r}, not one of {', '.join(MARKS)}")
    value: Value = 0
    try:
        value = limit.accept(cells["value"]) if "value" in cells else 0
    except ValueError as problem:
        problems.append(str(problem))
    if problems or mark is None:
        return None, problems
    return Threshold(limit.name, value, limit.unit, str(source), mark), []


def order_problems(thresholds: Mapping[str, Threshold], limits: Iterable[Limit]) -> list[tuple[str, str]]:
    """(name, what is wrong) for every threshold above one that it must not exceed."""
    found: list[tuple[str, str]] = []
    for limit in limits:
        lower, upper = thresholds.get(limit.name), thresholds.get(limit.not_above)
        if lower is None or upper is None or isinstance(lower.value, tuple) or isinstance(upper.value, tuple):
            continue
        if lower.value > upper.value:
            found.append((limit.name, f"value is {lower.value}, above {upper.name}, which is {upper.value}"))
    return found
