"""The store by itself: copies, going back, counting, and how its cost grows."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from service.sandbox import Store
from tests.sandbox.ground import TestClock, a_task, an_order, running_sandbox


def a_store():
    return Store(TestClock())


def test_what_was_given_and_what_is_given_back_can_be_changed_without_harm():
    store = a_store()
    given = a_task(id="a")
    store.put(given)
    given["status"] = "completed"
    store.get("Task", "a")["status"] = "completed"
    store.all("Task")[0]["status"] = "completed"
    assert store.get("Task", "a")["status"] == "requested"


def test_put_gives_the_version_and_a_free_id():
    store = a_store()
    store.put(a_task(id="1"))
    version = store.put(a_task())
    assert (version.reference, version.number, version.etag) == ("Task/2", 1, 'W/"1"')


@pytest.mark.parametrize("wrong", [{}, {"resourceType": 7}, {"resourceType": "Task", "id": 7}])
def test_a_resource_without_a_type_or_with_an_odd_id_is_refused(wrong):
    with pytest.raises(ValueError, match="resourceType"):
        a_store().put(wrong)


def test_last_updated_is_utc_whatever_the_clock_speaks():
    store = Store(lambda: datetime(2026, 3, 1, 1, 30, 0, 123_999, tzinfo=timezone(timedelta(hours=2))))
    assert store.put(a_task(id="a")).updated == datetime(2026, 2, 28, 23, 30, 0, 123_000, tzinfo=UTC)
    assert store.get("Task", "a")["meta"]["lastUpdated"] == "2026-02-28T23:30:00.123Z"


def test_a_bundle_can_be_loaded_and_types_be_listed():
    store = a_store()
    bundle = {"resourceType": "Bundle", "entry": [{"resource": an_order("a")}, {"resource": a_task()}, {}]}
    assert len(store.load_bundle(bundle)) == 2
    assert store.types() == ["MedicationRequest", "Task"]
    store.delete("MedicationRequest", "a")
    assert store.types() == ["Task"]


def test_true_and_one_are_different_contents():
    store = a_store()
    store.put({"resourceType": "Patient", "id": "a", "active": True})
    assert store.put({"resourceType": "Patient", "id": "a", "active": 1}).number == 2


def test_a_restored_store_has_forgotten_and_reuses_ids():
    with running_sandbox() as ehr:
        ehr.http.post("Task", json=a_task("before"))
        backup = ehr.store.snapshot()
        ehr.http.post("Task", json=a_task("after"))
        ehr.http.put("Task/1", json=a_task("before", id="1", status="completed"))
        ehr.http.delete("Task/1")
        ehr.store.restore(backup)
        assert ehr.store.get("Task", "1")["status"] == "requested"
        assert ehr.refusal("Task/2") == 404
        assert ehr.ids("Task?identifier=urn:test:item|after") == []
        assert ehr.ids("Task?identifier=urn:test:item|before&patient=p1") == ["1"]
        again = ehr.http.post("Task", json=a_task("other")).json()
        assert again["id"] == "2"
        assert len(ehr.store.journal) == 5


def test_the_journal_tells_each_write_and_the_counter_each_request():
    with running_sandbox() as ehr:
        ehr.store.load([an_order("a")])
        ehr.http.put("Task/t", json=a_task(id="t"))
        ehr.http.put("Task/t", json=a_task(id="t"))
        ehr.http.put("Task/t", json=a_task(id="t", status="ready"))
        ehr.http.delete("Task/t")
        ehr.http.put("Task/t", json=a_task(id="t"))
        ehr.http.get("Banana")
        told = [(write.action, write.type, write.version, write.identifiers) for write in ehr.store.journal]
        key = ("urn:test:item|k1",)
        assert told == [
            ("create", "Task", 1, key),
            ("update", "Task", 2, key),
            ("delete", "Task", 3, key),
            ("revive", "Task", 4, key),
        ]
        assert ehr.store.requests == {"PUT Task": 4, "DELETE Task": 1, "GET unknown": 1}


def test_searches_by_index_do_not_slow_down_with_the_population():
    def seconds_of_searches(population):
        with running_sandbox() as ehr:
            ehr.store.load(
                an_order(f"o{number}", f"p{number // 10}", identifier=[{"system": "s", "value": str(number)}])
                for number in range(population)
            )
            started = time.perf_counter()
            for number in range(40):
                assert len(ehr.ids(f"MedicationRequest?patient=p{number}")) == 10
                assert len(ehr.ids(f"MedicationRequest?identifier=s|{number}")) == 1
            return time.perf_counter() - started

    small, large = seconds_of_searches(500), seconds_of_searches(20_000)
    assert large < 8 * small, f"40 times the resources took {large / small:.0f} times as long"
