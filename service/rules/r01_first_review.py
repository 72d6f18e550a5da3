"""R01: the first review after the short-term window of a new use."""

from collections.abc import Iterator, Sequence

from service.model.assessment import Priority
from service.model.days import Day, Days
from service.model.exposure import Episode
from service.rules.case import Case, iso, references
from service.rules.rule import Account, Holding, Rule


def holdings(case: Case) -> Sequence[Holding]:
    return (Holding(Days.union(_days(case)), Priority.ROUTINE),)


def _days(case: Case) -> Iterator[Days]:
    exposure, policy = case.exposure, case.policy
    end_after, until = policy.days("R01.end_after_start"), policy.days("R01.until")
    for start, days in case.ongoing_by_start.items():
        days = days.within(start, start + until)
        if exposure.covered.count(start - policy.days("episode.washout_new_use"), start) or not days:
            continue
        enough = _enough_cover(case, start)
        goes_on = exposure.open_since(start) | exposure.renewal | _reaches(case, start, start + end_after)
        yield (days & enough & exposure.covered & goes_on) - case.reviewed_since(start)


def _enough_cover(case: Case, start: Day) -> Days:
    """The days by which enough days of the episode were covered; fewer for an older adult."""
    if case.exposure.window is None:
        return Days.none()
    covered = case.exposure.covered.within(start, case.exposure.window.end)
    found = Days.none()
    for name, who in (("R01.covered_days_min", None), ("R01.covered_days_min_older", case.older)):
        reached = covered.nth(case.policy.days(name))
        if reached is not None:
            days = Days.span(reached, case.exposure.window.end)
            found |= days if who is None else days & who
    return found


def _reaches(case: Case, start: Day, beyond: Day) -> Days:
    """The days on which the known end of the episode lies after `beyond`."""
    return Days.union(
        Days.span(a, b)
        for a, b, episode in case.ongoing_pieces
        if episode.start == start and episode.end > beyond
    )


def account(case: Case, day: Day, _priority: Priority) -> Account:
    episode = case.exposure.last_episode.at(day)
    if episode is None:
        raise ValueError("R01 holds only in an episode")
    due = _due_name(case, episode, day)
    minimum = "R01.covered_days_min_older" if day in case.older else "R01.covered_days_min"
    return Account(
        facts={"episode_start": iso(episode.start), "ingredients": list(episode.ingredients)},
        evidence=references(episode.supplies),
        numbers=(minimum, "R01.end_after_start", "R01.until", due),
        due_on=episode.start + case.policy.days(due),
    )


def _due_name(case: Case, episode: Episode, day: Day) -> str:
    if day not in case.older:
        return "R01.due"
    only_z = all(case.exposure.is_z_drug(name) for name in episode.ingredients)
    return "R01.due_older_z_drug_only" if only_z else "R01.due_older"


R01 = Rule("R01", holdings, account)
