"""The plain inbox: open reviews, and one of them; nothing can be changed here.

It asks nobody who they are, so only the demo, whose people are invented, mounts it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, render_template, send_from_directory
from werkzeug.wrappers import Response

from service import wording
from service.config import Settings
from service.model.assessment import Priority
from service.model.assessment_json import finding_of
from service.model.facts import Range
from service.model.item import Item, ItemState
from service.ports import Clock, Ledger, PatientRow, SourceState, Transaction
from service.wording import assumptions

_STALE = timedelta(hours=26)  # inbox.md, states
_MOST = 200  # rows on the page; the demo has fewer
_LONGEST_NAME = 80  # characters; inbox.md
_STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class AsOf:
    """How far the list can be believed."""

    source: str
    last: str | None  # the last complete read, in words
    stale: bool
    patients: int
    incomplete: int
    shadow: bool
    frozen: str | None


def blueprint(ledger: Ledger, settings: Settings, clock: Clock) -> Blueprint:
    routes = Blueprint("inbox", __name__)

    @routes.get("/")
    @routes.get("/inbox")
    def worklist() -> str:
        today = _today(settings, clock)
        with ledger.read() as tx:
            asked = tx.items(state=ItemState.OPEN)
            held = len(tx.items(state=ItemState.HELD))
            rows = [_row(tx, item, today) for item in asked[:_MOST]]
            data = [_as_of(tx, source, settings, clock) for source in sorted(settings.source)]
        groups = [
            (priority.word, [row for row in rows if row["priority"] == priority.word])
            for priority in sorted(Priority, reverse=True)
        ]
        late = sum(1 for item in asked if item.due_on < today)
        return render_template(
            "worklist.html",
            groups=groups,
            count=len(asked),
            shown=len(rows),
            late=late,
            held=held,
            data=data,
            today=today,
        )

    @routes.get("/inbox/<key>")
    def review(key: str) -> str:
        today = _today(settings, clock)
        with ledger.read() as tx:
            item = tx.item(key)
            if item is None:
                abort(404)
            stored = tx.assessment(item.source, item.patient)
            projection = tx.projection(item.source, item.key)
            row = tx.patient(item.source, item.patient)
            answers = tx.outcomes_of(item.source, [item.patient])[item.patient]
            source = settings.source.get(item.source)
            zone = ZoneInfo(source.timezone if source else "UTC")
            return render_template(
                "review.html",
                item=item,
                row=_row(tx, item, today),
                facts=_facts(stored.body) if stored else None,
                gathered=_instant(stored.assessed_at, zone) if stored else None,
                task=projection.seen.reference if projection and projection.seen else None,
                delivery=projection.state.value if projection else None,
                complete=bool(row and row.complete),
                incomplete=_incomplete(item, row, zone),
                answers=answers,
                intended_use=wording.INTENDED_USE,
            )

    @routes.get("/static/<name>")
    def static(name: str) -> Response:
        return send_from_directory(_STATIC, name)

    return routes


def _today(settings: Settings, clock: Clock) -> date:
    """The day at the clinic of the first source; the demo has one."""
    zone = next((source.timezone for source in settings.source.values()), "UTC")
    return clock.now().astimezone(ZoneInfo(zone)).date()


def _as_of(tx: Transaction, source: str, settings: Settings, clock: Clock) -> AsOf:
    state: SourceState = tx.source_state(source)
    zone = ZoneInfo(settings.source[source].timezone)
    known = list(tx.patients(source, tx.cohort(source, today=clock.now().astimezone(zone).date())).values())
    last = state.last_complete_at
    return AsOf(
        source=source,
        last=_instant(last, zone) if last else None,
        stale=last is None or clock.now() - last > _STALE,
        patients=len(known),
        incomplete=sum(1 for row in known if not row.complete),
        shadow=state.released_at is None,
        frozen=state.frozen_why,
    )


def _row(tx: Transaction, item: Item, today: date) -> dict[str, Any]:
    """An item as a row shows it."""
    stored = tx.assessment(item.source, item.patient)
    body: Mapping[str, Any] = stored.body if stored else {}
    person = tx.patient(item.source, item.patient)
    display = (person.display if person else None) or {}
    findings = body.get("findings") or []
    return {
        "key": item.key,
        "name": (display.get("name") or f"Patient/{item.patient}")[:_LONGEST_NAME],
        "born": display.get("birth_date"),
        "priority": item.priority.word,
        "state": item.state.value,
        "why": findings[0]["title"] if findings else "Nothing fires any more",
        "also": [each["title"] for each in findings[1:4]],
        "more": max(0, len(findings) - 4),
        "dose": _dose(body.get("episode")),
        "review": wording.day(date.fromisoformat(body["last_review"])) if body.get("last_review") else None,
        "due": _due(item.due_on, today),
        "due_on": wording.day(item.due_on),
        "is_late": item.due_on < today,
        "incomplete": item.incomplete_since is not None or not (person and person.complete),
    }


def _due(due_on: date, today: date) -> str:
    days = (due_on - today).days
    if days == 0:
        return "today"
    unit = "day" if abs(days) == 1 else "days"
    return f"in {days} {unit}" if days > 0 else f"{-days} {unit} late"


def _dose(episode: Mapping[str, Any] | None) -> str:
    if episode is None:
        return "no supply on record"
    doses = episode["daily_dose_mg"]
    if not doses:
        return f"none today; was {' and '.join(episode['ingredients'])}"
    return ", ".join(f"{name} {wording.amount(_range(mg))}" for name, mg in sorted(doses.items()))


def _range(mg: Mapping[str, Any] | None) -> Range | None:
    return None if mg is None else Range(mg["low"], mg["high"])


def _facts(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the page says beside the reasons; dates in words."""
    episode = body["episode"]
    return {
        "policy": body["policy"],
        "as_of": wording.day(date.fromisoformat(body["as_of"])),
        "confidence": body["confidence"],
        "flags": [assumptions.flag(name) for name in body["flags"]],
        "missing": [name for name in body["missing"] if name != "unreadable"],
        "findings": [_finding(each) for each in body["findings"]],
        "suppressed": body["suppressed"],
        "unreadable": [_unreadable(each) for each in body["unreadable"]],
        "dose": _dose(episode),
        "dme": f"{wording.amount(_range(episode['dme']))} as diazepam" if episode else "none",
        "since": wording.day(date.fromisoformat(episode["start"])) if episode else None,
        "lasts": wording.day(date.fromisoformat(episode["end"])) if episode else None,
        "covered_days": episode["covered_days"] if episode else 0,
        "dependence": episode["dependence"] if episode else "none",
    }


def _unreadable(each: Mapping[str, str]) -> dict[str, str]:
    return {"reference": each["reference"], "reason": assumptions.refusal(each["reason"])}


def _finding(finding: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **finding,
        "since": wording.day(date.fromisoformat(finding["since"])),
        "due_on": wording.day(date.fromisoformat(finding["due_on"])),
        "reason": wording.reason(finding_of(finding)),
    }


def _incomplete(item: Item, row: PatientRow | None, zone: ZoneInfo) -> str | None:
    """Since when and why the record is not complete."""
    since = item.incomplete_since or (row.incomplete_since if row else None)
    if since is None:
        return None
    failed = sorted(kind for kind, read in row.reads.items() if read.failed) if row else []
    why = item.incomplete_why or (f"not read: {', '.join(failed)}" if failed else "not read in full")
    return f"Incomplete since {_instant(since, zone)}: {why}. What is missing here may still matter."


def _instant(when: datetime, zone: ZoneInfo) -> str:
    local = when.astimezone(zone)
    return f"{wording.day(local.date())}, {local:%H:%M}"
