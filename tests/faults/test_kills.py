"""Killed at any moment, nothing is lost and nothing doubled; a sample here, the long run with FAULTS=long."""

import os
import sys

import pytest

from tests.faults.kills import kill_cycles

LONG = os.environ.get("FAULTS") == "long"
KILLS = 100 if LONG else 6


@pytest.mark.faults
def test_killed_cycles_lose_nothing_and_double_nothing(tmp_path, capsys):
    tally = kill_cycles(KILLS, seed=20, folder=tmp_path)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{tally.kills} kills, {tally.people} people, {tally.lost_replies} replies lost:\n"
            f"{tally.histogram()}\n"
            f"lost {tally.lost}, duplicated {tally.duplicated}, {tally.cycles_to_rest} cycles to rest\n"
        )
    assert (tally.lost, tally.duplicated) == (0, 0)
    assert tally.hit["between claim and recorded reply"] >= 0.6 * KILLS
