"""The population that speed is measured on: the same every time, nested, readable, and worth assessing."""

from collections import Counter
from datetime import date, timedelta

from bench.population import BASE_DAY, EVERY, is_in_cohort, patient_id, population, write_population
from service.assess import assess
from service.knowledge import knowledge, load_policy
from service.record.group import group
from service.record.read import Unreadable, read
from service.sources.files import FilesSource

COHORT = [n for n in range(100 * EVERY) if is_in_cohort(n)]


def readings(people):
    return [read(line, f"line:{n}") for n, (_, line) in enumerate(population(people), 1)]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    assert list(population(range(30))) == list(population(range(30)))
    assert list(population(range(30))) != list(population(range(30), seed=8))


def test_a_person_is_the_same_in_a_small_and_in_a_large_population():
    def of(person, people):
        name = patient_id(person).encode()
        return [line for _, line in population(people) if name in line]

    assert of(12, range(20)) == of(12, range(400, 0, -1)) != []


def test_every_resource_can_be_read_and_has_an_id_of_its_own():
    found = readings(range(60))
    assert [reading.reference for reading in found if isinstance(reading.body, Unreadable)] == []
    assert Counter(reading.reference for reading in found).most_common(1)[0][1] == 1


def test_every_date_is_on_or_before_the_base_day():
    day = BASE_DAY - timedelta(days=400)
    after = (day + timedelta(days=1)).isoformat()
    lines = (line for _, line in population(COHORT[:20], base_day=day))
    dates = {
        part[:10]
        for line in lines
        for part in line.decode().split('"')
        if part[:2] == "20" and part[4:5] == "-"
    }
    assert max(found for found in dates if len(found) == len(after)) < after


def test_one_person_in_25_is_concerned_and_about_47_kb_long(tmp_path):
    written = write_population(tmp_path, 250)
    assert written.cohort == 10
    assert 40_000 < written.bytes / written.patients < 55_000
    found = {record.reference for record in FilesSource([tmp_path], knowledge()).records()}
    assert {f"Patient/{patient_id(n)}" for n in range(250) if is_in_cohort(n)} <= found


def test_the_cohort_gives_findings_of_many_kinds_but_not_for_everybody():
    policy = load_policy("us")
    records = group(readings(COHORT))
    found = [assess(record, policy, knowledge(), BASE_DAY).findings for record in records]
    assert len(found) == len(COHORT)
    assert 0.5 < sum(bool(each) for each in found) / len(found) < 0.95
    assert {"R00", "R01", "R02", "R04", "R05"} <= {finding.rule for each in found for finding in each}


def test_the_base_day_is_a_fixed_day():
    assert date(2026, 6, 1) == BASE_DAY
