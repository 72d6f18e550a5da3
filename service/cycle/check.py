"""The daily comparison of all own Tasks in the EHR with the ledger (lifecycle.md §3, step 8)."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec

from service.channels import task as tasks
from service.channels.ehr import Answer, TaskChannel
from service.cycle.gone import Gone
from service.cycle.keeper import Keeper
from service.cycle.parts import Parts
from service.cycle.recorder import seen_task
from service.fhir.errors import FhirError
from service.model.item import CloseReason, Doing, ItemState, Projection
from service.ports import QuarantineRow
from service.reconcile import LIVE

Json = dict[str, Any]


_LATELY = timedelta(days=1)  # the check is a daily one


@dataclass
class Checked:
    """What the comparison found and did."""

    tasks: int = 0
    cancelled: int = 0
    reopened: int = 0
    set_aside: int = 0
    missing: int = 0
    complete: bool = True
    why: str | None = None


def check_own_tasks(parts: Parts, keeper: Keeper, gone: Gone, *, writing: bool) -> Checked:
    """Each own Task is in the ledger, each open item has exactly one."""
    raw, read = parts.source.own_tasks()
    if read.state != "complete":
        return Checked(complete=False, why=read.why)
    by_key: dict[str, list[Json]] = defaultdict(list)
    for body in raw:
        task: Json = msgspec.json.decode(body)
        key = tasks.key_of(task, parts.settings.item_system)
        if key is not None:
            by_key[key].append(task)
    done = Checked(tasks=sum(map(len, by_key.values())))
    with parts.ledger.read() as tx:
        open_keys = {item.key for item in tx.items(parts.id, ItemState.OPEN)}
        rows = {row.key: row for row in tx.projections(parts.id)}
    for key, found in by_key.items():
        live = sorted((t for t in found if t.get("status") in LIVE), key=_age)
        if live and not (key in open_keys and _is_the_one(live, rows.get(key))):
            _one_key(parts, keeper, key, live, done, writing=writing)
    known = [row for row in rows.values() if row.seen is not None and row.key in open_keys]
    missing = [row.key for row in known if row.key not in by_key]
    ended = [
        row
        for row in known
        if row.key in by_key and not any(t.get("status") in LIVE for t in by_key[row.key])
    ]
    if ended:
        with parts.ledger.write(keeper.lease) as tx:
            tx.mark_due(parts.id, [row.patient for row in ended], "its Task was ended")
    done.missing = len(missing)
    gone.verify(missing)
    return done


def _is_the_one(live: list[Json], row: Projection | None) -> bool:
    """The usual case: one live Task, and it is the one that the ledger knows."""
    return (
        len(live) == 1
        and row is not None
        and row.seen is not None
        and row.seen.reference == _reference(live[0])
    )


def _one_key(
    parts: Parts, keeper: Keeper, key: str, live: list[Json], done: Checked, *, writing: bool
) -> None:
    with parts.ledger.read() as tx:
        item = tx.item(key)
        row = tx.projection(parts.id, key)
    if item is not None and item.live:
        known = row.seen.reference if row and row.seen else _reference(live[0])
        for task in live:
            if _reference(task) != known:
                _retire(parts, keeper, key, row, task, done, writing=writing)
        return
    if row is not None and (row.attempt.doing is not Doing.NONE or row.is_ending):
        return  # an end of it is on its way
    for task in live:
        _retire(parts, keeper, key, row, task, done, writing=writing)


def _retire(
    parts: Parts,
    keeper: Keeper,
    key: str,
    row: Projection | None,
    listed: Json,
    done: Checked,
    *,
    writing: bool,
) -> None:
    """A live own Task that no item stands for: cancelled when untouched, else its item is re-opened."""
    channel = TaskChannel(parts.client, parts.settings.item_system)
    try:
        found = channel.own(_reference(listed), key)  # a list may be late: nothing is ended by what it says
        if found.resource.get("status") not in LIVE:
            return
        baseline = row.seen.baseline if row and row.seen else tasks.adopted_baseline(found.resource, {})
        if tasks.is_touched(found.resource, baseline) or found.resource.get("output"):
            _open_again(parts, keeper, key, row, found, baseline, done)
        elif writing and _is_known(parts, keeper, key, found.resource):
            ended = tasks.ended(found.resource, CloseReason.SUPERSEDED, parts.now())
            channel.change(ended, key=key, version=found.version)
            _told(parts, keeper, "own task without an item cancelled", key)
            done.cancelled += 1
    except (FhirError, tasks.InvalidTaskError) as problem:  # tomorrow's check tries again
        parts.log.warning("own task not cancelled", key=key, why=str(problem))


def _told(parts: Parts, keeper: Keeper, act: str, key: str) -> None:
    with parts.ledger.write(keeper.lease) as tx:
        tx.audit(parts.id, act, parts.now(), actor="service", subject=key)


def _open_again(
    parts: Parts,
    keeper: Keeper,
    key: str,
    row: Projection | None,
    found: Answer,
    baseline: Mapping[str, object],
    done: Checked,
) -> None:
    """A person had the Task in hand: its item lives again, and knows the Task, so that it can be ended."""
    now = parts.now()
    with parts.ledger.write(keeper.lease) as tx:
        item = tx.item(key)
        others = tx.items_of(parts.id, item.patient) if item is not None else []
        if item is None or any(other.live for other in others):
            reason = "unknown-task" if item is None else "duplicate-touched"
            whose = tasks.patient_of(found.resource)
            tx.set_aside(QuarantineRow(parts.id, whose, f"Task/{found.id}", key, reason, now))
            done.set_aside += 1
            return
        tx.save_item(
            replace(item, state=ItemState.OPEN, close_reason=None, closed_on=None, withdrawn_on=None), now
        )
        before = row or Projection(parts.id, key, item.patient, "Task", None)
        tx.save_projection(
            replace(before, seen=seen_task(found, dict(baseline), generation=0), desired=None), now
        )
        tx.void_outcome(parts.id, key, now)
        tx.mark_due(parts.id, [item.patient], "its Task was opened again")
        tx.audit(parts.id, "item opened again", now, actor="service", subject=key)
        done.reopened += 1


def _is_known(parts: Parts, keeper: Keeper, key: str, task: Json) -> bool:
    """Whether its patient was read lately and has no item of it; else the patient is looked at first."""
    whose = tasks.patient_of(task)
    with parts.ledger.read() as tx:
        if tx.item(key) is not None:
            return True
        row = tx.patient(parts.id, whose) if whose is not None else None
    if row is None or row.gathered_at is None:
        return row is None  # nobody's whom we watch
    if row.complete and parts.now() - row.gathered_at <= _LATELY:
        return True
    with parts.ledger.write(keeper.lease) as tx:
        tx.mark_due(parts.id, [row.patient], "a Task of no item")
    return False


def _reference(task: Json) -> str:
    return f"Task/{task.get('id')}"


def _age(task: Json) -> tuple[str, str]:
    return str(task.get("authoredOn") or ""), str(task.get("id"))
