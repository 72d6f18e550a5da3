"""Keeps one cluster for several processes: `python -m tests.postgres.keeper FOLDER`.

Goes to the background and ends its output when the server is ready.  Whoever uses the cluster holds a
connection to the socket `keeper` in the folder; after the last one is gone, however it ended, the server is
stopped and the folder removed.  So a test run that is killed leaves no server behind.  A line `restart` on
such a connection restarts the server at once, as after a crash.
"""

import os
import selectors
import shutil
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import cast

from tests.postgres.cluster import Cluster

SECONDS_TO_THE_FIRST_USER = 60
WELCOME = b"ready\n"
RESTART = b"restart\n"
RESTARTED = b"restarted\n"


def main() -> None:
    if os.fork():
        return
    os.setsid()
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # its users decide how long it runs
    folder = Path(sys.argv[1])
    cluster = Cluster(folder)
    try:
        with socket.socket(socket.AF_UNIX) as door:
            cluster.start()
            door.bind(str(folder / "keeper"))
            door.listen()
            _close_output(folder / "log")
            _serve(door, cluster)
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _close_output(log: Path) -> None:
    """Our output goes to the log from here on; whoever waits for its end sees it."""
    with log.open("ab") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)


def _serve(door: socket.socket, cluster: Cluster) -> None:
    """Until the last user has gone, or nobody came."""
    with selectors.DefaultSelector() as watched:
        watched.register(door, selectors.EVENT_READ)
        users: set[socket.socket] = set()
        while ready := watched.select(None if users else SECONDS_TO_THE_FIRST_USER):
            for key, _ in ready:
                if key.fileobj is door:
                    user, _ = door.accept()
                    user.sendall(WELCOME)
                    users.add(user)
                    watched.register(user, selectors.EVENT_READ)
                elif not _answer(user := cast("socket.socket", key.fileobj), cluster):
                    watched.unregister(user)
                    users.discard(user)
                    user.close()
            if not users:
                return


def _answer(user: socket.socket, cluster: Cluster) -> bool:
    """Do what a user asks; False when it is gone."""
    with suppress(ConnectionError):
        if user.recv(64) == RESTART:
            cluster.stop(signal.SIGQUIT)
            cluster.start()
            user.sendall(RESTARTED)
            return True
    return False


if __name__ == "__main__":
    main()
