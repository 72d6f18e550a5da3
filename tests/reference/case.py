"""One patient on t: the exposure, the facts, and what rules ask about a day d."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from . import conditions, days, fhir
from .classify import Order
from .exposure import Episode, Exposure, View
from .facts import Facts, Outcome
from .knowledge import SUBSTANCE_USE, Policy, equivalence
from .supply import Supply

ASAP, URGENT, ROUTINE = "asap", "urgent", "routine"
RANK = {ROUTINE: 0, URGENT: 1, ASAP: 2}
S9_CONCEPTS = ("rem_sleep_behavior_disorder", "catatonia", "stiff_person_syndrome", "spasticity_indication")


@dataclass
class Holding:
    """A rule that holds on a day."""

    priority: str
    plus: int = 0  # +n: due n days after the first day with at least this priority
    due: int | None = None  # or a day of its own
    variants: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    rests_on: list[int] = field(default_factory=list)  # dates of the facts that S14 compares
    involved: dict[str, int] = field(default_factory=dict)  # ingredient or requester: the day it came in


class Case:
    def __init__(
        self,
        t: int,
        policy: Policy,
        exposure: Exposure,
        facts: Facts,
        opioids: list[Supply],
        sedatives: list[Supply],
        naloxone: list[Order],
        resources: list[fhir.Named],
        person_of: dict[str, str],
    ) -> None:
        self.t = t
        self.policy = policy
        self.exposure = exposure
        self.facts = facts
        self.opioids = opioids
        self.sedatives = sedatives
        self.naloxone = naloxone
        self.bodies = {item.ref: item.body for item in resources}
        self.person_of = person_of  # order reference -> who asked for it
        self._views: dict[int, View] = {}
        self._reviews: dict[int, tuple[int, bool] | None] = {}
        self._seizure_reason: dict[str, bool] = {}
        self.held: dict[tuple[str, int], Holding | None] = {}
        self.runs: dict[tuple[str, int, str], int] = {}
        self.levels: dict[tuple[int, int | None], list[Any]] = {}

    def view(self, d: int) -> View:
        if d not in self._views:
            self._views[d] = View(self.exposure, d)
        return self._views[d]

    # --- the patient -------------------------------------------------------------------------------------------------

    def age(self, d: int) -> int | None:
        return None if self.facts.birth is None else days.years_old(self.facts.birth, d)

    def older(self, d: int) -> bool:
        age = self.age(d)
        return age is not None and age >= self.policy("age_older")

    def has(self, d: int, *concepts: str) -> bool:
        return any(c.active_on(d) and c.concepts & set(concepts) for c in self.facts.conditions)

    # --- orders ------------------------------------------------------------------------------------------------------

    def orders_known(self, d: int) -> list[Order]:
        return [order for order in self.exposure.orders if order.authored <= d]

    def renewal(self, d: int) -> bool:
        return any(order.start > d for order in self.orders_known(d))

    def newest_order(self, d: int) -> Order | None:
        return max(self.orders_known(d), key=lambda o: (o.authored, o.ref), default=None)

    def orders_of(self, episode: Episode) -> list[Order]:
        found = {s.order.ref: s.order for s in episode.supplies if s.order is not None}
        return [found[ref] for ref in sorted(found)]

    def refill_left(self, d: int, episode: Episode) -> bool:
        for order in self.orders_of(episode):
            fills = [f for f in self.exposure.fills if f.start <= d and order.ref in named_orders(f)]
            valid = days.when(fhir.dig(order.body, "dispenseRequest", "validityPeriod", "end"))
            still_valid = valid is None or valid.last >= d
            if fills and order.active_on(d) and still_valid and len(fills) < 1 + order.repeats:
                return True
        return False

    # --- reviews and outcomes ----------------------------------------------------------------------------------------

    def last_review(self, d: int) -> int | None:
        found = self._last_review(d)
        return found[0] if found is not None else None

    def last_review_is_only_reviewed(self, d: int) -> bool:
        """Is the last review nothing but an outcome `reviewed`?"""
        found = self._last_review(d)
        return found is not None and found[1]

    def _last_review(self, d: int) -> tuple[int, bool] | None:
        if d not in self._reviews:
            counted, moderate_since_strong = [], False
            known = [e for e in self.facts.evidence if e.day <= d]
            for evidence in sorted(known, key=lambda e: (e.day, e.strong)):
                if evidence.strong:
                    if evidence.until is None or evidence.until >= d:
                        counted.append(evidence)
                    moderate_since_strong = False
                elif not moderate_since_strong:
                    counted.append(evidence)
                    moderate_since_strong = True
            last = max((e.day for e in counted), default=None)
            only = all(e.outcome == "reviewed" for e in counted if e.day == last)
            self._reviews[d] = None if last is None else (last, only)
        return self._reviews[d]

    def latest_outcome(self, d: int) -> Outcome | None:
        known = [o for o in self.facts.outcomes if o.day <= d]
        return known[-1] if known else None

    # --- tapers ------------------------------------------------------------------------------------------------------

    def taper_plans(self, d: int, episode: Episode | None) -> list[int]:
        """The first days of the taper plans in force; one without a date has been from the first supply day on."""
        always = self.exposure.first_supply_day or d
        starts = [
            always if plan.start is None else plan.start for plan in self.facts.plans if plan.active_on(d)
        ]
        latest = self.latest_outcome(d)
        if latest is not None and latest.code == "taper" and (latest.until is None or latest.until >= d):
            starts.append(latest.day)
        orders = self.orders_of(episode) if episode is not None else []
        return starts + [order.start for order in orders if _descends(order)]

    # --- the interval of R02 -----------------------------------------------------------------------------------------

    def seizure_treated_with_it(self, d: int, episode: Episode) -> bool:
        """S7."""
        if not self.has(d, "seizure_disorder"):
            return False
        if {"clobazam", "clonazepam"} & set(episode.ingredients):
            return True
        return any(self._reason_is_seizure(order) for order in self.orders_of(episode))

    def _reason_is_seizure(self, order: Order) -> bool:
        if order.ref not in self._seizure_reason:
            concepts = fhir.listed(order.body.get("reasonCode"))
            refs = fhir.listed(order.body.get("reasonReference"))
            for reason in fhir.objects(order.body.get("reason")):
                concepts.append(reason.get("concept"))
                refs.append(reason.get("reference"))
            for ref in refs:
                target = self.bodies.get(fhir.reference(ref) or "")
                if target is not None and target["resourceType"] == "Condition":
                    concepts.append(target.get("code"))
            self._seizure_reason[order.ref] = any(conditions.has_seizure_code(c) for c in concepts)
        return self._seizure_reason[order.ref]

    def longer_use_accepted(self, d: int, episode: Episode) -> bool:
        """S9."""
        return self.has(d, *S9_CONCEPTS) and bool(
            {"clonazepam", "diazepam", "lorazepam"} & set(episode.ingredients)
        )

    def interval(self, d: int, episode: Episode) -> int:
        shorter, longer = [], []
        if self.has(d, *SUBSTANCE_USE):
            shorter.append(self.policy("R02.interval_substance_use_disorder"))
        if self.has(d, "copd", "sleep_disordered_breathing", "bipolar_disorder"):
            shorter.append(self.policy("R02.interval_copd_sleep_breathing_bipolar"))
        if self.seizure_treated_with_it(d, episode):
            longer.append(self.policy("R02.interval_S7_S9"))
        elif self.has(d, "seizure_disorder"):
            longer.append(self.policy("R02.interval_seizure_other_ingredient"))
        if self.longer_use_accepted(d, episode):
            longer.append(self.policy("R02.interval_S7_S9"))
        if shorter:
            return int(min(shorter))
        return int(max(longer)) if longer else int(self.policy("R02.interval"))

    # --- doses -------------------------------------------------------------------------------------------------------

    def above_label_maximum(self, day: int, ingredient: str, older: bool) -> bool:
        """Daily mg (low) of an ingredient above its label maximum; `older`: above the one for older people."""
        row, mg = equivalence().get(ingredient), self.daily_mg(day).get(ingredient)
        if row is None or mg is None:
            return False
        most = row.older if older else row.label_maximum(self.policy.data["daily_maximum"])
        return most is not None and days.above(mg[0], most)

    def daily_mg(self, day: int) -> dict[str, tuple[float, float] | None]:
        if day not in self._daily_mg:
            self._daily_mg[day] = self.exposure.daily_mg(day)
        return self._daily_mg[day]

    @cached_property
    def _daily_mg(self) -> dict[int, dict[str, tuple[float, float] | None]]:
        return {}


def named_orders(fill: Order) -> list[str | None]:
    return [fhir.reference(a) for a in fill.body.get("authorizingPrescription", [])]


def _descends(order: Order) -> bool:
    """At least three phases one after another, each with a lower dose than the one before."""
    phases = order.dose.phases if order.dose is not None else []
    longest, run, before = 0, 0, None
    for phase in phases:
        middle = (phase.mg[0] + phase.mg[1]) / 2 if phase.mg is not None else None
        lower = before is not None and middle is not None and days.above(before, middle)
        run = 0 if middle is None else run + 1 if lower else 1
        longest, before = max(longest, run), middle
    return longest >= 3
