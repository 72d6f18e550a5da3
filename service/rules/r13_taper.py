"""R13: how a taper goes: too fast, stalled, going back up, finished."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from service.exposure.length import TOLERANCE
from service.model.assessment import Priority
from service.model.days import Day, Days
from service.model.steps import pieces
from service.rules.case import Case, iso, references
from service.rules.rule import Account, Holding, Rule
from service.taper.recognise import Level, finished_days, level_steps, recognised

_DUE = {
    "too fast": "R13.fast_due",
    "stalled": "R13.stalled_due",
    "rebound": "R13.rebound_due",
    "finished": "R13.finished_due",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """Days of a taper with the same levels: since when it goes on, its last cut and its lowest level."""

    days: Days
    start: Day
    last_cut: Day | None
    current: float | None
    lowest: float | None


def holdings(case: Case) -> Sequence[Holding]:
    found = case.remember(variants)
    return (
        Holding(Days.union(found.values()), Priority.ROUTINE),
        Holding(found["too fast"], Priority.URGENT),
    )


def variants(case: Case) -> Mapping[str, Days]:
    """The days of each variant."""
    stages = case.remember(stages_of)
    tapering = Days.union(stage.days for stage in stages)
    return {
        "too fast": _fell_fast(case) & tapering if tapering else tapering,
        "stalled": Days.union(_stalled(case, stage) for stage in stages),
        "rebound": Days.union(stage.days for stage in stages if _is_back_up(case, stage))
        & case.exposure.covered,
        "finished": Days.union(_followed_up(case)),
    }


def stages_of(case: Case) -> tuple[Stage, ...]:
    """The days of ongoing episodes with a taper, planned or recognised."""
    return tuple(
        stage
        for start, days in case.ongoing_by_start.items()
        for run in days.periods()
        for a, b, found in level_steps(case.exposure, start, run.end).spans(run.start, run.end)
        for stage in _stages(case, found, Days.span(a, b))
    )


def _stages(case: Case, found: Sequence[Level], days: Days) -> Iterator[Stage]:
    run = recognised(case.exposure, found)
    if run:
        yield _stage(days, found, run[0].start, planned=None)
        return
    for piece in (days & case.taper_planned).periods():
        for a, b in pieces(piece.start, piece.end, *(plan.days for plan in case.taper_plans)):
            begun = min(plan.start for plan in case.taper_plans if a in plan.days)  # of those in force then
            yield _stage(Days.span(a, b), found, begun, planned=begun)


def _stage(days: Days, found: Sequence[Level], start: Day, planned: Day | None) -> Stage:
    cuts = [
        after.start
        for before, after in pairwise(found)
        if after.start >= start
        and before.dme is not None
        and after.dme is not None
        and after.dme < before.dme
    ]
    ends = [level.start for level in found[1:]]
    since = [
        level.dme for level, end in zip(found, [*ends, None], strict=False) if end is None or end > start
    ]
    return Stage(
        days=days,
        start=start,
        last_cut=cuts[-1] if cuts else planned,
        current=found[-1].dme if found else None,
        lowest=min((dme for dme in since if dme is not None), default=None),
    )


def _fell_fast(case: Case) -> Days:
    """The days on which the dose is much lower than on some day of the last two weeks."""
    policy, exposure = case.policy, case.exposure
    share = 1 - policy.number("R13.fast_fall_over") / 100
    step, above, window = (
        policy.number("R13.fast_step_over"),
        policy.number("R13.fast_from_over"),
        exposure.window,
    )
    if window is None:
        return Days.none()
    typical, found = exposure.dme.typical, Days.none()
    for level in {value for _, value in typical.steps if value is not None and value > above + TOLERANCE}:
        held = typical.days_where(partial(_is, level), window.start, window.end) & exposure.covered
        most = min(level * share, level - step) - TOLERANCE
        low = typical.days_where(partial(_is_below, most), window.start, window.end) & exposure.covered
        found |= held.shift(1).widen(after=policy.days("R13.fast_window") - 1) & low
    return found


def _is(level: float, value: float | None) -> bool:
    return value == level


def _is_below(most: float, value: float | None) -> bool:
    return value is not None and value < most


def _stalled(case: Case, stage: Stage) -> Days:
    if stage.last_cut is None:
        return Days.none()
    first, last = case.policy.days("R13.stalled_from"), case.policy.days("R13.stalled_to")
    return stage.days.within(stage.last_cut + first, stage.last_cut + last + 1) & case.exposure.covered


def _is_back_up(case: Case, stage: Stage) -> bool:
    if stage.current is None or stage.lowest is None or stage.current <= stage.lowest + TOLERANCE:
        return False
    return stage.current >= stage.lowest * case.policy.number("R13.rebound_ratio") - TOLERANCE


def _followed_up(case: Case) -> Iterator[Days]:
    """The days of the two follow-ups after a finished taper with nothing in scope since."""
    exposure = case.exposure
    for gap in (exposure.all_days - exposure.covered).periods():
        last = gap.start - 1
        episode = exposure.last_episode.at(last)
        if episode is None:
            continue
        for name in ("R13.finished_first", "R13.finished_second"):
            first, end = case.policy.window(name)
            days = Days.span(last + first, min(last + end, gap.end))
            if days:
                yield finished_days(exposure, days, last, episode, case.taper_plans)


def account(case: Case, day: Day, priority: Priority) -> Account:
    found = [name for name, days in case.remember(variants).items() if day in days]
    fitting = [name for name in found if (name == "too fast") == (priority is Priority.URGENT)]
    due = min((_DUE[name] for name in fitting), key=case.policy.days)
    stage = next((stage for stage in case.remember(stages_of) if day in stage.days), None)
    episode = case.exposure.last_episode.at(day)
    last_cut = stage.last_cut if stage else None
    plans = tuple(plan.reference for plan in case.taper_plans if day in plan.days)
    return Account(
        facts={
            "variants": found,
            "taper_began": iso(stage.start) if stage else None,
            "last_cut": None if last_cut is None else iso(last_cut),
            **_doses(case, day, stage),
        },
        evidence=tuple(dict.fromkeys((*references(episode.supplies if episode else ()), *plans))),
        numbers=("taper.levels_min", "taper.first_to_last_at_most", due, *_numbers(found)),
        due_after=case.policy.days(due),
    )


def _doses(case: Case, day: Day, stage: Stage | None) -> dict[str, object]:
    """The typical DME on the day, the highest shortly before, the lowest of the taper, the last covered day."""
    exposure = case.exposure
    window, last = case.policy.days("R13.fast_window"), exposure.covered.last_until(day)
    covered = exposure.covered.within(day - window, day)
    before = [exposure.dme.typical.at(run.start) for run in covered.periods()]
    before += [value for start, value in exposure.dme.typical.steps if start in covered]
    return {
        "dme_mg": exposure.dme.typical.at(day),
        "highest_before_dme_mg": max((value for value in before if value is not None), default=None),
        "lowest_dme_mg": stage.lowest if stage else None,
        "last_covered_day": None if last is None else iso(last),
    }


def _numbers(found: Sequence[str]) -> Iterator[str]:
    if "too fast" in found:
        yield from ("R13.fast_window", "R13.fast_fall_over", "R13.fast_step_over", "R13.fast_from_over")
    if "stalled" in found:
        yield from ("R13.stalled_from", "R13.stalled_to")
    if "rebound" in found:
        yield "R13.rebound_ratio"
    if "finished" in found:
        yield from ("R13.finished_first", "R13.finished_second")


R13 = Rule("R13", holdings, account)
