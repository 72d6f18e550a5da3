"""What a real HAPI FHIR server answers where our client counts on it.

A failure after a new HAPI version says which of our client's assumptions no longer holds.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.hapi.loading import Resource, empty, load
from tests.hapi.validation import validate

FRESH = {"Cache-Control": "no-cache"}
ITEMS = "urn:reviewdue:item"


@pytest.fixture
def ehr(hapi: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=hapi, timeout=60, trust_env=False) as client:
        yield client


def a_patient(name: str, **more: Any) -> Resource:
    return {"resourceType": "Patient", "id": name, **more}


def patients(count: int, *, system: str) -> list[Resource]:
    return [a_patient(f"p{n}", identifier=[{"system": system, "value": str(n)}]) for n in range(count)]


def an_order(name: str, *, patient: str, **more: Any) -> Resource:
    drug = (
        {}
        if "medicationReference" in more
        else {"medicationCodeableConcept": {"text": "diazepam 5 mg tablet"}}
    )
    required = {"status": "active", "intent": "order", "subject": {"reference": f"Patient/{patient}"}}
    return {"resourceType": "MedicationRequest", "id": name, **required, **drug, **more}


def a_task(key: str, **more: Any) -> Resource:
    """A Task as small as our own may be; `None` takes an element away."""
    task = {
        "resourceType": "Task",
        "identifier": [{"system": ITEMS, "value": key}],
        "status": "requested",
        "intent": "proposal",
        "priority": "routine",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "182836005"}], "text": "Review"},
        "authoredOn": "2026-03-02T08:00:00Z",
        "lastModified": "2026-03-02T08:00:00Z",
        "reasonCode": {"coding": [{"system": "urn:reviewdue:rule", "code": "R02"}], "text": "too long"},
        **more,
    }
    return {name: value for name, value in task.items() if value is not None}


def unless_there(key: str) -> dict[str, str]:
    return {"If-None-Exist": f"identifier={ITEMS}|{key}"}


def found(answer: httpx2.Response) -> list[str]:
    """The ids of the rows that match, in the order given."""
    assert answer.status_code == 200, answer.text
    entries = answer.json().get("entry", [])
    return [one["resource"]["id"] for one in entries if one["search"]["mode"] == "match"]


def next_link(answer: httpx2.Response) -> str | None:
    return next((link["url"] for link in answer.json()["link"] if link["relation"] == "next"), None)


# Searching


def test_an_equal_search_gets_the_old_answer_unless_it_asks_for_no_cache(ehr, hapi_prefix):
    search = {"identifier": f"{ITEMS}|{hapi_prefix}k"}
    assert found(ehr.get("Task", params=search)) == []
    assert ehr.post("Task", json=a_task(f"{hapi_prefix}k")).status_code == 201

    again = ehr.get("Task", params=search)
    fresh = ehr.get("Task", params=search, headers=FRESH)

    assert (found(again), again.headers["X-Cache"].split()[0]) == ([], "HIT")
    assert len(found(fresh)) == 1


def test_an_unknown_parameter_is_refused(ehr):
    answer = ehr.get("MedicationRequest", params={"colour": "blue"}, headers={"Prefer": "handling=lenient"})
    assert (answer.status_code, answer.json()["resourceType"]) == (400, "OperationOutcome")


def test_a_list_of_patients_is_searched_at_once_in_both_forms_of_reference(ehr, hapi, hapi_prefix):
    a, b, c = (hapi_prefix + name for name in "abc")
    load(hapi, [a_patient(name) for name in (a, b, c)])
    load(hapi, [an_order(f"{name}-order", patient=name) for name in (a, b, c)])

    for wanted in (f"{a},{b}", f"Patient/{a},Patient/{b}"):
        assert sorted(found(ehr.get("MedicationRequest", params={"patient": wanted}))) == [
            f"{a}-order",
            f"{b}-order",
        ]


def test_the_medications_of_orders_come_with_them(ehr, hapi, hapi_prefix):
    drug = {"resourceType": "Medication", "id": "m", "code": {"text": "diazepam 5 mg tablet"}}
    order = an_order("o", patient="p", medicationReference={"reference": "Medication/m"})
    load(hapi, [order, drug, a_patient("p")], prefix=hapi_prefix)

    query = {"patient": f"{hapi_prefix}p", "_include": "MedicationRequest:medication"}
    modes = {
        entry["resource"]["resourceType"]: entry["search"]["mode"]
        for entry in ehr.get("MedicationRequest", params=query).json()["entry"]
    }

    assert modes == {"MedicationRequest": "match", "Medication": "include"}


def test_what_changed_since_a_time_of_the_server_is_found(ehr, hapi, hapi_prefix):
    load(hapi, [a_patient(name) for name in "ab"], prefix=hapi_prefix)
    first = ehr.get(f"Patient/{hapi_prefix}a").json()["meta"]["lastUpdated"]
    later = ehr.put(f"Patient/{hapi_prefix}b", json=a_patient(f"{hapi_prefix}b", active=True))
    since = later.json()["meta"]["lastUpdated"]

    both = {f"{hapi_prefix}a", f"{hapi_prefix}b"}
    assert both <= set(found(ehr.get("Patient", params={"_lastUpdated": f"ge{first}"})))
    assert found(ehr.get("Patient", params={"_lastUpdated": f"ge{since}"})) == [f"{hapi_prefix}b"]


def test_a_batch_of_searches_gives_a_bundle_for_each(ehr, hapi, hapi_prefix):
    load(hapi, [a_patient("p"), an_order("o", patient="p")], prefix=hapi_prefix)
    urls = [f"MedicationRequest?patient={hapi_prefix}p", f"Patient?_id={hapi_prefix}p", "Patient?colour=blue"]
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]

    answer = ehr.post("", json={"resourceType": "Bundle", "type": "batch", "entry": entries})

    orders, people, refused = answer.json()["entry"]
    assert answer.status_code == 200
    assert [entry["resource"]["id"] for entry in orders["resource"]["entry"]] == [f"{hapi_prefix}o"]
    assert [entry["resource"]["id"] for entry in people["resource"]["entry"]] == [f"{hapi_prefix}p"]
    assert refused["response"]["status"].startswith("400")


# Paging


def test_a_page_has_at_most_200_rows_and_next_leads_to_the_rest(ehr, hapi, hapi_prefix):
    load(hapi, patients(203, system=f"urn:{hapi_prefix}"), prefix=hapi_prefix)

    first = ehr.get("Patient", params={"identifier": f"urn:{hapi_prefix}|", "_count": 1000})
    second = ehr.get(next_link(first))

    assert (len(found(first)), len(found(second)), next_link(second)) == (200, 3, None)
    assert len({*found(first), *found(second)}) == 203


def test_the_total_may_be_absent_until_it_is_asked_for(ehr, hapi, hapi_prefix):
    load(hapi, patients(30, system=f"urn:{hapi_prefix}"), prefix=hapi_prefix)
    search = {"identifier": f"urn:{hapi_prefix}|"}

    assert "total" not in ehr.get("Patient", params={**search, "_count": 5}).json()
    assert ehr.get("Patient", params={**search, "_summary": "count"}).json()["total"] == 30


def test_the_list_is_fixed_at_the_first_page(ehr, hapi, hapi_prefix):
    everyone = patients(6, system=f"urn:{hapi_prefix}")
    load(hapi, everyone[:5], prefix=hapi_prefix)
    first = ehr.get("Patient", params={"identifier": f"urn:{hapi_prefix}|", "_count": 3})
    load(hapi, everyone[5:], prefix=hapi_prefix)

    assert len(found(ehr.get(next_link(first)))) == 2


def test_a_page_of_a_search_that_the_server_has_forgotten_is_gone(ehr, hapi, hapi_prefix):
    load(hapi, patients(5, system=f"urn:{hapi_prefix}"), prefix=hapi_prefix)
    first = ehr.get("Patient", params={"identifier": f"urn:{hapi_prefix}|", "_count": 3})
    empty(hapi)

    assert ehr.get(next_link(first)).status_code == 410


# Creating


def test_a_conditional_create_stores_once_and_then_answers_with_what_is_there(ehr, hapi_prefix):
    key = f"{hapi_prefix}k"

    first = ehr.post("Task", json=a_task(key), headers=unless_there(key))
    again = ehr.post("Task", json=a_task(key, priority="urgent"), headers=unless_there(key))

    assert (first.status_code, again.status_code) == (201, 200)
    assert (again.json()["id"], again.json()["priority"]) == (first.json()["id"], "routine")


def test_a_conditional_create_is_refused_when_several_match(ehr, hapi_prefix):
    key = f"{hapi_prefix}k"
    for _ in range(2):
        assert ehr.post("Task", json=a_task(key)).status_code == 201

    assert ehr.post("Task", json=a_task(key), headers=unless_there(key)).status_code == 412


@pytest.mark.failure("F8")
def test_of_eight_conditional_creates_at_once_one_is_stored(hapi, ehr, hapi_prefix):
    key = f"{hapi_prefix}k"

    def create(_: int) -> list[int]:
        """The statuses until the server says that the Task is there; a conflict means: ask again."""
        statuses = []
        for _attempt in range(20):
            answer = httpx2.post(
                f"{hapi}/Task", json=a_task(key), headers=unless_there(key), timeout=60, trust_env=False
            )
            statuses.append(answer.status_code)
            if answer.status_code != 409:
                break
        return statuses

    with ThreadPoolExecutor(8) as pool:
        last = [statuses[-1] for statuses in pool.map(create, range(8))]

    assert sorted(last) == [200] * 7 + [201]
    assert len(found(ehr.get("Task", params={"identifier": f"{ITEMS}|{key}"}, headers=FRESH))) == 1


def test_a_client_may_choose_the_id_but_not_a_number(ehr, hapi_prefix):
    name = f"{hapi_prefix}k-1"

    assert ehr.put(f"Task/{name}", json=a_task(name, id=name)).status_code == 201
    assert ehr.put("Task/4711", json=a_task(name, id="4711")).status_code == 400


# Changing


def test_a_put_that_changes_nothing_keeps_the_version(ehr, hapi_prefix):
    name = f"{hapi_prefix}k-1"

    answers = [ehr.put(f"Task/{name}", json=a_task(name, id=name)) for _ in range(2)]
    changed = ehr.put(f"Task/{name}", json=a_task(name, id=name, priority="urgent"))

    assert [answer.headers["ETag"] for answer in [*answers, changed]] == ['W/"1"', 'W/"1"', 'W/"2"']


@pytest.mark.failure("F18")
def test_a_stale_version_is_a_conflict(ehr, hapi_prefix):
    name = f"{hapi_prefix}k-1"
    for priority in ("routine", "urgent"):
        ehr.put(f"Task/{name}", json=a_task(name, id=name, priority=priority))

    stale = ehr.put(
        f"Task/{name}", json=a_task(name, id=name, priority="asap"), headers={"If-Match": 'W/"1"'}
    )
    current = ehr.put(
        f"Task/{name}", json=a_task(name, id=name, priority="asap"), headers={"If-Match": 'W/"2"'}
    )

    assert (stale.status_code, current.status_code) == (409, 200)


def test_a_put_with_a_version_creates_what_is_not_there(ehr, hapi_prefix):
    name = f"{hapi_prefix}k-1"
    answer = ehr.put(f"Task/{name}", json=a_task(name, id=name), headers={"If-Match": 'W/"1"'})
    assert answer.status_code == 201


@pytest.mark.failure("F17")
def test_a_deleted_task_is_gone_and_a_put_with_its_last_version_is_a_conflict(ehr, hapi_prefix):
    name = f"{hapi_prefix}k-1"
    ehr.put(f"Task/{name}", json=a_task(name, id=name))
    assert ehr.delete(f"Task/{name}").status_code == 200

    assert ehr.get(f"Task/{name}").status_code == 410
    answer = ehr.put(f"Task/{name}", json=a_task(name, id=name), headers={"If-Match": 'W/"1"'})
    assert answer.status_code == 409


# Being valid


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        ({"intent": None}, "Task.intent"),
        ({"lastModified": "2026-03-01T08:00:00Z"}, "inv-1"),
        ({"authoredOn": "yesterday"}, "authoredOn"),
        ({"colour": "blue"}, "colour"),
        ({"description": ""}, "description"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_invalid_task_is_refused_and_the_validator_says_why(ehr, hapi, hapi_prefix, broken, where):
    name = f"{hapi_prefix}k-1"
    task = a_task(name, id=name, **broken)

    posted, put = ehr.post("Task", json=task), ehr.put(f"Task/{name}", json=task)

    assert (posted.status_code, put.status_code) == (422, 422)
    assert where in posted.text
    assert any(where in problem for problem in validate(hapi, task))
    assert found(ehr.get("Task", params={"identifier": f"{ITEMS}|{name}"})) == []


def test_a_valid_task_has_no_problems(hapi, hapi_prefix):
    assert validate(hapi, a_task(f"{hapi_prefix}k")) == []


def test_an_unknown_status_is_a_problem(hapi, hapi_prefix):
    assert any("banana" in problem for problem in validate(hapi, a_task(f"{hapi_prefix}k", status="banana")))


def test_the_validator_judges_what_a_transaction_stored_unjudged(ehr, hapi, hapi_prefix):
    load(hapi, [a_task("k", id="k-1", intent=None)], prefix=hapi_prefix)

    stored = ehr.get(f"Task/{hapi_prefix}k-1").json()

    assert any("Task.intent" in problem for problem in validate(hapi, stored))
