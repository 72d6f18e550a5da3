"""The hostile EHR without sockets: a transport for the egress's own HTTP client."""

from collections.abc import Callable, Iterator
from email.utils import format_datetime

import httpcore2
import httpx2

from service.fhir.egress import Egress
from service.fhir.wire import _current
from service.sandbox.message import FHIR_JSON, Request
from tests.ehr.hostile import HostileInteractions
from tests.ehr.replies import WIRE
from tests.simulation.clock import VirtualClock
from tests.simulation.death import Fate, Life

BASE = "http://127.0.0.1:9/fhir"
_LATENCY_SECONDS = 0.02


class InProcess(httpx2.BaseTransport):
    """Hands each request to the EHR; breaks connections as a real wire would; may be the last thing that happens."""

    def __init__(self, ehr: HostileInteractions, clock: VirtualClock, life: Life) -> None:
        self._ehr = ehr
        self._clock = clock
        self._life = life
        self.before_request: Callable[[], None] = lambda: None  # what people do meanwhile

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        fate = self._life.at("request")
        self._clock.sleep(_LATENCY_SECONDS)
        self.before_request()
        _current.get().may_be_sent = True
        answer = self._ehr.handle(_as_asked(request))
        if fate is Fate.AFTER:
            self._life.die()
        marker = answer.headers.get(WIRE, "")
        if marker == "drip":
            self._clock.sleep(_current.get().left(None))
            raise httpcore2.ReadTimeout("deadline")
        if marker == "reset":
            raise httpcore2.ReadError("reset")
        if marker == "hang-up":
            raise httpcore2.RemoteProtocolError("closed without an answer")
        headers = {name: value for name, value in answer.headers.items() if name != WIRE}
        headers |= {"Date": format_datetime(self._clock.now(), usegmt=True)}
        content = answer.content()
        if content:
            headers.setdefault("Content-Type", f"{FHIR_JSON};charset=utf-8")
        body = _Cut(content) if marker == "cut" else httpx2.ByteStream(content)
        return httpx2.Response(answer.status, headers=headers, stream=body)


def connect(egress: Egress, transport: InProcess) -> None:
    """Let an egress, unchanged otherwise, send through this transport."""
    before = egress._client
    egress._client = httpx2.Client(
        transport=transport, trust_env=False, follow_redirects=False, headers=before.headers
    )
    before.close()


class _Cut(httpx2.SyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content[: len(self._content) // 2]
        raise httpcore2.RemoteProtocolError("closed before the answer was complete")


def _as_asked(request: httpx2.Request) -> Request:
    target = request.url.raw_path.decode()
    path, _, query = target.partition("?")
    return Request(
        method=request.method,
        path=path.removeprefix("/fhir").strip("/"),
        base=BASE,
        query=query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.read(),
    )
