"""Units of amounts and of durations (exposure.md, sections 3 and 4)."""

from typing import Any

from . import fhir

TABLET = "tablet"
_WORDS = {
    **dict.fromkeys(["mg", "milligram"], "mg"),
    **dict.fromkeys(["mcg", "ug", "µg", "microgram"], "mcg"),
    "g": "g",
    **dict.fromkeys(
        ["tablet", "tab", "tbl", "capsule", "cap", "unit", "dose", "each", "1", "spray", "actuation", "puff"],
        TABLET,
    ),
    **dict.fromkeys(["ml", "millilitre", "milliliter"], "ml"),
}
_SNOMED = {
    "258684004": "mg",
    "258685003": "mcg",
    **dict.fromkeys(["385055001", "732936001", "385049006", "732937005"], TABLET),
    "258773002": "ml",
}
_DAYS = {
    **dict.fromkeys(["h", "hour"], 1 / 24),
    **dict.fromkeys(["d", "day"], 1.0),
    **dict.fromkeys(["wk", "week"], 7.0),
    **dict.fromkeys(["mo", "month"], 30.0),
    **dict.fromkeys(["a", "year"], 365.0),
}


def word(text: str) -> str | None:
    """mg, mcg, g, tablet or ml for a unit word: lower case, without plural and braces."""
    bare = text.lower().replace("μ", "µ").strip().strip("{}").strip()
    if bare in _WORDS:
        return _WORDS[bare]
    return _WORDS.get(bare[:-1]) if bare.endswith("s") else None


def unit_of(quantity: dict[str, Any]) -> tuple[str | None, bool]:
    """(unit, missing): the code if it is a known word, else the text, else a SNOMED code."""
    code, shown = fhir.text(quantity.get("code")), fhir.text(quantity.get("unit"))
    for written in (code, shown):
        if written and word(written):
            return word(written), False
    if code in _SNOMED and fhir.SYSTEMS.get(fhir.text(quantity.get("system"))) == fhir.SNOMED:
        return _SNOMED[code], False
    return None, not code and not shown


def days_of(duration: Any, missing: float | None = None) -> float | None:
    """The days of a duration; `missing` is what one unit is worth when no unit is written."""
    value = fhir.positive(fhir.dig(duration, "value"))
    if value is None:
        return None
    written = [w for w in (fhir.text(duration.get("code")), fhir.text(duration.get("unit"))) if w]
    for name in written:
        bare = name.lower().strip()
        worth = _DAYS.get(bare) or (_DAYS.get(bare[:-1]) if bare.endswith("s") and len(bare) > 2 else None)
        if worth is not None:
            return value * worth
    return value * missing if missing is not None and not written else None


def in_units(
    value: float, unit: str | None, missing: bool, strength: tuple[float, str] | None
) -> float | None:
    """A quantity as tablets (solid) or mL (liquid); None when it cannot be computed (boxes, packs, bottles)."""
    liquid = strength is not None and strength[1] == "mg/mL"
    if unit == TABLET or missing:
        return None if liquid else value
    if unit == "ml":
        return value if liquid else None
    if unit == "mg" and strength is not None:
        return value / strength[0]
    return None


def in_mg(value: float, unit: str | None, missing: bool, strength: tuple[float, str] | None) -> float | None:
    """An amount as mg; None when the dose is unknown."""
    factor = {"mg": 1.0, "mcg": 0.001, "g": 1000.0}.get(unit or "")
    if factor is not None:
        return value * factor
    if strength is None:
        return None
    liquid = strength[1] == "mg/mL"
    if (unit == TABLET or missing) and not liquid:
        return value * strength[0]
    if unit == "ml" and liquid:
        return value * strength[0]
    return None
