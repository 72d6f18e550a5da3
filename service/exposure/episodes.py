"""Which supplies belong together, on each day as far as they are known then?  (exposure.md §5)"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.model.days import Day, Days, Period
from service.model.exposure import Episode, Supply
from service.model.steps import Steps, steps_of


@dataclass(frozen=True, slots=True)
class Gaps:
    """The permissible gap in days; another one after a stretch that ends with as-needed supplies alone."""

    scheduled: int
    as_needed: int


@dataclass(slots=True)
class _Stretch:
    """Unbroken cover; `all_as_needed`: every supply that touches its end is."""

    start: Day
    end: Day
    all_as_needed: bool
    episode_start: Day = 0

    def gap(self, gaps: Gaps) -> int:
        return gaps.as_needed if self.all_as_needed else gaps.scheduled


def last_episodes(supplies: Sequence[Supply], gaps: Gaps) -> Steps[Episode | None]:
    """For each day the latest episode that has begun, of the supplies whose order or fill starts by then.

    `supplies` come in order of written start.  Their ends are what is known in hindsight.
    """
    steps: list[tuple[Day, Episode | None]] = []
    stretches: list[_Stretch] = []
    known: list[Supply] = []
    for place, supply in enumerate(supplies):
        known.append(supply)
        for period in supply.days.periods():
            _add(stretches, period, supply.as_needed, gaps)
        following = supplies[place + 1].written_start if place + 1 < len(supplies) else None
        if following != supply.written_start:
            steps.extend(_steps(stretches, known, supply.written_start, following, gaps))
    return steps_of(None, steps)


def ongoing_days(episodes: Steps[Episode | None], start: Day, end: Day) -> Days:
    """The days of `[start, end)` on which an episode is ongoing."""
    return Days.union(
        Days.span(a, min(b, episode.end + episode.gap))
        for a, b, episode in episodes.spans(start, end)
        if episode is not None
    )


def _steps(
    stretches: Sequence[_Stretch], known: Sequence[Supply], start: Day, following: Day | None, gaps: Gaps
) -> Iterable[tuple[Day, Episode]]:
    """The episode on `start`, and those that begin, or are taken up again, before the next supply is known."""
    begun = [place for place, stretch in enumerate(stretches) if stretch.start <= start]
    first = begun[-1] if begun else 0
    for place in range(first, len(stretches)):
        at = max(start, stretches[place].start)
        if following is None or at < following:
            yield at, _episode(stretches, place, known, gaps)


def _episode(stretches: Sequence[_Stretch], place: int, known: Sequence[Supply], gaps: Gaps) -> Episode:
    start = stretches[place].episode_start
    last = place
    while last + 1 < len(stretches) and stretches[last + 1].episode_start == start:
        last += 1
    end = stretches[last].end
    return Episode(
        start=start,
        end=end,
        gap=stretches[last].gap(gaps),
        supplies=tuple(supply for supply in known if _gives_to(supply, start, end)),
    )


def _gives_to(supply: Supply, start: Day, end: Day) -> bool:
    """Whether a day of it lies in `[start, end)`; the days of a phase of 0 mg are none."""
    return any(span.start < end and span.end > start for span in supply.doses)


def _add(stretches: list[_Stretch], period: Period, as_needed: bool, gaps: Gaps) -> None:
    """Put a period among the stretches, which stay in order and apart."""
    new = _Stretch(period.start, period.end, as_needed)
    low = len(stretches)
    while low and stretches[low - 1].end >= new.start:
        low -= 1
    high = low
    while high < len(stretches) and stretches[high].start <= new.end:
        other = stretches[high]
        if other.end == new.end:
            new.all_as_needed &= other.all_as_needed
        elif other.end > new.end:
            new.end, new.all_as_needed = other.end, other.all_as_needed
        new.start = min(new.start, other.start)
        high += 1
    stretches[low:high] = [new]
    for place in range(low, len(stretches)):
        here = stretches[place]
        before = stretches[place - 1] if place else None
        joined = before is not None and here.start - before.end <= before.gap(gaps)
        here.episode_start = before.episode_start if before is not None and joined else here.start
