"""A batch Bundle: each entry is a request with its own status; one that fails leaves the others alone."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import msgspec

from service.sandbox.message import FHIR_JSON, Answer, Request
from service.sandbox.outcome import FhirError, Resource, operation_outcome

MOST_ENTRIES = 500

_HEADER_OF = {"ifMatch": "if-match", "ifNoneMatch": "if-none-match", "ifNoneExist": "if-none-exist"}
_HANDED_DOWN = ("prefer", "cache-control")


def run_batch(request: Request, handle: Callable[[Request], Answer]) -> Answer:
    """Answer a batch with a batch-response, entry by entry in the same order.

    Raises FhirError: 400 for what is no batch Bundle, 413 for more than MOST_ENTRIES entries.
    """
    bundle = request.resource()
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "batch":
        raise FhirError(400, "only a Bundle of type batch can be posted here")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise FhirError(400, "Bundle.entry is not a list")
    if len(entries) > MOST_ENTRIES:
        raise FhirError(413, f"a batch has at most {MOST_ENTRIES} entries")
    answers = [_answer(entry, request, handle) for entry in entries]
    body = {
        "resourceType": "Bundle",
        "type": "batch-response",
        "entry": [_entry(each, request) for each in answers],
    }
    return Answer(200, body)


def _answer(entry: object, outer: Request, handle: Callable[[Request], Answer]) -> Answer:
    try:
        return handle(_request(entry, outer))
    except FhirError as error:
        return Answer(error.status, operation_outcome(error.status, error.diagnostics))


def _request(entry: object, outer: Request) -> Request:
    """Make a request from an entry.  Raises FhirError 400 for one without method or URL, or a batch."""
    asked = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(asked, dict) or not all(isinstance(asked.get(name), str) for name in ("method", "url")):
        raise FhirError(400, "an entry needs request.method and request.url")
    path, _, query = asked["url"].removeprefix(outer.base).lstrip("/").partition("?")
    if not path:
        raise FhirError(400, "an entry's URL names a resource type")
    headers = {name: outer.headers[name] for name in _HANDED_DOWN if name in outer.headers}
    headers |= {header: str(asked[name]) for name, header in _HEADER_OF.items() if name in asked}
    headers["content-type"] = FHIR_JSON
    body = msgspec.json.encode(entry["resource"]) if isinstance(entry, dict) and "resource" in entry else b""
    return Request(asked["method"], path, outer.base, query, headers, body, in_batch=True)


def _entry(answer: Answer, outer: Request) -> Resource:
    response: Resource = {"status": f"{answer.status} {HTTPStatus(answer.status).phrase}"}
    if "Location" in answer.headers:
        response["location"] = answer.headers["Location"].removeprefix(f"{outer.base}/")
    if "ETag" in answer.headers:
        response["etag"] = answer.headers["ETag"]
    body = answer.body if isinstance(answer.body, dict) else None
    if body is None:
        return {"response": response}
    if body.get("resourceType") == "OperationOutcome":
        return {"response": response | {"outcome": body}}
    if body.get("meta", {}).get("lastUpdated"):
        response["lastModified"] = body["meta"]["lastUpdated"]
    return {"resource": body, "response": response}
