"""A request and its answer, free of Flask: a batch entry is one too, without a connection of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import msgspec

from service.sandbox.outcome import FhirError, Resource

FHIR_JSON = "application/fhir+json"
_JSON_TYPES = {FHIR_JSON, "application/json", "application/json+fhir"}
_FORM_TYPE = "application/x-www-form-urlencoded"
_MOST_FIELDS = 1_000  # of one query or form


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks.  `path` is below the base and has no slash in front; header names are lower case.

    `base` is the server's base URL as this client sees it, without a slash at the end.
    """

    method: str
    path: str
    base: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    in_batch: bool = False

    @property
    def segments(self) -> list[str]:
        return [part for part in self.path.split("/") if part]

    def parameters(self) -> list[tuple[str, str]]:
        """Give the parameters of the URL and, for a POST search, of its form, in that order."""
        pairs = read_query(self.query)
        if self.method == "POST" and self.body:
            if self._content_type() != _FORM_TYPE:
                raise FhirError(415, f"a search by POST has the content type {_FORM_TYPE}")
            pairs += read_query(_text(self.body))
        return pairs

    def resource(self) -> Resource:
        """Give the JSON object in the body.  Raises FhirError: 415 another type, 400 no JSON object."""
        if self._content_type() not in _JSON_TYPES:
            raise FhirError(415, f"the body has to be {FHIR_JSON}")
        try:
            value = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FhirError(400, f"the body is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise FhirError(400, "the body is not a JSON object")
        return value

    def prefers(self, name: str) -> str | None:
        """Give the value of `name` in the Prefer header (`return`, `handling`), else None."""
        match = re.search(rf"(?:^|[,;\s]){name}\s*=\s*\"?([\w-]+)", self.headers.get("prefer", ""))
        return match.group(1) if match else None

    def _content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server replies.  `body` None means an empty one; bytes go out as they are."""

    status: int
    body: Resource | bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        if self.body is None or isinstance(self.body, bytes):
            return self.body or b""
        return msgspec.json.encode(self.body)


def read_query(query: str) -> list[tuple[str, str]]:
    """Split a query or a form into decoded pairs; parameters without a value are left out, as FHIR says."""
    try:
        pairs = parse_qsl(query, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise FhirError(400, f"the parameters cannot be read: {error}") from error
    return [(name, value) for name, value in pairs if value]


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FhirError(400, "the form is not UTF-8") from error
