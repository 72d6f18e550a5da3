"""The Flask application: health for machines, the plain inbox where the demo asks for it."""

import re

from flask import Flask, Response, render_template, request
from jinja2 import StrictUndefined
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, InternalServerError

from service import logs
from service.config import Settings
from service.ports import Clock, Ledger
from service.web import health, inbox, metrics
from service.web.problem import problem

_LARGEST_BODY = 64 * 1024  # bytes; threats.md
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)  # controls, zero-width characters, and those that turn the direction of writing
_MACHINES = ("/api/", "/livez", "/readyz", "/metrics")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


def create_app(ledger: Ledger, settings: Settings, clock: Clock, *, with_inbox: bool = False) -> Flask:
    """The WSGI application.

    `with_inbox` serves the read-only inbox to whoever can reach the port: only for invented people.
    """
    app = Flask("service.web", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    app.jinja_options = {"undefined": StrictUndefined, "finalize": _printed, "trim_blocks": True}
    app.register_blueprint(health.blueprint(ledger, settings, clock))
    app.register_blueprint(metrics.blueprint(ledger, settings, clock))
    if with_inbox:
        app.register_blueprint(inbox.blueprint(ledger, settings, clock))
    log = logs.get_log(component="web")

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        return _error(error)

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        log.warning("request failed", method=request.method, exc_info=error)
        return _error(InternalServerError())

    @app.after_request
    def guarded(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    return app


def _printed(value: object) -> object:
    """Stored text as data: what could turn or hide a part of it is shown as a box."""
    return _HIDDEN.sub("□", value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _error(error: HTTPException) -> Response:
    status = error.code or 500
    if request.path.startswith(_MACHINES):
        response = problem(status, error.name)
    else:
        response = Response(
            render_template("error.html", status=status, name=error.name), status, mimetype="text/html"
        )
    for name, value in error.get_headers():
        if name.lower() == "allow":  # of 405
            response.headers[name] = value
    return response
