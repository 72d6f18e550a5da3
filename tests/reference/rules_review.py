"""R00, R01, R02, R08: is a review due at all."""

from . import fhir
from .case import ROUTINE, URGENT, Case, Holding
from .exposure import ingredient_class


def r00(case: Case, d: int) -> Holding | None:
    stale = case.view(d).stale()
    if not stale:
        return None
    return Holding(ROUTINE, plus=int(case.policy("R00.due")), facts={"orders": [s.ref for s in stale]})


def r01(case: Case, d: int) -> Holding | None:
    view, p = case.view(d), case.policy
    episode = view.episode
    if episode is None or not view.new_use(episode) or not view.covered:
        return None
    reviewed = case.last_review(d)
    if reviewed is not None and reviewed >= episode.start:
        return None
    older = case.older(d)
    needed = p("R01.covered_days_min_older" if older else "R01.covered_days_min")
    if len(view.covered_days(episode)) < needed or d >= episode.start + p("R01.until"):
        return None
    goes_on = episode.end > episode.start + p("R01.end_after_start")
    if not (goes_on or view.any_open(episode.supplies) or case.renewal(d)):
        return None
    only_z = all(ingredient_class()[name] == "z-drug" for name in episode.ingredients)
    due = "R01.due" if not older else "R01.due_older_z_drug_only" if only_z else "R01.due_older"
    return Holding(
        ROUTINE, due=episode.start + int(p(due)), facts={"covered_days": len(view.covered_days(episode))}
    )


def r02(case: Case, d: int) -> Holding | None:
    view, p = case.view(d), case.policy
    episode = view.episode
    if episode is None or r00(case, d) is not None:
        return None
    reviewed = case.last_review(d)
    anchor = episode.start if reviewed is None else max(reviewed, episode.start)
    interval = case.interval(d, episode)
    if d - anchor < interval - p("R02.lead"):
        return None
    if d < episode.start + p("R02.first_from") and (reviewed is None or reviewed < episode.start):
        return None
    late = d - anchor >= p("R02.urgent_after") and interval <= p("R02.urgent_if_interval_at_most")
    return Holding(
        URGENT if late else ROUTINE,
        due=anchor + interval,
        facts={"anchor": anchor, "interval_days": interval},
    )


def r08(case: Case, d: int) -> Holding | None:
    p = case.policy
    if case.view(d).episode is None or not case.older(d):
        return None
    reviewed = case.last_review(d)
    if reviewed is not None and d - reviewed < p("R08.review_within"):
        return None
    window = [o for o in case.orders_known(d) if o.start <= d and 0 <= d - o.authored <= p("R08.look_back")]
    authored = {order.authored for order in window}
    repeated = [o for o in window if o.repeats >= p("R08.repeats_min")]
    if len(authored) < p("R08.orders_min") and not repeated:
        return None
    return Holding(ROUTINE, plus=int(p("R08.due")), facts={"orders": len(window)})


def stated_no_repeats(body) -> bool:
    """`numberOfRepeatsAllowed = 0` stated."""
    repeats = fhir.dig(body, "dispenseRequest", "numberOfRepeatsAllowed")
    return fhir.is_number(repeats) and repeats == 0
