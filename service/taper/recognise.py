"""Do the doses of an episode step down, and has that come to its end?  (rules.md, Taper)"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.exposure import Exposure
from service.exposure.dose import daily_mg
from service.exposure.length import TOLERANCE
from service.model.days import Day, Days
from service.model.exposure import Episode
from service.model.steps import Steps, steps_of
from service.taper.plan import Plan, days_of


@dataclass(frozen=True, slots=True)
class Level:
    """A typical DME held on consecutive covered days of an episode; None: unknown.

    `held_on` is the day by which it was held long enough to count; None: it never was.
    """

    start: Day
    days: int
    dme: float | None
    held_on: Day | None = None


def levels(exposure: Exposure, start: Day, day: Day) -> tuple[Level, ...]:
    """The levels of the episode that began on `start`, up to `day`; short runs are dropped.

    Days without supply are passed over; equal neighbours, also after a drop, are one level.
    """
    return level_steps(exposure, start, day + 1).at(day)


def level_steps(exposure: Exposure, start: Day, end: Day) -> Steps[tuple[Level, ...]]:
    """On each day of `[start, end)` the levels so far of the episode that began on `start`."""
    run_min = exposure.policy.days("taper.run_min")
    runs: list[Level] = []
    for period in exposure.covered.within(start, end).periods():
        for a, b, value in exposure.dme.typical.spans(period.start, period.end):
            _extend(runs, a, b, value, run_min)
    kept: list[Level] = []
    steps: list[tuple[Day, tuple[Level, ...]]] = []
    for run in runs:
        if run.held_on is not None and not (kept and kept[-1].dme == run.dme):
            kept.append(run)
            steps.append((run.held_on, tuple(kept)))
    return steps_of((), steps)


def recognised(exposure: Exposure, found: Sequence[Level]) -> tuple[Level, ...]:
    """The last run of levels that step down far enough; empty: none."""
    least = exposure.policy.count("taper.levels_min")
    at_most = exposure.policy.number("taper.first_to_last_at_most") / 100
    for run in reversed(_descending_runs(found)):
        first, last = run[0].dme, run[-1].dme
        if len(run) >= least and first and last is not None and last <= first * at_most + TOLERANCE:
            return tuple(run)
    return ()


def finished_days(exposure: Exposure, days: Days, last: Day, episode: Episode, plans: Iterable[Plan]) -> Days:
    """Those of `days` on which a taper has come down to a last dose that may be left off.

    Nothing covers them; `last` is the last covered day before them, in `episode`.  A CarePlan counts here also
    when it is completed.
    """
    uncovered = days - exposure.covered
    if not uncovered or not _is_last_dose(exposure, last):
        return Days.none()
    if recognised(exposure, levels(exposure, episode.start, last)):
        return uncovered
    return uncovered & (days_of(plans) | _after_care_plan(exposure))


def _after_care_plan(exposure: Exposure) -> Days:
    """From the start of a CarePlan, active or completed, on."""
    window = exposure.window
    if window is None:
        return Days.none()
    return Days.union(  # no others are known
        Days.span(window.start if plan.start is None else plan.start, window.end)
        for plan in exposure.facts.plans
    )


def _is_last_dose(exposure: Exposure, day: Day) -> bool:
    policy = exposure.policy
    typical = exposure.dme_with_z_drugs.typical.at(day)
    if typical is None:
        return False
    if typical <= policy.number("taper.finished_dme") + TOLERANCE:
        return True
    low_enough = typical <= policy.number("taper.finished_dme_smallest_tablet") + TOLERANCE
    return low_enough and _at_smallest_tablet(exposure, day)


def _at_smallest_tablet(exposure: Exposure, day: Day) -> bool:
    for ingredient, mg in daily_mg(exposure.supplies, day).items():
        known = exposure.knowledge.equivalences.get(ingredient)
        if mg is None or known is None or not known.oral_strengths_mg:
            return False
        if mg.mid > known.oral_strengths_mg[0] + TOLERANCE:
            return False
    return True


def _extend(runs: list[Level], start: Day, end: Day, dme: float | None, run_min: int) -> None:
    """Add the days of `[start, end)` to the last run, or begin another one."""
    is_same = bool(runs) and runs[-1].dme == dme
    before = runs.pop() if is_same else Level(start, 0, dme)
    days = before.days + end - start
    held_on = before.held_on
    if held_on is None and days >= run_min:
        held_on = start + run_min - before.days - 1
    runs.append(Level(before.start, days, dme, held_on))


def _descending_runs(found: Sequence[Level]) -> list[list[Level]]:
    runs: list[list[Level]] = []
    for level in found:
        before = runs[-1][-1].dme if runs else None
        if before is not None and level.dme is not None and level.dme < before:
            runs[-1].append(level)
        else:
            runs.append([level])
    return runs
