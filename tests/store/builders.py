"""Rows with ordinary values; a test names only what matters."""

from datetime import UTC, date, datetime
from typing import Any

from service.model.assessment import Priority
from service.model.facts import Outcome, OutcomeKind
from service.model.item import Desired, Item, ItemState, Projection, Reason, SeenTask
from service.ports import PatientRow, QuarantineRow

NOW = datetime(2026, 5, 4, 9, 30, 15, 123456, tzinfo=UTC)
TODAY = date(2026, 5, 4)


def a_patient(patient: str = "p1", **changes: Any) -> PatientRow:
    return PatientRow(**{"source": "main", "patient": patient, "base": f"r{patient}", **changes})


def an_item(patient: str = "p1", **changes: Any) -> Item:
    values: dict[str, Any] = {
        "source": "main",
        "patient": patient,
        "base": f"r{patient}",
        "n": 1,
        "state": ItemState.OPEN,
        "priority": Priority.ROUTINE,
        "due_on": date(2026, 5, 18),
        "reasons": (Reason("R02", Priority.ROUTINE, date(2026, 5, 1), date(2026, 5, 18)),),
        "content": "c0ffee",
        "since": TODAY,
    }
    return Item(**{**values, **changes})


def a_projection(key: str = "rp1-1", **changes: Any) -> Projection:
    values: dict[str, Any] = {
        "source": "main",
        "key": key,
        "patient": "p1",
        "kind": "Task",
        "desired": Desired({"description": "Benzodiazepine review due"}, generation=1),
    }
    return Projection(**{**values, **changes})


def a_seen_task(**changes: Any) -> SeenTask:
    values: dict[str, Any] = {
        "reference": "Task/t1",
        "version": 'W/"1"',
        "baseline": {"status": "requested"},
        "generation": 1,
        "status": "requested",
    }
    return SeenTask(**{**values, **changes})


def an_outcome(key: str = "rp1-1", **changes: Any) -> Outcome:
    values: dict[str, Any] = {
        "key": key,
        "reference": "Task/t1",
        "day": TODAY.toordinal(),
        "kind": OutcomeKind.CONTINUE,
        "completed": True,
        "rules": frozenset({"R02"}),
    }
    return Outcome(**{**values, **changes})


def a_quarantine_row(patient: str | None = "p1", **changes: Any) -> QuarantineRow:
    values: dict[str, Any] = {
        "source": "main",
        "patient": patient,
        "reference": "MedicationRequest/x",
        "key": None,
        "reason": "bad-date",
        "since": NOW,
    }
    return QuarantineRow(**{**values, **changes})
