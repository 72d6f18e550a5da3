"""What the server does with a request: FHIR's interactions over the store, without Flask or sockets."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import format_datetime

from service.sandbox.batch import run_batch
from service.sandbox.capability import capability_statement
from service.sandbox.message import Answer, Request, read_query
from service.sandbox.outcome import FhirError, Resource, operation_outcome
from service.sandbox.paging import PAGE_PARAMETERS, Pages
from service.sandbox.parameters import PARAMETERS
from service.sandbox.search import View, read_search, run
from service.sandbox.store import Store, Version
from service.sandbox.validation import check

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")


def current_version(version: Version) -> Version:
    """The honest view: a search sees what is stored."""
    return version


class Interactions:
    """A FHIR server without a wire.  `handle` never raises for anything a client sends.

    `view` is what searches see of a resource, `condition_view` what If-None-Exist sees; honest by default.
    """

    def __init__(
        self,
        store: Store,
        *,
        view: View = current_version,
        condition_view: View = current_version,
        page_size: int = 20,
        most_per_page: int = 200,
        kept_searches: int = 200,
    ) -> None:
        self.store = store
        self._condition_view = condition_view
        self.pages = Pages(store, view, page_size=page_size, most_per_page=most_per_page, kept=kept_searches)

    def handle(self, request: Request) -> Answer:
        """Answer one request; what is refused is answered with an OperationOutcome."""
        try:
            return self._dispatch(request)
        except FhirError as error:
            return Answer(error.status, operation_outcome(error.status, error.diagnostics), error.headers)

    def _dispatch(self, request: Request) -> Answer:
        """Find the interaction by the shape of the path; each runs under the store's lock."""
        with self.store.lock:
            self.store.requests[("batch: " if request.in_batch else "") + _counted_as(request)] += 1
            match request.segments:
                case []:
                    return self._on(request, GET=self._page, POST=self._batch)
                case ["metadata"]:
                    return self._on(request, GET=self._metadata)
                case [type_] if type_ in PARAMETERS:
                    return self._on(request, GET=self._search, POST=self._create)
                case [type_, "_search"] if type_ in PARAMETERS:
                    return self._on(request, POST=self._search)
                case [type_, _] if type_ in PARAMETERS:
                    return self._on(request, GET=self._read, PUT=self._update, DELETE=self._delete)
                case [type_, _, "_history", _] if type_ in PARAMETERS:
                    return self._on(request, GET=self._read_version)
                case [type_, *_] if type_ not in PARAMETERS:
                    raise FhirError(404, f"unknown resource type {type_!r}")
        raise FhirError(404, "no such resource or operation")

    def _on(self, request: Request, **by_method: Callable[[Request], Answer]) -> Answer:
        interaction = by_method.get(request.method)
        if interaction is None:
            raise FhirError(405, f"{request.method} is not possible here", {"Allow": ", ".join(by_method)})
        return interaction(request)

    # Reading

    def _metadata(self, request: Request) -> Answer:
        return Answer(200, capability_statement(request.base, self.store.now()))

    def _read(self, request: Request) -> Answer:
        type_, id_ = request.segments
        version = self.store.current(type_, id_)
        if version is None:
            raise FhirError(404, f"{type_}/{id_} is not known")
        if version.resource is None:
            raise FhirError(410, f"{type_}/{id_} was deleted", {"Location": _version_url(request, version)})
        if _names_version(request.headers.get("if-none-match", ""), version):
            return Answer(304, None, _version_headers(version))
        return Answer(200, version.resource, _version_headers(version))

    def _read_version(self, request: Request) -> Answer:
        type_, id_, _, number = request.segments
        for version in self.store.history(type_, id_):
            if str(version.number) == number:
                if version.resource is None:
                    raise FhirError(410, f"version {number} is the deletion")
                return Answer(200, version.resource, _version_headers(version))
        raise FhirError(404, f"{type_}/{id_} has no version {number}")

    def _search(self, request: Request) -> Answer:
        lenient = request.prefers("handling") == "lenient"
        search = read_search(request.segments[0], request.parameters(), lenient=lenient)
        return Answer(200, self.pages.first(search, request.base))

    def _page(self, request: Request) -> Answer:
        parameters = dict(request.parameters())
        if PAGE_PARAMETERS[0] not in parameters:
            raise FhirError(400, "a search names a resource type")
        return Answer(200, self.pages.further(parameters, request.base))

    # Writing

    def _create(self, request: Request) -> Answer:
        content = _resource_of_type(request)
        condition = request.headers.get("if-none-exist")
        if condition is not None:
            found = self._matching(request.segments[0], condition)
            if len(found) > 1:
                raise FhirError(412, f"If-None-Exist matches {len(found)} resources")
            if found:
                return self._written(request, found[0], 200)
        check(content)
        content.pop("id", None)  # the server chooses; an id in the body of a create is ignored
        return self._written(request, self.store.put(content), 201)

    def _matching(self, type_: str, condition: str) -> list[Version]:
        """Give what If-None-Exist finds; `Task?` in front and percent-encoding are understood."""
        pairs = read_query(condition.partition("?")[2] or condition)
        search = read_search(type_, pairs)
        if not search.matchers:
            raise FhirError(400, "If-None-Exist names no search parameter")
        return run(search, self.store, self._condition_view)

    def _update(self, request: Request) -> Answer:
        type_, id_ = request.segments
        content = _resource_of_type(request)
        if content.get("id") != id_:
            raise FhirError(400, "the id in the resource has to be the id in the URL")
        current = self.store.current(type_, id_)
        _check_preconditions(request, current)
        if current is None and not _is_client_id(id_):
            raise FhirError(400, "an id has letters, digits, - and . only, at most 64, and not digits alone")
        check(content)
        created = current is None or current.resource is None
        return self._written(request, self.store.put(content), 201 if created else 200)

    def _delete(self, request: Request) -> Answer:
        type_, id_ = request.segments
        _check_preconditions(request, self.store.current(type_, id_))
        gone = self.store.delete(type_, id_)
        text = "deleted" if gone else "there was nothing to delete"
        headers = _version_headers(gone) if gone else {}
        return Answer(200, operation_outcome(200, text, severity="information"), headers)

    def _batch(self, request: Request) -> Answer:
        return run_batch(request, self.handle)

    def _written(self, request: Request, version: Version, status: int) -> Answer:
        headers = _version_headers(version) | {"Location": _version_url(request, version)}
        preferred = request.prefers("return")
        if preferred == "minimal":
            return Answer(status, None, headers)
        if preferred == "OperationOutcome":
            return Answer(status, operation_outcome(status, "stored", severity="information"), headers)
        return Answer(status, version.resource, headers)


def _resource_of_type(request: Request) -> Resource:
    content = request.resource()
    if content.get("resourceType") != request.segments[0]:
        raise FhirError(400, f"the body has to be a {request.segments[0]}")
    return content


def _check_preconditions(request: Request, current: Version | None) -> None:
    """Raise FhirError 412 where If-Match or If-None-Match does not hold (RFC 9110, 13.1)."""
    live = current if current is not None and current.resource is not None else None
    wanted = request.headers.get("if-match")
    if wanted is not None and (live is None or not _names_version(wanted, live)):
        raise FhirError(412, "If-Match names another version than the current one")
    if request.headers.get("if-none-match", "").strip() == "*" and live is not None:
        raise FhirError(412, "the resource exists")


def _names_version(etags: str, version: Version) -> bool:
    r"""True if one of the ETags, as `W/"3"`, `"3"`, `3` or `*`, is the version's."""
    names = {etag.strip().removeprefix("W/").strip('"') for etag in etags.split(",")}
    return str(version.number) in names or "*" in names


def _is_client_id(id_: str) -> bool:
    return _ID.match(id_) is not None and not id_.isdigit()


def _version_url(request: Request, version: Version) -> str:
    return f"{request.base}/{version.reference}/_history/{version.number}"


def _version_headers(version: Version) -> dict[str, str]:
    return {"ETag": version.etag, "Last-Modified": format_datetime(version.updated, usegmt=True)}


def _counted_as(request: Request) -> str:
    segments = request.segments
    if not segments:
        return f"{request.method} page" if request.method == "GET" else f"{request.method} batch"
    type_ = segments[0] if segments[0] in PARAMETERS or segments[0] == "metadata" else "unknown"
    return f"{request.method} {type_}" + ("/_search" if segments[1:2] == ["_search"] else "")
