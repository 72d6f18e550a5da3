"""Who did what; rows are added, and the database refuses to change or remove one."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from service.store.rows import Rows
from service.store.tables import audit_table


class AuditRows(Rows):
    """The `audit` table."""

    def audit(
        self, source: str | None, act: str, now: datetime, *, actor: str, subject: str, detail: str = ""
    ) -> None:
        """Append a row; `subject` is a key or a reference, never a name."""
        row = {"at": now, "actor": actor, "act": act, "subject": subject, "detail": detail}
        self._connection.execute(insert(audit_table), [{**row, "source_id": source}])

    def audit_trail(
        self, source: str | None = None, *, after: int = 0, limit: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """JSON objects in the order of writing: id, at, source, actor, act, subject, detail.

        Those with a greater id than `after`, at most `limit`.
        """
        statement = select(audit_table).where(audit_table.c.id > after).order_by(audit_table.c.id)
        if limit is not None:
            statement = statement.limit(limit)
        if source is not None:
            statement = statement.where(audit_table.c.source_id == source)
        for row in self._connection.execute(statement).mappings():
            values = dict(row)
            yield {
                "id": values.pop("id"),
                "at": values.pop("at").isoformat(),
                "source": values.pop("source_id"),
                **values,
            }
