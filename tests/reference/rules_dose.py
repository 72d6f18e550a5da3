"""R03 and R10: the dose goes up, the dose is high."""

from statistics import median

from . import days
from .case import ROUTINE, URGENT, Case, Holding
from .exposure import Dme, Episode

LOW, HIGH = 0, 2


def r03(case: Case, d: int) -> Holding | None:
    view, p = case.view(d), case.policy
    episode = view.episode
    if episode is None or d < episode.start + p("R03.from_day"):
        return None
    recent = _window(case, episode, d - int(p("R03.recent_from")), d - int(p("R03.recent_to")))
    if recent is None:
        return None
    variants, steep = [], False
    for name in ("step", "creep"):
        start, stop = int(p(f"R03.{name}_reference_from")), int(p(f"R03.{name}_reference_to"))
        reference = _window(case, episode, d - start, d - stop)
        if reference is not None and _rose(recent, reference, p("R03.ratio_min"), p("R03.rise_min")):
            variants.append(name)
            if name == "step" and _rose(recent, reference, p("R03.urgent_ratio"), p("R03.urgent_rise")):
                steep = True
    if not variants:
        return None
    above = any(case.above_label_maximum(d, name, older=False) for name in case.daily_mg(d))
    if steep or above:
        return Holding(URGENT, plus=int(p("R03.due_urgent")), variants=tuple(variants))
    return Holding(ROUTINE, plus=int(p("R03.due")), variants=tuple(variants))


def _window(case: Case, episode: Episode, first: int, last: int) -> list[Dme] | None:
    """The daily DME of E's days that a benzodiazepine covers; None when too few, or one is unknown."""
    covered = set(episode.covered)
    found = [
        case.exposure.dme(day)
        for day in range(first, last + 1)
        if day in covered and case.exposure.has_benzodiazepine(day)
    ]
    known = [dme for dme in found if dme is not None]
    if len(known) < len(found) or len(found) < case.policy("R03.covered_days_min_each"):
        return None
    return known


def _rose(recent: list[Dme], reference: list[Dme], ratio: float, rise: float) -> bool:
    """With the low and the high factors."""
    for factor in (LOW, HIGH):
        now = days.round2(median(dme[factor] for dme in recent))
        then = days.round2(median(dme[factor] for dme in reference))
        assert now is not None
        assert then is not None
        if not (days.at_least(now, ratio * then) and days.at_least(now - then, rise)):
            return False
    return True


def r10(case: Case, d: int) -> Holding | None:
    view, p = case.view(d), case.policy
    if view.episode is None:
        return None
    last = view.covered_days(view.episode)[-int(p("R10.window")) :]
    needed = p("R10.days_min")
    ingredients = {name for day in last for name in case.daily_mg(day)}

    def days_above(older: bool) -> bool:
        return any(
            sum(case.above_label_maximum(day, name, older) for day in last) >= needed for name in ingredients
        )

    def days_with(dme_min: float) -> int:
        lows = [dme[LOW] for day in last if (dme := case.exposure.dme(day)) is not None]
        return sum(days.at_least(low, dme_min) for low in lows)

    label = days_above(older=False)
    variants = []
    if label:
        variants.append("label maximum")
    if case.older(d) and days_above(older=True):
        variants.append("older maximum")
    if days_with(p("R10.dme_min")) >= needed:
        variants.append("dme")
    if not variants:
        return None
    urgent = label or days_with(p("R10.urgent_dme")) >= needed
    return Holding(
        URGENT if urgent else ROUTINE,
        plus=int(p("R10.due_urgent" if urgent else "R10.due")),
        variants=tuple(variants),
    )
