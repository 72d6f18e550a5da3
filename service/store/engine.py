"""From `database.url` to an engine whose transactions behave alike on SQLite and PostgreSQL.

A write transaction takes SQLite's write lock when it begins (BEGIN IMMEDIATE); a read transaction
sees one snapshot, can change nothing, and takes no write lock.
"""

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from service.ports import LedgerError
from service.store.errors import DatabaseUrlError, plain

BUSY_SECONDS = 10
STATEMENT_SECONDS = 30
THREADS = 16  # connections kept; as many again on demand

_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_SQLITE_SETTINGS = (
    f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
    "PRAGMA journal_mode=TRUNCATE",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",  # else INSERT OR REPLACE slips past the audit's DELETE trigger
)


def database_url(text: str) -> URL:
    """The checked URL; raises DatabaseUrlError.  Messages hold no password."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise DatabaseUrlError(
            "database.url: not a URL such as sqlite:///reviewdue.db or postgresql+psycopg://host/name"
        ) from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise DatabaseUrlError(f"database.url: unknown scheme {url.drivername!r}")
    if driver.startswith("postgresql"):
        if importlib.util.find_spec("psycopg") is None:
            raise DatabaseUrlError("database.url: PostgreSQL needs the extra reviewdue[postgres]")
    else:
        _check_file(url)
    return url.set(drivername=driver)


def make_engine(url: URL) -> Engine:
    """An engine for a checked URL; opens nothing yet."""
    common: dict[str, Any] = {"hide_parameters": True, "pool_size": THREADS, "max_overflow": THREADS}
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, **common)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        connect_args = {"connect_timeout": BUSY_SECONDS, "client_encoding": "UTF8"}
        connect_args["prepare_threshold"] = None  # also behind a pooler
        engine = create_engine(url, connect_args=connect_args, pool_pre_ping=True, **common)
        event.listen(engine, "begin", _begin_postgresql)
    return engine


@contextmanager
def transaction(engine: Engine, *, write: bool) -> Iterator[Connection]:
    """One transaction: committed at the end of the block, rolled back when the block raises.

    Raises LedgerError for whatever the database says.  When COMMIT itself fails, nobody knows
    whether it happened (F10): the connection is thrown away, the next one reads what is true.
    """
    try:
        with engine.connect().execution_options(ledger_write=write) as connection:
            begun = connection.begin()
            try:
                yield connection
            except BaseException:
                with suppress(SQLAlchemyError):
                    begun.rollback()
                raise
            try:
                begun.commit()
            except BaseException:
                connection.invalidate()
                raise
    except SQLAlchemyError as error:
        raise LedgerError(plain(error)) from None


def is_absent(url: URL) -> bool:
    """Whether it is a SQLite database whose file does not exist."""
    return url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()


def create_private_file(url: URL) -> None:
    """The SQLite file, readable by its owner alone: it will hold names (SQLite's journal copies the mode)."""
    if url.get_backend_name() == "sqlite" and url.database:
        with suppress(FileExistsError):
            os.close(os.open(url.database, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _check_file(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        raise DatabaseUrlError("database.url: names no file; the ledger must survive the process")
    path = Path(url.database)
    if path.is_dir():
        raise DatabaseUrlError("database.url: is a folder, not a file")
    if not path.absolute().parent.is_dir():
        raise DatabaseUrlError("database.url: the file's folder does not exist")


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself
    for setting in _SQLITE_SETTINGS:
        connection.execute(setting).close()


def _begin_sqlite(connection: Connection) -> None:
    write = _writes(connection)
    connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if write else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    """SET LOCAL and SET TRANSACTION end with the transaction, so a transaction pooler may sit between."""
    if not _writes(connection):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'")


def _writes(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("ledger_write", False))
