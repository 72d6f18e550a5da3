"""The CapabilityStatement at /metadata: what this server does, from the table that the search uses."""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import version

from service.sandbox.outcome import Resource
from service.sandbox.parameters import INCLUDES, PARAMETERS
from service.sandbox.store import instant

SOFTWARE = "reviewdue sandbox"
_INTERACTIONS = ("read", "vread", "create", "update", "delete", "search-type")


def capability_statement(base: str, now: datetime) -> Resource:
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": instant(now),
        "kind": "instance",
        "software": {"name": SOFTWARE, "version": version("reviewdue")},
        "implementation": {"description": "Synthetic patients in memory, no real person", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "resource": [_resource(type_) for type_ in PARAMETERS],
                "interaction": [{"code": "batch"}],
            }
        ],
    }


def _resource(type_: str) -> Resource:
    resource: Resource = {
        "type": type_,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "searchParam": [{"name": each.name, "type": each.kind} for each in PARAMETERS[type_].values()],
    }
    if type_ in INCLUDES:
        resource["searchInclude"] = [INCLUDES[type_][0]]
    return resource
