"""What must be true right before a Task is written (lifecycle.md §3, step 2)."""

from datetime import timedelta

from service.channels.ehr import TaskChannel
from service.cycle.gate import gate_of, is_test_patient
from service.cycle.parts import Parts
from service.cycle.recorder import Recorder
from service.fhir.errors import GoneError, NotFoundError
from service.identity import another_person
from service.model.item import Desired, Projection

_LATER = timedelta(hours=6)  # until what keeps a write back is asked for again; lifecycle.md §1


class Checks:
    """Each says yes, or sends the patient back to be looked at first and says no."""

    def __init__(self, parts: Parts, channel: TaskChannel, recorder: Recorder) -> None:
        self.parts = parts
        self.channel = channel
        self.recorder = recorder

    def is_fresh(self, row: Projection) -> bool:
        """An assessment older than `stale_minutes` sends the patient back to be looked at first."""
        with self.parts.ledger.read() as tx:
            stored = tx.assessment(row.source, row.patient)
            patient = tx.patient(row.source, row.patient)
        looked_at = stored.assessed_at if stored is not None else None
        if patient is not None and patient.alias_of is not None:
            looked_at = patient.gathered_at  # one that was merged is looked at, but not assessed
        limit = timedelta(minutes=self.parts.settings.stale_minutes)
        if looked_at is not None and abs(self.parts.now() - looked_at) <= limit:
            return True
        self.recorder.send_back(row, "assessment is stale")
        return False

    def same_person(self, row: Projection) -> bool:
        """The patient is active and still the one whose record was assessed."""
        try:
            patient = self.channel.read("Patient", row.patient).resource
        except (GoneError, NotFoundError):
            self.recorder.send_back(row, "patient not found")
            return False
        if is_test_patient(patient, self.parts.settings):
            self.recorder.save_later(row, "test patient", _LATER.total_seconds())
            return False
        with self.parts.ledger.read() as tx:
            known = tx.patient(row.source, row.patient)
        pairs = [
            (each.get("system"), str(each.get("value")))
            for each in patient.get("identifier") or []
            if isinstance(each, dict) and each.get("value")
        ]
        birth = patient.get("birthDate")
        person = self.parts.identity.fingerprint(pairs, birth if isinstance(birth, str) else None)
        if patient.get("active") is False or (known and another_person(known.fingerprint, person)):
            self.recorder.send_back(row, "patient changed")
            return False
        return True

    def is_written_for(self, row: Projection, desired: Desired) -> bool:
        """Nothing but an end is ever written for a test patient (lifecycle.md §6)."""
        with self.parts.ledger.read() as tx:
            item = tx.item(row.key)
        if item is None or not item.excluded or desired.close is not None:
            return True
        self.recorder.save_later(row, "test patient", _LATER.total_seconds())
        return False

    def is_in_pilot(self, row: Projection) -> bool:
        """A pilot gates creates, those decided before it was narrowed too."""
        with self.parts.ledger.read() as tx:
            item = tx.item(row.key)
        if item is None or gate_of(self.parts).lets(item, self.parts.settings.pool):
            return True
        self.recorder.save_later(row, "not in the pilot", _LATER.total_seconds())
        return False

    def is_alias(self, patient: str | None, row: Projection) -> bool:
        if patient is None:
            return False
        with self.parts.ledger.read() as tx:
            known = tx.patient(row.source, patient)
        return known is not None and known.alias_of == row.patient
