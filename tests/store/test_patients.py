"""Whom to look at, and in which order."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from service.model.assessment import Priority
from service.model.item import Item, ItemState
from service.ports import PatientRow
from service.store import SqlLedger
from tests.store.builders import NOW, TODAY, a_patient, an_item

RECENT = NOW - timedelta(hours=1)
MEMBER = TODAY + timedelta(days=100)


def due(ledger: SqlLedger, patients: Iterable[PatientRow], items: Iterable[Item] = ()) -> list[str]:
    with ledger.write(None) as tx:
        tx.save_patients(patients)
        for item in items:
            tx.save_item(item, NOW)
    with ledger.read() as tx:
        return tx.due_patients(
            "main",
            today=TODAY,
            max_age_before=NOW - timedelta(days=7),
            asap_before=NOW - timedelta(days=1),
            incomplete_before=NOW - timedelta(hours=6),
        )


def looked_at(patient: str, when: datetime = RECENT, **changes) -> PatientRow:
    """A cohort member whose last read was complete."""
    return a_patient(patient, **{"gathered_at": when, "complete": True, "cohort_until": MEMBER, **changes})


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def test_somebody_read_completely_and_recently_is_left_alone(ledger: SqlLedger):
    assert due(ledger, [looked_at("p1"), looked_at("p2", wake_on=TODAY + timedelta(days=1))]) == []


def test_each_reason_to_look_is_enough_alone(ledger: SqlLedger):
    patients = [
        looked_at("marked", due=True),
        looked_at("woken", wake_on=TODAY),
        looked_at("old", days_ago(7.1)),
        a_patient("new", cohort_until=MEMBER),
        looked_at("incomplete", days_ago(0.26), complete=False),
    ]
    assert set(due(ledger, patients)) == {"marked", "woken", "old", "new", "incomplete"}


def test_an_incomplete_read_rests_before_it_is_repeated(ledger: SqlLedger):
    assert due(ledger, [looked_at("p1", days_ago(0.24), complete=False)]) == []


def test_who_left_the_cohort_is_not_read_for_age(ledger: SqlLedger):
    left = {"cohort_until": TODAY - timedelta(days=1)}
    patients = [looked_at("left", days_ago(99), **left), a_patient("never")]
    assert due(ledger, patients) == []


def test_a_live_item_keeps_its_patient_in_the_cohort(ledger: SqlLedger):
    old = {"cohort_until": None}
    patients = [looked_at(name, days_ago(8), **old) for name in ("held", "open", "closed", "withdrawn")]
    items = [an_item(name, state=ItemState(name)) for name in ("held", "open", "closed", "withdrawn")]
    assert due(ledger, patients, items) == ["held", "open"]
    with ledger.read() as tx:
        assert tx.cohort("main", today=TODAY) == ["held", "open"]


def test_a_live_asap_item_has_its_patient_read_daily(ledger: SqlLedger):
    patients = [looked_at(name, days_ago(1.1)) for name in ("asap", "urgent", "was-asap")]
    items = [
        an_item("asap", priority=Priority.ASAP),
        an_item("urgent", priority=Priority.URGENT),
        an_item("was-asap", priority=Priority.ASAP, state=ItemState.CLOSED),
    ]
    assert due(ledger, patients, items) == ["asap"]


def test_sent_back_ones_come_first_then_priority_then_the_longest_unseen(ledger: SqlLedger):
    patients = [
        looked_at("p-recent", days_ago(8)),
        looked_at("p-old", days_ago(9)),
        a_patient("p-never", cohort_until=MEMBER),
        looked_at("p-routine", days_ago(8)),
        looked_at("p-asap", days_ago(8)),
        looked_at("p-sent-back", due=True, first=True),
    ]
    items = [an_item("p-routine"), an_item("p-asap", priority=Priority.ASAP)]
    expected = ["p-sent-back", "p-asap", "p-routine", "p-never", "p-old", "p-recent"]
    assert due(ledger, patients, items) == expected


def test_other_sources_are_not_looked_at(ledger: SqlLedger):
    assert due(ledger, [a_patient("p1", source="other", due=True, cohort_until=MEMBER)]) == []


def test_marking_tells_how_many_are_known_and_keeps_first(ledger: SqlLedger):
    with ledger.write(None) as tx:
        tx.save_patients([a_patient("p1"), a_patient("p2"), a_patient("p3", source="other")])
        assert tx.mark_due("main", ["p1", "p1", "p3", "nobody"], "sent back", first=True) == 1
        assert tx.mark_due("main", ["p1", "p2"], "changed") == 2
        row = tx.patient("main", "p1")
    assert row is not None
    assert (row.due, row.due_why, row.first) == (True, "changed", True)


def test_more_patients_than_fit_one_list_are_found(ledger: SqlLedger):
    names = [f"p{number:04}" for number in range(1203)]
    with ledger.write(None) as tx:
        tx.save_patients(a_patient(name, cohort_until=date(2027, 1, 1)) for name in names)
        assert tx.mark_due("main", names, "swept") == 1203
        assert sorted(tx.patients("main", names)) == names
        assert sorted(tx.outcomes_of("main", names)) == names
        assert tx.cohort("main", today=TODAY) == names
