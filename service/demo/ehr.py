"""The demo's EHR: the embedded FHIR server with the synthetic people, and a clinician who works in it."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from waitress.channel import ClientDisconnected  # type: ignore[import-untyped]  # waitress ships no types

from service.demo.population import Json, resources
from service.fhir.base_url import BaseUrl
from service.fhir.client import FhirClient
from service.fhir.egress import Egress, EgressLimits
from service.ports import Clock
from service.sandbox import Store, create_app, serve
from service.sandbox.app import MOUNT


class LosesReplies:
    """Around the server: on demand the answer to one write of a Task is lost after the Task was stored."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self.lose_next = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        writes = environ["REQUEST_METHOD"] in ("POST", "PUT")
        to_task = environ.get("PATH_INFO", "").startswith(f"{MOUNT}/Task")
        searches = environ.get("PATH_INFO", "").endswith("/_search")
        if not (self.lose_next and writes and to_task and not searches):
            return self._app(environ, start_response)
        self.lose_next = False
        for _ in self._app(environ, lambda *_: lambda _: None):
            pass
        raise ClientDisconnected  # waitress closes the connection without a word


class Clinician:
    """Somebody at work in the EHR, over HTTP like everybody else; their requests are not the service's."""

    def __init__(self, client: FhirClient) -> None:
        self._client = client

    def see(self, reference: str) -> Json:
        """A resource as it stands now."""
        kind, _, id_ = reference.partition("/")
        found: Json = json.loads(self._client.read(kind, id_).reading.raw)
        return found

    def put(self, resource: Json) -> None:
        """Store a resource under its id."""
        self._client.update(resource["resourceType"], resource["id"], json.dumps(resource).encode())

    def tasks_with(self, system: str, key: str) -> list[Json]:
        """The Tasks that carry the identifier."""
        pages = self._client.search("Task", [("identifier", f"{system}|{key}")])
        return [json.loads(row.raw) for page in pages for row in page.rows]


class Ehr:
    """The running server."""

    def __init__(self, base: str, store: Store, clinician: Clinician, replies: LosesReplies) -> None:
        self.base = base
        self.store = store
        self.clinician = clinician
        self._replies = replies

    def lose_next_task_reply(self) -> None:
        """The next create or update of a Task is stored, and its answer lost."""
        self._replies.lose_next = True

    def patients(self) -> list[str]:
        """The ids of everybody in it."""
        return [one["id"] for one in self.store.all("Patient")]


@contextmanager
def running_ehr(clock: Clock, today: date) -> Iterator[Ehr]:
    """The EHR on a free port of this machine while the context lasts, its people rolled to `today`."""
    store = Store(clock.now)
    store.load(resources(today))
    app: Any = create_app(store)
    replies = LosesReplies(app)
    with serve(replies) as base:
        egress = Egress(BaseUrl(base), clock, limits=EgressLimits(rate_per_second=1000.0))
        try:
            yield Ehr(base, store, Clinician(FhirClient(egress)), replies)
        finally:
            egress.close()
