"""R05: an opioid at the same time."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.model.assessment import Priority
from service.model.days import Day, Days
from service.rules.care import palliative
from service.rules.case import Case, iso, references
from service.rules.rule import Account, Holding, Rule

_LESS_PRESSING = ("cancer_pain", "sickle_cell_disease")


@dataclass(frozen=True, slots=True)
class Overlap:
    """Days of a benzodiazepine episode and an opioid together, without long holes."""

    start: Day
    days: Days
    until: Day  # the start of the next one, else the end of the window


def holdings(case: Case) -> Sequence[Holding]:
    if not case.exposure.opioids:
        return ()
    new, ongoing = case.remember(new_days), ongoing_days(case)
    less_pressing = case.condition(_LESS_PRESSING)
    less_pressing |= case.remember(palliative)  # S3: shown as routine
    asap = new - naloxone_days(case) - less_pressing
    unreviewed = ongoing - case.reviewed_within(case.policy.days("R05.urgent_without_review"))
    urgent = (new | unreviewed) - less_pressing
    return (
        Holding(new | ongoing, Priority.ROUTINE),
        Holding(urgent, Priority.URGENT),
        Holding(asap, Priority.ASAP),
    )


def overlap_days(case: Case, start: Day) -> Days:
    """The days that the episode begun on `start` and an opioid cover."""
    if case.exposure.window is None:
        return Days.none()
    following = min((s for s in case.ongoing_by_start if s > start), default=case.exposure.window.end)
    return case.remember(_together).within(start, following)


def _together(case: Case) -> Days:
    opioid = Days.union(supply.days for supply in case.exposure.opioids)
    return case.exposure.covered & opioid


def overlaps(case: Case, start: Day) -> list[Overlap]:
    """The overlaps of an episode, earliest first."""
    hole, window = case.policy.days("R05.hole_ends_stretch"), case.exposure.window
    if window is None:
        return []
    groups: list[Days] = []
    for run in overlap_days(case, start).periods():
        days = Days.span(run.start, run.end)
        if groups and run.start - _after(groups[-1]) < hole:
            groups[-1] |= days
        else:
            groups.append(days)
    following = [*(group.origin for group in groups[1:]), window.end]
    return [Overlap(group.origin, group, until) for group, until in zip(groups, following, strict=False)]


def _after(days: Days) -> Day:
    last = days.last()
    return 0 if last is None else last + 1


def new_days(case: Case) -> Days:
    """The days on which the present overlap is new: it began lately, and was not reviewed since."""
    lately, present = case.policy.days("R05.new_within"), case.policy.days("R05.latest_within")
    return Days.union(
        (
            overlap.days.widen(after=present - 1).within(
                overlap.start, min(overlap.until, overlap.start + lately + 1)
            )
            & days
        )
        - case.reviewed_since(overlap.start)
        for start, days in case.ongoing_by_start.items()
        for overlap in overlaps(case, start)
    )


def ongoing_days(case: Case) -> Days:
    """The days with enough overlap days in the last year, one of them lately."""
    window, least = case.policy.days("R05.ongoing_window") + 1, case.policy.days("R05.ongoing_days")
    lately = case.policy.days("R05.ongoing_latest_within")
    return Days.union(
        overlap_days(case, start).counted(window, least)
        & overlap_days(case, start).widen(after=lately - 1)
        & days
        for start, days in case.ongoing_by_start.items()
    )


def naloxone_days(case: Case) -> Days:
    """The days on which a naloxone order is not too long ago."""
    look_back = case.policy.days("R05.naloxone_look_back")
    return Days.union(Days.span(day, day + look_back + 1) for day in case.naloxone)


def account(case: Case, day: Day, priority: Priority) -> Account:
    episode = case.exposure.last_episode.at(day)
    if episode is None:
        raise ValueError("R05 holds only in an episode")
    is_new = day in case.remember(new_days)
    present = [overlap for overlap in overlaps(case, episode.start) if overlap.start <= day][-1]
    since = present.start if is_new else episode.start
    days = overlap_days(case, episode.start).within(since, day + 1)
    opioids = [s for s in case.exposure.opioids if s.days & days]
    benzodiazepines = [s for s in episode.supplies if s.days & days]
    due = {
        Priority.ASAP: "R05.due_asap",
        Priority.URGENT: "R05.due_urgent",
        Priority.ROUTINE: "R05.due_routine",
    }[priority]
    used = ("R05.new_within", "R05.latest_within") if is_new else ("R05.ongoing_days", "R05.ongoing_window")
    has_naloxone = day in naloxone_days(case)
    return Account(
        facts={
            "variant": "new" if is_new else "ongoing",
            "opioids": sorted({supply.ingredient for supply in opioids}),
            "overlap_began": iso(present.start),
            "last_overlap_day": iso(days.last() or day),
            "overlap_today": day in days,
            "naloxone_on_record": has_naloxone,
            "naloxone_decided": priority is Priority.ASAP,
            "opioid_use_disorder_medication": any(supply.drug.moud for supply in opioids),
            "cancer_pain_or_sickle_cell": day in case.condition(_LESS_PRESSING),
        },
        evidence=references([*benzodiazepines, *opioids]),
        numbers=(*used, "R05.hole_ends_stretch", "R05.naloxone_look_back", due),
        due_after=case.policy.days(due),
    )


R05 = Rule("R05", holdings, account)
