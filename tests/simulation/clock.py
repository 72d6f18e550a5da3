"""A clock that only the simulation moves; a sleep passes its time at once."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 6, 1, 5, tzinfo=UTC)


class VirtualClock:
    """The one time of the EHR, the service and its database."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._start = now

    def __call__(self) -> datetime:
        return self._now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._start).total_seconds()

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=max(0.0, seconds))

    def reach(self, moment: datetime) -> None:
        """Go on to a moment; what took longer already goes on from where it is."""
        self._now = max(self._now, moment)
