"""Thousands of replies that get lost behind a write that was done, settled by real `reviewdue cycle` processes."""

from pathlib import Path

from tests.faults.stage import Tally, stage

_PER_CYCLE = 100
_MOST_CYCLES = 400
SHARE = 0.9  # of the writes whose reply is lost: nearly every Task is settled by reading it back


def settle(replies: int, seed: int, folder: Path, database: str) -> Tally:
    """New people until that many replies were ambiguous; then come to rest and count."""
    with stage(folder, database, seed, lost=SHARE, slow=0, lease=20) as on:
        for _ in range(_MOST_CYCLES):
            on.add_people(min(_PER_CYCLE, max(10, replies)))
            on.run("cycle", "--json")
            on.tally.faults = on.ambiguous()
            if on.tally.faults >= replies:
                break
        on.rest()
        return on.judge()
