"""The Assessment of one patient (interfaces.md), read off the pages day by day."""

from typing import Any

from . import days, fhir
from .case import RANK, Case
from .classify import Order, Read, read
from .exposure import Episode, Exposure, mg_on
from .facts import Facts, read_facts
from .knowledge import equivalence, policy, texts_of_rules
from .rules import RULES, due_on, holds, since
from .rules_together import requester_names
from .supply import Known, Supply, overlap, supplies_before_overlap, supplies_of_r11
from .suppress import suppression

SUBJECTS = {
    "MedicationRequest": "subject",
    "MedicationDispense": "subject",
    "Condition": "subject",
    "Procedure": "subject",
    "Observation": "subject",
    "QuestionnaireResponse": "subject",
    "CarePlan": "subject",
    "Encounter": "subject",
    "Task": "for",
}
MINOR_FLAGS = {"repeats_assumed", "unit_assumed", "identified_by_text", "date_imprecise"}


def assess(
    resources: list[dict[str, Any]], as_of: str, policy_name: str = "us", file_name: str = "x"
) -> dict[str, Any] | None:
    """One patient's resources on a day; None when the patient is not listed."""
    t = days.number(as_of)
    named = fhir.one_of_each(resources, file_name)
    patient = _patient(named)
    mine = [item for item in named if _belongs(item, patient)]
    sorted_out = read(mine)
    if not sorted_out.listed:
        return None
    facts = read_facts(mine)
    case = _case(t, policy_name, sorted_out, facts, mine)
    return _assessment(case, patient, sorted_out, facts)


def _patient(named: list[fhir.Named]) -> str:
    for item in named:
        if item.body["resourceType"] == "Patient":
            return item.ref
    for item in named:
        who = SUBJECTS.get(item.body["resourceType"])
        if who is not None and fhir.reference(item.body.get(who)) is not None:
            return str(fhir.reference(item.body[who]))
    return "Patient/?"


def _belongs(item: fhir.Named, patient: str) -> bool:
    """A resource of a type that has a subject, but without one, belongs to nobody."""
    kind = item.body["resourceType"]
    if kind == "Patient":
        return item.ref == patient
    return kind not in SUBJECTS or fhir.reference(item.body.get(SUBJECTS[kind])) == patient


def _case(t: int, policy_name: str, found: Read, facts: Facts, mine: list[fhir.Named]) -> Case:
    rules = policy(policy_name)
    known_facts = facts.up_to(t)
    orders = [order for order in found.orders if order.authored <= t]
    fills = [fill for fill in found.fills if fill.authored <= t]
    person_of = requesters(orders, mine)

    def family(role: str | None) -> Known:
        return Known(
            t,
            [o for o in orders if (o.other.role if o.other else None) == role],
            [f for f in fills if (f.other.role if f.other else None) == role],
            known_facts.death,
            rules,
        )

    in_scope = family(None)
    before = supplies_before_overlap(in_scope, orders)

    def may_end(supply: Supply, other: Supply) -> bool:
        asked = person_of.get(supply.order.ref) if supply.order is not None else None
        also = person_of.get(other.order.ref) if other.order is not None else None
        return also is None or asked == also

    exposure = Exposure(
        t,
        rules,
        in_scope.orders,
        in_scope.fills,
        before,
        overlap(before, rules),
        supplies_of_r11(in_scope, orders, may_end),
    )
    others = {}
    for role in ("opioid", "sedative"):
        others[role] = overlap(supplies_before_overlap(family(role), orders), rules)
    return Case(
        t,
        rules,
        exposure,
        known_facts,
        others["opioid"],
        others["sedative"],
        family("naloxone").orders,
        mine,
        person_of,
    )


def requesters(orders: list[Order], mine: list[fhir.Named]) -> dict[str, str]:
    """Who asked for each order; two with a common organization of a PractitionerRole are one."""
    roles = {item.ref: item.body for item in mine if item.body["resourceType"] == "PractitionerRole"}
    group: dict[str, str] = {}

    def head(name: str) -> str:
        while group.get(name, name) != name:
            name = group[name]
        return name

    def person_of_role(ref: str) -> str:
        return fhir.reference(roles[ref].get("practitioner")) or ref

    for ref, role in sorted(roles.items()):
        organization = fhir.reference(role.get("organization"))
        if organization is not None:
            one, two = head(person_of_role(ref)), head(f"of {organization}")
            group[one] = two
    found = {}
    for order in orders:
        ref, name = requester_names(order.body)
        kind = (ref or "").split("/")[0]
        if ref in roles:
            person: str | None = person_of_role(ref)
        elif kind == "Practitioner":
            person = ref
        else:
            person = name  # a role that nobody resolves may be anybody
        if person is not None:
            found[order.ref] = head(person)
    return found


# --- what is written down ----------------------------------------------------------------------------------------


def state_on(case: Case, d: int) -> tuple[frozenset[tuple[str, str, bool]], bool, bool]:
    """What wake_on compares: (rule, priority, muted or not), is E ongoing, is E covered."""
    found = set()
    for rule in RULES:
        holding = holds(case, rule, d)
        if holding is not None:
            found.add((rule, holding.priority, suppression(case, rule, d) is not None))
    view = case.view(d)
    return frozenset(found), view.episode is not None, view.covered


def wake_on(case: Case, found: Read, facts: Facts) -> int | None:
    now = state_on(case, case.t)
    later = facts.days_after(case.t)
    for order in [*found.orders, *found.fills]:
        stop = order.stop_day()
        later += [order.authored] + ([max(stop, order.authored)] if stop is not None else [])
    later = [day for day in later if day > case.t]
    first_fact = min(later, default=None)
    for d in range(case.t + 1, case.t + int(case.policy("horizon")) + 1):
        if first_fact is not None and d >= first_fact:
            break
        if state_on(case, d) != now:
            return d
    return first_fact


def _assessment(case: Case, patient: str, found: Read, facts: Facts) -> dict[str, Any]:
    t = case.t
    findings, muted = [], []
    for rule in RULES:
        holding = holds(case, rule, t)
        if holding is None:
            continue
        by = suppression(case, rule, t)
        if by is not None:
            muted.append({"rule": rule, "by": by})
            continue
        findings.append(
            {
                "rule": rule,
                "priority": holding.priority,
                "since": days.iso(since(case, rule, t)),
                "due_on": days.iso(due_on(case, rule, t)),
                "facts": {**holding.facts, "variants": list(holding.variants)},
                "evidence": sorted({s.ref for s in case.view(t).supplies}),
                "citation": "; ".join(texts_of_rules()["rules"].get(rule, {}).get("citations", [])),
                "actions": texts_of_rules()["rules"].get(rule, {}).get("actions", []),
            }
        )
    view = case.view(t)
    episode = view.last_episode
    flags = _flags(case, episode)
    return {
        "patient": patient,
        "as_of": days.iso(t),
        "policy": case.policy.label,
        "complete": not found.could_be_in_scope,
        "missing": ["unreadable"] if found.could_be_in_scope else [],
        "confidence": "high" if not flags else "medium" if flags <= MINOR_FLAGS else "low",
        "flags": sorted(flags),
        "episode": _episode(case, episode) if episode is not None else None,
        "last_review": days.iso(case.last_review(t)),
        "findings": findings,
        "suppressed": muted,
        "item": _item(findings),
        "wake_on": days.iso(wake_on(case, found, facts)),
        "unreadable": [{"reference": r, "reason": why} for r, why in sorted(found.unreadable.items())],
        "ignored": [{"reference": r, "reason": why} for r, why in sorted(found.ignored.items())],
    }


def _flags(case: Case, episode: Episode | None) -> set[str]:
    flags: set[str] = {"age_unknown"} if case.facts.birth is None else set()
    if case.facts.birth_is_partial:
        flags.add("date_imprecise")
    if episode is None:
        return flags
    for supply in episode.supplies:
        flags |= {f for f in supply.flags if f != "open_ended" or supply.open_on(case.t)}
        unknown = any(mg_on(supply, day) is None for day in range(supply.first, supply.end))
        if unknown or supply.ingredient not in equivalence():
            flags.add("dose_unknown")
    if case.view(case.t).frequency_unknown(episode):
        flags.add("frequency_unknown")
    return flags


def _range(low: float, high: float) -> dict[str, Any]:
    return {"low": days.round2(low), "high": days.round2(high)}


def _episode(case: Case, episode: Episode) -> dict[str, Any]:
    t, view = case.t, case.view(case.t)
    dme = case.exposure.dme(t)
    return {
        "start": days.iso(episode.start),
        "end": days.iso(episode.end),
        "covered_days": len(view.covered_days(episode)),
        "ongoing": episode.ongoing(t),
        "covered": view.covered,
        "new_use": view.new_use(episode),
        "regular": view.regular(episode),
        "ingredients": episode.ingredients,
        "daily_dose_mg": {
            name: _range(*mg) if mg is not None else None
            for name, mg in sorted(case.exposure.daily_mg(t).items())
        },
        "dme": None if dme is None else dict(zip(("low", "typical", "high"), dme, strict=True)),
        "dependence": view.dependence(episode),
    }


def _item(findings: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The highest priority, the earliest due day among those that have it; R08's does not count beside R01, R02."""
    if not findings:
        return None
    rules = {finding["rule"] for finding in findings}
    highest = max((finding["priority"] for finding in findings), key=lambda p: RANK[p])
    due = [
        finding["due_on"]
        for finding in findings
        if finding["priority"] == highest and not (finding["rule"] == "R08" and rules & {"R01", "R02"})
    ]
    return {
        "priority": highest,
        "due_on": min(due),
        "reasons": [f["rule"] for f in sorted(findings, key=lambda f: (-RANK[f["priority"]], f["rule"]))],
    }
