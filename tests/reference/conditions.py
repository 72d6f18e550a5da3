"""Conditions: which concepts, from when, until when (rules.md, `Condition X` and events)."""

import functools
import re
from dataclasses import dataclass
from typing import Any

from . import days, fhir
from .knowledge import SUBSTANCE_USE, concepts_of_r14_events, concepts_of_r16_events, table

_REMISSION = re.compile(r"F1\d(?:11|21|91)")


def _bare(icd: str) -> str:
    return icd.replace(".", "").upper()


@functools.cache
def concepts_of(system: str, code: str) -> frozenset[tuple[str, str]]:
    """(concept, source) of every row of conditions.csv that a code matches."""
    found = set()
    for row in table("conditions"):
        if system == fhir.SNOMED and row["snomed"] == code and code:
            found.add((row["concept"], row["source"]))  # descendants: the code itself
        if system == fhir.ICD and row["icd10cm"]:
            mine, theirs = _bare(code), _bare(row["icd10cm"])
            kind = row["match"]
            if kind == "prefix":
                fits = mine.startswith(theirs)
            elif kind.startswith("range:"):
                low, high = kind.removeprefix("range:").split("-")
                fits = len(mine) >= 3 and low <= mine[:3] <= high
            else:
                fits = mine == theirs
            if fits:
                found.add((row["concept"], row["source"]))
    return frozenset(found)


def codes_of(*concepts: Any) -> list[tuple[str, str]]:
    return fhir.known_codes(concepts)


def is_hospice_code(system: str, code: str) -> bool:
    rows = [source for concept, source in concepts_of(system, code) if concept == "palliative_or_hospice"]
    return any("hospice" in source.lower() for source in rows)


def is_palliative_code(system: str, code: str) -> bool:
    """Any other row of palliative_or_hospice."""
    rows = [source for concept, source in concepts_of(system, code) if concept == "palliative_or_hospice"]
    return any("hospice" not in source.lower() for source in rows)


def has_seizure_code(concept: Any) -> bool:
    return any("seizure_disorder" in _valid(_concepts([code])) for code in codes_of(concept))


def _concepts(codes: list[tuple[str, str]]) -> set[str]:
    return {concept for code in codes for concept, _ in concepts_of(*code)}


def _valid(concepts: set[str]) -> set[str]:
    """What an overriding row takes away, for the whole Condition."""
    gone: set[str] = set()
    if "seizure_disorder_not_valid_exclusion" in concepts:
        gone |= {"seizure_disorder"}
    if "nicotine_dependence_not_sud" in concepts:
        gone |= set(SUBSTANCE_USE)
    return concepts - gone


@dataclass(eq=False)
class Condition:
    ref: str
    codes: list[tuple[str, str]]
    concepts: set[str]
    clinically_active: bool  # by its status; a code "in remission" is not
    day: int | None  # None: always
    recorded: int | None
    abated: int | None
    later_visit: bool

    def known_by(self, day: int) -> bool:
        return self.day is None or self.day <= day

    def active_on(self, day: int) -> bool:
        over = self.abated is not None and self.abated <= day
        return self.clinically_active and self.known_by(day) and not over


def read_condition(item: fhir.Named) -> Condition | None:
    """None when it was refuted or entered in error."""
    body = item.body
    if {code for _, code, _ in fhir.codings(body.get("verificationStatus"))} & {
        "refuted",
        "entered-in-error",
    }:
        return None
    clinical = {code for _, code, _ in fhir.codings(body.get("clinicalStatus"))}
    codes = codes_of(body.get("code"))
    concepts = _valid(_concepts(codes))
    remission = any(s == fhir.ICD and _REMISSION.fullmatch(_bare(c)) for s, c in codes)
    remission = remission or any(concept.endswith("_in_remission") for concept in concepts)
    onset = days.when(body.get("onsetDateTime")) or days.when(fhir.dig(body, "onsetPeriod", "start"))
    recorded = days.when(body.get("recordedDate"))
    abated = days.when(body.get("abatementDateTime")) or days.when(fhir.dig(body, "abatementPeriod", "end"))
    day = onset or recorded
    first_recorded = recorded or onset
    return Condition(
        ref=item.ref,
        codes=codes,
        concepts=concepts,
        clinically_active=not remission
        and (not clinical or bool(clinical & {"active", "recurrence", "relapse"})),
        day=day.first if day else None,
        recorded=first_recorded.first if first_recorded else None,
        abated=abated.last if abated else None,
        later_visit=any(s == fhir.ICD and _is_later_visit(_bare(c)) for s, c in codes),
    )


def _is_later_visit(code: str) -> bool:
    """The 7th character D or S; of a fracture also E to H, J, K, M, N, P to R."""
    if len(code) < 7:
        return False
    fracture = any(concept == "hip_fracture" for concept, _ in concepts_of(fhir.ICD, code))
    return code[6] in ("DSEFGHJKMNPQR" if fracture else "DS")


def is_r14_event(condition: Condition) -> bool:
    return bool(condition.concepts & concepts_of_r14_events()) and not condition.later_visit


def is_r16_event(condition: Condition) -> bool:
    return bool(condition.concepts & concepts_of_r16_events()) and not condition.later_visit
