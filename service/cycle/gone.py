"""Own Tasks that are no longer there: a person's deletion, or a restored EHR (lifecycle.md §3).

One missing sighting proves nothing: each is read by its id.  410, or 404 in two cycles, is a
deletion; but while many of them are gone at once nothing is believed and writing freezes.
"""

from collections.abc import Iterable
from dataclasses import replace

import msgspec

from service.channels import task as tasks
from service.channels.ehr import TaskChannel
from service.cycle.keeper import Keeper
from service.cycle.parts import Parts
from service.fhir.errors import AuthError, FhirError, GoneError, IncompleteError, NotFoundError
from service.model.item import Attempt, ItemState, Projection
from service.ports import Transaction

FREEZE_SHARE = 0.10  # lifecycle.md §3: more than 10 % of the own Tasks read …
FREEZE_LEAST = 3  # … and at least 3 of them
_CYCLES = 2  # a 404 in two cycles is a deletion


class Gone:
    """What to do about own Tasks that a read did not show; one for each cycle."""

    def __init__(self, parts: Parts, keeper: Keeper) -> None:
        self._parts = parts
        self._keeper = keeper
        self._channel = TaskChannel(parts.client, parts.settings.item_system)
        self._counted: set[str] = set()  # keys: one cycle counts once, however often it looks

    def verify(self, keys: Iterable[str]) -> None:
        """Read each by id, and note those that are not there."""
        missing: list[str] = []
        hard: set[str] = set()
        for key in keys:
            with self._parts.ledger.read() as tx:
                row = tx.projection(self._parts.id, key)
            if row is None or row.seen is None:
                continue
            try:
                self._channel.own(row.seen.reference, key)
                self._is_there(row)
            except GoneError:
                missing.append(key)
                hard.add(key)
            except NotFoundError:
                missing.append(key)
            except FhirError as problem:  # whether it is there stays open; the next cycle asks again
                if isinstance(problem, AuthError) or self._parts.client.egress.is_broken:
                    break
        if missing:
            self.note(missing, hard=hard)

    def _is_there(self, row: Projection) -> None:
        """It was only not seen: what was counted before says nothing any more."""
        if row.seen is not None and row.seen.gone:
            with self._parts.ledger.write(self._keeper.lease) as tx:
                tx.save_projection(replace(row, seen=replace(row.seen, gone=0)), self._parts.now())

    def note(self, keys: list[str], *, hard: set[str]) -> None:
        """These are not there; `hard` ones answered 410.  Withdraws, waits, or freezes."""
        if self._many_are_gone():
            return
        now = self._parts.now()
        with self._parts.ledger.write(self._keeper.lease) as tx:
            if tx.source_state(self._parts.id).frozen_since is not None:
                return
            for key in keys:
                row = tx.projection(self._parts.id, key)
                if row is None:
                    continue
                if key in self._counted and key not in hard:
                    continue
                self._counted.add(key)
                times = row.seen.gone + 1 if row.seen is not None else _CYCLES
                if key in hard or times >= _CYCLES:
                    self.withdraw(tx, row)
                elif row.seen is not None:
                    tx.save_projection(
                        replace(row, seen=replace(row.seen, gone=times), attempt=Attempt()), now
                    )

    def _many_are_gone(self) -> bool:
        """Compare all own Tasks in the EHR with those we know; True after it froze the writes."""
        with self._parts.ledger.read() as tx:
            state = tx.source_state(self._parts.id)
            open_keys = {item.key for item in tx.items(self._parts.id, ItemState.OPEN)}
            known = {
                row.key
                for row in tx.projections(self._parts.id)
                if row.seen is not None and row.key in open_keys
            }
        if state.frozen_since is not None:
            return True
        if len(known) < FREEZE_LEAST:
            return False
        raw, read = self._parts.source.own_tasks()
        if read.state != "complete":
            return True  # nothing is believed on an incomplete read
        system = self._parts.settings.item_system
        there = {tasks.key_of(msgspec.json.decode(body), system) for body in raw}
        gone = known - there
        if len(gone) < FREEZE_LEAST or len(gone) <= FREEZE_SHARE * len(known):
            return False
        why = f"{len(gone)} of {len(known)} own Tasks are gone from the EHR: was it restored?"
        now = self._parts.now()
        with self._parts.ledger.write(self._keeper.lease) as tx:
            tx.save_source_state(replace(tx.source_state(self._parts.id), frozen_since=now, frozen_why=why))
            tx.audit(
                self._parts.id, "writes frozen", now, actor="service", subject=self._parts.id, detail=why
            )
        self._parts.log.warning("writes frozen", gone=len(gone), known=len(known))
        return True

    def withdraw(self, tx: Transaction, row: Projection) -> None:
        """A person deleted this Task: its item is withdrawn and nothing more is wanted of it."""
        now = self._parts.now()
        item = tx.item(row.key)
        if item is not None and item.live:
            withdrawn = replace(item, state=ItemState.WITHDRAWN, withdrawn_on=self._parts.day(now))
            tx.save_item(withdrawn, now)
            tx.audit(self._parts.id, "item withdrawn", now, actor="service", subject=row.key)
        tx.save_projection(replace(row, desired=None, seen=None, attempt=Attempt(), error=None), now)


def withdraw_gone(parts: Parts, keeper: Keeper, actor: str) -> int:
    """End the freeze: an operator says that the Tasks are gone for good; gives how many were withdrawn."""
    raw, read = parts.source.own_tasks()
    if read.state != "complete":
        raise IncompleteError(f"own Tasks could not be read completely: {read.why}")
    there = {tasks.key_of(msgspec.json.decode(body), parts.settings.item_system) for body in raw}
    gone = Gone(parts, keeper)
    withdrawn = 0
    now = parts.now()
    with parts.ledger.write(keeper.lease) as tx:
        for row in tx.projections(parts.id):
            item = tx.item(row.key)
            if row.seen is None or item is None or not item.live or row.key in there:
                continue
            gone.withdraw(tx, row)
            withdrawn += 1
        state = tx.source_state(parts.id)
        tx.save_source_state(replace(state, frozen_since=None, frozen_why=None))
        tx.audit(parts.id, "gone Tasks accepted", now, actor=actor, subject=parts.id, detail=str(withdrawn))
    return withdrawn
