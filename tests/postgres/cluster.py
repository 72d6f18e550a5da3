"""A PostgreSQL cluster of the tests' own: made in a folder, started, stopped by its own process id.

It listens on a socket in that folder and nowhere else, and runs as `postgres` when we are root, which
PostgreSQL refuses to be.  Nothing of an installed server is touched.
"""

import os
import pwd
import re
import select
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from service.store.schema import OLDEST_POSTGRESQL as OLDEST

SECONDS_TO_START = 60
SECONDS_TO_STOP = 20
_LONGEST = 60  # characters of a folder whose socket's path is not too long for the system (107)
_LOG_END = 4000
_LANGUAGE = ("--locale-provider=icu", "--icu-locale=en-US")  # sorts "a" before "B": nobody may depend on it
_SETTINGS = (
    "listen_addresses=",
    "fsync=off",  # the machine does not lose its power in a test; the server may be killed all the same
    "synchronous_commit=off",
    "max_connections=200",
    "shared_buffers=64MB",
    "autovacuum=off",
    "timezone=Asia/Kathmandu",  # nobody may depend on the server's time zone
    "lc_messages=C",
)


class MissingPostgresError(Exception):
    """Says what to install."""


def binaries() -> Path:
    """The folder of the newest server programs; raises MissingPostgresError."""
    found = {_version(folder): folder for folder in _folders() if (folder / "initdb").exists()}
    newest = max(found, default=0)
    if newest < OLDEST:
        raise MissingPostgresError(f"PostgreSQL {OLDEST} or newer is missing: run tests/postgres/install.sh")
    return found[newest]


def _folders() -> list[Path]:
    beside = shutil.which("initdb")
    return [*Path("/usr/lib/postgresql").glob("*/bin"), *([Path(beside).resolve().parent] if beside else [])]


def _version(folder: Path) -> int:
    said = subprocess.run([folder / "initdb", "--version"], capture_output=True, text=True, check=True).stdout
    number = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(number[1]) if number else 0


def new_folder() -> Path:
    """An empty folder for a cluster, with a path that is short enough for its socket."""
    where = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="reviewdue-pg-", dir=where if len(where) < _LONGEST else "/tmp"))  # noqa: S108 (mkdtemp makes it ours alone)


class Cluster:
    """One cluster in `folder`; `start` makes it the first time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._binaries = binaries()
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers; raises RuntimeError with the end of its log."""
        if not (self.folder / "data").exists():
            self._make()
        options = [part for setting in _SETTINGS for part in ("-c", setting)]
        command = [self._binaries / "postgres", "-D", self.folder / "data", "-k", self.folder, *options]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log, **self._somebody())
        for _ in range(SECONDS_TO_START * 20):
            if self._server.poll() is not None:
                break
            if _answers(self.folder):
                return
            select.select([], [], [], 0.05)
        end = (self.folder / "log").read_text(errors="replace")[-_LOG_END:]
        self.stop(signal.SIGQUIT)
        raise RuntimeError(f"PostgreSQL did not start:\n{end}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: fast; SIGQUIT: immediate, as if it had been killed."""
        if self._server is None:
            return
        self._server.send_signal(how)
        try:
            self._server.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._server = None

    def _make(self) -> None:
        who = self._somebody()
        if "user" in who:
            os.chown(self.folder, who["user"], who["group"])
        command = [self._binaries / "initdb", "-D", self.folder / "data", "-A", "trust", "-U", "postgres"]
        command += ["--no-sync", "-E", "UTF8", "--locale=C", *_LANGUAGE]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **who)
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{done.stderr[-_LOG_END:]}")

    def _somebody(self) -> dict[str, Any]:
        """Who runs it, for `subprocess`: ourselves, unless we are root."""
        if os.geteuid() != 0:
            return {}
        try:
            entry = pwd.getpwnam("postgres")
        except KeyError:
            entry = pwd.getpwnam("nobody")
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": self.folder}


def _answers(folder: Path) -> bool:
    try:
        connect(folder).close()
    except psycopg.OperationalError:
        return False
    return True


def connect(folder: Path, database: str = "postgres") -> psycopg.Connection[Any]:
    """A connection of the superuser, outside of transactions."""
    return psycopg.connect(host=str(folder), user="postgres", dbname=database, autocommit=True)
