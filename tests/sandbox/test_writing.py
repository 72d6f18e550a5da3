"""Create, update and delete over HTTP: what is stored, and what the answer says of it."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.sandbox.ground import a_task, an_order, refusal

KEY = {"If-None-Exist": "identifier=urn:test:item|k1"}


def put(ehr, resource, **headers):
    return ehr.http.put(f"{resource['resourceType']}/{resource['id']}", json=resource, headers=headers)


def test_a_create_answers_where_what_and_when(ehr):
    answer = ehr.http.post("Task", json=a_task())
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{ehr.base}/Task/1/_history/1"
    assert answer.headers["ETag"] == 'W/"1"'
    assert answer.headers["Last-Modified"] == answer.headers["Date"] == "Sun, 01 Mar 2026 09:00:00 GMT"
    assert answer.headers["Content-Type"].startswith("application/fhir+json")
    meta = {"versionId": "1", "lastUpdated": "2026-03-01T09:00:00.000Z"}
    assert answer.json() == {"id": "1", "meta": meta, **a_task()}


def test_the_server_sets_id_and_meta_and_keeps_tags(ehr):
    sent = a_task(
        id="mine", meta={"versionId": "9", "lastUpdated": "2000-01-01T00:00:00Z", "tag": [{"code": "x"}]}
    )
    stored = ehr.http.post("Task", json=sent).json()
    assert stored["id"] == "1"
    assert stored["meta"] == {
        "versionId": "1",
        "lastUpdated": "2026-03-01T09:00:00.000Z",
        "tag": [{"code": "x"}],
    }


def test_a_preferred_minimal_answer_has_no_body(ehr):
    answer = ehr.http.post("Task", json=a_task(), headers={"Prefer": "respond-async, return=minimal"})
    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["Location"].endswith("/Task/1/_history/1")


def test_if_none_exist_creates_once_then_gives_what_exists(ehr):
    first = ehr.http.post("Task", json=a_task(), headers=KEY)
    second = ehr.http.post("Task", json=a_task(priority="urgent"), headers=KEY)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json()
    assert second.headers["Location"] == first.headers["Location"]


@pytest.mark.parametrize(
    "condition",
    [
        "identifier=urn%3Atest%3Aitem%7Ck1",
        "Task?identifier=urn:test:item|k1",
        "?identifier=urn:test:item|k1&status=requested",
    ],
)
def test_if_none_exist_is_understood_encoded_and_with_the_type_in_front(ehr, condition):
    ehr.http.post("Task", json=a_task())
    assert ehr.http.post("Task", json=a_task(), headers={"If-None-Exist": condition}).status_code == 200


def test_if_none_exist_with_several_matches_is_412(ehr):
    ehr.http.post("Task", json=a_task())
    ehr.http.post("Task", json=a_task())
    assert refusal(ehr.http.post("Task", json=a_task(), headers=KEY)) == 412


@pytest.mark.parametrize("condition", ["nonsense=1", "_count=1", ""])
def test_if_none_exist_without_a_known_search_parameter_is_400(ehr, condition):
    assert refusal(ehr.http.post("Task", json=a_task(), headers={"If-None-Exist": condition})) == 400
    assert ehr.store.all("Task") == []


def test_eight_conditional_creates_at_once_store_one(ehr):
    for round_ in range(5):
        condition = {"If-None-Exist": f"identifier=urn:test:item|race{round_}"}

        def create(_, round_=round_, condition=condition):
            return httpx2.post(
                f"{ehr.base}/Task", json=a_task(f"race{round_}"), headers=condition
            ).status_code

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(create, range(8))) == [200] * 7 + [201]
    assert len(ehr.store.all("Task")) == 5


def test_a_put_with_an_id_of_the_client_creates(ehr):
    answer = put(ehr, a_task(id="r-abc.1"))
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{ehr.base}/Task/r-abc.1/_history/1"
    assert ehr.http.get("Task/r-abc.1").json() == answer.json()


@pytest.mark.parametrize("id_", ["123", "under_score", "x" * 65])
def test_a_put_with_an_id_that_clients_may_not_choose_is_400(ehr, id_):
    assert refusal(put(ehr, a_task(id=id_))) == 400


def test_a_number_that_the_server_gave_can_be_updated(ehr):
    stored = ehr.http.post("Task", json=a_task()).json()
    assert put(ehr, stored | {"priority": "urgent"}).headers["ETag"] == 'W/"2"'


@pytest.mark.parametrize("sent", [a_task(), a_task(id="other"), an_order("a")])
def test_a_put_of_another_or_no_id_or_type_is_400(ehr, sent):
    assert refusal(ehr.http.put("Task/a", json=sent)) == 400


def test_an_update_raises_the_version_and_moves_last_updated(ehr):
    put(ehr, a_task(id="a"))
    ehr.clock.pass_time(minutes=5)
    answer = put(ehr, a_task(id="a", status="accepted"))
    assert answer.status_code == 200
    assert answer.json()["meta"] == {"versionId": "2", "lastUpdated": "2026-03-01T09:05:00.000Z"}
    assert answer.headers["Last-Modified"] == "Sun, 01 Mar 2026 09:05:00 GMT"


def test_an_update_without_a_change_raises_nothing(ehr):
    stored = put(ehr, a_task(id="a")).json()
    ehr.clock.pass_time(minutes=5)
    for unchanged in (stored, a_task(id="a")):
        answer = put(ehr, unchanged)
        assert (answer.status_code, answer.json()) == (200, stored)


@pytest.mark.parametrize("etag", ['W/"2"', '"2"', "2"])
def test_if_match_lets_the_current_version_be_updated_only(ehr, etag):
    put(ehr, a_task(id="a"))
    put(ehr, a_task(id="a", status="accepted"))
    stale = put(ehr, a_task(id="a", status="ready"), **{"If-Match": 'W/"1"'})
    assert refusal(stale) == 412
    assert put(ehr, a_task(id="a", status="ready"), **{"If-Match": etag}).status_code == 200


def test_if_match_on_what_does_not_exist_is_412(ehr):
    assert refusal(put(ehr, a_task(id="a"), **{"If-Match": 'W/"1"'})) == 412
    assert ehr.store.get("Task", "a") is None


def test_if_none_match_star_creates_but_never_overwrites(ehr):
    assert put(ehr, a_task(id="a"), **{"If-None-Match": "*"}).status_code == 201
    assert refusal(put(ehr, a_task(id="a", status="ready"), **{"If-None-Match": "*"})) == 412
    assert ehr.store.get("Task", "a")["status"] == "requested"


def test_a_deleted_resource_is_gone_and_a_put_revives_it_with_a_higher_version(ehr):
    put(ehr, a_task(id="a"))
    assert ehr.http.delete("Task/a").json()["resourceType"] == "OperationOutcome"
    read = ehr.http.get("Task/a")
    assert refusal(read) == 410
    assert read.headers["Location"] == f"{ehr.base}/Task/a/_history/2"
    assert ehr.ids("Task") == []
    revived = put(ehr, a_task(id="a"))
    assert (revived.status_code, revived.headers["ETag"]) == (201, 'W/"3"')
    assert ehr.ids("Task?identifier=urn:test:item|k1") == ["a"]


def test_deleting_twice_or_what_never_was_is_no_error(ehr):
    put(ehr, a_task(id="a"))
    assert [ehr.http.delete(path).status_code for path in ("Task/a", "Task/a", "Task/never")] == [200] * 3
    assert [version.number for version in ehr.store.history("Task", "a")] == [1, 2]


def test_a_stale_delete_is_412(ehr):
    put(ehr, a_task(id="a"))
    put(ehr, a_task(id="a", status="accepted"))
    assert refusal(ehr.http.delete("Task/a", headers={"If-Match": 'W/"1"'})) == 412


@pytest.mark.parametrize(
    "wrong",
    [
        a_task(status="banana"),
        a_task(intent="banana"),
        a_task(priority="banana"),
        a_task(authoredOn={"not": "a date"}),
        a_task(code="a string"),
        a_task(madeUp=True),
        {"resourceType": "Task", "status": "requested"},
        {"resourceType": "Task", "intent": "order"},
    ],
)
def test_a_task_that_is_not_r4_is_422_and_not_stored(ehr, wrong):
    assert refusal(ehr.http.post("Task", json=wrong)) == 422
    assert refusal(put(ehr, wrong | {"id": "a"})) == 422
    assert ehr.store.all("Task") == []


def test_other_types_are_stored_as_they_come(ehr):
    odd = an_order(
        "a", status="banana", subject=7, medicationCodeableConcept={"coding": {"code": 1}}, meta="no"
    )
    assert put(ehr, odd).status_code == 201
    assert ehr.ids("MedicationRequest?status=banana") == ["a"]
    assert ehr.ids("MedicationRequest?code=1") == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"NaN", b"\xff\xfe", b'{"resourceType": "Patient"}']
)
def test_a_body_that_is_no_task_is_400(ehr, body):
    answer = ehr.http.post("Task", content=body, headers={"Content-Type": "application/fhir+json"})
    assert refusal(answer) == 400


def test_a_body_of_another_content_type_is_415(ehr):
    answer = ehr.http.post("Task", content=b"<Task/>", headers={"Content-Type": "application/fhir+xml"})
    assert refusal(answer) == 415
    assert refusal(ehr.http.post("Task", content=b"{}")) == 415
