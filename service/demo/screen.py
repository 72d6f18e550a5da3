"""What the demo shows in the terminal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from service import wording
from service.demo.timeline import axis_of, rows
from service.exposure import Exposure
from service.model.assessment import Assessment, Finding
from service.model.days import date_of

_COLOURS = {"asap": "bold red", "urgent": "yellow", "routine": "cyan"}
_WHY_NOT = {
    "S1": "deceased or inactive",
    "S2": "in hospice care",
    "S3": "in palliative care",
    "S4": "in hospital",
    "S5": "one short supply",
    "S7": "treated for seizures",
    "S9": "longer use accepted",
    "S10": "after alcohol withdrawal",
    "S11": "under 18",
    "S12": "continue until a date",
    "S13": "snoozed",
    "S14": "answered by a review",
    "S15": "not applicable",
    "rescue-or-parenteral": "rescue product only",
    "inpatient": "on the ward only",
    "reported": "reported by the patient only",
    "status": "entered in error",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the story is about."""

    name: str
    assessment: Assessment
    exposure: Exposure


class Screen:
    """The console, with the few shapes of text that the story needs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def chapter(self, letter: str, title: str) -> None:
        self._console.print()
        self._console.print(Text.assemble((f" {letter} ", "reverse bold"), " ", (title, "bold")))

    def say(self, *parts: str | tuple[str, str]) -> None:
        """One paragraph; parts may carry a style."""
        self._console.print(Padding(Text.assemble(*parts), (0, 0, 0, 4)))

    def last_line(self, text: str) -> None:
        """Exactly this, in a line of its own, whatever the width."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    # -- (a) -------------------------------------------------------------------------------------

    def population(self, people: int, assessments: Sequence[Assessment]) -> None:
        """Everybody in one line."""
        on_it = sum(1 for one in assessments if _is_on_it(one))
        due = [one.item.priority.word for one in assessments if one.item is not None]
        muted = Counter(_WHY_NOT.get(why, why) for why in map(_why_not, assessments) if why is not None)
        unread = Counter(aside.reason for one in assessments for aside in one.unreadable)
        self.say(
            (f"{people} people", "bold"),
            ": ",
            (f"{on_it} on a benzodiazepine or z-drug", "bold"),
            " · ",
            (f"{len(due)} due", "bold"),
            f" ({_counted(Counter(due), ('asap', 'urgent', 'routine'))}) · ",
            (f"{sum(muted.values())} answered or excluded", "bold"),
            f" ({_counted(muted)}) · ",
            (f"{sum(unread.values())} orders unreadable", "bold"),
            f" ({_counted(unread)})",
        )

    # -- (b) -------------------------------------------------------------------------------------

    def person(self, person: Person, today: date) -> None:
        """The sentence, the timeline, the numbers with their sources."""
        found = person.assessment
        self.say((f"{person.name}, {found.patient}", "bold"))
        self.say(wording.description(found))
        for finding in found.findings:
            self.say((finding.priority.word, _COLOURS[finding.priority.word]), f"  {wording.reason(finding)}")
        self._timeline(person, today)
        self._numbers(found.findings)
        if found.findings:
            self.say(("next  ", "dim"), "; ".join(wording.next_steps(found.findings)[:3]))

    def _timeline(self, person: Person, today: date) -> None:
        supplies = (*person.exposure.supplies, *person.exposure.opioids)
        axis = axis_of(supplies, today)
        grid = Table.grid(padding=(0, 1))
        grid.add_row("", Text(axis.heading(), style="dim"))
        for name, line in rows(supplies, axis):
            grid.add_row(name, Text(line, style="green"))
        for review in sorted({fact.day for fact in person.exposure.facts.reviews if fact.strong}):
            grid.add_row("review", Text(axis.mark(date_of(review), "◆"), style="blue"))
        for finding in person.assessment.findings:
            row = axis.mark(finding.due_on, f"▲ {wording.day(finding.due_on)}")
            grid.add_row(f"{finding.rule} due", Text(row, style=_COLOURS[finding.priority.word]))
        grid.add_row("today", Text(axis.mark(today, f"▲ {wording.day(today)}"), style="bold"))
        self._console.print(Padding(grid, (1, 0, 1, 4)))

    def _numbers(self, findings: Iterable[Finding]) -> None:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for title in ("number", "value", "source"):
            table.add_column(title, overflow="fold")
        for finding in findings:
            for name, number in finding.numbers.items():
                table.add_row(name, f"{number.value} {number.unit}", number.source)
            table.add_row(f"{finding.rule} itself", "", finding.citation)
        self._console.print(Padding(table, (0, 0, 1, 4)))

    # -- (c) -------------------------------------------------------------------------------------

    def task(self, url: str, task: Mapping[str, Any]) -> None:
        """A Task as the EHR holds it."""
        self.say((url, "underline"))
        grid = Table.grid(padding=(0, 2))
        for name, value in _task_rows(task):
            grid.add_row(Text(name, style="dim"), Text(value, style=_COLOURS.get(value, "")))
        self._console.print(Padding(grid, (0, 0, 0, 4)))


def _is_on_it(assessment: Assessment) -> bool:
    """An episode goes on, and the person is alive and active."""
    gone = any(finding.suppressed_by == "S1" for finding in assessment.suppressed)
    return assessment.episode is not None and assessment.episode.ongoing and not gone


def _why_not(assessment: Assessment) -> str | None:
    """What mutes all that holds, or why no order counts; None when something is due, or nothing was there."""
    if assessment.item is not None or assessment.unreadable:
        return None
    if assessment.suppressed:
        return assessment.suppressed[0].suppressed_by
    if assessment.listed and assessment.episode is None and assessment.ignored:
        return assessment.ignored[0].reason
    return None


def _counted(counts: Mapping[str, int], order: Sequence[str] | None = None) -> str:
    names = order or sorted(counts)
    return ", ".join(f"{name} {counts[name]}" for name in names if counts.get(name)) or "none"


def _task_rows(task: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "identifier", ", ".join(one["value"] for one in task["identifier"])
    for name in ("status", "priority", "description"):
        yield name, task[name]
    yield "for", task["for"]["reference"]
    yield "owner", task.get("owner", {}).get("reference", "none named")
    yield "reason", task["reasonCode"]["text"]
    yield "answer by", task["restriction"]["period"]["end"]
    evidence = [one["valueReference"]["reference"] for one in task["input"] if "valueReference" in one]
    yield "evidence", f"{len(evidence)} orders, the newest {evidence[-1]}" if evidence else "none"
    yield "note", task["note"][0]["text"]
