"""R02: the periodic review, counted from the last one or from the start of the episode."""

from collections.abc import Iterator, Sequence

from service.model.assessment import Priority
from service.model.days import Day, Days
from service.rules.case import Case, iso, references
from service.rules.interval import intervals
from service.rules.rule import Account, Holding, Rule


def holdings(case: Case) -> Sequence[Holding]:
    stale = case.exposure.stale
    urgent_after, at_most = (
        case.policy.days("R02.urgent_after"),
        case.policy.days("R02.urgent_if_interval_at_most"),
    )
    due: list[Days] = []
    urgent: list[Days] = []
    for start, end, anchor, interval, first in _pieces(case):
        days = Days.span(max(start, anchor + interval - case.policy.days("R02.lead"), first), end) - stale
        due.append(days)
        if interval <= at_most:
            urgent.append(days.within(anchor + urgent_after, end))
    return (Holding(Days.union(due), Priority.ROUTINE), Holding(Days.union(urgent), Priority.URGENT))


def _pieces(case: Case) -> Iterator[tuple[Day, Day, Day, int, Day]]:
    """Piece of days with one anchor and one interval, and the first day on which the rule may hold."""
    interval = case.remember(intervals)
    for a, b, episode in case.ongoing_pieces:
        for c, d, review in case.last_review.spans(a, b):
            reviewed = review is not None and review >= episode.start
            anchor = max(review, episode.start) if review is not None else episode.start
            first = c if reviewed else episode.start + case.policy.days("R02.first_from")
            for e, f, (days, _) in interval.spans(c, d):
                yield e, f, anchor, days, first


def account(case: Case, day: Day, priority: Priority) -> Account:
    episode = case.exposure.last_episode.at(day)
    if episode is None:
        raise ValueError("R02 holds only in an episode")
    review = case.last_review.at(day)
    reviewed = review is not None and review >= episode.start
    anchor = review if reviewed and review is not None else episode.start
    interval, name = case.remember(intervals).at(day)
    numbers = [name, "R02.lead"]
    if not reviewed:
        numbers.append("R02.first_from")
    if priority is Priority.URGENT:
        numbers += ["R02.urgent_after", "R02.urgent_if_interval_at_most"]
    return Account(
        facts={
            "anchor": iso(anchor),
            "anchor_is": "last review" if reviewed else "start of the episode",
            "interval_days": interval,
        },
        evidence=references(episode.supplies),
        numbers=tuple(numbers),
        due_on=anchor + interval,
    )


R02 = Rule("R02", holdings, account)
