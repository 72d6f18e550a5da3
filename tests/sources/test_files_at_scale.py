"""The same answers however the work is shared, and whether or not it fits in memory."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.knowledge import knowledge
from service.normalise import concern
from service.record.group import PatientRecord
from service.sources import shards
from service.sources.files import FilesSource
from tests.record.build import RXNORM, a_fill, an_order, concept, of_patient

BYTES_A_PART = 300  # less than a resource, so that cuts fall everywhere
TWO = {"jobs": 2, "least_part": BYTES_A_PART}


def line(resource) -> bytes:
    return json.dumps(resource).encode()


def of(who, resource):
    return {**resource, "subject": {"reference": f"Patient/{who}"}}


def version(resource, day):
    return {**resource, "meta": {"lastUpdated": f"2026-01-{day:02}T10:00:00Z"}}


def by_reference(name, medication, who):
    return of(
        who,
        an_order(
            name,
            medicationCodeableConcept=None,
            medicationReference={"reference": f"Medication/{medication}"},
        ),
    )


def shown(record: PatientRecord) -> tuple[str, str]:
    """All of a record, picklable."""
    return record.reference, repr(record)


def seen(folder, **options):
    """(records, what was reported), comparable."""
    source = FilesSource([folder], knowledge(), **options)
    records = list(source.each(shown))
    report = source.report
    return records, (report.resources, report.ignored_files, report.problems, report.astray)


def written(folder, **files):
    for name, lines in files.items():
        (folder / f"{name}.ndjson").write_bytes(b"\n".join(lines))
    return folder


WHO = st.sampled_from(["a", "b", "c", "d"])
NAME = st.sampled_from(["1", "2", "3", None])
DAY = st.integers(1, 3)
RESOURCES = st.one_of(
    st.builds(lambda who, name, day: version(of(who, an_order(name)), day), WHO, NAME, DAY),
    st.builds(lambda who, name: of(who, a_fill(name, medicationCodeableConcept={"text": "x"})), WHO, NAME),
    st.builds(lambda who, name: of(who, of_patient("Condition", name, code={"text": "pain"})), WHO, NAME),
    st.builds(lambda who, name: of(who, of_patient("Condition", name, onsetDateTime=7)), WHO, NAME),
    st.builds(lambda name: an_order(name, subject=None), NAME),
    st.builds(by_reference, NAME, st.sampled_from(["ours", "other", "lost"]), WHO),
    st.builds(
        lambda name, text: {"resourceType": "Medication", "id": name, "code": {"text": text}},
        st.sampled_from(["ours", "other"]),
        st.sampled_from(["diazepam 5 mg", "amlodipine 5 mg"]),
    ),
    st.builds(lambda who: {"resourceType": "Patient", "id": who}, WHO),
    st.builds(
        lambda who, name: of(who, an_order(name, requester={"reference": "Practitioner/dr"})), WHO, NAME
    ),
    st.just(
        {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/dr"}}
    ),
    st.builds(lambda active: {"resourceType": "Practitioner", "id": "dr", "active": active}, st.booleans()),
    st.just({"resourceType": "Practitioner", "id": "bad", "name": 5}),
)
BUNDLE = st.lists(RESOURCES, max_size=3).map(
    lambda found: {"resourceType": "Bundle", "entry": [{"resource": one} for one in found]}
)
LINES = st.lists(
    st.one_of(
        RESOURCES.map(line),
        RESOURCES.map(line),
        BUNDLE.map(line),
        st.sampled_from([b"", b" ", b"{broken", b"5", b'{"resourceType": "Observation", "x": }']),
    ),
    max_size=12,
)


@settings(max_examples=12, deadline=None)
@given(LINES, LINES)
def test_two_processes_give_what_one_gives(one_file, another):
    with tempfile.TemporaryDirectory() as name:
        folder = written(Path(name), a=one_file, b=another)
        alone, together = seen(folder), seen(folder, **TWO)
    assert sorted(together[0]) == sorted(alone[0])
    assert together[1] == alone[1]


@settings(max_examples=50, deadline=None)
@given(LINES, LINES)
def test_shards_in_files_give_what_memory_gives_in_the_same_order(one_file, another):
    with tempfile.TemporaryDirectory() as name:
        folder = written(Path(name), a=one_file, b=another)
        in_memory = seen(folder)
        with small_shards():
            in_files = seen(folder)
    assert in_files == in_memory


@contextmanager
def small_shards() -> Iterator[None]:
    """One patient a shard, all of it in files; hardly any Medication may be waited for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "PATIENTS_A_SHARD", 1)
        patch.setattr(shards, "KEPT_IN_MEMORY", 200)
        patch.setattr(concern, "MOST_WAITING", 1)
        yield


def test_a_resource_that_moved_to_another_patient_is_theirs_alone(tmp_path):
    old, new = version(of("a", an_order("moved")), 1), version(of("b", an_order("moved")), 2)
    written(
        tmp_path, a=[line(old), line(of("a", an_order("x")))], b=[line(new), line(of("b", an_order("y")))]
    )
    with small_shards():
        records = {one.reference: one for one in FilesSource([tmp_path], knowledge()).records()}
    orders = {who: [order.id for order in record.orders] for who, record in records.items()}
    assert orders == {"Patient/a": ["x"], "Patient/b": ["moved", "y"]}


def test_lines_and_places_count_through_the_whole_file(tmp_path):
    many = [line(of("p", an_order(str(n)))) for n in range(40)]
    lines = [*many, b"", b"{broken", *many, line(an_order(None)), b"5"]
    written(tmp_path, a=lines)
    source = FilesSource([tmp_path], knowledge(), **TWO)
    (record,) = source.records()
    assert [problem.line for problem in source.report.problems] == [42, 84]
    assert "MedicationRequest/#a.ndjson:82" in {order.reference for order in record.orders}


def test_too_many_waiting_for_a_medication_are_asked_again(tmp_path, monkeypatch):
    monkeypatch.setattr(concern, "MOST_WAITING", 3)
    medications = [("ours", "diazepam 5 mg"), ("other", "amlodipine 5 mg")]
    opioid = an_order("o", medicationCodeableConcept=concept(RXNORM, "7052"))
    written(
        tmp_path,
        a=[line(by_reference(str(n), "other", f"other{n}")) for n in range(9)]
        + [
            line(by_reference("x", "ours", "p")),
            line(of("p", opioid)),
            line(by_reference("y", "other", "p")),
        ],
        b=[line({"resourceType": "Medication", "id": i, "code": {"text": t}}) for i, t in medications],
    )
    (record,) = FilesSource([tmp_path], knowledge()).records()
    assert (record.reference, len(record.orders)) == ("Patient/p", 3)
    assert sorted(record.medications) == ["Medication/other", "Medication/ours"]


def test_nothing_is_left_in_the_temporary_folder(tmp_path, monkeypatch):
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    written(tmp_path, a=[line(of(who, an_order(who))) for who in "abc"])
    with small_shards():
        records = FilesSource([tmp_path / "a.ndjson"], knowledge()).records()
        next(records)
        assert list(room.iterdir()) != []
        records.close()
    assert list(room.iterdir()) == []
