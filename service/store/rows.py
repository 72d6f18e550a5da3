"""What every part of a transaction needs: the connection, upserts and lists of ids in portions."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite

PORTION = 500  # ids in one IN list


class Rows:
    """Reads and writes on one open transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _upsert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert whole rows, or overwrite those with the same primary key."""
        if rows:
            self._connection.execute(_upsert(table, self._connection.dialect.name), list(rows))

    def _insert_once(self, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert a row unless a unique index already has it; True when it is new."""
        insert = insert_into(table, self._connection.dialect.name).on_conflict_do_nothing()
        made = insert.returning(*table.primary_key)
        return self._connection.execute(made, row).first() is not None


@cache
def _upsert(table: Table, dialect: str) -> Insert:
    keys = [column.name for column in table.primary_key]
    insert = insert_into(table, dialect)
    changes = {
        column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys
    }
    return insert.on_conflict_do_update(index_elements=keys, set_=changes)


def insert_into(table: Table, dialect: str) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def portions(ids: Iterable[str]) -> Iterator[list[str]]:
    """Distinct ids, sorted, `PORTION` at a time."""
    ordered = iter(sorted(set(ids)))
    while portion := list(itertools.islice(ordered, PORTION)):
        yield portion
