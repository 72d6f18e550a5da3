"""The codes behind the words of the tables, from the product's own lists of codes."""

import csv
from functools import cache
from pathlib import Path
from typing import Any

import service.knowledge

DATA = Path(service.knowledge.__file__).parent / "data"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
ATC = "http://www.whocc.no/atc"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
LOINC = "http://loinc.org"
SYSTEMS = {"rxnorm": RXNORM, "snomed": SNOMED, "atc": ATC, "icd": ICD10, "loinc": LOINC}

REVIEW = "314530002"  # medication review done: strong evidence
MODERATE_REVIEW = "719327002"  # by a community pharmacist
VISIT = "185349003"  # a bare check-up


def coding(written: str) -> dict[str, str]:
    """`icd:F10.2` → a coding; a word without a known system in front: a code of no system that we know."""
    system, _, code = written.rpartition(":")
    return {"system": SYSTEMS.get(system, system or "urn:example:local"), "code": code}


def concept(*written: str, text: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"coding": [coding(each) for each in written]} if written else {}
    return found if text is None else {**found, "text": text}


def condition(word: str) -> dict[str, Any]:
    """A concept of conditions.csv by its name (the first code listed for it), or a code."""
    if ":" in word:
        return concept(word)
    row = next((row for row in _rows("conditions.csv") if row["concept"] == word), None)
    if row is None:
        raise ValueError(f"{word} is no concept of conditions.csv")
    return concept(f"icd:{row['icd10cm']}" if row["icd10cm"] else f"snomed:{row['snomed']}")


def medication(name: str, strength: str | None = None) -> dict[str, Any]:
    """An ingredient by its RxNorm code; with a strength: the plain oral tablet or capsule of that strength."""
    if strength is not None:
        return concept(f"rxnorm:{_product(name, strength)}")
    for file in ("ingredients.csv", "sedatives_ingredients.csv", "opioids_ingredients.csv"):
        for row in _rows(file):
            if name in (row.get("name"), row["ingredient"]) and row.get("tty", "IN") == "IN":
                return concept(f"rxnorm:{row['rxcui']}" if row["rxcui"] else f"atc:{row['atc']}")
    raise ValueError(f"{name} is no drug that we know")


def is_drug(name: str) -> bool:
    try:
        medication(name)
    except ValueError:
        return False
    return True


def _product(name: str, strength: str) -> str:
    for row in _rows("rxnorm_benzodiazepines.csv"):
        plain = (
            row["form"] in ("Oral Tablet", "Oral Capsule")
            and row["tty"] == "SCD"
            and row["combination"] == "no"
        )
        if plain and (row["ingredient"], row["strength"]) == (name, strength):
            return row["rxcui"]
    raise ValueError(f"no tablet of {name} has {strength} mg")


@cache
def _rows(file: str) -> list[dict[str, str]]:
    with (DATA / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
