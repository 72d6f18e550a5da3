"""The process's real parts for a command: settings read, logs set up, signals heard."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from service import logs
from service.bootstrap import House, load_settings


@contextmanager
def opened(file: Path | None, overrides: Mapping[str, object] | None = None) -> Iterator[House]:
    """A house with the settings; raises ConfigError with every problem."""
    settings = load_settings(file, overrides).settings
    logs.configure(settings.log.level, settings.log.format)
    with House(settings) as house:
        yield house


class Stopper:
    """SIGTERM and SIGINT stop the house's clock instead of breaking off; a second one breaks off."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.signal: int | None = None

    def __enter__(self) -> "Stopper":
        self._before = {each: signal.signal(each, self._heard) for each in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def _heard(self, number: int, _frame: object) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number
        self._house.clock.stop()
