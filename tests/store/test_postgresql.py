"""What only PostgreSQL does: conflicts, lost connections, a COMMIT whose answer is lost, and TRUNCATE."""

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from service.ports import LedgerError
from service.store import SqlLedger, open_ledger
from service.store.engine import transaction
from tests.postgres.cluster import connect
from tests.postgres.server import Server
from tests.store.builders import NOW, a_patient

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def patients(ledger: SqlLedger) -> set[str]:
    with ledger.read() as tx:
        return set(tx.patients("main", ["p1", "p2", "p3"]))


@pytest.mark.parametrize("state", ["40001", "40P01", "57014", "53100", "XX000"])
def test_an_error_of_the_server_is_a_ledger_error_and_nothing_is_written(ledger: SqlLedger, state: str):
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'no luck' USING ERRCODE = '{state}', DETAIL = 'secret'; END $$"

    def write() -> None:
        with ledger.write(None) as tx:
            tx.save_patient(a_patient())
            tx._connection.execute(text(raising))

    with pytest.raises(LedgerError, match=r"^database: no luck$"):
        write()
    assert patients(ledger) == set()


def test_of_two_that_wait_for_each_other_one_is_told_and_the_other_goes_on(ledger: SqlLedger):
    leases = [ledger.acquire(source, "one", 60) for source in ("a", "b")]
    together = threading.Barrier(2, timeout=20)
    told: list[str] = []

    def cross(mine: int) -> None:
        try:
            with ledger.write(leases[mine]) as tx:
                together.wait()
                tx._connection.execute(
                    text("SELECT 1 FROM lease WHERE source_id = :s FOR UPDATE"), {"s": "ab"[1 - mine]}
                )
                tx.save_patient(a_patient(f"p{mine + 1}"))
        except LedgerError as problem:
            told.append(str(problem))

    threads = [threading.Thread(target=cross, args=[n]) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert told == ["database: deadlock detected"]
    assert len(patients(ledger)) == 1


@pytest.mark.failure("F25")
def test_a_lock_that_is_held_too_long_is_a_ledger_error(ledger: SqlLedger):
    lease = ledger.acquire("main", "one", 60)
    assert lease is not None
    with ledger.write(lease), pytest.raises(LedgerError, match="lock timeout"), ledger.write(None):
        pytest.fail("a writer without lease waits for all others")


@pytest.mark.failure("F25")
def test_a_connection_that_broke_between_two_transactions_is_replaced_silently(
    ledger: SqlLedger, postgres: Server, database_url: str
):
    with ledger.write(None) as tx:
        tx.save_patient(a_patient("p1"))
    break_connections(postgres, database_url)
    with ledger.write(None) as tx:
        tx.save_patient(a_patient("p2"))
    assert patients(ledger) == {"p1", "p2"}


def test_a_connection_that_breaks_inside_a_transaction_leaves_none_of_it(
    ledger: SqlLedger, postgres: Server, database_url: str
):
    def write() -> None:
        with ledger.write(None) as tx:
            tx.save_patient(a_patient("p1"))
            break_connections(postgres, database_url)

    with pytest.raises(LedgerError):
        write()
    assert patients(ledger) == set()
    with ledger.write(None) as tx:
        tx.save_patient(a_patient("p2"))
    assert patients(ledger) == {"p2"}


def break_connections(server: Server, url: str) -> None:
    """As an administrator, a failover or a restart does; returns when the backends are gone."""
    name = url.partition("@/")[2].partition("?")[0]
    with closing(connect(server.folder)) as superuser:
        superuser.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name]
        )


@pytest.mark.failure("F10")
@pytest.mark.parametrize("committed", [True, False])
def test_a_commit_whose_answer_is_lost_is_a_ledger_error_and_both_may_be_true(
    postgres: Server, database_url: str, tmp_path: Path, committed: bool
):
    open_ledger(database_url).close()
    with (
        a_line_that_breaks_at_commit(postgres.folder, tmp_path / "line", committed=committed) as broken,
        open_ledger(database_url.partition("host=")[0] + f"host={tmp_path / 'line'}") as ledger,
    ):
        broken.set()
        with pytest.raises(LedgerError), ledger.write(None) as tx:
            tx.save_patient(a_patient("p1"))
        broken.clear()
        assert patients(ledger) == ({"p1"} if committed else set())  # read again: the only way to know
        with ledger.write(None) as tx:
            tx.save_patient(a_patient("p1"))  # and again does no harm
        assert patients(ledger) == {"p1"}


@contextmanager
def a_line_that_breaks_at_commit(server: Path, folder: Path, *, committed: bool) -> Iterator[threading.Event]:
    """A socket in front of the server's; while the event is set it breaks at a COMMIT, sent on or not."""
    folder.mkdir()
    breaking, over = threading.Event(), threading.Event()

    def carry(client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as there, selectors.DefaultSelector() as watched:
            there.connect(str(server / ".s.PGSQL.5432"))
            for end in (client, there):
                watched.register(end, selectors.EVENT_READ)
            while not over.is_set():
                for key, _ in watched.select(0.1):
                    data = key.fileobj.recv(65536)
                    ends = key.fileobj is client and breaking.is_set() and b"COMMIT" in data
                    if not ends or committed:
                        (there if key.fileobj is client else client).sendall(data)
                    if ends and committed:
                        there.recv(65536)  # done, but nobody hears of it
                    if ends or not data:
                        return

    def listen(door: socket.socket) -> None:
        carriers = []
        while not over.is_set():
            try:
                carriers.append(threading.Thread(target=carry, args=[door.accept()[0]]))
            except TimeoutError:
                continue
            carriers[-1].start()
        for each in carriers:
            each.join()

    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(folder / ".s.PGSQL.5432"))
        door.listen()
        door.settimeout(0.1)
        thread = threading.Thread(target=listen, args=[door])
        thread.start()
        try:
            yield breaking
        finally:
            over.set()
            thread.join()


@pytest.mark.failure("I6")
@pytest.mark.parametrize("statement", ["TRUNCATE audit", "TRUNCATE audit CASCADE", "TRUNCATE item, audit"])
def test_the_audit_cannot_be_truncated(ledger: SqlLedger, statement: str):
    with ledger.write(None) as tx:
        tx.audit("main", "release on", NOW, actor="operator", subject="main")
    with (
        pytest.raises(LedgerError, match="append-only"),
        transaction(ledger._engine, write=True) as connection,
    ):
        connection.execute(text(statement))
    with ledger.read() as tx:
        assert len(list(tx.audit_trail())) == 1


def test_an_upsert_of_a_row_of_the_audit_is_refused(ledger: SqlLedger):
    with ledger.write(None) as tx:
        tx.audit("main", "release on", NOW, actor="operator", subject="main")
    again = (
        "INSERT INTO audit (id, at, actor, act, subject, detail) VALUES (1, 0, 'x', 'x', 'x', 'x') "
        "ON CONFLICT (id) DO UPDATE SET actor = 'x'"
    )
    with (
        pytest.raises(LedgerError, match="append-only"),
        transaction(ledger._engine, write=True) as connection,
    ):
        connection.execute(text(again))
