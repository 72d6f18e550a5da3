"""Pages: fixed when the first is asked for, whatever is written in between."""

import pytest

from tests.sandbox.ground import an_order, links, match_ids, refusal, running_sandbox


def load(ehr, count):
    ehr.store.load(an_order(f"o{number:03}") for number in range(count))


def pages(ehr, query):
    """Give every page of a search, first to last; at most 100."""
    bundle = ehr.search(query)
    found = [bundle]
    while "next" in links(bundle) and len(found) < 100:
        bundle = ehr.search(links(bundle)["next"])
        found.append(bundle)
    return found


def test_the_pages_hold_every_row_once_in_order(ehr):
    load(ehr, 7)
    found = pages(ehr, "MedicationRequest?_count=3")
    assert [match_ids(page) for page in found] == [
        ["o000", "o001", "o002"],
        ["o003", "o004", "o005"],
        ["o006"],
    ]
    assert [page["total"] for page in found] == [7, 7, 7]
    assert [sorted(links(page)) for page in found] == [["next", "self"], ["next", "self"], ["self"]]


def test_a_next_link_is_absolute_and_tells_nothing_of_the_search(ehr):
    load(ehr, 2)
    url = links(ehr.search("MedicationRequest?patient=p1&_count=1"))["next"]
    assert url.startswith(f"{ehr.base}?_getpages=")
    assert "patient" not in url


def test_an_exactly_full_page_has_no_next(ehr):
    load(ehr, 3)
    assert "next" not in links(ehr.search("MedicationRequest?_count=3"))


def test_writes_between_pages_neither_add_nor_shift_rows(ehr):
    load(ehr, 6)
    first = ehr.search("MedicationRequest?_count=2")
    ehr.http.delete("MedicationRequest/o000")
    ehr.http.delete("MedicationRequest/o003")
    ehr.http.put("MedicationRequest/new", json=an_order("new"))
    ehr.http.put("MedicationRequest/o004", json=an_order("o004", status="stopped"))
    second = ehr.search(links(first)["next"])
    third = ehr.search(links(second)["next"])
    assert [match_ids(page) for page in (first, second, third)] == [
        ["o000", "o001"],
        ["o002"],
        ["o004", "o005"],
    ]
    assert third["entry"][0]["resource"]["status"] == "stopped"


def test_a_page_can_be_asked_for_again(ehr):
    load(ehr, 4)
    url = links(ehr.search("MedicationRequest?_count=2"))["next"]
    assert ehr.search(url) == ehr.search(url)


def test_the_server_has_a_default_and_a_largest_page():
    with running_sandbox(page_size=2, most_per_page=3) as ehr:
        load(ehr, 5)
        assert len(match_ids(ehr.search("MedicationRequest"))) == 2
        assert len(match_ids(ehr.search("MedicationRequest?_count=1000"))) == 3


@pytest.mark.parametrize("query", ["_count=0", "_summary=count"])
def test_only_the_total_can_be_asked_for(ehr, query):
    load(ehr, 5)
    bundle = ehr.search(f"MedicationRequest?{query}&_total=none")
    assert (bundle["total"], bundle.get("entry"), list(links(bundle))) == (5, None, ["self"])


def test_the_total_can_be_left_out(ehr):
    load(ehr, 5)
    assert "total" not in ehr.search("MedicationRequest?_total=none")
    assert ehr.search("MedicationRequest?_total=accurate&_count=2")["total"] == 5


def test_the_oldest_search_is_forgotten_and_its_page_is_410():
    with running_sandbox(kept_searches=2) as ehr:
        load(ehr, 2)
        urls = [links(ehr.search("MedicationRequest?_count=1"))["next"] for _ in range(3)]
        assert ehr.refusal(urls[0]) == 410
        assert [ehr.http.get(url).status_code for url in urls[1:]] == [200, 200]
        ehr.interactions.pages.forget()
        assert ehr.refusal(urls[2]) == 410


@pytest.mark.parametrize("query", ["_getpages=unknown", "_getpages=unknown&_getpagesoffset=1"])
def test_an_unknown_page_is_410(ehr, query):
    assert ehr.refusal(f"?{query}") == 410


@pytest.mark.parametrize("offset", ["", "x", "-1", "99", "9" * 5000])
def test_an_offset_outside_the_list_is_410(ehr, offset):
    load(ehr, 2)
    url = links(ehr.search("MedicationRequest?_count=1"))["next"]
    assert ehr.refusal(url.replace("_getpagesoffset=1", f"_getpagesoffset={offset}")) == 410


def test_the_base_without_a_page_is_400(ehr):
    assert ehr.refusal("") == 400
    assert refusal(ehr.http.get(ehr.base)) == 400


def test_includes_go_with_the_page_that_needs_them(ehr):
    for number in (1, 2):
        ehr.store.put({"resourceType": "Medication", "id": f"m{number}"})
        ehr.store.put(an_order(f"a{number}", medicationReference={"reference": f"Medication/m{number}"}))
    found = pages(ehr, "MedicationRequest?_count=1&_include=MedicationRequest:medication")
    assert [[row["resource"]["id"] for row in page["entry"]] for page in found] == [
        ["a1", "m1"],
        ["a2", "m2"],
    ]
