"""One transaction: whole or not at all, alone while it writes, without a lock while it reads."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from service.ports import LedgerError
from service.store import SqlLedger, open_ledger
from tests.store.builders import NOW, a_patient, a_projection, an_item

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def names(ledger: SqlLedger) -> list[str]:
    with ledger.read() as tx:
        return sorted(item.patient for item in tx.items())


def test_a_block_that_raises_leaves_nothing_behind(ledger: SqlLedger):
    def write_and_fail() -> None:
        with ledger.write(None) as tx:
            tx.save_patient(a_patient())
            tx.audit("main", "x", NOW, actor="service", subject="p1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert ledger.empty()
    with ledger.read() as tx:
        assert list(tx.audit_trail()) == []


def test_a_read_cannot_write(ledger: SqlLedger):
    with pytest.raises(LedgerError), ledger.read() as tx:
        tx.save_patient(a_patient())
    assert ledger.empty()
    with ledger.write(None) as tx:  # the same connection writes again
        tx.save_patient(a_patient())
    assert not ledger.empty()


def test_a_read_goes_on_while_another_writes_and_sees_one_snapshot(ledger: SqlLedger):
    with ledger.write(None) as tx:
        tx.save_item(an_item("p1"), NOW)
    with ledger.write(None) as writing:
        writing.save_item(an_item("p2"), NOW)
        started = time.monotonic()
        assert names(ledger) == ["p1"]
        assert time.monotonic() - started < 5  # it did not wait for the writer
    assert names(ledger) == ["p1", "p2"]


@pytest.mark.failure("F25")
@pytest.mark.parametrize("leased", ["all", "none", "some"])
def test_writers_follow_each_other_and_lose_nothing(ledger: SqlLedger, leased: str):
    lease = ledger.acquire("main", "one", 60)
    with ledger.write(None) as tx:
        tx.save_projection(a_projection(tries=0), NOW)

    def count_up(number: int) -> None:
        mine = lease if leased == "all" or (leased == "some" and number % 2) else None
        for _ in range(10):
            with ledger.write(mine) as tx:
                row = tx.projection("main", "rp1-1")
                assert row is not None
                tx.save_projection(replace(row, tries=row.tries + 1), NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count_up, range(4)))
    with ledger.read() as tx:
        row = tx.projection("main", "rp1-1")
    assert row is not None
    assert row.tries == 40


def test_reading_and_writing_threads_share_a_ledger(ledger: SqlLedger):
    done = threading.Event()
    seen: list[int] = []

    def watch() -> None:
        while not done.is_set():
            with ledger.read() as tx:
                seen.append(len(tx.items()))

    watchers = [threading.Thread(target=watch) for _ in range(3)]
    for thread in watchers:
        thread.start()
    for number in range(20):
        with ledger.write(None) as tx:
            tx.save_item(an_item(f"p{number}"), NOW)
            tx.save_item(an_item(f"q{number}"), NOW)
    done.set()
    for thread in watchers:
        thread.join(20)
    assert seen
    assert all(count % 2 == 0 for count in seen)


def test_messages_hold_neither_values_nor_statements(ledger: SqlLedger):
    with ledger.write(None) as tx:
        tx.save_item(an_item("secret-patient", n=1), NOW)
    with pytest.raises(LedgerError) as caught, ledger.write(None) as tx:
        tx.save_item(an_item("secret-patient", n=2), NOW)
    shown = f"{caught.value!r} {caught.value.__cause__!r}"
    assert "secret-patient" not in shown
    assert "INSERT" not in shown
    assert caught.value.__suppress_context__


# -- COMMIT fails


@contextmanager
def a_reader_in_the_way(path: Path) -> Iterator[None]:
    """Another process's open read: SQLite's writer cannot commit while it lasts."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM item").fetchall()
        yield
        other.execute("ROLLBACK")


def write_without_patience(ledger: SqlLedger) -> None:
    with ledger.write(None) as tx:
        tx._connection.execute(text("PRAGMA busy_timeout=20"))
        tx.save_item(an_item("p1"), NOW)


@pytest.mark.failure("F10", "F25")
@on_sqlite
def test_a_commit_that_fails_is_a_ledger_error_and_the_ledger_goes_on(ledger: SqlLedger, tmp_path: Path):
    with a_reader_in_the_way(tmp_path / "ledger.db"):
        with pytest.raises(LedgerError, match="locked"):
            write_without_patience(ledger)
        assert names(ledger) == []
    with ledger.write(None) as tx:
        assert tx._connection.execute(text("PRAGMA busy_timeout")).scalar_one() == 10_000  # a new connection
        tx.save_item(an_item("p2"), NOW)
    assert names(ledger) == ["p2"]


# -- the process is killed

_WRITER = """
import os, sys, time
from service.store import open_ledger
from tests.store.builders import NOW, a_projection, an_item
from service.model.item import Desired
ledger = open_ledger(sys.argv[1])
text = "x" * 20_000
"""
_INSIDE = (
    _WRITER
    + """
with ledger.write(None) as tx:
    for n in range(400):  # 8 MB: more than SQLite's cache, so the file itself is being written
        tx.save_item(an_item(f"p{n}"), NOW)
        tx.save_projection(a_projection(f"rp{n}-1", desired=Desired({"text": text}, 1)), NOW)
    print("inside", flush=True)
    time.sleep(60)
"""
)
_LOOPING = (
    _WRITER
    + """
print("looping", flush=True)
for n in range(100_000):
    with ledger.write(None) as tx:
        tx.save_item(an_item(f"p{n:05}"), NOW)
        tx.save_projection(a_projection(f"rp{n:05}-1"), NOW)
        tx.audit("main", "item found", NOW, actor="service", subject=f"rp{n:05}-1")
    print(n, flush=True)
"""
)


def start(script: str, url: str) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", script, url], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() in ("inside", "looping")
    return process


def kill(process: subprocess.Popen[str]) -> str:
    """What it had still printed."""
    os.kill(process.pid, signal.SIGKILL)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    return rest


def integrity(ledger: SqlLedger) -> str:
    with ledger.read() as tx:
        return str(tx._connection.execute(text("PRAGMA integrity_check")).scalar_one())


@pytest.mark.failure("F2")
@on_sqlite
def test_a_process_killed_inside_a_transaction_leaves_none_of_it(database_url: str, tmp_path: Path):
    open_ledger(database_url).close()
    process = start(_INSIDE, database_url)
    assert (tmp_path / "ledger.db-journal").stat().st_size > 0
    kill(process)
    with open_ledger(database_url) as ledger:
        assert integrity(ledger) == "ok"
        assert ledger.empty()
        with ledger.write(None) as tx:  # its lock went with it
            tx.save_item(an_item("p1"), NOW)


@pytest.mark.failure("F2", "F9")
@on_sqlite
@pytest.mark.parametrize("seed", range(3))
def test_whenever_a_process_is_killed_what_it_acknowledged_is_there_and_whole(database_url: str, seed: int):
    process = start(_LOOPING, database_url)
    time.sleep(random.Random(seed).uniform(0.05, 0.4))
    acknowledged = [int(line) for line in kill(process).split("\n")[:-1]]
    with open_ledger(database_url) as ledger:
        assert integrity(ledger) == "ok"
        with ledger.read() as tx:
            items = {item.key for item in tx.items()}
            assert {row.key for row in tx.projections("main")} == items
            assert {row["subject"] for row in tx.audit_trail()} == items
    assert len(items) - len(acknowledged) in (0, 1)
    assert {f"rp{n:05}-1" for n in acknowledged} <= items
