"""Clinic days from a seed: nothing lost, nothing twice, nothing closed wrongly, nobody asked again."""

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count, cycle
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.simulation.plan import make_plan
from tests.simulation.server import KINDS
from tests.simulation.simulation import Outcome, Tally, run

LONG = os.environ.get("FAULTS") == "long"
YEARS = float(os.environ.get("CLINIC_YEARS", "6")) if LONG else 0.0  # at least
PEOPLE, DAYS = (40, 365) if LONG else (5, 8)  # of one run
FIRST_SEED = 1_000_000
BROKE_ONCE = Path(__file__).with_name("seeds.txt")

Run = tuple[str, int, int, int]  # kind, seed, people, days


@pytest.mark.failure("F3", "F5", "F16", "F18", "F19", "I1", "I2", "I3", "I4", "I6")
@pytest.mark.parametrize("kind", KINDS)
def test_clinic_days_hold_on_every_kind_of_server(kind):
    outcome = _run((kind, 7, 9, 16))
    assert outcome.broken is None, outcome.broken
    assert outcome.tally.struck >= outcome.tally.in_bad_weather / 10 > 0  # a fault in ten requests, at least
    assert outcome.tally.by_persons >= outcome.tally.days / 7  # an act on a Task a week, at least


def test_a_seed_tells_the_same_story_each_time():
    assert _run(("conditional", 3, 5, 5)).digest == _run(("conditional", 3, 5, 5)).digest


@pytest.mark.faults
@pytest.mark.parametrize("line", BROKE_ONCE.read_text().splitlines()[: None if LONG else 1])
def test_seeds_that_broke_once_hold(line):
    kind, *numbers = line.partition("#")[0].split()
    seed, people, days = map(int, numbers)
    outcome = _run((kind, seed, people, days))
    assert outcome.broken is None, outcome.broken


@pytest.mark.faults
def test_clinic_years_hold(capsys):
    processes = os.cpu_count() or 1
    tally, broken, started = Tally(), [], time.monotonic()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for asked, outcome in _as_many_as_wanted(pool, processes):
            tally.add(outcome.tally)
            if outcome.broken is not None:
                kind, seed, people, days = asked
                broken.append(f"{kind} {seed} --people {people} --days {days}: {outcome.broken}")
    minutes = (time.monotonic() - started) / 60
    with capsys.disabled():
        sys.stdout.write(f"{tally}\n{tally.days / 365 / minutes:.2f} clinic-years a minute\n")
    assert broken == []
    assert tally.days / 365 >= YEARS


def _as_many_as_wanted(pool: ProcessPoolExecutor, processes: int) -> Iterator[tuple[Run, Outcome]]:
    kinds, seeds, days = cycle(KINDS), count(FIRST_SEED), 0
    while not days or days / 365 < YEARS:
        asked: list[Run] = [(next(kinds), next(seeds), PEOPLE, DAYS) for _ in range(processes)]
        for each, outcome in zip(asked, pool.map(_run, asked), strict=True):
            days += outcome.tally.days
            yield each, outcome


def _run(asked: Run) -> Outcome:
    kind, seed, people, days = asked
    return run(make_plan(seed, kind, people=people, days=days))
