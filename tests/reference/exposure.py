"""The exposure that serves all days, and what one day sees of it (exposure.md, sections 0, 5, 6)."""

from dataclasses import dataclass
from functools import cached_property

from . import days
from .classify import Order
from .knowledge import Policy, equivalence, ingredient_class
from .supply import Supply, units_of_quantity

Range = tuple[float, float]
Dme = tuple[float, float, float]  # low, typical, high


@dataclass
class Episode:
    start: int
    end: int  # the first day after it
    covered: list[int]  # its supply days, in order
    gap: int  # how many uncovered days it outlives
    supplies: list[Supply]

    @property
    def ingredients(self) -> list[str]:
        return sorted({supply.ingredient for supply in self.supplies})

    def ongoing(self, day: int) -> bool:
        return self.start <= day < self.end + self.gap


def mg_on(supply: Supply, day: int) -> Range | None:
    return supply.phase_on(day).mg


def dme_of(supply: Supply, day: int) -> Dme | None:
    """Low by the low factor, high by the high one, typical: the middle of the mg range by the default factor."""
    mg, factors = mg_on(supply, day), equivalence().get(supply.ingredient)
    if mg is None or factors is None:
        return None
    return (mg[0] * factors.low, (mg[0] + mg[1]) / 2 * factors.typical, mg[1] * factors.high)


class Exposure:
    """All supplies of the patient as they are known on t."""

    def __init__(
        self,
        t: int,
        policy: Policy,
        orders: list[Order],
        fills: list[Order],
        before: list[Supply],
        after: list[Supply],
        for_r11: list[Supply],
    ) -> None:
        self.t = t
        self.policy = policy
        self.orders = orders
        self.fills = fills
        self.before_overlap = before
        self.supplies = after
        self.for_r11 = for_r11
        self.episodes_seen: dict[tuple[int, int | None], list[Episode]] = {}
        self._on: dict[int, list[Supply]] = {}
        self._names: dict[int, set[str]] = {}
        self._dme: dict[int, Dme | None] = {}

    @cached_property
    def first_supply_day(self) -> int | None:
        starts = [day for supply in self.supplies for day in supply.days_on(supply.end)[:1]]
        return min(starts) if starts else None

    def containing(self, day: int) -> list[Supply]:
        """The supplies that contain a day. For days that are past this is the same whichever day asks."""
        if day not in self._on:
            self._on[day] = [supply for supply in self.supplies if supply.contains(day)]
        return self._on[day]

    def ingredients_on(self, day: int) -> set[str]:
        if day not in self._names:
            self._names[day] = {supply.ingredient for supply in self.containing(day)}
        return self._names[day]

    def covered(self, day: int) -> bool:
        return bool(self.containing(day))

    def dme(self, day: int) -> Dme | None:
        """The sum over the benzodiazepines of a day, rounded; None when one is unknown; nothing: 0."""
        if day not in self._dme:
            parts = [
                dme_of(s, day) for s in self.containing(day) if ingredient_class()[s.ingredient] != "z-drug"
            ]
            self._dme[day] = _add(parts)
        return self._dme[day]

    def dme_with_z_drugs(self, day: int) -> Dme | None:
        """R04's last dose and the finished taper count z-drugs by their factor."""
        return _add([dme_of(s, day) for s in self.containing(day)])

    def daily_mg(self, day: int) -> dict[str, Range | None]:
        """mg by ingredient on a day; None: unknown."""
        found: dict[str, Range | None] = {}
        for supply in self.containing(day):
            mg, so_far = mg_on(supply, day), found.get(supply.ingredient, (0.0, 0.0))
            found[supply.ingredient] = (
                None if mg is None or so_far is None else (so_far[0] + mg[0], so_far[1] + mg[1])
            )
        return found

    def has_benzodiazepine(self, day: int) -> bool:
        return any(ingredient_class()[s.ingredient] == "benzodiazepine" for s in self.containing(day))


def _add(parts: list[Dme | None]) -> Dme | None:
    total = [0.0, 0.0, 0.0]
    for part in parts:
        if part is None:
            return None
        total = [a + b for a, b in zip(total, part, strict=True)]
    low, typical, high = (days.round2(value) for value in total)
    assert low is not None
    assert typical is not None
    assert high is not None
    return (low, typical, high)


class View:
    """The exposure as a rule sees it on day d: supplies whose order or fill starts on d or before."""

    def __init__(self, exposure: Exposure, d: int) -> None:
        self.exposure = exposure
        self.d = d
        self.supplies = [supply for supply in exposure.supplies if supply.start <= d]

    @cached_property
    def episodes(self) -> list[Episode]:
        """The episodes as d sees them: without an open supply the same on all days with the same supplies."""
        is_open = any(supply.open_on(self.d) for supply in self.supplies)
        key = len(self.supplies), self.d if is_open else None
        if key not in self.exposure.episodes_seen:
            self.exposure.episodes_seen[key] = self._join()
        return self.exposure.episodes_seen[key]

    def _join(self) -> list[Episode]:
        """Stretches of covered days, joined over gaps of at most 30 days (60 after as-needed supply alone)."""
        by_supply = [(supply, set(supply.days_on(self.d))) for supply in self.supplies]
        all_days = sorted(set().union(*(its_days for _, its_days in by_supply)))
        stretches: list[list[int]] = []
        for day in all_days:
            if stretches and day == stretches[-1][-1] + 1:
                stretches[-1].append(day)
            else:
                stretches.append([day])
        joined: list[tuple[list[int], int]] = []
        for stretch in stretches:
            touching = [supply for supply, its_days in by_supply if stretch[-1] in its_days]
            as_needed = all(supply.as_needed for supply in touching)
            gap = int(self.exposure.policy("episode.gap_as_needed" if as_needed else "episode.gap"))
            if joined and stretch[0] - joined[-1][0][-1] - 1 <= joined[-1][1]:
                joined[-1] = (joined[-1][0] + stretch, gap)
            else:
                joined.append((stretch, gap))
        return [
            Episode(
                start=covered[0],
                end=covered[-1] + 1,
                covered=covered,
                gap=gap,
                supplies=[
                    s
                    for s, its_days in by_supply
                    if its_days & set(covered)
                    or (s.open_on(self.d) and self.d < s.first_day <= covered[-1] + 1 + gap)
                ],
            )
            for covered, gap in joined
        ]

    @cached_property
    def episode(self) -> Episode | None:
        """E: the episode that is ongoing on d."""
        ongoing = [episode for episode in self.episodes if episode.ongoing(self.d)]
        return ongoing[-1] if ongoing else None

    @cached_property
    def last_episode(self) -> Episode | None:
        """E, else the last one that began."""
        begun = [episode for episode in self.episodes if episode.start <= self.d]
        return begun[-1] if begun else None

    @cached_property
    def last_covered(self) -> int | None:
        """L: the last covered day that is not after d."""
        for episode in reversed(self.episodes):
            for day in reversed(episode.covered):
                if day <= self.d:
                    return day
        return None

    @property
    def covered(self) -> bool:
        return self.exposure.covered(self.d)

    @property
    def containing(self) -> list[Supply]:
        return self.exposure.containing(self.d)

    def covered_days(self, episode: Episode) -> list[int]:
        return [day for day in episode.covered if day <= self.d]

    def new_use(self, episode: Episode) -> bool:
        """No supply day in the 90 days before its start."""
        before = int(self.exposure.policy("episode.washout_new_use"))
        return not any(self.exposure.covered(day) for day in range(episode.start - before, episode.start))

    def any_open(self, supplies: list[Supply]) -> bool:
        return any(supply.open_on(self.d) for supply in supplies)

    # --- regular use and dependence --------------------------------------------------------------------------------

    def as_needed_rates(self, episode: Episode) -> dict[int, float]:
        """The rates of the episode's as-needed supplies, added up by day."""
        total: dict[int, float] = {}
        for supply in episode.supplies:
            if supply.as_needed and not self._counts_as_scheduled(supply, episode):
                units, each = self._units(supply), supply.dose.units_each_low
                assert units is not None
                assert each is not None
                later = self._later_starts(supply, episode)
                span = max(1, (min(later) if later else self.d) - supply.start)
                for day in range(supply.start, supply.start + span):
                    total[day] = total.get(day, 0.0) + units / span / each
        return total

    def _units(self, supply: Supply) -> float | None:
        source = supply.source
        if source is supply.order:
            request = source.body.get("dispenseRequest") or {}
            units = units_of_quantity(request.get("quantity"), source)
            return None if units is None else units * (1 + source.repeats)
        return units_of_quantity(source.body.get("quantity"), source)

    def _later_starts(self, supply: Supply, episode: Episode) -> list[int]:
        others = [s for s in episode.supplies if s.ingredient == supply.ingredient]
        return [s.start for s in others if supply.start < s.start <= self.d]

    def _counts_as_scheduled(self, supply: Supply, episode: Episode) -> bool:
        """Without units or a dose its frequency is unknown; also a single one without successor."""
        each = supply.dose.units_each_low
        if self._units(supply) is None or each is None or each <= 0:
            return True
        of_ingredient = [s for s in episode.supplies if s.ingredient == supply.ingredient]
        single = sum(s.as_needed for s in of_ingredient) == 1
        return single and not self._later_starts(supply, episode)

    def frequency_unknown(self, episode: Episode) -> bool:
        return any(s.as_needed and self._counts_as_scheduled(s, episode) for s in episode.supplies)

    def regular(self, episode: Episode) -> bool:
        policy = self.exposure.policy
        rates = self.as_needed_rates(episode)
        total = 0.0
        for day in range(self.d - int(policy("regular.window")) + 1, self.d + 1):
            scheduled = any(
                not supply.as_needed
                or (supply in episode.supplies and self._counts_as_scheduled(supply, episode))
                for supply in self.exposure.containing(day)
            )
            total += 1.0 if scheduled else min(1.0, rates.get(day, 0.0))
        return days.at_least(total, policy("regular.sum_min"))

    def dependence(self, episode: Episode) -> str:
        policy = self.exposure.policy
        window = int(policy("dependence.covered_within"))
        covered = self.covered_days(episode)
        if not any(self.exposure.covered(day) for day in range(self.d - window + 1, self.d + 1)):
            return "none"
        if not self.regular(episode):
            return "unlikely"
        n = min(self.d, covered[-1]) - episode.start + 1
        if n < policy("dependence.possible_below"):
            return "possible"
        if n >= policy("dependence.likely_from"):
            return "likely"
        last = [self.exposure.dme(day) for day in covered[-int(policy("dependence.mean_over")) :]]
        if any(dme is None for dme in last):
            return "likely"
        mean = days.round2(sum(dme[2] for dme in last if dme is not None) / len(last))
        assert mean is not None
        return "possible" if days.at_most(mean, policy("dependence.low_dose_at_most")) else "likely"

    # --- section 6 ---------------------------------------------------------------------------------------------------

    def stale(self) -> list[Supply]:
        """Open orders that began 366 to 760 days ago, when nothing else supplied the last 365 days."""
        policy = self.exposure.policy
        low, high = policy("stale.from_over"), policy("stale.to")
        found = []
        for supply in self.supplies:
            order = supply.order
            if order is None or not supply.open_on(self.d) or not order.active_on(self.d):
                continue
            if not low < self.d - supply.start <= high:
                continue
            last_year = range(self.d - 364, self.d + 1)
            if not any(s is not supply for day in last_year for s in self.exposure.containing(day)):
                found.append(supply)
        return found
