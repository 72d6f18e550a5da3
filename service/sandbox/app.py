"""The Flask application: HTTP in, HTTP out; what a request means is decided by `Interactions`."""

from __future__ import annotations

from datetime import UTC
from email.utils import format_datetime

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from service.sandbox.interactions import Interactions
from service.sandbox.message import FHIR_JSON, Answer, Request
from service.sandbox.outcome import operation_outcome
from service.sandbox.store import Clock, Store

MOUNT = "/fhir"
_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
_LARGEST_BODY = 32 * 1024 * 1024  # bytes


def create_app(
    store: Store, clock: Clock | None = None, *, interactions: Interactions | None = None
) -> Flask:
    """Give the FHIR server as a WSGI application, mounted at /fhir.

    `clock` is for the Date header; it is the store's unless another is given.  `interactions` replaces the
    usual ones over the store: to set page sizes, or to answer in another way.
    """
    answering = interactions or Interactions(store)
    now = clock or store.clock
    app = Flask("service.sandbox", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    app.url_map.strict_slashes = app.url_map.merge_slashes = False  # a FHIR client expects no redirects

    @app.route(MOUNT, defaults={"path": ""}, methods=_METHODS, provide_automatic_options=False)
    @app.route(f"{MOUNT}/<path:path>", methods=_METHODS, provide_automatic_options=False)
    def fhir(path: str) -> Response:
        return _response(answering.handle(_request(path)))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        status = error.code or 500
        return _response(Answer(status, operation_outcome(status, error.description or error.name)))

    @app.after_request
    def dated(response: Response) -> Response:
        response.headers["Date"] = format_datetime(now().astimezone(UTC), usegmt=True)
        return response

    return app


def _request(path: str) -> Request:
    return Request(
        method=request.method,
        path=path,
        base=request.host_url.rstrip("/") + MOUNT,
        query=request.query_string.decode("latin-1"),
        headers={name.lower(): value for name, value in request.headers},
        body=request.get_data(),
    )


def _response(answer: Answer) -> Response:
    response = Response(answer.content(), status=answer.status)
    response.headers["Content-Type"] = f"{FHIR_JSON};charset=utf-8"
    response.headers.update(answer.headers)
    if answer.status == 304 or not response.get_data():
        response.headers.pop("Content-Type", None)
    return response
