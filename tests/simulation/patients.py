"""What happens to patients, written into the EHR.  Each act looks at what the EHR holds now, so it fits any past."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.ehr.running import Ehr

Json = dict[str, Any]

SNOMED = "http://snomed.info/sct"
BENZODIAZEPINES = (
    "diazepam 5 mg tablet",
    "lorazepam 1 mg tablet",
    "alprazolam 0.5 mg tablet",
    "clonazepam 0.5 mg tablet",
)
OPIOID = "oxycodone 5 mg tablet"
SEDATIVES = ("zolpidem 10 mg tablet", "carisoprodol 350 mg tablet", "phenobarbital 30 mg tablet")
CONDITIONS = {
    "13645005": "Chronic obstructive lung disease",
    "84757009": "Epilepsy",
    "91302008": "Sepsis",
    "7200002": "Alcoholism",
}
_HISTORY_DAYS = 400


def patient_id(who: int) -> str:
    return f"p{who + 1}"


class Patients:
    """The clinical side of the EHR; `act` does one thing to one patient."""

    def __init__(self, ehr: Ehr) -> None:
        self._ehr = ehr
        self._number = 0
        self._acts: dict[str, Callable[[str, random.Random], bool]] = {
            "start": self._start, "renew": self._renew, "stop": self._stop, "hold": self._hold,
            "move-dose": self._move_dose, "opioid": self._opioid, "sedative": self._sedative,
            "review": self._review, "condition": self._condition, "fall": self._fall, "error": self._error,
            "stay": self._stay, "discharge": self._discharge, "die": self._die, "leave": self._leave,
            "return": self._return, "taper": self._taper, "fill": self._fill, "merge": self._merge,
            "unmerge": self._unmerge,
        }  # fmt: skip

    def act(self, what: str, patient: str, chance: random.Random) -> bool:
        """True when something happened: a stop needs something to stop."""
        return self._acts[what](patient, chance)

    def populate(self, number: int, chance: random.Random) -> None:
        """The people on the first day: most of them long-term users, renewed each month."""
        practitioners = [
            {"resourceType": "Practitioner", "id": f"dr{n}", "active": True} for n in range(1, 6)
        ]
        people = [self._person(patient_id(who), chance) for who in range(number)]
        self._ehr.load([*practitioners, *people])
        for person in people:
            if chance.random() < 0.75:
                self._ehr.load(self._past_orders(person["id"], chance))

    # -- people ----------------------------------------------------------------------------------

    def _person(self, patient: str, chance: random.Random) -> Json:
        return {
            "resourceType": "Patient",
            "id": patient,
            "active": True,
            "birthDate": f"{chance.randint(1935, 2000)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
            "identifier": [{"system": "urn:test:mrn", "value": f"mrn-{patient}"}],
            "name": [{"text": f"Canary {patient}"}],
            "generalPractitioner": [{"reference": f"Practitioner/dr{chance.randint(1, 5)}"}],
        }

    def _here(self, patient: str) -> Json | None:
        """The patient, unless dead, gone or merged."""
        found = self._ehr.store.get("Patient", patient)
        alive = found is not None and "deceasedDateTime" not in found
        return found if alive and found and found.get("active") and not found.get("link") else None

    def _die(self, patient: str, chance: random.Random) -> bool:
        if self._here(patient) is None or chance.random() < 0.5:
            return False
        self._ehr.edit(f"Patient/{patient}", deceasedDateTime=self._today())
        return True

    def _leave(self, patient: str, _chance: random.Random) -> bool:
        if self._here(patient) is None:
            return False
        self._ehr.edit(f"Patient/{patient}", active=False)
        return True

    def _return(self, patient: str, chance: random.Random) -> bool:
        """Back, entered dead by mistake, or somebody new where there is nobody."""
        found = self._ehr.store.get("Patient", patient)
        if found is None:
            self._ehr.store.put(self._person(patient, chance))
            return True
        if found.get("link"):
            return False
        self._ehr.edit(f"Patient/{patient}", active=True, deceasedDateTime=None)
        return True

    def _merge(self, patient: str, chance: random.Random) -> bool:
        others = [
            one["id"] for one in self._ehr.all("Patient") if one["id"] != patient and self._here(one["id"])
        ]
        if not others or self._here(patient) is None:
            return False
        survivor = f"Patient/{chance.choice(others)}"
        self._ehr.edit(
            f"Patient/{patient}",
            active=False,
            link=[{"other": {"reference": survivor}, "type": "replaced-by"}],
        )
        if chance.random() < 0.6:
            for kind in ("MedicationRequest", "MedicationDispense", "Condition", "Procedure", "Encounter"):
                for one in self._of(kind, patient):
                    self._ehr.edit(f"{kind}/{one['id']}", subject={"reference": survivor})
        return True

    def _unmerge(self, _patient: str, chance: random.Random) -> bool:
        merged = [one["id"] for one in self._ehr.all("Patient") if one.get("link")]
        if not merged:
            return False
        self._ehr.edit(f"Patient/{chance.choice(merged)}", active=True, link=None)
        return True

    # -- orders ----------------------------------------------------------------------------------

    def _start(self, patient: str, chance: random.Random) -> bool:
        if self._here(patient) is None:
            return False
        self._order(patient, chance.choice(BENZODIAZEPINES), chance, days=chance.choice((7, 14, 28, 30, 90)))
        return True

    def _renew(self, patient: str, chance: random.Random) -> bool:
        before = self._orders(patient)
        if not before or self._here(patient) is None or before[-1]["status"] in ("stopped", "cancelled"):
            return False
        last = before[-1]
        days = int(last["dispenseRequest"]["expectedSupplyDuration"]["value"])
        if days < 28:
            return False
        self._order(
            patient,
            last["medicationCodeableConcept"]["text"],
            chance,
            days=days,
            like=last["dosageInstruction"],
        )
        return True

    def _move_dose(self, patient: str, chance: random.Random) -> bool:
        before = self._orders(patient)
        if not before or self._here(patient) is None:
            return False
        last = before[-1]
        self._ehr.edit(f"MedicationRequest/{last['id']}", status="stopped")
        self._order(patient, last["medicationCodeableConcept"]["text"], chance, days=30)
        return True

    def _taper(self, patient: str, _chance: random.Random) -> bool:
        if self._here(patient) is None:
            return False
        self._put(
            {
                "resourceType": "CarePlan",
                "status": "active",
                "intent": "plan",
                "subject": {"reference": f"Patient/{patient}"},
                "category": [
                    {"coding": [{"system": "urn:reviewdue:careplan", "code": "benzodiazepine-taper"}]}
                ],
                "period": {"start": self._today()},
                "created": self._today(),
            }
        )
        return True

    def _stop(self, patient: str, _chance: random.Random) -> bool:
        return self._end(patient, "stopped")

    def _hold(self, patient: str, _chance: random.Random) -> bool:
        return self._end(patient, "on-hold")

    def _end(self, patient: str, status: str) -> bool:
        active = [one for one in self._orders(patient) if one["status"] == "active"]
        for one in active:
            self._ehr.edit(f"MedicationRequest/{one['id']}", status=status)
        return bool(active)

    def _error(self, patient: str, chance: random.Random) -> bool:
        orders = self._orders(patient)
        if not orders:
            return False
        chosen = orders if chance.random() < 0.3 else [orders[-1]]
        for one in chosen:
            self._ehr.edit(f"MedicationRequest/{one['id']}", status="entered-in-error")
        return True

    def _fill(self, patient: str, _chance: random.Random) -> bool:
        orders = self._orders(patient)
        if not orders:
            return False
        last = orders[-1]
        self._put(
            {
                "resourceType": "MedicationDispense",
                "status": "completed",
                "subject": {"reference": f"Patient/{patient}"},
                "medicationCodeableConcept": last["medicationCodeableConcept"],
                "authorizingPrescription": [{"reference": f"MedicationRequest/{last['id']}"}],
                "daysSupply": {"value": 28, "unit": "days"},
                "whenHandedOver": self._today(),
            }
        )
        return True

    def _opioid(self, patient: str, chance: random.Random) -> bool:
        if self._here(patient) is None:
            return False
        self._order(patient, OPIOID, chance, days=chance.choice((5, 30)))
        return True

    def _sedative(self, patient: str, chance: random.Random) -> bool:
        if self._here(patient) is None:
            return False
        self._order(patient, chance.choice(SEDATIVES), chance, days=30)
        return True

    def _order(self, patient: str, drug: str, chance: random.Random, *, days: int, like: Any = None) -> None:
        self._put(_an_order(patient, drug, self._today(), days, chance, like))

    def _past_orders(self, patient: str, chance: random.Random) -> list[Json]:
        drug = chance.choice(BENZODIAZEPINES)
        today = self._ehr.clock().date()
        past = range(chance.randint(20, _HISTORY_DAYS), 0, -28)
        first = _an_order(patient, drug, "", 28, chance, None)
        orders = [
            {**first, "id": self._free_id(), "authoredOn": (today - timedelta(days=ago)).isoformat()}
            for ago in past
        ]
        then = {order["id"]: f"{order['authoredOn']}T10:00:00Z" for order in orders}
        return [{**order, "meta": {"lastUpdated": then[order["id"]]}} for order in orders]

    # -- the rest of the record --------------------------------------------------------------------

    def _review(self, patient: str, _chance: random.Random) -> bool:
        if self._here(patient) is None:
            return False
        self._put(
            {
                "resourceType": "Procedure",
                "status": "completed",
                "subject": {"reference": f"Patient/{patient}"},
                "code": {"coding": [{"system": SNOMED, "code": "182836005"}]},
                "performedDateTime": self._today(),
            }
        )
        return True

    def _condition(self, patient: str, chance: random.Random) -> bool:
        return self._diagnose(patient, chance.choice(list(CONDITIONS)))

    def _fall(self, patient: str, _chance: random.Random) -> bool:
        return self._diagnose(patient, "217082002")

    def _diagnose(self, patient: str, code: str) -> bool:
        if self._here(patient) is None:
            return False
        system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
        self._put(
            {
                "resourceType": "Condition",
                "subject": {"reference": f"Patient/{patient}"},
                "clinicalStatus": {"coding": [{"system": system, "code": "active"}]},
                "code": {"coding": [{"system": SNOMED, "code": code}]},
                "onsetDateTime": self._today(),
                "recordedDate": self._today(),
            }
        )
        return True

    def _stay(self, patient: str, chance: random.Random) -> bool:
        if self._here(patient) is None:
            return False
        self._put(
            {
                "resourceType": "Encounter",
                "status": "in-progress",
                "class": {"code": chance.choice(("IMP", "EMER"))},
                "subject": {"reference": f"Patient/{patient}"},
                "period": {"start": self._today()},
            }
        )
        return True

    def _discharge(self, patient: str, _chance: random.Random) -> bool:
        stays = [one for one in self._of("Encounter", patient) if one["status"] == "in-progress"]
        for stay in stays:
            period = {**stay["period"], "end": self._today()}
            self._ehr.edit(f"Encounter/{stay['id']}", status="finished", period=period)
        return bool(stays)

    # -- parts -------------------------------------------------------------------------------------

    def _today(self) -> str:
        return str(self._ehr.clock().date().isoformat())

    def _put(self, resource: Json) -> None:
        self._ehr.store.put({**resource, "id": self._free_id()})

    def _free_id(self) -> str:
        self._number += 1
        return f"c{self._number}"

    def _of(self, kind: str, patient: str) -> list[Json]:
        found = self._ehr.store.candidates(kind, patients=[patient])
        return [version.resource for version in found if version.resource is not None]

    def _orders(self, patient: str) -> list[Json]:
        """In-scope orders that count, oldest first."""
        found = [
            one
            for one in self._of("MedicationRequest", patient)
            if one["medicationCodeableConcept"]["text"] in BENZODIAZEPINES
            and one["status"] != "entered-in-error"
        ]
        return sorted(found, key=lambda one: (one["authoredOn"], one["id"]))


def _an_order(patient: str, drug: str, on: str, days: int, chance: random.Random, like: Any) -> Json:
    dosage = like or [
        {
            "timing": {"repeat": {"frequency": chance.randint(1, 3), "period": 1, "periodUnit": "d"}},
            "doseAndRate": [{"doseQuantity": {"value": chance.randint(1, 3), "unit": "tablet"}}],
        }
    ]
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{patient}"},
        "requester": {"reference": f"Practitioner/dr{chance.randint(1, 5)}"},
        "authoredOn": on,
        "medicationCodeableConcept": {"text": drug},
        "dosageInstruction": dosage,
        "dispenseRequest": {"expectedSupplyDuration": {"value": days, "unit": "days"}},
    }
