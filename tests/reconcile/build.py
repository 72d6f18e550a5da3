"""Builders of assessments, items and situations; a test names only what matters to it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from service.model.assessment import (
    Assessment,
    DmeToday,
    EpisodeSummary,
    Finding,
    ItemSummary,
    Priority,
)
from service.model.content import content_of
from service.model.facts import Range
from service.model.item import Item, ItemState, Reason
from service.reconcile import ShownTask, Situation

TODAY = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
BASE = "rabc"


def a_finding(rule: str = "R02", priority: Priority = Priority.ROUTINE, **changes: Any) -> Finding:
    made = Finding(
        rule=rule,
        title=f"Title of {rule}",
        priority=priority,
        since=date(2026, 5, 20),
        due_on=date(2026, 6, 10),
        facts={"interval_days": 90},
        evidence=("MedicationRequest/a",),
        citation="a guideline",
        actions=("weigh benefit against risk",),
    )
    return replace(made, **changes)


def an_assessment(*findings: Finding, **changes: Any) -> Assessment:
    top = max((f.priority for f in findings), default=None)
    made = Assessment(
        patient="Patient/p",
        as_of=TODAY,
        policy="us@1",
        complete=True,
        missing=(),
        confidence="high",
        flags=(),
        episode=EpisodeSummary(
            start=date(2026, 1, 1),
            end=date(2026, 6, 20),
            covered_days=152,
            ongoing=True,
            covered=True,
            new_use=True,
            regular=True,
            ingredients=("diazepam",),
            daily_dose_mg={"diazepam": Range(10.0, 10.0)},
            dme=DmeToday(10.0, 10.0, 10.0),
            dependence="likely",
        ),
        last_review=None,
        findings=findings,
        suppressed=(),
        item=ItemSummary(
            top, min(f.due_on for f in findings if f.priority == top), tuple(f.rule for f in findings)
        )
        if top is not None
        else None,
        wake_on=None,
        unreadable=(),
        ignored=(),
        listed=True,
        focus="MedicationRequest/a",
    )
    return replace(made, **changes)


def an_item(*findings: Finding, **changes: Any) -> Item:
    """An open item that shows these findings (R02 when none are named)."""
    shown = findings or (a_finding(),)
    assessment = an_assessment(*shown)
    made = Item(
        source="main",
        patient="p",
        base=BASE,
        n=1,
        state=ItemState.OPEN,
        priority=max(f.priority for f in shown),
        due_on=min(f.due_on for f in shown),
        reasons=tuple(Reason(f.rule, f.priority, f.since, f.due_on) for f in shown),
        content=content_of(assessment, shown),
        since=date(2026, 5, 20),
        opened_on=date(2026, 5, 20),
        had_task=True,
    )
    return replace(made, **changes)


def a_situation(*items: Item, shown: tuple[ShownTask, ...] = (), **changes: Any) -> Situation:
    made = Situation(
        source="main",
        patient="p",
        base=BASE,
        items=items,
        shown=shown,
        today=TODAY,
        now=NOW,
        windows={"R04.until": 60, "R14.event_within": 90, "R16.event_within": 90},
    )
    return replace(made, **changes)


def a_task(status: str = "requested", *, n: int = 1, **changes: Any) -> ShownTask:
    made = ShownTask(key=f"{BASE}-{n}", reference=f"Task/{BASE}-{n}", status=status, ours_ended=False)
    return replace(made, **changes)
