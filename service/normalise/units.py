"""The words and codes of doses and times that are understood (exposure.md §3 and §4); all others are unknown."""

import math
from dataclasses import dataclass
from enum import StrEnum

from service.record.datatypes import Quantity

SNOMED_URIS = (None, "http://snomed.info/sct", "urn:oid:2.16.840.1.113883.6.96")


class UnitKind(StrEnum):
    """What a dose is counted in."""

    MASS = "mass"
    PIECE = "piece"  # a tablet, or anything that is given like one
    VOLUME = "volume"
    NONE = "none"  # no unit stated
    OTHER = "other"  # a unit that we cannot compute with


@dataclass(frozen=True, slots=True)
class Unit:
    kind: UnitKind
    mg: float = 1.0  # of MASS: mg in one


_MG, _MCG, _G = Unit(UnitKind.MASS), Unit(UnitKind.MASS, 0.001), Unit(UnitKind.MASS, 1000.0)
PIECE, VOLUME = Unit(UnitKind.PIECE), Unit(UnitKind.VOLUME)
_NONE, _OTHER = Unit(UnitKind.NONE), Unit(UnitKind.OTHER)

# exposure.md §3, Amount; both letters that are read as "micro" (U+00B5, U+03BC)
UNIT_WORDS: dict[str, Unit] = {
    **dict.fromkeys(("mg", "milligram"), _MG),
    **dict.fromkeys(("mcg", "ug", "µg", "μg", "microgram"), _MCG),
    "g": _G,
    **dict.fromkeys(
        ("tablet", "tab", "tbl", "capsule", "cap", "unit", "dose", "each", "1", "spray", "actuation", "puff"),
        PIECE,
    ),
    **dict.fromkeys(("ml", "millilitre", "milliliter"), VOLUME),
}
_SNOMED_UNITS: dict[str, Unit] = {
    "258684004": _MG,
    "258685003": _MCG,
    **dict.fromkeys(("385055001", "732936001", "385049006", "732937005"), PIECE),
    "258773002": VOLUME,
}

# exposure.md §3, Times per day: days in a timing.repeat.periodUnit ("mo": the policy's month)
_PERIOD_UNITS: dict[str, float] = {"h": 1 / 24, "d": 1.0, "wk": 7.0}

# exposure.md §4: UCUM codes or words of a duration
_DAY_WORDS: dict[str, float] = {"d": 1.0, "day": 1.0, "wk": 7.0, "week": 7.0, "h": 1 / 24}
_MONTH_WORDS = frozenset({"mo", "month"})
_YEAR_WORDS = frozenset({"a", "year"})

# exposure.md §3, Times per day: timing.code
TIMING_CODES: dict[str, float] = {
    **dict.fromkeys(("QD", "AM", "PM", "BED", "HS", "Q24H"), 1.0),
    **dict.fromkeys(("BID", "Q12H"), 2.0),
    **dict.fromkeys(("TID", "Q8H"), 3.0),
    **dict.fromkeys(("QID", "Q6H"), 4.0),
    "Q4H": 6.0,
    "Q3H": 8.0,
    "Q2H": 12.0,
    "Q1H": 24.0,
    "QOD": 0.5,
    "WK": 1 / 7,
}
MONTHLY = "MO"  # of TIMING_CODES: once in the policy's month

DAYS_OF_WEEK = frozenset({"mon", "tue", "wed", "thu", "fri", "sat", "sun"})


@dataclass(frozen=True, slots=True)
class Calendar:
    """How many days a month and a year are taken for (policy `unit.month`, `unit.year`)."""

    month_days: int
    year_days: int

    def period_days(self, unit: str | None) -> float | None:
        """Days in a timing.repeat.periodUnit; None for one that is not understood."""
        return float(self.month_days) if unit == "mo" else _PERIOD_UNITS.get(unit or "")

    def days_of(self, quantity: Quantity | None) -> float | None:
        """A duration in days; None when it is missing, not above 0 or in another unit."""
        value = positive(quantity.value) if quantity is not None else None
        if quantity is None or value is None:
            return None
        for written in (quantity.code, quantity.unit):
            word = fold_word(written)
            if word in _DAY_WORDS:
                return value * _DAY_WORDS[word]
            if word in _MONTH_WORDS:
                return value * self.month_days
            if word in _YEAR_WORDS:
                return value * self.year_days
        return None


def fold_word(written: str | None) -> str:
    """A unit as our tables spell it: lower case, without braces, without the plural.

    >>> fold_word("{tbl}"), fold_word("Tablets")
    ('tbl', 'tablet')
    """
    word = (written or "").strip().strip("{}").strip().lower()
    return word if len(word) < 2 or not word.endswith("s") or word in UNIT_WORDS else word[:-1]


def unit_of(quantity: Quantity) -> Unit:
    """The code if it is a known word, else the unit text, else by SNOMED code."""
    for written in (quantity.code, quantity.unit):
        found = UNIT_WORDS.get(fold_word(written))
        if found is not None:
            return found
    if quantity.code and quantity.system in SNOMED_URIS:
        return _SNOMED_UNITS.get(quantity.code, _OTHER)
    return _OTHER if quantity.code or quantity.unit else _NONE


def number(value: object) -> float | None:
    """A finite JSON number; None for anything else (text that looks like a number is unknown)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def positive(value: object) -> float | None:
    """A number above 0, or None."""
    found = number(value)
    return found if found is not None and found > 0 else None


def whole_days(days: float | None) -> int | None:
    """Days rounded down, at least 1."""
    return None if days is None else max(1, floor(days))


def floor(value: float) -> int:
    """Rounded down, with the tolerance of exposure.md §0 for what floats make of a whole number."""
    return math.floor(value + 1e-9)
