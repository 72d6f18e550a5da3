"""What is really due: the whole record of a patient as the EHR holds it, without wire, paging, cursors or ledger."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import msgspec

from service.assess import assess
from service.cycle.parts import Parts
from service.model.assessment import Assessment
from service.model.facts import Outcome
from service.record.group import Traits, group
from service.record.read import Reading, read
from service.sandbox.store import Version
from tests.ehr.running import Ehr

_KINDS = (
    "MedicationRequest", "MedicationDispense", "Condition", "Procedure", "Observation", "Encounter", "CarePlan",
    "QuestionnaireResponse", "Task",
)  # fmt: skip


def truth(
    ehr: Ehr,
    parts: Parts,
    patient: str,
    outcomes: Sequence[Outcome],
    today: date,
    *,
    as_indexed: bool = False,
) -> Assessment:
    """The assessment of everything that is there, or (`as_indexed`) of what searches show by now."""
    settings = parts.settings
    traits = Traits(settings.timezone, settings.last_updated_is_stop, settings.item_system)
    reference = f"Patient/{patient}"
    [record] = group(
        _readings(ehr, patient, as_indexed=as_indexed),
        traits=traits,
        patients=[reference],
        outcomes={reference: outcomes},
    )
    return assess(record, parts.policy, parts.knowledge, today)


def _readings(ehr: Ehr, patient: str, *, as_indexed: bool) -> Iterator[Reading]:
    store = ehr.store
    versions: list[Version] = [
        version for kind in _KINDS for version in store.candidates(kind, patients=[patient])
    ]
    shown = [ehr.interactions._indexed(version) if as_indexed else version for version in versions]
    people = [store.current("Practitioner", f"dr{n}") for n in range(1, 10)]
    for version in (store.current("Patient", patient), *shown, *people):
        if version is not None and version.resource is not None:
            yield read(msgspec.json.encode(_as_served(version.resource, ehr)), "truth")


def _as_served(resource: dict[str, Any], ehr: Ehr) -> dict[str, Any]:
    """Without `meta.lastUpdated` where the server never says it: nobody can know a stop date from it."""
    if ehr.interactions.kind.knows_last_updated or "meta" not in resource:
        return resource
    meta = {name: value for name, value in resource["meta"].items() if name != "lastUpdated"}
    return {**resource, "meta": meta}
