"""What an operator does with the database itself: look it over, and copy it while it is in use."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, inspect, text

from service.ports import LedgerError
from service.store.engine import database_url, is_absent, make_engine, transaction
from service.store.errors import DatabaseUrlError, SchemaError
from service.store.schema import newest, revision


def check(url: str) -> list[str]:
    """What is wrong with the database, one sentence each; empty when all is well.

    Raises DatabaseUrlError, and LedgerError when it cannot be read at all.
    """
    engine = _existing(url)
    try:
        return [*_schema_problems(engine), *_open_audit(engine), *_damage(engine)]
    finally:
        engine.dispose()


def backup(url: str, to: Path) -> None:
    """Copy a SQLite ledger as of one moment, also while a worker runs; the copy is its owner's alone.

    Raises LedgerError when `to` exists or the copy is damaged, DatabaseUrlError for PostgreSQL, which has its
    own tools (docs/adr/0012).
    """
    engine = _existing(url)
    try:
        if engine.dialect.name != "sqlite":
            raise DatabaseUrlError(
                "database.url: PostgreSQL is backed up with its own tools: pg_dump --format=custom, "
                "or base backups with WAL archiving; docs/database.md says what belongs to it"
            )
        _copy(Path(engine.url.database or ""), to)
    finally:
        engine.dispose()


def _existing(url: str) -> Engine:
    checked = database_url(url)
    if is_absent(checked):
        raise DatabaseUrlError("database.url: the file does not exist")
    return make_engine(checked)


def _schema_problems(engine: Engine) -> list[str]:
    try:
        with transaction(engine, write=False) as connection:
            found = revision(connection)
    except SchemaError as problem:
        return [str(problem)]
    if found is None:
        return ["the database is empty"]
    return [] if found == newest() else [f"the ledger is at schema {found}: it needs `reviewdue db upgrade`"]


def _open_audit(engine: Engine) -> list[str]:
    """Whether the database itself refuses to change a row of the audit."""
    guards = text(
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
        if engine.dialect.name == "sqlite"
        else "SELECT count(*) FROM pg_trigger WHERE tgrelid = to_regclass('audit') AND tgenabled IN ('O', 'A')"
    )
    wanted = 2 if engine.dialect.name == "sqlite" else 1
    with transaction(engine, write=False) as connection:
        there = inspect(connection).has_table("audit")
        guarded = connection.execute(guards).scalar_one() >= wanted
    return ["the audit can be changed: its triggers are missing or switched off"] if there > guarded else []


def _damage(engine: Engine) -> list[str]:
    """What SQLite's own checks find; PostgreSQL has none of this kind."""
    if engine.dialect.name != "sqlite":
        return []
    with transaction(engine, write=False) as connection:
        pages = connection.execute(text("PRAGMA integrity_check(20)")).scalars().all()
        orphans = connection.execute(text("PRAGMA foreign_key_check")).all()
    damaged = [f"damaged: {line}" for line in pages if line != "ok"]
    return [*damaged, *({f"damaged: rows of {row[0]} without their {row[2]}" for row in orphans})]


def _copy(path: Path, to: Path) -> None:
    try:
        os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as problem:
        raise LedgerError(f"backup: {to}: {problem.strerror}") from None
    try:
        with closing(sqlite3.connect(path)) as ledger, closing(sqlite3.connect(to)) as copy:
            ledger.backup(copy)  # all pages in one step: no writer in between
            if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise LedgerError("backup: the copy is damaged")
    except sqlite3.Error as problem:
        to.unlink()
        raise LedgerError(f"backup: {problem}") from None
    except LedgerError:
        to.unlink()
        raise
