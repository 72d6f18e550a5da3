"""All rules by id; on which days each holds; since when (exposure.md, section 0)."""

from collections.abc import Callable

from . import rules_dose, rules_refills, rules_review, rules_risk, rules_stop, rules_together, taper
from .case import RANK, Case, Holding

RULES: dict[str, Callable[[Case, int], Holding | None]] = {
    "R00": rules_review.r00,
    "R01": rules_review.r01,
    "R02": rules_review.r02,
    "R03": rules_dose.r03,
    "R04": rules_stop.r04,
    "R05": rules_together.r05,
    "R06": rules_together.r06,
    "R07": rules_together.r07,
    "R08": rules_review.r08,
    "R09": rules_risk.r09,
    "R10": rules_dose.r10,
    "R11": rules_refills.r11,
    "R12": rules_refills.r12,
    "R13": taper.r13,
    "R14": rules_risk.r14,
    "R15": rules_risk.r15,
    "R16": rules_risk.r16,
}


def holds(case: Case, rule: str, d: int) -> Holding | None:
    """What the rule says on d, if it holds; never before the patient's first supply day."""
    first = case.exposure.first_supply_day
    if first is None or d < first:
        return None
    if (rule, d) not in case.held:
        case.held[rule, d] = RULES[rule](case, d)
    return case.held[rule, d]


def since(case: Case, rule: str, d: int) -> int:
    """The first day of the unbroken run of days on which the rule holds that ends on d."""
    return _run(case, rule, d, lambda _: True, "any")


def since_at_least(case: Case, rule: str, d: int, priority: str) -> int:
    """The same for days on which it holds with at least a priority."""
    return _run(case, rule, d, lambda holding: RANK[holding.priority] >= RANK[priority], priority)


def since_variant(case: Case, rule: str, d: int, variant: str) -> int:
    return _run(case, rule, d, lambda holding: variant in holding.variants, f"variant {variant}")


def _run(case: Case, rule: str, d: int, counts: Callable[[Holding], bool], label: str) -> int:
    """Walk back from d; a run that another day has walked already is not walked twice."""
    key = (rule, d, label)
    if key not in case.runs:
        day = d
        while True:
            before = holds(case, rule, day - 1)
            if before is None or not counts(before):
                break
            day -= 1
            if (rule, day, label) in case.runs:
                day = case.runs[rule, day, label]
                break
        case.runs[key] = day
    return case.runs[key]


def due_on(case: Case, rule: str, d: int) -> int:
    holding = holds(case, rule, d)
    assert holding is not None
    if holding.due is not None:
        return holding.due
    return since_at_least(case, rule, d, holding.priority) + holding.plus
