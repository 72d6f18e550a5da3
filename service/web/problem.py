"""Errors for machines (RFC 9457)."""

import json

from flask import Response


def problem(status: int, title: str, **more: object) -> Response:
    """`application/problem+json`; `more` are members of our own."""
    body = json.dumps({"type": "about:blank", "title": title, "status": status, **more})
    return Response(body, status, mimetype="application/problem+json")
