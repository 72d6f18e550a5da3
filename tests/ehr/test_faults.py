"""The hostile EHR does what it is told: each fault over real HTTP, and what was stored behind it."""

import time
from datetime import timedelta

import httpx2
import pytest

from tests.ehr.bundles import link
from tests.ehr.faults import DEFAULT_ON, FaultPlan, Rule, read_rates
from tests.ehr.hostile import Habits
from tests.ehr.running import ROOT, START, Ehr, ehr_process, running_ehr

KEY = "urn:test:item|k1"


def an_order(number, patient="p1", **elements):
    order = {"resourceType": "MedicationRequest", "id": f"o{number}", "status": "active", "intent": "order"}
    return order | {"subject": {"reference": f"Patient/{patient}"}} | elements


def a_task(key="k1", **elements):
    identifier = [{"system": "urn:test:item", "value": key}]
    return {
        "resourceType": "Task",
        "identifier": identifier,
        "status": "requested",
        "intent": "proposal",
    } | elements


ORDERS = [an_order(number) for number in range(6)]


@pytest.fixture
def ehr():
    with running_ehr(ORDERS, page_size=2) as running:
        yield running


@pytest.fixture
def http(ehr):
    with client(ehr) as http:
        yield http


def client(ehr: Ehr) -> httpx2.Client:
    return httpx2.Client(base_url=f"{ehr.base}/", trust_env=False, timeout=10)


def found_by_search(http, query=f"Task?identifier={KEY}"):
    return [row["resource"]["id"] for row in http.get(query).json().get("entry", [])]


def batch(http, *urls):
    entry = [{"request": {"method": "GET", "url": url}} for url in urls]
    answer = http.post("", json={"resourceType": "Bundle", "type": "batch", "entry": entry})
    return answer.json()["entry"]


def test_without_rules_it_is_honest(ehr, http):
    assert http.post("Task", json=a_task()).status_code == 201
    assert found_by_search(http) == ["1"]
    assert ehr.faults.struck == {}


@pytest.mark.parametrize("fault", ["lost-reply", "lost-reply-reset"])
def test_a_lost_reply_leaves_the_write_stored(ehr, http, fault):
    ehr.faults.add(fault, times=2, on="create Task")
    for key in ("k1", "k2"):
        with pytest.raises(httpx2.TransportError):
            http.post("Task", json=a_task(key))
    assert http.post("Task", json=a_task("k3")).status_code == 201
    assert ehr.creations() == {"urn:test:item|k1": 1, "urn:test:item|k2": 1, "urn:test:item|k3": 1}
    assert ehr.faults.struck == {fault: 2}


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("error-after-commit", 500),
        ("gateway-timeout-after-commit", 504),
        ("conflict-after-commit", 409),
        ("empty-reply", 200),
        ("login-page-after-commit", 200),
    ],
)
def test_a_spoiled_reply_leaves_the_write_stored(ehr, http, fault, status):
    ehr.faults.add(fault, times=1)
    assert http.post("Task", json=a_task()).status_code == status
    assert found_by_search(http) == ["1"]


def test_what_was_refused_has_no_reply_to_lose(ehr, http):
    ehr.faults.add("lost-reply")
    assert http.post("Task", json=a_task(status="banana")).status_code == 422
    assert ehr.faults.struck == {}


@pytest.mark.parametrize("fault", ["reset", "hang-up"])
def test_a_connection_lost_before_leaves_nothing_stored(ehr, http, fault):
    ehr.faults.add(fault, times=1)
    with pytest.raises(httpx2.TransportError):
        http.post("Task", json=a_task())
    assert ehr.all("Task") == []
    assert http.post("Task", json=a_task()).status_code == 201


@pytest.mark.parametrize(
    ("fault", "value", "status"),
    [
        ("unavailable", None, 503), ("throttled", None, 429), ("throttled-azure", 850, 429),
        ("unauthorized", None, 401),
        ("forbidden", None, 403), ("unknown-type", None, 404), ("not-allowed", None, 405), ("rejected", None, 400),
        ("unprocessable", None, 422), ("server-error", None, 500), ("bad-gateway", None, 502),
        ("login-page", None, 200),
        ("empty-body", None, 200), ("not-json", None, 200), ("other-json", None, 200), ("outcome-in-200", None, 200),
        ("redirect", None, 302), ("status", 418, 418),
    ],
)  # fmt: skip
def test_an_answer_instead_of_the_server_leaves_nothing_stored(ehr, http, fault, value, status):
    ehr.faults.add(fault, times=1, value=value)
    assert http.post("Task", json=a_task()).status_code == status
    assert ehr.all("Task") == []
    assert http.post("Task", json=a_task()).status_code == 201


@pytest.mark.parametrize("value", ["120", "Sun, 01 Mar 2026 09:02:00 GMT", "1772355720", "-5", "soon"])
@pytest.mark.parametrize("fault", ["unavailable", "throttled"])
def test_retry_after_comes_in_the_form_that_is_asked(ehr, http, fault, value):
    ehr.faults.add(fault, value=value)
    assert http.get("Task").headers["Retry-After"] == value


def test_a_login_page_is_html_with_200(ehr, http):
    ehr.faults.add("login-page", on="search")
    answer = http.get("Task")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"Sign in" in answer.content


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_dropped_filter_gives_more_rows_and_is_missing_from_self(ehr, http, method):
    ehr.edit("MedicationRequest/o1", status="stopped")
    ehr.faults.add("dropped-filter", value="status,_lastUpdated")
    asked = {"patient": "p1", "status": "stopped", "_lastUpdated": "ge2030-01-01"}
    if method == "GET":
        bundle = http.get("MedicationRequest", params=asked).json()
    else:
        bundle = http.post("MedicationRequest/_search", data=asked).json()
    assert bundle["total"] == 6
    assert link(bundle, "self") == f"{ehr.base}/MedicationRequest?patient=p1"


def test_a_filter_that_was_not_sent_is_not_dropped(ehr, http):
    ehr.faults.add("dropped-filter", value="status", times=1)
    http.get("MedicationRequest?patient=p1")
    assert ehr.faults.struck == {}


def spoiled(ehr, http, fault, query="MedicationRequest?patient=p1", **conditions):
    ehr.faults.add(fault, **conditions)
    bundle = http.get(query).json()
    assert ehr.faults.struck[fault] == 1
    return bundle


def test_a_truncated_page_looks_like_the_last_one(ehr, http):
    bundle = spoiled(ehr, http, "truncated-page")
    assert (len(bundle["entry"]), bundle["total"], link(bundle, "next")) == (1, 6, None)


def test_a_truncated_page_may_hide_its_total_too(ehr, http):
    bundle = spoiled(ehr, http, "truncated-page-without-total")
    assert (len(bundle["entry"]), bundle.get("total"), link(bundle, "next")) == (1, None, None)


def test_a_later_page_fails_by_the_type_of_its_search(ehr, http):
    ehr.faults.add("page-fails", on="page MedicationRequest", times=1, skip=1)
    first = http.get("MedicationRequest").json()
    second = http.get(link(first, "next"))
    third = http.get(link(second.json(), "next"))
    assert (second.status_code, third.status_code) == (200, 500)
    ehr.faults.add("page-expired")
    assert http.get(link(second.json(), "next")).status_code == 410


def test_next_leads_to_another_origin_when_told(ehr, http):
    bundle = spoiled(ehr, http, "foreign-next", value="http://127.0.0.1:9")
    assert link(bundle, "next").startswith("http://127.0.0.1:9/fhir?_getpages=")


def test_next_may_be_relative(ehr, http):
    assert link(spoiled(ehr, http, "relative-next"), "next").startswith("/fhir?_getpages=")


def test_next_may_lead_to_the_page_itself(ehr, http):
    bundle = spoiled(ehr, http, "looping-next", times=1)
    assert link(bundle, "next") == link(bundle, "self")


@pytest.mark.parametrize(("value", "rows"), [(None, 0), ("rows", 6)])
def test_next_may_never_end(ehr, http, value, rows):
    bundle = spoiled(ehr, http, "endless-next", "MedicationRequest?patient=p1&_count=50", value=value)
    urls = set()
    for _ in range(5):
        urls.add(link(bundle, "next"))
        bundle = http.get(link(bundle, "next")).json()
        assert len(bundle.get("entry", [])) == rows
    assert len(urls) == 5


def test_a_bundle_may_lack_its_links_or_total_or_labels(ehr, http):
    assert "link" not in spoiled(ehr, http, "no-link")
    ehr.faults.clear()
    assert "total" not in spoiled(ehr, http, "no-total")
    ehr.faults.clear()
    assert spoiled(ehr, http, "wrong-total", value=3)["total"] == 9
    ehr.faults.clear()
    assert all("search" not in row for row in spoiled(ehr, http, "unlabelled")["entry"])
    ehr.faults.clear()
    assert len(spoiled(ehr, http, "repeated-rows")["entry"]) == 4


@pytest.mark.parametrize(("fault", "rows", "code"), [("outcome-row", 3, "4119"), ("suppressed", 2, "59204")])
def test_an_outcome_may_lie_among_the_rows(ehr, http, fault, rows, code):
    bundle = spoiled(ehr, http, fault)
    assert len(bundle["entry"]) == rows
    outcome = bundle["entry"][-1]
    assert outcome["search"] == {"mode": "outcome"}
    assert outcome["resource"]["issue"][0]["details"]["coding"][0]["code"] == code


def test_no_resource_says_when_it_was_updated(ehr, http):
    ehr.faults.add("no-last-updated")
    rows = http.get("MedicationRequest").json()["entry"]
    assert all("meta" not in row["resource"] for row in rows)
    assert "meta" not in http.get("MedicationRequest/o1").json()
    assert ehr.all("MedicationRequest")[0]["meta"]["versionId"] == "1"


def test_a_created_resource_may_come_without_location(ehr, http):
    ehr.faults.add("no-location")
    answer = http.post("Task", json=a_task())
    assert (answer.status_code, answer.json()["id"]) == (201, "1")
    assert not {"location", "etag"} & set(answer.headers)


def test_half_an_answer_ends_early(ehr, http):
    ehr.faults.add("cut-reply", times=1)
    with pytest.raises(httpx2.RemoteProtocolError):
        http.get("MedicationRequest")
    assert http.get("MedicationRequest").status_code == 200


def test_a_slow_answer_comes_late_and_others_do_not_wait(ehr, http):
    ehr.faults.add("slow", value=0.4, where="o1")
    started = time.perf_counter()
    http.get("MedicationRequest/o2")
    quick = time.perf_counter() - started
    assert http.get("MedicationRequest/o1").status_code == 200
    assert time.perf_counter() - started - quick >= 0.4


def test_a_dripping_answer_outlasts_a_read_timeout(ehr, http):
    ehr.faults.add("drip", on="read")
    deadline = time.perf_counter() + 0.3
    with http.stream("GET", "MedicationRequest/o1") as answer:
        parts = []
        for part in answer.iter_raw():
            parts.append(part)
            if time.perf_counter() > deadline:
                break
    assert 1 < sum(map(len, parts)) < 30


def test_ignored_conditions_are_the_way_to_duplicates_and_lost_edits(ehr, http):
    ehr.faults.add("ignored-if-none-exist", times=1)
    condition = {"If-None-Exist": f"identifier={KEY}"}
    sent = [http.post("Task", json=a_task(), headers=condition).status_code for _ in range(3)]
    assert sent == [201, 200, 200]
    ehr.faults.add("ignored-if-none-exist", times=1)
    assert http.post("Task", json=a_task(), headers=condition).status_code == 201
    assert ehr.creations() == {KEY: 2}
    ehr.faults.add("ignored-if-match", times=1)
    ehr.edit("Task/1", status="accepted")
    stale = [
        http.put("Task/1", json=a_task(id="1"), headers={"If-Match": 'W/"1"'}).status_code for _ in range(2)
    ]
    assert stale == [200, 412]


def test_a_fault_may_strike_one_type_or_one_patient_only(ehr, http):
    ehr.faults.add("forbidden", on="any Observation")
    ehr.faults.add("forbidden", on="search", where="patient=p9")
    asked = ["Observation?patient=p1", "MedicationRequest?patient=p1", "MedicationRequest?patient=p9"]
    assert [http.get(query).status_code for query in asked] == [403, 200, 403]
    by_post = http.post("MedicationRequest/_search", data={"patient": "p9"})
    assert by_post.status_code == 403


def test_faults_strike_the_entries_of_a_batch_but_connections_stay(ehr, http):
    ehr.faults.add("forbidden", on="search Observation")
    ehr.faults.add("truncated-page", on="search MedicationRequest")
    ehr.faults.add("hang-up", on="search Condition")
    refused, cut, whole = batch(
        http, "Observation?patient=p1", "MedicationRequest?patient=p1", "Condition?patient=p1"
    )
    assert refused["response"]["status"] == "403 Forbidden"
    assert len(cut["resource"]["entry"]) == 1
    assert whole["response"]["status"] == "200 OK"


def test_a_batch_can_be_struck_whole(ehr, http):
    ehr.faults.add("unavailable", on="batch", times=1)
    assert http.post("", json={"resourceType": "Bundle", "type": "batch"}).status_code == 503


def test_what_is_written_is_found_by_search_only_after_the_index_lag():
    with running_ehr(ORDERS, habits=Habits(index_lag_seconds=10)) as ehr, client(ehr) as http:
        assert len(found_by_search(http, "MedicationRequest")) == 6
        http.post("Task", json=a_task())
        assert http.get("Task/1").status_code == 200
        assert found_by_search(http) == []
        ehr.clock.pass_time(seconds=10)
        assert found_by_search(http) == ["1"]
        ehr.edit("Task/1", status="accepted")
        assert found_by_search(http, "Task?status=requested") == ["1"]
        assert found_by_search(http, "Task?status=accepted") == []
        ehr.clock.pass_time(seconds=10)
        assert found_by_search(http, "Task?status=accepted") == ["1"]


@pytest.mark.parametrize(("lags", "second"), [(False, 200), (True, 201)])
def test_if_none_exist_sees_the_truth_or_lags_with_the_index(lags, second):
    with running_ehr(habits=Habits(index_lag_seconds=10, condition_lags=lags)) as ehr, client(ehr) as http:
        condition = {"If-None-Exist": f"identifier={KEY}"}
        sent = [http.post("Task", json=a_task(), headers=condition).status_code for _ in range(2)]
        assert sent == [201, second]


def test_an_equal_search_gets_the_old_answer_unless_it_says_no_cache():
    with running_ehr(habits=Habits(search_cache_seconds=60)) as ehr, client(ehr) as http:
        assert found_by_search(http) == []
        http.post("Task", json=a_task())
        assert http.get(f"Task?identifier={KEY}").headers["X-Cache"] == "HIT"
        assert found_by_search(http) == []
        fresh = http.get(f"Task?identifier={KEY}", headers={"Cache-Control": "no-cache"}).json()
        assert fresh["total"] == 1
        ehr.clock.pass_time(seconds=60)
        assert found_by_search(http) == ["1"]


def test_a_stale_version_is_409_where_the_server_says_so():
    with running_ehr(habits=Habits(stale_status=409)) as ehr, client(ehr) as http:
        http.post("Task", json=a_task())
        ehr.edit("Task/1", status="accepted")
        assert http.put("Task/1", json=a_task(id="1"), headers={"If-Match": 'W/"1"'}).status_code == 409


def test_tasks_vanish_as_after_a_restore(ehr, http):
    for key in ("k1", "k2"):
        http.post("Task", json=a_task(key))
    assert ehr.vanish(ids=["1"]) == 1
    assert [http.get(f"Task/{id_}").status_code for id_ in ("1", "2")] == [404, 200]
    assert ehr.vanish() == 1
    assert found_by_search(http, "Task") == []
    assert len(found_by_search(http, "MedicationRequest?_count=50")) == 6


def test_a_rate_strikes_the_same_requests_for_the_same_seed():
    def strokes(seed):
        plan = FaultPlan(seed)
        rule = plan.add("lost-reply", rate=0.3)
        return [plan.strikes(rule) for _ in range(300)]

    assert strokes(1) == strokes(1)
    assert strokes(1) != strokes(2)
    assert 60 < sum(strokes(1)) < 120


def test_two_rules_of_one_fault_strike_independently():
    plan = FaultPlan(1)
    first, second = plan.add("reset", rate=0.5), plan.add("reset", rate=0.5)
    assert [plan.strikes(first) for _ in range(50)] != [plan.strikes(second) for _ in range(50)]


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="no such fault: 'lost-replies'"):
        FaultPlan().add("lost-replies")
    assert read_rates("lost-reply=0.3,reset") == [Rule("lost-reply", rate=0.3), Rule("reset")]


def test_every_fault_is_named_in_the_readme():
    readme = (ROOT / "tests" / "ehr" / "README.md").read_text()
    assert [fault for fault in sorted(DEFAULT_ON) if f"`{fault}`" not in readme] == []


def test_what_was_asked_is_remembered_with_what_struck(ehr, http):
    ehr.faults.add("error-after-commit", times=1)
    http.post("Task", json=a_task())
    (exchange,) = ehr.interactions.exchanges
    assert (exchange.method, exchange.path, exchange.status) == ("POST", "Task", 201)
    assert (exchange.faults, exchange.identifiers) == (("error-after-commit",), (KEY,))


def test_a_process_of_its_own_is_driven_over_http():
    with ehr_process(seed=1, faults="lost-reply=1", index_lag=0.1, now=START + timedelta(days=365)) as ehr:
        assert ehr.load(ORDERS) == 6
        with httpx2.Client(base_url=f"{ehr.base}/", trust_env=False) as http:
            with pytest.raises(httpx2.TransportError):
                http.post("Task", json=a_task())
            (stored,) = ehr.all("Task")
            assert stored["identifier"][0]["value"] == "k1"
            assert stored["meta"]["lastUpdated"].startswith("2027-03-01T09:0")
            assert ehr.creations() == {KEY: 1}
            told = ehr.control(
                "faults", {"clear": True, "rules": [{"fault": "forbidden", "on": "read Task"}]}
            )
            assert (told["struck"], [rule["fault"] for rule in told["rules"]]) == (
                {"lost-reply": 1},
                ["forbidden"],
            )
            assert http.get("Task/1").status_code == 403
            ehr.control("faults", {"clear": True})

            saved = ehr.control("snapshot", {})
            accepted = ehr.control("put", stored | {"status": "accepted"})
            assert accepted["meta"]["versionId"] == "2"
            (dumped,) = ehr.control("dump/Task")["resources"]
            assert [version["resource"]["status"] for version in dumped["versions"]] == [
                "requested",
                "accepted",
            ]
            assert ehr.control("delete", {"reference": "Task/1"}) == {"deleted": True}
            ehr.control("restore", saved)
            assert http.get("Task/1").json()["status"] == "requested"
            assert ehr.control("vanish", {"type": "Task"}) == {"vanished": 1}

            ehr.control("clock", {"now": "2027-01-01T00:00:00+00:00", "advance_seconds": 3600})
            assert http.get("Task").headers["Date"].startswith("Fri, 01 Jan 2027 01:0")
            assert ehr.control("habits", {"stale_status": 409})["index_lag_seconds"] == 0.1
            counts = ehr.control("counts")
            assert counts["requests"]["POST Task"] == 1
            assert counts["attempts"] == {KEY: 1}
        process = ehr.process
    assert process.returncode == 0
