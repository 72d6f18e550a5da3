"""The commands from end to end on each kind of database: the setting is all that differs."""

import json
import time
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from service.bootstrap import SystemClock
from service.store import SchemaError, open_ledger, schema
from service.store.engine import database_url as checked_url
from service.store.engine import make_engine, transaction
from service.store.schema import _config, newest
from tests.cli.command import end, people, reviewdue, settings, started, wait_for_event
from tests.ehr.running import running_ehr
from tests.postgres.server import Server

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def ehr():
    with running_ehr(people(), clock=SystemClock().now) as ehr:
        yield ehr


@pytest.fixture
def folder(tmp_path: Path, database_url: str, ehr) -> Path:
    settings(tmp_path, ehr.base, more=f'poll_seconds = 0.5\n[database]\nurl = "{database_url}"')
    return tmp_path


def at_schema(url: str, revision: str) -> None:
    """Make a database as an older version left it."""
    engine = make_engine(checked_url(url))
    with transaction(engine, write=True) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_the_story_of_a_source_on_this_database(folder, ehr):
    assert reviewdue(folder, "db", "upgrade").code == 0
    assert json.loads(reviewdue(folder, "db", "check", "--json").out) == {
        "ok": True,
        "empty": True,
        "problems": [],
    }
    shadow = reviewdue(folder, "cycle", "--json").documents[0]
    assert (shadow["created"], shadow["complete"]) == (0, True)
    assert shadow["held"] > 0
    assert reviewdue(folder, "release", "on").code == 0
    first = reviewdue(folder, "cycle", "--json").documents[0]
    assert first["created"] == len(ehr.creations()) > 0
    second = reviewdue(folder, "cycle", "--json").documents[0]
    assert (second["created"], second["updated"], second["closed"]) == (0, 0, 0)
    items = reviewdue(folder, "items", "--json").documents
    confirmed = [item for item in items if item["projection"] == "confirmed"]
    assert set(ehr.creations()) <= {f"urn:reviewdue:item|{item['key']}" for item in confirmed}
    assert reviewdue(folder, "item", confirmed[0]["key"]).code == 0
    assert reviewdue(folder, "quarantine", "list", "--json").code == 0
    assert reviewdue(folder, "reconcile", "--json").code == 0
    acts = [row["act"] for row in reviewdue(folder, "audit", "export").documents]
    assert "release on" in acts
    assert acts.count("task created") == first["created"]


@pytest.mark.failure("F12")
def test_a_worker_works_and_a_second_one_stands_by_follows_and_ends(folder):
    reviewdue(folder, "db", "upgrade")
    with started(folder, "worker") as first:
        wait_for_event(first, "cycle done")
        with started(folder, "worker") as second, started(folder, "worker") as third:
            assert wait_for_event(second, "standing by")["why"] == "another worker is at work on the source"
            assert wait_for_event(third, "standing by")["source"] == "main"
            ended = end(third)  # a worker that stands by ends as quietly as one that works
            assert (ended.code, ended.out) == (0, "")
            assert end(first).code == 0
            assert wait_for_event(second, "cycle done")["source"] == "main"
            ended = end(second)
            assert ended.code == 0
            assert "Traceback" not in ended.err


@pytest.mark.parametrize("words", [["worker"], ["cycle"], ["db", "check"], ["items"]])
def test_an_older_schema_needs_db_upgrade_and_says_so_in_one_line(folder, database_url, words):
    at_schema(database_url, "0001")
    refused = reviewdue(folder, *words)
    assert refused.code == 2
    assert refused.problems == ["database.url: the ledger is at schema 0001: it needs `reviewdue db upgrade`"]
    assert reviewdue(folder, "db", "upgrade", "--json").documents == [{"before": "0001", "after": newest()}]
    assert reviewdue(folder, "db", "check").code == 0


@pytest.mark.failure("F32")
def test_a_schema_of_a_newer_version_is_refused_in_one_line(folder, database_url):
    with open_ledger(database_url) as ledger, transaction(ledger._engine, write=True) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for words in (["worker"], ["db", "upgrade"], ["db", "check"]):
        refused = reviewdue(folder, *words)
        assert refused.code == 2
        assert len(refused.problems) == 1
        assert "newer reviewdue" in refused.problems[0]


def test_problems_found_by_db_check_are_exit_1_and_a_line_each(folder, database_url):
    off = (
        "DROP TRIGGER audit_no_update"
        if database_url.startswith("sqlite")
        else "DROP TRIGGER audit_no_change ON audit"
    )
    with open_ledger(database_url) as ledger, transaction(ledger._engine, write=True) as connection:
        connection.execute(text(off))
    checked = reviewdue(folder, "db", "check")
    assert (checked.code, checked.out) == (1, "")
    assert checked.problems == ["the audit can be changed: its triggers are missing or switched off"]


@on_sqlite
def test_a_backup_is_a_ledger_of_its_own_and_overwrites_nothing(folder):
    reviewdue(folder, "cycle")
    made = reviewdue(folder, "db", "backup", "copy.db", "--json")
    assert made.code == 0
    assert made.documents == [{"file": "copy.db", "bytes": (folder / "copy.db").stat().st_size}]
    of_copy = {"REVIEWDUE_DATABASE__URL": f"sqlite:///{folder / 'copy.db'}"}
    before = reviewdue(folder, "items", "--json").documents
    assert reviewdue(folder, "items", "--json", environment=of_copy).documents == before
    again = reviewdue(folder, "db", "backup", "copy.db")
    assert again.code == 3
    assert again.problems == ["backup: copy.db: File exists"]


@on_postgresql
def test_a_backup_of_postgresql_names_its_own_tools(folder):
    refused = reviewdue(folder, "db", "backup", "copy.db")
    assert refused.code == 2
    assert "pg_dump" in refused.problems[0]
    assert not (folder / "copy.db").exists()


@on_postgresql
def test_a_database_that_does_not_answer_is_exit_3_in_one_line_and_without_its_password(folder, ehr):
    nowhere = "postgresql+psycopg://reviewdue:sesame@127.0.0.1:9/x"  # nothing listens at the discard port
    for words in (["worker"], ["cycle"], ["items"], ["db", "check"], ["db", "upgrade"]):
        refused = reviewdue(folder, *words, environment={"REVIEWDUE_DATABASE__URL": nowhere})
        assert refused.code == 3
        assert len(refused.problems) == 1
        assert "sesame" not in refused.err
    assert not ehr.interactions.exchanges


def test_a_postgresql_that_is_too_old_is_refused_in_one_line(postgres: Server, monkeypatch):
    monkeypatch.setattr(schema, "OLDEST_POSTGRESQL", 99)
    with postgres.database() as url, pytest.raises(SchemaError, match="too old: 99 or newer is needed"):
        open_ledger(url)


@pytest.mark.failure("F11", "F35")
def test_a_worker_that_was_killed_is_followed_in_time(tmp_path, database_url, ehr):
    lease = 8  # seconds; 150 s at the default of 120 are 10 of them
    more = f'poll_seconds = 300\n[database]\nurl = "{database_url}"'
    settings(tmp_path, ehr.base, lease=lease, more=more)
    with started(tmp_path, "worker") as first, started(tmp_path, "worker") as second:
        with open_ledger(database_url) as ledger:
            wait_for_event(first, "worker started")
            wait_for_event(second, "worker started")
            while (seated := ledger.lease("main worker")) is None:
                time.sleep(0.05)
            killed = first if f"-{first.pid}-" in seated.holder else second
            follower = second if killed is first else first
            wait_for_event(killed, "cycle done")
            killed.kill()
            began = time.monotonic()
            while f"-{follower.pid}-" not in getattr(ledger.lease("main worker"), "holder", ""):
                time.sleep(0.05)
                assert time.monotonic() - began < lease * 150 / 120
        assert wait_for_event(follower, "cycle done")["source"] == "main"  # at once, not at the next poll
        assert end(follower).code == 0
