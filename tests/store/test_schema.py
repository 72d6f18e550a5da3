"""Opening a database: empty, ours, older, newer, somebody else's, or none."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from service.ports import LedgerError
from service.store import DatabaseUrlError, SchemaError, SqlLedger, open_ledger, upgrade
from service.store.engine import transaction
from service.store.schema import newest
from service.store.tables import metadata
from tests.store.builders import a_patient

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def set_revision(ledger: SqlLedger, revision: str) -> None:
    with transaction(ledger._engine, write=True) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})


def test_the_migrations_make_the_tables_that_the_code_uses(ledger: SqlLedger):
    with transaction(ledger._engine, write=False) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_every_table_carries_the_source():
    assert all("source_id" in table.columns for table in metadata.tables.values())


def test_an_empty_database_gets_the_schema_silently(database_url: str, capfd: pytest.CaptureFixture[str]):
    with open_ledger(database_url) as ledger:
        assert ledger.empty()
    assert capfd.readouterr() == ("", "")
    assert upgrade(database_url) == (newest(), newest())


def test_what_was_written_is_there_when_it_is_opened_again(database_url: str):
    with open_ledger(database_url) as ledger, ledger.write(None) as tx:
        tx.save_patient(a_patient())
    with open_ledger(database_url, create=False) as ledger, ledger.read() as tx:
        assert tx.patient("main", "p1") == a_patient()


def test_an_upgrade_of_an_empty_database_tells_that_it_was_empty(database_url: str):
    assert upgrade(database_url) == (None, newest())
    open_ledger(database_url, create=False).close()


def test_several_processes_may_open_an_empty_database_at_once(database_url: str):
    def open_it(_: int) -> bool:
        with open_ledger(database_url) as ledger:
            return ledger.empty()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(open_it, range(4))) == [True] * 4


@on_sqlite
def test_without_create_an_absent_database_stays_absent(database_url: str, tmp_path: Path):
    with pytest.raises(SchemaError, match=r"^database\.url: the file does not exist"):
        open_ledger(database_url, create=False)
    assert not (tmp_path / "ledger.db").exists()


@pytest.mark.failure("F32")
def test_a_schema_of_a_newer_version_is_refused_and_left_as_it_is(database_url: str):
    with open_ledger(database_url) as ledger:
        set_revision(ledger, "9999")
    for opening in (open_ledger, upgrade):
        with pytest.raises(SchemaError, match=r"^database\.url: .*9999.*newer reviewdue"):
            opening(database_url)


@on_sqlite
def test_a_database_of_somebody_else_is_refused_and_left_as_it_is(database_url: str, tmp_path: Path):
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()
    for opening in (open_ledger, upgrade):
        with pytest.raises(SchemaError, match=r"no reviewdue ledger"):
            opening(database_url)
    assert path.read_bytes() == before


@on_sqlite
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(database_url: str, tmp_path: Path):
    path = tmp_path / "ledger.db"
    path.write_text("Dear diary, " * 100)
    for opening in (open_ledger, upgrade):
        with pytest.raises(LedgerError, match="not a database"):
            opening(database_url)
    assert path.read_text() == "Dear diary, " * 100


@on_sqlite
def test_the_file_is_readable_by_its_owner_alone(ledger: SqlLedger, tmp_path: Path):
    assert stat.S_IMODE((tmp_path / "ledger.db").stat().st_mode) == 0o600


@on_sqlite
def test_sqlite_is_set_up_to_survive_a_power_cut(ledger: SqlLedger):
    expected = {"journal_mode": "truncate", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    with ledger.read() as tx:
        for setting, value in expected.items():
            assert tx._connection.execute(text(f"PRAGMA {setting}")).scalar_one() == value


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "not a URL"),
        ("reviewdue.db", "not a URL"),
        ("postgresql+psycopg://u:secret@h:port/x", "not a URL"),
        ("mysq://u:secret@h/x", "unknown scheme 'mysq'"),
        ("postgresql+asyncpg://u:secret@h/x", "unknown scheme 'postgresql+asyncpg'"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:////no/such/folder/ledger.db", "folder does not exist"),
        ("sqlite:////", "is a folder"),
    ],
)
def test_a_wrong_url_is_named_without_its_password(url: str, problem: str):
    for opening in (open_ledger, upgrade):
        with pytest.raises(DatabaseUrlError) as caught:
            opening(url)
        assert str(caught.value).startswith("database.url: ")
        assert problem in str(caught.value)
        assert "secret" not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


_KILLED_MIGRATION = """
import os, signal, sys
from sqlalchemy import event
from service.store import schema
make = schema.make_engine
left = int(sys.argv[2])
def make_engine(url):
    engine = make(url)
    @event.listens_for(engine, "before_cursor_execute")
    def count(connection, cursor, statement, *_):
        global left
        left -= statement.startswith(("\\nCREATE", "CREATE", "INSERT"))
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    if left > 1000:
        event.listen(engine, "commit", lambda connection: os.kill(os.getpid(), signal.SIGKILL))
    return engine
schema.make_engine = make_engine
schema.upgrade(sys.argv[1])
"""
BEFORE_COMMIT = 9999


@pytest.mark.failure("F32")
@pytest.mark.parametrize("statements", [0, 1, 7, 20, BEFORE_COMMIT])
def test_a_migration_killed_half_way_is_begun_anew(database_url: str, statements: int):
    root = Path(__file__).parents[2]
    script = [sys.executable, "-c", _KILLED_MIGRATION, database_url, str(statements)]
    killed = subprocess.run(script, cwd=root, env=dict(os.environ), timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert upgrade(database_url) == (None, newest())
    with open_ledger(database_url) as ledger:
        assert ledger.empty()
