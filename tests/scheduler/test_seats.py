"""Who is at work on which source, by the database's clock, on each kind of database."""

import time
from itertools import count

import pytest

from service.seats import Seats, ask_seconds
from service.store import open_ledger


@pytest.fixture
def ledger(database_url):
    with open_ledger(database_url) as opened:
        yield opened


def workers(ledger, names, *sources, seconds=60.0):
    return {name: Seats(ledger, name, dict.fromkeys(sources, seconds)) for name in names}


def keep_all(who, sources, rounds, *, busy=False):
    """Everybody asks for everything so many times, in turn; gives who has what."""
    has = {}
    for _ in range(rounds):
        for name, seats in who.items():
            for source in sources:
                sitting = seats.keep(source, busy=busy)
                if sitting is not None:
                    assert sitting in who
                if sitting == name:
                    has[source] = name
    return has


def test_the_first_has_the_seat_and_keeps_it_while_the_second_is_told_who_has_it(ledger):
    who = workers(ledger, "ab", "main")
    assert who["a"].keep("main", busy=False) == "a"
    assert who["b"].keep("main", busy=False) == "a"
    assert who["a"].keep("main", busy=False) == "a"


def test_a_seat_that_was_left_is_free_at_once_and_is_not_taken_again_by_who_left(ledger):
    who = workers(ledger, "ab", "main", "other")
    keep_all({"a": who["a"]}, ["main", "other"], 1)
    who["a"].leave()
    assert who["a"].keep("main", busy=False) is None
    assert who["b"].keep("main", busy=False) == "b"
    assert who["b"].keep("other", busy=False) == "b"


@pytest.mark.failure("F35")
def test_a_worker_that_vanished_is_followed_when_its_time_is_over(ledger):
    who = workers(ledger, "ab", "main", seconds=0.3)
    assert who["a"].keep("main", busy=False) == "a"
    assert who["b"].keep("main", busy=False) == "a"
    time.sleep(0.31)
    assert who["b"].keep("main", busy=False) == "b"
    assert who["a"].keep("main", busy=False) == "b"


@pytest.mark.failure("F12")
@pytest.mark.parametrize(("names", "sources"), [("ab", 4), ("abc", 7), ("abc", 2), ("abcd", 12)])
def test_sources_spread_over_the_workers_and_then_stay_where_they_are(ledger, names, sources):
    listed = [f"s{n}" for n in range(sources)]
    who = workers(ledger, names, *listed)
    keep_all({"a": who["a"]}, listed, 1)  # the first one takes all
    keep_all(who, listed, 12)
    settled = keep_all(who, listed, 1)
    numbers = [list(settled.values()).count(name) for name in names]
    assert sum(numbers) == sources
    assert max(numbers) - min(numbers) <= 1
    assert keep_all(who, listed, 3) == settled


def test_a_seat_is_not_given_up_in_the_middle_of_a_cycle(ledger):
    who = workers(ledger, "ab", "main", "other", "third")
    listed = ["main", "other", "third"]
    keep_all({"a": who["a"]}, listed, 1)
    assert set(keep_all(who, listed, 5, busy=True).values()) == {"a"}
    assert set(keep_all(who, listed, 5).values()) == {"a", "b"}


def test_who_asked_and_vanished_is_forgotten(ledger):
    who = workers(ledger, "ab", "main", "other", seconds=0.4)
    keep_all({"a": who["a"]}, ["main", "other"], 1)
    who["b"].keep("main", busy=False)  # asks for one, and is never seen again
    deadline = time.monotonic() + 10
    for _ in count():
        has = {who["a"].keep(source, busy=False) for source in ("main", "other")}
        if has == {"a"}:
            break
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_next_worker_looks_often_enough_to_follow_within_the_promised_time():
    assert ask_seconds(120) <= 15  # a worker that was ended
    assert 120 + 2 * ask_seconds(120) <= 150  # one that vanished: its seat, then the lease of its cycle
    assert ask_seconds(6) < 6 / 3
