"""Typed FHIR calls to one source: read, search, create, update; each error says what to do next."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import stamina
from stamina.instrumentation import set_on_retry_hooks

from service.fhir.egress import Egress, Reply
from service.fhir.errors import (
    DroppedFilterError,
    FhirError,
    FhirRejectedError,
    FhirUnavailableError,
    NotSentError,
    UnknownReplyError,
    UnreadableReplyError,
)
from service.fhir.judge import create_error, located, read_error, update_error
from service.fhir.page import Page, is_outcome, read_page, read_resource
from service.fhir.paging import Progress, dropped
from service.record.read import Reading

set_on_retry_hooks([])  # stamina would print a line of its own for each retry

_JSON = "application/fhir+json"
_READ = {"Accept": _JSON, "Cache-Control": "no-cache"}
_PAGE = {"Accept": _JSON}
_SEARCH = {**_READ, "Prefer": "handling=strict"}
_WRITE = {"Accept": _JSON, "Content-Type": _JSON, "Prefer": "return=representation"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_NO_POST_SEARCH = frozenset({400, 403, 404, 405, 406, 415})
_PATIENT_TIME = 5.0  # a longer Retry-After is not waited for inside a cycle

Params = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Limits of reading; the defaults are those of interfaces.md and failure-model.md F26."""

    page_size: int = 200
    max_entries: int = 10_000  # in one page
    max_pages: int = 20_000
    max_empty_pages: int = 10  # in a row
    attempts: int = 3
    first_wait_seconds: float = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """A resource read by id."""

    reading: Reading
    version: str | None  # ETag as given
    date: datetime | None  # the server's clock


@dataclass(frozen=True, slots=True)
class Written:
    """What the EHR says of a create or an update; without a body it must be read back."""

    reference: str  # "Task/55"
    created: bool  # 201
    version: str | None  # ETag as given
    body: bytes | None = field(repr=False)
    date: datetime | None = None


class FhirClient:
    """Calls to one source; thread-safe.  Reads are tried a few times, writes never twice.

    Every call raises AuthError and ForeignUrlError; the others are named with each.
    """

    def __init__(self, egress: Egress, limits: ReadLimits | None = None) -> None:
        self.egress = egress
        self.limits = limits or ReadLimits()
        self._posts_searches = True

    @property
    def requests(self) -> int:
        return self.egress.requests

    # -- reading ---------------------------------------------------------------------------------

    def metadata(self) -> Mapping[str, Any]:
        """The CapabilityStatement.  Raises as `read` does."""
        reply = self._get(self.egress.base.relative("metadata"), _READ)
        read_resource(reply.body, "CapabilityStatement")
        found: Mapping[str, Any] = json.loads(reply.body)
        return found

    def read(self, kind: str, id: str) -> Found:  # noqa: A002 (FHIR's name)
        """One resource.

        Raises NotFoundError, GoneError, FhirUnavailableError, FhirRejectedError, UnreadableReplyError (also
        for a resource that is another than the one asked for).
        """
        url = self.egress.base.relative(f"{kind}/{quote(id, safe='')}")
        reply = self._get(url, _READ, by_id=True)
        reading = read_resource(reply.body, kind)
        if reading.reference != f"{kind}/{id}":
            raise UnreadableReplyError(f"another {kind} than the one asked for")
        return Found(reading, reply.headers.get("etag"), reply.date)

    def search(
        self, kind: str, params: Params, *, fresh: bool = True, private: bool = False
    ) -> Iterator[Page]:
        """The pages of a search, as they come; the end without an error means that it was read to the end.

        `fresh`: not from a cache of the server.  `private`: the parameters name people, so they are sent in
        the body where the server takes that.  Rows that came before an error are good.

        Raises FhirUnavailableError, FhirRejectedError, UnreadableReplyError; ForeignUrlError for a `next`
        outside the base; IncompleteError where the answer is not proven to be all.
        """
        sent = [*params, ("_count", str(self.limits.page_size))]
        progress = Progress(kind, self.limits.max_pages, self.limits.max_empty_pages)
        headers = _SEARCH if fresh else {**_PAGE, "Prefer": _SEARCH["Prefer"]}
        page, url = self._first_page(kind, sent, headers, private=private)
        lost = dropped(page.self_url, sent)
        while True:
            progress.saw(page)
            yield page
            if lost:
                raise DroppedFilterError(lost)
            if page.next_url is None:
                break
            url = self.egress.base.resolve(page.next_url, url)
            progress.goes_to(url)
            reply = self._get(url, _PAGE)
            page = self._page(reply)
        progress.ends()

    def _first_page(
        self, kind: str, params: Params, headers: Mapping[str, str], *, private: bool
    ) -> tuple[Page, httpx2.URL]:
        if private and self._posts_searches:
            form = urlencode(params).encode()
            url = self.egress.base.relative(f"{kind}/_search")
            try:
                reply = self._get(url, {**headers, **_FORM}, form=form)
                return self._page(reply), url
            except FhirRejectedError as error:
                if error.status not in _NO_POST_SEARCH:
                    raise
            except UnreadableReplyError:
                pass
            found = self._get_page(kind, params, headers)  # raises where it is not the POST that was refused
            self._posts_searches = False
            return found
        return self._get_page(kind, params, headers)

    def _get_page(self, kind: str, params: Params, headers: Mapping[str, str]) -> tuple[Page, httpx2.URL]:
        url = self.egress.base.relative(kind, urlencode(params))
        return self._page(self._get(url, headers)), url

    def _page(self, reply: Reply) -> Page:
        return read_page(reply.body, reply.date, max_entries=self.limits.max_entries)

    def _get(
        self,
        url: httpx2.URL,
        headers: Mapping[str, str],
        *,
        by_id: bool = False,
        form: bytes | None = None,
    ) -> Reply:
        """A 200, after a few attempts."""
        for attempt in stamina.retry_context(
            on=_worth_waiting,
            attempts=self.limits.attempts,
            timeout=None,
            wait_initial=self.limits.first_wait_seconds,
            wait_jitter=self.limits.first_wait_seconds,
        ):
            with attempt:
                return self._get_once(url, headers, by_id=by_id, form=form)
        raise AssertionError("unreachable")  # pragma: no cover

    def _get_once(
        self, url: httpx2.URL, headers: Mapping[str, str], *, by_id: bool, form: bytes | None
    ) -> Reply:
        try:
            reply = self.egress.send("GET" if form is None else "POST", url, headers=headers, body=form)
        except NotSentError as error:
            raise FhirUnavailableError(str(error), error.retry_after) from None
        except UnknownReplyError as error:
            raise FhirUnavailableError(str(error)) from None
        failed = read_error(reply, by_id=by_id)
        if failed is not None:
            raise failed
        return reply

    # -- writing ---------------------------------------------------------------------------------

    def create(self, kind: str, body: bytes, *, if_none_exist: str | None = None) -> Written:
        """POST a new resource; `if_none_exist` is a query, e.g. `identifier=system|key`, not yet encoded.

        Raises NotSentError, UnknownReplyError, ChannelError, RejectedError (SeveralMatchError on 412).
        """
        headers = dict(_WRITE)
        if if_none_exist is not None:
            headers["If-None-Exist"] = quote(if_none_exist, safe="=|&:/._-")
        reply = self._write("POST", self.egress.base.relative(kind), headers, body)
        _raise(create_error(reply, conditional=if_none_exist is not None))
        return _written(reply, kind, located(reply, kind))

    def update(
        self,
        kind: str,
        id: str,  # noqa: A002 (FHIR's name)
        body: bytes,
        *,
        if_match: str | None = None,
        if_none_match_any: bool = False,
    ) -> Written:
        """PUT a resource; `if_none_match_any`: only if nothing has this id yet.

        Raises NotSentError, UnknownReplyError, ChannelError, RejectedError, StaleError, GoneError, and
        NotFoundError unless `if_none_match_any`.
        """
        headers = dict(_WRITE)
        if if_match is not None:
            headers["If-Match"] = if_match
        if if_none_match_any:
            headers["If-None-Match"] = "*"
        url = self.egress.base.relative(f"{kind}/{quote(id, safe='')}")
        reply = self._write("PUT", url, headers, body)
        _raise(update_error(reply, create=if_none_match_any))
        return _written(reply, kind, f"{kind}/{id}")

    def _write(self, method: str, url: httpx2.URL, headers: Mapping[str, str], body: bytes) -> Reply:
        try:
            return self.egress.send(method, url, headers=headers, body=body)
        except UnreadableReplyError as error:
            raise UnknownReplyError(str(error)) from None


def _raise(error: FhirError | None) -> None:
    if error is not None:
        raise error


def _worth_waiting(error: Exception) -> bool | float:
    """For stamina: whether a read is tried again, and after how long at least."""
    if not isinstance(error, FhirUnavailableError):
        return False
    if error.retry_after is None:
        return True
    return error.retry_after if error.retry_after <= _PATIENT_TIME else False


def _written(reply: Reply, kind: str, reference: str | None) -> Written:
    """The success.  Raises UnknownReplyError where it cannot be told what was written."""
    body: bytes | None = None
    if reply.body.strip():
        try:
            found = read_resource(reply.body, kind)
        except UnreadableReplyError as error:
            if not is_outcome(reply.body):
                raise UnknownReplyError(f"{reply.status} with {error}") from None
        else:
            body = reply.body
            reference = _agreed(reference, found.reference)
    if reference is None:
        raise UnknownReplyError(f"{reply.status} without the id of what was written")
    return Written(reference, reply.status == 201, reply.headers.get("etag"), body, reply.date)


def _agreed(named: str | None, found: str) -> str:
    if named not in (None, found):
        raise UnknownReplyError("the answer is about another resource than its address")
    return found
