"""Release: which held items are opened now (lifecycle.md §6)."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.cycle.gate import Gate, gate_of
from service.cycle.parts import Parts
from service.cycle.wanted import elements_of, want
from service.model.assessment import Assessment, Priority
from service.model.item import Item, ItemState
from service.ports import Lease, SourceState

_ROUNDS = 4  # bound on choosing again where nothing could be decided about those chosen


def may_write(parts: Parts, state: SourceState) -> bool:
    """Writing needs the setting and the release; a frozen or stopped source writes nothing."""
    allowed = parts.settings.write == "allowed" and state.released_at is not None
    return allowed and state.frozen_since is None and state.stopped_why is None


def release(
    parts: Parts,
    lease: Lease,
    assessments: Mapping[str, Assessment],
    *,
    only_urgent: bool = False,
    look_again: Callable[[list[str]], None] | None = None,
) -> int:
    """Open held items in order of rank within the budget; gives how many.

    `assessments` holds those of this cycle by item key: an item is opened on fresh facts only.
    Held items of earlier cycles that fit the budget are handed to `look_again` first (by patient).
    `only_urgent` opens only what is outside the budget.
    """
    with parts.ledger.read() as tx:
        state = tx.source_state(parts.id)
        held = tx.items(parts.id, ItemState.HELD)
        now = parts.now()
        start, end = _today(parts, now)
        used = tx.opened_between(parts.id, start, end)
    released_at = state.released_at
    if released_at is None or not ("task" not in parts.settings.channels or may_write(parts, state)):
        return 0
    released_on = parts.day(released_at)
    gate = gate_of(parts) if held else Gate(None)
    chosen: list[tuple[Item, bool]] = []
    silent: set[str] = set()  # keys of those about whom a look decided nothing: others go first
    for _ in range(_ROUNDS):
        able = [item for item in held if item.key not in silent]
        chosen = list(_choose(parts, gate, able, used, released_on, only_urgent=only_urgent))
        stale = {item.key: item.patient for item, _ in chosen if item.key not in assessments}
        if not stale or look_again is None:
            break
        look_again(list(stale.values()))
        silent |= {key for key in stale if key not in assessments}
    opened = 0
    with parts.ledger.write(lease) as tx:
        for item, in_budget in chosen:
            current = tx.item(item.key)
            assessment = assessments.get(item.key)
            if current is None or current.state is not ItemState.HELD or assessment is None:
                continue
            if not gate.lets(current, parts.settings.pool):  # a look meanwhile may know better
                continue
            open_item = replace(current, state=ItemState.OPEN, opened_on=parts.day(now))
            tx.save_item(open_item, now)
            tx.record_release(open_item, now, in_budget=in_budget)
            tx.audit(parts.id, "item released", now, actor="service", subject=item.key)
            elements = elements_of(parts, assessment, open_item)
            want(tx, parts, open_item, elements, tx.projection(parts.id, item.key), now, rests_on=assessment)
            opened += 1
    return opened


def _choose(
    parts: Parts,
    gate: Gate,
    held: Iterable[Item],
    used: Mapping[str | None, int],
    released_on: date,
    *,
    only_urgent: bool,
) -> Iterable[tuple[Item, bool]]:
    by_owner = Counter(used)
    total = sum(used.values())
    for item in sorted(held, key=lambda item: (item.rank, item.key), reverse=True):
        if not gate.lets(item, parts.settings.pool):
            continue
        if _outside_budget(item, released_on):
            yield item, False
            continue
        owner_full = by_owner[item.owner] >= parts.settings.new_per_owner_per_day
        if only_urgent or owner_full or total >= parts.settings.new_per_source_per_day:
            continue
        by_owner[item.owner] += 1
        total += 1
        yield item, True


def _outside_budget(item: Item, released_on: date) -> bool:
    if item.priority is Priority.ASAP or item.had_task:
        return True
    return any(r.priority >= Priority.URGENT and r.since >= released_on for r in item.reasons)


def _today(parts: Parts, now: datetime) -> tuple[datetime, datetime]:
    zone = ZoneInfo(parts.settings.timezone)
    start = datetime.combine(parts.day(now), time.min, tzinfo=zone)
    return start, datetime.combine(parts.day(now) + timedelta(days=1), time.min, tzinfo=zone)
