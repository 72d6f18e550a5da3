"""The real ledger on a database by virtual time, whose commits can fail, stay unclear, or be the last thing done."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from sqlalchemy import event

from service.ports import Lease, LedgerError, Transaction
from service.store import open_ledger
from service.store.ledger import SqlLedger
from tests.simulation.clock import VirtualClock
from tests.simulation.death import Fate, Life

_JULIAN_1970 = 2440587.5


def new_database(folder: Path) -> Path:
    """An empty ledger: a copy of one that was migrated once."""
    path = folder / "ledger.db"
    shutil.copyfile(_template(), path)
    return path


@cache
def _template() -> Path:
    path = Path(mkdtemp(prefix="simulation-", dir=_memory())) / "empty.db"
    open_ledger(f"sqlite:///{path}").close()
    return path


def _memory() -> Path | None:
    """A file system in memory, where there is one: the simulation loses processes, not power."""
    return Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108 (mkdtemp makes a private folder)


def new_folder() -> Path:
    return Path(mkdtemp(prefix="simulation-", dir=_memory()))


class MortalLedger:
    """`ports.Ledger` of one life of the service."""

    def __init__(self, path: Path, clock: VirtualClock, life: Life) -> None:
        self._inner = open_ledger(f"sqlite:///{path}", create=False)
        self._life = life
        engine = self._inner._engine
        engine.dispose()

        def set_up(connection: Any, _record: object) -> None:
            connection.create_function("julianday", 1, lambda _: _julian_day(clock))
            connection.execute("PRAGMA synchronous=OFF").close()
            connection.execute("PRAGMA journal_mode=MEMORY").close()

        event.listen(engine, "connect", set_up)

    @property
    def inner(self) -> SqlLedger:
        """The ledger without fates, for who only looks on."""
        return self._inner

    def acquire(self, source: str, holder: str, seconds: float) -> Lease | None:
        self._life.go_on()
        return self._inner.acquire(source, holder, seconds)

    def renew(self, lease: Lease, seconds: float) -> Lease:
        self._life.go_on()
        return self._inner.renew(lease, seconds)

    def release(self, lease: Lease) -> None:
        self._life.go_on()
        self._inner.release(lease)

    def lease(self, source: str) -> Lease | None:
        return self._inner.lease(source)

    @contextmanager
    def write(self, lease: Lease | None) -> Iterator[Transaction]:
        self._life.go_on()
        with self._inner.write(lease) as tx:
            yield tx
            fate = self._life.at("commit")
            if fate is Fate.REFUSED:
                raise LedgerError("the database refused to commit")
        if fate is Fate.AFTER:
            self._life.die()
        if fate is Fate.UNCLEAR:
            raise LedgerError("the database did not say whether it committed")

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        self._life.go_on()
        with self._inner.read() as tx:
            yield tx

    def empty(self) -> bool:
        return self._inner.empty()

    def close(self) -> None:
        self._inner.close()


def _julian_day(clock: VirtualClock) -> float:
    return clock.now().timestamp() / 86_400 + _JULIAN_1970
