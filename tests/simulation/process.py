"""The service's process: real parts over a mortal ledger and an EHR in process; lives more than once."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.bootstrap import House
from service.config import load
from service.cycle import run_cycle
from service.cycle.parts import Parts
from service.fhir.client import ReadLimits
from service.ports import CycleReport
from tests.ehr.running import Ehr
from tests.simulation.clock import VirtualClock
from tests.simulation.death import Life
from tests.simulation.ledger import MortalLedger
from tests.simulation.server import ServerKind
from tests.simulation.wire import BASE, InProcess, connect

LEASE_SECONDS = 900.0
_SECRET = b"5a" * 32


class Events:
    """The service's log: what it says that nobody should have to read."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def info(self, event: str, **fields: object) -> None:
        """Of no interest."""

    def warning(self, event: str, **fields: object) -> None:
        self.warnings.append(f"{event} {fields.get('error', '')}".strip())


class Process:
    """One life after the other of a service with one source, `main`."""

    def __init__(self, folder: Path, ehr: Ehr, kind: ServerKind, clock: VirtualClock) -> None:
        self._folder = folder
        self._ehr = ehr
        self._kind = kind
        self._clock = clock
        self._open = ExitStack()
        self._lives = 0
        self.log = Events()
        secret = folder / "secret"
        secret.write_bytes(_SECRET)
        self.start()

    def start(self) -> None:
        """Begin a life; whatever the one before had in memory is gone."""
        self._open.close()
        self._lives += 1
        self.holder = f"life-{self._lives}"
        self.life = Life()
        self.ledger = MortalLedger(self._folder / "ledger.db", self._clock, self.life)
        self._open.callback(self.ledger.close)
        house = self._open.enter_context(House(_settings(self._folder, self._kind)))
        house.__dict__["ledger"] = self.ledger
        [source] = house.source_settings()
        parts = self._open.enter_context(house.parts(source, self._clock))
        self.transport = InProcess(self._ehr.interactions, self._clock, self.life)
        connect(parts.client.egress, self.transport)
        parts.client.limits = ReadLimits(page_size=source.page_size, first_wait_seconds=0)
        self.parts: Parts = replace(parts, log=self.log)

    def cycle(self, **options: Any) -> CycleReport:
        return run_cycle(self.parts, self.holder, wait=False, **options)

    def close(self) -> None:
        self._open.close()


def _settings(folder: Path, kind: ServerKind) -> Any:
    values: dict[str, object] = {
        "base_url": BASE,
        "profile": kind.profile,
        "write": "allowed",
        "rate_per_second": 1000,
        "concurrency": 1,
        "lease_seconds": LEASE_SECONDS,
        "page_size": kind.page_size,
        "full_sweep_hours": 7 * 24,
        "new_per_owner_per_day": 1000,
        "new_per_source_per_day": 1000,
    }
    overrides = {f"source.main.{key}": value for key, value in values.items()}
    overrides["database.url"] = f"sqlite:///{folder / 'ledger.db'}"
    overrides["instance.secret_file"] = str(folder / "secret")
    return load(environment={}, overrides=overrides).settings
