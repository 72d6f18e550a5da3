"""Outcomes, quarantine, audit, and the state of a source."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from service.model.facts import OutcomeKind
from service.ports import LedgerError, SourceState
from service.store import SqlLedger
from service.store.engine import transaction
from service.store.tables import metadata
from tests.store.builders import NOW, a_patient, a_quarantine_row, an_item, an_outcome

LATER = NOW + timedelta(days=1)


def counted(ledger: SqlLedger, table: str) -> int:
    with transaction(ledger._engine, write=False) as connection:
        return len(connection.execute(metadata.tables[table].select()).all())


# -- outcomes


def test_the_same_outcome_again_changes_nothing(ledger: SqlLedger):
    for now in (NOW, LATER):
        with ledger.write(None) as tx:
            tx.save_outcome("main", "p1", an_outcome(), now)
    assert counted(ledger, "outcome") == 1


def test_outcomes_come_by_day_then_reference(ledger: SqlLedger):
    day = an_outcome().day
    second, third, first = (
        an_outcome(reference="Task/b", day=day),
        an_outcome(reference="Task/c", day=day),
        an_outcome(reference="Task/z", day=day - 1),
    )
    with ledger.write(None) as tx:
        for outcome in (third, second, first):
            tx.save_outcome("main", "p1", outcome, NOW)
        tx.save_outcome("other", "p1", an_outcome(), NOW)
        assert tx.outcomes_of("main", ["p1", "p2"]) == {"p1": [first, second, third], "p2": []}


def test_an_outcome_that_was_changed_counts_as_changed_and_the_former_is_kept(ledger: SqlLedger):
    changed = an_outcome(kind=OutcomeKind.TAPER)
    with ledger.write(None) as tx:
        tx.save_outcome("main", "p1", an_outcome(), NOW)
        tx.save_outcome("main", "p1", changed, LATER)
        assert tx.outcomes_of("main", ["p1"]) == {"p1": [changed]}
    assert counted(ledger, "outcome") == 2


@pytest.mark.failure("F16")
def test_an_earlier_answer_that_a_restored_ehr_still_tells_changes_nothing(ledger: SqlLedger):
    earlier = an_outcome(kind=OutcomeKind.TAPER, day=an_outcome().day - 1)
    with ledger.write(None) as tx:
        tx.save_outcome("main", "p1", an_outcome(), NOW)
        tx.save_outcome("main", "p1", earlier, LATER)
        assert tx.outcomes_of("main", ["p1"]) == {"p1": [an_outcome()]}


def test_a_voided_outcome_is_kept_but_not_given_until_it_is_given_anew(ledger: SqlLedger):
    other = an_outcome("rp1-2")
    with ledger.write(None) as tx:
        tx.save_outcome("main", "p1", an_outcome(), NOW)
        tx.save_outcome("main", "p1", other, NOW)
        tx.void_outcome("main", "rp1-1", LATER)
        assert tx.outcomes_of("main", ["p1"]) == {"p1": [other]}
        tx.save_outcome("main", "p1", an_outcome(), LATER)
        assert tx.outcomes_of("main", ["p1"]) == {"p1": [an_outcome(), other]}
    assert counted(ledger, "outcome") == 3


# -- quarantine


def test_a_row_is_set_aside_once_also_where_parts_are_missing(ledger: SqlLedger):
    rows = [
        a_quarantine_row(),
        a_quarantine_row(reference=None),
        a_quarantine_row(patient=None),
        a_quarantine_row(key="rp1-1"),
        a_quarantine_row(reason="no-dose"),
        a_quarantine_row(source="other"),
    ]
    with ledger.write(None) as tx:
        assert [tx.set_aside(row) for row in rows] == [True] * 6
        assert [tx.set_aside(replace(row, since=LATER)) for row in rows] == [False] * 6
        assert tx.quarantine() == rows
        assert tx.quarantine("other") == rows[-1:]


def test_what_was_accepted_stays_accepted(ledger: SqlLedger):
    with ledger.write(None) as tx:
        tx.set_aside(a_quarantine_row(accepted_at=LATER))
        assert not tx.set_aside(a_quarantine_row())
        assert tx.quarantine()[0].accepted_at == LATER


def test_settling_forgets_what_was_repaired_but_no_delivery(ledger: SqlLedger):
    broken, repaired = a_quarantine_row(reason="bad-date"), a_quarantine_row(reason="no-dose")
    delivery = a_quarantine_row(reference=None, key="rp1-1", reason="422")
    neighbour = a_quarantine_row("p2")
    with ledger.write(None) as tx:
        for row in (broken, repaired, delivery, neighbour):
            tx.set_aside(row)
        tx.settle_quarantine("main", "p1", [("MedicationRequest/x", "bad-date")])
        assert tx.quarantine() == [broken, delivery, neighbour]
        tx.settle_quarantine("main", "p1", [])
        assert tx.quarantine() == [delivery, neighbour]


def test_rows_are_forgotten_by_key_or_by_patient(ledger: SqlLedger):
    with ledger.write(None) as tx:
        for row in (a_quarantine_row(key="rp1-1"), a_quarantine_row(), a_quarantine_row("p2")):
            tx.set_aside(row)
        assert tx.forget_quarantine("main", key="rp1-1", patient="p2") == 0
        assert tx.forget_quarantine("main", key="rp1-1") == 1
        assert tx.forget_quarantine("other", patient="p1") == 0
        assert tx.forget_quarantine("main", patient="p1") == 1
        with pytest.raises(ValueError, match="name the key or the patient"):
            tx.forget_quarantine("main")
        assert tx.quarantine() == [a_quarantine_row("p2")]


# -- audit


def test_the_audit_reads_in_the_order_of_writing(ledger: SqlLedger):
    with ledger.write(None) as tx:
        tx.audit("main", "release on", LATER, actor="operator", subject="main")
        tx.audit(None, "db upgrade", NOW, actor="operator", subject="database", detail="0001")
    with ledger.read() as tx:
        both, mine = list(tx.audit_trail()), list(tx.audit_trail("main"))
    assert [row["act"] for row in both] == ["release on", "db upgrade"]
    assert both[:1] == mine
    assert mine == [
        {
            "id": 1,
            "at": LATER.isoformat(),
            "source": "main",
            "actor": "operator",
            "act": "release on",
            "subject": "main",
            "detail": "",
        }
    ]


@pytest.mark.failure("I6")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'somebody else'",
        "UPDATE audit SET at = at WHERE id = 1",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE id = 1",
    ],
)
def test_the_database_refuses_to_change_the_audit(ledger: SqlLedger, statement: str):
    with ledger.write(None) as tx:
        tx.audit("main", "release on", NOW, actor="operator", subject="main")
    with ledger.read() as tx:
        before = list(tx.audit_trail())
    with (
        pytest.raises(LedgerError, match="append-only"),
        transaction(ledger._engine, write=True) as connection,
    ):
        connection.execute(text(statement))
    with ledger.read() as tx:
        assert list(tx.audit_trail()) == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # only SQLite knows the statement
def test_a_row_of_the_audit_cannot_be_replaced(ledger: SqlLedger):
    with ledger.write(None) as tx:
        tx.audit("main", "release on", NOW, actor="operator", subject="main")
    replacing = "REPLACE INTO audit (id, at, actor, act, subject, detail) VALUES (1, 0, 'x', 'x', 'x', 'x')"
    with (
        pytest.raises(LedgerError, match="append-only"),
        transaction(ledger._engine, write=True) as connection,
    ):
        connection.execute(text(replacing))


# -- sources


def test_a_source_never_seen_is_in_shadow(ledger: SqlLedger):
    with ledger.read() as tx:
        assert tx.source_state("main") == SourceState("main")


def test_a_watermark_that_is_taken_out_is_forgotten_for_this_source_alone(ledger: SqlLedger):
    at = datetime(2026, 5, 1, tzinfo=UTC)
    with ledger.write(None) as tx:
        for source in ("main", "other"):
            tx.save_source_state(SourceState(source, cursors={"Task": at, "Patient": at}))
        tx.save_source_state(SourceState("main", cursors={"Task": NOW}))
        assert tx.source_state("main").cursors == {"Task": NOW}
        assert tx.source_state("other").cursors == {"Task": at, "Patient": at}


def test_a_ledger_is_empty_until_a_source_patient_or_item_is_in_it(ledger: SqlLedger):
    assert ledger.empty()
    ledger.acquire("main", "one", 60)
    assert ledger.empty()
    with ledger.write(None) as tx:
        tx.save_item(an_item(), NOW)
    assert not ledger.empty()


@pytest.mark.parametrize("table", ["source", "patient"])
def test_one_row_of_each_kind_makes_it_not_empty(ledger: SqlLedger, table: str):
    with ledger.write(None) as tx:
        if table == "source":
            tx.save_source_state(SourceState("main"))
        else:
            tx.save_patient(a_patient())
    assert not ledger.empty()
