"""Reads and searches: what is believed, what is refused, what is tried again."""

import pytest

from service.fhir.auth import BearerFile
from service.fhir.errors import (
    AuthError,
    FhirError,
    FhirRejectedError,
    FhirUnavailableError,
    ForeignUrlError,
    GoneError,
    IncompleteError,
    NotFoundError,
    UnreadableReplyError,
)
from tests.fhir.serving import a_client, always, bundle, in_turn, outcome, patient, reply, serving

LOGIN = b"<!doctype html><html>Sign in</html>"


def searched(client, kind="Patient", params=(("active", "true"),), **more):
    """All ids, and the error that the search ended with, if any."""
    found = []
    try:
        for page in client.search(kind, params, **more):
            found += [row.reference for row in page.rows]
    except FhirError as error:
        return found, error
    return found, None


def search_of(*answers, **limits):
    with serving(in_turn(*answers)) as ehr, a_client(ehr.base, **limits) as client:
        return searched(client)


# -- read by id ------------------------------------------------------------------------------------


def test_a_read_gives_the_resource_its_version_and_the_servers_date():
    answer = reply(200, patient(), etag='W/"3"', date="Sun, 01 Mar 2026 09:30:00 GMT")
    with serving(always(answer)) as ehr, a_client(ehr.base) as client:
        found = client.read("Patient", "p1")
    assert (found.reading.reference, found.version) == ("Patient/p1", 'W/"3"')
    assert found.date is not None
    assert ehr.asked[0].headers["cache-control"] == "no-cache"
    assert ehr.asked[0].headers["accept"] == "application/fhir+json"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (204, FhirRejectedError),
        (304, FhirRejectedError),
        (301, FhirRejectedError),
        (400, FhirRejectedError),
        (401, AuthError),
        (403, FhirRejectedError),
        (404, NotFoundError),
        (408, FhirUnavailableError),
        (410, GoneError),
        (429, FhirUnavailableError),
        (500, FhirUnavailableError),
        (503, FhirUnavailableError),
    ],
)
def test_each_status_of_a_read_has_one_meaning(status, error):
    with serving(always(reply(status))) as ehr, a_client(ehr.base, attempts=1) as client:
        with pytest.raises(FhirError) as failed:
            client.read("Patient", "p1")
        assert type(failed.value) is error


@pytest.mark.parametrize(
    "body",
    [
        b"",
        LOGIN,
        b"null",
        b"[]",
        b"{",
        b'{"resourceType":"Pati',
        b"\xff\xfe{\x00}\x00",
        b"[" * 100_000,
        outcome("processing"),
        patient("p2"),
        {"resourceType": "Practitioner", "id": "p1"},
        bundle(patient()),
        {"id": "p1"},
    ],
)
def test_what_is_not_the_resource_asked_for_is_unreadable(body):
    with serving(always(reply(200, body))) as ehr, a_client(ehr.base) as client:
        with pytest.raises(UnreadableReplyError):
            client.read("Patient", "p1")
        assert len(ehr.asked) == 1


@pytest.mark.parametrize("id_", ["../../admin", "..", "a/b", "x?y", "a%2e%2e%2fb"])
def test_an_odd_id_stays_one_segment_or_is_not_asked_for(id_):
    with serving(always(reply(404))) as ehr, a_client(ehr.base) as client:
        with pytest.raises((NotFoundError, ForeignUrlError)):
            client.read("Patient", id_)
        assert all(asked.target.count("/") == 3 and "?" not in asked.target for asked in ehr.asked)


def test_a_read_is_tried_again_a_few_times():
    answers = (reply(500), reply(503, retry_after=0), reply(200, patient()))
    with serving(in_turn(*answers)) as ehr, a_client(ehr.base) as client:
        assert client.read("Patient", "p1").reading.reference == "Patient/p1"
    with serving(always(reply(500))) as ehr, a_client(ehr.base) as client:
        with pytest.raises(FhirUnavailableError):
            client.read("Patient", "p1")
        assert len(ehr.asked) == 3


def test_a_long_pause_is_not_waited_for_inside_a_cycle():
    with serving(always(reply(429, retry_after=900))) as ehr, a_client(ehr.base) as client:
        with pytest.raises(FhirUnavailableError) as failed:
            client.read("Patient", "p1")
        assert failed.value.retry_after == 900
        assert len(ehr.asked) == 1


# -- search: what is a page ------------------------------------------------------------------------


@pytest.mark.failure("F21")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        LOGIN,
        b"null",
        b"[]",
        b"{}",
        b'{"resourceType":"Bundle","type":"searchset","entry":[{"resou',
        b'{"resourceType":"Bundle","type":"searchset","total":NaN}',
        outcome("processing"),
        patient(),
        bundle(patient(), type="batch-response"),
        bundle(patient(), type=None),
        bundle(patient(), entry={}),
        b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><Bundle>&e;</Bundle>",
    ],
)
def test_a_200_that_is_no_searchset_is_never_an_empty_answer(body):
    found, error = search_of(reply(200, body))
    assert found == []
    assert isinstance(error, UnreadableReplyError)


@pytest.mark.failure("F26")
def test_a_page_of_too_many_entries_is_refused():
    found, error = search_of(reply(200, bundle(*map(patient, "abc"))), max_entries=2)
    assert found == []
    assert isinstance(error, UnreadableReplyError)


def test_one_malformed_resource_does_not_spoil_its_page():
    found, error = search_of(reply(200, bundle(patient("a"), patient("b", active={"no": 1}), patient("c"))))
    assert found == ["Patient/a", "Patient/b", "Patient/c"]
    assert error is None


# -- search: completeness --------------------------------------------------------------------------


def test_a_bundle_without_links_needs_a_total_to_be_believed():
    assert search_of(reply(200, bundle(patient(), link=None, total=1))) == (["Patient/p1"], None)
    for lie in ({"total": 2}, {}, {"link": []}):
        _, error = search_of(reply(200, bundle(patient(), **{"link": None} | lie)))
        assert isinstance(error, IncompleteError)


@pytest.mark.parametrize(
    ("code", "own", "severity", "complete"),
    [
        ("processing", "4101", "warning", True),
        ("informational", None, "information", True),
        ("processing", "4119", "warning", False),
        ("suppressed", "59204", "warning", False),
        ("processing", "59133", "information", False),
        ("incomplete", None, "warning", False),
        ("informational", "77777", "information", False),
        ("processing", None, "information", False),
    ],
)
def test_an_outcome_among_the_rows_is_no_row_and_may_mean_that_something_is_missing(
    code, own, severity, complete
):
    found, error = search_of(reply(200, bundle(patient(), outcome(code, own=own, severity=severity))))
    assert found == ["Patient/p1"]
    assert (error is None) is complete
    assert complete or isinstance(error, IncompleteError)


def test_an_entry_without_a_resource_means_that_something_is_missing():
    _, error = search_of(reply(200, bundle(patient(), entry=[{"fullUrl": "urn:uuid:1"}])))
    assert isinstance(error, IncompleteError)


def self_link(query):
    return [{"relation": "self", "url": f"http://ehr.invalid/fhir/Patient{query}"}]


@pytest.mark.parametrize(
    ("query", "dropped"),
    [
        ("?patient=a,b&status=active&_count=200", None),
        ("?subject=Patient/a,Patient/b&status=active", None),
        ("?patient=Patient%2Fa%2Cb&status:in=active", None),
        ("", None),
        ("?_getpages=123", None),
        ("?patient=a,b", "status"),
        ("?status=active", "patient"),
        ("?_count=200", "patient"),
        ("?patient=a&status=active", "patient"),
    ],
)
def test_the_self_link_tells_which_filter_was_not_applied(query, dropped):
    with (
        serving(always(reply(200, bundle(patient(), link=self_link(query))))) as ehr,
        a_client(ehr.base) as client,
    ):
        found, error = searched(client, params=(("patient", "a,b"), ("status", "active")))
    assert found == ["Patient/p1"], "what came is good all the same"
    assert (error and str(error)) == (f"the server did not apply {dropped}" if dropped else None)


# -- search: pages ---------------------------------------------------------------------------------


def next_link(url):
    return [{"relation": "self", "url": "x"}, {"relation": "next", "url": url}]


def test_pages_are_followed_inside_the_base_and_their_query_is_left_as_it_is():
    def answer(asked):
        if "page=2" in asked.target:
            return reply(200, bundle(patient("b")))
        return reply(200, bundle(patient("a"), link=next_link("?page=2&ct=a%2Bb%3D%3D;x")))

    with serving(answer) as ehr, a_client(ehr.base) as client:
        assert searched(client) == (["Patient/a", "Patient/b"], None)
    assert ehr.asked[1].target == "/fhir/Patient?page=2&ct=a%2Bb%3D%3D;x"
    assert ehr.asked[0].headers["prefer"] == "handling=strict"
    assert ehr.asked[0].headers["cache-control"] == "no-cache"


def test_a_next_to_another_host_is_not_followed_and_no_credential_leaves(tmp_path):
    (tmp_path / "token").write_text("secret")
    with serving(always(reply())) as tripwire:
        for link in (f"{tripwire.base}/Patient", tripwire.base.replace("http:", "")):
            page = reply(200, bundle(patient("a"), link=next_link(link)))
            with (
                serving(always(page)) as ehr,
                a_client(ehr.base, auth=BearerFile(tmp_path / "token")) as client,
            ):
                found, error = searched(client)
            assert found == ["Patient/a"]
            assert isinstance(error, ForeignUrlError)
            assert ehr.asked[0].headers["authorization"] == "Bearer secret"
    assert tripwire.connections == 0


@pytest.mark.failure("F26")
def test_pages_in_a_circle_end():
    def answer(asked):
        here = int(asked.target.rpartition("=")[2]) if "page" in asked.target else 0
        return reply(200, bundle(patient(f"n{here}"), link=next_link(f"?page={(here + 1) % 3}")))

    with serving(answer) as ehr, a_client(ehr.base) as client:
        _, error = searched(client)
        assert isinstance(error, IncompleteError)
        assert len(ehr.asked) <= 5


@pytest.mark.failure("F26")
@pytest.mark.parametrize(("rows", "limit"), [(True, "more than 20 pages"), (False, "4 empty pages")])
def test_endless_pages_end(rows, limit):
    def answer(asked):
        here = int(asked.target.rpartition("=")[2]) if "page" in asked.target else 0
        shown = [patient(f"n{here}")] if rows else []
        return reply(200, bundle(*shown, link=next_link(f"?page={here + 1}")))

    with serving(answer) as ehr, a_client(ehr.base, max_pages=20, max_empty_pages=4) as client:
        _, error = searched(client)
        assert isinstance(error, IncompleteError)
        assert limit in str(error)
        assert len(ehr.asked) <= 20


def test_a_short_or_empty_page_with_a_next_is_followed():
    pages = (
        reply(200, bundle(link=next_link("?page=2"), entry=None)),
        reply(200, bundle(patient("a"), link=next_link("?page=3"))),
        reply(200, bundle(patient("b"), total=2)),
    )
    assert search_of(*pages) == (["Patient/a", "Patient/b"], None)


@pytest.mark.failure("F1")
def test_rows_that_came_before_a_failing_page_are_kept_and_the_end_is_not_believed():
    pages = (reply(200, bundle(patient("a"), link=next_link("?page=2"))), *[reply(500)] * 3)
    found, error = search_of(*pages)
    assert found == ["Patient/a"]
    assert isinstance(error, FhirUnavailableError)


# -- POST search -----------------------------------------------------------------------------------


@pytest.mark.failure("I7")
def test_a_search_that_names_people_keeps_them_out_of_the_url():
    with serving(always(reply(200, bundle(patient())))) as ehr, a_client(ehr.base) as client:
        assert searched(client, params=(("_id", "a,b"),), private=True)[1] is None
    assert (ehr.asked[0].method, ehr.asked[0].target) == ("POST", "/fhir/Patient/_search")
    assert ehr.asked[0].body == b"_id=a%2Cb&_count=200"


@pytest.mark.parametrize("refusal", [reply(400), reply(404), reply(405), reply(415), reply(200, LOGIN)])
def test_a_refused_post_search_becomes_a_get_and_stays_one(refusal):
    def answer(asked):
        return refusal if asked.method == "POST" else reply(200, bundle(patient()))

    with serving(answer) as ehr, a_client(ehr.base) as client:
        for _ in range(3):
            assert searched(client, private=True) == (["Patient/p1"], None)
    assert [asked.method for asked in ehr.asked] == ["POST", "GET", "GET", "GET"]


def test_what_get_refuses_too_was_not_the_posts_fault():
    with serving(always(reply(400))) as ehr, a_client(ehr.base) as client:
        for _ in range(2):
            assert isinstance(searched(client, private=True)[1], FhirRejectedError)
    assert [asked.method for asked in ehr.asked] == ["POST", "GET"] * 2


def test_metadata_is_the_capability_statement():
    statement = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}
    with serving(in_turn(reply(200, statement), reply(200, LOGIN))) as ehr, a_client(ehr.base) as client:
        assert client.metadata()["fhirVersion"] == "4.0.1"
        with pytest.raises(UnreadableReplyError):
            client.metadata()
