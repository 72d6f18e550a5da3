"""Recall: an operator takes untouched own Tasks back (lifecycle.md §6)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from service.channels import task as tasks
from service.cycle.closing import want_closed
from service.cycle.deliver import Delivery
from service.cycle.keeper import Keeper
from service.cycle.look import Looked, look
from service.cycle.parts import Parts
from service.cycle.release import may_write
from service.cycle.run import GROUP, leased
from service.fhir.errors import IncompleteError
from service.model.item import CloseReason, Item, ItemState, Projection
from service.ports import Transaction

_ROUNDS = 3  # bound on looking again at patients that deliver sent back
_UNTOUCHED = frozenset({"draft", "requested"})

Json = Mapping[str, Any]


class NotWritingError(Exception):
    """The source writes nothing now, so nothing can be recalled; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What a withdrawal came to."""

    recalled: int = 0  # items
    left: int = 0  # because a person has touched the Task, or nobody can tell
    closed: int = 0  # Tasks that are ended in the EHR by now; the next cycle ends the rest


def withdraw(
    parts: Parts,
    holder: str,
    *,
    rule: str | None,
    reason: str,
    actor: str,
    stopping: Callable[[], bool] = lambda: False,
) -> Withdrawn:
    """Recall the open items whose Task nobody touched: all, or those with this rule alone.

    Waits for the source's lease.  Raises NotWritingError, and FhirError when own Tasks cannot all be read.
    """
    with leased(parts, holder, stopping=stopping) as keeper:
        shown = _tasks(parts)
        patients, left = _recall(parts, keeper, shown, rule, reason, actor)
        closed = _deliver(parts, keeper, sorted(patients), stopping) if _has_tasks(parts) else 0
    return Withdrawn(len(patients), left, closed)


def _has_tasks(parts: Parts) -> bool:
    return "task" in parts.settings.channels


def _tasks(parts: Parts) -> dict[str, Json]:
    """Own Tasks in the EHR by reference."""
    if not _has_tasks(parts):
        return {}
    with parts.ledger.read() as tx:
        state = tx.source_state(parts.id)
    if not may_write(parts, state):
        why = state.frozen_why or state.stopped_why or "it is in shadow, or source.<id>.write is never"
        raise NotWritingError(f"source {parts.id}: nothing can be written now: {why}")
    raw, read = parts.source.own_tasks()
    if read.state != "complete":
        raise IncompleteError(f"own Tasks could not be read completely: {read.why}")
    found: list[Json] = [msgspec.json.decode(body) for body in raw]
    return {f"Task/{task.get('id')}": task for task in found}


def _recall(
    parts: Parts, keeper: Keeper, shown: Mapping[str, Json], rule: str | None, reason: str, actor: str
) -> tuple[set[str], int]:
    """The patients whose item was recalled, and how many were left."""
    now = parts.now()
    recalled: set[str] = set()
    left = 0
    with parts.ledger.write(keeper.lease) as tx:
        for item, row in _asked_for(tx, parts.id, rule):
            if row is not None and not _is_untouched(row, shown):
                left += 1
                continue
            closed = replace(
                item,
                state=ItemState.CLOSED,
                close_reason=CloseReason.RECALLED,
                closed_on=parts.day(now),
                recalled=True,
                not_due_since=None,
                not_due_why=None,
                incomplete_since=None,
                incomplete_why=None,
            )
            tx.save_item(closed, now)
            want_closed(tx, closed, row, now)
            tx.audit(parts.id, "item recalled", now, actor=actor, subject=item.key, detail=reason)
            recalled.add(item.patient)
        what = f"{rule or 'all rules'}, {len(recalled)} recalled, {left} left: {reason}"
        tx.audit(parts.id, "withdrawn", now, actor=actor, subject=parts.id, detail=what)
    return recalled, left


def _asked_for(tx: Transaction, source: str, rule: str | None) -> Iterator[tuple[Item, Projection | None]]:
    rows = {row.key: row for row in tx.projections(source)}
    for item in tx.items(source, ItemState.OPEN):
        if rule is None or {reason.rule for reason in item.reasons} == {rule}:
            yield item, rows.get(item.key)


def _is_untouched(row: Projection, shown: Mapping[str, Json]) -> bool:
    """Whether no person did anything with the Task; one that was never confirmed nobody can have."""
    if row.seen is None:
        return True
    task = shown.get(row.seen.reference)
    if task is None or task.get("status") not in _UNTOUCHED:
        return False
    return not tasks.is_touched(task, row.seen.baseline)


def _deliver(parts: Parts, keeper: Keeper, patients: list[str], stopping: Callable[[], bool]) -> int:
    """End the Tasks now, on fresh facts like every write; what does not fit is left to the next cycle."""
    delivery = Delivery(parts, keeper, stopping)
    due = patients
    for _ in range(_ROUNDS):
        for start in range(0, len(due), GROUP):
            if stopping():
                return delivery.tally.closed
            look(parts, keeper.lease, due[start : start + GROUP], Looked())
        delivery.run()
        due, delivery.tally.sent_back = sorted(delivery.tally.sent_back), set()
        if not due:
            break
    return delivery.tally.closed
