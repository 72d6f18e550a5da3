"""Diazepam equivalents, daily maxima and lapse class of each ingredient."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from service.knowledge.table import Row

EQUIVALENCE_COLUMNS = (
    "ingredient",
    "default_dme_per_mg",
    "dme_per_mg_low",
    "dme_per_mg_high",
    "lapse_class",
    "max_daily_mg_us_label",
    "max_daily_mg_other",
    "max_daily_mg_older",
    "oral_strengths_mg",
)

DailyMaximum = Literal["us_label", "other"]
"""Which labels R10 reads first; the other column serves where that one is empty."""

_REMARK = re.compile(r"[\[(][^\])]*[\])]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Equivalence:
    """What an mg of an ingredient is worth in mg of oral diazepam, and its doses.

    Low and high are the spread of the published tables.  A maximum is None where no label states one.
    """

    ingredient: str
    dme_per_mg: float
    dme_per_mg_low: float
    dme_per_mg_high: float
    is_short_acting: bool  # lapse_class short: withdrawal comes sooner (R04b)
    max_daily_mg_us_label: float | None
    max_daily_mg_other: float | None
    max_daily_mg_older: float | None
    oral_strengths_mg: tuple[float, ...]  # ascending; empty where none is listed
    source: str

    def max_daily_mg(self, first: DailyMaximum) -> float | None:
        """The label maximum in mg a day by the labels that the policy reads first."""
        us_label, other = self.max_daily_mg_us_label, self.max_daily_mg_other
        if first == "us_label":
            return us_label if us_label is not None else other
        return other if other is not None else us_label


def read_equivalences(rows: Iterable[Row], ingredients: Iterable[str]) -> dict[str, Equivalence]:
    """The row of each ingredient that has one; without one neither an equivalent nor a maximum is known."""
    known = frozenset(ingredients)
    found: dict[str, Equivalence] = {}
    for row in rows:
        ingredient = row.one_of("ingredient", known)
        if ingredient in found:
            raise row.error(f"{ingredient} stands twice")
        found[ingredient] = _equivalence(row, ingredient)
    return found


def _equivalence(row: Row, ingredient: str) -> Equivalence:
    default = row.number("default_dme_per_mg")
    low, high = row.number("dme_per_mg_low"), row.number("dme_per_mg_high")
    if not low <= default <= high:
        raise row.error(f"dme_per_mg {low:g}, {default:g}, {high:g} do not ascend")
    return Equivalence(
        ingredient=ingredient,
        dme_per_mg=default,
        dme_per_mg_low=low,
        dme_per_mg_high=high,
        is_short_acting=row.one_of("lapse_class", ("short", "long")) == "short",
        max_daily_mg_us_label=max(_numbers(row["max_daily_mg_us_label"]), default=None),
        max_daily_mg_other=max(_numbers(row["max_daily_mg_other"]), default=None),
        max_daily_mg_older=max(_numbers(row["max_daily_mg_older"]), default=None),
        oral_strengths_mg=tuple(sorted(_numbers(row["oral_strengths_mg"]))),
        source=row["source"],
    )


def _numbers(cell: str) -> list[float]:
    """The numbers of a cell such as `10 anxiety [LBL]; 4 insomnia`; none of those in a bracketed remark."""
    return [float(number) for number in _NUMBER.findall(_REMARK.sub(" ", cell))]
