"""Evidence of reviews, plans, stays and deliveries (rules.md: last_review, S2–S4, R09, taper plan)."""

from collections.abc import Callable

from service.knowledge import Knowledge, System, system_of
from service.model.days import Day
from service.model.facts import DeliveryFact, EncounterFact, PlanFact, ProcedureFact, ReviewFact
from service.normalise.conditions import Meaning, meaning_of
from service.record.datatypes import CodeableConcept, Period, Reference
from service.record.dates import first_day, last_day
from service.record.elements import CarePlan, Encounter, Observation, Procedure, QuestionnaireResponse

REVIEW_FORM = "urn:reviewdue:questionnaire:review"
TAPER_PLAN = ("urn:reviewdue:careplan", "benzodiazepine-taper")
EXPECTED_DELIVERY = "11778-8"  # LOINC: delivery date, estimated

_FINAL = frozenset({"final", "amended", "corrected"})
_HERE = frozenset({"in-progress", "arrived", "onleave"})
_NEVER = frozenset({"cancelled", "entered-in-error", "planned"})

MeaningOf = Callable[[Reference], Meaning | None]
"""A reference within the record → what the resource stands for."""


def period_day(period: Period | None, timezone: str | None) -> Day | None:
    """Its end, else its start."""
    if period is None:
        return None
    end = last_day(period.end, timezone)
    return first_day(period.start, timezone) if end is None else end


def procedure_day(procedure: Procedure, timezone: str | None) -> Day | None:
    """When it was performed."""
    day = first_day(procedure.performed_date_time, timezone)
    return period_day(procedure.performed_period, timezone) if day is None else day


def observation_day(observation: Observation, timezone: str | None) -> Day | None:
    """When it was true."""
    day = first_day(observation.effective_date_time or observation.effective_instant, timezone)
    return period_day(observation.effective_period, timezone) if day is None else day


# -- reviews -------------------------------------------------------------------------------------


def review_of_procedure(
    procedure: Procedure, knowledge: Knowledge, timezone: str | None
) -> ReviewFact | None:
    """The review that a completed Procedure is evidence of."""
    if procedure.status != "completed":
        return None
    strong = _strength(procedure.code, knowledge, "Procedure")
    day = procedure_day(procedure, timezone) if strong is not None else None
    if strong is None or day is None:
        return None
    return ReviewFact(procedure.reference, day, strong, "procedure")


def review_of_observation(
    observation: Observation, knowledge: Knowledge, timezone: str | None
) -> ReviewFact | None:
    """The review that a final Observation is evidence of."""
    if observation.status not in _FINAL:
        return None
    strong = _strength(observation.code, knowledge, "Observation")
    day = observation_day(observation, timezone) if strong is not None else None
    if strong is None or day is None:
        return None
    return ReviewFact(observation.reference, day, strong, "observation")


def review_of_response(response: QuestionnaireResponse, timezone: str | None) -> ReviewFact | None:
    """The review form, filled in."""
    form = (response.questionnaire or "").partition("|")[0]
    day = first_day(response.authored, timezone)
    if form != REVIEW_FORM or response.status != "completed" or day is None:
        return None
    return ReviewFact(response.reference, day, True, "response")


def _strength(code: CodeableConcept | None, knowledge: Knowledge, kind: str) -> bool | None:
    """True: strong evidence; False: moderate; None: none."""
    found = None
    for coding in code.codings if code else ():
        evidence = knowledge.reviews.evidence(system_of(coding.system), coding.code or "", kind)
        if evidence is not None and evidence.is_strong:
            return True
        if evidence is not None and evidence.is_moderate:
            found = False
    return found


# -- plans, deliveries ---------------------------------------------------------------------------


def plan_fact(plan: CarePlan, timezone: str | None) -> PlanFact | None:
    """A taper plan of ours."""
    codings = (one for category in plan.category or () for one in category.codings)
    if not any((one.system, one.code) == TAPER_PLAN for one in codings):
        return None
    period = plan.period or Period()
    start = first_day(period.start, timezone)
    if start is None:
        start = first_day(plan.created, timezone)
    return PlanFact(plan.reference, plan.status or "", start, last_day(period.end, timezone))


def delivery_fact(observation: Observation, timezone: str | None) -> DeliveryFact | None:
    """An expected date of delivery."""
    if observation.status not in _FINAL or observation.value_date_time is None:
        return None
    codings = observation.code.codings if observation.code else ()
    if not any(one.code == EXPECTED_DELIVERY and system_of(one.system) is System.LOINC for one in codings):
        return None
    expected = first_day(observation.value_date_time, timezone)
    if expected is None:
        return None
    return DeliveryFact(observation.reference, observation_day(observation, timezone), expected)


# -- stays, hospice and palliative care ----------------------------------------------------------


def procedure_fact(procedure: Procedure, knowledge: Knowledge, timezone: str | None) -> ProcedureFact | None:
    """A completed Procedure of hospice or palliative care."""
    if procedure.status != "completed":
        return None
    meaning = meaning_of((procedure.code,), knowledge.conditions)
    if not (meaning.hospice or meaning.palliative):
        return None
    day = procedure_day(procedure, timezone)
    return None if day is None else ProcedureFact(procedure.reference, day, meaning.hospice)


def encounter_fact(
    encounter: Encounter, knowledge: Knowledge, timezone: str | None, resolve: MeaningOf
) -> EncounterFact | None:
    """An Encounter that S2–S4 may ask about; None for the many others."""
    if encounter.status in _NEVER:
        return None
    stated = meaning_of((*(encounter.type or ()), *(encounter.reason_code or ())), knowledge.conditions)
    meanings = [stated, *(found for one in encounter.reason_reference or () if (found := resolve(one)))]
    stay = encounter.hospitalization
    discharge = meaning_of((stay.discharge_disposition,), knowledge.conditions) if stay else Meaning()
    hospice = any(one.hospice for one in meanings)
    palliative = any(one.palliative for one in meanings)
    if not (hospice or palliative or discharge.hospice or encounter.status in _HERE):
        return None
    period = encounter.period or Period()
    return EncounterFact(
        reference=encounter.reference,
        status=encounter.status or "",
        klass=next(iter(encounter.class_codes), None),
        start=first_day(period.start, timezone),
        end=last_day(period.end, timezone),
        hospice=hospice,
        palliative=palliative,
        hospice_discharge=discharge.hospice,
    )
