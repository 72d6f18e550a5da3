"""`reviewdue assess` and `explain` on files, good and bad."""

import csv
import gzip
import io
import json

import pytest

from service.demo.population import base_day, expected, folder
from tests.cli.command import process, reviewdue

DAY = base_day().isoformat()
PEOPLE = str(folder() / "patients")


def patient(id_="p1", **more):
    return {"resourceType": "Patient", "id": id_, "birthDate": "1980-01-01", **more}


def order(id_="a", *, patient="p1", day="2026-01-01", **more):
    """Diazepam 5 mg twice a day for 120 days."""
    return {
        "resourceType": "MedicationRequest", "id": id_, "status": "active", "intent": "order",
        "subject": {"reference": f"Patient/{patient}"}, "authoredOn": day,
        "medicationCodeableConcept": {
            "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "197591"}],
            "text": "diazepam 5 MG Oral Tablet",
        },
        "dosageInstruction": [{
            "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
            "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
        }],
        "dispenseRequest": {"expectedSupplyDuration": {"value": 120, "code": "d", "unit": "days"}},
        **more,
    }  # fmt: skip


def lines(*resources):
    return "".join(json.dumps(resource) + "\n" for resource in resources).encode()


def test_every_synthetic_person_is_answered_as_expected(tmp_path):
    ended = process(tmp_path, "assess", PEOPLE, "--as-of", DAY, "--json", "--all")
    found = {each["patient"]: [f["rule"] for f in each["findings"]] for each in ended.documents}
    wanted = {each.patient: [f["rule"] for f in each.findings] for each in expected()}
    assert {name: rules for name, rules in found.items() if rules} == {n: r for n, r in wanted.items() if r}
    assert ended.code == 1  # some of them have an unreadable order
    assert "not handled: " in ended.problems[-1]


def test_without_all_only_patients_with_a_finding_are_printed(tmp_path):
    due = reviewdue(tmp_path, "assess", PEOPLE, "--as-of", DAY, "--json").documents
    everybody = reviewdue(tmp_path, "assess", PEOPLE, "--as-of", DAY, "--json", "--all").documents
    assert all(each["findings"] for each in due)
    assert [each for each in everybody if each["findings"]] == due
    assert len(everybody) > len(due)


def test_the_formats_tell_of_the_same_patients(tmp_path):
    told = {
        form: reviewdue(tmp_path, "assess", PEOPLE, "--as-of", DAY, "--format", form).out
        for form in ("table", "ndjson", "csv")
    }
    patients = [json.loads(line)["patient"] for line in told["ndjson"].splitlines()]
    rows = list(csv.DictReader(io.StringIO(told["csv"])))
    assert [row["patient"] for row in rows] == patients
    assert {row["as_of"] for row in rows} == {DAY}
    assert [name for name in patients if name not in told["table"]] == []


def test_the_summary_counts_and_spreads_the_tasks_by_the_budget(tmp_path):
    due = reviewdue(tmp_path, "assess", PEOPLE, "--as-of", DAY, "--json").documents
    (summary,) = reviewdue(tmp_path, "assess", PEOPLE, "--as-of", DAY, "--summary", "--json").documents
    assert summary["patients"] == len(due)
    assert sum(summary["priorities"].values()) == len(due)
    assert sum(each["patients"] for each in summary["rules"]) == sum(len(each["findings"]) for each in due)
    assert sum(sum(each["weeks"]) for each in summary["tasks"]) == len(due)
    assert "Tasks by week" in reviewdue(tmp_path, "assess", PEOPLE, "--as-of", DAY, "--summary").out


def test_a_policy_can_be_named(tmp_path):
    found = reviewdue(tmp_path, "assess", PEOPLE, "--as-of", DAY, "--json", "--policy", "uk").documents
    assert {each["policy"].partition("@")[0] for each in found} == {"uk"}


def test_bad_files_are_named_with_their_line_and_the_rest_is_assessed(tmp_path):
    good = tmp_path / "in"
    good.mkdir()
    (good / "a-good.ndjson").write_bytes(lines(patient(), order()))
    (good / "b-broken.json").write_bytes(b'{"resourceType": "Patient", ')
    (good / "c-not-fhir.json").write_bytes(b'{"hello": "world"}')
    (good / "d-empty.json").write_bytes(b"")
    (good / "e-line.ndjson").write_bytes(lines(patient("p2")) + b"{oops\n" + lines(order("b", patient="p2")))
    (good / "f-latin.json").write_bytes(
        '{"resourceType": "Patient", "id": "p3", "name": [{"family": "Åse"}]}'.encode("latin-1")
    )
    (good / "g-wide.ndjson").write_bytes('{"resourceType": "Patient"}'.encode("utf-16"))
    (good / "h-cut.ndjson.gz").write_bytes(
        gzip.compress(lines(patient("p4"), order("d", patient="p4")) * 50)[:-20]
    )
    (good / "i-list.json").write_bytes(b"[]")
    (good / "j-notes.txt").write_bytes(b"not for us")
    ended = reviewdue(tmp_path, "assess", "in", "--as-of", "2026-04-01", "--json")
    assert ended.code == 1
    assert {"Patient/p1", "Patient/p2"} <= {each["patient"] for each in ended.documents}
    named = "\n".join(ended.problems)
    for place in (
        "b-broken.json",
        "c-not-fhir.json",
        "d-empty.json",
        "e-line.ndjson:2",
        "g-wide.ndjson",
        "h-cut.ndjson.gz",
        "i-list.json",
    ):
        assert place in named
    assert "1 files of other kinds ignored" in named
    assert "Traceback" not in named


def test_an_unreadable_order_is_named_and_is_exit_1(tmp_path):
    (tmp_path / "a.ndjson").write_bytes(lines(patient(), order(), order("bad", day="soon")))
    ended = reviewdue(tmp_path, "assess", "a.ndjson", "--as-of", "2026-04-01", "--json")
    assert ended.code == 1
    assert any(line.startswith("MedicationRequest/bad: ") for line in ended.problems)
    assert ended.documents[0]["complete"] is False


def test_good_input_is_exit_0_and_says_nothing_more(tmp_path):
    (tmp_path / "a.ndjson").write_bytes(lines(patient(), order()))
    ended = reviewdue(tmp_path, "assess", "a.ndjson", "--as-of", "2026-04-01", "--json")
    assert (ended.code, ended.err, len(ended.documents)) == (0, "", 1)
    assert not (tmp_path / "reviewdue.db").exists()
    assert not (tmp_path / "reviewdue.secret").exists()


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["nowhere"], "PATH"),
        ([".", "--as-of", "tomorrow"], "--as-of"),
        ([".", "--timezone", "Mars"], "--timezone"),
        ([".", "--policy", "nowhere.toml"], "policy.name"),
    ],
)
def test_a_wrong_argument_is_one_line_and_exit_2(tmp_path, words, key):
    ended = reviewdue(tmp_path, "assess", *words)
    assert (ended.code, ended.out, len(ended.problems)) == (2, "", 1)
    assert ended.problems[0].startswith(f"{key}: ")


def test_all_wrong_arguments_are_told_at_once(tmp_path):
    ended = reviewdue(
        tmp_path, "assess", "nowhere", "--as-of", "x", "--timezone", "Mars", "--policy", "none.toml"
    )
    assert [line.partition(":")[0] for line in ended.problems] == [
        "PATH",
        "--timezone",
        "--as-of",
        "policy.name",
    ]


def test_explain_tells_the_timeline_the_numbers_and_where_they_come_from(tmp_path):
    (tmp_path / "a.ndjson").write_bytes(lines(patient(), order(), order("other", patient="p2", day="soon")))
    ended = reviewdue(tmp_path, "explain", "a.ndjson", "--patient", "p1", "--as-of", "2026-04-01")
    assert (ended.code, ended.err) == (0, "")
    assert "2026-01-01 to 2026-04-30" in ended.out
    for told in ("diazepam 10 mg/day", "MedicationRequest/a", "R02", "90 days (", "Timeline", "Findings"):
        assert told in ended.out


def test_explain_as_json_is_the_assessment_with_a_timeline(tmp_path):
    (tmp_path / "a.ndjson").write_bytes(lines(patient(), order()))
    words = ["a.ndjson", "--as-of", "2026-04-01", "--json"]
    (told,) = reviewdue(tmp_path, "explain", *words, "--patient", "Patient/p1").documents
    (assessed,) = reviewdue(tmp_path, "assess", *words).documents
    timeline = told.pop("timeline")
    assert {name: told[name] for name in assessed} == assessed
    assert [each["reference"] for each in told["readings"]] == ["MedicationRequest/a"]
    assert [event["reference"] for event in timeline] == ["MedicationRequest/a"]


def test_explaining_somebody_who_is_not_there_is_exit_2(tmp_path):
    (tmp_path / "a.ndjson").write_bytes(lines(patient(), order()))
    ended = reviewdue(tmp_path, "explain", "a.ndjson", "--patient", "nobody")
    assert ended.code == 2
    assert "Patient/nobody" in ended.err
