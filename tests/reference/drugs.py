"""Which drug a resource is about: scope, role, strength (exposure.md, section 1)."""

import functools
import re
from dataclasses import dataclass, field
from typing import Any

from . import fhir
from .knowledge import ingredient_class, table

Strength = tuple[float, str]  # (number, "mg" or "mg/mL")


@dataclass
class Medication:
    """What a resource says about its medication, before any table is asked."""

    concepts: list[Any] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)  # texts of Medication.form
    strength: Strength | None = None  # from a Medication's ingredient
    stated: bool = False  # is there a concept, a display or a Medication at all
    contradicts: bool = False  # its ingredients are several drugs in scope
    known: bool = False  # does a text, or a code of a system that we know, say which drug it is


def _says_something(concept: Any) -> bool:
    return bool(fhir.text(fhir.dig(concept, "text"))) or any(
        code or show for _, code, show in fhir.codings(concept)
    )


def _texts(concept: Any) -> list[str]:
    return [t for t in [fhir.text(fhir.dig(concept, "text"))] + [d for _, _, d in fhir.codings(concept)] if t]


def medication_of(resource: dict[str, Any], medications: dict[str, dict[str, Any]]) -> Medication:
    """The concept first, then the referenced Medication, then the display of the reference."""
    both = fhir.dig(resource, "medication")
    concept = fhir.dig(resource, "medicationCodeableConcept") or fhir.dig(both, "concept")
    ref = fhir.dig(resource, "medicationReference") or fhir.dig(both, "reference")
    found = Medication()
    if _says_something(concept):
        found.concepts, found.texts, found.stated = [concept], _texts(concept), True
        found.known = _is_known(concept)
    if found.stated:
        return found  # concept before reference
    display = fhir.text(fhir.dig(ref, "display"))
    target = _resolve(resource, ref, medications)
    if target is not None:
        found.stated = True
        _read_medication(target, found)
    if display:
        found.stated = found.known = True
        found.texts.append(display)
    return found


def _is_known(concept: Any) -> bool:
    return bool(_texts(concept)) or any(code for _, code in fhir.known_codes([concept]))


def _resolve(
    resource: dict[str, Any], ref: Any, medications: dict[str, dict[str, Any]]
) -> dict[str, Any] | None:
    name = fhir.reference(ref)
    if name is None:
        return None
    if name.startswith("#"):
        inside = [m for m in fhir.objects(resource.get("contained")) if m.get("id") == name[1:]]
        return inside[0] if inside else None
    return medications.get(name)


def _read_medication(target: dict[str, Any], found: Medication) -> None:
    found.forms = _texts(target.get("form"))
    if _says_something(target.get("code")):
        found.concepts = [target["code"]]
        found.texts = _texts(target["code"])
        found.known = _is_known(target["code"])
        if scope_of(found)[0] is not None or scope_of(found)[1]:
            return
    in_scope, drugs = [], set()
    for part in fhir.objects(target.get("ingredient")):
        item = fhir.dig(part, "itemCodeableConcept") or fhir.dig(part, "item", "concept")
        if part.get("isActive") is False:
            continue
        found.known = found.known or _is_known(item)
        drug = scope_of(Medication([item], _texts(item)))[0]
        if drug is not None:
            in_scope.append((part, item))
            drugs.add(drug.ingredient)
    found.contradicts = len(drugs) > 1  # two codings, or texts, that name different drugs in scope
    if len(drugs) == 1:
        part, item = in_scope[0]
        found.concepts, found.texts = [item], [*_texts(item), *found.texts]
        found.strength = _ratio_strength(fhir.dig(part, "strength") or fhir.dig(part, "strengthRatio"))


def _ratio_strength(ratio: Any) -> Strength | None:
    """mg per 1 is mg; mg per n mL is mg/mL."""
    above, below = fhir.dig(ratio, "numerator"), fhir.dig(ratio, "denominator")
    mg = fhir.positive(fhir.dig(above, "value"))
    if mg is None or "mg" not in (fhir.dig(above, "code"), fhir.text(fhir.dig(above, "unit")).lower()):
        return None
    per = 1.0 if fhir.dig(below, "value") is None else fhir.positive(fhir.dig(below, "value"))
    unit = fhir.text(fhir.dig(below, "code")) or fhir.text(fhir.dig(below, "unit"))
    if per is None:
        return None
    if unit.lower() == "ml":
        return (mg / per, "mg/mL")
    return (mg, "mg") if per == 1 else None


# --- the tiers of the drugs in scope -------------------------------------------------------------------------------


@functools.cache
def _by_code(tier: int) -> dict[tuple[str, str], dict[str, str]]:
    """(system, code) -> row, of one tier."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    if tier == 1:
        for row in table("rxnorm_benzodiazepines"):
            found[fhir.RXNORM, row["rxcui"]] = row
    elif tier == 2:
        for row in table("snomed_clinical_drugs"):
            found[fhir.SNOMED, row["sctid"]] = row
    else:
        for row in table("ingredients"):
            keys = (
                (fhir.RXNORM, row["rxcui"]),
                (fhir.SNOMED, row["snomed"]),
                (fhir.SNOMED, row["snomed_product"]),
                (fhir.ATC, row["atc"]),
            )
            for system, code in keys:
                if code:
                    found[system, code] = row
    return found


def _whole_word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)


@functools.cache
def names_in_scope() -> list[tuple[re.Pattern[str], str, str]]:
    """(pattern, name, ingredient) of every ingredient name and brand."""
    pairs = {(row["ingredient"], row["ingredient"]) for row in table("ingredients")}
    pairs |= {(row["brand"], row["ingredient"]) for row in table("rxnorm_benzodiazepines") if row["brand"]}
    pairs |= {(row["brand"], row["ingredient"]) for row in table("brands")}
    known = ingredient_class()
    return [
        (_whole_word(name), name, ingredient) for name, ingredient in sorted(pairs) if ingredient in known
    ]


def named_in(texts: list[str]) -> list[str]:
    """Ingredients in scope that the texts name."""
    return [ing for pattern, _, ing in names_in_scope() if any(pattern.search(t) for t in texts)]


@dataclass
class Identified:
    ingredient: str
    row: dict[str, str]  # the product's row, when a product was recognised
    by_text: bool
    product: bool


def scope_of(med: Medication) -> tuple[Identified | None, bool]:
    """The drug in scope, by the first tier that resolves; and whether the record contradicts itself."""
    if med.contradicts:
        return None, True
    codes = fhir.known_codes(med.concepts)
    recognised = {
        _by_code(tier)[key]["ingredient"] for tier in (1, 2, 3) for key in codes if key in _by_code(tier)
    }
    if len(recognised) > 1:
        return None, True
    for tier in (1, 2, 3):
        for key in codes:
            if key in _by_code(tier):
                row = _by_code(tier)[key]
                return Identified(row["ingredient"], row if tier < 3 else {}, False, tier < 3), False
    named = set(named_in(med.texts))
    if len(named) > 1:
        return None, True
    return (Identified(named.pop(), {}, True, False), False) if named else (None, False)


# --- strength ------------------------------------------------------------------------------------------------------

_NUMBER = r"(?P<n>\d+(?:\.\d+|,\d{1,2}(?!\d))?)"
_STRENGTH = re.compile(
    rf"(?<![\d.,]){_NUMBER}\s*(?P<unit>mg|mcg|micrograms?)(?![a-zµ])"
    r"(?P<per>\s*/\s*(?:(?P<m>\d+(?:\.\d+|,\d{1,2}(?!\d))?)\s*)?(?P<what>[a-zµ]+)?)?",
    re.IGNORECASE,
)


def _as_float(digits: str) -> float:
    return float(digits.replace(",", "."))


def strength_in_text(texts: list[str], ingredient: str) -> Strength | None:
    """The first strength after the drug's name, else the first in the text; texts are tried in order."""
    for one in texts:
        ends = [
            m.end()
            for pattern, _, ing in names_in_scope()
            if ing == ingredient
            for m in pattern.finditer(one)
        ]
        tries = [(_STRENGTH.search(one, min(ends)))] if ends else []
        for found in [*tries, _STRENGTH.search(one)]:
            if found is not None:
                return _strength_of(found)
    return None


def _strength_of(found: re.Match[str]) -> Strength | None:
    mg = _as_float(found["n"]) / (1 if found["unit"].lower() == "mg" else 1000)
    if mg <= 0:
        return None
    if found["per"] is None:
        return (mg, "mg")
    if (found["what"] or "").lower() != "ml":
        return None  # mg/<anything else> is unknown
    per = _as_float(found["m"]) if found["m"] else 1.0
    return (mg / per, "mg/mL") if per > 0 else None


def strength_of(med: Medication, drug: Identified) -> Strength | None:
    """From the product's row; else from a Medication's ingredient; else from text."""
    if drug.product:
        number, unit = drug.row.get("strength"), drug.row.get("unit", "").lower()
        return (float(number), "mg/mL" if unit == "mg/ml" else "mg") if number else None
    return med.strength or strength_in_text(med.texts, drug.ingredient)


# --- opioids, sedatives, naloxone ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Other:
    """A drug that is no benzodiazepine: role `opioid`, `sedative`, `naloxone` or `antagonist`."""

    role: str
    ingredient: str
    group: str = ""
    strong: bool = False
    moud: bool = False


def _sedative(row: dict[str, str]) -> Other:
    if row["group"] == "opioid-antagonist":
        return Other("naloxone" if row["ingredient"] == "naloxone" else "antagonist", row["ingredient"])
    return Other("sedative", row["ingredient"], row["group"], row["strong_signal"] == "yes")


@functools.cache
def _others_by_rxnorm() -> dict[str, Other]:
    found = {row["rxcui"]: _sedative(row) for row in table("sedatives_ingredients")}
    for row in table("opioids_ingredients"):
        found[row["rxcui"]] = Other("opioid", row["ingredient"], moud=row["moud"] == "yes")
    return found


@functools.cache
def _others_by_name() -> list[tuple[re.Pattern[str], Other]]:
    opioids = {
        row["ingredient"]: Other("opioid", row["ingredient"], moud=row["moud"] == "yes")
        for row in table("opioids_ingredients")
        if row["tty"] == "IN"
    }
    sedatives = {row["ingredient"]: _sedative(row) for row in table("sedatives_ingredients")}
    return [(_whole_word(name), other) for name, other in [*opioids.items(), *sedatives.items()]]


def _by_atc(code: str) -> Other | None:
    rows = [row for row in table("atc_groups") if code.upper().startswith(row["atc_prefix"])]
    if not rows:
        return None
    row = max(rows, key=lambda r: len(r["atc_prefix"]))
    named = {"N03AA02": "phenobarbital", "N03AA03": "primidone"}
    ingredient = row["group"] if len(row["atc_prefix"]) == 7 else named.get(code.upper(), code.upper())
    groups = {sedative["ingredient"]: sedative["group"] for sedative in table("sedatives_ingredients")}
    group = groups.get(ingredient, row["group"])  # N03AA02 phenobarbital is a barbiturate
    return Other(row["role"], ingredient, group, row["strong_signal"] == "yes", row["moud"] == "yes")


def other_of(med: Medication) -> Other | None:
    """RxNorm in their own files, then ATC groups, then text; of several in one tier the opioid comes first."""
    codes = fhir.known_codes(med.concepts)
    tiers = (
        [
            _others_by_rxnorm()[code]
            for system, code in codes
            if system == fhir.RXNORM and code in _others_by_rxnorm()
        ],
        [found for system, code in codes if system == fhir.ATC and (found := _by_atc(code)) is not None],
        [other for pattern, other in _others_by_name() if any(pattern.search(t) for t in med.texts)],
    )
    order = ("opioid", "sedative", "naloxone", "antagonist")
    for tier in tiers:
        if tier:
            return min(tier, key=lambda other: order.index(other.role))
    return None
