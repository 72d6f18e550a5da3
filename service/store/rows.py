"""What every part of a transaction needs: the connection, upserts and lists of ids in portions."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

PORTION = 500  # ids in one IN list


class Rows:
    """Reads and writes on one open transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _upsert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, or overwrite those with the same primary key.  All have the same columns."""
        if not rows:
            return
        keys = [column.name for column in table.primary_key]
        insert = self._insert(table)
        changes = {name: insert.excluded[name] for name in rows[0] if name not in keys}
        statement = insert.on_conflict_do_update(index_elements=keys, set_=changes)
        self._connection.execute(statement, list(rows))

    def _insert_once(self, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert a row unless a unique index already has it; True when it is new."""
        statement = self._insert(table).values(**row).on_conflict_do_nothing()
        return self._connection.execute(statement).rowcount == 1

    def _insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        if self._connection.dialect.name == "sqlite":
            return sqlite.insert(table)
        return postgresql.insert(table)


def portions(ids: Iterable[str]) -> Iterator[list[str]]:
    """Distinct ids, sorted, `PORTION` at a time."""
    ordered = iter(sorted(set(ids)))
    while portion := list(itertools.islice(ordered, PORTION)):
        yield portion
