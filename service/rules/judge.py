"""All rules for one patient: what holds, what is muted and by what, for all days of the window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.knowledge.texts import RuleText
from service.model.assessment import Finding, Priority
from service.model.days import Day, Days, date_of
from service.rules.case import Case
from service.rules.events import R09, R14, R15, R16
from service.rules.mute import mutes
from service.rules.r00_stale import R00
from service.rules.r01_first_review import R01
from service.rules.r02_periodic_review import R02
from service.rules.r03_dose_up import R03
from service.rules.r04_stopped import R04
from service.rules.r05_opioid import R05
from service.rules.r06_sedatives import R06
from service.rules.r07_two_agents import R07
from service.rules.r08_older import R08
from service.rules.r10_high_dose import R10
from service.rules.r11_prescribers import R11
from service.rules.r12_early_refills import R12
from service.rules.r13_taper import R13
from service.rules.rule import Held, Rule

RULES: tuple[Rule, ...] = (
    R00, R01, R02, R03, R04, R05, R06, R07, R08, R09, R10, R11, R12, R13, R14, R15, R16,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rule that holds on some day, and the days on which each suppression mutes it."""

    held: Held
    mutes: Mapping[str, Days]  # by suppression, lowest number first

    @property
    def muted(self) -> Days:
        return Days.union(self.mutes.values())

    def muted_by(self, day: Day) -> str | None:
        """The lowest-numbered suppression that mutes the rule on `day`."""
        return next((name for name, days in self.mutes.items() if day in days), None)


def judge(case: Case, rules: Sequence[Rule] = RULES) -> tuple[Verdict, ...]:
    """The rules that hold on any day of the window, in order of id."""
    found = (Held(rule, rule.holdings(case)) for rule in rules)
    return tuple(Verdict(held, mutes(case, held)) for held in found if held.days)


def finding(case: Case, verdict: Verdict, day: Day) -> Finding | None:
    """What a rule says on `day`, suppressed or not; None when it does not hold."""
    held = verdict.held
    priority, since = held.priority(day), held.days.run_start(day)
    if priority is None or since is None:
        return None
    account = held.rule.account(case, day, priority)
    text = case.knowledge.texts.rule(held.id)
    return Finding(
        rule=held.id,
        title=text.title,
        priority=priority,
        since=date_of(since),
        due_on=date_of(_due(held, priority, day, account.due_on, account.due_after)),
        facts=account.facts,
        evidence=account.evidence,
        citation="; ".join(text.citations),
        actions=_fitting(text, account.facts.get("variants")),
        numbers=case.numbers(account.numbers),
        suppressed_by=verdict.muted_by(day),
    )


def _fitting(text: RuleText, variants: object) -> tuple[str, ...]:
    """The actions, without those that name a variant which does not hold (`stalled: a pause is allowed`)."""
    found = variants if isinstance(variants, list) else []
    others = tuple(f"{name}: " for name in text.variants if name not in found)
    return tuple(action for action in text.actions if not action.startswith(others))


def _due(held: Held, priority: Priority, day: Day, due_on: Day | None, after: int) -> Day:
    """A day of its own, else so many days after the first of the run with at least this priority."""
    if due_on is not None:
        return due_on
    begun = held.at_least[priority].run_start(day)
    return (day if begun is None else begun) + after
