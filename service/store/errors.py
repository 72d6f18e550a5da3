"""What opening the ledger can say; each names what to do next."""

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from service.ports import LedgerError


class DatabaseUrlError(LedgerError):
    """`database.url` has to be corrected; the message begins with that key."""


class SchemaError(LedgerError):
    """The database is not at our schema; nothing in it was changed."""


def plain(error: SQLAlchemyError) -> str:
    """The database's own first sentence, without statement, parameters and stored values."""
    original = error.orig if isinstance(error, DBAPIError) else None
    if original is None:
        return f"database: {type(error).__name__}"
    primary = getattr(getattr(original, "diag", None), "message_primary", None)  # psycopg: without DETAIL
    words = primary or str(original)
    return f"database: {words.splitlines()[0] if words else type(original).__name__}"
