"""Reading, the batch, /metadata, and how HTTP itself is answered."""

import threading
import warnings

import httpx2
import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome

from service.sandbox import Store, create_app, serve
from tests.sandbox.ground import TestClock, a_task, an_order, match_ids, refusal


def batch(ehr, *entries, **headers):
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": list(entries)}
    answer = ehr.http.post("", json=bundle, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["type"] == "batch-response"
    return answer.json()["entry"]


def asking(method, url, resource=None, **conditions):
    entry = {"request": {"method": method, "url": url, **conditions}}
    return entry if resource is None else entry | {"resource": resource}


def statuses(entries):
    return [entry["response"]["status"] for entry in entries]


def test_a_read_carries_its_version_and_is_304_when_known(ehr):
    ehr.store.put(a_task(id="a"))
    read = ehr.http.get("Task/a")
    assert (read.status_code, read.headers["ETag"]) == (200, 'W/"1"')
    again = ehr.http.get("Task/a", headers={"If-None-Match": read.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_each_version_can_be_read(ehr):
    ehr.http.put("Task/a", json=a_task(id="a"))
    ehr.http.put("Task/a", json=a_task(id="a", status="accepted"))
    ehr.http.delete("Task/a")
    old = [ehr.http.get(f"Task/a/_history/{number}").json().get("status") for number in (1, 2)]
    assert old == ["requested", "accepted"]
    assert ehr.refusal("Task/a/_history/3") == 410
    assert ehr.refusal("Task/a/_history/4") == 404


@pytest.mark.parametrize(
    "path", ["Task/unknown", "Banana", "Banana/1", "Task/a/b", "Task/a/_history/1/x", "Task/a/$validate"]
)
def test_what_is_not_there_is_404(ehr, path):
    assert ehr.refusal(path) == 404


def test_outside_of_the_mount_nothing_is_served(ehr):
    assert refusal(ehr.http.get(ehr.base.removesuffix("/fhir"))) == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "Task", "GET, POST"), ("PATCH", "Task/a", "GET, PUT, DELETE"), ("POST", "Task/a", "GET, PUT, DELETE"),
        ("DELETE", "Task", "GET, POST"), ("GET", "Task/_search", "POST"), ("POST", "metadata", "GET"),
    ],
)  # fmt: skip
def test_what_is_not_possible_is_405_and_names_what_is(ehr, method, path, allowed):
    answer = ehr.http.request(method, path)
    assert refusal(answer) == 405
    assert answer.headers["Allow"] == allowed


def test_metadata_says_r4_and_what_can_be_asked(ehr):
    statement = ehr.http.get("metadata").json()
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["software"]["name"] == "reviewdue sandbox"
    assert statement["date"] == "2026-03-01T09:00:00.000Z"
    (rest,) = statement["rest"]
    by_type = {resource["type"]: resource for resource in rest["resource"]}
    task = by_type["Task"]
    assert {"create", "update", "read", "delete", "search-type"} <= {
        each["code"] for each in task["interaction"]
    }
    named = {"_id", "_lastUpdated", "identifier", "patient", "status", "code"}
    assert named <= {each["name"] for each in task["searchParam"]}
    assert by_type["MedicationRequest"]["searchInclude"] == ["MedicationRequest:medication"]
    CapabilityStatement.model_validate(statement)


def test_every_parameter_of_metadata_works(ehr):
    values = {"token": "x", "reference": "Patient/x", "date": "2026"}
    for resource in ehr.http.get("metadata").json()["rest"][0]["resource"]:
        for parameter in resource["searchParam"]:
            assert ehr.ids(f"{resource['type']}?{parameter['name']}={values[parameter['type']]}") == []


def test_a_batch_answers_each_entry_by_itself_in_order(ehr):
    ehr.store.load([an_order("a"), an_order("b", "p2")])
    entries = batch(
        ehr,
        asking("GET", "MedicationRequest?patient=p1"),
        asking("GET", "Task/unknown"),
        asking("POST", "Task", a_task(), ifNoneExist="identifier=urn:test:item|k1"),
        asking("POST", "Task", a_task(), ifNoneExist="identifier=urn:test:item|k1"),
        asking("PUT", "Task/mine", a_task("k2", id="mine")),
        asking("PUT", "Task/mine", a_task("k2", id="mine", status="ready"), ifMatch='W/"7"'),
        asking("GET", "MedicationRequest?flavour=sweet"),
        asking("POST", "Task", a_task(status="banana")),
        asking("DELETE", "Task/mine"),
    )
    assert statuses(entries) == [
        "200 OK", "404 Not Found", "201 Created", "200 OK", "201 Created", "412 Precondition Failed", "400 Bad Request",
        "422 Unprocessable Entity", "200 OK",
    ]  # fmt: skip
    assert match_ids(entries[0]["resource"]) == ["a"]
    assert entries[0]["resource"]["link"][0]["url"] == f"{ehr.base}/MedicationRequest?patient=p1"
    assert entries[1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    created = entries[2]["response"]
    assert (created["location"], created["etag"]) == ("Task/1/_history/1", 'W/"1"')
    assert created["lastModified"] == "2026-03-01T09:00:00.000Z"
    assert entries[3]["resource"] == entries[2]["resource"]


def test_a_batch_entry_may_have_the_whole_url_and_the_batch_its_preferences(ehr):
    ehr.store.load([an_order("a")])
    url = f"{ehr.base}/MedicationRequest?flavour=sweet"
    assert statuses(batch(ehr, asking("GET", url))) == ["400 Bad Request"]
    (entry,) = batch(ehr, asking("GET", url), Prefer="handling=lenient")
    assert match_ids(entry["resource"]) == ["a"]
    (written,) = batch(ehr, asking("POST", "Task", a_task()), Prefer="return=minimal")
    assert "resource" not in written


@pytest.mark.parametrize(
    "entry", [7, {}, {"request": {"method": "GET"}}, asking("POST", "", {"resourceType": "Bundle"})]
)
def test_a_batch_entry_that_is_no_request_is_400_by_itself(ehr, entry):
    assert statuses(batch(ehr, entry, asking("GET", "Task"))) == ["400 Bad Request", "200 OK"]


@pytest.mark.parametrize(
    ("bundle", "status"),
    [
        ({"resourceType": "Bundle", "type": "transaction", "entry": []}, 400),
        ({"resourceType": "Task"}, 400),
        ({"resourceType": "Bundle", "type": "batch", "entry": {}}, 400),
        ({"resourceType": "Bundle", "type": "batch", "entry": [asking("GET", "Task")] * 501}, 413),
    ],
)
def test_what_is_no_batch_or_too_long_is_refused_whole(ehr, bundle, status):
    assert refusal(ehr.http.post("", json=bundle)) == status


def test_what_the_server_says_is_fhir_by_an_independent_model(ehr):
    drug = {"text": "diazepam"}
    ehr.store.load([an_order(f"o{number}", medicationCodeableConcept=drug) for number in range(3)])
    Bundle.model_validate(ehr.search("MedicationRequest?_count=2"))
    OperationOutcome.model_validate(ehr.http.get("Task/unknown").json())
    response = batch(ehr, asking("GET", "MedicationRequest?_count=1"), asking("POST", "Task", a_task()))
    Bundle.model_validate({"resourceType": "Bundle", "type": "batch-response", "entry": response})


def test_the_date_header_follows_the_clock(ehr):
    ehr.clock.pass_time(days=90)
    assert ehr.http.get("Task").headers["Date"] == "Sat, 30 May 2026 09:00:00 GMT"
    assert ehr.http.get("nowhere").headers["Date"] == "Sat, 30 May 2026 09:00:00 GMT"


def test_many_threads_write_and_search_without_losing_anything(ehr):
    def work(worker):
        with httpx2.Client(base_url=f"{ehr.base}/", trust_env=False) as http:
            for number in range(10):
                assert (
                    http.post("Task", json=a_task(f"{worker}-{number}", patient=f"p{worker}")).status_code
                    == 201
                )
                assert http.get(f"Task?patient=p{worker}").json()["total"] == number + 1

    failures = []

    def guarded(worker):
        try:
            work(worker)
        except AssertionError as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    tasks = ehr.store.all("Task")
    assert len({task["id"] for task in tasks}) == len(tasks) == 80


def test_a_stopped_server_leaves_no_thread_and_no_open_socket():
    clock = TestClock()
    before = threading.active_count()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with httpx2.Client(trust_env=False) as http:
            with serve(create_app(Store(clock), clock)) as base:
                assert http.get(f"{base}/Task").status_code == 200
            with pytest.raises(httpx2.TransportError):
                http.get(f"{base}/Task")
    assert threading.active_count() == before
