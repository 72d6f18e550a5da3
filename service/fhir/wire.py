"""Bytes on the wire: one total deadline for an exchange, and whether anything of it was sent.

httpx2 counts its time-outs anew for each read, so a server that gives a byte now and then holds a worker for
ever (failure-model.md F27).  Here every socket operation gets what is left of the exchange.
"""

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import httpcore2
import httpx2

from service.ports import Clock

_CHUNK = 65_536


@dataclass(slots=True)
class Exchange:
    """One request and its answer."""

    clock: Clock
    deadline: float  # of clock.monotonic()
    may_be_sent: bool = False  # a byte of the request was given to the network

    def left(self, at_most: float | None) -> float:
        """Seconds that an operation may take.  Raises httpcore2.ReadTimeout when there are none."""
        left = self.deadline - self.clock.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("deadline")
        return left if at_most is None else min(left, at_most)


_current: ContextVar[Exchange] = ContextVar("exchange")


@contextmanager
def exchange(clock: Clock, deadline: float) -> Iterator[Exchange]:
    """The exchange that all traffic of this thread belongs to meanwhile."""
    found = Exchange(clock, deadline)
    token = _current.set(found)
    try:
        yield found
    finally:
        _current.reset(token)


class Transport(httpx2.BaseTransport):
    """HTTP/1.1 without proxies, retries or any look at the environment.

    Raises httpcore2's exceptions as they are.
    """

    def __init__(self, connections: int, ssl_context: ssl.SSLContext | None = None) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=ssl_context or httpcore2.default_ssl_context(),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=5.0,
            network_backend=_Network(),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, httpx2.SyncByteStream)  # noqa: S101 (sync clients make no other)
        answer = self._pool.handle_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Stream(httpcore2.NetworkStream):
    """A connection whose operations end with the exchange that is under way."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _current.get().left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        now = _current.get()
        for start in range(0, len(buffer), _CHUNK):
            left = now.left(timeout)
            now.may_be_sent = True
            self._inner.write(buffer[start : start + _CHUNK], left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _current.get().left(timeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Network(httpcore2.NetworkBackend):
    """Connects within the deadline; `localhost` must really be this machine."""

    def __init__(self) -> None:
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        left = _current.get().left(timeout)
        stream = self._inner.connect_tcp(host, port, left, local_address, socket_options)
        if host == "localhost" and not ip_address(stream.get_extra_info("server_addr")[0]).is_loopback:
            stream.close()
            raise httpcore2.ConnectError("localhost is another machine")
        return _Stream(stream)
