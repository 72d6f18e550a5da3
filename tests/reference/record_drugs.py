"""What generated records prescribe: every tier of identification, doses in every style, lengths of every kind."""

import datetime as dt
from dataclasses import dataclass, field
from random import Random
from typing import Any

from .knowledge import table
from .record_sigs import a_sig

Json = dict[str, Any]

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
ATC = "http://www.whocc.no/atc"
UCUM = "http://unitsofmeasure.org"

COMMON = (
    *("diazepam", "alprazolam", "lorazepam", "clonazepam", "temazepam", "zolpidem", "zopiclone", "oxazepam"),
    *("clobazam", "nitrazepam", "chlordiazepoxide", "triazolam"),
)
SYSTEM_OIDS = {RXNORM: "urn:oid:2.16.840.1.113883.6.88", SNOMED: "urn:oid:2.16.840.1.113883.6.96"}
TIMES_CODES = {1: ("QD", "AM", "BED", "Q24H"), 2: ("BID", "Q12H"), 3: ("TID", "Q8H"), 4: ("QID", "Q6H")}
TABLET_UNITS: tuple[Json, ...] = (
    {"unit": "tablet"},
    {"unit": "Tablets"},
    {"unit": "tabs", "system": UCUM, "code": "{tbl}"},
    {"code": "1"},
    {"unit": "Tab", "system": SNOMED, "code": "385055001"},
    {"unit": "each"},
)


def iso(day: int) -> str:
    return dt.date.fromordinal(day).isoformat()


def written(r: Random, day: int) -> str:
    """A day as a date, at times as an instant or only as its month."""
    chance = r.random()
    if chance < 0.08:
        return f"{iso(day)}T{r.randrange(24):02}:30:00{r.choice(('Z', '+01:00', '-08:00'))}"
    return iso(day)[:7] if chance < 0.085 else iso(day)


@dataclass
class Drug:
    """One way in which a record names a drug in scope."""

    ingredient: str
    elements: Json  # of a MedicationRequest or a MedicationDispense
    strength: float | None  # mg per tablet, or mg per mL
    liquid: bool = False
    resources: list[Json] = field(default_factory=list)  # the Medication that it refers to


def a_drug(r: Random, ingredient: str | None = None) -> Drug:
    """A drug by a random tier; without a name mostly a common one."""
    names = COMMON if r.random() < 0.9 else tuple(row["ingredient"] for row in table("ingredients"))
    return _TIERS[r.choices(range(6), (50, 15, 6, 5, 12, 12))[0]](r, ingredient or r.choice(names))


def _by_rxnorm(r: Random, ingredient: str) -> Drug:
    rows = [x for x in table("rxnorm_benzodiazepines") if x["ingredient"] == ingredient and _is_oral(x)]
    if not rows:
        return _by_text(r, ingredient)
    row = _mostly_solid(r, rows)
    return _coded(r, ingredient, RXNORM, row["rxcui"], row["name"], _strength(row), _is_liquid(row))


def _by_snomed(r: Random, ingredient: str) -> Drug:
    rows = [x for x in table("snomed_clinical_drugs") if x["ingredient"] == ingredient]
    if not rows:
        return _by_rxnorm(r, ingredient)
    row = _mostly_solid(r, rows)
    return _coded(r, ingredient, SNOMED, row["sctid"], ingredient, _strength(row), _is_liquid(row))


def _by_ingredient(r: Random, ingredient: str) -> Drug:
    row = next(x for x in table("ingredients") if x["ingredient"] == ingredient)
    keys = [(RXNORM, "rxcui"), (SNOMED, "snomed"), (SNOMED, "snomed_product"), (ATC, "atc")]
    system, column = r.choice([key for key in keys if row[key[1]]])
    mg = r.choice((1.0, 2.0, 5.0, 10.0))
    text = r.choice((f"{ingredient} {mg:g} mg tablet", f"{ingredient} {mg:g}mg", ingredient))
    return _coded(r, ingredient, system, row[column], text, mg if "mg" in text else None, False, shown=True)


def _by_brand(r: Random, ingredient: str) -> Drug:
    brands = [x["brand"] for x in table("brands") if x["ingredient"] == ingredient]
    return _by_text(r, ingredient, r.choice(brands) if brands else ingredient)


def _by_text(r: Random, ingredient: str, name: str | None = None) -> Drug:
    mg = r.choice((0.5, 1.0, 2.0, 5.0, 7.5, 10.0))
    name = name or ingredient
    texts = (
        f"{name} {mg:g} mg tablets",
        f"{name.upper()} {mg:g}MG TAB",
        f"{name} {mg * 1000:g} micrograms",
        name,
    )
    text = r.choices(texts, (5, 3, 1, 1))[0]
    strength = None if text == name else mg
    if r.random() < 0.15:
        return Drug(ingredient, {"medicationReference": {"display": text}}, strength)
    return Drug(ingredient, {"medicationCodeableConcept": {"text": text}}, strength)


def _by_reference(r: Random, ingredient: str) -> Drug:
    """A Medication: contained or in the record, by its code or by its only ingredient in scope."""
    inner = _by_rxnorm(r, ingredient)
    if "medicationCodeableConcept" not in inner.elements:
        return inner
    medication: Json = {"resourceType": "Medication", "id": f"m{r.randrange(10**6)}"}
    if r.random() < 0.5:
        medication["code"] = inner.elements["medicationCodeableConcept"]
    else:
        row = next(x for x in table("ingredients") if x["ingredient"] == ingredient)
        mg = r.choice((1, 2, 5, 10))
        per = {"value": 1, "unit": "mL", "code": "mL"} if r.random() < 0.1 else {"value": 1, "unit": "tablet"}
        medication["ingredient"] = [
            {
                "itemCodeableConcept": {
                    "coding": [{"system": RXNORM, "code": row["rxcui"]}],
                    "text": ingredient,
                },
                "strength": {"numerator": {"value": mg, "unit": "mg", "code": "mg"}, "denominator": per},
            }
        ]
        if r.random() < 0.2:
            medication["ingredient"].append({"itemCodeableConcept": {"text": "lactose"}, "isActive": False})
        inner = Drug(ingredient, {}, mg, liquid=per["unit"] == "mL")
    if r.random() < 0.4:
        reference: Json = {"reference": f"#{medication['id']}"}
        return Drug(
            ingredient,
            {"contained": [medication], "medicationReference": reference},
            inner.strength,
            inner.liquid,
        )
    reference = {"reference": f"Medication/{medication['id']}"}
    return Drug(ingredient, {"medicationReference": reference}, inner.strength, inner.liquid, [medication])


_TIERS = (_by_rxnorm, _by_snomed, _by_ingredient, _by_brand, _by_text, _by_reference)


def _is_oral(row: dict[str, str]) -> bool:
    return row["ongoing_use_scope"] == "yes" and row["combination"] == "no"


def _mostly_solid(r: Random, rows: list[dict[str, str]]) -> dict[str, str]:
    solid = [row for row in rows if not _is_liquid(row) and row["strength"]]
    return r.choice(solid if solid and r.random() < 0.92 else rows)


def _is_liquid(row: dict[str, str]) -> bool:
    return row["unit"].lower() == "mg/ml"


def _strength(row: dict[str, str]) -> float | None:
    return float(row["strength"]) if row["strength"] else None


def _coded(
    r: Random,
    ingredient: str,
    system: str,
    code: str,
    name: str,
    strength: float | None,
    liquid: bool,
    shown: bool = False,
) -> Drug:
    if r.random() < 0.05:
        system = SYSTEM_OIDS.get(system, system)
    concept: Json = {"coding": [{"system": system, "code": code}]}
    if shown or r.random() < 0.2:
        concept["text"] = name
    if r.random() < 0.1:
        concept["coding"].append({"system": "urn:local", "code": "x1", "display": "local name"})
    if r.random() < 0.1:
        return Drug(ingredient, {"medication": {"concept": concept}}, strength, liquid)
    return Drug(ingredient, {"medicationCodeableConcept": concept}, strength, liquid)


# --- a dosage line -------------------------------------------------------------------------------------------------


def a_line(r: Random, drug: Drug, tablets: float, times: int, as_needed: bool = False) -> Json:
    """`tablets` (or mL) `times` a day, in a random style; rarely something that nobody can read."""
    line: Json = {"timing": _timing(r, times), "doseAndRate": [_amount(r, drug, tablets)]}
    if r.random() < 0.14 and not drug.liquid:
        return _in_words(r, line, a_sig(r, tablets, times, drug.strength, as_needed, drug.ingredient))
    if as_needed:
        line.update(
            r.choice(
                (
                    {"asNeededBoolean": True},
                    {"asNeededCodeableConcept": {"text": "anxiety"}},
                    {"asNeeded": True},
                    {"asNeededFor": [{"text": "anxiety"}]},
                    {"text": r.choice(("when required", "PRN", "as needed"))},
                )
            )
        )
    if r.random() < 0.03:
        per = {"value": 1, "unit": "d", "system": UCUM, "code": "d"}
        line["maxDosePerPeriod"] = {
            "numerator": {"value": r.choice((1, 2)), "unit": "tablet"},
            "denominator": per,
        }
    if r.random() < 0.015:
        line.pop(r.choice(("timing", "doseAndRate")))
    return line


def _in_words(r: Random, line: Json, text: str) -> Json:
    """The text beside nothing, or beside some of the structure."""
    for name in r.choice(
        (("timing", "doseAndRate"), ("timing", "doseAndRate"), ("timing",), ("doseAndRate",), ())
    ):
        del line[name]
    return {"text": text, **line}


def _amount(r: Random, drug: Drug, tablets: float) -> Json:
    if drug.liquid:
        return {"doseQuantity": {"value": tablets, "unit": "mL", "system": UCUM, "code": "mL"}}
    chance = r.random()
    if chance < 0.25 and drug.strength is not None:
        mg = tablets * drug.strength
        style = r.random()
        if style < 0.1:
            return {"doseQuantity": {"value": mg * 1000, "unit": "microgram"}}
        if style < 0.15:
            return {"doseQuantity": {"value": mg, "system": SNOMED, "code": "258684004"}}
        return {"doseQuantity": {"value": mg, "unit": "mg", "system": UCUM, "code": "mg"}}
    unit = r.choice(TABLET_UNITS)
    if chance < 0.32:
        low = r.choice((None, 0, tablets / 2, tablets))
        parts = {"high": {"value": tablets, **unit}}
        return {"doseRange": parts if low is None else {"low": {"value": low, **unit}, **parts}}
    if chance < 0.37:
        return {"doseQuantity": {"value": tablets}}
    if chance < 0.38:
        return {"doseQuantity": {"value": r.choice((0, -1, "2", 1)), "unit": r.choice(("tablet", "sachet"))}}
    return {"doseQuantity": {"value": tablets, **unit}}


def _timing(r: Random, times: int) -> Json:
    chance = r.random()
    if chance < 0.7:
        return {"repeat": {"frequency": times, "period": 1, "periodUnit": "d"}}
    if chance < 0.78:
        return {"code": {"coding": [{"code": r.choice(TIMES_CODES[times])}]}}
    if chance < 0.83:
        return {"code": {"text": r.choice(TIMES_CODES[times]).lower()}}
    if chance < 0.87:
        return {"repeat": {"timeOfDay": [f"{8 + 3 * n:02}:00:00" for n in range(times)]}}
    if chance < 0.90:
        return {"repeat": {"when": ["MORN", "NOON", "EVE", "HS"][:times]}}
    if chance < 0.94:
        return {"repeat": {"period": 24 // times, "periodUnit": "h"}}
    if chance < 0.96:
        return {"repeat": {"frequency": times, "period": 1, "periodUnit": "wk", "dayOfWeek": ["mon", "thu"]}}
    if chance < 0.98:
        return {"repeat": {"frequency": times, "period": 1, "periodMax": 2, "periodUnit": "d"}}
    return {"repeat": {"frequency": 1, "frequencyMax": times, "period": 1, "periodUnit": "d"}}


# --- how long it lasts ---------------------------------------------------------------------------------------------

LENGTHS = {
    "expected": 34,
    "quantity": 24,
    "period": 10,
    "duration": 8,
    "range": 3,
    "count": 4,
    "repeats": 7,
    "box": 2,
    "none": 8,
}


def give_length(
    r: Random, order: Json, days: int, start: int, a_day: float, style: str | None = None
) -> None:
    """Write `days` (from `start`, at `a_day` units a day) into an order in a random style."""
    style = style or r.choices(list(LENGTHS), list(LENGTHS.values()))[0]
    request = order.setdefault("dispenseRequest", {})
    repeats = [line.setdefault("timing", {}).setdefault("repeat", {}) for line in order["dosageInstruction"]]
    if style == "expected":
        request["expectedSupplyDuration"] = a_duration(r, days)
    elif style == "quantity":
        unit = r.choice(({"unit": "tablet"}, {}, {"unit": "capsules"}, {"code": "{tbl}"}))
        request["quantity"] = {"value": round(days * a_day, 3), **unit}
    elif style == "repeats":
        times = r.choice((1, 2, 3, 5))
        request["numberOfRepeatsAllowed"] = times
        if r.random() < 0.5:
            request["expectedSupplyDuration"] = a_duration(r, max(1, days // (times + 1)))
        else:
            request["quantity"] = {"value": round(max(1, days // (times + 1)) * a_day, 3), "unit": "tablet"}
    elif style == "box":
        request["quantity"] = {"value": 1, "unit": r.choice(("box", "pack", "bottle"))}
    for repeat in repeats:
        if style == "period":
            repeat["boundsPeriod"] = {"start": iso(start), "end": iso(start + days - 1)}
        elif style == "duration":
            repeat["boundsDuration"] = a_duration(r, days)
        elif style == "range":
            repeat["boundsRange"] = {"low": a_duration(r, max(1, days // 2)), "high": a_duration(r, days)}
        elif style == "count":
            repeat["count"] = max(1, round(days * repeat.get("frequency", 1)))


def a_duration(r: Random, days: int) -> Json:
    if days % 7 == 0 and r.random() < 0.3:
        return {"value": days // 7, "unit": "week", "system": UCUM, "code": "wk"}
    if days % 30 == 0 and r.random() < 0.3:
        return {"value": days // 30, **r.choice(({"unit": "months"}, {"code": "mo"}))}
    return {"value": days, **r.choice(({"unit": "days", "system": UCUM, "code": "d"}, {"unit": "day"}))}
