"""Keeps a source's lease while a cycle works, and says how long it still holds."""

import threading
from types import TracebackType
from typing import Self

from service.ports import Clock, Lease, LeaseLostError, Ledger, LedgerError


class Keeper:
    """Renews the lease at a third of its length; a context manager that gives it back at the end.

    Time left is counted on our monotonic clock from before the renewal was asked for, so that a
    process that was stopped for a while knows that its lease has run out.
    """

    def __init__(self, ledger: Ledger, clock: Clock, lease: Lease, seconds: float, asked_at: float) -> None:
        self._ledger = ledger
        self._clock = clock
        self._seconds = seconds
        self._lease = lease
        self._asked_at = asked_at
        self._lost = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease {lease.source}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        if not self._lost:
            self._ledger.release(self._lease)

    @property
    def lease(self) -> Lease:
        """The lease; raises LeaseLostError once another worker has it."""
        if self._lost:
            raise LeaseLostError("another worker holds the source now")
        return self._lease

    def allows(self, deadline: float) -> bool:
        """Whether a request of that deadline may be sent: the lease outlasts it (interfaces.md)."""
        left = self._seconds - (self._clock.monotonic() - self._asked_at)
        return not self._lost and left > deadline + min(10.0, self._seconds / 10)

    def _keep(self) -> None:
        while not self._done.wait(self._seconds / 3):
            asked_at = self._clock.monotonic()
            try:
                self._lease = self._ledger.renew(self._lease, self._seconds)
            except LeaseLostError:
                self._lost = True
                return
            except LedgerError:
                continue  # tried again; until then `allows` runs out by itself
            self._asked_at = asked_at
