"""Which ids a search has to look at: by type, by patient, by identifier, each in the order of creation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from service.sandbox.outcome import Resource
from service.sandbox.parameters import identifiers_of, patient_of

Ids = dict[str, None]  # a set that keeps its order


class Indexes:
    """Ids of current resources.  Not locked: the store's lock is held around each call."""

    def __init__(self) -> None:
        self._by_type: dict[str, Ids] = {}
        self._by_name: dict[tuple[str, str, str], Ids] = {}  # (type, "patient" or "identifier", name)

    def replace(self, type_: str, id_: str, before: Resource | None, after: Resource | None) -> None:
        """Find `after` by its names, and no more by those of `before`; None: there is no such resource."""
        old = set(_names(before)) if before is not None else set()
        new = list(_names(after)) if after is not None else []
        for kind, name in old.difference(new):
            self._by_name[type_, kind, name].pop(id_, None)
        for kind, name in new:
            self._by_name.setdefault((type_, kind, name), {})[id_] = None
        ids = self._by_type.setdefault(type_, {})
        if after is None:
            ids.pop(id_, None)
        else:
            ids[id_] = None

    def types(self) -> list[str]:
        return sorted(type_ for type_, ids in self._by_type.items() if ids)

    def ids(self, type_: str) -> list[str]:
        return list(self._by_type.get(type_, ()))

    def of_patients(self, type_: str, patients: Iterable[str]) -> list[str]:
        return self._named(type_, "patient", patients)

    def with_identifiers(self, type_: str, identifiers: Iterable[str]) -> list[str]:
        """Give the ids for tokens: `system|value`, `system|` (any value), `value` (any system), `|value`."""
        return self._named(type_, "identifier", identifiers)

    def _named(self, type_: str, kind: str, names: Iterable[str]) -> list[str]:
        found: Ids = {}
        for name in names:
            found |= self._by_name.get((type_, kind, name), {})
        return list(found)


def _names(resource: Resource) -> Iterator[tuple[str, str]]:
    patient = patient_of(resource)
    if patient is not None:
        yield "patient", patient
    for system, value in identifiers_of(resource):
        yield "identifier", f"{system}|{value}"
        yield "identifier", value
        if system:
            yield "identifier", f"{system}|"
