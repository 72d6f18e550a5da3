"""Files and folders → records; what cannot be read is named, and the rest goes on."""

import gzip
import json
import os
from pathlib import Path

import pytest

from service.knowledge import knowledge
from service.normalise import facts_of
from service.sources import documents
from service.sources.files import FilesSource
from tests.record.build import RXNORM, a_fill, an_order, concept, of_patient

AMLODIPINE = {"text": "amlodipine 5 mg"}


def of(who, resource):
    key = "for" if resource["resourceType"] == "Task" else "subject"
    return {**resource, key: {"reference": f"Patient/{who}"}}


def lines(*resources):
    return "".join(json.dumps(one) + "\n" for one in resources).encode()


def write(folder: Path, **files: bytes):
    """Files by name, `__` for a dot and a further dot."""
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_bytes(content)
    return folder


def source(*paths, **options):
    return FilesSource(paths, knowledge(), **options)


def read(*paths):
    """(records by reference, report)."""
    found = source(*paths)
    return {record.reference: record for record in found.records()}, found.report


def problems(report):
    return [(Path(one.file).name, one.line, one.reason) for one in report.problems]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["one.json", "many.ndjson"])
def test_a_resource_a_line_or_a_bundle_packed_or_not_give_the_same(tmp_path, name, packed):
    resources = [{"resourceType": "Patient", "id": "p"}, an_order(), a_fill()]
    bundle = {"resourceType": "Bundle", "type": "document", "entry": [{"resource": one} for one in resources]}
    content = json.dumps(bundle).encode() if name == "one.json" else lines(*resources)
    (tmp_path / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(content) if packed else content)
    records, report = read(tmp_path)
    assert list(records) == ["Patient/p"]
    record = records["Patient/p"]
    assert (len(record.orders), len(record.fills), record.patient is not None) == (1, 1, True)
    assert (report.resources, report.handled) == (3, True)


def test_one_file_holds_several_patients_and_they_come_in_order_of_appearance(tmp_path):
    write(
        tmp_path,
        a__ndjson=lines({"resourceType": "Patient", "id": "z"}),
        b__ndjson=lines(of("a", an_order("1")), of("z", an_order("2"))),
    )
    records, _ = read(tmp_path)
    assert list(records) == ["Patient/z", "Patient/a"]


def test_only_patients_concerned_are_read(tmp_path):
    write(
        tmp_path,
        a__ndjson=lines(
            of("scope", an_order("1")),
            of("other", an_order("2", medicationCodeableConcept=AMLODIPINE)),
            of("opioid", an_order("3", medicationCodeableConcept=concept(RXNORM, "7052"))),
            of("unreadable", an_order("4", authoredOn=5)),
            of("status", an_order("5", status="banana", medicationCodeableConcept=AMLODIPINE)),
            of("nothing", an_order("6", medicationCodeableConcept=None)),
            of("cancelled", an_order("7", status="cancelled")),
            of("fill", a_fill("8")),
            of("condition", of_patient("Condition", "9")),
        ),
    )
    records, _ = read(tmp_path)
    assert [name.partition("/")[2] for name in records] == [
        "scope",
        "unreadable",
        "status",
        "nothing",
        "cancelled",
        "fill",
    ]


def test_a_patient_concerned_keeps_all_that_is_known(tmp_path):
    opioid = an_order("2", medicationCodeableConcept=concept(RXNORM, "7052"))
    condition = of_patient("Condition", "c", code={"text": "x"})
    write(tmp_path, a__ndjson=lines(opioid, condition, an_order("1")))
    record = read(tmp_path)[0]["Patient/p"]
    assert (len(record.orders), len(record.conditions)) == (2, 1)


@pytest.mark.parametrize("first", ["a__ndjson", "z__ndjson"])
def test_a_medication_in_another_file_says_whether_a_patient_is_concerned(tmp_path, first):
    def ordered(who, medication):
        reference = {"reference": f"Medication/{medication}"}
        return of(who, an_order(who, medicationCodeableConcept=None, medicationReference=reference))

    medications = lines(
        {"resourceType": "Medication", "id": "ours", "code": {"text": "diazepam 5 mg"}},
        {"resourceType": "Medication", "id": "other", "code": AMLODIPINE},
    )
    write(
        tmp_path,
        **{first: medications},
        m__ndjson=lines(ordered("a", "ours"), ordered("b", "other"), ordered("c", "lost")),
    )
    records, _ = read(tmp_path)
    assert list(records) == ["Patient/a", "Patient/c"]
    assert list(records["Patient/a"].medications) == ["Medication/ours"]
    assert [one.reason for one in facts_of(records["Patient/c"], knowledge()).unreadable] == ["no-medication"]


def test_a_resource_without_id_is_named_after_file_and_position(tmp_path):
    entries = [{"resource": of_patient("Condition", "c")}, {"resource": an_order(id=None)}]
    bundle = {"resourceType": "Bundle", "entry": entries}
    write(tmp_path, new__ndjson=b"\n" + lines(an_order("x"), bundle, an_order(id=None)))
    assert [one.reference for one in read(tmp_path)[0]["Patient/p"].orders] == [
        "MedicationRequest/#new.ndjson:3",
        "MedicationRequest/#new.ndjson:4",
        "MedicationRequest/x",
    ]


def test_every_bad_file_is_named_and_the_rest_goes_on(tmp_path):
    good = lines(an_order("good"))
    write(
        tmp_path,
        broken__json=b'{"resourceType": "Patient"',
        cds__json=b'{"hook": "patient-view"}',
        empty__json=b"",
        empty__ndjson=b"\n \n",
        list__json=b"[]",
        good__ndjson=good,
        mixed__ndjson=good + b"{broken\n" + b"5\n" + lines(an_order("after")),
        utf16__json='{"resourceType": "Patient"}'.encode("utf-16"),
        utf16__ndjson='{"resourceType": "Patient"}\n'.encode("utf-16"),
        mark__json=b"\xef\xbb\xbf" + json.dumps(an_order("mark")).encode(),
        notgz__json__gz=b"nothing packed",
        short__ndjson__gz=gzip.compress(good * 500)[:-9],
        latin__ndjson=lines(an_order("latin")).replace(b"Patient/p", b"Patient/\xe9"),
        deep__json=b'{"resourceType": "Basic", "x": ' + b"[" * 100_000,
        notes__txt=b"ignored",
    )
    records, report = read(tmp_path)
    names = [one.id for one in records["Patient/p"].orders]
    assert names == ["after", "good", "mark"]
    assert report.ignored_files == 1
    assert sorted(problems(report)) == [
        ("broken.json", None, "broken JSON"),
        ("cds.json", None, "no resourceType"),
        ("deep.json", None, "nested too deeply"),
        ("empty.json", None, "the file is empty"),
        ("empty.ndjson", None, "the file is empty"),
        ("latin.ndjson", 1, "not UTF-8"),
        ("list.json", None, "no FHIR resource"),
        ("mixed.ndjson", 2, "broken JSON"),
        ("mixed.ndjson", 3, "no FHIR resource"),
        ("notgz.json.gz", None, "the .gz is broken"),
        ("short.ndjson.gz", None, "the .gz ends too early"),
        ("utf16.json", None, "not UTF-8"),
        ("utf16.ndjson", None, "not UTF-8"),
    ]
    assert not report.handled


def test_a_broken_line_of_a_type_that_matters_to_nobody_is_named_too(tmp_path):
    write(
        tmp_path, a__ndjson=b'{"resourceType": "Claim", "id": \n' + b'{"resourceType": "Condition", "x": }\n'
    )
    assert problems(read(tmp_path)[1]) == [("a.ndjson", 1, "broken JSON"), ("a.ndjson", 2, "broken JSON")]


def test_a_bad_entry_of_a_bundle_is_named_by_its_place(tmp_path):
    write(
        tmp_path,
        a__json=json.dumps(
            {"resourceType": "Bundle", "entry": [{"resource": 5}, {"resource": an_order()}]}
        ).encode(),
    )
    records, report = read(tmp_path)
    assert len(records["Patient/p"].orders) == 1
    assert problems(report) == [("a.json", None, "entry 1: no FHIR resource")]


def test_a_line_or_a_document_that_is_too_long_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "LINE_LIMIT", documents.MIB)
    monkeypatch.setattr(documents, "DOCUMENT_LIMIT", 2 * documents.MIB)
    long = b'{"resourceType": "Basic", "x": "' + b"y" * (2 * documents.MIB) + b'"}\n'
    write(tmp_path, a__ndjson=long + lines(an_order()), b__json=long)
    records, report = read(tmp_path)
    assert list(records) == ["Patient/p"]
    assert problems(report) == [("a.ndjson", 1, "longer than 1 MiB"), ("b.json", None, "longer than 2 MiB")]


def test_what_names_no_patient_is_counted(tmp_path):
    write(
        tmp_path,
        a__ndjson=lines(an_order("a", subject=None), an_order("b"), an_order("c", subject=None, status=5)),
    )
    records, report = read(tmp_path)
    assert list(records) == ["Patient/p"]
    assert report.astray == [("MedicationRequest/a", "no-subject"), ("MedicationRequest/c", "malformed")]
    assert not report.handled


def test_a_path_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        source(tmp_path / "nowhere")


def test_a_file_named_twice_is_read_once(tmp_path):
    write(tmp_path, a__ndjson=lines(an_order()))
    _, report = read(tmp_path, tmp_path / "a.ndjson")
    assert (report.files, report.resources) == (1, 1)


def test_folders_are_walked_and_names_may_be_in_capitals(tmp_path):
    (tmp_path / "b" / "c").mkdir(parents=True)
    write(tmp_path / "b" / "c", x__NDJSON=lines(an_order("deep")))
    write(tmp_path, a__json=json.dumps(an_order("top")).encode())
    assert [one.id for one in read(tmp_path)[0]["Patient/p"].orders] == ["deep", "top"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    write(tmp_path, a__json=b"{}", b__ndjson=lines(an_order()))
    (tmp_path / "a.json").chmod(0)
    records, report = read(tmp_path)
    assert list(records) == ["Patient/p"]
    assert problems(report) == [("a.json", None, "cannot be read: Permission denied")]


def test_progress_goes_up_to_the_whole(tmp_path):
    write(
        tmp_path,
        a__ndjson=lines(*(an_order(str(n)) for n in range(50))),
        b__json=json.dumps(an_order("b")).encode(),
    )
    seen = []
    found = source(tmp_path, on_progress=lambda done, total: seen.append((done, total)))
    assert len(list(found.records())) == 1
    done = [one for one, _ in seen]
    assert done == sorted(done)
    assert seen[-1] == (found.found.size * 2, found.found.size * 2)
