"""How much of a drug is in one unit, as a text or a FHIR ratio says it (exposure.md §1, Strength)."""

import re
from collections.abc import Iterable

from service.knowledge import Strength
from service.normalise.units import UnitKind, positive, unit_of
from service.record.datatypes import Quantity, Ratio

_NUMBER = r"\d+(?:\.\d+|,\d{1,2}(?!\d))?"
# `5 mg/5 mL`, `2.5 mg/mL`, `10 mg`, `250 micrograms`; a `/` right after it, with anything else, is unknown.
_STRENGTH = re.compile(
    rf"(?<![\d.,])(?P<amount>{_NUMBER})\s*(?P<unit>mg|mcg|micrograms?)(?![^\W_])"
    rf"(?:\s*/\s*(?P<volume>{_NUMBER})?\s*(?P<ml>ml)(?![^\W_])|(?P<other>/))?",
    re.IGNORECASE,
)


def strength_in(texts: Iterable[str], ends: Iterable[int | None]) -> Strength | None:
    """The strength that the texts state; None: none, or one that we cannot compute with.

    `ends` has, for each text, where the drug's name ends in it, or None.  The first match after a name
    counts, else the first in the texts.
    """
    pairs = list(zip(texts, ends, strict=True))
    for text, end in pairs:
        if end is not None and (found := _STRENGTH.search(text, end)):
            return _strength(found)
    for text, _ in pairs:
        if found := _STRENGTH.search(text):
            return _strength(found)
    return None


def _strength(found: re.Match[str]) -> Strength | None:
    if found["other"]:
        return None
    mg = _number(found["amount"]) * (1 if found["unit"].lower() == "mg" else 0.001)
    volume = _number(found["volume"]) if found["volume"] else 1.0
    if mg <= 0 or volume <= 0:
        return None
    return Strength(mg / volume, per_ml=True) if found["ml"] else Strength(mg, per_ml=False)


def _number(written: str) -> float:
    return float(written.replace(",", "."))


def strength_of_ratio(ratio: Ratio | None) -> Strength | None:
    """mg per 1 → mg; mg per n mL → mg/mL; None for any other ratio."""
    if ratio is None or ratio.numerator is None:
        return None
    amount, unit = positive(ratio.numerator.value), unit_of(ratio.numerator)
    if amount is None or unit.kind is not UnitKind.MASS:
        return None
    per = ratio.denominator or Quantity(value=1)
    share, kind = positive(1 if per.value is None else per.value), unit_of(per).kind
    if share is None or kind not in (UnitKind.PIECE, UnitKind.NONE, UnitKind.VOLUME):
        return None
    return Strength(amount * unit.mg / share, per_ml=kind is UnitKind.VOLUME)
