"""Own Tasks over FHIR: read, found by key, created, changed; each as plain JSON with its version."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.channels import task as tasks
from service.fhir.client import FhirClient, Written
from service.fhir.errors import FhirRejectedError, NotFoundError, UnknownReplyError, UnreadableReplyError

_WITH_OWN_IDS = frozenset({"hapi"})

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A resource as the EHR has it now."""

    id: str
    resource: dict[str, Any]
    version: str | None  # ETag as given, else made from meta.versionId


class TaskChannel:
    """The Tasks of one source.  Raises the errors of `FhirClient`."""

    def __init__(self, client: FhirClient, item_system: str) -> None:
        self.client = client
        self.item_system = item_system

    def takes_own_ids(self, profile: str) -> bool:
        """Whether a Task can be created under an id of ours (lifecycle.md §3, step 4).

        The profile says it, or else the CapabilityStatement; what neither says is not assumed.
        """
        if profile != "auto":
            return profile in _WITH_OWN_IDS
        try:
            statement = self.client.metadata()
        except (FhirRejectedError, UnreadableReplyError):
            return False
        resources = (one for rest in statement.get("rest") or [] for one in rest.get("resource") or [])
        return any(one.get("type") == "Task" and one.get("updateCreate") is True for one in resources)

    def read(self, kind: str, id: str) -> Answer:  # noqa: A002 (FHIR's name)
        """One resource by id, past every cache."""
        found = self.client.read(kind, id)
        return _answer(found.reading.raw, found.version)

    def own(self, reference: str, key: str) -> Answer:
        """Our Task by the reference under which we know it; an EHR that was restored gives ids a second time.

        Raises NotFoundError when what is there is not the Task with our key.
        """
        found = self.read("Task", reference.rpartition("/")[2])
        if tasks.key_of(found.resource, self.item_system) != key:
            raise NotFoundError("another Task has this id")
        return found

    def find(self, key: str) -> list[Answer]:
        """The Tasks that carry our key, past every cache; filtered again here."""
        found = []
        for page in self.client.search("Task", [("identifier", f"{self.item_system}|{key}")]):
            for row in page.rows:
                if row.kind == "Task":
                    answer = _answer(row.raw, None)
                    if tasks.key_of(answer.resource, self.item_system) == key:
                        found.append(answer)
        return found

    def create(self, task: Json, *, key: str) -> Answer:
        """POST, only if no Task has the key; a server that does not know the condition ignores it."""
        condition = f"identifier={self.item_system}|{key}"
        return self._confirmed(self.client.create("Task", _body(task), if_none_exist=condition), key)

    def create_with_id(self, task: Json, *, key: str) -> Answer:
        """PUT under the key as id, only if nothing has that id."""
        written = self.client.update("Task", key, _body(task), if_none_match_any=True)
        return self._confirmed(written, key)

    def change(self, task: Json, *, key: str, version: str | None) -> Answer:
        """PUT over the version that was read."""
        written = self.client.update("Task", str(task["id"]), _body(task), if_match=version)
        return self._confirmed(written, key)

    def _confirmed(self, written: Written, key: str) -> Answer:
        """The reply when it carries our key; else the Task read again by its id."""
        if written.body is not None:
            answer = _answer(written.body, written.version)
            if tasks.key_of(answer.resource, self.item_system) == key:
                return answer
        again = self.read("Task", written.reference.rpartition("/")[2])
        if tasks.key_of(again.resource, self.item_system) != key:
            raise UnknownReplyError("the Task does not carry our key")
        return again


def _body(task: Json) -> bytes:
    return json.dumps(task, ensure_ascii=False, separators=(",", ":")).encode()


def _answer(raw: bytes, version: str | None) -> Answer:
    resource = json.loads(raw)
    found = resource.get("id")
    if not isinstance(found, str):
        raise UnreadableReplyError("a resource without an id")
    number = (resource.get("meta") or {}).get("versionId")
    return Answer(found, resource, version or (f'W/"{number}"' if number else None))
