"""Items, releases, the work that is left, and what `items --json` prints."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from service.model.assessment import Priority
from service.model.item import Attempt, CloseReason, Desired, Doing, ItemState
from service.ports import LedgerError
from service.store import SqlLedger
from tests.store.builders import NOW, a_projection, a_seen_task, an_item

LATER = NOW + timedelta(minutes=5)


def test_items_come_by_priority_then_day_due(ledger: SqlLedger):
    items = [
        an_item("p1", due_on=date(2026, 5, 9)),
        an_item("p2", due_on=date(2026, 5, 8)),
        an_item("p3", priority=Priority.ASAP, due_on=date(2026, 6, 1)),
        an_item("p4", source="other", state=ItemState.HELD, priority=Priority.URGENT),
    ]
    with ledger.write(None) as tx:
        for item in items:
            tx.save_item(item, NOW)
        assert [item.patient for item in tx.items()] == ["p3", "p4", "p2", "p1"]
        assert [item.patient for item in tx.items("main")] == ["p3", "p2", "p1"]
        assert [item.patient for item in tx.items(state=ItemState.HELD)] == ["p4"]


def test_all_items_of_a_patient_come_newest_last(ledger: SqlLedger):
    numbers = [10, 2, 1]
    with ledger.write(None) as tx:
        for n in numbers:
            tx.save_item(an_item(n=n, state=ItemState.CLOSED), NOW)
        assert [item.n for item in tx.items_of("main", "p1")] == [1, 2, 10]


def test_a_patient_never_has_two_live_items(ledger: SqlLedger):
    with ledger.write(None) as tx:
        tx.save_item(an_item(n=1), NOW)
    with pytest.raises(LedgerError) as caught, ledger.write(None) as tx:
        tx.save_item(an_item(n=2, state=ItemState.HELD), NOW)
    assert "p1" not in str(caught.value)
    with ledger.write(None) as tx:
        tx.save_item(an_item(n=1, state=ItemState.CLOSED), NOW)
        tx.save_item(an_item(n=2, state=ItemState.HELD), NOW)
        tx.save_item(an_item(n=2, source="other", state=ItemState.HELD), NOW)
        assert [item.state for item in tx.items_of("main", "p1")] == [ItemState.CLOSED, ItemState.HELD]


def test_the_releases_of_a_day_are_counted_by_owner_without_the_bypass(ledger: SqlLedger):
    day = timedelta(days=1)
    with ledger.write(None) as tx:
        for n, owner in enumerate(["Practitioner/a", "Practitioner/a", "Practitioner/b", None]):
            tx.record_release(an_item(f"p{n}", owner=owner), NOW, in_budget=True)
        tx.record_release(an_item("p9", owner="Practitioner/a"), NOW, in_budget=False)
        tx.record_release(an_item("p8", owner="Practitioner/a"), NOW + day, in_budget=True)
        assert tx.opened_between("main", NOW, NOW + day) == {
            "Practitioner/a": 2,
            "Practitioner/b": 1,
            None: 1,
        }
        assert tx.opened_between("other", NOW, NOW + day) == {}


def test_work_is_what_is_neither_confirmed_nor_rejected_and_due(ledger: SqlLedger):
    rows = [
        a_projection("planned-1"),
        a_projection("sending-1", attempt=Attempt(Doing.INFLIGHT, 3, NOW)),
        a_projection("unknown-1", attempt=Attempt(Doing.UNKNOWN, 3, NOW)),
        a_projection("behind-1", seen=a_seen_task(generation=0)),
        a_projection("exactly-1", next_try_at=LATER),
        a_projection("later-1", next_try_at=LATER + timedelta(microseconds=1)),
        a_projection("confirmed-1", seen=a_seen_task()),
        a_projection("nothing-1", desired=None),
        a_projection("rejected-1", rejected=True),
        a_projection("foreign-1", source="other"),
    ]
    with ledger.write(None) as tx:
        for row in rows:
            tx.save_projection(row, NOW)
        work = {row.key for row in tx.projection_work("main", LATER)}
    assert work == {"planned-1", "sending-1", "unknown-1", "behind-1", "exactly-1"}


def test_work_comes_by_priority_then_day_due_and_without_item_last(ledger: SqlLedger):
    items = [
        an_item("p1", due_on=date(2026, 5, 9)),
        an_item("p2", due_on=date(2026, 5, 8)),
        an_item("p3", priority=Priority.ASAP, due_on=date(2026, 6, 1)),
        an_item("p4", priority=Priority.URGENT, state=ItemState.CLOSED),
    ]
    with ledger.write(None) as tx:
        tx.save_projection(a_projection("orphan-1"), NOW)
        for item in items:
            tx.save_item(item, NOW)
            tx.save_projection(a_projection(item.key, patient=item.patient), NOW)
        work = [row.key for row in tx.projection_work("main", NOW)]
        assert [row.key for row in tx.projections_of("main", "p3")] == ["rp3-1"]
        assert [row.key for row in tx.projections("main")] == sorted(work)
    assert work == ["rp3-1", "rp4-1", "rp2-1", "rp1-1", "orphan-1"]


def test_a_projection_leaves_the_work_when_it_is_confirmed_and_returns_when_more_is_desired(
    ledger: SqlLedger,
):
    row = a_projection()
    with ledger.write(None) as tx:
        for change, expected in [
            ({}, 1),
            ({"seen": a_seen_task()}, 0),
            ({"desired": Desired({"description": "other"}, generation=2)}, 1),
            ({"rejected": True}, 0),
        ]:
            row = replace(row, **change)
            tx.save_projection(row, NOW)
            assert len(tx.projection_work("main", NOW)) == expected, change


def test_the_listing_has_an_item_and_its_task(ledger: SqlLedger):
    item = an_item(state=ItemState.CLOSED, close_reason=CloseReason.RESOLVED)
    with ledger.write(None) as tx:
        tx.save_item(item, NOW)
        tx.save_projection(a_projection(item.key, seen=a_seen_task()), LATER)
        assert tx.items_listing() == [
            {
                "key": "rp1-1",
                "source": "main",
                "patient": "Patient/p1",
                "state": "closed",
                "close_reason": "resolved",
                "priority": "routine",
                "due_on": "2026-05-18",
                "reasons": ["R02"],
                "projection": "confirmed",
                "task": "Task/t1",
                "updated": LATER.isoformat(),
            }
        ]


def test_an_item_without_task_is_listed_with_null(ledger: SqlLedger):
    with ledger.write(None) as tx:
        tx.save_item(an_item(state=ItemState.HELD), NOW)
        tx.save_item(an_item("p2", source="other"), NOW)
        tx.save_projection(a_projection("rp2-1", source="other", patient="p2"), NOW)
        held, sent = tx.items_listing("main")[0], tx.items_listing("other", ItemState.OPEN)[0]
        assert tx.items_listing("main", ItemState.OPEN) == []
    assert (held["state"], held["projection"], held["task"]) == ("held", None, None)
    assert (sent["projection"], sent["task"]) == ("planned", None)


def test_saving_the_same_again_is_no_update(ledger: SqlLedger):
    item, row = an_item(), a_projection()
    with ledger.write(None) as tx:
        tx.save_item(item, NOW)
        tx.save_projection(row, NOW)
        tx.save_item(item, LATER)
        tx.save_projection(row, LATER)
        assert tx.items_listing()[0]["updated"] == NOW.isoformat()
        tx.save_item(replace(item, had_task=True), LATER)
        assert tx.items_listing()[0]["updated"] == LATER.isoformat()
