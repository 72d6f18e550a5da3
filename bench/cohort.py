"""The people on a benzodiazepine or a z-drug: who takes what, for how long, and how it was written down."""

import random
from collections.abc import Iterator
from datetime import date, timedelta

from bench.templates import ICD10, PROFILE, RXNORM, SNOMED, Json, coded

DRUGS = (  # RxNorm clinical drug, name, strength in mg, weight
    ("197591", "diazepam 5 MG Oral Tablet", 5.0, 18),
    ("197590", "diazepam 2 MG Oral Tablet", 2.0, 10),
    ("197901", "lorazepam 1 MG Oral Tablet", 1.0, 18),
    ("197900", "lorazepam 0.5 MG Oral Tablet", 0.5, 10),
    ("197527", "clonazepam 0.5 MG Oral Tablet", 0.5, 14),
    ("308047", "alprazolam 0.25 MG Oral Tablet", 0.25, 8),
    ("308048", "alprazolam 0.5 MG Oral Tablet", 0.5, 8),
    ("198241", "temazepam 15 MG Oral Capsule", 15.0, 8),
    ("854873", "zolpidem tartrate 10 MG Oral Tablet", 10.0, 14),
)
CONDITIONS = (  # code, display, share of the cohort
    ("F41.1", "Generalized anxiety disorder", 0.40),
    ("G47.00", "Insomnia, unspecified", 0.35),
    ("J44.9", "Chronic obstructive pulmonary disease, unspecified", 0.12),
    ("F10.20", "Alcohol dependence, uncomplicated", 0.06),
    ("F31.9", "Bipolar disorder, unspecified", 0.05),
    ("G40.909", "Epilepsy, unspecified, not intractable", 0.03),
)
SHARE_FILLED = 0.4  # whose pharmacy sends what was handed over
SHARE_OPIOID = 0.15
SHARE_REVIEWED = 0.3


class Person:
    """One person of the cohort, written down as resources (dicts), in no particular order."""

    def __init__(self, patient: str, requester: str, rng: random.Random, day: date) -> None:
        self.patient, self.requester, self.rng, self.day = patient, requester, rng, day
        self.drug = rng.choices(DRUGS, weights=[drug[3] for drug in DRUGS])[0]
        self.per_day = rng.choices((1, 2, 3), weights=(6, 3, 2))[0]
        self.style = rng.choices(("structured", "text", "both"), weights=(5, 3, 2))[0]
        self.as_needed = rng.random() < 0.2
        self.is_filled = rng.random() < SHARE_FILLED
        self.made = 0

    def resources(self) -> Iterator[Json]:
        course = self.rng.choices(list(COURSES), weights=list(COURSES.values()))[0]
        yield from course(self)
        yield from self._conditions()
        if self.rng.random() < SHARE_OPIOID:
            yield self._opioid()
        if self.rng.random() < SHARE_REVIEWED:
            yield self._review(self.day - timedelta(days=self.rng.randrange(5, 400)))

    # -- courses -------------------------------------------------------------------------------

    def renewed(self) -> Iterator[Json]:
        """Month after month, each order of its own, to this day."""
        months = self.rng.randrange(4, 30)
        start = self.day - timedelta(days=28 * months + self.rng.randrange(-20, 6))
        for month in range(months + 1):
            written = start + timedelta(days=28 * month + self.rng.randrange(-3, 4))
            if written <= self.day:
                yield from self.order(written, days=28, status=self._status(written, 28))

    def with_repeats(self) -> Iterator[Json]:
        """A few orders with repeats on them."""
        length = 30 * (repeats := self.rng.choice((2, 3, 5))) + 30
        orders = self.rng.randrange(1, 5)
        start = self.day - timedelta(days=length * orders - self.rng.randrange(length))
        for n in range(orders):
            written = start + timedelta(days=length * n)
            if written <= self.day:
                status = self._status(written, length)
                yield from self.order(written, days=30, repeats=repeats, status=status)

    def just_begun(self) -> Iterator[Json]:
        """Two or three short orders in the last weeks."""
        start = self.day - timedelta(days=self.rng.randrange(3, 50))
        for n in range(3):
            written = start + timedelta(days=14 * n)
            if written <= self.day:
                yield from self.order(written, days=14, status=self._status(written, 14))

    def open_ended(self) -> Iterator[Json]:
        """One order without a length that nobody ever ended."""
        written = self.day - timedelta(days=self.rng.randrange(20, 700))
        yield from self.order(written, days=None, status="active")

    def stopped(self) -> Iterator[Json]:
        """Taken for months, then stopped or simply not renewed."""
        last = self.day - timedelta(days=self.rng.randrange(2, 45))
        for month in range(self.rng.randrange(4, 14), -1, -1):
            written = last - timedelta(days=28 * (month + 1))
            is_last_stopped = month == 0 and self.rng.random() < 0.5
            yield from self.order(
                written,
                days=28,
                status="stopped" if is_last_stopped else "completed",
                changed=last if is_last_stopped else None,
            )

    def reduced(self) -> Iterator[Json]:
        """Less from month to month."""
        for month, per_day in enumerate((4, 4, 3, 3, 2, 2, 1)):
            written = self.day - timedelta(days=28 * (7 - month) - 10)
            self.per_day = per_day
            yield from self.order(written, days=28, status=self._status(written, 28))

    def long_ago(self) -> Iterator[Json]:
        """A short course years ago, and nothing since."""
        written = self.day - timedelta(days=self.rng.randrange(500, 3000))
        yield from self.order(written, days=14, status="completed")

    # -- resources -----------------------------------------------------------------------------

    def order(
        self, written: date, *, days: int | None, status: str, repeats: int = 0, changed: date | None = None
    ) -> Iterator[Json]:
        """An order, and what the pharmacy handed over for it."""
        code, name, _, _ = self.drug
        made = self._resource("MedicationRequest", "medicationrequest", changed or written)
        yield made | {
            "status": status,
            "intent": "order",
            "medicationCodeableConcept": coded(RXNORM, code, name),
            "subject": {"reference": self.patient},
            "authoredOn": f"{written}T09:15:00+00:00",
            "requester": {"reference": self.requester},
            "dosageInstruction": [self._dosage()],
            "dispenseRequest": self._dispense_request(days, repeats),
        }
        if days is None or not self.is_filled:
            return
        for n in range(repeats + 1):
            handed = written + timedelta(days=days * n + self.rng.randrange(3))
            if handed <= self.day and (changed is None or handed < changed):
                yield self._fill(str(made["id"]), handed, days)

    def _fill(self, order: str, handed: date, days: int) -> Json:
        code, name, _, _ = self.drug
        supply = {"daysSupply": _days(days)} if self.rng.random() < 0.8 else {}
        return self._resource("MedicationDispense", "medicationdispense", handed) | {
            "status": "completed",
            "medicationCodeableConcept": coded(RXNORM, code, name),
            "subject": {"reference": self.patient},
            "authorizingPrescription": [{"reference": f"MedicationRequest/{order}"}],
            "quantity": {"value": self.per_day * days, "unit": "tablet"},
            "whenHandedOver": f"{handed}T15:00:00+00:00",
            **supply,
        }

    def _dosage(self) -> Json:
        words = {1: "once daily", 2: "twice daily", 3: "three times a day", 4: "four times a day"}[
            self.per_day
        ]
        text = f"Take 1 tablet by mouth {words}{' as needed for anxiety' if self.as_needed else ''}"
        structure: Json = {
            "timing": {"repeat": {"frequency": self.per_day, "period": 1, "periodUnit": "d"}},
            "asNeededBoolean": self.as_needed,
            "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
        }
        return {
            "structured": structure,
            "text": {"text": text},
            "both": {"text": text, **structure},
        }[self.style]

    def _dispense_request(self, days: int | None, repeats: int) -> Json:
        if days is None:
            return {}
        said: Json = {"quantity": {"value": self.per_day * days, "unit": "tablet"}}
        if repeats:
            said["numberOfRepeatsAllowed"] = repeats
        if self.rng.random() < 0.5:
            said["expectedSupplyDuration"] = _days(days)
        return said

    def _status(self, written: date, days: int) -> str:
        return "active" if written + timedelta(days=days) > self.day else "completed"

    def _conditions(self) -> Iterator[Json]:
        for code, display, share in CONDITIONS:
            if self.rng.random() < share:
                recorded = self.day - timedelta(days=self.rng.randrange(400, 2000))
                yield self._resource("Condition", "condition-encounter-diagnosis", recorded) | {
                    "clinicalStatus": {"coding": [{"code": "active"}]},
                    "code": coded(ICD10, code, display),
                    "subject": {"reference": self.patient},
                    "recordedDate": recorded.isoformat(),
                }

    def _opioid(self) -> Json:
        written = self.day - timedelta(days=self.rng.randrange(1, 60))
        return self._resource("MedicationRequest", "medicationrequest", written) | {
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": coded(RXNORM, "1049621", "oxycodone hydrochloride 5 MG Oral Tablet"),
            "subject": {"reference": self.patient},
            "authoredOn": written.isoformat(),
            "requester": {"reference": self.requester},
            "dosageInstruction": [{"text": "Take 1 tablet by mouth every 6 hours as needed for pain"}],
            "dispenseRequest": {"expectedSupplyDuration": _days(self.rng.choice((5, 30)))},
        }

    def _review(self, when: date) -> Json:
        return self._resource("Procedure", "procedure", when) | {
            "status": "completed",
            "code": coded(SNOMED, "314530002", "Medication review done"),
            "subject": {"reference": self.patient},
            "performedDateTime": when.isoformat(),
        }

    def _resource(self, kind: str, profile: str, changed: date) -> Json:
        self.made += 1
        return {
            "resourceType": kind,
            "id": f"{self.patient.removeprefix('Patient/')}-b{self.made}",
            "meta": {"lastUpdated": f"{changed}T06:30:00.000+00:00", "profile": [PROFILE + profile]},
        }


COURSES = {
    Person.renewed: 40,
    Person.with_repeats: 18,
    Person.just_begun: 8,
    Person.open_ended: 8,
    Person.stopped: 10,
    Person.reduced: 4,
    Person.long_ago: 12,
}
"""How a course goes, and of how many in a hundred."""


def _days(value: int) -> Json:
    return {"value": value, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"}
