"""Serving a WSGI application by waitress; leaving finishes what is in flight."""

import socket
import threading
from typing import Self
from wsgiref.types import WSGIApplication

import waitress  # type: ignore[import-untyped]  # waitress ships no types
from waitress import wasyncore

from service.ports import Clock

_LOOP_SECONDS = 0.5  # how long the loop may sleep; a stop wakes it at once
_CONNECTIONS = 1000
_DRAIN_SECONDS = 8.0  # what is in flight may take until then; a container is killed after 10


class Server:
    """Serves `app` on its own threads while the context lasts; port 0 takes a free port.

    Raises OSError where the address cannot be listened on.
    """

    def __init__(self, app: WSGIApplication, clock: Clock, host: str, port: int, threads: int = 8) -> None:
        self._clock = clock
        self._sockets: dict[int, object] = {}
        self._server = waitress.create_server(
            app,
            map=self._sockets,
            sockets=[_listening(host, port)],
            threads=threads,
            connection_limit=_CONNECTIONS,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
        self._host = host
        self._stopping = threading.Event()
        self._loop_thread = threading.Thread(target=self._loop, name="web", daemon=True)

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._server.effective_port}"

    def __enter__(self) -> Self:
        self._loop_thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Accept nothing more, wait for what is in hand, close every connection."""
        server = self._server
        server.accepting = False
        server.pull_trigger()
        done = threading.Event()
        until = self._clock.monotonic() + _DRAIN_SECONDS
        while self._in_hand() and self._clock.monotonic() < until:
            done.wait(0.02)
        server.task_dispatcher.shutdown(timeout=1)
        self._stopping.set()
        server.pull_trigger()
        self._loop_thread.join()
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        server.close()

    def _in_hand(self) -> bool:
        """Whether a request that has come in is not answered to its last byte."""
        channels = list(self._server.active_channels.values())
        return any(channel.requests or channel.total_outbufs_len for channel in channels)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=_LOOP_SECONDS, map=self._sockets, use_poll=True, count=1)


def _listening(host: str, port: int) -> socket.socket:
    """A bound socket, made before waitress starts its threads: it leaves them behind where it cannot bind."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)
