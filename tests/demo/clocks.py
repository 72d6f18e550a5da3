"""Clocks that are on a day of the test's choice."""

import threading
import time
from datetime import datetime, timedelta


class Stopped:
    """Stands still; sleeping takes no time."""

    def __init__(self, now):
        self._now = now
        self.slept = 0.0

    def now(self):
        return self._now

    def monotonic(self):
        return self.slept

    def sleep(self, seconds):
        self.slept += seconds


class Running:
    """Runs on from the moment it was made for."""

    def __init__(self, now: datetime):
        self._now = now
        self._since = time.monotonic()

    def now(self):
        return self._now + timedelta(seconds=time.monotonic() - self._since)

    def monotonic(self):
        return time.monotonic()

    def sleep(self, seconds):
        threading.Event().wait(seconds)
