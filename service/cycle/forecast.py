"""What the release budget would let through, week by week, if everything that is due were found today."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from service.model.assessment import Priority

_MOST_DAYS = 3660  # bound; a backlog that takes longer is cut there


@dataclass(frozen=True, slots=True)
class Waiting:
    """A review that is due."""

    owner: str | None  # reference; None: the pool
    priority: Priority
    rank: tuple[int, int, float, int, int]
    key: str  # any text that breaks ties


def forecast(
    waiting: Iterable[Waiting], *, per_owner: int, per_source: int
) -> dict[str | None, tuple[int, ...]]:
    """Tasks by owner in the first week, the second …, until all are released (lifecycle.md §6).

    `asap` goes out at once, outside the budget; the rest in order of rank.
    """
    left = sorted(waiting, key=lambda each: (each.rank, each.key), reverse=True)
    by_week: dict[str | None, Counter[int]] = defaultdict(Counter)
    for day in range(_MOST_DAYS):
        held: list[Waiting] = []
        used: Counter[str | None] = Counter()
        for each in left:
            if each.priority is not Priority.ASAP:
                if used[each.owner] >= per_owner or used.total() >= per_source:
                    held.append(each)
                    continue
                used[each.owner] += 1
            by_week[each.owner][day // 7] += 1
        if not held or len(held) == len(left):
            break
        left = held
    weeks = 1 + max((week for counts in by_week.values() for week in counts), default=0)
    return {owner: tuple(counts[week] for week in range(weeks)) for owner, counts in by_week.items()}
