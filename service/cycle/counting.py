"""What a cycle counts into the ledger, for the metrics of every process."""

from service.cycle.keeper import Keeper
from service.cycle.parts import Parts
from service.ports import CycleReport, LedgerError


def count(parts: Parts, keeper: Keeper, report: CycleReport) -> CycleReport:
    """The same report, after adding it to the counters.

    A database that refuses, or a lost lease, costs the numbers only.
    """
    outcome = "complete" if report.complete else "incomplete" if report.reads_ok else "unreachable"
    amounts: dict[tuple[str, str], float] = {
        ("cycles", outcome): 1,
        ("assessed", ""): report.assessed,
        ("deliveries", "created"): report.created,
        ("deliveries", "updated"): report.updated,
        ("deliveries", "closed"): report.closed,
        ("deliveries", "unknown"): report.unknown,
        **parts.client.egress.traffic.take(),
    }
    try:
        with parts.ledger.write(keeper.lease) as tx:
            tx.count_up(parts.id, amounts)
    except LedgerError as problem:
        parts.log.warning("cycle not counted", why=str(problem))
    return report
