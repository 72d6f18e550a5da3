"""Bytes → resource, or what is wrong with it."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.record.elements import KINDS, Encounter, MedicationRequest, Procedure, Task
from service.record.read import NotFhirError, Unreadable, read
from tests.record.build import DIAZEPAM_5_MG, a_fill, a_task, an_order, of_patient, raw


def order(**changes):
    body = read(raw(an_order(**changes)), "x.json:1").body
    assert isinstance(body, MedicationRequest), body
    return body


@pytest.mark.parametrize(
    "changes",
    [
        {"status": 1},
        {"intent": ["order"]},
        {"subject": "Patient/p"},
        {"subject": {"reference": 7}},
        {"authoredOn": 20260221},
        {"doNotPerform": "true"},
        {"reportedBoolean": 1},
        {"category": {"coding": []}},
        {"medicationCodeableConcept": "diazepam"},
        {"medicationCodeableConcept": {"coding": {}}},
        {"medicationReference": "Medication/m"},
        {"dosageInstruction": {}},
        {"dosageInstruction": ["1 tablet"]},
        {"dosageInstruction": [{"text": 5}]},
        {"dosageInstruction": [{"timing": {"repeat": {"frequency": {"value": 1}}}}]},
        {"dosageInstruction": [{"timing": {"repeat": {"frequency": True}}}]},
        {"dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": False}}]}]},
        {"dispenseRequest": []},
        {"dispenseRequest": {"quantity": 28}},
        {"dispenseRequest": {"numberOfRepeatsAllowed": [1]}},
        {"requester": "Dr X"},
        {"priorPrescription": [{"reference": "MedicationRequest/b"}]},
        {"contained": {"resourceType": "Medication"}},
        {
            "contained": [{"resourceType": "Medication", "id": "m", "code": "diazepam"}],
            "medicationReference": {"reference": "#m"},
        },
    ],
)
def test_a_wrong_json_type_of_an_element_we_read_makes_the_one_resource_malformed(changes):
    body = read(raw(an_order(**changes)), "x.json:1").body
    assert isinstance(body, Unreadable)
    assert (body.reference, body.reason) == ("MedicationRequest/a", "malformed")


@pytest.mark.parametrize(
    "changes",
    [
        {"note": "nothing that we read"},
        {"encounter": 5},
        {"meta": "today"},
        {"meta": {"lastUpdated": 5, "tag": {}}},
        {"status": None},
        {"dosageInstruction": [{"timing": {"repeat": {"frequency": "1"}}}]},
        {"dispenseRequest": {"numberOfRepeatsAllowed": 2.0}},
        {"contained": [{"resourceType": "Practitioner", "name": 5}]},
    ],
)
def test_what_we_do_not_read_a_bad_meta_and_a_number_as_text_do_no_harm(changes):
    assert order(**changes).reference == "MedicationRequest/a"


def test_null_is_absent_everywhere():
    tree = an_order() | {"intent": None, "category": [None], "note": None}
    tree["dosageInstruction"] = [None, {"timing": None, "doseAndRate": [None]}]
    body = read(json.dumps(tree).encode(), "x.json:1").body
    assert isinstance(body, MedicationRequest)
    assert (body.intent, body.category, len(body.dosage_instruction or ())) == (None, (), 1)


def test_a_usable_part_of_a_bad_meta_is_kept():
    found = order(meta={"lastUpdated": "2026-01-01T00:00:00Z", "tag": "test"})
    assert found.meta is not None
    assert found.meta.last_updated == "2026-01-01T00:00:00Z"


def test_an_unreadable_order_still_says_whose_it_is_and_what_it_names():
    reading = read(raw(an_order(authoredOn=5)), "x.json:1")
    assert isinstance(reading.body, Unreadable)
    assert reading.patient == "Patient/p"
    assert [one.code for one in reading.body.codings] == ["197591"]


def test_a_resource_without_id_is_named_after_its_place():
    assert read(raw(an_order(id=None)), "orders.ndjson:7").reference == "MedicationRequest/#orders.ndjson:7"
    malformed = read(raw(an_order(id=3)), "orders.ndjson:8")
    assert malformed.reference == "MedicationRequest/#orders.ndjson:8"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "broken JSON"),
        (b"{", "broken JSON"),
        (b'{"resourceType": "Patient", "id": NaN}', "broken JSON"),
        (b'{"resourceType": "Patient", "id": "\xff"}', "not UTF-8"),
        (b"[]", "no FHIR resource"),
        (b'"Patient"', "no FHIR resource"),
        (b"{}", "no resourceType"),
        (b'{"resourceType": 5}', "no resourceType"),
        (b'{"resourceType": "Patient", "name": ' + b"[" * 100_000 + b"}", "nested too deeply"),
        (b'{"resourceType": "Group", "x": ' + b"[" * 100_000 + b"}", "nested too deeply"),
    ],
)
def test_bytes_that_are_no_resource_are_refused_with_a_reason(text, why):
    with pytest.raises(NotFhirError, match=why):
        read(text, "x.json:1")


def test_a_type_that_we_do_not_read_has_no_body():
    reading = read(b'{"id": "1", "resourceType": "Claim"}', "x.json:1")
    assert (reading.kind, reading.body) == ("Claim", None)


def test_a_repeated_key_does_not_break_anything():
    assert read(b'{"resourceType": "Patient", "id": "a", "id": "b"}', "x.json:1").reference == "Patient/b"


# -- R5 ------------------------------------------------------------------------------------------


def test_an_r5_order_comes_out_as_r4():
    found = order(
        medicationCodeableConcept=None,
        medication={"concept": DIAZEPAM_5_MG},
        reported=True,
        reason=[{"concept": {"text": "anxiety"}}, {"reference": {"reference": "Condition/c"}}],
    )
    assert found.medication_codeable_concept is not None
    assert found.reported_boolean is True
    assert [one.text for one in found.reason_code or ()] == ["anxiety"]
    assert [one.reference for one in found.reason_reference or ()] == ["Condition/c"]
    assert (found.medication, found.reported, found.reason) == (None, None, None)


def test_r5_says_as_needed_and_a_list_of_maxima():
    ratio = {"numerator": {"value": 4}, "denominator": {"value": 1, "unit": "d"}}
    found = order(
        dosageInstruction=[{"asNeeded": True, "maxDosePerPeriod": [ratio, ratio]}, {"asNeededFor": [{}]}]
    )
    lines = found.dosage_instruction or ()
    assert [line.is_as_needed for line in lines] == [True, True]
    assert len(lines[0].maxima) == 2


def test_an_r5_encounter_procedure_and_task_come_out_as_r4():
    stay = read(
        raw(
            of_patient(
                "Encounter",
                "e",
                status="completed",
                **{"class": [{"coding": [{"code": "IMP"}]}]},
                actualPeriod={"start": "2026-01-01"},
                admission={"dischargeDisposition": {"text": "home"}},
                reason=[{"value": [{"concept": {"text": "fall"}}]}],
            )
        ),
        "x",
    ).body
    assert isinstance(stay, Encounter)
    assert (stay.status, stay.class_codes) == ("finished", ("IMP",))
    assert stay.period is not None
    assert stay.hospitalization is not None
    assert [one.text for one in stay.reason_code or ()] == ["fall"]
    done = read(raw(of_patient("Procedure", "x", occurrenceDateTime="2026-01-01")), "x").body
    assert isinstance(done, Procedure)
    assert done.performed_date_time == "2026-01-01"
    task = read(
        raw(a_task(statusReason={"concept": {"coding": [{"system": "urn:reviewdue:close"}]}})), "x"
    ).body
    assert isinstance(task, Task)
    assert task.status_reason is not None
    assert [one.system for one in task.status_reason.coding or ()] == ["urn:reviewdue:close"]


def test_the_class_of_an_r4_encounter_is_one_coding():
    stay = read(raw(of_patient("Encounter", "e", **{"class": {"code": "EMER"}})), "x").body
    assert isinstance(stay, Encounter)
    assert stay.class_codes == ("EMER",)


def test_a_contained_medication_and_what_is_contained_in_it_are_resolved():
    medication = {
        "resourceType": "Medication",
        "id": "m",
        "ingredient": [{"itemReference": {"reference": "#s"}}],
        "doseForm": {"text": "tablet"},
    }
    substance = {"resourceType": "Substance", "id": "s", "code": {"text": "diazepam"}}
    found = order(
        medicationCodeableConcept=None,
        medicationReference={"reference": "#m"},
        contained=[medication, substance],
    )
    inside = found.contained_medication
    assert inside is not None
    assert inside.form is not None
    item = (inside.ingredient or ())[0].item_codeable_concept
    assert item is not None
    assert item.text == "diazepam"


# -- whatever comes --------------------------------------------------------------------------------

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
elements = sorted({field.encode_name for kind in KINDS.values() for field in msgspec.structs.fields(kind)})


@given(st.sampled_from(sorted(KINDS)), st.dictionaries(st.sampled_from(elements), json_values, max_size=4))
def test_any_json_object_with_a_type_is_read_or_unreadable_but_never_raises(kind, content):
    reading = read(raw({**content, "resourceType": kind}), "x.json:1")
    assert reading.body is not None
    assert reading.reference.startswith(f"{kind}/")


def test_a_fill_is_of_its_subject():
    assert read(
        raw(a_fill(subject={"reference": "https://ehr.example/fhir/Patient/p/_history/2"})), "x"
    ).patient == ("Patient/p")
