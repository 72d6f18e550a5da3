"""Assessments as a table, as NDJSON, as CSV, or counted."""

import csv as comma_separated
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service import wording
from service.cli import output
from service.config import SourceSettings
from service.model.assessment import Assessment
from service.model.assessment_json import render
from service.record.group import PatientRecord

if TYPE_CHECKING:
    from service.cycle.forecast import Waiting

_COLUMNS = (
    "patient", "priority", "due_on", "reasons", "since", "ingredients", "daily_dose", "dme", "dependence",
    "last_review", "complete", "wake_on",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run it
_PER_OWNER = SourceSettings.model_fields["new_per_owner_per_day"].default
_PER_SOURCE = SourceSettings.model_fields["new_per_source_per_day"].default


# -- what is shown of one patient: made where the record is, maybe in another process -------------


def line(_record: PatientRecord, answer: Assessment) -> str:
    """One line of NDJSON."""
    return output.as_line(render(answer))


def row(_record: PatientRecord, answer: Assessment) -> list[str]:
    """The cells of a table; first the day and the policy, which a person sees once or not at all."""
    return [answer.as_of.isoformat(), answer.policy, *_cells(answer)]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a summary counts."""

    rules: tuple[tuple[str, str], ...]  # (rule, priority)
    waiting: "Waiting | None"


def counted(record: PatientRecord, answer: Assessment) -> Counted:
    from service.cycle.forecast import Waiting  # these bring the whole cycle along
    from service.cycle.placing import owner_of, rank_of

    rules = tuple((each.rule, each.priority.word) for each in answer.findings)
    if answer.item is None:
        return Counted(rules, None)
    rank = rank_of(answer, record, answer.as_of)
    return Counted(rules, Waiting(owner_of(answer, record), answer.item.priority, rank, answer.patient))


# -- all of them together ------------------------------------------------------------------------


def ndjson(lines: Iterable[str]) -> None:
    for each in lines:
        sys.stdout.write(each)


def csv(rows: Iterable[list[str]]) -> None:
    writer = comma_separated.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("as_of", "policy", *_COLUMNS))
    for cells in rows:
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])


def table(rows: Iterable[list[str]]) -> None:
    output.table([name.replace("_", " ") for name in _COLUMNS], (cells[2:] for cells in rows))


def _cells(answer: Assessment) -> list[str]:
    episode, item = answer.episode, answer.item
    return [
        answer.patient,
        item.priority.word if item else "",
        item.due_on.isoformat() if item else "",
        " ".join(item.reasons) if item else "",
        min(each.since for each in answer.findings).isoformat() if answer.findings else "",
        " ".join(episode.ingredients) if episode else "",
        wording.doses(episode) if episode and episode.daily_dose_mg else "",
        ("unknown" if episode.dme is None else wording.number(episode.dme.typical)) if episode else "",
        episode.dependence if episode else "",
        answer.last_review.isoformat() if answer.last_review else "",
        "yes" if answer.complete else "no",
        answer.wake_on.isoformat() if answer.wake_on else "",
    ]


def summary(found: Iterable[Counted], budget: SourceSettings | None, *, as_json: bool) -> None:
    """Counts by rule and priority, and how the release budget would spread the Tasks."""
    from service.cycle.forecast import forecast

    rules: Counter[tuple[str, str]] = Counter()
    waiting: list[Waiting] = []
    for each in found:
        rules.update(each.rules)
        if each.waiting is not None:
            waiting.append(each.waiting)
    priorities = Counter(each.priority.word for each in waiting)
    per_owner = budget.new_per_owner_per_day if budget else _PER_OWNER
    per_source = budget.new_per_source_per_day if budget else _PER_SOURCE
    weeks = forecast(waiting, per_owner=per_owner, per_source=per_source)
    owners = sorted(weeks.items(), key=lambda each: (-sum(each[1]), each[0] or ""))
    if as_json:
        output.emit(
            {
                "patients": len(waiting),
                "priorities": dict(sorted(priorities.items())),
                "rules": [{"rule": r, "priority": p, "patients": n} for (r, p), n in sorted(rules.items())],
                "budget": {"new_per_owner_per_day": per_owner, "new_per_source_per_day": per_source},
                "tasks": [{"owner": owner, "weeks": list(counts)} for owner, counts in owners],
            }
        )
        return
    by_priority = ", ".join(f"{n} {word}" for word, n in sorted(priorities.items()))
    sys.stdout.write(f"{len(waiting)} patients are due{f': {by_priority}' if by_priority else ''}\n")
    output.table(("rule", "priority", "patients"), ((r, p, n) for (r, p), n in sorted(rules.items())))
    sys.stdout.write(f"Tasks by week, at most {per_owner} new a day per owner and {per_source} in all\n")
    count = max((len(counts) for _, counts in owners), default=0)
    rows = ((owner or "(pool)", sum(counts), *counts[:12]) for owner, counts in owners)
    output.table(("owner", "all", *(f"week {n + 1}" for n in range(min(count, 12)))), rows)
