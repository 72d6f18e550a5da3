"""The findings of a day as one item (rules.md, Merge)."""

from collections.abc import Iterable

from service.model.assessment import Finding, ItemSummary

_ONLY_A_REASON = "R08"  # beside R01 or R02 its own day does not count
_REGULAR_REVIEWS = frozenset({"R01", "R02"})


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The most pressing first, then by rule id."""
    return tuple(sorted(findings, key=lambda finding: (-finding.priority, finding.rule)))


def merge(findings: Iterable[Finding]) -> ItemSummary | None:
    """What unsuppressed findings ask for together; None when there is none."""
    ordered = in_order(findings)
    if not ordered:
        return None
    rules = {finding.rule for finding in ordered}
    priority = ordered[0].priority
    counted = [
        finding
        for finding in ordered
        if finding.priority == priority and not (finding.rule == _ONLY_A_REASON and rules & _REGULAR_REVIEWS)
    ]
    return ItemSummary(
        priority=priority,
        due_on=min(finding.due_on for finding in counted),
        reasons=tuple(finding.rule for finding in ordered),
    )
