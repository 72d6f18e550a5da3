"""One worker per source, and a fence that only grows."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.ports import Lease, LeaseLostError
from service.store import SqlLedger
from tests.store.builders import NOW, a_patient

fresh = itertools.count()
OVER = 0.0  # seconds: a lease that has run out as soon as it is given


def test_the_first_holder_gets_the_lease_and_a_second_waits(ledger: SqlLedger):
    first = ledger.acquire("main", "one", 60)
    assert first is not None
    assert first.fence == 1
    assert ledger.acquire("main", "two", 60) is None
    assert ledger.lease("main") == first


def test_sources_have_leases_of_their_own(ledger: SqlLedger):
    assert ledger.acquire("main", "one", 60) is not None
    assert ledger.acquire("other", "two", 60) is not None


def test_the_same_holder_renews_with_the_same_fence(ledger: SqlLedger):
    first = ledger.acquire("main", "one", 60)
    again = ledger.acquire("main", "one", 120)
    assert first is not None
    assert again is not None
    assert again.fence == first.fence
    assert again.until > first.until


def test_a_lease_that_ran_out_is_taken_with_a_higher_fence(ledger: SqlLedger):
    old = ledger.acquire("main", "one", 0.05)
    time.sleep(0.06)
    new = ledger.acquire("main", "two", 60)
    assert old is not None
    assert new is not None
    assert new.fence == old.fence + 1
    with pytest.raises(LeaseLostError), ledger.write(old):
        pytest.fail("the old holder must not get in")
    with pytest.raises(LeaseLostError):
        ledger.renew(old, 60)
    assert ledger.lease("main") == new


def test_a_lease_that_ran_out_but_was_not_taken_still_writes_and_renews(ledger: SqlLedger):
    held = ledger.acquire("main", "one", OVER)
    assert held is not None
    assert ledger.lease("main") is None
    with ledger.write(held) as tx:
        tx.save_patient(a_patient())
    renewed = ledger.renew(held, 60)
    assert renewed.fence == held.fence
    assert ledger.lease("main") == renewed


def test_a_lease_given_back_is_free_at_once_and_writes_no_more(ledger: SqlLedger):
    held = ledger.acquire("main", "one", 60)
    assert held is not None
    ledger.release(held)
    with pytest.raises(LeaseLostError), ledger.write(held):
        pytest.fail("a lease given back must not write")
    following = ledger.acquire("main", "two", 60)
    assert following is not None
    assert following.fence == held.fence + 1
    ledger.release(held)  # too late: it is another's now
    assert ledger.lease("main") == following


def test_a_lost_lease_writes_nothing(ledger: SqlLedger):
    lost = Lease("main", "one", 7, NOW)
    with pytest.raises(LeaseLostError), ledger.write(lost) as tx:
        tx.save_patient(a_patient())
    assert ledger.empty()


@pytest.mark.failure("F12")
def test_of_many_who_ask_at_once_one_gets_the_lease(ledger: SqlLedger):
    together = threading.Barrier(8)

    def ask(number: int) -> Lease | None:
        together.wait()
        return ledger.acquire("main", f"worker {number}", 60)

    with ThreadPoolExecutor(8) as pool:
        leases = [lease for lease in pool.map(ask, range(8)) if lease is not None]
    assert [lease.fence for lease in leases] == [1]
    assert ledger.lease("main") == leases[0]


@pytest.mark.failure("F11")
def test_nobody_takes_the_lease_while_its_holder_writes(ledger: SqlLedger):
    held = ledger.acquire("main", "one", OVER)
    assert held is not None
    order: list[str] = []
    asking = threading.Event()

    def take() -> None:
        asking.set()
        assert ledger.acquire("main", "two", 60) is not None
        order.append("taken")

    thread = threading.Thread(target=take)
    with ledger.write(held) as tx:
        thread.start()
        asking.wait(5)
        time.sleep(0.05)  # long enough for a takeover that did not wait
        tx.save_patient(a_patient())
        order.append("written")
    thread.join(10)
    assert order == ["written", "taken"]


steps = st.lists(
    st.tuples(
        st.sampled_from(["acquire", "renew", "release", "write"]),
        st.sampled_from(["one", "two", "three"]),
        st.sampled_from([OVER, 60.0]),
    ),
    max_size=12,
)


@pytest.mark.failure("F11")
@settings(max_examples=40, deadline=None)
@given(steps)
def test_only_the_latest_holder_ever_writes_and_fences_grow(shared_ledger: SqlLedger, steps):
    source = f"source {next(fresh)}"
    held: dict[str, Lease] = {}
    owner: str | None = None  # whose fence is in the ledger
    runs = False  # whether it has time left
    fences = [0]
    for step, name, seconds in steps:
        if step == "acquire":
            lease = shared_ledger.acquire(source, name, seconds)
            assert (lease is None) == (runs and owner not in (None, name))
            if lease is not None:
                assert lease.fence == fences[-1] + (0 if owner == name else 1)
                fences.append(lease.fence)
                held[name], owner, runs = lease, name, seconds > 0
        elif name in held and step == "renew":
            if owner == name:
                held[name], runs = shared_ledger.renew(held[name], seconds), seconds > 0
            else:
                with pytest.raises(LeaseLostError):
                    shared_ledger.renew(held[name], seconds)
        elif name in held and step == "release":
            shared_ledger.release(held[name])
            if owner == name:
                owner, runs = None, False
        elif name in held:
            try:
                with shared_ledger.write(held[name]):
                    assert owner == name
            except LeaseLostError:
                assert owner != name
