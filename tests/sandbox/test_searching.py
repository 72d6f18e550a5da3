"""Searches over HTTP: parameters, strictness, what the Bundle says of itself."""

import pytest

from tests.sandbox.ground import a_task, an_order, links, match_ids, refusal

DIAZEPAM = {"coding": [{"system": "http://rx", "code": "3322"}], "text": "diazepam"}


def load(ehr, *resources):
    ehr.store.load(resources)


def test_nothing_found_is_an_empty_searchset_with_a_self_link(ehr):
    bundle = ehr.search("Task")
    url = f"{ehr.base}/Task"
    assert bundle == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 0,
        "link": [{"relation": "self", "url": url}],
    }


def test_rows_are_matches_with_their_full_url(ehr):
    load(ehr, an_order("a"))
    (row,) = ehr.search("MedicationRequest")["entry"]
    assert row["fullUrl"] == f"{ehr.base}/MedicationRequest/a"
    assert row["search"] == {"mode": "match"}
    assert row["resource"] == ehr.store.get("MedicationRequest", "a")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("_id=a,c", ["a", "c"]),
        ("_id=c,a,a,nobody", ["c", "a"]),
        ("patient=p1", ["a", "b"]),
        ("patient=Patient/p1", ["a", "b"]),
        ("patient=p2,p1", ["a", "b", "c"]),
        ("patient=p1&patient=p2", []),
        ("subject=Patient/p2", ["c"]),
        ("subject=p2", ["c"]),
        ("patient=p1&status=active", ["a"]),
        ("status=stopped,on-hold", ["b", "c"]),
        ("status:not=stopped", ["a", "c"]),
        ("intent=order", ["a", "b"]),
        ("code=http://rx|3322", ["a"]),
        ("code=3322", ["a"]),
        ("code=http://rx|1,http://rx|3322", ["a"]),
        ("code=http://rx|", ["a"]),
        ("code=|3322", []),
        ("code=|77", ["b"]),
        ("category=community", ["a"]),
        ("identifier=urn:rx|1", ["a"]),
        ("identifier=urn:rx|", ["a", "b"]),
        ("identifier=1", ["a", "c"]),
        ("identifier=|1", ["c"]),
        ("identifier=urn:rx|1,urn:rx|2", ["a", "b"]),
        ("identifier=urn:none|1", []),
        ("authoredon=2026-01", ["a"]),
        ("authoredon=ge2026-01-16", ["b"]),
        ("authoredon=lt2026-02-01&authoredon=gt2026-01-01", ["a"]),
        ("medication=Medication/m1", ["c"]),
        ("requester=Practitioner/d1", ["b"]),
    ],
)  # fmt: skip
def test_orders_are_found_by(ehr, query, found):
    load(
        ehr,
        an_order(
            "a", medicationCodeableConcept=DIAZEPAM, authoredOn="2026-01-15",
            identifier=[{"system": "urn:rx", "value": "1"}], category=[{"coding": [{"code": "community"}]}],
        ),
        an_order(
            "b", status="stopped", medicationCodeableConcept={"coding": [{"code": "77"}]},
            authoredOn="2026-02-03T10:00:00+01:00", identifier=[{"system": "urn:rx", "value": "2"}],
            requester={"reference": "Practitioner/d1"},
        ),
        an_order(
            "c", "p2", status="on-hold", intent="plan", medicationReference={"reference": "Medication/m1"},
            identifier=[{"value": "1"}],
        ),
    )  # fmt: skip
    assert sorted(ehr.ids(f"MedicationRequest?{query}")) == sorted(found)


@pytest.mark.parametrize(
    ("type_", "element"),
    [
        ("MedicationDispense", "subject"), ("Condition", "subject"), ("Procedure", "subject"),
        ("Observation", "subject"), ("Encounter", "subject"), ("CarePlan", "subject"),
        ("QuestionnaireResponse", "subject"), ("Task", "for"),
        ("AllergyIntolerance", "patient"), ("Coverage", "beneficiary"), ("Communication", "subject"),
    ],
)  # fmt: skip
def test_the_patient_of_each_type_is_found_in_its_own_element(ehr, type_, element):
    for patient in ("p1", "p2"):
        load(
            ehr, {"resourceType": type_, "id": f"of-{patient}", element: {"reference": f"Patient/{patient}"}}
        )
    assert ehr.ids(f"{type_}?patient=p2") == ["of-p2"]


def test_a_reference_may_be_absolute_or_versioned(ehr):
    load(ehr, an_order("a", subject={"reference": f"{ehr.base}/Patient/p1/_history/3"}))
    assert ehr.ids("MedicationRequest?patient=p1") == ["a"]
    assert ehr.ids("MedicationRequest?patient=p3") == []


def test_patients_are_found_by_active(ehr):
    for id_, active in (("yes", True), ("no", False)):
        load(ehr, {"resourceType": "Patient", "id": id_, "active": active})
    assert ehr.ids("Patient?active=true") == ["yes"]
    assert ehr.ids("Patient?active=false") == ["no"]


def test_dispenses_are_found_by_the_day_they_were_handed_over(ehr):
    for day in ("2026-02-27", "2026-02-28T23:30:00Z", "2026-03-01"):
        load(ehr, {"resourceType": "MedicationDispense", "id": day[:10], "whenHandedOver": day})
    assert ehr.ids("MedicationDispense?whenhandedover=ge2026-02-28") == ["2026-02-28", "2026-03-01"]
    assert ehr.ids("MedicationDispense?whenhandedover=2026-02-28") == ["2026-02-28"]


def test_a_period_is_compared_as_the_span_that_it_is(ehr):
    plan = {"resourceType": "CarePlan", "id": "open", "period": {"start": "2026-01-10"}}
    load(ehr, plan, plan | {"id": "over", "period": {"start": "2025-01-01", "end": "2025-12-31"}})
    assert ehr.ids("CarePlan?date=ge2026-02-01") == ["open"]
    assert ehr.ids("CarePlan?date=lt2026-01-01") == ["over"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("ge2026-03-01T09:10:00Z", ["b", "c"]),
        ("gt2026-03-01T09:10:00.000Z", ["c"]),
        ("lt2026-03-01T09:10:00Z", ["a"]),
        ("le2026-03-01T09:10:00.000Z", ["a", "b"]),
        ("2026-03-01T09:10:00.000Z", ["b"]),
        ("eq2026-03-01", ["a", "b", "c"]),
        ("ge2026-03-01T10:10:00%2B01:00", ["b", "c"]),
        ("ge2026-03-01T09:05:00Z&_lastUpdated=lt2026-03-01T09:15:00Z", ["b"]),
    ],
)
def test_last_updated_selects_by_the_server_time_of_the_write(ehr, condition, found):
    for id_ in "abc":
        ehr.http.put(f"MedicationRequest/{id_}", json=an_order(id_))
        ehr.clock.pass_time(minutes=10)
    assert ehr.ids(f"MedicationRequest?_lastUpdated={condition}") == found


def test_a_loaded_resource_keeps_the_last_updated_that_it_states(ehr):
    load(ehr, an_order("a", meta={"lastUpdated": "2020-05-01T12:00:00+02:00"}))
    assert ehr.ids("MedicationRequest?_lastUpdated=eq2020-05-01T10:00:00Z") == ["a"]
    assert ehr.store.get("MedicationRequest", "a")["meta"]["lastUpdated"] == "2020-05-01T10:00:00.000Z"


@pytest.mark.parametrize("stated", ["soon", "", 7, None])
def test_a_last_updated_that_cannot_be_read_is_the_time_of_loading(ehr, stated):
    load(ehr, an_order("a", meta={"lastUpdated": stated}))
    assert ehr.store.get("MedicationRequest", "a")["meta"]["lastUpdated"] == "2026-03-01T09:00:00.000Z"


def test_an_update_moves_what_a_resource_is_found_by(ehr):
    load(ehr, an_order("a", identifier=[{"system": "s", "value": "old"}]))
    ehr.http.put(
        "MedicationRequest/a", json=an_order("a", "p2", identifier=[{"system": "s", "value": "new"}])
    )
    asked = ("patient=p1", "patient=p2", "identifier=s|old", "identifier=s|new")
    assert [ehr.ids(f"MedicationRequest?{query}") for query in asked] == [[], ["a"], [], ["a"]]


def test_rows_come_in_the_order_of_creation_or_as_sorted(ehr):
    for id_ in ("b", "c", "a"):
        ehr.http.put(f"MedicationRequest/{id_}", json=an_order(id_))
        ehr.clock.pass_time(seconds=1)
    ehr.http.put("MedicationRequest/b", json=an_order("b", status="stopped"))
    orders = {
        "": "bca",
        "_sort=_lastUpdated": "cab",
        "_sort=-_lastUpdated": "bac",
        "_sort=_id": "abc",
        "_sort=-_id": "cba",
    }
    assert {sort: "".join(ehr.ids(f"MedicationRequest?{sort}")) for sort in orders} == orders


def test_a_post_search_is_the_same_as_a_get(ehr):
    load(ehr, an_order("a"), an_order("b", status="stopped"), an_order("c", "p2"))
    by_get = ehr.search("MedicationRequest?patient=p1&status=active&_sort=_id")
    form = {"patient": "p1", "status": "active", "_sort": "_id"}
    assert ehr.http.post("MedicationRequest/_search", data=form).json() == by_get
    split = ehr.http.post("MedicationRequest/_search?patient=p1", data={"status": "active", "_sort": "_id"})
    assert split.json() == by_get
    assert match_ids(by_get) == ["a"]


def test_a_post_search_has_a_form_for_a_body(ehr):
    assert refusal(ehr.http.post("Task/_search", json={"status": "requested"})) == 415
    content_type = {"Content-Type": "application/x-www-form-urlencoded"}
    assert refusal(ehr.http.post("Task/_search", content=b"status=%ff", headers=content_type)) == 400


@pytest.mark.parametrize(
    "query",
    [
        "flavour=sweet", "status:exact=active", "patient.name=x", "_sort=status", "_include=MedicationRequest:subject",
        "_total=perhaps", "_summary=true", "_revinclude=Task:focus", "_elements=id",
    ],
)  # fmt: skip
def test_an_unknown_parameter_is_400_and_left_out_of_self_when_lenient(ehr, query):
    load(ehr, an_order("a"), an_order("b", status="stopped"))
    assert ehr.refusal(f"MedicationRequest?{query}") == 400
    lenient = ehr.search(f"MedicationRequest?{query}&status=active", headers={"Prefer": "handling=lenient"})
    assert match_ids(lenient) == ["a"]
    assert links(lenient)["self"] == f"{ehr.base}/MedicationRequest?status=active"
    strict = ehr.http.get(f"MedicationRequest?{query}", headers={"Prefer": "handling=strict"})
    assert refusal(strict) == 400


@pytest.mark.parametrize(
    "query",
    [
        "_lastUpdated=yesterday", "_lastUpdated=ap2026", "_lastUpdated=2026-13-01",
        "authoredon=ge2026-01-01T00:00:00+01:00",
        "_count=-1", "_count=many",
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_read_is_400_even_when_lenient(ehr, query):
    assert ehr.refusal(f"MedicationRequest?{query}") == 400
    assert ehr.refusal(f"MedicationRequest?{query}", headers={"Prefer": "handling=lenient"}) == 400


def test_the_self_link_says_what_was_used_also_when_it_needs_encoding(ehr):
    load(ehr, a_task("a b&c", id="t"))
    bundle = ehr.search("Task", params={"identifier": "urn:test:item|a b&c", "_format": "json"})
    assert match_ids(bundle) == ["t"]
    assert ehr.http.get(links(bundle)["self"]).json() == bundle


def test_escaped_commas_and_bars_are_part_of_the_value(ehr):
    load(ehr, a_task("a,b", id="comma"), a_task("a|b", id="bar"), a_task("a", id="plain"))
    assert ehr.ids(r"Task?identifier=urn:test:item|a\,b") == ["comma"]
    assert ehr.ids(r"Task?identifier=urn:test:item|a\|b") == ["bar"]


def test_include_adds_each_medication_of_the_page_once(ehr):
    medication = {"resourceType": "Medication", "id": "m1", "code": {"text": "diazepam"}}
    reference = {"reference": "Medication/m1"}
    load(
        ehr,
        medication,
        an_order("a", medicationReference=reference),
        an_order("b", medicationReference=reference),
    )
    load(ehr, an_order("c", medicationReference={"reference": "Medication/absent"}), an_order("d"))
    load(ehr, {"resourceType": "MedicationDispense", "id": "e", "medicationReference": reference})
    for type_, matches in (("MedicationRequest", ["a", "b", "c", "d"]), ("MedicationDispense", ["e"])):
        bundle = ehr.search(f"{type_}?_include={type_}:medication")
        assert match_ids(bundle) == matches
        assert bundle["total"] == len(matches)
        added = [row["resource"]["id"] for row in bundle["entry"] if row["search"]["mode"] == "include"]
        assert added == ["m1"]


def test_several_parameters_of_the_same_index_all_have_to_hold(ehr):
    load(ehr, an_order("a", identifier=[{"system": "s", "value": "1"}]))
    assert ehr.ids("MedicationRequest?identifier=s|1&patient=p1&_id=a") == ["a"]
    assert ehr.ids("MedicationRequest?identifier=s|1&patient=p2") == []
    assert ehr.ids("MedicationRequest?_id=a&identifier=s|2") == []
