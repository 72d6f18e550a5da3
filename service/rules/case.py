"""What rules look at: the exposure of one patient, and what else holds on which days."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TypeVar, cast

from service.exposure import Exposure
from service.knowledge import Knowledge, Policy
from service.model.assessment import Number
from service.model.days import Day, Days, date_of
from service.model.exposure import Episode, Supply
from service.model.facts import ConditionFact, Facts, Outcome, Role
from service.model.steps import Steps
from service.rules.review import last_review, latest_outcome
from service.taper.plan import Plan, days_of, plans_in_force

T = TypeVar("T")


@dataclass(eq=False)
class Case:
    """One patient, for all days of the window at once; parts are worked out when first asked for."""

    exposure: Exposure
    _memory: dict[Callable[["Case"], object], object] = field(default_factory=dict)

    def remember(self, work_out: Callable[["Case"], T]) -> T:
        """What `work_out` gives for this case, worked out once."""
        if work_out not in self._memory:
            self._memory[work_out] = work_out(self)
        return cast("T", self._memory[work_out])

    @property
    def facts(self) -> Facts:
        return self.exposure.facts

    @property
    def policy(self) -> Policy:
        return self.exposure.policy

    @property
    def knowledge(self) -> Knowledge:
        return self.exposure.knowledge

    @property
    def as_of(self) -> Day:
        return self.exposure.as_of

    # -- reviews and outcomes ------------------------------------------------------------

    @cached_property
    def last_review(self) -> Steps[Day | None]:
        return last_review(self.facts)

    @cached_property
    def latest_outcome(self) -> Steps[Outcome | None]:
        return latest_outcome(self.facts)

    def reviewed_within(self, days: int) -> Days:
        """The days d with a last review in the `days` days that end on d."""
        return Days.union(
            Days.span(a, min(b, review + days))
            for a, b, review in self.last_review.spans(*self._window())
            if review is not None
        )

    def reviewed_since(self, day: Day) -> Days:
        """The days of the window on which the last review is not before `day`."""
        return Days.union(
            Days.span(a, b)
            for a, b, review in self.last_review.spans(*self._window())
            if review is not None and review >= day
        )

    @cached_property
    def taper_plans(self) -> tuple[Plan, ...]:
        """The taper plans, each with the days on which it is in force."""
        return plans_in_force(self.exposure, self.latest_outcome)

    @cached_property
    def taper_planned(self) -> Days:
        return days_of(self.taper_plans)

    # -- conditions and age --------------------------------------------------------------

    def condition(self, concepts: Iterable[str]) -> Days:
        """The days of the window on which an active Condition of one of the concepts is on record."""
        asked = frozenset(concepts)
        found = (fact for fact in self.facts.conditions if not asked.isdisjoint(fact.concepts))
        return Days.union(self.condition_days(fact) for fact in found)

    def condition_days(self, fact: ConditionFact) -> Days:
        start, end = self._window()
        if not fact.active:
            return Days.none()
        begins = start if fact.start is None else max(start, fact.start)
        return Days.span(begins, end if fact.abated is None else min(end, fact.abated))

    @cached_property
    def older(self) -> Days:
        """The days on which the patient is an older adult; none when the age is unknown."""
        return self._from_age(self.policy.count("age_older"))

    @cached_property
    def minor(self) -> Days:
        """The days on which the patient is too young for the adult policy."""
        if self.facts.born is None:
            return Days.none()
        return self.exposure.all_days - self._from_age(self.policy.count("age_adult"))

    def _from_age(self, years: int) -> Days:
        if self.facts.born is None:
            return Days.none()
        start, end = self._window()
        return Days.span(max(start, birthday(self.facts.born, years)), end)

    # -- episodes ------------------------------------------------------------------------

    @cached_property
    def ongoing_pieces(self) -> list[tuple[Day, Day, Episode]]:
        """The pieces of the window with an ongoing episode, and that episode as it is known then."""
        return [
            (a, min(b, episode.end + episode.gap), episode)
            for a, b, episode in self.exposure.last_episode.spans(*self._window())
            if episode is not None and a < episode.end + episode.gap
        ]

    @cached_property
    def ongoing_by_start(self) -> dict[Day, Days]:
        """The days on which an episode is ongoing, by its start."""
        found: dict[Day, Days] = {}
        for a, b, episode in self.ongoing_pieces:
            found[episode.start] = found.get(episode.start, Days.none()) | Days.span(a, b)
        return found

    @cached_property
    def naloxone(self) -> tuple[Day, ...]:
        """The days of naloxone orders, whatever their status."""
        return tuple(o.known_on for o in self.facts.orders if o.drug.role is Role.NALOXONE)

    # -- small parts ---------------------------------------------------------------------

    def numbers(self, names: Iterable[str]) -> dict[str, Number]:
        """The thresholds of these names with unit and source, as a finding carries them."""
        found: dict[str, Number] = {}
        for name in names:
            threshold = self.policy.threshold(name)
            value = threshold.value
            shown = f"{value[0]} to {value[1]}" if isinstance(value, tuple) else value
            found[name] = Number(shown, threshold.unit, threshold.source)
        return found

    def _window(self) -> tuple[Day, Day]:
        window = self.exposure.window
        return (0, 0) if window is None else (window.start, window.end)


def birthday(born: Day, years: int) -> Day:
    """The day on which somebody becomes `years` old; born on 29 February: 1 March."""
    day = date_of(born)
    try:
        return day.replace(year=day.year + years).toordinal()
    except ValueError:
        return date(day.year + years, 3, 1).toordinal()


def references(supplies: Iterable[Supply]) -> tuple[str, ...]:
    """The orders and fills behind supplies, each once."""
    return tuple(dict.fromkeys(supply.reference for supply in supplies))


def iso(day: Day) -> str:
    """A day as facts carry it."""
    return date_of(day).isoformat()
