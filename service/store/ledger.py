"""The ledger on SQLite or PostgreSQL (design.md, State): leases, and transactions that check them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from sqlalchemy import Engine, exists, or_, select

from service.ports import Lease
from service.store.answers import AnswerRows
from service.store.audits import AuditRows
from service.store.engine import create_private_file, database_url, is_absent, make_engine, transaction
from service.store.errors import SchemaError
from service.store.items import ItemRows
from service.store.leases import LeaseRows, take_turn
from service.store.metrics import MetricRows
from service.store.patients import PatientRows
from service.store.projections import ProjectionRows
from service.store.quarantines import QuarantineRows
from service.store.schema import prepare
from service.store.sources import SourceRows
from service.store.tables import item_table, patient_table, source_table


class SqlTransaction(
    SourceRows, PatientRows, ItemRows, ProjectionRows, AnswerRows, QuarantineRows, AuditRows, MetricRows
):
    """`ports.Transaction` on one connection; usable only inside its block."""


class SqlLedger:
    """`ports.Ledger`; thread-safe: each transaction has a connection of its own.

    A thread must not open a second write inside one: on SQLite it would wait for itself.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def acquire(self, source: str, holder: str, seconds: float) -> Lease | None:
        """The lease, or None while another holder's has not run out (database time)."""
        with transaction(self._engine, write=True) as connection:
            return LeaseRows(connection).acquire(source, holder, seconds)

    def renew(self, lease: Lease, seconds: float) -> Lease:
        """The lease with a new end; raises LeaseLostError."""
        with transaction(self._engine, write=True) as connection:
            return LeaseRows(connection).renew(lease, seconds)

    def release(self, lease: Lease) -> None:
        """Give the lease back, so that the next one need not wait; harmless when it is lost."""
        with transaction(self._engine, write=True) as connection:
            LeaseRows(connection).release(lease)

    def lease(self, source: str) -> Lease | None:
        """Who holds the source now, or None."""
        with transaction(self._engine, write=False) as connection:
            return LeaseRows(connection).holder(source)

    def leases(self) -> dict[str, Lease]:
        """Every lease that has not run out, by the name it was asked for."""
        with transaction(self._engine, write=False) as connection:
            return LeaseRows(connection).all()

    @contextmanager
    def write(self, lease: Lease | None) -> Iterator[SqlTransaction]:
        """One transaction, alone with what it reads (its source's writers wait).

        With a lease: LeaseLostError when it was taken, and nobody takes it meanwhile.

        Raises LedgerError.  When that comes from COMMIT the writes may or may not be there: read again.
        """
        with transaction(self._engine, write=True) as connection:
            take_turn(connection, leased=lease is not None)
            if lease is not None:
                LeaseRows(connection).check(lease)
            yield SqlTransaction(connection)

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        """One snapshot; takes no write lock, and the database refuses any write."""
        with transaction(self._engine, write=False) as connection:
            yield SqlTransaction(connection)

    def empty(self) -> bool:
        """No source, patient or item is in it yet."""
        anything = or_(
            exists(select(source_table.c.source_id)),
            exists(select(patient_table.c.patient)),
            exists(select(item_table.c.key)),
        )
        with transaction(self._engine, write=False) as connection:
            return not connection.execute(select(anything)).scalar_one()

    def close(self) -> None:
        """Close every connection; call when no transaction is open."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_ledger(url: str, *, create: bool = True) -> SqlLedger:
    """The ledger at `database.url`.

    An absent or empty database gets our schema silently when `create`.  Raises DatabaseUrlError
    (begins with `database.url:`), SchemaError and, when the database does not answer, LedgerError.
    """
    checked = database_url(url)
    if create:
        create_private_file(checked)
    elif is_absent(checked):
        raise SchemaError("database.url: the file does not exist; no ledger was written there yet")
    engine = make_engine(checked)
    try:
        prepare(engine, create=create)
    except BaseException:
        engine.dispose()
        raise
    return SqlLedger(engine)
