"""The worker in this process: first cycle at once, again and again, one at a time, and it stops when told."""

import threading

import pytest

from service.bootstrap import House, SystemClock
from service.config import Settings, SourceSettings
from service.scheduler import Worker
from tests.cli.command import people
from tests.ehr.faults import Rule
from tests.ehr.running import running_ehr

SECONDS = 30  # nothing here takes that long


@pytest.fixture(scope="module")
def ehr():
    with running_ehr(people(), clock=SystemClock().now) as ehr:
        yield ehr


@pytest.fixture
def house(tmp_path, ehr):
    ehr.faults.clear()
    with House(settings(tmp_path, ehr.base)) as house:
        yield house


def settings(folder, base, *names):
    return Settings(
        database={"url": f"sqlite:///{folder / 'ledger.db'}"},
        instance={"secret_file": folder / "secret"},
        source={name: source(name, base) for name in names or ("main",)},
    )


def source(name, base, poll=0.2):
    return SourceSettings(
        id=name, base_url=base, rate_per_second=1000, poll_seconds=poll, deadline_seconds=1, lease_seconds=5
    )


def eventually(what):
    """Whether it becomes true."""
    waiting = threading.Event()
    for _ in range(SECONDS * 20):
        if what():
            return True
        waiting.wait(0.05)
    return False


def completed(house, name="main"):
    with house.ledger.read() as tx:
        return tx.source_state(name).last_complete_at or tx.source_state(name).last_full_sweep_at


def test_the_first_cycle_comes_at_once_and_more_follow(house):
    with Worker(house) as worker:
        assert eventually(lambda: completed(house))
        first = completed(house)
        with house.ledger.write(None) as tx:
            tx.mark_due("main", ["hapi-periodic-overdue"], "test")
        assert eventually(lambda: _gathered(house) > first)
        house.clock.stop()
        assert worker.drained()
    assert house.ledger.lease("main") is None


def _gathered(house):
    with house.ledger.read() as tx:
        return tx.patient("main", "hapi-periodic-overdue").gathered_at


def test_a_held_lease_means_standing_by_until_it_is_free(house, ehr):
    lease = house.ledger.acquire("main", "another worker", 60)
    asked = len(ehr.interactions.exchanges)
    with Worker(house):
        threading.Event().wait(0.6)
        assert len(ehr.interactions.exchanges) == asked
        house.ledger.release(lease)
        assert eventually(lambda: completed(house))


def test_a_cycle_that_had_to_stand_by_does_not_wait_for_the_next_poll(tmp_path, ehr):
    rare = settings(tmp_path, ehr.base)
    rare = rare.model_copy(update={"source": {"main": source("main", ehr.base, poll=3600)}})
    with House(rare) as house:
        lease = house.ledger.acquire("main", "another worker", 60)
        with Worker(house):
            threading.Event().wait(0.6)
            assert completed(house) is None
            house.ledger.release(lease)
            assert eventually(lambda: completed(house))


def test_each_source_has_its_own_turn(tmp_path, ehr):
    with House(settings(tmp_path, ehr.base, "east", "west")) as house, Worker(house):
        assert eventually(lambda: completed(house, "east") and completed(house, "west"))


def test_a_failing_ehr_is_tried_again(house, ehr):
    ehr.faults.put(Rule("forbidden", on="any"))
    asked = len(ehr.interactions.exchanges)
    with Worker(house):
        assert eventually(lambda: len(ehr.interactions.exchanges) > asked)
        assert completed(house) is None
        ehr.faults.clear()
        assert eventually(lambda: completed(house))


@pytest.mark.failure("F34")
def test_stopping_ends_a_cycle_between_its_steps_and_gives_the_lease_back(house, ehr):
    ehr.faults.put(Rule("slow", on="search", value=0.3))
    with Worker(house) as worker:
        assert eventually(lambda: house.ledger.lease("main") is not None)
        house.clock.stop()
        assert worker.drained()
    assert house.ledger.lease("main") is None
    assert completed(house) is None
