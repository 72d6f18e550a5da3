"""The product: one patient's record and a day → what is due, why, and when to look again (pure)."""

from collections.abc import Iterable
from datetime import date

from service.exposure import Exposure, build_exposure
from service.exposure.dose import daily_mg
from service.knowledge import Knowledge, Policy
from service.model.assessment import (
    Assessment,
    DmeToday,
    EpisodeSummary,
    Finding,
)
from service.model.assessment_json import render
from service.model.days import Day, date_of, day_of
from service.model.exposure import Episode
from service.model.facts import Facts, Role, SetAside
from service.normalise import facts_of
from service.record.group import PatientRecord
from service.rules import Case, judge
from service.rules.accepted_use import other_with_seizures
from service.rules.judge import finding
from service.rules.merge import in_order, merge
from service.rules.wake import wake_on

__all__ = ["assess", "assess_facts", "render"]

_MINOR = frozenset({"repeats_assumed", "unit_assumed", "identified_by_text", "date_imprecise"})
_PRESCRIBERS = ("Practitioner/", "PractitionerRole/")


def assess(record: PatientRecord, policy: Policy, knowledge: Knowledge, as_of: date) -> Assessment:
    """What the policy says about one patient on `as_of`, from what the record states."""
    return assess_facts(facts_of(record, knowledge, policy), policy, knowledge, as_of)


def assess_facts(facts: Facts, policy: Policy, knowledge: Knowledge, as_of: date) -> Assessment:
    """As `assess`, from facts that are already in our own words."""
    day = day_of(as_of)
    exposure = build_exposure(facts, policy, knowledge, day)
    case = Case(exposure)
    verdicts = judge(case)
    found = [each for verdict in verdicts if (each := finding(case, verdict, day)) is not None]
    findings = in_order(each for each in found if each.suppressed_by is None)
    episode = exposure.last_episode.at(day)
    flags = _flags(facts, exposure, episode, day)
    review, wake = case.last_review.at(day), wake_on(case, verdicts)
    newest = exposure.newest_order.at(day)
    failed = tuple(sorted(kind for kind, read in facts.reads.items() if read.failed))
    unavailable = tuple(sorted(kind for kind, read in facts.reads.items() if read.state == "unavailable"))
    unsure = any(aside.in_scope for aside in facts.unreadable)
    return Assessment(
        patient=facts.patient,
        as_of=as_of,
        policy=policy.label,
        complete=not failed and not unsure,
        missing=(*sorted((*failed, *unavailable)), *(("unreadable",) if unsure else ())),
        confidence=confidence(flags),
        flags=tuple(sorted(flags)),
        episode=_summary(exposure, episode, day),
        last_review=None if review is None else date_of(review),
        findings=findings,
        suppressed=_by_rule(each for each in found if each.suppressed_by is not None),
        item=merge(findings),
        wake_on=None if wake is None else date_of(wake),
        unreadable=facts.unreadable,
        ignored=facts.ignored,
        listed=_is_listed(facts),
        focus=newest.reference if newest else None,
        prescriber=newest.requester if newest and _can_own(newest.requester) else None,
        failed_reads=failed,
        unavailable_reads=unavailable,
        cautions=("S8",) if day in case.remember(other_with_seizures) else (),
    )


def confidence(flags: frozenset[str]) -> str:
    """`high` without flags, `medium` with none but minor ones, else `low` (exposure.md §5)."""
    if not flags:
        return "high"
    return "medium" if flags <= _MINOR else "low"


def _by_rule(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda each: each.rule))


def _flags(facts: Facts, exposure: Exposure, episode: Episode | None, day: Day) -> frozenset[str]:
    flags = facts.flags
    if facts.born is None:
        flags |= {"age_unknown"}
    return flags if episode is None else flags | exposure.flags(episode, day)


def _summary(exposure: Exposure, episode: Episode | None, day: Day) -> EpisodeSummary | None:
    """The ongoing episode, else the last one, as it stands on `day`."""
    if episode is None:
        return None
    return EpisodeSummary(
        start=date_of(episode.start),
        end=date_of(episode.end_on(day)),
        covered_days=exposure.covered.count(episode.start, day + 1),
        ongoing=day in exposure.ongoing,
        covered=day in exposure.covered,
        new_use=exposure.is_new_use(episode),
        regular=exposure.is_regular(day),
        ingredients=episode.ingredients,
        daily_dose_mg=daily_mg(exposure.supplies, day),
        dme=_dme(exposure, day),
        dependence=exposure.dependence(day),
    )


def _dme(exposure: Exposure, day: Day) -> DmeToday | None:
    low, typical, high = (
        each.at(day) for each in (exposure.dme.low, exposure.dme.typical, exposure.dme.high)
    )
    return None if low is None or typical is None or high is None else DmeToday(low, typical, high)


def _is_listed(facts: Facts) -> bool:
    """Whether anything of the patient is, or may be, about a drug in scope."""
    asides: tuple[SetAside, ...] = (*facts.unreadable, *facts.ignored)
    drugs = [*(order.drug for order in facts.orders), *(fill.drug for fill in facts.fills)]
    return any(drug.role is Role.IN_SCOPE for drug in drugs) or any(aside.in_scope for aside in asides)


def _can_own(requester: str | None) -> bool:
    """Whether the requester is a reference that a Task can name as its owner."""
    return requester is not None and requester.startswith(_PRESCRIBERS)
