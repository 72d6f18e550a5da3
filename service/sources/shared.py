"""What belongs to no patient: Medications and the people who ordered, read by id once a run."""

import threading
from collections.abc import Iterable, Iterator

from service.fhir.client import FhirClient
from service.fhir.errors import (
    DroppedFilterError,
    FhirError,
    FhirRejectedError,
    GoneError,
    NotFoundError,
)
from service.record.elements import Medication
from service.record.read import Reading
from service.sources.asker import or_list

_MOST_KEPT = 100_000  # resources; when full, the run's cache starts again
_NO_LISTS = frozenset({400, 405, 414, 422, 501})
_FORBIDDEN = 403
_DENIED = frozenset({_FORBIDDEN, 404})


class Shared:
    """A cache by reference; thread-safe.  `forget` begins a new run."""

    def __init__(self, client: FhirClient, ids_per_request: int) -> None:
        self._client = client
        self._ids_per_request = ids_per_request
        self._lock = threading.Lock()
        self._kept: dict[str, Reading | None] = {}  # None: the EHR has none that we may read
        self.denied: set[str] = set()  # types that the EHR does not let us read

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()
            self.denied.clear()

    def get(self, reference: str) -> Reading | None:
        with self._lock:
            return self._kept.get(reference)

    def medication(self, reference: str) -> Medication | None:
        found = self.get(reference)
        return found.body if found is not None and isinstance(found.body, Medication) else None

    def fetch(self, references: Iterable[str]) -> dict[str, FhirError]:
        """Read those that are not known yet, many in a request; gives why, for each that could not be read.

        One that the EHR does not have, or that only it may not be read, is known as None.
        """
        wanted: dict[str, list[str]] = {}
        with self._lock:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            for reference in dict.fromkeys(references):
                kind, _, own = reference.partition("/")
                if reference not in self._kept and kind not in self.denied and own:
                    wanted.setdefault(kind, []).append(own)
        failed: dict[str, FhirError] = {}
        for kind, ids in wanted.items():
            for chunk in _chunks(ids, self._ids_per_request):
                failed.update(self._fetch(kind, chunk))
        return failed

    def _fetch(self, kind: str, ids: list[str]) -> dict[str, FhirError]:
        found: dict[str, Reading | None] = {f"{kind}/{own}": None for own in ids}
        try:
            for page in self._client.search(kind, [("_id", or_list(ids))]):
                found.update((row.reference, row) for row in page.rows if row.reference in found)
        except FhirRejectedError as error:
            if error.status in _NO_LISTS or (error.status == _FORBIDDEN and len(ids) > 1):
                return self._fetch_each(kind, ids)
            if error.status in _DENIED:
                self.denied.add(kind)
                return {}
            return dict.fromkeys((f"{kind}/{own}" for own in ids), error)
        except DroppedFilterError:
            return self._fetch_each(kind, ids)
        except FhirError as error:
            return dict.fromkeys((f"{kind}/{own}" for own in ids), error)
        self._keep(found)
        return {}

    def _fetch_each(self, kind: str, ids: list[str]) -> dict[str, FhirError]:
        failed: dict[str, FhirError] = {}
        forbidden = 0
        for own in ids:
            reference = f"{kind}/{own}"
            try:
                self._keep({reference: self._client.read(kind, own).reading})
            except (NotFoundError, GoneError):
                self._keep({reference: None})
            except FhirError as error:
                if isinstance(error, FhirRejectedError) and error.status == _FORBIDDEN:
                    forbidden += 1
                    self._keep({reference: None})
                else:
                    failed[reference] = error
        if forbidden == len(ids):
            self.denied.add(kind)
        return failed

    def _keep(self, found: dict[str, Reading | None]) -> None:
        with self._lock:
            self._kept.update(found)


def _chunks(ids: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
