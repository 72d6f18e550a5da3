"""Bundles: resources, paging links, complaints."""

import json

import pytest

from service.record.bundle import read_batch, read_bundle
from service.record.elements import MedicationRequest
from service.record.read import NotFhirError, Unreadable
from tests.record.build import a_fill, an_order, raw


def bundle(*entries, **changes):
    return raw({"resourceType": "Bundle", "type": "searchset", "entry": list(entries), **changes})


def of(resource, **changes):
    return {"resource": resource, **changes}


def test_a_page_tells_its_resources_links_and_total():
    page = read_bundle(
        bundle(
            of(an_order("a")),
            of(an_order("b")),
            total=2,
            link=[{"relation": "self", "url": "http://x/1"}, {"relation": "next", "url": "http://x/2"}],
        )
    )
    assert [one.reference for one in page.entries] == ["MedicationRequest/a", "MedicationRequest/b"]
    assert (page.type, page.total, page.size) == ("searchset", 2, 2)
    assert page.links == {"self": "http://x/1", "next": "http://x/2"}


def test_one_bad_entry_leaves_its_neighbours_alone():
    page = read_bundle(
        bundle(of(an_order("a", authoredOn=5)), of("nonsense"), of(an_order("b")), {}), file="f"
    )
    first, second = page.entries
    assert isinstance(first.body, Unreadable)
    assert isinstance(second.body, MedicationRequest)
    assert [(one.place, one.reason) for one in page.problems] == [("f:2", "no FHIR resource")]


@pytest.mark.parametrize(
    "changes", [{"total": "2"}, {"link": "none"}, {"link": [5]}, {"type": 5}, {"entry": [{"fullUrl": 5}, 7]}]
)
def test_a_wrong_type_around_the_resources_does_not_lose_them(changes):
    tree = {"resourceType": "Bundle", "entry": []} | changes
    tree["entry"] = [*tree["entry"], of(an_order("a"))]
    assert [one.reference for one in read_bundle(raw(tree)).entries] == ["MedicationRequest/a"]


def test_complaints_are_set_apart():
    complaint = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "too-costly"}]}
    page = read_bundle(bundle(of(an_order("a")), of(complaint, search={"mode": "outcome"})))
    assert len(page.entries) == 1
    assert [(one.severity, one.code) for one in page.issues] == [("warning", "too-costly")]


def test_a_reference_to_a_full_url_becomes_type_and_id():
    page = read_bundle(
        bundle(
            of({"resourceType": "Patient", "id": "p"}, fullUrl="urn:uuid:1"),
            of(an_order("a", subject={"reference": "urn:uuid:1"}), fullUrl="urn:uuid:2"),
            of(a_fill("f", authorizingPrescription=[{"reference": "urn:uuid:2"}])),
            type="transaction",
        )
    )
    assert [one.patient for one in page.entries] == ["Patient/p"] * 3
    fill = page.entries[2].body
    assert [one.reference for one in fill.authorizing_prescription] == ["MedicationRequest/a"]


def test_a_resource_without_id_is_found_by_its_full_url():
    page = read_bundle(
        bundle(
            of({"resourceType": "Patient"}, fullUrl="urn:uuid:1"),
            of(an_order("a", subject={"reference": "urn:uuid:1"})),
        ),
        file="new.json",
    )
    assert [one.patient for one in page.entries] == ["Patient/#new.json:1"] * 2


def test_bundles_within_bundles_are_opened():
    inner = json.loads(bundle(of(an_order("a")), of(an_order("b"))))
    page = read_bundle(bundle(of(inner), of(an_order("c")), type="batch-response"), file="f", first=5)
    assert [one.reference[-1] for one in page.entries] == ["a", "b", "c"]
    assert page.size == 3


def test_unwanted_resources_are_only_counted():
    page = read_bundle(
        bundle(of(an_order("a")), of(a_fill("f"))), wanted=lambda kind, _: kind != "MedicationRequest"
    )
    assert [one.reference for one in page.entries] == ["MedicationDispense/f"]
    assert page.size == 2


def test_a_batch_answers_request_by_request():
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}
    first, second = read_batch(
        bundle(
            {"resource": json.loads(bundle()), "response": {"status": "200 OK"}},
            {"response": {"status": "403", "outcome": outcome}},
        )
    )
    assert (first.status, first.issues) == ("200 OK", ())
    assert first.resource is not None
    assert (second.status, [one.code for one in second.issues]) == ("403", ["forbidden"])


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"5"])
def test_what_is_no_json_object_is_no_bundle(text):
    with pytest.raises(NotFhirError):
        read_bundle(text)
