"""What generated records hold beside the drug: other drugs, conditions, stays, reviews, plans, own Tasks."""

from random import Random
from typing import Any

from .knowledge import table
from .record_drugs import ATC, RXNORM, SNOMED, Json, iso, written
from .record_orders import Pen, near

LOINC = "http://loinc.org"
CPT = "http://www.ama-assn.org/go/cpt"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
ALL_RULES = tuple(f"R{n:02}" for n in range(17))

OPIOIDS: tuple[Json, ...] = (
    {"coding": [{"system": RXNORM, "code": "7052"}], "text": "morphine"},
    {"coding": [{"system": ATC, "code": "N02AA05"}]},
    {"coding": [{"system": ATC, "code": "N07BC01"}]},
    {"text": "codeine 30 mg tablets"},
    {"coding": [{"system": RXNORM, "code": "1819"}]},
)
SEDATIVES: tuple[Json, ...] = (
    {"text": "gabapentin 300 mg"},
    {"coding": [{"system": ATC, "code": "N03AX16"}]},
    {"coding": [{"system": ATC, "code": "N03AA02"}]},
    {"text": "primidone 250 mg"},
    {"coding": [{"system": RXNORM, "code": "8134"}]},
    {"text": "carisoprodol 350 mg"},
    {"text": "mirtazapine 15 mg"},
    {"text": "quetiapine 25 mg"},
    {"text": "trazodone 50 mg"},
)
NALOXONE: tuple[Json, ...] = (
    {"coding": [{"system": ATC, "code": "V03AB15"}]},
    {"text": "naloxone nasal spray"},
)
POOLS = {
    "interval": ("alcohol_use_disorder", "opioid_use_disorder", "sedative_use_disorder", "copd",
                 "sleep_disordered_breathing", "bipolar_disorder", "nicotine_dependence_not_sud"),
    "breathing": ("chronic_respiratory_failure", "obesity_hypoventilation", "home_oxygen", "myasthenia_gravis"),
    "event": ("falls", "hip_fracture", "delirium", "motor_vehicle_crash", "fall_history"),
    "overdose": ("bzd_poisoning", "opioid_poisoning", "drug_overdose", "self_harm", "suicide_attempt",
                 "suicidal_ideation", "self_harm_history", "sedative_poisoning", "alcohol_poisoning"),
    "use": ("alcohol_use_disorder", "cannabis_use_disorder", "other_sud", "barbiturate_use_disorder",
            "substance_use_disorder", "sedative_use_disorder_in_remission", "opioid_use_disorder"),
    "seizure": ("seizure_disorder", "seizure_disorder", "seizure_disorder_not_valid_exclusion"),
    "accepted": ("rem_sleep_behavior_disorder", "catatonia", "stiff_person_syndrome", "spasticity_indication"),
    "withdrawal": ("alcohol_withdrawal",),
    "pregnancy": ("pregnancy", "pregnancy", "lactation"),
    "palliative": ("palliative_or_hospice",),
    "pain": ("cancer_pain", "sickle_cell_disease"),
    "other": ("dementia", "ptsd", "insomnia", "severe_hepatic_disease", "benzodiazepine_withdrawal"),
}  # fmt: skip


def a_code(r: Random, concept: str, *sources: str) -> Json:
    """A CodeableConcept of one row of the concept; ICD codes with or without dots and further characters."""
    rows = [x for x in table("conditions") if x["concept"] == concept]
    rows = [x for x in rows if not sources or any(word in x["source"].lower() for word in sources)] or rows
    row = r.choice(rows)
    if row["snomed"] and (not row["icd10cm"] or r.random() < 0.5):
        return {"coding": [{"system": SNOMED, "code": row["snomed"]}]}
    code = row["icd10cm"]
    if row["match"].startswith("range"):
        code = r.choice(("V43.52XA", "V49.9XXA", "V40.5XXD", "W01.0XXA"))
    elif row["match"] == "prefix" and r.random() < 0.5:
        bare = code.replace(".", "")
        tail = r.choice(("A", "D", "S", "K", "Q"))
        code = (f"{bare}XXXX"[:6] + tail) if r.random() < 0.5 else f"{code}{r.choice(('1', '21', '0'))}"
    return {"coding": [{"system": r.choice((ICD, ICD, "http://hl7.org/fhir/sid/icd-10")), "code": code}]}


def condition(pen: Pen, concept: str, day: int | None, code: Json | None = None) -> Json:
    r = pen.r
    body = pen.add("Condition", code=code or a_code(r, concept))
    if r.random() < 0.05:
        body["code"]["coding"] += a_code(r, r.choice(POOLS["interval"]))["coding"]
    if day is not None:
        style = r.random()
        if style < 0.5:
            body["onsetDateTime"] = written(r, day)
        if style >= 0.4:
            body["recordedDate"] = written(r, day + r.choice((0, 0, 0, 3, 20)))
        if 0.3 < style < 0.36:
            body["onsetPeriod"] = {"start": body.pop("onsetDateTime")}
    status = r.choices(
        (None, "active", "recurrence", "relapse", "inactive", "remission", "resolved"),
        (20, 60, 3, 3, 4, 4, 6),
    )[0]
    if status is not None:
        body["clinicalStatus"] = {"coding": [{"code": status}]}
    if r.random() < 0.15:
        verified = r.choice(("confirmed", "provisional", "refuted", "entered-in-error"))
        body["verificationStatus"] = {"coding": [{"code": verified}]}
    if r.random() < 0.08:
        body["abatementDateTime"] = written(r, pen.t + r.choice((-30, -1, 0, 1, 40)))
    return body


def conditions(pen: Pen, first: int) -> None:
    """None to three, of a random purpose, on the days on which their rules change."""
    r, t = pen.r, pen.t
    for _ in range(r.choices((0, 1, 2, 3), (45, 35, 15, 5))[0]):
        purpose = r.choices(
            ("interval", "breathing", "event", "overdose", "use", "seizure", "accepted", "withdrawal", "pregnancy",
             "pain", "other"),
            (17, 8, 11, 9, 10, 14, 8, 8, 9, 4, 4),
        )[0]  # fmt: skip
        ago = {
            "event": (0, 5, 40, 89, 90, 91),
            "overdose": (0, 5, 40, 89, 90, 91),
            "use": (0, 5, 29, 30, 31),
            "pregnancy": (20, 100, 299, 300, 301),
        }.get(purpose, (1, 20, 200, 1000))
        day = None if r.random() < 0.05 else t - near(r, *ago)
        if purpose == "withdrawal":
            day = first - r.choice((-1, 0, 1, 13, 14, 15))
        condition(pen, r.choice(POOLS[purpose]), day)


def seizure_course(pen: Pen) -> None:
    """A reason on the orders."""
    r = pen.r
    concept = r.choice((a_code(r, "seizure_disorder"), {"coding": [{"system": ICD, "code": "G40.909"}]},
                        {"text": "epilepsy"}))  # fmt: skip
    for body in pen.resources:
        if body["resourceType"] == "MedicationRequest" and r.random() < 0.8:
            body.update(r.choice(({"reasonCode": [concept]}, {"reason": [{"concept": concept}]})))


def other_drugs(pen: Pen, first: int) -> None:
    """Opioids, sedatives and naloxone beside the course."""
    r, t = pen.r, pen.t
    if r.random() < 0.2:
        _beside(pen, r.choice(OPIOIDS), r.choice((first, t - 29, t - 30, t - 31, t - 8, t - 60)))
        if r.random() < 0.35:
            naloxone = pen.add(
                "MedicationRequest", status=r.choice(("active", "completed", "draft")), intent="order"
            )
            naloxone.update(
                medicationCodeableConcept=r.choice(NALOXONE), authoredOn=iso(t - near(r, 0, 40, 365))
            )
    for _ in range(r.choices((0, 1, 2, 3), (82, 11, 5, 2))[0]):
        _beside(pen, r.choice(SEDATIVES), r.choice((first, t - 100, t - 30, t - 7, t - 6, t - 40)))


def _beside(pen: Pen, concept: Json, start: int) -> None:
    r, t = pen.r, pen.t
    for _ in range(r.choice((1, 1, 1, 2, 3))):
        days = r.choice((5, 7, 28, 30, 30, 60, 120))
        body = pen.add("MedicationRequest", status=r.choice(("active", "completed")), intent="order")
        body.update(
            medicationCodeableConcept=concept,
            authoredOn=iso(start),
            dispenseRequest={"expectedSupplyDuration": {"value": days, "unit": "d", "code": "d"}},
        )
        if r.random() < 0.1:
            del body["dispenseRequest"]
        start += days + r.choice((0, 0, -3, 29, 30, 31))
        if start > t + 5:
            break


def stays(pen: Pen) -> None:
    r, t = pen.r, pen.t
    body = pen.add("Encounter", status=r.choice(("in-progress", "in-progress", "finished", "arrived", "onleave",
                                                 "planned", "completed", "cancelled")))  # fmt: skip
    code = r.choice(("EMER", "IMP", "IMP", "AMB", "OBSENC", "SS", "ACUTE", "NONAC"))
    body["class"] = r.choice(({"code": code}, [{"coding": [{"code": code}]}]))
    period: Json = {}
    if r.random() < 0.95:
        period["start"] = written(r, t - r.choice((0, 1, 6, 7, 8, 60, 119, 120, 121, 400, -2)))
    if body["status"] in ("finished", "completed") or r.random() < 0.1:
        period["end"] = written(r, t + r.choice((-364, -365, -366, -20, -1, 0, 1, 5)))
    if period.get("end", "9") < period.get("start", "0"):
        del period["end"]
    body["period"] = period
    if r.random() < 0.35:
        words = r.choice((("hospice",), ("palliative",)))
        concept = a_code(r, "palliative_or_hospice", *words)
        where = r.choice(("type", "reasonCode", "discharge", "reason"))
        if where == "discharge":
            body[r.choice(("hospitalization", "admission"))] = {"dischargeDisposition": concept}
        elif where == "reason":
            body["reason"] = [{"value": [{"concept": concept}]}]
        else:
            body[where] = [concept]


def palliative(pen: Pen) -> None:
    r, t = pen.r, pen.t
    code = a_code(r, "palliative_or_hospice", r.choice(("hospice", "palliative", "")))
    day = t - r.choice((0, 10, 200, 364, 365, 366, -5))
    if r.random() < 0.5:
        condition(pen, "palliative_or_hospice", day, code)
    else:
        pen.add(
            "Procedure",
            status=r.choice(("completed", "completed", "in-progress")),
            code=code,
            **_done(r, day),
        )


def _done(r: Random, day: int) -> Json:
    style = r.random()
    if style < 0.7:
        return {"performedDateTime": written(r, day)}
    if style < 0.8:
        return {"occurrenceDateTime": written(r, day)}
    return {"performedPeriod": r.choice(({"start": iso(day)}, {"start": iso(day - 2), "end": iso(day)}))}


def a_review_day(r: Random, t: int, first: int) -> int:
    return r.choice((first, first - 1, first + 1, t, t - 1, t + 2)) if r.random() < 0.35 else t - abs(near(r))


def reviews(pen: Pen, first: int) -> None:
    """Evidence of a review: strong, moderate, weak."""
    r, t = pen.r, pen.t
    for _ in range(r.choices((0, 1, 2, 3), (60, 25, 10, 5))[0]):
        day = a_review_day(r, t, first)
        kind = r.choice(("Procedure", "Procedure", "Observation", "QuestionnaireResponse", "moderate"))
        if kind == "Procedure":
            code = r.choice(
                (("182836005", SNOMED), ("719328007", SNOMED), ("99605", CPT), ("391156007", SNOMED))
            )
            body = pen.add("Procedure", status=r.choice(("completed",) * 5 + ("not-done",)), **_done(r, day))
            body["code"] = {"coding": [{"system": code[1], "code": code[0]}]}
        elif kind == "moderate":
            body = pen.add("Procedure", status="completed", **_done(r, day))
            body["code"] = {
                "coding": [{"system": SNOMED, "code": r.choice(("719327002", "870661000000100"))}]
            }
        elif kind == "Observation":
            body = pen.add("Observation", status=r.choice(("final", "final", "amended", "preliminary")))
            body["code"] = {
                "coding": [{"system": SNOMED, "code": r.choice(("314530002", "719329004", "314529007"))}]
            }
            if r.random() < 0.95:
                body["effectiveDateTime"] = written(r, day)
        else:
            forms = ("urn:reviewdue:questionnaire:review",) * 4 + (
                "urn:other:form",
                "urn:reviewdue:questionnaire:review|1",
            )
            body = pen.add("QuestionnaireResponse", status=r.choice(("completed",) * 5 + ("in-progress",)))
            body.update(questionnaire=r.choice(forms), authored=f"{iso(day)}T11:00:00Z")


def delivery(pen: Pen) -> None:
    r, t = pen.r, pen.t
    body = pen.add("Observation", status=r.choice(("final", "final", "corrected", "preliminary")))
    body["code"] = {"coding": [{"system": LOINC, "code": "11778-8"}]}
    body["valueDateTime"] = written(r, t + r.choice((-15, -14, -13, 0, 100, 293, 294, 295)))
    if r.random() < 0.95:
        body["effectiveDateTime"] = iso(t - r.choice((0, 20, 200, -3)))


def plan(pen: Pen, first: int) -> None:
    r, t = pen.r, pen.t
    body = pen.add(
        "CarePlan",
        intent="plan",
        status=r.choice(("active", "active", "active", "completed", "draft", "revoked")),
    )
    code = r.choice(("benzodiazepine-taper",) * 6 + ("other",))
    body["category"] = [{"coding": [{"system": "urn:reviewdue:careplan", "code": code}]}]
    start = r.choice((first, t - 100, t - 60, t - 57, t - 56, t - 55, t - 20, t - 3, t, t + 4))
    style = r.random()
    if style < 0.8:
        body["period"] = {"start": written(r, start)}
        if r.random() < 0.3:
            body["period"]["end"] = iso(max(start, t + r.choice((-30, -1, 0, 1, 60))))
    elif style < 0.95:
        body["created"] = iso(start)


def own_tasks(pen: Pen, first: int) -> None:
    """Own Tasks that a person ended: outcomes, until, close codes, keys that repeat."""
    r, t = pen.r, pen.t
    for _ in range(r.choices((0, 1, 2, 3), (55, 28, 10, 7))[0]):
        status = r.choices(("completed", "cancelled", "rejected", "entered-in-error", "failed", "in-progress"),
                           (70, 10, 8, 4, 2, 6))[0]  # fmt: skip
        day = t - r.choice((0, 1, 2, 5, 10, 12, 13, 14, 15, 30, 60, 90, 91, 180, 364, 365, 366, -3))
        body = pen.add("Task", status=status, intent="proposal")
        body["identifier"] = [{"system": "urn:reviewdue:item", "value": f"rkey-{r.choice((1, 1, 2, 3, 4))}"}]
        body["lastModified"] = f"{iso(day)}T12:00:00Z"
        if r.random() < 0.3:
            body["executionPeriod"] = {"end": written(r, day - r.choice((0, 1, 3)))}
        if r.random() < 0.08:
            body["statusReason"] = {"coding": [{"system": "urn:reviewdue:close", "code": "resolved"}]}
        _answer(r, body, day)
        rules = ALL_RULES if r.random() < 0.75 else r.sample(ALL_RULES, 3)
        if r.random() < 0.7:
            body["input"] = [_named("input", "rule", {"valueString": rule}) for rule in rules]
        elif r.random() < 0.9:
            codes = [{"system": "urn:reviewdue:rule", "code": rule} for rule in rules]
            body["reasonCode"] = {"coding": codes}


def _named(kind: str, code: str, value: Any) -> Json:
    return {"type": {"coding": [{"system": f"urn:reviewdue:{kind}", "code": code}]}, **value}


def _answer(r: Random, body: Json, day: int) -> None:
    stated = r.choices(
        (None, "continue", "reduce", "taper", "already-stopped", "not-applicable", "snooze", "banana"),
        (14, 24, 8, 10, 8, 12, 20, 2),
    )[0]
    if stated is None:
        return
    answer = {"valueCodeableConcept": {"coding": [{"system": "urn:reviewdue:outcome", "code": stated}]}}
    body["output"] = [_named("output", "outcome", answer)]
    if stated in ("continue", "snooze") or r.random() < 0.2:
        until = day + r.choice((1, 10, 14, 30, 60, 90, 91, 180, 365, 366, 500))
        body["output"].append(_named("output", "until", {"valueDate": iso(until)}))


def facts(pen: Pen, first: int) -> None:
    """Everything beside the course of the drug."""
    r = pen.r
    other_drugs(pen, first)
    conditions(pen, first)
    reviews(pen, first)
    own_tasks(pen, first)
    for chance, write in (
        (0.04, lambda: seizure_course(pen)),
        (0.06, lambda: stays(pen)),
        (0.05, lambda: palliative(pen)),
        (0.03, lambda: delivery(pen)),
        (0.1, lambda: plan(pen, first)),
    ):
        if r.random() < chance:
            write()
