"""R09, R14, R15, R16: what a Condition, an event or a pregnancy adds to an ongoing use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.model.assessment import Priority
from service.model.days import Day, Days
from service.model.facts import ConditionFact
from service.model.steps import Steps
from service.rules.case import Case, iso, references
from service.rules.rule import Account, Holding, Rule, latest_in_force

PREGNANCY = "pregnancy"
_BREATHING = frozenset(
    {"chronic_respiratory_failure", "obesity_hypoventilation", "home_oxygen", "myasthenia_gravis"}
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Something of the record that makes a rule hold: on which days, what it is, and of which day."""

    days: Days
    what: str
    day: Day | None
    reference: str


def pregnancies(case: Case) -> Iterator[Cause]:
    """R09: a pregnancy on record not too long ago, or an expected delivery near enough."""
    within, policy = case.policy.days("R09.condition_within"), case.policy
    for fact in case.facts.conditions:
        if PREGNANCY in fact.concepts:
            days = case.condition_days(fact)
            if fact.start is not None:
                days = days.within(fact.start, fact.start + within + 1)
            yield Cause(days, PREGNANCY, fact.start, fact.reference)
    for delivery in case.facts.deliveries:
        first = delivery.expected - policy.days("R09.edd_before")
        last = delivery.expected + policy.days("R09.edd_after")
        known = first if delivery.known is None else max(first, delivery.known)
        yield Cause(Days.span(known, last + 1), "expected delivery", delivery.known, delivery.reference)


def substance_use(case: Case) -> Iterator[Cause]:
    """R14: a substance-use disorder first recorded lately, or an overdose, poisoning or self-harm."""
    lately = case.policy.days("R14.new_within")
    for concept in sorted(case.knowledge.conditions.substance_use):
        facts = [fact for fact in case.facts.conditions if concept in fact.concepts]
        if not facts or any(fact.recorded is None for fact in facts):
            continue
        first = min(fact.recorded for fact in facts if fact.recorded is not None)
        for fact in facts:
            days = case.condition_days(fact).within(first, first + lately + 1)
            yield Cause(days, concept, first, fact.reference)
    yield from _events(case, case.knowledge.conditions.self_harm_or_overdose, "R14.event_within")


def breathing(case: Case) -> Iterator[Cause]:
    """R15: a breathing disorder with which it is dangerous."""
    for fact in case.facts.conditions:
        for concept in sorted(_BREATHING & fact.concepts):
            yield Cause(case.condition_days(fact), concept, fact.start, fact.reference)


def accidents(case: Case) -> Iterator[Cause]:
    """R16: a fall, fracture, delirium or crash on a covered day or shortly after one."""
    exposed = case.exposure.covered.widen(after=case.policy.days("R16.after_covered"))
    for cause in _events(case, case.knowledge.conditions.accident_or_delirium, "R16.event_within"):
        if cause.day is not None and cause.day in exposed:
            yield cause


def _events(case: Case, concepts: frozenset[str], within: str) -> Iterator[Cause]:
    """Events of the last days, whatever their clinical status; a later visit is no new one."""
    for fact in case.facts.conditions:
        if not fact.later_visit and fact.start is not None:
            for concept in sorted(concepts & fact.concepts):
                yield Cause(_since(fact, case.policy.days(within)), concept, fact.start, fact.reference)


def _since(fact: ConditionFact, days: int) -> Days:
    return Days.none() if fact.start is None else Days.span(fact.start, fact.start + days + 1)


class _Causes:
    """A rule that holds, urgently, on the days of an ongoing episode on which a cause does."""

    def __init__(self, rule: str, numbers: tuple[str, ...]) -> None:
        self.id, self.due, self.numbers = rule, f"{rule}.due", numbers

    def causes(self, case: Case) -> tuple[Cause, ...]:
        found = {"R09": pregnancies, "R14": substance_use, "R15": breathing, "R16": accidents}[self.id]
        return tuple(found(case))

    def holdings(self, case: Case) -> Sequence[Holding]:
        days = Days.union(cause.days for cause in self.causes(case)) & case.exposure.ongoing
        if self.id == "R09":
            days &= case.exposure.covered.widen(after=case.policy.days("R09.covered_within"))
        return (Holding(days, Priority.URGENT),)

    def latest_fact(self, case: Case) -> Steps[Day | None]:
        if self.id == "R09":
            return Steps(None)
        return latest_in_force(
            (cause.days, cause.day) for cause in self.causes(case) if cause.day is not None
        )

    def account(self, case: Case, day: Day, _priority: Priority) -> Account:
        causes = [cause for cause in self.causes(case) if day in cause.days]
        days = [cause.day for cause in causes if cause.day is not None]
        episode = case.exposure.last_episode.at(day)
        own = tuple(dict.fromkeys(cause.reference for cause in causes))
        expected = [each.expected for each in case.facts.deliveries if each.reference in own]
        return Account(
            facts={
                "what": sorted({cause.what for cause in causes}),
                "recorded_on": iso(max(days)) if days else None,
                **({"expected_on": iso(max(expected))} if expected else {}),
            },
            evidence=(*own, *(references(episode.supplies) if episode else ())),
            numbers=(*self.numbers, self.due),
            due_after=case.policy.days(self.due),
        )

    @property
    def rule(self) -> Rule:
        return Rule(self.id, self.holdings, self.account, self.latest_fact)


R09 = _Causes("R09", ("R09.condition_within", "R09.edd_before", "R09.edd_after", "R09.covered_within")).rule
R14 = _Causes("R14", ("R14.new_within", "R14.event_within")).rule
R15 = _Causes("R15", ()).rule
R16 = _Causes("R16", ("R16.event_within", "R16.after_covered")).rule
