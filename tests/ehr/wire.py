"""Faults of the connection itself: no answer, a reset, half an answer, an answer that drips."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from waitress.channel import ClientDisconnected  # type: ignore[import-untyped]  # waitress ships no types

from tests.ehr.replies import WIRE

DRIP_SECONDS = 0.05  # for each byte


class Wire:
    """Around the application: does to the connection what a WIRE header asks for, and never sends that header."""

    def __init__(self, app: WSGIApplication, stopping: threading.Event) -> None:
        self._app = app
        self._stopping = stopping

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def note(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started.append((status, headers))
            return None

        content = b"".join(self._app(environ, note))
        status, headers = started[-1]
        marker = next((value for name, value in headers if name.lower() == WIRE.lower()), "")
        if marker in ("hang-up", "reset"):
            if marker == "reset":
                _reset_on_close(environ)
            raise ClientDisconnected  # waitress then closes the connection without a word
        start_response(status, [(name, value) for name, value in headers if name.lower() != WIRE.lower()])
        if marker == "cut":
            return [content[: len(content) // 2]]
        return self._dripping(content) if marker == "drip" else [content]

    def _dripping(self, content: bytes) -> Iterator[bytes]:
        for position in range(len(content)):
            if self._stopping.wait(DRIP_SECONDS):
                return
            yield content[position : position + 1]


def _reset_on_close(environ: WSGIEnvironment) -> None:
    """Let the close of this connection be a TCP reset; the way to its socket is waitress's own."""
    channel = environ["waitress.client_disconnected"].__self__
    channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
