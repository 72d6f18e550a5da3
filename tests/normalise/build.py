"""Facts of FHIR resources, as a test writes them."""

from typing import Any

from service.knowledge import knowledge
from service.model.facts import Facts
from service.normalise import Normaliser
from service.record.group import Traits, group
from service.record.read import read
from tests.record.build import raw

NORMALISER = Normaliser(knowledge())


def facts(*resources: dict[str, Any], traits: Traits | None = None) -> Facts:
    """What the record of Patient/p states."""
    readings = [read(raw(one), f"x.ndjson:{n}") for n, one in enumerate(resources, 1)]
    (record,) = (one for one in group(readings, traits=traits or Traits()) if one.reference == "Patient/p")
    return NORMALISER.facts(record)


def reasons(found: Facts) -> dict[str, str]:
    """Why what does not count does not: `unreadable bad-date`, `ignored status`."""
    return {one.reference: f"unreadable {one.reason}" for one in found.unreadable} | {
        one.reference: f"ignored {one.reason}" for one in found.ignored
    }
