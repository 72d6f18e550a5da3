"""Faulty answers that need nothing of the true one: the server was not reached, or its answer got lost behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service.sandbox.message import Answer
from service.sandbox.outcome import Resource, operation_outcome

WIRE = "X-Ehr-Wire"
"""A header between the faults and the wire, never sent: hang-up, reset, cut or drip."""

Reply = Callable[[Any], Answer]  # from the rule's value

LOGIN_PAGE = (
    b"<!doctype html><html><head><title>Sign in</title></head><body><form>Sign in</form></body></html>"
)


def status(code: int, text: str, header: str = "") -> Reply:
    """Give the reply with an OperationOutcome; a value of the rule goes into `header`, else it is left out."""

    def reply(value: Any) -> Answer:
        headers = {header: str(value)} if header and value is not None else {}
        return Answer(code, operation_outcome(code, text), headers)

    return reply


def any_status(value: Any) -> Answer:
    return Answer(int(value), operation_outcome(int(value), "a fault of the test"))


def always(code: int, body: Resource | bytes | None = None, **headers: str) -> Reply:
    """Give the reply that is the same whatever the rule's value; `_` in header names stands for `-`."""
    answer = Answer(code, body, {name.replace("_", "-"): value for name, value in headers.items()})
    return lambda _: answer


def html(code: int) -> Reply:
    return always(code, LOGIN_PAGE, Content_Type="text/html; charset=utf-8")


def on_the_wire(marker: str) -> Reply:
    return always(200, None, X_Ehr_Wire=marker)


def redirect(value: Any) -> Answer:
    return Answer(302, None, {"Location": str(value or "http://elsewhere.test/fhir")})


INSTEAD: dict[str, tuple[str, Reply]] = {
    # fault: (the requests it strikes unless the rule says otherwise, the reply); nothing reaches the server
    "reset": ("any", on_the_wire("reset")),
    "hang-up": ("any", on_the_wire("hang-up")),
    "unavailable": ("any", status(503, "down for maintenance", "Retry-After")),
    "throttled": ("any", status(429, "too many requests", "Retry-After")),
    "throttled-azure": ("any", status(429, "too many requests", "x-ms-retry-after-ms")),
    "unauthorized": ("any", status(401, "the token has expired", "WWW-Authenticate")),
    "forbidden": ("any", status(403, "not allowed")),
    "unknown-type": ("any", status(404, "unknown resource type")),
    "not-allowed": ("write", status(405, "not possible here")),
    "rejected": ("write", status(400, "business rule")),
    "unprocessable": ("write", status(422, "business rule")),
    "server-error": ("any", status(500, "something went wrong")),
    "bad-gateway": ("any", html(502)),
    "page-fails": ("page", status(500, "something went wrong")),
    "page-expired": ("page", status(410, "this search may have expired")),
    "status": ("any", any_status),
    "login-page": ("any", html(200)),
    "empty-body": ("any", always(200)),
    "not-json": ("any", always(200, b'{"resourceType": "Bundle", "ent')),
    "other-json": ("any", always(200, {"error": {"code": 400, "status": "INVALID_ARGUMENT"}})),
    "outcome-in-200": ("any", always(200, operation_outcome(500, "something went wrong"))),
    "redirect": ("any", redirect),
}
"""`status` answers with the rule's value; `redirect` leads to it; Retry-After holds it."""

AFTER_COMMIT: dict[str, Reply] = {
    # after a write was stored, in place of the true answer
    "lost-reply": on_the_wire("hang-up"),
    "lost-reply-reset": on_the_wire("reset"),
    "error-after-commit": status(500, "something went wrong"),
    "gateway-timeout-after-commit": html(504),
    "conflict-after-commit": status(409, "a concurrent request was first"),
    "empty-reply": always(200),
    "login-page-after-commit": html(200),
}
