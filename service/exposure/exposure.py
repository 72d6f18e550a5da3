"""The one exposure of a patient that serves all days (exposure.md §0)."""

from dataclasses import dataclass, field
from functools import cached_property

from service.exposure.dose import dme, rounded
from service.exposure.episodes import Gaps, last_episodes, ongoing_days
from service.exposure.known import known_on
from service.exposure.length import TOLERANCE
from service.exposure.overlap import settle_overlaps
from service.exposure.regular import Use, use_on
from service.exposure.stale import stale_days
from service.exposure.supplies import written_supplies
from service.knowledge import Knowledge, Policy
from service.model.days import Day, Days, Period
from service.model.exposure import Dme, Episode, Supply
from service.model.facts import Facts, Order, Role
from service.model.steps import Steps, pieces, steps_of


def build_exposure(facts: Facts, policy: Policy, knowledge: Knowledge, as_of: Day) -> "Exposure":
    """What the facts known on `as_of` imply for every day from the first supply day to the horizon."""
    known = known_on(facts, as_of)
    return Exposure(known.facts, known.next_day, as_of, policy, knowledge)


@dataclass(eq=False)
class Exposure:
    """Supplies, episodes and doses; each part is worked out when it is first asked for.

    What is asked "on a day" takes the supplies whose order or fill starts by that day, and hindsight.
    """

    facts: Facts  # those known on `as_of`
    next_fact_day: Day | None  # the first later day on which the record says more
    as_of: Day
    policy: Policy
    knowledge: Knowledge
    _dependence: dict[Day, str] = field(default_factory=dict)
    _use: dict[Day, Use] = field(default_factory=dict)

    # -- supplies ------------------------------------------------------------------------

    @cached_property
    def written(self) -> tuple[Supply, ...]:
        """Supplies in scope before the overlap step."""
        return written_supplies(self.facts, Role.IN_SCOPE, self.policy)

    @cached_property
    def supplies(self) -> tuple[Supply, ...]:
        """Supplies in scope, in order of written start, then reference."""
        return self._settled(self.written)

    @cached_property
    def opioids(self) -> tuple[Supply, ...]:
        return self._settled(written_supplies(self.facts, Role.OPIOID, self.policy))

    @cached_property
    def sedatives(self) -> tuple[Supply, ...]:
        return self._settled(written_supplies(self.facts, Role.SEDATIVE, self.policy))

    def _settled(self, written: tuple[Supply, ...]) -> tuple[Supply, ...]:
        return settle_overlaps(written, carry_over_at_most=self.policy.days("supply.carry_over_at_most"))

    @cached_property
    def orders(self) -> tuple[Order, ...]:
        """Orders in scope."""
        return tuple(order for order in self.facts.orders if order.drug.role is Role.IN_SCOPE)

    @cached_property
    def window(self) -> Period | None:
        """The days for which rules answer: first supply day to the horizon; None: never any supply."""
        first = self.covered.first()
        end = self.as_of + self.policy.days("horizon") + 1
        return None if first is None or first >= end else Period(first, end)

    @cached_property
    def all_days(self) -> Days:
        return Days.none() if self.window is None else Days.span(self.window.start, self.window.end)

    def pieces(self, *what: Steps[object] | Days) -> list[tuple[Day, Day]]:
        """The pieces of the window in which nothing of `what` changes."""
        return [] if self.window is None else pieces(self.window.start, self.window.end, *what)

    # -- cover ---------------------------------------------------------------------------

    @cached_property
    def covered(self) -> Days:
        """The days that a supply in scope covers."""
        return Days.union(supply.days for supply in self.supplies)

    @cached_property
    def scheduled(self) -> Days:
        """The days that a supply covers which is not as needed."""
        return Days.union(supply.days for supply in self.supplies if not supply.as_needed)

    def open_since(self, start: Day) -> Days:
        """The days on which a supply that starts on or after `start` is open: its end is not known yet."""
        end = self.window.end if self.window else 0
        return Days.union(
            Days.span(s.written_start, end if s.cut is None else min(s.cut, end))
            for s in self.supplies
            if s.open_ended and s.start >= start
        )

    @cached_property
    def renewal(self) -> Days:
        """The days on which an order is known that starts later."""
        return Days.union(Days.span(o.authored, o.start) for o in self.orders if o.authored is not None)

    @cached_property
    def stale(self) -> Days:
        """The days on which an order is still active and was never renewed (exposure.md §6)."""
        return stale_days(
            self.supplies,
            over=self.policy.days("stale.from_over"),
            to=self.policy.days("stale.to"),
            until=self.window.end if self.window else 0,
        )

    def covering(self, day: Day) -> tuple[Supply, ...]:
        """The supplies that contain `day`."""
        return tuple(s for s in self.supplies if any(d.start <= day < d.end for d in s.doses))

    @cached_property
    def newest_order(self) -> Steps[Order | None]:
        """The latest order by `authoredOn`, else start; of those of one day the greatest reference."""
        ranked = sorted(self.orders, key=lambda order: (order.known_on, order.reference))
        return steps_of(None, [(order.known_on, order) for order in ranked])

    # -- episodes ------------------------------------------------------------------------

    @cached_property
    def last_episode(self) -> Steps[Episode | None]:
        """The latest episode that has begun, ongoing or not."""
        gaps = Gaps(self.policy.days("episode.gap"), self.policy.days("episode.gap_as_needed"))
        return last_episodes(self.supplies, gaps)

    @cached_property
    def ongoing(self) -> Days:
        """The days on which an episode is ongoing."""
        if self.window is None:
            return Days.none()
        return ongoing_days(self.last_episode, self.window.start, self.window.end)

    def episode(self, day: Day) -> Episode | None:
        """The episode ongoing on `day`."""
        return self.last_episode.at(day) if day in self.ongoing else None

    def is_new_use(self, episode: Episode) -> bool:
        """No supply day in the days before it."""
        washout = self.policy.days("episode.washout_new_use")
        return not self.covered.count(episode.start - washout, episode.start)

    # -- dose ----------------------------------------------------------------------------

    @cached_property
    def dme(self) -> Dme:
        """Diazepam equivalents of the benzodiazepines; z-drugs do not count."""
        return dme(
            (s for s in self.supplies if not self.is_z_drug(s.ingredient)), self.knowledge.equivalences
        )

    @cached_property
    def dme_with_z_drugs(self) -> Dme:
        """Diazepam equivalents, z-drugs by their factor (R04's last dose, a finished taper)."""
        if not any(self.is_z_drug(s.ingredient) for s in self.supplies):
            return self.dme
        return dme(self.supplies, self.knowledge.equivalences)

    def is_z_drug(self, ingredient: str) -> bool:
        known = self.knowledge.drugs.ingredients.get(ingredient)
        return known is not None and known.is_z_drug

    # -- dependence ----------------------------------------------------------------------

    def use(self, day: Day) -> Use:
        """The use of the latest episode, as seen on `day`."""
        if day not in self._use:
            episode = self.last_episode.at(day)
            self._use[day] = use_on(day, episode.supplies if episode else (), self.scheduled)
        return self._use[day]

    def is_regular(self, day: Day) -> bool:
        window = self.policy.days("regular.window")
        used = self.use(day).sum(day - window + 1, day + 1)
        return used >= self.policy.days("regular.sum_min") - TOLERANCE

    def dependence(self, day: Day) -> str:
        """`none`, `unlikely`, `possible` or `likely` on `day`."""
        if day not in self._dependence:
            self._dependence[day] = self._judge_dependence(day)
        return self._dependence[day]

    def _judge_dependence(self, day: Day) -> str:
        last = self.covered.last_until(day)
        episode = self.last_episode.at(day)
        policy = self.policy
        if last is None or episode is None or day - last >= policy.days("dependence.covered_within"):
            return "none"
        if not self.is_regular(day):
            return "unlikely"
        n = last - episode.start + 1
        if n < policy.days("dependence.possible_below"):
            return "possible"
        if n < policy.days("dependence.likely_from") and self._is_low_dose(episode, day):
            return "possible"
        return "likely"

    def _is_low_dose(self, episode: Episode, day: Day) -> bool:
        """Whether the mean high DME of the last covered days of the episode is known and low."""
        left = self.policy.days("dependence.mean_over")
        total, counted = 0.0, 0
        runs = self.covered.within(episode.start, day + 1).periods()
        for run in reversed(runs):
            start = max(run.start, run.end - left)
            for a, b, value in self.dme.high.spans(start, run.end):
                if value is None:
                    return False
                total += value * (b - a)
            counted += run.end - start
            left -= run.end - start
            if not left:
                break
        return rounded(total / counted) <= self.policy.number("dependence.low_dose_at_most") + TOLERANCE

    # -- what limits the answer ----------------------------------------------------------

    def flags(self, episode: Episode, day: Day) -> frozenset[str]:
        """What made the exposure less certain, of the supplies of the episode."""
        found: set[str] = set()
        for supply in episode.supplies:
            found |= supply.flags
            if supply.is_open(day):
                found.add("open_ended")
            unknown = any(span.mg is None for span in supply.doses)
            if unknown or supply.ingredient not in self.knowledge.equivalences:
                found.add("dose_unknown")
        if self.use(day).frequency_unknown:
            found.add("frequency_unknown")
        return frozenset(found)
