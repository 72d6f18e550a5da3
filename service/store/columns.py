"""Column types that mean the same on SQLite and PostgreSQL."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def micros(when: datetime) -> int:
    """Microseconds since 1970-01-01 UTC; raises ValueError for an instant without zone."""
    if when.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return (when - EPOCH) // MICROSECOND


def instant(count: int) -> datetime:
    """The aware UTC instant of a count of microseconds."""
    return EPOCH + timedelta(microseconds=count)


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept as whole microseconds since 1970 so that it compares and sorts anywhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 (SQLAlchemy's signature)
        return None if value is None else micros(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        return None if value is None else instant(int(value))


class Json(TypeDecorator[Any]):
    """A JSON value as ASCII text: any string survives, also one with NUL or half a surrogate pair."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:  # noqa: ARG002 (SQLAlchemy's signature)
        return None if value is None else json.dumps(value, separators=(",", ":"), default=_plain)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any | None:  # noqa: ARG002 (SQLAlchemy's signature)
        return None if value is None else json.loads(value)


class Words(TypeDecorator[str]):
    """Free text: what no database takes (NUL, half a surrogate pair) becomes U+FFFD or `?`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 (SQLAlchemy's signature)
        if value is None:
            return None
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


class CodePoints(FunctionElement[str]):
    """A text column to order by: by code point on both databases, whatever the database's language.

    SQLite orders so by itself; PostgreSQL would put `a` before `B`, or not, as its `LC_COLLATE` says.
    """

    inherit_cache = True
    name = "code_points"


@compiles(CodePoints)
def _as_it_is(element: CodePoints, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(CodePoints, "postgresql")
def _in_no_language(element: CodePoints, compiler: SQLCompiler, **options: Any) -> str:
    return f'{compiler.process(element.clauses, **options)} COLLATE "C"'


def _plain(value: object) -> object:
    """What `json` does not know: mappings that are no dict, and sets (sorted)."""
    if isinstance(value, frozenset | set):
        return sorted(value)
    if hasattr(value, "items"):
        return dict(value.items())
    raise TypeError(f"{type(value).__name__} is no JSON value")
