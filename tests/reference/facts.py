"""Everything in the record beside orders and fills, each fact with its day (rules.md, top and suppressions)."""

from dataclasses import dataclass, field
from typing import Any

from . import days, fhir
from .conditions import Condition, codes_of, is_hospice_code, is_palliative_code, read_condition
from .knowledge import table

TAPER_CODE = ("urn:reviewdue:careplan", "benzodiazepine-taper")
REVIEW_FORM = "urn:reviewdue:questionnaire"
EDD = "11778-8"
OUTCOMES = {"continue", "reduce", "taper", "already-stopped", "not-applicable", "snooze"}
REVIEWING = {"continue", "reduce", "taper", "already-stopped", "reviewed"}


@dataclass(eq=False)
class Outcome:
    ref: str
    day: int
    code: str  # as stated, else reviewed or not-applicable
    until: int | None
    rules: set[str]
    completed: bool  # only a completed one is a review
    key: str  # of the item that it answered

    @property
    def is_review(self) -> bool:
        return self.completed and self.code in REVIEWING


@dataclass(eq=False)
class Evidence:
    """Something that may reset the review clock."""

    day: int
    strong: bool
    outcome: str | None = None  # the code of an outcome
    until: int | None = None  # the last day of an active plan


@dataclass(eq=False)
class Plan:
    """A taper CarePlan."""

    start: int | None
    end: int | None
    active: bool
    completed: bool

    def active_on(self, day: int) -> bool:
        begun = self.start is None or self.start <= day
        return self.active and begun and (self.end is None or self.end >= day)


@dataclass(eq=False)
class Stay:
    """An Encounter."""

    status: str
    classes: set[str]
    start: int | None
    end: int | None
    by_type: list[tuple[str, str]]  # codes of type and reason
    discharge: list[tuple[str, str]]

    @property
    def matters(self) -> bool:
        """Can a suppression ask for it?"""
        if self.status in ("in-progress", "arrived", "onleave"):
            return True
        palliative = any(is_hospice_code(*code) or is_palliative_code(*code) for code in self.by_type)
        return palliative or any(is_hospice_code(*code) for code in self.discharge)

    def covers(self, day: int) -> bool:
        begun = self.start is None or self.start <= day
        return (
            self.status in ("in-progress", "arrived", "onleave")
            and begun
            and (self.end is None or day <= self.end)
        )


@dataclass(eq=False)
class Facts:
    """All facts, also those after t: `up_to` keeps the ones that are known."""

    birth: int | None = None
    birth_is_partial: bool = False
    inactive: bool = False
    dead_undated: bool = False
    death: int | None = None
    conditions: list[Condition] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    hospice_procedures: list[int] = field(default_factory=list)
    palliative_procedures: list[int] = field(default_factory=list)
    deliveries: list[tuple[int | None, int]] = field(default_factory=list)  # (known from, expected on)

    def up_to(self, t: int) -> "Facts":
        return Facts(
            birth=self.birth,
            birth_is_partial=self.birth_is_partial,
            inactive=self.inactive,
            dead_undated=self.dead_undated,
            death=self.death if self.death is not None and self.death <= t else None,
            conditions=[c for c in self.conditions if c.known_by(t)],
            evidence=[e for e in self.evidence if e.day <= t],
            outcomes=[o for o in self.outcomes if o.day <= t],
            plans=[p for p in self.plans if p.start is None or p.start <= t],
            stays=[s for s in self.stays if s.start is None or s.start <= t],
            hospice_procedures=[d for d in self.hospice_procedures if d <= t],
            palliative_procedures=[d for d in self.palliative_procedures if d <= t],
            deliveries=[d for d in self.deliveries if d[0] is None or d[0] <= t],
        )

    def days_after(self, t: int) -> list[int]:
        """The days after t on which one of these facts becomes known."""
        later: list[int | None] = [self.death]
        later += [c.day for c in self.conditions if c.concepts]
        later += [e.day for e in self.evidence] + [o.day for o in self.outcomes]
        later += [p.start for p in self.plans] + [s.start for s in self.stays if s.matters]
        later += self.hospice_procedures + self.palliative_procedures + [d[0] for d in self.deliveries]
        return [day for day in later if day is not None and day > t]


def read_facts(resources: list[fhir.Named]) -> Facts:
    facts = Facts()
    for item in resources:
        kind = item.body["resourceType"]
        if kind in _READERS:
            _READERS[kind](item, facts)
    facts.outcomes = _joined(facts.outcomes)
    facts.evidence += [Evidence(o.day, True, o.code) for o in facts.outcomes if o.is_review]
    return facts


def _patient(item: fhir.Named, facts: Facts) -> None:
    born, died = days.when(item.body.get("birthDate")), days.when(item.body.get("deceasedDateTime"))
    facts.birth = born.first if born else None
    facts.birth_is_partial = born is not None and born.partial
    facts.death = died.last if died else None
    facts.dead_undated = item.body.get("deceasedBoolean") is True
    facts.inactive = item.body.get("active") is False


def _condition(item: fhir.Named, facts: Facts) -> None:
    condition = read_condition(item)
    if condition is not None:
        facts.conditions.append(condition)


def _done_on(body: dict[str, Any], *names: str) -> int | None:
    """A date, or of a period its end, else its start."""
    for name in names:
        single = days.when(body.get(f"{name}DateTime"))
        if single is not None:
            return single.first
        end, start = (days.when(fhir.dig(body, f"{name}Period", edge)) for edge in ("end", "start"))
        if end is not None or start is not None:
            return end.last if end is not None else start.first if start is not None else None
    return None


def _review_evidence(codes: list[tuple[str, str]], day: int | None) -> list[Evidence]:
    if day is None:
        return []
    found = []
    for row in table("review_evidence"):
        if (row["system"], row["code"]) in codes:
            if row["resets_review_clock"] == "yes":
                found.append(Evidence(day, True))
            elif row["resets_review_clock"] == "configurable" and row["strength"] == "moderate":
                found.append(Evidence(day, False))
    return found


def _raw_codes(concept: Any) -> list[tuple[str, str]]:
    """As written, the known systems under their first name."""
    first = {name: url for url, name in reversed(fhir.SYSTEMS.items())}
    return [(first.get(fhir.SYSTEMS.get(s, ""), s), code) for s, code, _ in fhir.codings(concept)]


def _procedure(item: fhir.Named, facts: Facts) -> None:
    if item.body.get("status") != "completed":
        return
    day = _done_on(item.body, "performed", "occurrence")
    facts.evidence += _review_evidence(_raw_codes(item.body.get("code")), day)
    if day is not None:
        codes = codes_of(item.body.get("code"))
        if any(is_hospice_code(*code) for code in codes):
            facts.hospice_procedures.append(day)
        if any(is_palliative_code(*code) for code in codes):
            facts.palliative_procedures.append(day)


def _observation(item: fhir.Named, facts: Facts) -> None:
    body = item.body
    if body.get("status") not in ("final", "amended", "corrected"):
        return
    day = _done_on(body, "effective")
    instant = days.when(body.get("effectiveInstant"))
    day = instant.first if day is None and instant else day
    codes = _raw_codes(body.get("code"))
    facts.evidence += _review_evidence(codes, day)
    expected = days.when(body.get("valueDateTime"))
    if ("http://loinc.org", EDD) in codes and expected is not None:
        facts.deliveries.append((day, expected.first))


def _answers(item: fhir.Named, facts: Facts) -> None:
    """A QuestionnaireResponse to the review form."""
    authored = days.when(item.body.get("authored"))
    form = fhir.text(item.body.get("questionnaire"))
    if item.body.get("status") == "completed" and form.startswith(REVIEW_FORM) and authored is not None:
        facts.evidence.append(Evidence(authored.first, True))


def _care_plan(item: fhir.Named, facts: Facts) -> None:
    body = item.body
    coded = {(s, c) for concept in fhir.listed(body.get("category")) for s, c, _ in fhir.codings(concept)}
    if TAPER_CODE not in coded or body.get("status") not in ("active", "completed"):
        return
    start = days.when(fhir.dig(body, "period", "start")) or days.when(body.get("created"))
    end = days.when(fhir.dig(body, "period", "end"))
    active = body.get("status") == "active"
    facts.plans.append(Plan(start.first if start else None, end.last if end else None, active, not active))
    if active and start is not None:
        facts.evidence.append(Evidence(start.first, True, until=end.last if end else None))


_R5_STAYS = {
    "completed": "finished",
    "discharged": "finished",
    "on-hold": "onleave",
    "discontinued": "cancelled",
}


def _encounter(item: fhir.Named, facts: Facts) -> None:
    body = item.body
    status = _R5_STAYS.get(fhir.text(body.get("status")), fhir.text(body.get("status")))
    if status in ("cancelled", "entered-in-error", "planned"):
        return
    classes = {fhir.text(c.get("code")) for c in fhir.objects(body.get("class"))}
    classes |= {code for c in fhir.listed(body.get("class")) for _, code, _ in fhir.codings(c)}
    reasons = fhir.listed(body.get("reasonCode"))
    for reason in fhir.objects(body.get("reason")):
        reasons += [fhir.dig(v, "concept") for v in fhir.listed(reason.get("value"))]
    start, end = days.when(fhir.dig(body, "period", "start")), days.when(fhir.dig(body, "period", "end"))
    leaving = [fhir.dig(body, name, "dischargeDisposition") for name in ("hospitalization", "admission")]
    facts.stays.append(
        Stay(
            status=status,
            classes=classes - {""},
            start=start.first if start else None,
            end=end.last if end else None,
            by_type=codes_of(*fhir.listed(body.get("type")), *reasons),
            discharge=codes_of(*leaving),
        )
    )


def _code_of(concepts: Any, system: str) -> list[str]:
    return [code for concept in fhir.listed(concepts) for s, code, _ in fhir.codings(concept) if s == system]


def _task(item: fhir.Named, facts: Facts) -> None:
    """An own Task that a person ended."""
    body = item.body
    keys = [
        i.get("value")
        for i in fhir.objects(body.get("identifier"))
        if i.get("system") == "urn:reviewdue:item"
    ]
    status = body.get("status")
    if not keys or status not in ("completed", "cancelled", "rejected", "entered-in-error"):
        return
    if status in ("completed", "cancelled") and _ended_by_us(body):
        return
    ended = days.when(fhir.dig(body, "executionPeriod", "end"))
    changed = days.when(body.get("lastModified"))
    day = ended.last if ended else changed.first if changed else None
    if day is None:
        return
    stated, until = None, None
    for output in fhir.objects(body.get("output")):
        kinds = _code_of(output.get("type"), "urn:reviewdue:output")
        if "outcome" in kinds:
            codes = _code_of(output.get("valueCodeableConcept"), "urn:reviewdue:outcome")
            stated = next((c for c in codes if c in OUTCOMES or c == "reviewed"), stated)
        if "until" in kinds:
            written = days.when(output.get("valueDate")) or days.when(output.get("valueDateTime"))
            until = written.last if written else until
    code = stated or ("reviewed" if status == "completed" else "not-applicable")
    longest = {"continue": 365, "snooze": 90}.get(code)
    if until is not None and longest is not None:
        until = min(until, day + longest)
    reasons = [
        fhir.dig(r, "concept") or r
        for r in fhir.listed(body.get("reasonCode")) + fhir.listed(body.get("reason"))
    ]
    rules = set(_code_of(reasons, "urn:reviewdue:rule"))
    for given in fhir.objects(body.get("input")):
        if "rule" in _code_of(given.get("type"), "urn:reviewdue:input"):
            rules |= {c for _, c, _ in fhir.codings(given.get("valueCodeableConcept"))}
            rules |= {fhir.text(given.get(name)) for name in ("valueCode", "valueString")} - {""}
    key = fhir.text(keys[0]) or item.ref
    facts.outcomes.append(Outcome(item.ref, day, code, until, rules, status == "completed", key))


def _ended_by_us(body: dict[str, Any]) -> bool:
    reason = body.get("statusReason")
    return bool(_code_of([reason, fhir.dig(reason, "concept")], "urn:reviewdue:close"))


def _joined(outcomes: list[Outcome]) -> list[Outcome]:
    """Of one key the later wins; then in order of day, same day by reference."""
    ordered = sorted(outcomes, key=lambda o: (o.day, o.ref))
    by_key = {o.key: o for o in ordered}
    return sorted(by_key.values(), key=lambda o: (o.day, o.ref))


_READERS = {
    "Patient": _patient,
    "Condition": _condition,
    "Procedure": _procedure,
    "Observation": _observation,
    "QuestionnaireResponse": _answers,
    "CarePlan": _care_plan,
    "Encounter": _encounter,
    "Task": _task,
}
