"""Serving a WSGI application on loopback by waitress in a thread, started and stopped cleanly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from wsgiref.types import WSGIApplication

import waitress  # type: ignore[import-untyped]  # waitress ships no types
from waitress import wasyncore

from service.sandbox.app import MOUNT

_LOOP_SECONDS = 1.0  # how long the loop may sleep; a stop wakes it at once


@contextmanager
def serve(app: WSGIApplication, host: str = "127.0.0.1", port: int = 0, *, threads: int = 8) -> Iterator[str]:
    """Serve `app` while the context lasts; gives its FHIR base URL.  Port 0 takes a free port.

    Leaving ends the thread, waits up to 5 s for requests in hand and closes every connection.
    """
    sockets: dict[int, object] = {}
    server = waitress.create_server(app, map=sockets, host=host, port=port, threads=threads, ident=None)
    stopping = threading.Event()
    loop = threading.Thread(target=_loop, args=(sockets, stopping), name="sandbox", daemon=True)
    loop.start()
    try:
        yield f"http://{host}:{server.effective_port}{MOUNT}"
    finally:
        server.task_dispatcher.shutdown(timeout=5)
        stopping.set()
        server.pull_trigger()
        loop.join()
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        server.close()


def _loop(sockets: dict[int, object], stopping: threading.Event) -> None:
    while not stopping.is_set():
        wasyncore.loop(timeout=_LOOP_SECONDS, map=sockets, use_poll=True, count=1)
