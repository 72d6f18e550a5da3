"""What the tables tell of a patient, as the FHIR resources that an EHR would send.

Entries are separated by `;`.  A day is a number (day 0 is 2026-01-01) or a date as FHIR writes it.

- `diazepam 10 mg @0 28d`: an active order, 10 mg once a day, written on day 0, expected to last 28 days.
  `b: …` names it b (else the first is a, the next b …).  More words of an order:
  a dose `5..10 mg`, `2 tablets strength=5`, `dose=?` (none stated); how often, see `told_dose.py`; `prn`; a text
  in quotes; `then` and `plus` begin another dosage line, a later phase or one at the same time;
  `from=0 to=13` the line's period, `for=14d` its length; `qty=56`, `qty=500mL`, `repeats=2`, `valid=..40`,
  `stopped@50` (its version is of that day), `changed@50` (R5), `status=`, `intent=`, `by=anna`, `prior=a`,
  `reason=CONCEPT`, `text="…"`, `as=snomed:387264003` or another code instead of the drug's own.
- `fill of a @3 14d`, `fill diazepam @3 qty=28 strength=5`: handed over on day 3; `prepared@3`.
- `patient born=1950-01-01`, `born=unknown`, `died@50`, `dead`, `inactive`.
- `condition copd @-400`: active, recorded on that day; `icd:F10.21` instead of a concept; `onset=`, `abated=`,
  `inactive`, `resolved`, `refuted`.
- `review @50`, `moderate review @50`, `visit @50`, `form @50`; `observation snomed:… @50`, `procedure snomed:… @50`.
- `outcome taper @50 until=80 answers=R02+R04`: an own Task that a person ended; `status=rejected`; `none`: without one.
- `plan @50 to=80`: a CarePlan for a taper.  `delivery 200 @50`: an expected day of delivery, said on day 50.
- `stay IMP @50 to=60`: an Encounter in progress; `status=`, `type=`, `discharge=`.
- `role r1 who=anna of=org1`: a PractitionerRole.
- `medication m …`: a Medication.   `.path.to.element=JSON` after any entry sets that element of its resource.
"""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from tests.spec import codes
from tests.spec.told_dose import (
    UNITS,
    add_amount,
    add_option,
    day,
    drop_default_times,
    is_amount,
    number,
)

BORN = "1976-01-15"
_TOKEN = re.compile(r"""(?:[^\s"{\[]|"[^"]*"|\{[^}]*\}|\[[^\]]*\])+""")
_ENTRY = re.compile(r"""(?:[^;"]|"[^"]*")+""")
_NAME = re.compile(r"(\w+): +(.*)")

Resource = dict[str, Any]


def resources(told: str) -> list[Resource]:
    """The resources of one patient, `Patient/p`."""
    entries = [entry.strip() for entry in _ENTRY.findall(told) if entry.strip()]
    found: list[Resource] = []
    drugs: dict[str, Any] = {}
    patient: Resource = {"resourceType": "Patient", "id": "p", "birthDate": BORN}
    for place, entry in enumerate(entries):
        named = _NAME.match(entry)
        name = (
            named[1]
            if named
            else chr(ord("a") + sum(each["resourceType"] == "MedicationRequest" for each in found))
        )
        words = _TOKEN.findall(named[2] if named else entry)
        resource = _resource(name if named else None, name, f"n{place}", words, drugs, patient)
        for word in words:
            if word.startswith("."):
                path, _, value = word[1:].partition("=")
                _set(resource, path.split("."), json.loads(value))
        if resource is not patient:
            found.append(resource)
    return [patient, *found]


def _resource(
    named: str | None, letter: str, other: str, words: list[str], drugs: dict[str, Any], patient: Resource
) -> Resource:
    own = named or other
    match words:
        case ["patient", *rest]:
            return _patient(patient, rest)
        case ["condition", what, *rest]:
            return _condition(own, what, rest)
        case ["moderate", "review", *rest]:
            return _procedure(own, f"snomed:{codes.MODERATE_REVIEW}", rest)
        case ["review", *rest]:
            return _procedure(own, f"snomed:{codes.REVIEW}", rest)
        case ["procedure", what, *rest]:
            return _procedure(own, what, rest)
        case ["observation", what, *rest]:
            return _about(
                "Observation", own, status="final", code=codes.concept(what), effectiveDateTime=_at(rest)
            )
        case ["delivery", expected, *rest]:
            return _about("Observation", own, status="final", code=codes.concept("loinc:11778-8"),
                          effectiveDateTime=_at(rest), valueDateTime=day(expected))  # fmt: skip
        case ["visit", *rest]:
            return _stay(own, "AMB", ["status=finished", f"type=snomed:{codes.VISIT}", *rest])
        case ["stay", klass, *rest]:
            return _stay(own, klass, rest)
        case ["form", *rest]:
            return _about("QuestionnaireResponse", own, status="completed", authored=_at(rest),
                          questionnaire="urn:reviewdue:questionnaire:review")  # fmt: skip
        case ["outcome", kind, *rest]:
            return _outcome(own, kind, rest)
        case ["plan", *rest]:
            return _plan(own, rest)
        case ["role", name, *rest]:
            options = _options(rest)
            return {"resourceType": "PractitionerRole", "id": name,
                    "practitioner": {"reference": f"Practitioner/{options['who']}"},
                    "organization": {"reference": f"Organization/{options['of']}"}}  # fmt: skip
        case ["medication", name, *rest]:
            return {"resourceType": "Medication", "id": name, **_medication("", rest, needed=False)}
        case ["fill", "of", order, *rest]:
            return _fill(own, {"medicationCodeableConcept": drugs[order]}, order, rest)
        case ["fill", drug, *rest]:
            return _fill(own, _medication(drug, rest), None, rest)
        case [drug, *rest]:
            order = _order(letter, drug, rest)
            drugs[letter] = order.get("medicationCodeableConcept")
            return order
    raise ValueError("an empty entry")


# -- orders and fills ----------------------------------------------------------------------------


def _order(name: str, drug: str, words: list[str]) -> Resource:
    order = _about("MedicationRequest", name, status="active", intent="order", **_medication(drug, words))
    order["dosageInstruction"] = _lines(words)
    dispense: dict[str, Any] = {}
    for word in _plain(words):
        key, equals, value = word.partition("=")
        if word.startswith("@"):
            order["authoredOn"] = day(word[1:])
        elif word.startswith("stopped@"):
            order["status"], order["meta"] = "stopped", {"lastUpdated": f"{day(word[8:])}T08:00:00Z"}
        elif word.startswith("changed@"):
            order["statusChanged"] = day(word[8:])
        elif (lasts := _length(word)) is not None:
            dispense["expectedSupplyDuration"] = lasts
        elif equals:
            _add_to_order(order, dispense, key, value)
    if dispense:
        order["dispenseRequest"] = dispense
    return {key: value for key, value in order.items() if value not in (None, "none", [])}


def _add_to_order(order: Resource, dispense: dict[str, Any], key: str, value: str) -> None:
    match key:
        case "qty":
            dispense["quantity"] = _quantity(value)
        case "repeats":
            dispense["numberOfRepeatsAllowed"] = number(value)
        case "valid":
            start, _, end = value.partition("..")
            dispense["validityPeriod"] = {k: day(v) for k, v in (("start", start), ("end", end)) if v}
        case "status" | "intent":
            order[key] = value
        case "category":
            order["category"] = [{"coding": [{"code": value}]}]
        case "by":
            order["requester"] = {"reference": value if "/" in value else f"Practitioner/{value}"}
        case "prior":
            order["priorPrescription"] = {"reference": f"MedicationRequest/{value}"}
        case "reason":
            order["reasonCode"] = [codes.condition(value)]


def _fill(name: str, medication: Resource, order: str | None, words: list[str]) -> Resource:
    fill = _about("MedicationDispense", name, status="completed", **medication)
    if order is not None:
        fill["authorizingPrescription"] = [{"reference": f"MedicationRequest/{order}"}]
    if order is None or _has_dose(words):
        fill["dosageInstruction"] = _lines(words)
    if any(word.startswith("strength=") for word in words) and order is not None:
        fill["medicationCodeableConcept"] = codes.medication("diazepam", _options(words)["strength"])
    for word in _plain(words):
        key, _, value = word.partition("=")
        if word.startswith("@"):
            fill["whenHandedOver"] = day(word[1:])
        elif word.startswith("prepared@"):
            fill["whenPrepared"] = day(word[9:])
        elif (lasts := _length(word)) is not None:
            fill["daysSupply"] = lasts
        elif key == "qty":
            fill["quantity"] = _quantity(value)
        elif key in ("status", "category"):
            fill[key] = value if key == "status" else {"coding": [{"code": value}]}
    return fill


def _medication(drug: str, words: list[str], *, needed: bool = True) -> Resource:
    """What names the drug: its own code, or what the entry says instead."""
    options = _options(words)
    key = "medicationCodeableConcept" if needed else "code"
    named = [value for word in words if (value := word.removeprefix("as=")) != word]
    text = options.get("text")
    if "ref" in options:
        return {"medicationReference": {"reference": options["ref"]}}
    if named or text is not None or drug in ("?", ""):
        concept = codes.concept(*named, text=text)
        if "display" in options:
            concept.setdefault("coding", [{}])[0]["display"] = options["display"]
        return {key: concept} if concept or "display" in options else {}
    return {key: codes.medication(drug, options.get("strength"))}


def _lines(words: list[str]) -> list[Resource]:
    """The dosage lines; `then` gives them a sequence, `plus` does not."""
    parts: list[list[str]] = [[]]
    joints = [word for word in words if word in ("then", "plus")]
    for word in words:
        if word in ("then", "plus"):
            parts.append([])
        else:
            parts[-1].append(word)
    lines = [_line(part) for part in parts]
    if "then" in joints:
        at = 1
        for line, joint in zip(lines, ["first", *joints], strict=True):
            at += joint == "then"
            line.setdefault("sequence", at)
    return [line for line in lines if line]


def _line(words: list[str]) -> Resource:
    line: Resource = {}
    for word, following in pairwise([*words, ""]):
        if is_amount(word, following):
            add_amount(line, word, following)
        elif word == "prn":
            line["asNeededBoolean"] = True
        elif word.startswith('"'):
            line["text"] = word.strip('"')
        elif "=" in word and not word.startswith("."):
            key, _, value = word.partition("=")
            if key == "dose":  # dose=2: without a unit; dose=?: none
                if value != "?":
                    add_amount(line, value, None)
            else:
                add_option(line, key, value.strip('"'))
    drop_default_times(line)
    if "timing" in line and not any(line["timing"].values()):
        del line["timing"]
    return line


def _has_dose(words: list[str]) -> bool:
    return any(is_amount(a, b) for a, b in pairwise([*words, ""])) or any(
        word.startswith('"') for word in words
    )


def _length(word: str) -> dict[str, Any] | None:
    """`28d`, `4wk`, `2mo` …"""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(d|wk|mo|a|h|months)", word)
    return None if found is None else {"value": number(found[1]), "unit": found[2]}


def _quantity(value: str) -> dict[str, Any]:
    found = re.fullmatch(r"([\d.]+)(\w*)", value)
    if found is None:
        raise ValueError(f"qty={value}")
    return {"value": number(found[1]), **({"unit": found[2]} if found[2] else {})}


# -- everything else -----------------------------------------------------------------------------


def _patient(patient: Resource, words: list[str]) -> Resource:
    for word in words:
        if word == "dead":
            patient["deceasedBoolean"] = True
        elif word == "inactive":
            patient["active"] = False
        elif word.startswith("died@"):
            patient["deceasedDateTime"] = day(word[5:])
        elif word == "born=unknown":
            del patient["birthDate"]
        elif word.startswith("born="):
            patient["birthDate"] = word[5:]
    return patient


def _condition(name: str, what: str, words: list[str]) -> Resource:
    status = next(
        (word for word in words if word in ("inactive", "resolved", "remission", "relapse")), "active"
    )
    condition = _about(
        "Condition", name, code=codes.condition(what), clinicalStatus=_status("condition-clinical", status)
    )
    if "refuted" in words:
        condition["verificationStatus"] = _status("condition-ver-status", "refuted")
    options = _options(words)
    for key, element in (("onset", "onsetDateTime"), ("abated", "abatementDateTime")):
        if key in options:
            condition[element] = day(options[key])
    recorded = _at(words)
    return condition if recorded is None else {**condition, "recordedDate": recorded}


def _status(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}]}


def _procedure(name: str, what: str, words: list[str]) -> Resource:
    status = _options(words).get("status", "completed")
    return _about("Procedure", name, status=status, code=codes.condition(what), performedDateTime=_at(words))


def _stay(name: str, klass: str, words: list[str]) -> Resource:
    options = _options(words)
    period = {"start": _at(words)}
    if "to" in options:
        period["end"] = day(options["to"])
    stay = _about("Encounter", name, status=options.get("status", "in-progress"), period=period)
    stay["class"] = {"code": klass}
    if "type" in options:
        stay["type"] = [codes.concept(options["type"])]
    if "discharge" in options:
        stay["hospitalization"] = {"dischargeDisposition": codes.concept(options["discharge"])}
    return stay


def _plan(name: str, words: list[str]) -> Resource:
    options = _options(words)
    period = {"start": _at(words)} if _at(words) else {}
    if "to" in options:
        period["end"] = day(options["to"])
    category = {"coding": [{"system": "urn:reviewdue:careplan", "code": "benzodiazepine-taper"}]}
    return _about("CarePlan", name, status=options.get("status", "active"), intent="plan",
                  category=[category], period=period)  # fmt: skip


def _outcome(name: str, kind: str, words: list[str]) -> Resource:
    """A Task of ours that a person ended on the day told."""
    options = _options(words)
    rules = [rule for rule in options.get("answers", "").split("+") if rule]
    output = [] if kind == "none" else [_output("outcome", valueCodeableConcept={
        "coding": [{"system": "urn:reviewdue:outcome", "code": kind}]})]  # fmt: skip
    if "until" in options:
        output.append(_output("until", valueDate=day(options["until"])))
    return {
        "resourceType": "Task", "id": name, "status": options.get("status", "completed"), "intent": "proposal",
        "identifier": [{"system": "urn:reviewdue:item", "value": f"r-{name}"}],
        "for": {"reference": "Patient/p"}, "executionPeriod": {"end": _at(words)},
        "input": [{"type": {"coding": [{"system": "urn:reviewdue:input", "code": "rule"}]}, "valueString": rule}
                  for rule in rules],
        "output": output,
    }  # fmt: skip


def _output(code: str, **value: Any) -> Resource:
    return {"type": {"coding": [{"system": "urn:reviewdue:output", "code": code}]}, **value}


# -- small parts ---------------------------------------------------------------------------------


def _about(kind: str, name: str, **elements: Any) -> Resource:
    given = {key: value for key, value in elements.items() if value is not None}
    return {"resourceType": kind, "id": name, "subject": {"reference": "Patient/p"}, **given}


def _plain(words: list[str]) -> Iterator[str]:
    return (word for word in words if not word.startswith((".", '"')) and word not in UNITS)


def _options(words: list[str]) -> dict[str, str]:
    return {
        key: value.strip('"')
        for word in _plain(words)
        for key, equals, value in [word.partition("=")]
        if equals
    }


def _at(words: list[str]) -> str | None:
    return next((day(word[1:]) for word in words if word.startswith("@")), None)


def _set(where: Any, path: list[str], value: Any) -> None:
    """Set an element; what lies on the way is made, `0` being the first of a list."""
    for here, following in pairwise(path):
        empty: Any = [] if following.isdigit() else {}
        if isinstance(where, list):
            while len(where) <= int(here):
                where.append({})
            where = where[int(here)]
        else:
            where = where.setdefault(here, empty)
    last = path[-1]
    if isinstance(where, list):
        where[int(last) :] = [value]
    elif value is None:
        where.pop(last, None)
    else:
        where[last] = value
