"""One page of a search: its rows, and what it says about how complete it is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from service.fhir.errors import UnreadableReplyError
from service.record.read import NotFhirError, Reading, read

# an OperationOutcome in a Bundle means that something may be missing, except for these.
_NO_RESULTS = "4101"  # Epic: a valid empty answer
_HARMLESS = frozenset({"informational", "success"})


class _Link(msgspec.Struct):
    relation: str = ""
    url: str = ""


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")


class _Bundle(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 (FHIR's name)
    type: str = ""
    total: Any = None
    link: list[_Link] | None = None
    entry: list[_Entry] | None = None


class _Head(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 (FHIR's name)


class _Coding(msgspec.Struct):
    code: str = ""


class _Details(msgspec.Struct):
    coding: list[_Coding] = []


class _Issue(msgspec.Struct):
    severity: str = ""
    code: str = ""
    details: _Details | None = None


class _Outcome(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 (FHIR's name)
    issue: list[_Issue] = []


_bundle = msgspec.json.Decoder(_Bundle)
_head = msgspec.json.Decoder(_Head)
_outcome = msgspec.json.Decoder(_Outcome)
_WRONG = (msgspec.MsgspecError, RecursionError, ValueError)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a search; OperationOutcomes are no rows."""

    rows: tuple[Reading, ...]
    date: datetime | None  # the server's clock when it answered
    total: int | None = None
    has_links: bool = True
    self_url: str | None = field(default=None, repr=False)
    next_url: str | None = field(default=None, repr=False)
    doubts: tuple[str, ...] = ()  # issue codes that say that something may be missing


def read_page(body: bytes, date: datetime | None, *, max_entries: int) -> Page:
    """A searchset as a page.  Raises UnreadableReplyError for anything else."""
    try:
        bundle = _bundle.decode(body)
    except _WRONG:
        raise UnreadableReplyError(_what_it_is(body)) from None
    if bundle.resourceType != "Bundle" or bundle.type != "searchset":
        raise UnreadableReplyError(_what_it_is(body))
    entries = bundle.entry or []
    if len(entries) > max_entries:
        raise UnreadableReplyError(f"a page of more than {max_entries} entries")
    rows: list[Reading] = []
    doubts: list[str] = []
    for place, entry in enumerate(entries):
        try:
            row = read(bytes(entry.resource), f"entry:{place}")
        except NotFhirError:
            doubts.append("entry-without-resource")
            continue
        if row.kind == "OperationOutcome":
            doubts += issue_codes(row.raw, doubtful=True)
        else:
            rows.append(row)
    links = {link.relation: link.url for link in reversed(bundle.link or [])}
    return Page(
        rows=tuple(rows),
        date=date,
        total=bundle.total if type(bundle.total) is int else None,
        has_links=bool(links),
        self_url=links.get("self"),
        next_url=links.get("next"),
        doubts=tuple(dict.fromkeys(doubts)),
    )


def read_resource(body: bytes, kind: str) -> Reading:
    """A resource of type `kind`.  Raises UnreadableReplyError for anything else."""
    try:
        found = read(body, "reply")
    except NotFhirError:
        raise UnreadableReplyError(_what_it_is(body)) from None
    if found.kind != kind:
        raise UnreadableReplyError(_what_it_is(body))
    return found


def is_outcome(body: bytes) -> bool:
    """Whether these bytes are an OperationOutcome."""
    return _kind(body) == "OperationOutcome"


def issue_codes(body: bytes, *, doubtful: bool = False) -> tuple[str, ...]:
    """The codes of an OperationOutcome, a vendor's own before FHIR's; () for anything else.

    `doubtful`: only those that say, or may say, that an answer is not whole.  Codes alone never hold patient
    text; diagnostics may, and are left out.
    """
    try:
        outcome = _outcome.decode(body)
    except _WRONG:
        return ()
    if outcome.resourceType != "OperationOutcome":
        return ()
    return tuple(dict.fromkeys(code for issue in outcome.issue for code in _codes(issue, doubtful)))


def _codes(issue: _Issue, doubtful: bool) -> Iterator[str]:
    own = [coding.code for coding in (issue.details.coding if issue.details else []) if _is_code(coding.code)]
    if doubtful and (_NO_RESULTS in own or (not own and _is_harmless(issue))):
        return
    yield from own or [issue.code if _is_code(issue.code) else "unknown"]


def _is_harmless(issue: _Issue) -> bool:
    return issue.severity in ("information", "success") and issue.code in _HARMLESS


def _is_code(text: str) -> bool:
    return 0 < len(text) <= 64 and text.isascii() and text.isprintable() and " " not in text


def _kind(raw: bytes) -> str:
    try:
        return _head.decode(raw).resourceType
    except _WRONG:
        return ""


def _what_it_is(body: bytes) -> str:
    """What came instead of what was asked for, in a word."""
    if not body.strip():
        return "an empty answer"
    if body.lstrip()[:1] == b"<":
        return "an answer in HTML or XML, perhaps a sign-in page"
    kind = _kind(body)
    if kind == "OperationOutcome":
        return "an OperationOutcome instead of the answer"
    return "a Bundle that cannot be read as the answer" if kind == "Bundle" else "an answer of another kind"
