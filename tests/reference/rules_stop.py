"""R04: stopped, lapsed, running out, halved, gone quiet."""

import itertools

from . import days, fhir
from .case import ASAP, URGENT, Case, Holding
from .exposure import Episode
from .knowledge import equivalence
from .rules_review import stated_no_repeats
from .taper import finished


def r04(case: Case, d: int) -> Holding | None:
    view, p = case.view(d), case.policy
    episode = view.episode
    if episode is None:
        last = view.last_episode
        if last is None or d - last.end > p("R04.look_back_episode_end"):
            return None
        episode = last
    at = view.last_covered
    if at is None or d > at + p("R04.until"):
        return None
    dependence = case.view(at).dependence(episode_at(case, at))
    if not _at_risk(case, at, episode, dependence):
        return None
    last_dose = case.exposure.dme_with_z_drugs(at)
    if last_dose is not None and not days.above(last_dose[2], p("R04.last_dose_over")):
        return None
    if finished(case, d, episode):
        return None
    variants = _variants(case, d, episode, at, dependence)
    if not variants:
        return None
    if dependence == "likely" and set(variants) & {"a", "b", "d"}:
        priority, plus = ASAP, p("R04.due_asap")
    else:
        priority, plus = URGENT, p("R04e.due" if variants == ["e"] else "R04.due_urgent")
    return Holding(priority, plus=int(plus), variants=tuple(variants), facts={"last_covered": at})


def episode_at(case: Case, day: int) -> Episode:
    episode = case.view(day).episode
    assert episode is not None
    return episode


def _at_risk(case: Case, at: int, episode: Episode, dependence: str) -> bool:
    p = case.policy
    if dependence == "likely":
        return True
    if dependence != "possible" or at < episode.start + p("R04.possible_from_day"):
        return False
    renewed = any(supply.start > episode.start for supply in episode.supplies)
    dme = case.exposure.dme(at)
    return renewed or dme is None or days.above(dme[1], p("R04.possible_dme_over"))


def _variants(case: Case, d: int, episode: Episode, at: int, dependence: str) -> list[str]:
    view = case.view(d)
    held = case.exposure.containing(at)
    unsure = all(s.open_on(d) or "assumed" in s.flags or s.as_needed for s in held)
    found = []
    if _stopped(case, d):
        found.append("a")
    if not unsure and not view.covered and _lapsed(case, d, at):
        found.append("b")
    if not unsure and dependence == "likely" and view.covered and _running_out(case, d, episode):
        found.append("c")
    if not unsure and view.covered and _halved(case, d, episode):
        found.append("d")
    if view.covered and _quiet(case, d, episode):
        found.append("e")
    return found


def _stopped(case: Case, d: int) -> bool:
    newest = case.newest_order(d)
    stop = newest.stop_day() if newest is not None else None
    if stop is None or stop > d or stop > case.t:
        return False
    return not case.view(d).covered and not case.renewal(d)


def _lapsed(case: Case, d: int, at: int) -> bool:
    rows = [equivalence().get(s.ingredient) for s in case.exposure.containing(at)]
    short = all(row is not None and row.short for row in rows)
    return bool(d - at >= case.policy("R04b.gap_short" if short else "R04b.gap_long"))


def _running_out(case: Case, d: int, episode: Episode) -> bool:
    view, p = case.view(d), case.policy
    day = d
    while True:
        today = [s for s in view.supplies if day < s.end_on(d) and s.contains(day)]
        if any(s.open_on(d) for s in today):
            return False  # an open supply never counts as ending
        if not today:
            break
        day += 1
    if day - d > p("R04c.ends_within"):
        return False
    if case.renewal(d) or case.refill_left(d, episode) or case.taper_plans(d, episode):
        return False
    newest = case.newest_order(d)
    if newest is None or not stated_no_repeats(newest.body):
        return False
    valid = days.when(fhir.dig(newest.body, "dispenseRequest", "validityPeriod", "end"))
    ends = [end for end in (valid.last if valid else None, newest.bounds_end) if end is not None]
    return any(end <= day for end in ends)


def _halved(case: Case, d: int, episode: Episode) -> bool:
    p = case.policy
    now = case.exposure.dme(d)
    if now is None or case.taper_plans(d, episode):
        return False
    held: dict[float, int] = {}
    for day in range(d - int(p("R04d.window")), d):
        dme = case.exposure.dme(day)
        if dme is not None and dme[1] > 0:
            held[dme[1]] = held.get(dme[1], 0) + 1
    return any(
        count >= p("R04d.held_min") and days.at_most(now[1], p("R04d.ratio_max") * level)
        for level, count in held.items()
    )


def _quiet(case: Case, d: int, episode: Episode) -> bool:
    view, p = case.view(d), case.policy
    if not all(s.open_on(d) for s in view.containing) or case.renewal(d):
        return False
    for ingredient in {s.ingredient for s in view.containing}:
        starts = sorted(s.start for s in episode.supplies if s.ingredient == ingredient)
        last = starts[-int(p("R04e.supplies_min")) :]
        if len(last) < p("R04e.supplies_min") or d - last[-1] <= p("R04e.quiet_over"):
            return False
        if any(two - one > p("R04e.starts_apart_max") for one, two in itertools.pairwise(last)):
            return False
    return True
