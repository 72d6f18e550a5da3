"""The database looked over and copied."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from service.ports import LedgerError
from service.store import DatabaseUrlError, SchemaError, SqlLedger, backup, check, open_ledger, upgrade
from service.store.engine import transaction
from tests.postgres.server import Server
from tests.store.builders import a_patient

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_healthy_ledger_has_no_problem(ledger: SqlLedger, database_url: str):
    with ledger.write(None) as tx:
        tx.save_patient(a_patient())
    assert check(database_url) == []


def test_a_ledger_of_a_newer_version_is_told(ledger: SqlLedger, database_url: str):
    with transaction(ledger._engine, write=True) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    (problem,) = check(database_url)
    assert "newer reviewdue" in problem


@on_sqlite
def test_an_empty_database_is_told_and_an_absent_one_refused(database_url: str, tmp_path: Path):
    with pytest.raises(DatabaseUrlError, match="does not exist"):
        check(database_url)
    (tmp_path / "ledger.db").touch()
    assert check(database_url) == ["the database is empty"]


@on_sqlite
def test_damage_is_told(ledger: SqlLedger, database_url: str, tmp_path: Path):
    ledger.close()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as raw:
        raw.execute("INSERT INTO cursor VALUES ('nowhere', 'Task', 0)")
        raw.commit()
    assert check(database_url) == ["damaged: rows of cursor without their source"]


@on_sqlite
def test_a_copy_made_while_another_writes_holds_what_was_committed(
    ledger: SqlLedger, database_url: str, tmp_path: Path
):
    to = tmp_path / "copy.db"
    with ledger.write(None) as tx:
        tx.save_patient(a_patient("p1"))
    with ledger.write(None) as tx:
        tx.save_patient(a_patient("p2"))
        backup(database_url, to)
    with open_ledger(f"sqlite:///{to}", create=False) as copy, copy.read() as tx:
        assert set(tx.patients("main", ["p1", "p2"])) == {"p1"}
    assert stat.S_IMODE(to.stat().st_mode) == 0o600


@on_sqlite
def test_a_copy_overwrites_nothing(ledger: SqlLedger, database_url: str, tmp_path: Path):
    to = tmp_path / "copy.db"
    to.write_text("something else")
    with pytest.raises(LedgerError, match="File exists"):
        backup(database_url, to)
    assert to.read_text() == "something else"
    assert ledger.empty()


def test_only_sqlite_is_copied_by_us(tmp_path: Path):
    with pytest.raises(DatabaseUrlError, match="pg_dump"):
        backup("postgresql://nobody@127.0.0.1/nothing", tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.failure("I6")
def test_an_audit_that_can_be_changed_is_told(ledger: SqlLedger, database_url: str):
    sqlite = database_url.startswith("sqlite")
    off = "DROP TRIGGER audit_no_delete" if sqlite else "ALTER TABLE audit DISABLE TRIGGER audit_no_change"
    with transaction(ledger._engine, write=True) as connection:
        connection.execute(text(off))
    assert check(database_url) == ["the audit can be changed: its triggers are missing or switched off"]


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_name_is_refused(postgres: Server, encoding: str):
    with postgres.database(encoding) as url:
        for opening in (open_ledger, upgrade):
            with pytest.raises(SchemaError, match=f"^database.url: .*{encoding}: UTF8 is needed"):
                opening(url)
        assert check(url) == [f"database.url: the database's encoding is {encoding}: UTF8 is needed"]
