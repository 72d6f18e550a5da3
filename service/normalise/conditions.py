"""Conditions, and whatever else is coded like them, as concepts of conditions.csv (rules.md, Condition X)."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.knowledge import Conditions, System, is_later_visit, system_of
from service.model.days import Day
from service.model.facts import ConditionFact
from service.record.datatypes import CodeableConcept, Coding
from service.record.dates import first_day, last_day
from service.record.elements import Condition

PALLIATIVE_OR_HOSPICE = "palliative_or_hospice"
_ACTIVE = frozenset({"active", "recurrence", "relapse"})
_NOT_SO = frozenset({"refuted", "entered-in-error"})
_LABELS = {System.SNOMED: "SNOMED CT", System.ICD10: "ICD-10"}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What codings together stand for."""

    concepts: frozenset[str] = frozenset()
    code: str = ""  # "ICD-10 S72.001G": the first that stands for something
    hospice: bool = False
    palliative: bool = False  # palliative care, or a referral to hospice
    later_visit: bool = False
    in_remission: bool = False  # a use disorder that is not active now


def meaning_of(concepts: Iterable[CodeableConcept | None], conditions: Conditions) -> Meaning:
    """What the codings of some concepts stand for; one that overrides another does so for all of them."""
    found: set[str] = set()
    overridden: set[str] = set()
    code = ""
    hospice = palliative = later = in_remission = False
    for coding in (one for concept in concepts if concept is not None for one in concept.codings):
        system, written = system_of(coding.system), (coding.code or "").strip()
        rows = conditions.rows_of(system, written) if system and written else ()
        if not rows:
            continue
        code = code or _label(coding, system, written)
        own = {row.concept for row in rows}
        found |= own
        for concept in own:
            overridden |= conditions.overridden_by(concept)
        in_remission = in_remission or conditions.is_in_remission(system, written)
        hospice = hospice or any(row.is_hospice for row in rows)
        palliative = palliative or any(
            row.concept == PALLIATIVE_OR_HOSPICE and not row.is_hospice for row in rows
        )
        of_fracture = any("fracture" in concept for concept in own)
        later = later or (system is System.ICD10 and is_later_visit(written, of_fracture=of_fracture))
    return Meaning(frozenset(found - overridden), code, hospice, palliative, later, in_remission)


def _label(coding: Coding, system: System | None, code: str) -> str:
    if coding.system and coding.system.endswith("icd-10-cm"):
        return f"ICD-10-CM {code}"
    return f"{_LABELS.get(system, '') if system else ''} {code}".strip()


def condition_fact(
    condition: Condition, conditions: Conditions, timezone: str | None
) -> ConditionFact | None:
    """The Condition as a fact; None when it is of no concept that we know."""
    meaning = meaning_of((condition.code,), conditions)
    if not meaning.concepts:
        return None
    period = condition.onset_period
    onset = first_day(condition.onset_date_time or (period.start if period else None), timezone)
    recorded = first_day(condition.recorded_date, timezone)
    return ConditionFact(
        reference=condition.reference,
        concepts=meaning.concepts,
        code=meaning.code,
        active=_is_active(condition.clinical_status)
        and not condition.abatement_boolean
        and not meaning.in_remission,
        valid=not _codes(condition.verification_status) & _NOT_SO,
        start=recorded if onset is None else onset,
        recorded=onset if recorded is None else recorded,
        abated=_abated(condition, timezone),
        hospice=meaning.hospice,
        later_visit=meaning.later_visit,
    )


def _is_active(status: CodeableConcept | None) -> bool:
    codes = _codes(status)
    return not codes or bool(codes & _ACTIVE)


def _codes(status: CodeableConcept | None) -> set[str]:
    return {one.code.strip().lower() for one in status.codings if one.code} if status else set()


def _abated(condition: Condition, timezone: str | None) -> Day | None:
    period = condition.abatement_period
    end = last_day(condition.abatement_date_time or (period.end if period else None), timezone)
    return first_day(period.start, timezone) if end is None and period else end
