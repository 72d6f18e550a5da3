"""A real PostgreSQL for the tests: one server for a whole run, a database of its own for each test.

A test that asks for the fixture `database_url` runs on each kind of database, and gets the URL of an empty
one.  One that asks for `postgres` gets a `Server`; `with server.database() as url` gives an empty database,
which is dropped afterwards.  Without PostgreSQL the test fails and says what to install.
"""

import fcntl
import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.postgres.cluster import MissingPostgresError, binaries, connect, new_folder
from tests.postgres.keeper import RESTART, RESTARTED, WELCOME

ROOT = Path(__file__).parents[2]
SECONDS = 120  # initdb, start and recovery take 1 to 2 on an idle machine

KINDS = ("sqlite", "postgresql")

_LIBC = "LOCALE_PROVIDER libc LOCALE 'C'"  # ICU knows UTF8 alone

_numbers = itertools.count(1)


class Server:
    """A running cluster, as one process of the tests sees it."""

    def __init__(self, folder: Path, line: socket.socket) -> None:
        self.folder = folder
        self._line = line

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    @contextmanager
    def database(self, encoding: str = "UTF8") -> Iterator[str]:
        """The URL of an empty database; dropped at the end, whoever is still connected."""
        name = f"t{os.getpid()}_{next(_numbers)}"
        with connect(self.folder) as superuser:
            superuser.execute(
                f"CREATE DATABASE {name} TEMPLATE template0 ENCODING {encoding} {'' if encoding == 'UTF8' else _LIBC}"
            )
        try:
            yield self.url(name)
        finally:
            with connect(self.folder) as superuser:
                superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def restart(self) -> None:
        """As after a crash (`-m immediate`): every connection breaks, what was committed is recovered."""
        self._line.sendall(RESTART)
        assert self._line.recv(64) == RESTARTED


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that all processes of this run share."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with ExitStack() as stack:
        with (shared / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            note = shared / "postgres.folder"
            line = _join(Path(note.read_text())) if note.exists() else None
            if line is None:
                note.write_text(str(_start()))
                line = _join(Path(note.read_text()))
        assert line is not None, "PostgreSQL ended at once"
        yield Server(Path(note.read_text()), stack.enter_context(line))


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    server: Server = request.getfixturevalue("postgres")
    with server.database() as url:
        yield url


@contextmanager
def private_server() -> Iterator[Server]:
    """A server for this test alone, which it may restart."""
    folder = _start()
    line = _join(folder)
    assert line is not None, "PostgreSQL ended at once"
    with line:
        yield Server(folder, line)


def _start() -> Path:
    """Start a keeper and its cluster; gives the folder."""
    try:
        binaries()
    except MissingPostgresError as missing:
        pytest.fail(str(missing), pytrace=False)
    folder = new_folder()
    command = [sys.executable, "-m", "tests.postgres.keeper", str(folder)]
    said = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
    )
    if not (folder / "keeper").exists():
        pytest.fail(f"PostgreSQL did not start:\n{said.stderr.decode()}", pytrace=False)
    return folder


def _join(folder: Path) -> socket.socket | None:
    """A connection to the keeper, which keeps the server running; None when it has gone."""
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(SECONDS)
    try:
        line.connect(str(folder / "keeper"))
        if line.recv(64) == WELCOME:
            return line
    except OSError:
        pass
    line.close()
    return None
