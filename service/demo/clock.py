"""The demo's clock: the real one, set to the evening of today, moved on by whole days as the story goes."""

from datetime import UTC, datetime, time, timedelta

from service.ports import Clock

_EVENING = time(18, 0, tzinfo=UTC)  # after everything that the fixtures date today, and far from midnight


class DemoClock:
    """Runs as fast as the real one, from 18:00 UTC of the real day on."""

    def __init__(self, real: Clock) -> None:
        self._real = real
        now = real.now()
        self._ahead = datetime.combine(now.date(), _EVENING) - now

    def now(self) -> datetime:
        return self._real.now() + self._ahead

    def monotonic(self) -> float:
        return self._real.monotonic()

    def sleep(self, seconds: float) -> None:
        self._real.sleep(seconds)

    def forward(self, **length: float) -> None:
        """Move on: `forward(days=28)`, `forward(minutes=5)`."""
        self._ahead += timedelta(**length)
