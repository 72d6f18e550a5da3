"""One patient's answer, told: the timeline, each number and where it came from, what was held back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service import wording
from service.exposure import Exposure, build_exposure
from service.knowledge import Knowledge, Policy
from service.model.assessment import Assessment, Finding
from service.model.assessment_json import render
from service.model.days import date_of, day_of
from service.model.exposure import Supply
from service.model.facts import Facts
from service.normalise import facts_of
from service.record.group import PatientRecord

_LENGTH_RULES = {
    "bounds": "dates in the dosage",
    "duration": "duration in the dosage",
    "expected": "expected supply duration",
    "quantity": "quantity and dose",
    "open": "active without an end",
    "assumed": "assumed",
    "fill": "days supplied at the fill",
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something dated, in days of the clinic."""

    start: str
    end: str | None  # the day after the last one; None: it has no length
    what: str
    basis: str
    reference: str


@dataclass(frozen=True)
class Explanation:
    answer: Assessment
    events: tuple[Event, ...]
    policy: Policy
    knowledge: Knowledge

    def as_json(self) -> dict[str, Any]:
        """The assessment, and beside it the timeline."""
        timeline = [
            {"start": e.start, "end": e.end, "what": e.what, "basis": e.basis, "reference": e.reference}
            for e in self.events
        ]
        return {**render(self.answer), "timeline": timeline}

    def as_text(self) -> str:
        return "\n".join([*self._head(), *self._timeline(), *self._findings(), *self._rest()]) + "\n"

    def _head(self) -> Iterator[str]:
        answer, episode = self.answer, self.answer.episode
        yield f"{answer.patient} on {wording.day(answer.as_of)}, policy {answer.policy}"
        if answer.findings:
            yield wording.description(answer)
        else:
            yield "No review is due."
        if episode is not None:
            state = "ongoing" if episode.ongoing else "over"
            yield (
                f"Episode {wording.day(episode.start)} to {wording.day(episode.end)}, {state}: "
                f"{episode.covered_days} days covered, {'regular' if episode.regular else 'not regular'}, "
                f"dependence {episode.dependence}, {wording.equivalent(episode.dme)}"
            )
        yield f"Confidence {answer.confidence}{': ' if answer.flags else ''}{', '.join(answer.flags)}"

    def _timeline(self) -> Iterator[str]:
        yield from ("", "Timeline")
        if not self.events:
            yield "  nothing that counts"
        what = max((len(event.what) for event in self.events), default=0)
        basis = max((len(event.basis) for event in self.events), default=0)
        for event in self.events:
            until = f"to {event.end}" if event.end else ""
            yield f"  {event.start} {until:<13} {event.what:<{what}}  {event.basis:<{basis}}  {event.reference}"

    def _findings(self) -> Iterator[str]:
        yield from ("", "Findings" if self.answer.findings else "Findings: none")
        for finding in self.answer.findings:
            yield f"  {finding.rule} {finding.priority.word}: {wording.reason(finding)}"
            yield from self._numbers(finding)
            yield f"    evidence: {', '.join(finding.evidence)}"
            yield f"    source: {finding.citation}"
            for action in finding.actions:
                yield f"    next: {action}"

    def _numbers(self, finding: Finding) -> Iterator[str]:
        for name, number in finding.numbers.items():
            yield f"    {name} = {number.value} {number.unit} ({number.source})"

    def _rest(self) -> Iterator[str]:
        answer = self.answer
        if answer.suppressed:
            yield from ("", "Held back")
        for finding in answer.suppressed:
            why = finding.suppressed_by or ""
            title = (
                self.knowledge.texts.suppressions[why].title
                if why in self.knowledge.texts.suppressions
                else ""
            )
            yield f"  {finding.rule} {finding.title}: by {why} {title}".rstrip()
        for heading, asides in (("Unreadable", answer.unreadable), ("Not counted", answer.ignored)):
            if asides:
                yield from ("", heading)
            yield from (f"  {aside.reference}: {aside.reason}" for aside in asides)
        yield ""
        if answer.missing:
            yield f"Not seen: {', '.join(answer.missing)}"
        yield (
            f"Looked at again on {wording.day(answer.wake_on)}"
            if answer.wake_on
            else "Nothing changes by itself"
        )


def explain(record: PatientRecord, answer: Assessment, policy: Policy, knowledge: Knowledge) -> Explanation:
    """The answer of `assess` for this record, with what it rests on."""
    facts = facts_of(record, knowledge, policy)
    exposure = build_exposure(facts, policy, knowledge, day_of(answer.as_of))
    events = [*_supplies(exposure), *_others(exposure.facts)]
    return Explanation(answer, tuple(sorted(events, key=lambda e: (e.start, e.reference))), policy, knowledge)


def _supplies(exposure: Exposure) -> Iterator[Event]:
    for supply in (*exposure.supplies, *exposure.opioids, *exposure.sedatives):
        spans = [span for span in supply.doses if span.end > span.start]
        if not spans:
            yield _event(supply, supply.start, None, f"{supply.ingredient}, nothing left of it")
        for span in spans:
            dose = wording.amount(span.mg)
            yield _event(supply, span.start, span.end, f"{supply.ingredient} {dose}")


def _event(supply: Supply, start: int, end: int | None, what: str) -> Event:
    basis = _LENGTH_RULES.get(supply.rule, supply.rule)
    notes = [f"{supply.length} days", basis]
    if supply.as_needed:
        notes.append("as needed")
    if supply.cut is not None:
        notes.append(f"cut {date_of(supply.cut).isoformat()}")
    return Event(
        date_of(start).isoformat(),
        date_of(end).isoformat() if end is not None else None,
        what,
        ", ".join(notes),
        supply.reference,
    )


def _others(facts: Facts) -> Iterator[Event]:
    for condition in facts.conditions:
        if condition.recorded is not None:
            end = date_of(condition.abated).isoformat() if condition.abated is not None else None
            day = date_of(condition.start if condition.start is not None else condition.recorded)
            yield Event(day.isoformat(), end, condition.code, "condition", condition.reference)
    for review in facts.reviews:
        strength = "strong" if review.strong else "moderate"
        yield Event(
            date_of(review.day).isoformat(), None, "review", f"{review.kind}, {strength}", review.reference
        )
    for outcome in facts.outcomes:
        until = f" until {date_of(outcome.until).isoformat()}" if outcome.until is not None else ""
        what = f"answer: {outcome.kind.value}{until}"
        yield Event(
            date_of(outcome.day).isoformat(), None, what, ", ".join(sorted(outcome.rules)), outcome.reference
        )
