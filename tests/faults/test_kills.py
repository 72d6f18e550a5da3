"""Killed, stopped or without its database at any moment, nothing is lost and nothing doubled.

Samples here; the long runs with FAULTS=long, where KILLS, REPLIES, ROUNDS and RESTARTS say how many.
"""

import os
import sys

import pytest

from tests.faults.ambiguous import settle
from tests.faults.kills import kill_cycles
from tests.faults.restarts import restart_under_load
from tests.faults.stops import stop_and_go

LONG = os.environ.get("FAULTS") == "long"


def number(name: str, sample: int, long: int) -> int:
    return int(os.environ.get(name, long)) if LONG else sample


KILLS = number("KILLS", 3, 500)  # for each kind of database
REPLIES = number("REPLIES", 10, 10_000)  # for each kind of database
ROUNDS = number("ROUNDS", 5, 200)
RESTARTS = number("RESTARTS", 3, 20)

pytestmark = pytest.mark.faults


@pytest.fixture
def say(capsys):
    def speak(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(text)

    return speak


@pytest.mark.failure("F2", "F7", "F9")
def test_killed_cycles_lose_nothing_and_double_nothing(tmp_path, database_url, say):
    tally = kill_cycles(KILLS, seed=20, folder=tmp_path, database=database_url)
    say(tally.told(f"kills ({database_url.partition(':')[0]})"))
    assert (tally.lost, tally.duplicated) == (0, 0)
    assert tally.hit["between claim and recorded reply"] >= 0.6 * KILLS


@pytest.mark.failure("F8")
def test_ambiguous_replies_lose_nothing_and_double_nothing(tmp_path, database_url, say):
    tally = settle(REPLIES, seed=23, folder=tmp_path, database=database_url)
    say(tally.told(f"ambiguous replies ({database_url.partition(':')[0]})"))
    assert (tally.lost, tally.duplicated) == (0, 0)
    assert tally.ambiguous >= REPLIES


@pytest.mark.failure("F11", "F35")
def test_workers_that_stand_still_and_wake_up_lose_nothing_and_double_nothing(tmp_path, postgres, say):
    with postgres.database() as database:
        tally = stop_and_go(ROUNDS, seed=21, folder=tmp_path, database=database)
    say(tally.told("stops of a worker of three (postgresql)"))
    assert (tally.lost, tally.duplicated, tally.tracebacks) == (0, 0, [])


@pytest.mark.failure("F25")
def test_a_database_that_restarts_under_load_loses_nothing_and_doubles_nothing(tmp_path, say):
    tally = restart_under_load(RESTARTS, seed=22, folder=tmp_path)
    say(tally.told("restarts of the database (postgresql)"))
    assert (tally.lost, tally.duplicated, tally.tracebacks) == (0, 0, [])
