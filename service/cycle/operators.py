"""What an operator tells the ledger; each act is audited."""

import re
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from service.identity import Identity
from service.model.item import CloseReason, ItemState
from service.ports import ANOTHER_PERSON, NOT_READ, NOT_THOUGHT_ABOUT, Ledger, PatientRow, Transaction

_LASTING = frozenset({ANOTHER_PERSON, NOT_READ, NOT_THOUGHT_ABOUT})  # no answer of ours rests on these
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")  # FHIR's grammar of an id


@dataclass(frozen=True, slots=True)
class Switched:
    """What a release on or off came to."""

    changed: bool  # False: it was so already
    lifted: int = 0  # recalled items that may be made again


def set_release(ledger: Ledger, source: str, *, on: bool, now: datetime, actor: str) -> Switched:
    """Leave shadow mode or enter it again; `on`, also when it is on, ends what a withdrawal left behind."""
    with ledger.write(None) as tx:
        state = tx.source_state(source)
        changed = on is not (state.released_at is not None)
        lifted = _lift_recalls(tx, source, now) if on else 0
        if changed:
            tx.save_source_state(replace(state, released_at=now if on else None))
        if changed or lifted:
            detail = f"{lifted} recalled items may be made again" if lifted else ""
            act = f"release {'on' if on else 'off'}"
            tx.audit(source, act, now, actor=actor, subject=source, detail=detail)
    return Switched(changed, lifted)


def _lift_recalls(tx: Transaction, source: str, now: datetime) -> int:
    recalled = [item for item in tx.items(source, ItemState.CLOSED) if item.recalled]
    for item in recalled:
        tx.save_item(replace(item, recalled=False), now)
    again = [item.patient for item in recalled if item.close_reason is CloseReason.RECALLED]
    tx.mark_due(source, again, "release on")
    return len(again)


def accept(ledger: Ledger, source: str, named: str, *, reason: str, now: datetime, actor: str) -> int:
    """Accept what is in quarantine under a resource's reference, or an item's key, as it is; gives how many rows.

    An accepted unreadable resource no longer keeps items from closing (lifecycle.md §1); its patient is
    looked at again.  Raises ValueError for what no acceptance could change.
    """
    with ledger.write(None) as tx:
        rows = [
            row
            for row in tx.quarantine(source)
            if row.accepted_at is None and named in (row.reference, row.key)
        ]
        lasting = sorted({row.reason for row in rows} & _LASTING)
        if lasting:
            raise ValueError(
                f"{', '.join(lasting)} cannot be accepted: the patient is not written for until it ends"
            )
        for row in rows:
            tx.accept_quarantine(row, now)
            detail = f"{row.reason}: {reason}" if reason else row.reason
            tx.audit(source, "quarantine accepted", now, actor=actor, subject=named, detail=detail)
        tx.mark_due(source, sorted({row.patient for row in rows if row.patient}), "quarantine accept")
    return len(rows)


def look_at(
    ledger: Ledger, identity: Identity, source: str, patient: str, *, now: datetime, actor: str
) -> str:
    """Have a patient looked at in the next cycle, before all others; gives the bare id.

    One that is not known yet becomes known.  Raises ValueError for what cannot be a patient's id.
    """
    id_ = patient.removeprefix("Patient/")
    if not _ID.fullmatch(id_):
        raise ValueError("not Patient/ID, nor an id")
    with ledger.write(None) as tx:
        row = tx.patient(source, id_) or PatientRow(source, id_, identity.base(source, id_))
        tx.save_patient(replace(row, due=True, due_why="operator", first=True))
        tx.audit(source, "refresh asked", now, actor=actor, subject=f"Patient/{id_}")
    return id_


def retry(ledger: Ledger, source: str, *, now: datetime, actor: str) -> dict[str, int]:
    """Plan rejected deliveries again and look again at the patients of everything in quarantine.

    A row about a reading stays until the patient is read again; one about a delivery comes back
    when that is refused again.
    """
    with ledger.write(None) as tx:
        rows = [row for row in tx.quarantine(source) if row.accepted_at is None]
        patients = {row.patient for row in rows if row.patient is not None}
        planned = 0
        for projection in tx.projections(source):
            if not projection.rejected:
                continue
            again = replace(projection, rejected=False, tries=0, next_try_at=None, error=None)
            tx.save_projection(again, now)
            tx.audit(source, "delivery planned again", now, actor=actor, subject=projection.key)
            patients.add(projection.patient)
            planned += 1
        for key in {row.key for row in rows if row.key is not None}:
            tx.forget_quarantine(source, key=key)
        due = tx.mark_due(source, sorted(patients), "quarantine retry")
        tx.audit(source, "quarantine retried", now, actor=actor, subject=source, detail=f"{len(rows)} rows")
    return {"rows": len(rows), "planned": planned, "patients": due}


def item_in_full(ledger: Ledger, key: str) -> dict[str, Any] | None:
    """One item as JSON: as in the list, and its reasons, dates, delivery and history; None: no such key."""
    with ledger.read() as tx:
        item = tx.item(key)
        if item is None:
            return None
        listed = next(row for row in tx.items_listing(item.source) if row["key"] == key)
        projection = tx.projection(item.source, key)
        history = [each for each in tx.audit_trail(item.source) if each["subject"] == key]
        stored = tx.assessment(item.source, item.patient)
    dates = {
        name: getattr(item, name).isoformat() if getattr(item, name) is not None else None
        for name in ("since", "opened_on", "closed_on", "withdrawn_on", "not_due_since", "incomplete_since")
    }
    return {
        **listed,
        "findings": [
            {
                **asdict(reason),
                "priority": reason.priority.word,
                "since": str(reason.since),
                "due_on": str(reason.due_on),
            }
            for reason in item.reasons
        ],
        **dates,
        "incomplete_why": item.incomplete_why,
        "owner": item.owner,
        "tries": projection.tries if projection else 0,
        "error": projection.error if projection else None,
        "assessed_at": stored.assessed_at.isoformat() if stored else None,
        "history": history,
    }
