"""Levels, tapers, and R13 (rules.md, `Taper` and R13)."""

import itertools
from dataclasses import dataclass

from . import days
from .case import ROUTINE, URGENT, Case, Holding
from .exposure import Episode
from .knowledge import equivalence


@dataclass
class Level:
    value: float | None  # None: unknown, neither lower nor higher than another
    first: int
    last: int


def levels_of(case: Case, d: int, episode: Episode) -> list[Level]:
    """Runs of equal typical DME over the covered days up to d; runs of fewer than 5 days are dropped."""
    last = next((day for day in reversed(episode.covered) if day <= d), None)  # the same until the next
    key = episode.start, last
    if key not in case.levels:
        case.levels[key] = _levels_of(case, d, episode)
    return case.levels[key]


def _levels_of(case: Case, d: int, episode: Episode) -> list[Level]:
    runs: list[tuple[float | None, list[int]]] = []
    for day in episode.covered:
        if day > d:
            break
        dme = case.exposure.dme(day)
        value = None if dme is None else dme[1]
        if runs and runs[-1][0] == value:
            runs[-1][1].append(day)
        else:
            runs.append((value, [day]))
    levels: list[Level] = []
    for value, run in runs:
        if len(run) < case.policy("taper.run_min"):
            continue
        if levels and levels[-1].value == value:
            levels[-1].last = run[-1]
        else:
            levels.append(Level(value, run[0], run[-1]))
    return levels


def recognised_run(case: Case, levels: list[Level]) -> list[Level]:
    """The last run of 3 or more levels, each lower than the one before, first to last at most 70 %."""
    runs: list[list[Level]] = []
    for level in levels:
        if runs and _is_lower(level, runs[-1][-1]):
            runs[-1].append(level)
        else:
            runs.append([level])
    share = case.policy("taper.first_to_last_at_most") / 100
    fitting = [run for run in runs if len(run) >= case.policy("taper.levels_min") and _fell_to(share, run)]
    return fitting[-1] if fitting else []


def _is_lower(level: Level, before: Level) -> bool:
    return before.value is not None and level.value is not None and days.above(before.value, level.value)


def _fell_to(share: float, run: list[Level]) -> bool:
    first, last = run[0].value, run[-1].value
    return first is not None and last is not None and days.at_most(last, share * first)


def finished(case: Case, d: int, episode: Episode) -> bool:
    """A recognised taper (or an active or completed plan) whose last dose was small, and nothing covers d."""
    view, p = case.view(d), case.policy
    last = view.last_covered
    if view.covered or last is None:
        return False
    begun = any(x.start is None or x.start <= d for x in case.facts.plans)  # active or completed
    plan = begun or bool(case.taper_plans(d, episode))
    if not plan and not recognised_run(case, levels_of(case, d, episode)):
        return False
    dme = case.exposure.dme_with_z_drugs(last)
    if dme is None:
        return False
    if days.at_most(dme[1], p("taper.finished_dme")):
        return True
    smallest = True
    for ingredient, mg in case.exposure.daily_mg(last).items():
        row = equivalence().get(ingredient)
        tablet = row.smallest_tablet if row is not None else None
        fits = mg is not None and tablet is not None and days.at_most((mg[0] + mg[1]) / 2, tablet)
        smallest = smallest and fits
    return smallest and days.at_most(dme[1], p("taper.finished_dme_smallest_tablet"))


def r13(case: Case, d: int) -> Holding | None:
    view, p = case.view(d), case.policy
    episode = view.episode
    if episode is None:
        last = view.last_episode
        if last is None or d - last.end > p("R13.look_back_episode_end"):
            return None
        episode = last
    done = finished(case, d, episode)
    plans = case.taper_plans(d, episode)
    levels = levels_of(case, d, episode)
    run = recognised_run(case, levels)
    if not plans and not run and not done:
        return None
    plan_start = min(plans) if plans else None
    begin = run[0].first if run else plan_start
    variants: list[tuple[str, str, int]] = []
    if (plans or run) and too_fast(case, d):
        variants.append(("too fast", URGENT, int(p("R13.fast_due"))))
    if (plans or run) and view.covered:
        if _stalled(case, d, levels, begin, plan_start):
            variants.append(("stalled", ROUTINE, int(p("R13.stalled_due"))))
        if _rebound(case, levels, begin):
            variants.append(("rebound", ROUTINE, int(p("R13.rebound_due"))))
    after = d - view.last_covered if view.last_covered is not None else 0
    windows = (p("R13.finished_first"), p("R13.finished_second"))
    if done and any(low <= after < high for low, high in windows):
        variants.append(("finished", ROUTINE, int(p("R13.finished_due"))))
    if not variants:
        return None
    priority = URGENT if any(v[1] == URGENT for v in variants) else ROUTINE
    plus = min(n for _, level, n in variants if level == priority)
    return Holding(priority, plus=plus, variants=tuple(name for name, _, _ in variants))


def too_fast(case: Case, d: int) -> bool:
    """Against any covered day of the 14 before: fell by more than a quarter, by more than 1 mg, from more than 5 mg."""
    p = case.policy
    now = case.exposure.dme(d)
    if now is None or not case.exposure.covered(d):
        return False
    for day in range(d - int(p("R13.fast_window")), d):
        then = case.exposure.dme(day)
        if then is None or not case.exposure.covered(day):
            continue
        fall = then[1] - now[1]
        share = p("R13.fast_fall_over") / 100 * then[1]
        if (
            days.above(fall, share)
            and days.above(fall, p("R13.fast_step_over"))
            and days.above(then[1], p("R13.fast_from_over"))
        ):
            return True
    return False


def _stalled(case: Case, d: int, levels: list[Level], begin: int | None, plan_start: int | None) -> bool:
    cuts = [
        level.first
        for before, level in itertools.pairwise(levels)
        if _is_lower(level, before) and (begin is None or level.first >= begin)
    ]
    last_cut = cuts[-1] if cuts else plan_start
    if last_cut is None:
        return False
    return bool(case.policy("R13.stalled_from") <= d - last_cut <= case.policy("R13.stalled_to"))


def _rebound(case: Case, levels: list[Level], begin: int | None) -> bool:
    ends: list[int | None] = [level.first for level in levels[1:]]
    since = [
        level.value
        for level, end in zip(levels, [*ends, None], strict=False)  # a level lasts until the next
        if begin is None or end is None or end > begin
    ]
    known = [value for value in since if value is not None]
    if not known or since[-1] is None:
        return False
    lowest, current = min(known), since[-1]
    ratio = case.policy("R13.rebound_ratio")
    return days.at_least(current, ratio * lowest) and days.above(current, lowest)
