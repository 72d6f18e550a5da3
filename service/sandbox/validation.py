"""Is a Task structurally R4?  The type that the service writes is judged as it arrives; others are not.

fhir.resources knows elements and types, but takes any word as a code, so required codes are checked here
(https://hl7.org/fhir/R4/valueset-task-status.html, -task-intent.html, -request-priority.html).
"""

from __future__ import annotations

from fhir.resources.R4B.task import Task
from pydantic import ValidationError

from service.sandbox.outcome import FhirError, Resource

_CODES = {
    "status": {
        "draft", "requested", "received", "accepted", "rejected", "ready", "cancelled", "in-progress",
        "on-hold", "failed", "completed", "entered-in-error",
    },
    "intent": {
        "unknown", "proposal", "plan", "order", "original-order", "reflex-order", "filler-order",
        "instance-order", "option",
    },
    "priority": {"routine", "urgent", "asap", "stat"},
}  # fmt: skip


def check(resource: Resource) -> None:
    """Raise FhirError 422 for a Task that is not valid R4, naming the elements; no value is repeated."""
    if resource.get("resourceType") != "Task":
        return
    faults = [
        f"Task.{element}: not a code of its value set"
        for element, codes in _CODES.items()
        if element in resource and resource[element] not in codes
    ]
    try:
        Task.model_validate(resource)
    except ValidationError as error:
        faults += [_described(part["loc"], part["msg"]) for part in error.errors(include_input=False)]
    except (TypeError, ValueError, AttributeError, AssertionError) as error:
        faults.append(f"Task: {type(error).__name__}")  # raised inside the library by badly shaped input
    if faults:
        raise FhirError(422, "; ".join(faults))


def _described(location: tuple[int | str, ...], message: str) -> str:
    return f"Task{''.join(f'.{step}' for step in location)}: {message}"
