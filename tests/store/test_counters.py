"""Counters, what a Task rests on, accepted quarantine and paging of the audit, on each kind of database."""

from dataclasses import replace

from service.ports import StoredAssessment
from service.store import SqlLedger
from tests.store.builders import NOW, a_quarantine_row, an_item


def test_counters_add_up_by_source_name_and_label(ledger: SqlLedger):
    for source in ("main", "main", "other"):
        with ledger.write(None) as tx:
            tx.count_up(source, {("cycles", "complete"): 1, ("seconds", ""): 0.5})
    with ledger.read() as tx:
        assert tx.counted() == [
            ("main", "cycles", "complete", 2.0),
            ("main", "seconds", "", 1.0),
            ("other", "cycles", "complete", 1.0),
            ("other", "seconds", "", 0.5),
        ]


def test_tallies_count_live_findings_items_and_open_quarantine(ledger: SqlLedger):
    with ledger.write(None) as tx:
        tx.save_item(an_item("p1"), NOW)
        tx.save_item(an_item("p2"), NOW)
        tx.set_aside(a_quarantine_row("p1"))
        tx.set_aside(a_quarantine_row("p2"))
        tx.accept_quarantine(a_quarantine_row("p2"), NOW)
        assert tx.tallies("main") == {
            "items": {"open": 2},
            "projections": {},
            "findings": {"R02": 2},
            "quarantine": {"": 1},
        }
        assert tx.tallies("other")["items"] == {}


def test_a_flag_is_counted_by_patient(ledger: SqlLedger):
    with ledger.write(None) as tx:
        for patient, flags in (("p1", ["identified_by_text"]), ("p2", ["dose_unknown"])):
            tx.save_assessment("main", StoredAssessment(patient, NOW, {"flags": flags}))
        assert tx.count_flagged("main", "identified_by_text") == 1
        assert tx.count_flagged("other", "identified_by_text") == 0


def test_a_task_rests_on_the_latest_up_to_what_it_shows(ledger: SqlLedger):
    def body(number: int) -> StoredAssessment:
        return StoredAssessment("p1", NOW, {"n": number})

    with ledger.write(None) as tx:
        for generation in (1, 3, 4):
            tx.save_rested_on("main", "k", generation, body(generation))
        assert tx.rested_on("main", "k", 2) == body(1)
        assert tx.rested_on("main", "k", 3) == body(3)
        tx.forget_rested_on("main", "k", 3)
        assert tx.rested_on("main", "k", 2) is None
        assert tx.rested_on("main", "k", 9) == body(4)
        tx.forget_rested_on("main", "other", 3)
        assert tx.rested_on("main", "k", 3) == body(3)


def test_an_accepted_row_says_when_and_no_other_row_changes(ledger: SqlLedger):
    with ledger.write(None) as tx:
        for reason in ("bad-date", "malformed"):
            tx.set_aside(a_quarantine_row(reason=reason))
        tx.accept_quarantine(a_quarantine_row(), NOW)
        assert {row.reason: row.accepted_at for row in tx.quarantine("main")} == {
            "bad-date": NOW,
            "malformed": None,
        }


def test_a_recalled_and_excluded_item_comes_back_as_it_was(ledger: SqlLedger):
    item = replace(an_item(), excluded=True, recalled=True)
    with ledger.write(None) as tx:
        tx.save_item(item, NOW)
    with ledger.read() as tx:
        assert tx.item(item.key) == item


def test_the_audit_is_read_in_pages(ledger: SqlLedger):
    with ledger.write(None) as tx:
        for number in range(5):
            tx.audit("main", f"act {number}", NOW, actor="operator", subject="main")
        first = list(tx.audit_trail("main", limit=2))
        rest = list(tx.audit_trail("main", after=first[-1]["id"]))
    assert [row["act"] for row in (*first, *rest)] == [f"act {number}" for number in range(5)]
