"""R00: an order still active long after it was written, and never renewed."""

from collections.abc import Sequence

from service.model.assessment import Priority
from service.model.days import Day
from service.rules.case import Case, iso, references
from service.rules.rule import Account, Holding, Rule


def holdings(case: Case) -> Sequence[Holding]:
    return (Holding(case.exposure.stale, Priority.ROUTINE),)


def account(case: Case, day: Day, _priority: Priority) -> Account:
    over, to = case.policy.days("stale.from_over"), case.policy.days("stale.to")
    stale = [s for s in case.exposure.supplies if s.is_open(day) and over < day - s.written_start <= to]
    return Account(
        facts={
            "ingredients": sorted({supply.ingredient for supply in stale}),
            "ordered_on": iso(max(supply.written_start for supply in stale)),
        },
        evidence=references(stale),
        numbers=("stale.from_over", "stale.to", "R00.due"),
        due_after=case.policy.days("R00.due"),
    )


R00 = Rule("R00", holdings, account)
