"""The ledger: what we know, want, did and decided, in SQLite or PostgreSQL."""

from service.store.errors import DatabaseUrlError, SchemaError
from service.store.ledger import SqlLedger, SqlTransaction, open_ledger
from service.store.schema import upgrade
from service.store.upkeep import backup, check

__all__ = [
    "DatabaseUrlError",
    "SchemaError",
    "SqlLedger",
    "SqlTransaction",
    "backup",
    "check",
    "open_ledger",
    "upgrade",
]
