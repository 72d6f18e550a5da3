"""A Bundle of any type → the resources in it, its paging links and what the server complained about."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from service.record.read import NotFhirError, Reading, kind_of, read
from service.record.references import local_reference

_NOTHING = msgspec.Raw()  # msgspec knows no optional Raw
_ABSENT = (b"", b"null")
_MOST_LEVELS = 8  # Bundles within Bundles
_REFERENCE = re.compile(rb'("reference"\s*:\s*")([^"\\]+)(")')


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue of an OperationOutcome."""

    severity: str
    code: str
    text: str  # diagnostics or details; may hold patient data: never log it


@dataclass(frozen=True, slots=True)
class Problem:
    """An entry that is no resource at all."""

    place: str  # "<file name>:<n>"
    reason: str


@dataclass(frozen=True, slots=True)
class BundlePage:
    """What one Bundle holds; the Bundles within it are opened."""

    type: str | None
    entries: tuple[Reading, ...]
    issues: tuple[Issue, ...] = ()
    problems: tuple[Problem, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)  # relation → URL: self, next …
    total: int | None = None
    size: int = 0  # entries, wanted or not, with or without resource


@dataclass(frozen=True, slots=True)
class BatchPart:
    """The answer to one request of a batch."""

    status: str | None  # "200 OK"
    resource: bytes | None  # a Bundle, or any other resource
    issues: tuple[Issue, ...] = ()


class _Link(msgspec.Struct, gc=False):
    relation: str | None = None
    url: str | None = None


class _Search(msgspec.Struct, gc=False):
    mode: str | None = None


class _Response(msgspec.Struct, gc=False):
    status: str | None = None
    outcome: msgspec.Raw = _NOTHING


class _Entry(msgspec.Struct, gc=False, rename="camel"):
    full_url: str | None = None
    resource: msgspec.Raw = _NOTHING
    search: _Search | None = None
    response: _Response | None = None


class _Bundle(msgspec.Struct, gc=False):
    type: str | None = None
    total: int | None = None
    link: list[_Link] | None = None
    entry: list[_Entry] | None = None


class _Details(msgspec.Struct, gc=False):
    text: str | None = None


class _Issue(msgspec.Struct, gc=False):
    severity: str | None = None
    code: str | None = None
    diagnostics: str | None = None
    details: _Details | None = None


class _Outcome(msgspec.Struct, gc=False):
    issue: list[_Issue] | None = None


class _Id(msgspec.Struct, gc=False):
    id: Any = None


_bundle = msgspec.json.Decoder(_Bundle)
_outcome = msgspec.json.Decoder(_Outcome)
_id = msgspec.json.Decoder(_Id)


def read_bundle(
    raw: bytes, *, file: str = "", first: int = 1, wanted: Callable[[str, bytes], bool] | None = None
) -> BundlePage:
    """Read a Bundle.  Resources without id are named after `file` and their place, counted from `first`.

    `wanted` is asked with the type and the bytes of each resource; what it does not want is only counted.
    References to a `fullUrl` of the Bundle (`urn:uuid:…`) come out as `Type/id`.  What is wrong with one
    entry stays with that entry.  Raises NotFhirError when `raw` is no JSON object.
    """
    bundle = _decode(raw)
    entries = list(_flat(bundle, _MOST_LEVELS))
    names = _names_by_url(entries, file, first)
    readings: list[Reading] = []
    issues: list[Issue] = []
    problems: list[Problem] = []
    for n, entry in enumerate(entries, first):
        body = bytes(entry.resource)
        if body in _ABSENT:
            continue
        place = f"{file}:{n}"
        try:
            kind = kind_of(body)
            if kind == "OperationOutcome" or (entry.search and entry.search.mode == "outcome"):
                issues += issues_of(body)
                continue
            body = _resolved(body, names)
            if wanted is None or wanted(kind, body):
                readings.append(read(body, place))
        except NotFhirError as problem:
            problems.append(Problem(place, str(problem)))
    links = {link.relation: link.url for link in bundle.link or () if link.relation and link.url}
    return BundlePage(
        bundle.type, tuple(readings), tuple(issues), tuple(problems), links, bundle.total, len(entries)
    )


def read_batch(raw: bytes) -> tuple[BatchPart, ...]:
    """The answers of a batch-response, in the order of the requests.  Raises NotFhirError."""
    parts = []
    for entry in _decode(raw).entry or ():
        status = entry.response.status if entry.response else None
        body = bytes(entry.resource)
        outcome = bytes(entry.response.outcome) if entry.response else b""
        issues = () if outcome in _ABSENT else issues_of(outcome)
        if body not in _ABSENT and _is_outcome(body):
            issues += issues_of(body)
        parts.append(BatchPart(status, None if body in _ABSENT else body, issues))
    return tuple(parts)


def issues_of(raw: bytes) -> tuple[Issue, ...]:
    """The issues of an OperationOutcome; one of code `unreadable` where it is malformed itself."""
    try:
        found = _outcome.decode(raw).issue or []
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return (Issue("error", "unreadable", ""),)
    return tuple(
        Issue(
            one.severity or "error",
            one.code or "unknown",
            one.diagnostics or (one.details.text if one.details else None) or "",
        )
        for one in found
    )


def _is_outcome(body: bytes) -> bool:
    try:
        return kind_of(body) == "OperationOutcome"
    except NotFhirError:
        return False


def _decode(raw: bytes) -> _Bundle:
    try:
        return _bundle.decode(raw)
    except msgspec.ValidationError:
        return _decode_with_care(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as problem:
        raise NotFhirError(
            "nested too deeply" if isinstance(problem, RecursionError) else "broken JSON"
        ) from None


def _decode_with_care(raw: bytes) -> _Bundle:
    """What is well-formed of a Bundle with a wrong JSON type somewhere around its resources."""
    tree = msgspec.json.decode(raw)
    if not isinstance(tree, dict):
        raise NotFhirError("no JSON object")
    total = tree.get("total")
    return _Bundle(
        type=_text(tree.get("type")),
        total=total if isinstance(total, int) and not isinstance(total, bool) else None,
        link=[
            _Link(_text(link.get("relation")), _text(link.get("url"))) for link in _objects(tree.get("link"))
        ],
        entry=[_entry(entry) for entry in _objects(tree.get("entry"))],
    )


def _entry(entry: Mapping[str, Any]) -> _Entry:
    resource, search, response = (entry.get(key) for key in ("resource", "search", "response"))
    return _Entry(
        full_url=_text(entry.get("fullUrl")),
        resource=_NOTHING if resource is None else msgspec.Raw(msgspec.json.encode(resource)),
        search=_Search(_text(search.get("mode"))) if isinstance(search, dict) else None,
        response=_Response(_text(response.get("status"))) if isinstance(response, dict) else None,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _flat(bundle: _Bundle, levels: int) -> Iterator[_Entry]:
    """All entries; a Bundle in an entry gives its own instead."""
    for entry in bundle.entry or ():
        inner = bytes(entry.resource)
        if b'"Bundle"' in inner and levels > 0 and _is_bundle(inner):
            yield from _flat(_decode(inner), levels - 1)
        else:
            yield entry


def _is_bundle(body: bytes) -> bool:
    try:
        return kind_of(body) == "Bundle"
    except NotFhirError:
        return False


def _names_by_url(entries: list[_Entry], file: str, first: int) -> dict[bytes, bytes]:
    """fullUrl → `Type/id`, for those from which the reference cannot be read."""
    names: dict[bytes, bytes] = {}
    for n, entry in enumerate(entries, first):
        body = bytes(entry.resource)
        if not entry.full_url or body in _ABSENT:
            continue
        try:
            kind, own = kind_of(body), _id.decode(body).id
        except (NotFhirError, msgspec.DecodeError):
            continue
        name = f"{kind}/{own}" if isinstance(own, str) and own else f"{kind}/#{file}:{n}"
        if local_reference(entry.full_url) != name:
            names[entry.full_url.encode()] = msgspec.json.encode(name)[1:-1]
    return names


def _resolved(body: bytes, names: Mapping[bytes, bytes]) -> bytes:
    if not names or b'"reference"' not in body:
        return body

    def named(match: re.Match[bytes]) -> bytes:
        name = names.get(match[2])
        return match[0] if name is None else match[1] + name + match[3]

    return _REFERENCE.sub(named, body)
