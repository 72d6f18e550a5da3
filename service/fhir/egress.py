"""The one way out: every request to an EHR leaves through here (design decision 12).

Exact origin, no redirects, no proxies of the environment, one total deadline, a size cap after
decompression, the credential only to its own origin, a rate budget, a breaker; and of every failure,
whether the EHR may have processed the request.  Nothing is logged here, and the HTTP library's own log
lines, which hold URLs and headers, are off.
"""

import logging
import ssl
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy

import httpcore2
import httpx2

from service.fhir.auth import Auth, NoAuth
from service.fhir.base_url import BaseUrl
from service.fhir.budget import Breaker, RateBudget
from service.fhir.errors import FhirError, NotSentError, UnknownReplyError, UnreadableReplyError
from service.fhir.retry_after import http_date, retry_after
from service.fhir.traffic import Traffic
from service.fhir.wire import Exchange, Transport, exchange
from service.ports import Clock

for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

_UNAVAILABLE = frozenset({429, 502, 503, 504})
_UNAUTHORIZED = 401
_PIECE = 65_536
_GZIP = 31  # zlib: a gzip header is expected, window of 32 KiB


@dataclass(frozen=True, slots=True)
class EgressLimits:
    """Limits of one source; the defaults are those of interfaces.md and failure-model.md F26–F28."""

    deadline_seconds: float = 30.0
    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    max_bytes: int = 16 * 1024 * 1024  # of one answer, decompressed
    rate_per_second: float = 2.0
    concurrency: int = 4
    breaker_failures: int = 5
    breaker_probe_seconds: float = 60.0
    retry_after_cap_seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whatever its status; `url` is what was asked, for relative links."""

    status: int
    headers: Mapping[str, str]
    date: datetime | None  # the server's clock
    retry_after: float | None
    body: bytes = field(repr=False)
    url: httpx2.URL = field(repr=False)


class Egress:
    """Sends requests to one source; thread-safe.  Close it after use."""

    def __init__(
        self,
        base: BaseUrl,
        clock: Clock,
        *,
        auth: Auth | None = None,
        limits: EgressLimits | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.base = base
        self.auth = auth or NoAuth()
        self._clock = clock
        self._limits = limits or EgressLimits()
        self._budget = RateBudget(clock, self._limits.rate_per_second)
        self._breaker = Breaker(clock, self._limits.breaker_failures, self._limits.breaker_probe_seconds)
        self._client = httpx2.Client(
            transport=Transport(self._limits.concurrency * 2, ssl_context),
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": "reviewdue", "Accept-Encoding": "gzip"},
            timeout=httpx2.Timeout(
                self._limits.read_seconds,
                connect=self._limits.connect_seconds,
                pool=self._limits.connect_seconds,
            ),
        )
        # No session: one patient's cookie must not colour the next one's answers.
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.traffic = Traffic()

    @property
    def requests(self) -> int:
        """How many requests were sent so far, probes included."""
        return self.traffic.total

    @property
    def is_broken(self) -> bool:
        """Whether the EHR does not answer and is only probed now."""
        return self._breaker.is_open

    def close(self) -> None:
        self._client.close()

    def send(
        self,
        method: str,
        url: httpx2.URL,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """The answer to one request, its body read to the end; after a 401 the one to a new credential.

        A GET may wait for its turn before the deadline begins; any other method's deadline counts from the
        call, because its sender holds a lease.

        Raises ForeignUrlError (nothing sent), AuthError (no credential), NotSentError, UnknownReplyError (a
        byte was sent and no whole answer came), UnreadableReplyError (too large, or in a foreign encoding).
        """
        target = self.base.check(str(url))
        deadline = self._deadline()
        if self._breaker.must_probe():
            self._probe()
        self._budget.take(self._limits.deadline_seconds)
        if method == "GET":
            deadline = self._deadline()
        credential = self.auth.headers()
        reply = self._exchanged(method, target, {**(headers or {}), **credential}, body, deadline)
        if reply.status == _UNAUTHORIZED and self.auth.renew(credential):
            again = {**(headers or {}), **self.auth.headers()}
            reply = self._exchanged(method, target, again, body, deadline)
        return reply

    def _deadline(self) -> float:
        return self._clock.monotonic() + self._limits.deadline_seconds

    def _probe(self) -> None:
        """GET metadata, so that no row is risked on an EHR that may still be down."""
        self._budget.take(self._limits.deadline_seconds)
        headers = {"Accept": "application/fhir+json", "Cache-Control": "no-cache", **self.auth.headers()}
        try:
            reply = self._exchanged("GET", self.base.relative("metadata"), headers, None, self._deadline())
        except UnreadableReplyError:
            self._breaker.succeeded()  # it answers; whether that makes sense is the caller's question
            return
        except (NotSentError, UnknownReplyError):
            raise NotSentError("the EHR does not answer", self._limits.breaker_probe_seconds) from None
        if reply.status in _UNAVAILABLE:
            raise NotSentError("the EHR does not answer", reply.retry_after)

    def _exchanged(
        self, method: str, url: httpx2.URL, headers: dict[str, str], body: bytes | None, deadline: float
    ) -> Reply:
        status: int | None = None
        began = self._clock.monotonic()
        with exchange(self._clock, deadline) as now:
            try:
                reply = self._answer(method, url, headers, body)
                status = reply.status
            except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
                self._breaker.failed()
                raise _named(error, now) from None
            finally:
                self.traffic.saw(status, self._clock.monotonic() - began)
        self._judge(reply)
        return reply

    def _answer(self, method: str, url: httpx2.URL, headers: dict[str, str], body: bytes | None) -> Reply:
        with self._client.stream(method, url, headers=headers, content=body) as response:
            names = {name.lower(): value for name, value in response.headers.items()}
            content = b"".join(_decoded(response, self._limits.max_bytes))
        return Reply(
            status=response.status_code,
            headers=names,
            date=http_date(names.get("date", "")),
            retry_after=retry_after(names, now=self._clock.now(), cap=self._limits.retry_after_cap_seconds),
            body=content,
            url=url,
        )

    def _judge(self, reply: Reply) -> None:
        """What an answer says about the EHR as a whole."""
        if reply.status not in _UNAVAILABLE:
            self._breaker.succeeded()
            return
        self._breaker.failed()
        if reply.retry_after:
            self._budget.pause(reply.retry_after)


def _named(error: Exception, now: Exchange) -> FhirError:
    """The error by what to do next; the library's own text may hold a host or a header and is left out."""
    kind = "timed out" if isinstance(error, httpcore2.TimeoutException) else "the connection failed"
    if not now.may_be_sent:
        return NotSentError(f"{kind} before anything was sent")
    return UnknownReplyError(f"{kind} before the answer was complete")


def _decoded(response: httpx2.Response, cap: int) -> Iterator[bytes]:
    """The body, decompressed, at most `cap` bytes.  Raises UnreadableReplyError."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        yield from _capped(response.iter_raw(), cap)
    elif encoding in ("gzip", "x-gzip"):
        yield from _capped(_unzipped(response.iter_raw()), cap)
    else:
        raise UnreadableReplyError("an answer in an encoding that was not asked for")


def _capped(chunks: Iterator[bytes], cap: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > cap:
            raise UnreadableReplyError(f"an answer of more than {cap} bytes")
        yield chunk


def _unzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Small pieces, so that a bomb is noticed before it is in memory."""
    unzip = zlib.decompressobj(_GZIP)
    try:
        for chunk in chunks:
            waiting = chunk
            while waiting:
                if unzip.eof:  # another member follows
                    unzip = zlib.decompressobj(_GZIP)
                piece = unzip.decompress(waiting, _PIECE)
                yield piece
                waiting = unzip.unused_data if unzip.eof else unzip.unconsumed_tail
                if not waiting and len(piece) == _PIECE:
                    yield unzip.decompress(b"", _PIECE)  # what it read and could not give at once
    except zlib.error:
        raise UnreadableReplyError("an answer that is not the gzip it says it is") from None
    if not unzip.eof:
        raise UnreadableReplyError("an answer whose gzip ends too early")
