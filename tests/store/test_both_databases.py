"""What goes wrong on one database and not on the other, tried on both: clocks, order, case, size, text, time zones."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
import time_machine

from service.bootstrap import SystemClock
from service.model.item import Desired
from service.ports import LedgerError, StoredAssessment
from service.store import SqlLedger
from service.store.leases import database_now
from tests.store.builders import (
    NOW,
    TODAY,
    a_patient,
    a_projection,
    a_quarantine_row,
    an_item,
    an_outcome,
)


@pytest.mark.failure("F13")
def test_a_lease_runs_by_the_database_s_clock_whatever_the_host_s_says(ledger: SqlLedger):
    held = ledger.acquire("main", "one", 60)
    for days in (-400, 400):
        with time_machine.travel(SystemClock().now() + timedelta(days=days)):
            assert ledger.acquire("main", "two", 60) is None
            assert ledger.lease("main") == held


def test_the_database_s_clock_is_utc_whatever_its_time_zone(ledger: SqlLedger):
    with ledger.read() as tx:
        here = SystemClock().now().timestamp() * 1_000_000
        assert abs(database_now(tx._connection) - here) < 60_000_000


def test_an_instant_with_another_offset_comes_back_as_the_same_instant_in_utc(ledger: SqlLedger):
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-9, minutes=-30)))
    with ledger.write(None) as tx:
        tx.save_patient(a_patient(gathered_at=elsewhere))
    with ledger.read() as tx:
        row = tx.patient("main", "p1")
    assert row is not None
    assert row.gathered_at == NOW
    assert row.gathered_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("when", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)])
def test_the_first_and_the_last_instant_fit(ledger: SqlLedger, when: datetime):
    with ledger.write(None) as tx:
        tx.save_patient(a_patient(gathered_at=when, cohort_until=when.date(), wake_on=when.date()))
        row = tx.patient("main", "p1")
    assert row is not None
    assert (row.gathered_at, row.cohort_until, row.wake_on) == (when, when.date(), when.date())


ODD = ["a", "B", "_", "Z1", "a-b", "aB", "ab", "Ab", "é", "a.b", "A", "0", "z"]


def test_identifiers_are_ordered_by_code_point_and_differ_by_case(ledger: SqlLedger):
    with ledger.write(None) as tx:
        tx.save_patients(a_patient(name, cohort_until=TODAY, due=True) for name in ODD)
        for name in ODD:
            tx.save_projection(a_projection(name, patient=name), NOW)
            tx.save_item(an_item(name, base=name), NOW)
    with ledger.read() as tx:
        assert tx.cohort("main", today=TODAY) == sorted(ODD)
        assert [row.key for row in tx.projections("main")] == sorted(ODD)
        assert [item.patient for item in tx.items("main")] == [
            item.patient for item in sorted(tx.items("main"), key=lambda item: item.key)
        ]
        assert tx.patient("main", "AB") is None


def test_large_numbers_are_kept_or_refused_but_never_cut(ledger: SqlLedger):
    with ledger.write(None) as tx:
        tx.save_item(an_item(n=2**31 - 1), NOW)
    with suppress(LedgerError), ledger.write(None) as tx:  # SQLite has room for it
        tx.save_item(an_item("p2", n=2**31), NOW)
    with ledger.read() as tx:
        assert {item.n for item in tx.items()} - {2**31} == {2**31 - 1}


def test_json_keeps_nul_surrogates_large_numbers_and_a_megabyte(ledger: SqlLedger):
    body = {"\0": "\ud83d", "big": 2**70, "float": 1e-300, "list": [None, True, []], "long": "µ" * 1_000_000}
    with ledger.write(None) as tx:
        tx.save_assessment("main", StoredAssessment("p1", NOW, body))
        tx.save_projection(a_projection(desired=Desired({"a": body}, 1)), NOW)
    with ledger.read() as tx:
        stored = tx.assessment("main", "p1")
        row = tx.projection("main", "rp1-1")
    assert stored is not None
    assert stored.body == body
    assert row is not None
    assert row.desired == Desired({"a": body}, 1)


@pytest.mark.parametrize("rubbish", ["a\0b", "a\ud800b"])
def test_rubbish_from_an_ehr_never_makes_a_row_that_cannot_be_written(ledger: SqlLedger, rubbish: str):
    with ledger.write(None) as tx:
        tx.save_patient(a_patient(due_why=rubbish))
        tx.save_item(an_item(owner=rubbish), NOW)
        tx.record_release(an_item(owner=rubbish), NOW, in_budget=True)
        tx.save_projection(a_projection(error=rubbish), NOW)
        for _ in range(2):
            tx.save_outcome("main", "p1", an_outcome(by=rubbish, reference=rubbish, reason=rubbish), NOW)
        assert tx.set_aside(a_quarantine_row(reference=rubbish, reason=rubbish))
        assert not tx.set_aside(a_quarantine_row(reference=rubbish, reason=rubbish))
        tx.audit("main", "act", NOW, actor=rubbish, subject=rubbish, detail=rubbish)
    with ledger.read() as tx:
        assert len(tx.outcomes_of("main", ["p1"])["p1"]) == 1
        assert len(tx.quarantine("main")) == 1
