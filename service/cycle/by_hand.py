"""The comparison of all own Tasks, asked for by an operator."""

from collections.abc import Callable

from service.cycle.check import Checked, check_own_tasks
from service.cycle.gone import Gone, withdraw_gone
from service.cycle.parts import Parts
from service.cycle.release import may_write
from service.cycle.run import leased


def compare_now(
    parts: Parts,
    holder: str,
    *,
    actor: str,
    accept_gone: bool,
    stopping: Callable[[], bool],
) -> tuple[int, Checked]:
    """(items withdrawn, what the comparison found); waits for the source's lease.

    `actor` asks for it, and with `accept_gone` says that vanished Tasks are gone for good, which ends the
    freeze.
    Raises FhirError when they cannot be told from unread ones.
    """
    with leased(parts, holder, stopping=stopping) as keeper:
        with parts.ledger.write(keeper.lease) as tx:
            tx.audit(parts.id, "comparison asked", parts.now(), actor=actor, subject=parts.id)
        withdrawn = withdraw_gone(parts, keeper, actor) if accept_gone else 0
        with parts.ledger.read() as tx:
            state = tx.source_state(parts.id)
        return withdrawn, check_own_tasks(parts, keeper, Gone(parts, keeper), writing=may_write(parts, state))
