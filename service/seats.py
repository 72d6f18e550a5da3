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

from service.ports import Lease, Ledger

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
            now = self._ledger.leases()
            sitting, asking = _holder(now, _seat(source)), _holder(now, _wish(source))
            if sitting not in (None, self._holder):
                self._ask_for(source, sitting, now)
                return sitting
            fewer = asking not in (None, self._holder) and self._lead(self._holder, asking, now) >= 2
            if fewer and not busy:
                self._give_up(_seat(source), now)
                return None
            lease = self._ledger.acquire(_seat(source), self._holder, self._seconds[source])
            if lease is None:  # another was quicker
                return _holder(self._ledger.leases(), _seat(source))
            self._give_up(_wish(source), now)
            return self._holder

    def leave(self) -> None:
        """Give every seat up, for good: the next worker need not wait until it runs out."""
        with self._lock:
            self._left = True
            now = self._ledger.leases()
            for source in self._seconds:
                for name in (_seat(source), _wish(source)):
                    self._give_up(name, now)

    def _ask_for(self, source: str, sitting: str | None, now: Mapping[str, Lease]) -> None:
        """Ask whoever has at least two more than we, or no longer: nobody else can ask meanwhile."""
        if self._lead(sitting, self._holder, now) >= 2:
            self._ledger.acquire(_wish(source), self._holder, 3 * ask_seconds(self._seconds[source]))
        else:
            self._give_up(_wish(source), now)

    def _lead(self, one: str | None, other: str | None, now: Mapping[str, Lease]) -> int:
        """How many sources the one has more than the other; a free one counts for whoever asked for it."""
        has = Counter(_holder(now, _seat(s)) or _holder(now, _wish(s)) for s in self._seconds)
        return has[one] - has[other]

    def _give_up(self, name: str, now: Mapping[str, Lease]) -> None:
        if _holder(now, name) == self._holder:
            self._ledger.release(now[name])


def _holder(now: Mapping[str, Lease], name: str) -> str | None:
    return now[name].holder if name in now else None


def _seat(source: str) -> str:
    return f"{source} worker"  # no source's name has a space


def _wish(source: str) -> str:
    return f"{source} next worker"
