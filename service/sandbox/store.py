"""The resources in memory, every version of them, and going back to an earlier state."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from service.sandbox.dates import span_of_element
from service.sandbox.indexes import Indexes
from service.sandbox.outcome import Resource
from service.sandbox.parameters import identifiers_of

Clock = Callable[[], datetime]  # gives an aware datetime
Key = tuple[str, str]  # (resource type, id)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one resource, never changed.  `resource` is None when this version is its deletion."""

    type: str
    id: str
    number: int
    updated: datetime  # UTC, whole milliseconds, as in meta.lastUpdated
    resource: Resource | None

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"

    @property
    def etag(self) -> str:
        return f'W/"{self.number}"'


@dataclass(frozen=True, slots=True)
class Write:
    """One line of the journal.  `action`: create, update, delete or revive; identifiers: `system|value`."""

    action: str
    type: str
    id: str
    version: int
    at: datetime
    identifiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the store held at one moment; only good for `Store.restore`."""

    histories: dict[Key, tuple[Version, ...]]
    next_number: int


class Store:
    """Resources in memory.  `lock` is reentrant; hold it around steps that belong together.

    `journal` (all writes by the API or `put`, not those by `load`) and `requests` (counted as "GET Task",
    "POST Task/_search", "POST batch"; entries of batches with "batch: " in front) survive a restore.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.requests: Counter[str] = Counter()
        self.journal: list[Write] = []
        self._histories: dict[Key, list[Version]] = {}
        self._next_number = 1
        self._index = Indexes()

    # Writing

    def put(self, resource: Resource) -> Version:
        """Store a resource under its own id, or under a new one; the server sets its meta.

        Content that is equal to the current version's changes nothing.  The resource given is copied.
        Raises ValueError without a resourceType.
        """
        return self._store(resource, at=self.now(), journal=True)

    def load(self, resources: Iterable[Resource]) -> list[Version]:
        """Store many as a starting population, keeping a meta.lastUpdated that they state; not in the journal."""
        return [
            self._store(resource, at=_stated_update(resource) or self.now(), journal=False)
            for resource in resources
        ]

    def load_bundle(self, bundle: Resource) -> list[Version]:
        """Store the resources in a Bundle's entries, as `load` does."""
        return self.load(entry["resource"] for entry in bundle.get("entry", []) if "resource" in entry)

    def delete(self, type_: str, id_: str) -> Version | None:
        """Delete a resource; gives the deleting version, or None where there was nothing to delete."""
        with self.lock:
            current = self.current(type_, id_)
            if current is None or current.resource is None:
                return None
            gone = Version(type_, id_, current.number + 1, self.now(), None)
            self._append(gone)
            self._note("delete", gone, current.resource)
            return gone

    def new_id(self) -> str:
        """Give the next free number; ids that this server hands out are numbers, those of clients are not."""
        with self.lock:
            self._next_number += 1
            return str(self._next_number - 1)

    # Reading

    def now(self) -> datetime:
        """The clock's time in UTC, cut to milliseconds: what meta.lastUpdated can say."""
        now = self.clock().astimezone(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def get(self, type_: str, id_: str) -> Resource | None:
        """Give a copy of the current resource, or None when there is none or it was deleted."""
        version = self.current(type_, id_)
        return copy_of(version.resource) if version and version.resource is not None else None

    def all(self, type_: str) -> list[Resource]:
        """Give copies of all current resources of a type, in the order of their creation."""
        with self.lock:
            versions = [self._histories[type_, id_][-1] for id_ in self._index.ids(type_)]
        return [copy_of(version.resource) for version in versions if version.resource is not None]

    def types(self) -> list[str]:
        """Give the types that have at least one current resource, sorted."""
        with self.lock:
            return self._index.types()

    def current(self, type_: str, id_: str) -> Version | None:
        """Give the newest version, which may be a deletion; not a copy: do not change it."""
        with self.lock:
            history = self._histories.get((type_, id_))
            return history[-1] if history else None

    def history(self, type_: str, id_: str) -> list[Version]:
        """Give all versions, oldest first; none for an id never used.  Not copies: do not change them."""
        with self.lock:
            return list(self._histories.get((type_, id_), ()))

    def candidates(
        self, type_: str, *, patients: Iterable[str] | None = None, identifiers: Iterable[str] | None = None
    ) -> list[Version]:
        """Give the current versions that could match, in the order of creation, narrowed by one index.

        `patients` are ids; `identifiers` are `system|value`, `system|` (any value) or `value` (any system).
        """
        with self.lock:
            if identifiers is not None:
                found = self._index.with_identifiers(type_, identifiers)
            elif patients is not None:
                found = self._index.of_patients(type_, patients)
            else:
                found = self._index.ids(type_)
            return [self._histories[type_, id_][-1] for id_ in found]

    # Going back

    def snapshot(self) -> Snapshot:
        """Give what the store holds now."""
        with self.lock:
            histories = {key: tuple(history) for key, history in self._histories.items()}
            return Snapshot(histories, self._next_number)

    def restore(self, snapshot: Snapshot) -> None:
        """Hold again what `snapshot` held, like a server restored from a backup: the rest never was."""
        with self.lock:
            self._histories = {key: list(history) for key, history in snapshot.histories.items()}
            self._next_number = snapshot.next_number
            self._index = Indexes()
            for (type_, id_), history in self._histories.items():
                self._index.replace(type_, id_, None, history[-1].resource)

    # Parts

    def _store(self, resource: Resource, *, at: datetime, journal: bool) -> Version:
        type_ = resource.get("resourceType")
        if not isinstance(type_, str) or not isinstance(resource.get("id", ""), str):
            raise ValueError("a resource needs a resourceType, and its id is a string")
        content = copy_of(resource)
        with self.lock:
            id_ = content.get("id") or self._free_id(type_)
            current = self.current(type_, id_)
            if current and current.resource is not None and _same_content(current.resource, content):
                return current
            number = current.number + 1 if current else 1
            version = Version(type_, id_, number, at, _with_meta(content, id_, number, at))
            self._append(version)
            if journal:
                self._note(_action(current), version, content)
            return version

    def _free_id(self, type_: str) -> str:
        while (type_, id_ := self.new_id()) in self._histories:
            pass
        return id_

    def _append(self, version: Version) -> None:
        history = self._histories.setdefault((version.type, version.id), [])
        before = history[-1].resource if history else None
        history.append(version)
        self._index.replace(version.type, version.id, before, version.resource)

    def _note(self, action: str, version: Version, content: Resource) -> None:
        names = tuple(f"{system}|{value}" for system, value in identifiers_of(content))
        self.journal.append(Write(action, version.type, version.id, version.number, version.updated, names))


def copy_of(resource: Any) -> Any:
    """Give a deep copy of a JSON value."""
    return msgspec.json.decode(msgspec.json.encode(resource))


def instant(moment: datetime) -> str:
    """Write a UTC moment as a FHIR instant with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _action(before: Version | None) -> str:
    if before is None:
        return "create"
    return "revive" if before.resource is None else "update"


def _with_meta(content: Resource, id_: str, number: int, at: datetime) -> Resource:
    """Give the content with its id and the server's meta, in the order in which FHIR lists them."""
    meta = {"versionId": str(number), "lastUpdated": instant(at)}
    meta |= {name: value for name, value in _meta(content).items() if name not in meta}
    rest = {name: value for name, value in content.items() if name not in ("resourceType", "id", "meta")}
    return {"resourceType": content["resourceType"], "id": id_, "meta": meta, **rest}


def _meta(resource: Resource) -> Resource:
    meta = resource.get("meta")
    return meta if isinstance(meta, dict) else {}


def _same_content(stored: Resource, given: Resource) -> bool:
    """True if the two differ at most in what the server sets; 1 and true are not the same here."""
    return _comparable(stored) == _comparable(given)


def _comparable(resource: Resource) -> bytes:
    own = ("versionId", "lastUpdated")
    kept = {name: value for name, value in _meta(resource).items() if name not in own}
    return msgspec.json.encode({**resource, "meta": kept}, order="deterministic")


def _stated_update(resource: Resource) -> datetime | None:
    """Give meta.lastUpdated in whole milliseconds, None where it is absent or cannot be read."""
    span = span_of_element(_meta(resource).get("lastUpdated"))
    return span.start.replace(microsecond=span.start.microsecond // 1000 * 1000) if span else None
