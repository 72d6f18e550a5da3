"""What the server says when it refuses: an error with its HTTP status, and its OperationOutcome."""

from __future__ import annotations

from typing import Any

Resource = dict[str, Any]  # a FHIR resource as JSON

# FHIR R4 issue-type codes by HTTP status; what is not listed is "processing".
_ISSUE_CODE = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "structure",
    429: "throttled",
    500: "exception",
    501: "not-supported",
    503: "transient",
}


class FhirError(Exception):
    """A request that is answered with `status` and an OperationOutcome holding `diagnostics`."""

    def __init__(self, status: int, diagnostics: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(diagnostics)
        self.status = status
        self.diagnostics = diagnostics
        self.headers = headers or {}


def operation_outcome(status: int, diagnostics: str, *, severity: str = "error") -> Resource:
    """Give an OperationOutcome with one issue whose code fits the HTTP status."""
    code = _ISSUE_CODE.get(status, "processing") if severity == "error" else "informational"
    issue = {"severity": severity, "code": code, "diagnostics": diagnostics}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
