"""Which worker is at work on which source, between its cycles too.

A seat is a lease in the ledger beside the one of the cycles: a worker keeps it for as long as it lives, so
that of several workers one ticks and the others stand by, while the lease of the cycles is free in between
for a command.  A worker with fewer sources asks one with at least two more to give a seat up.

All by the database's clock.  A seat only decides who begins a cycle; that nothing is written twice is the
matter of the cycle's own lease and its fence.
"""

import threading
from collections import Counter
from collections.abc import Mapping

from service.ports import Ledger

_ASKS = 12  # how often a seat is asked for in the time of a lease
_LONGEST_WAIT = 10.0  # seconds between two asks, so that a worker that left is followed within 15 s


def ask_seconds(lease_seconds: float) -> float:
    """How often a worker keeps its seats, and looks whether another's is free."""
    return min(_LONGEST_WAIT, lease_seconds / _ASKS)


class Seats:
    """The seats of one worker; `lease_seconds` by source.  Thread-safe.  Raises LedgerError."""

    def __init__(self, ledger: Ledger, holder: str, lease_seconds: Mapping[str, float]) -> None:
        self._ledger = ledger
        self._holder = holder
        self._seconds = lease_seconds
        self._left = False
        self._lock = threading.Lock()

    def keep(self, source: str, *, busy: bool) -> str | None:
        """Take the seat, or keep it; gives who has it now, None while it waits for somebody who asked.

        While `busy` with a cycle it is not given up to a worker that has fewer.
        """
        with self._lock:
            if self._left:
                return None
            sitting = self._at(_seat(source))
            asking = self._at(_wish(source))
            if sitting not in (None, self._holder):
                self._ask_for(source, sitting, asking)
                return sitting
            if asking not in (None, self._holder) and not busy and self._has_fewer(asking):
                self._give_up(_seat(source))
                return None
            lease = self._ledger.acquire(_seat(source), self._holder, self._seconds[source])
            if lease is None:  # another was quicker
                return self._at(_seat(source))
            if asking == self._holder:
                self._give_up(_wish(source))
            return self._holder

    def leave(self) -> None:
        """Give every seat up, for good: the next worker need not wait until it runs out."""
        with self._lock:
            self._left = True
            for source in self._seconds:
                for name in (_seat(source), _wish(source)):
                    self._give_up(name)

    def _ask_for(self, source: str, sitting: str | None, asking: str | None) -> None:
        """Ask whoever has at least two more than we, or no longer: nobody else can ask meanwhile."""
        load = self._load()
        if load[sitting] - load[self._holder] >= 2:
            self._ledger.acquire(_wish(source), self._holder, 3 * ask_seconds(self._seconds[source]))
        elif asking == self._holder:
            self._give_up(_wish(source))

    def _has_fewer(self, other: str | None) -> bool:
        load = self._load()
        return load[self._holder] - load[other] >= 2

    def _load(self) -> Counter[str | None]:
        """How many sources each worker has; a free one counts for whoever asked for it."""
        return Counter(self._at(_seat(source)) or self._at(_wish(source)) for source in self._seconds)

    def _at(self, name: str) -> str | None:
        lease = self._ledger.lease(name)
        return None if lease is None else lease.holder

    def _give_up(self, name: str) -> None:
        lease = self._ledger.lease(name)
        if lease is not None and lease.holder == self._holder:
            self._ledger.release(lease)


def _seat(source: str) -> str:
    return f"{source} worker"  # no source's name has a space


def _wish(source: str) -> str:
    return f"{source} next worker"
