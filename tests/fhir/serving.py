"""A server that answers byte for byte as a test says, and keeps what it was asked; and clocks to go with it."""

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from service.fhir.base_url import BaseUrl
from service.fhir.client import FhirClient, ReadLimits
from service.fhir.egress import Egress, EgressLimits

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


@dataclass
class Asked:
    """A request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


Reply = bytes | Callable[[socket.socket], None]
"""Bytes to send as they are, or what to do with the connection."""


@dataclass
class Serving:
    base: str
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0


@contextmanager
def serving(answer: Callable[[Asked], Reply]) -> Iterator[Serving]:
    """Serve on loopback; each connection is closed after one answer."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            running.connections += 1
            first = self.rfile.readline().decode("latin-1").split()
            if len(first) < 2:
                return
            headers: dict[str, str] = {}
            while (line := self.rfile.readline().decode("latin-1").strip()) != "":
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = self.rfile.read(int(headers.get("content-length", 0)))
            asked = Asked(first[0], first[1], headers, body)
            running.asked.append(asked)
            reply = answer(asked)
            try:
                if callable(reply):
                    reply(self.connection)
                else:
                    self.connection.sendall(reply)
            except OSError:
                pass  # the client went away, as some tests want

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = False

    with Server(("127.0.0.1", 0), Handler) as server:
        running = Serving(f"http://127.0.0.1:{server.server_address[1]}/fhir")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()


def always(answer: Reply) -> Callable[[Asked], Reply]:
    """The same to every request."""
    return lambda _: answer


def in_turn(*answers: Reply) -> Callable[[Asked], Reply]:
    """One after the other."""
    left = iter(answers)
    return lambda _: next(left)


def reply(status: int = 200, body: Any = b"", **headers: Any) -> bytes:
    """A whole answer; `body` is bytes or becomes JSON; `retry_after=1` is the header Retry-After."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"content-length": len(content), "connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + content


def patient(id_: str = "p1", **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id_} | elements


def bundle(*resources: Mapping[str, Any], **elements: Any) -> dict[str, Any]:
    """A searchset with a self link, of these resources; an element that is None is left out."""
    whole = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "self", "url": "http://ehr.invalid/elsewhere"}],
        "entry": [{"resource": resource, "search": {"mode": "match"}} for resource in resources],
    } | elements
    return {name: value for name, value in whole.items() if value is not None}


def outcome(code: str, *, severity: str = "error", own: str | None = None) -> dict[str, Any]:
    issue: dict[str, Any] = {"severity": severity, "code": code}
    if own is not None:
        issue["details"] = {"coding": [{"code": own}]}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


class RealClock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class LeapingClock:
    """Time passes only by sleeping."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


QUICK = {"rate_per_second": 10_000.0, "breaker_failures": 1_000}


@contextmanager
def an_egress(base: str, clock: Any = None, auth: Any = None, **limits: Any) -> Iterator[Egress]:
    """An egress without a noticeable rate or breaker unless `limits` say so."""
    used = EgressLimits(**{**QUICK, **limits})
    egress = Egress(BaseUrl(base), clock or RealClock(), auth=auth, limits=used)
    try:
        yield egress
    finally:
        egress.close()


@contextmanager
def a_client(base: str, clock: Any = None, auth: Any = None, **limits: Any) -> Iterator[FhirClient]:
    """A client that hardly waits between its attempts; limits of reading and of the egress by name."""
    reading = {name: limits.pop(name) for name in ReadLimits.__slots__ if name in limits}
    with an_egress(base, clock, auth, **limits) as egress:
        yield FhirClient(egress, ReadLimits(**{"first_wait_seconds": 0.001, **reading}))
