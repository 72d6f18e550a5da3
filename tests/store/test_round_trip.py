"""What is saved is what is read."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from service.model.facts import Outcome, Read
from service.model.item import Attempt, Desired, Doing, Item, Projection, SeenTask
from service.ports import PatientRow, SourceState, StoredAssessment
from service.store import SqlLedger
from service.store.columns import instant, micros
from tests.store.builders import NOW, a_patient, an_item, an_outcome

fresh = itertools.count()

words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
any_text = st.text(max_size=20)  # JSON bodies come from outside: NUL and half surrogate pairs too
instants = st.datetimes(timezones=st.just(UTC))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)
bodies = st.dictionaries(any_text, json_values, max_size=4)
reads = st.dictionaries(words, st.builds(Read, words, st.none() | words), max_size=3)
fingerprints = st.none() | st.fixed_dictionaries({"identifiers": st.lists(words, max_size=3), "birth": words})
ranks = st.tuples(
    st.integers(0, 3), st.integers(0, 3), st.floats(0, 500), st.integers(0, 120), st.integers(0, 9999)
)

patients = st.builds(
    PatientRow,
    source=st.sampled_from(["main", "other"]),
    patient=words.filter(bool),
    base=words,
    due_why=st.none() | words,
    gathered_at=st.none() | instants,
    incomplete_since=st.none() | instants,
    alias_of=st.none() | words,
    fingerprint=fingerprints,
    reads=reads,
    display=st.none() | st.dictionaries(words, any_text, max_size=2),
)
items = st.builds(
    Item,
    source=st.sampled_from(["main", "other"]),
    base=words,
    n=st.integers(1, 999),
    content=words,
    owner=st.none() | words,
    rank=ranks,
    not_due_why=st.none() | words,
    incomplete_since=st.none() | instants,
    incomplete_why=st.none() | words,
)
projections = st.builds(
    Projection,
    source=st.sampled_from(["main", "other"]),
    patient=words,
    key=words,
    kind=st.just("Task"),
    desired=st.none()
    | st.builds(
        Desired, elements=bodies, generation=st.integers(1, 99), person_at_it_note=st.none() | any_text
    ),
    seen=st.none()
    | st.builds(SeenTask, reference=words, version=st.none() | words, baseline=bodies, status=words),
    attempt=st.builds(
        Attempt,
        doing=st.sampled_from(Doing),
        fence=st.none() | st.integers(1, 2**62),
        since=st.none() | instants,
        generation=st.none() | st.integers(1, 99),
        baseline=st.none() | bodies,
    ),
    next_try_at=st.none() | instants,
    error=st.none() | words,
)
outcomes = st.builds(
    Outcome,
    key=words,
    reference=words,
    day=st.integers(1, 3_652_059),
    rules=st.frozensets(words, max_size=3),
    until=st.none() | st.integers(1, 3_652_059),
    reason=st.none() | words,
    by=st.none() | words,
)


@settings(max_examples=40, deadline=None)
@given(patients)
def test_a_patient_is_read_as_saved(shared_ledger: SqlLedger, row: PatientRow):
    with shared_ledger.write(None) as tx:
        tx.save_patient(row)
    with shared_ledger.read() as tx:
        assert tx.patient(row.source, row.patient) == row
        assert tx.patients(row.source, [row.patient, "nobody"]) == {row.patient: row}


@settings(max_examples=40, deadline=None)
@given(items, items)
def test_an_item_is_read_as_saved_and_as_changed(shared_ledger: SqlLedger, first: Item, second: Item):
    patient = f"p{next(fresh)}"
    first = replace(first, patient=patient, base=patient)
    second = replace(second, patient=patient, base=patient, n=first.n, source=first.source)
    for item in (first, second):
        with shared_ledger.write(None) as tx:
            tx.save_item(item, NOW)
        with shared_ledger.read() as tx:
            assert tx.item(item.key) == item
            assert tx.items_of(item.source, patient) == [item]


@settings(max_examples=40, deadline=None)
@given(projections, projections)
def test_a_projection_is_read_as_saved_and_as_changed(
    shared_ledger: SqlLedger, first: Projection, second: Projection
):
    second = replace(second, source=first.source, key=first.key)
    for row in (first, second):
        with shared_ledger.write(None) as tx:
            tx.save_projection(row, NOW)
        with shared_ledger.read() as tx:
            assert tx.projection(row.source, row.key) == row


@settings(max_examples=40, deadline=None)
@given(outcomes)
def test_an_outcome_is_read_as_saved(shared_ledger: SqlLedger, outcome: Outcome):
    patient = f"p{next(fresh)}"
    with shared_ledger.write(None) as tx:
        tx.save_outcome("main", patient, outcome, NOW)
    with shared_ledger.read() as tx:
        assert tx.outcomes_of("main", [patient]) == {patient: [outcome]}


@settings(max_examples=25, deadline=None)
@given(
    st.builds(
        SourceState,
        source=st.sampled_from(["main", "other"]),
        released_at=st.none() | instants,
        frozen_why=st.none() | words,
        once_complete=st.frozensets(words, max_size=3),
        cursors=st.dictionaries(words, instants, max_size=3),
    )
)
def test_a_source_is_read_as_last_saved(shared_ledger: SqlLedger, state: SourceState):
    with shared_ledger.write(None) as tx:
        tx.save_source_state(state)
    with shared_ledger.read() as tx:
        assert tx.source_state(state.source) == state


@settings(max_examples=25, deadline=None)
@given(bodies, instants)
def test_the_latest_assessment_is_read_as_saved(shared_ledger: SqlLedger, body, assessed_at):
    stored = StoredAssessment("p1", assessed_at, body)
    with shared_ledger.write(None) as tx:
        tx.save_assessment("main", stored)
    with shared_ledger.read() as tx:
        assert tx.assessment("main", "p1") == stored
        assert tx.assessment("other", "p1") is None


@given(instants)
def test_an_instant_keeps_its_microseconds_and_its_order(when: datetime):
    assert instant(micros(when)) == when
    assert micros(when + timedelta(microseconds=1)) == micros(when) + 1
    assert micros(when.astimezone(timezone(timedelta(hours=5, minutes=30)))) == micros(when)


def test_text_that_no_database_takes_is_kept_readable(ledger: SqlLedger):
    with ledger.write(None) as tx:
        tx.save_patient(a_patient(due_why="a\0b\ud800c"))
        tx.save_outcome("main", "p1", an_outcome(reason="\ud83d"), NOW)
        tx.save_item(an_item(incomplete_why="x\0"), NOW)
    with ledger.read() as tx:
        row = tx.patient("main", "p1")
        assert row is not None
        assert row.due_why == "a\ufffdb?c"
        assert tx.outcomes_of("main", ["p1"])["p1"][0].reason == "?"
        assert tx.items()[0].incomplete_why == "x\ufffd"
