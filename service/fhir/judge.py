"""What a status code means: the one place that decides it (lifecycle.md §3)."""

import re

from service.fhir.egress import Reply
from service.fhir.errors import (
    AuthError,
    ChannelError,
    FhirError,
    FhirRejectedError,
    FhirUnavailableError,
    GoneError,
    NotFoundError,
    NotSentError,
    RejectedError,
    SeveralMatchError,
    StaleError,
    UnknownReplyError,
)
from service.fhir.page import issue_codes

_TRY_LATER = frozenset({408, 425, 429})
_NOT_PROCESSED = frozenset({425, 429, 503})
_NOT_ALLOWED = frozenset({403, 405, 501})
_LOCATION = re.compile(r"(?:^|/)([A-Z][A-Za-z]*)/([^/?#\s]+)(?:/_history/[^/?#\s]+)?/?$")


def read_error(reply: Reply, *, by_id: bool = False) -> FhirError | None:
    """Why a read gave nothing to read, or None for a 200."""
    status = reply.status
    if status == 200:
        return None
    if status == 401:
        return AuthError("the EHR refused the credential")
    if status in _TRY_LATER or status >= 500:
        return FhirUnavailableError(f"the EHR answered {status}", reply.retry_after)
    if by_id and status == 404:
        return NotFoundError("not found")
    if by_id and status == 410:
        return GoneError("deleted")
    return FhirRejectedError(status, issue_codes(reply.body))


def create_error(reply: Reply, *, conditional: bool) -> FhirError | None:
    """Why a POST of a new resource was not a success, or None for 200 and 201."""
    if reply.status == 409 and conditional:
        return UnknownReplyError("conflict on a conditional create: perhaps another one was just stored")
    if reply.status == 412:
        return SeveralMatchError(412, issue_codes(reply.body))
    if reply.status == 404:
        return ChannelError("the EHR has no such type", 404)
    return _write_error(reply)


def update_error(reply: Reply, *, create: bool) -> FhirError | None:
    """Why a PUT was not a success, or None for 200 and 201; `create`: it was meant for a new id."""
    if reply.status in (409, 412):
        return StaleError(f"the EHR answered {reply.status}: it holds something else")
    if reply.status == 404:
        if create:
            return ChannelError("the EHR lets nobody choose an id", 404)
        return NotFoundError("not found")
    if reply.status == 410:
        return GoneError("deleted")
    return _write_error(reply)


def _write_error(reply: Reply) -> FhirError | None:
    status = reply.status
    if status in (200, 201):
        return None
    if status in _NOT_PROCESSED and not _is_reset_upstream(reply):
        return NotSentError(f"the EHR answered {status}", reply.retry_after)
    if status >= 500 and status != 501:
        return UnknownReplyError(f"the EHR answered {status}")
    if status == 401:
        return AuthError("the EHR refused the credential")
    if status in _NOT_ALLOWED or 300 <= status < 400:
        return ChannelError(f"the EHR answered {status}", status)
    if status == 408 or status < 300:
        return UnknownReplyError(f"the EHR answered {status}")
    return RejectedError(status, issue_codes(reply.body))


def _is_reset_upstream(reply: Reply) -> bool:
    """Envoy and what is built on it answer 503 when the server behind broke off a request it had already."""
    return b"disconnect/reset" in reply.body


def located(reply: Reply, kind: str) -> str | None:
    """`Type/id` from Location or Content-Location, whatever host it names; None without one of this type.

    It is a name, never an address: nobody follows it (fhir-quirks.md Q-64).
    """
    for header in ("location", "content-location"):
        found = _LOCATION.search(reply.headers.get(header, "").strip())
        if found and found[1] == kind:
            return f"{kind}/{found[2]}"
    return None
