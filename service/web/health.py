"""`/livez`: the process answers.  `/readyz`: its database does too, and the sources are looked at."""

from collections.abc import Iterator
from datetime import timedelta

from flask import Blueprint, Response, jsonify

from service.config import Settings, SourceSettings
from service.ports import Clock, Ledger, LedgerError
from service.web.problem import problem

_OLDEST = timedelta(hours=26)  # inbox.md: a last complete read older than that is stale


def blueprint(ledger: Ledger, settings: Settings, clock: Clock) -> Blueprint:
    routes = Blueprint("health", __name__)

    @routes.get("/livez")
    def livez() -> Response:
        return jsonify(status="ok")

    @routes.get("/readyz")
    def readyz() -> Response:
        try:
            failing = {
                name: why
                for source in settings.source.values()
                for name, why in _failing(source, ledger, clock)
            }
            if not settings.source:
                ledger.empty()
        except LedgerError as error:
            return problem(503, "not ready", failing={"database": str(error)})
        if failing:
            return problem(503, "not ready", failing=failing)
        return jsonify(status="ok")

    return routes


def _failing(source: SourceSettings, ledger: Ledger, clock: Clock) -> Iterator[tuple[str, str]]:
    """(check, why) of a source whose last complete cycle is too long ago.

    Between cycles nobody holds the lease; that is a failure only when the cycles stopped coming.
    """
    with ledger.read() as tx:
        state = tx.source_state(source.id)
    holder = ledger.lease(source.id)
    oldest = max(_OLDEST, timedelta(seconds=2 * source.poll_seconds))
    last = state.last_complete_at
    if last is not None and clock.now() - last <= oldest:
        return
    age = f"last complete cycle {last:%Y-%m-%dT%H:%M:%SZ}" if last else "no complete cycle yet"
    yield f"cycle:{source.id}", age
    if holder is None:
        yield f"lease:{source.id}", "no worker holds it"
