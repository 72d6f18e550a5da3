"""A search: read from its parameters once, then run over the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

from service.sandbox.dates import Span
from service.sandbox.match import Matcher, alternatives, matcher_of, span_matcher
from service.sandbox.outcome import FhirError, Resource
from service.sandbox.parameters import INCLUDES, PARAMETERS, Parameter, type_and_id
from service.sandbox.store import Store, Version

View = Callable[[Version], Version | None]
"""What a search sees of a resource's current version: that one, an older one, or nothing yet."""

_IGNORED = {"_format", "_pretty"}  # how the answer looks; this server has one look
_SORTS = {"_lastUpdated", "_id"}


@dataclass(slots=True)
class Search:
    """What is asked of one type.  `used`: the parameters that were understood, for the self link."""

    type: str
    matchers: list[Matcher] = field(default_factory=list)
    updated: list[Callable[[Span], bool]] = field(default_factory=list)  # all have to hold for lastUpdated
    patients: list[str] | None = None  # ids, from the narrowest of the patient parameters
    identifiers: list[str] | None = None
    ids: list[str] | None = None
    sort: list[tuple[str, bool]] = field(default_factory=list)  # (parameter, descending)
    count: int | None = None  # rows per page; None: the server's choice
    total: bool = True
    include: str | None = None  # the element to follow
    used: list[tuple[str, str]] = field(default_factory=list)

    @property
    def self_query(self) -> str:
        return urlencode(self.used, safe="/|:,")


def read_search(type_: str, pairs: list[tuple[str, str]], *, lenient: bool = False) -> Search:
    """Read a type's search parameters.

    Raises FhirError 400 for a value that cannot be read, and for an unknown parameter or include unless
    `lenient`: then it is left out, from the self link too.
    """
    search = Search(type_)
    for name, value in pairs:
        if _read_control(search, name, value) or _read_filter(search, name, value):
            search.used.append((name, value))
        elif not lenient:
            raise FhirError(400, f"unknown search parameter {name!r}, or a value it cannot have, for {type_}")
    return search


def run(search: Search, store: Store, view: View) -> list[Version]:
    """Give the matching versions in the order asked for, else in the order of their creation."""
    seen = (view(version) for version in _candidates(search, store))
    found = [
        version
        for version in seen
        if version is not None and version.resource is not None and _fits(search, version, version.resource)
    ]
    for name, descending in reversed(search.sort):
        found.sort(key=_updated if name == "_lastUpdated" else _id, reverse=descending)
    return found


def included(search: Search, page: list[Resource], store: Store) -> list[Resource]:
    """Give the resources that `_include` adds to a page, each once."""
    if search.include is None:
        return []
    found: dict[tuple[str, str], Resource] = {}
    for resource in page:
        element = resource.get(search.include)
        reference = element.get("reference") if isinstance(element, dict) else None
        if not isinstance(reference, str):
            continue
        version = store.current(*type_and_id(reference))
        if version is not None and version.resource is not None:
            found[version.type, version.id] = version.resource
    return list(found.values())


def _read_control(search: Search, name: str, value: str) -> bool:
    """Take a parameter that shapes the answer; True if it is one and its value is known."""
    match name:
        case "_count":
            search.count = _whole_number(value)
        case "_total" if value in ("none", "estimate", "accurate"):
            search.total = value != "none"
        case "_summary" if value in ("count", "false"):
            search.count = 0 if value == "count" else search.count
        case "_sort":
            sort = [(key.removeprefix("-"), key.startswith("-")) for key in value.split(",")]
            if not _SORTS.issuperset(key for key, _ in sort):
                return False
            search.sort = sort
        case "_include" if search.type in INCLUDES and value == INCLUDES[search.type][0]:
            search.include = INCLUDES[search.type][1]
        case _:
            return name in _IGNORED
    return True


def _read_filter(search: Search, name: str, value: str) -> bool:
    base, colon, modifier = name.partition(":")
    parameter = PARAMETERS[search.type].get(base)
    negated = modifier == "not" and parameter is not None and parameter.kind == "token"
    if parameter is None or (colon and not negated):
        return False
    if parameter.name == "_lastUpdated":
        search.updated.append(span_matcher(name, value))
        return True
    search.matchers.append(matcher_of(parameter, value, negated=negated))
    if not negated:
        _narrow(search, parameter, value)
    return True


def _narrow(search: Search, parameter: Parameter, value: str) -> None:
    """Note what an index can find; the tests still decide."""
    values = alternatives(value)
    if parameter.name == "_id":
        search.ids = values
    elif parameter.name == "patient":
        search.patients = [each.rpartition("/")[2] for each in values]
    elif parameter.name == "subject" and all(type_and_id(each)[0] == "Patient" for each in values):
        search.patients = [type_and_id(each)[1] for each in values]
    elif parameter.name == "identifier" and "\\" not in value:
        search.identifiers = values


def _candidates(search: Search, store: Store) -> list[Version]:
    if search.ids is None:
        return store.candidates(search.type, patients=search.patients, identifiers=search.identifiers)
    found = (store.current(search.type, id_) for id_ in dict.fromkeys(search.ids))
    return [version for version in found if version is not None]


def _fits(search: Search, version: Version, resource: Resource) -> bool:
    if search.updated:
        span = Span(version.updated, version.updated + timedelta(milliseconds=1))
        if not all(fits(span) for fits in search.updated):
            return False
    return all(matches(resource) for matches in search.matchers)


def _updated(version: Version) -> float:
    return version.updated.timestamp()


def _id(version: Version) -> str:
    return version.id


def _whole_number(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise FhirError(400, f"_count is not a whole number: {value!r}")
    return int(value)
