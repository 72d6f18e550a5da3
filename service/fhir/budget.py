"""How often a source may be asked: a rate shared by all threads, pauses that it asked for, and a breaker."""

import math
import threading

from service.fhir.errors import NotSentError
from service.ports import Clock


class RateBudget:
    """A token bucket by the monotonic clock; one second's worth of requests may come at once."""

    def __init__(self, clock: Clock, per_second: float) -> None:
        self._clock = clock
        self._interval = 1 / per_second
        self._burst = max(1.0, per_second) * self._interval
        self._lock = threading.Lock()
        self._next = -math.inf  # when the next request is on schedule
        self._paused_until = -math.inf

    def take(self, patience: float) -> None:
        """Wait for a turn.  Raises NotSentError at once if that would take more than `patience` seconds."""
        with self._lock:
            now = self._clock.monotonic()
            start = max(self._next, now + self._interval - self._burst, self._paused_until)
            wait = start - now
            if wait > patience:
                paused = self._paused_until > now
                raise NotSentError("the EHR asked for a pause" if paused else "over the rate budget", wait)
            self._next = start + self._interval
        if wait > 0:
            self._clock.sleep(wait)

    def pause(self, seconds: float) -> None:
        """Nobody asks this source again before that many seconds have passed."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)


class Breaker:
    """Stops asking an EHR that does not answer, and looks now and then whether it is back.

    `failures` in a row open it; then one caller every `probe_seconds` is told to probe.
    """

    def __init__(self, clock: Clock, failures: int, probe_seconds: float) -> None:
        self._clock = clock
        self._allowed = failures
        self._probe_seconds = probe_seconds
        self._lock = threading.Lock()
        self._failed = 0
        self._probe_at: float | None = None  # None: closed

    @property
    def is_open(self) -> bool:
        return self._probe_at is not None

    def must_probe(self) -> bool:
        """False: go ahead.  True: this caller probes first.  Raises NotSentError: not now."""
        with self._lock:
            if self._probe_at is None:
                return False
            left = self._probe_at - self._clock.monotonic()
            if left > 0:
                raise NotSentError("the EHR does not answer", left)
            self._probe_at = self._clock.monotonic() + self._probe_seconds
            return True

    def succeeded(self) -> None:
        with self._lock:
            self._failed = 0
            self._probe_at = None

    def failed(self) -> None:
        with self._lock:
            self._failed += 1
            if self._failed >= self._allowed:
                self._probe_at = self._clock.monotonic() + self._probe_seconds
