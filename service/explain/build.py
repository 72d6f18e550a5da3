"""Explains the answer of `assess`: the same exposure and the same rules once more, kept instead of summed up."""

from collections.abc import Iterator
from itertools import pairwise

from service.explain.events import timeline
from service.explain.explanation import (
    Assumption,
    Changes,
    Dependence,
    DoseRange,
    EpisodeTold,
    Event,
    Explanation,
    Factor,
    HeldBack,
)
from service.explain.readings import readings
from service.exposure import Exposure, build_exposure
from service.exposure.dose import daily_mg
from service.exposure.stale import forgotten
from service.knowledge import Knowledge, Policy
from service.model.assessment import Assessment, DmeToday, Finding
from service.model.days import Day, date_of, day_of
from service.model.exposure import Supply
from service.normalise import facts_of
from service.record.group import PatientRecord
from service.rules import Case, judge
from service.rules.judge import Verdict

_DEPENDENCE = (
    "regular.window", "regular.sum_min", "dependence.covered_within", "dependence.possible_below",
    "dependence.likely_from", "dependence.mean_over", "dependence.low_dose_at_most",
)  # fmt: skip
_BY_OUTCOME = frozenset({"S12", "S13", "S15"})


def explain(record: PatientRecord, answer: Assessment, policy: Policy, knowledge: Knowledge) -> Explanation:
    """The answer of `assess` for this record, with what it rests on."""
    facts = facts_of(record, knowledge, policy)
    exposure = build_exposure(facts, policy, knowledge, day_of(answer.as_of))
    case, events = Case(exposure), timeline(exposure)
    verdicts = {verdict.held.id: verdict for verdict in judge(case)}
    return Explanation(
        answer=answer,
        readings=readings(facts, exposure),
        events=events,
        episodes=tuple(_episodes(exposure)),
        doses=tuple(_joined(_doses(exposure))),
        factors=tuple(_factors(exposure)),
        dependence=_dependence(case),
        assumed=tuple(_assumed(answer, exposure)),
        held_back=tuple(_held_back(case, verdicts[each.rule], each) for each in answer.suppressed),
        changes=_changes(case, answer, events),
        forgotten=forgotten(exposure.supplies, to=policy.days("stale.to"), day=exposure.as_of),
    )


# -- exposure ----------------------------------------------------------------------------------


def _episodes(exposure: Exposure) -> Iterator[EpisodeTold]:
    """The episodes begun by the day, each as it is known then."""
    if exposure.window is None:
        return
    known = {
        episode.start: episode
        for _, _, episode in exposure.last_episode.spans(exposure.window.start, exposure.as_of + 1)
        if episode is not None
    }
    for episode in known.values():
        yield EpisodeTold(
            start=date_of(episode.start),
            end=date_of(episode.end_on(exposure.as_of) - 1),
            covered_days=episode.covered.count(episode.start, exposure.as_of + 1),
            gap_days=episode.gap,
            ingredients=episode.ingredients,
        )


def _doses(exposure: Exposure) -> Iterator[DoseRange]:
    edges: set[Day] = set()
    for supply in exposure.supplies:
        for span in supply.doses:
            edges |= {span.start, _shown_end(supply, span.end, exposure.as_of)}
    for start, end in pairwise(sorted(edges)):
        mg = daily_mg((s for s in exposure.supplies if start < _shown_end(s, s.end, exposure.as_of)), start)
        yield DoseRange(date_of(start), date_of(end - 1), mg, _dme(exposure, start))


def _shown_end(supply: Supply, end: Day, as_of: Day) -> Day:
    """An open supply is shown to the day asked about."""
    return min(end, as_of + 1) if supply.is_open(as_of) else end


def _joined(ranges: Iterator[DoseRange]) -> Iterator[DoseRange]:
    """Neighbours of one dose as one."""
    before: DoseRange | None = None
    for each in ranges:
        if before is not None and (before.daily_mg, before.dme) == (each.daily_mg, each.dme):
            before = DoseRange(before.start, each.end, each.daily_mg, each.dme)
            continue
        if before is not None:
            yield before
        before = each
    if before is not None:
        yield before


def _dme(exposure: Exposure, day: Day) -> DmeToday | None:
    levels = (exposure.dme.low, exposure.dme.typical, exposure.dme.high)
    low, typical, high = (each.at(day) for each in levels)
    return None if low is None or typical is None or high is None else DmeToday(low, typical, high)


def _factors(exposure: Exposure) -> Iterator[Factor]:
    for name in sorted({supply.ingredient for supply in exposure.supplies}):
        known = exposure.knowledge.equivalences.get(name)
        if known is not None:
            yield Factor(name, known.dme_per_mg_low, known.dme_per_mg, known.dme_per_mg_high, known.source)


def _dependence(case: Case) -> Dependence:
    exposure, day = case.exposure, case.as_of
    episode, last = exposure.last_episode.at(day), exposure.covered.last_until(day)
    used = exposure.use(day).sum(day - case.policy.days("regular.window") + 1, day + 1)
    days = last - episode.start + 1 if episode is not None and last is not None else 0
    return Dependence(used, days, case.numbers(_DEPENDENCE))


def _assumed(answer: Assessment, exposure: Exposure) -> Iterator[Assumption]:
    for flag in answer.flags:
        found = (s.reference for s in exposure.supplies if _has_flag(s, flag, exposure))
        yield Assumption(flag, tuple(dict.fromkeys(found)))


def _has_flag(supply: Supply, flag: str, exposure: Exposure) -> bool:
    if flag == "open_ended":
        return supply.is_open(exposure.as_of)
    if flag == "dose_unknown":
        unknown = any(span.mg is None for span in supply.doses)
        return unknown or supply.ingredient not in exposure.knowledge.equivalences
    return flag in supply.flags or (flag == "frequency_unknown" and supply.as_needed)


# -- rules -------------------------------------------------------------------------------------


def _held_back(case: Case, verdict: Verdict, finding: Finding) -> HeldBack:
    end = verdict.muted.run_end(case.as_of)
    window = case.exposure.window
    seen = end is not None and window is not None and end < window.end
    outcome = case.latest_outcome.at(case.as_of)
    by = finding.suppressed_by or ""
    return HeldBack(
        finding=finding,
        by=by,
        until=date_of(end - 1) if seen and end is not None else None,
        holds_after=seen and end is not None and end in verdict.held.days,
        basis=(outcome.reference,) if by in _BY_OUTCOME and outcome is not None else (),
    )


def _changes(case: Case, answer: Assessment, events: tuple[Event, ...]) -> Changes | None:
    """What began after the latest answer or review."""
    outcome = case.latest_outcome.at(case.as_of)
    days = [day_of(answer.last_review)] if answer.last_review else []
    days += [outcome.day] if outcome is not None else []
    if not days:
        return None
    since, typical = max(days), case.exposure.dme.typical
    return Changes(
        since=date_of(since),
        events=tuple(event for event in events if event.start > date_of(since)),
        dme_then=typical.at(since),
        dme_now=typical.at(case.as_of),
    )
