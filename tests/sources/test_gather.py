"""The records of patients: in few requests, whole, and honest about what could not be read."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.model.facts import Outcome, OutcomeKind
from service.sources.gather import OF_A_PATIENT
from tests.sources.ehrs import (
    DIAZEPAM,
    a_condition,
    a_fill,
    a_patient,
    a_population,
    a_task,
    an_order,
    states,
    swept,
    whys,
)

ALL = {"Patient", *OF_A_PATIENT}


def people(count):
    return [f"p{number}" for number in range(count)]


# -- what comes, and how many requests it takes ----------------------------------------------------


def test_a_record_holds_all_that_the_ehr_has_of_the_patient():
    mine = [
        a_patient("p1"),
        an_order("o1", requester={"reference": "PractitionerRole/r1"}),
        an_order("o2", medicationCodeableConcept=None, medicationReference={"reference": "Medication/m1"}),
        a_fill(),
        a_condition(),
        a_task("t1"),
        a_task("t2", key=None),
        {"resourceType": "Medication", "id": "m1", "code": DIAZEPAM},
        {"resourceType": "Practitioner", "id": "d1"},
        {"resourceType": "PractitionerRole", "id": "r1", "practitioner": {"reference": "Practitioner/d1"}},
    ]
    with swept([*mine, a_patient("q"), an_order("oq", "q")]) as source:
        (record,) = source.gather("p1")
    assert record.patient is not None
    assert [each.id for each in record.orders] == ["o1", "o2"]
    assert [each.id for each in record.fills] == ["f1"]
    assert [each.id for each in record.conditions] == ["c1"]
    assert [each.id for each in record.tasks] == ["t1"], "a Task of somebody else is none of ours"
    assert list(record.medications) == ["Medication/m1"]
    assert [each.id for each in record.practitioners] == ["d1"]
    assert [each.id for each in record.roles] == ["r1"]
    assert states(record) == dict.fromkeys(ALL | {"Medication"}, "complete")


def test_there_is_one_record_for_each_patient_asked_in_their_order():
    with swept(a_population(4)) as source:
        records = source.gather("p3", "nobody", "p0", "p3")
    assert [record.patient_id for record in records] == ["p3", "nobody", "p0"]
    assert whys(records[1]) == {"Patient": "not found"}
    assert whys(records[0]) == whys(records[2]) == {}


def test_a_deleted_patient_is_told_from_one_that_never_was():
    with swept(a_population(2)) as source:
        source.ehr.store.delete("Patient", "p1")
        record = source.gather("p0", "p1")[1]
    assert record.patient is None
    assert whys(record) == {"Patient": "deleted"}
    assert len(record.orders) == 1


def test_outcomes_of_the_ledger_come_with_their_patient():
    outcome = Outcome("rabc-1", "rabc-1", 1, OutcomeKind.CONTINUE, True, frozenset({"R02"}))
    with swept(a_population(2)) as source:
        records = source.sweep.gather(["p0", "p1"], {"p1": [outcome]}, frozenset())
    assert [record.outcomes for record in records] == [(), (outcome,)]


def test_twenty_five_patients_take_ten_requests():
    with swept(a_population(50)) as source:
        source.gather(*people(50))
        assert source.client.requests == 2 * len(ALL)
        assert all(request.startswith("POST") for request in source.requests()), "no id in a URL"


def test_an_id_with_signs_of_the_search_grammar_is_one_id():
    with swept([a_patient("p1"), an_order("o1")]) as source:
        (record,) = source.gather("p1,p2|x$")
    assert record.orders == ()
    assert record.reads["Patient"].failed


def test_pages_are_read_to_the_end():
    orders = [an_order(f"o{number:02}") for number in range(23)]
    with swept([a_patient("p1"), *orders], page_size=5) as source:
        (record,) = source.gather("p1")
    assert len(record.orders) == 23
    assert states(record)["MedicationRequest"] == "complete"


# -- one patient never fails the others ------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", ["forbidden", "server-error", "unavailable", "login-page", "reset", "suppressed"]
)
def test_one_patient_who_cannot_be_read_does_not_fail_the_neighbours(fault):
    with swept(a_population(6), attempts=1) as source:
        source.ehr.faults.add(fault, on="list MedicationRequest", where="p3")
        records = source.gather(*people(6))
    for record in records:
        expected = "failed" if record.patient_id == "p3" else "complete"
        assert states(record)["MedicationRequest"] == expected
        assert expected == "failed" or len(record.orders) == 1
        assert states(record)["Condition"] == "complete"


def test_where_lists_of_patients_are_refused_each_is_asked_for_and_that_is_remembered():
    with swept(a_population(6), settings={"patients_per_request": 3}) as source:
        source.ehr.faults.add("rejected", on="list Condition", where=",")
        records = source.gather(*people(6))
        assert all(whys(record) == {} for record in records)
        asked = [request for request in source.requests() if "Condition" in request]
        assert len(asked) == 2 + 3 + 3, "one list by POST and by GET, then everybody alone"


def test_an_ehr_that_is_down_fails_every_type_in_few_requests():
    with swept(a_population(25), attempts=2, breaker_failures=4) as source:
        source.ehr.faults.add("unavailable", on="any")
        records = source.gather(*people(25))
        assert all(set(states(record).values()) == {"failed"} for record in records)
        assert source.client.requests <= 12


def test_an_ehr_that_answers_nothing_but_500_is_not_asked_for_everybody():
    with swept(a_population(25), attempts=1) as source:
        source.ehr.faults.add("server-error", on="any")
        records = source.gather(*people(25))
        assert all(set(states(record).values()) == {"failed"} for record in records)
        assert source.client.requests <= len(ALL) * 4


@pytest.mark.failure("F22")
def test_an_ehr_that_refuses_the_credential_is_asked_once_for_each_type_in_a_run():
    with swept(a_population(6), settings={"patients_per_request": 3}) as source:
        source.ehr.faults.add("unauthorized", on="any")
        for record in source.gather(*people(6)):
            assert whys(record) == dict.fromkeys(ALL, "the EHR refused the credential")
            assert set(states(record).values()) == {"failed"}
        assert source.client.requests == len(ALL)


# -- unavailable or failed -------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["forbidden", "unknown-type"])
def test_a_type_that_nobody_may_read_is_unavailable_and_asked_for_once_a_run(fault):
    with swept(a_population(10), settings={"patients_per_request": 5}) as source:
        source.ehr.faults.add(fault, on="list MedicationDispense")
        records = source.gather(*people(10))
        assert {states(record)["MedicationDispense"] for record in records} == {"unavailable"}
        before = source.client.requests
        records = source.gather(*people(5))
        assert {states(record)["MedicationDispense"] for record in records} == {"unavailable"}
        assert source.client.requests - before == len(ALL) - 1
        source.ehr.faults.clear()
        source.discover()
        assert states(source.gather("p0")[0])["MedicationDispense"] == "complete", "a new run asks again"


@pytest.mark.failure("F22")
@pytest.mark.parametrize("fault", ["forbidden", "unknown-type"])
def test_a_type_that_once_was_complete_is_failed_never_unavailable(fault):
    with swept(a_population(3)) as source:
        source.ehr.faults.add(fault, on="list MedicationDispense")
        for record in source.gather(*people(3), once_complete={"MedicationDispense"}):
            assert states(record)["MedicationDispense"] == "failed"


@pytest.mark.parametrize("kind", ["Patient", "MedicationRequest", "Task"])
@pytest.mark.parametrize("fault", ["forbidden", "unknown-type"])
def test_patients_orders_and_tasks_are_never_unavailable(kind, fault):
    with swept(a_population(3)) as source:
        for on in ("list", "read"):
            source.ehr.faults.add(fault, on=f"{on} {kind}")
        for record in source.gather(*people(3)):
            assert states(record)[kind] == "failed"
            assert set(whys(record)) == {kind}


def test_a_403_about_a_single_patient_is_failed_even_when_nobody_else_is_asked():
    with swept(a_population(2)) as source:
        source.ehr.faults.add("forbidden", on="list Condition", where="p1")
        assert states(source.gather("p1")[0])["Condition"] == "failed"
        assert states(source.gather("p0")[0])["Condition"] == "complete"


def test_a_403_about_the_only_patient_asked_is_unavailable_where_the_type_is_refused_to_all():
    with swept(a_population(2)) as source:
        source.ehr.faults.add("forbidden", on="list Condition")
        assert states(source.gather("p1")[0])["Condition"] == "unavailable"


@pytest.mark.failure("F21")
@pytest.mark.parametrize(
    "fault",
    [
        "unavailable",
        "server-error",
        "login-page",
        "empty-body",
        "not-json",
        "outcome-in-200",
        "unauthorized",
        "rejected",
        "truncated-page",
        "no-link",
        "foreign-next",
        "looping-next",
        "endless-next",
        "outcome-row",
        "suppressed",
        "wrong-total",
        "page-expired",
    ],
)
def test_each_fault_of_a_type_makes_that_type_failed_and_no_other(fault):
    value = {"foreign-next": "http://127.0.0.1:9", "outcome-row": "4119", "wrong-total": 3}.get(fault)
    orders = [an_order(f"o{number}", f"p{number % 2}") for number in range(9)]
    with swept(
        [a_patient("p0"), a_patient("p1"), *orders], page_size=2, attempts=1, max_empty_pages=2, max_pages=9
    ) as source:
        on = "page MedicationRequest" if fault.startswith("page-") else "list MedicationRequest"
        source.ehr.faults.add(fault, on=on, value=value)
        records = source.gather("p0", "p1")
        assert source.ehr.faults.struck[fault] > 0
    for record in records:
        assert set(whys(record)) == {"MedicationRequest"}
        assert record.reads["MedicationRequest"].failed


def test_a_dropped_filter_fails_the_type_and_lets_no_row_of_another_patient_in():
    with swept(a_population(4)) as source:
        source.ehr.faults.add("dropped-filter", on="search Condition", value="patient")
        source.ehr.faults.add("dropped-filter", on="search MedicationRequest", value="patient")
        source.ehr.load([a_condition("c3", "p3")])
        records = source.gather("p0", "p1")
    for record in records:
        assert record.conditions == ()
        assert states(record)["MedicationRequest"] == states(record)["Condition"] == "failed"
        assert {order.subject.reference for order in record.orders} <= {record.reference}


# -- Medications and people ------------------------------------------------------------------------


def an_order_of(medication, number=1):
    return an_order(
        f"o{number}",
        medicationCodeableConcept=None,
        medicationReference={"reference": f"Medication/{medication}"},
    )


def test_a_medication_that_is_missing_is_known_to_be_missing():
    with swept([a_patient("p1"), an_order_of("gone")]) as source:
        (record,) = source.gather("p1")
    assert record.medications == {}
    assert states(record)["Medication"] == "complete"


@pytest.mark.parametrize("fault", ["unavailable", "login-page", "server-error"])
def test_a_medication_that_cannot_be_read_now_is_failed_for_who_needs_it(fault):
    drug = {"resourceType": "Medication", "id": "m1", "code": DIAZEPAM}
    with swept([a_patient("p1"), an_order_of("m1"), drug, *a_population(1)], attempts=1) as source:
        source.ehr.faults.add(fault, on="search Medication")
        needs, needs_not = source.gather("p1", "p0")
        assert states(needs)["Medication"] == "failed"
        assert "Medication" not in needs_not.reads
        source.ehr.faults.clear()
        assert whys(source.gather("p1")[0]) == {}, "a failure is not remembered"


@pytest.mark.parametrize("fault", ["forbidden", "unknown-type"])
def test_medications_that_nobody_may_read_are_unavailable(fault):
    drugs = [{"resourceType": "Medication", "id": f"m{n}", "code": DIAZEPAM} for n in (1, 2)]
    with swept([a_patient("p1"), an_order_of("m1"), an_order_of("m2", 2), *drugs]) as source:
        for on in ("search", "read"):
            source.ehr.faults.add(fault, on=f"{on} Medication")
        assert states(source.gather("p1")[0])["Medication"] == "unavailable"
        assert states(source.gather("p1", once_complete={"Medication"})[0])["Medication"] == "failed"


def test_where_lists_of_ids_are_refused_medications_are_read_one_by_one():
    drugs = [{"resourceType": "Medication", "id": f"m{n}", "code": DIAZEPAM} for n in (1, 2)]
    with swept([a_patient("p1"), an_order_of("m1"), an_order_of("m2", 2), *drugs]) as source:
        source.ehr.faults.add("rejected", on="search Medication")
        (record,) = source.gather("p1")
    assert sorted(record.medications) == ["Medication/m1", "Medication/m2"]


# -- the property ----------------------------------------------------------------------------------

FAULTS = (
    "server-error",
    "reset",
    "forbidden",
    "rejected",
    "login-page",
    "truncated-page",
    "page-expired",
    "suppressed",
    "no-link",
    "repeated-rows",
    "unlabelled",
    "foreign-next",
)


@pytest.mark.failure("F4", "I5")
@given(st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_complete_means_that_every_row_came_and_nothing_is_invented(data):
    orders = [an_order(f"o{number}", f"p{number % 4}") for number in range(14)]
    truth = {f"p{number}": {f"o{n}" for n in range(14) if n % 4 == number} for number in range(4)}
    with swept([*map(a_patient, truth), *orders], page_size=3, attempts=1) as source:
        for fault in data.draw(st.lists(st.sampled_from(FAULTS), max_size=4)):
            source.ehr.faults.add(
                fault,
                times=data.draw(st.integers(1, 3)),
                skip=data.draw(st.integers(0, 4)),
                on="list MedicationRequest",
                value="http://127.0.0.1:9",
            )
        records = source.gather(*truth)
    for record in records:
        found = {order.id for order in record.orders}
        assert found <= truth[record.patient_id]
        assert states(record)["MedicationRequest"] in ("complete", "failed")
        if states(record)["MedicationRequest"] == "complete":
            assert found == truth[record.patient_id]
