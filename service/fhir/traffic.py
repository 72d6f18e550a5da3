"""What was sent to an EHR, in numbers: replies by class, and how long they took."""

import threading
from collections import Counter

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds; what takes longer is in none of them."""


class Traffic:
    """Counts since they were last taken; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._seconds = 0.0
        self.total = 0  # of all requests, taken or not

    def saw(self, status: int | None, seconds: float) -> None:
        """One request was answered with that status (None: not at all) after so many seconds."""
        kind = f"{status // 100}xx" if status is not None else "no-answer"
        with self._lock:
            self.total += 1
            self._counts["requests", kind] += 1
            self._seconds += seconds
            bucket = next((bound for bound in BUCKETS if seconds <= bound), None)
            self._counts["took", "more" if bucket is None else str(bucket)] += 1

    def take(self) -> dict[tuple[str, str], float]:
        """Amounts by (`requests`, class), (`took`, bucket alone) and (`seconds`, ""); they begin at 0 again."""
        with self._lock:
            taken: dict[tuple[str, str], float] = {**self._counts, ("seconds", ""): self._seconds}
            self._counts.clear()
            self._seconds = 0.0
        return taken
