"""What could not be handled: visible until it is repaired, forgotten or accepted."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, select, update

from service.ports import QuarantineRow
from service.store.rows import Rows
from service.store.tables import quarantine_table


class QuarantineRows(Rows):
    """The `quarantine` table; None is stored as the empty string, so that a row is unique."""

    def set_aside(self, row: QuarantineRow) -> bool:
        """Add it unless it is there; True when it is new."""
        return self._insert_once(
            quarantine_table,
            {
                "source_id": row.source,
                "patient": row.patient or "",
                "reference": row.reference or "",
                "key": row.key or "",
                "reason": row.reason,
                "since": row.since,
                "accepted_at": row.accepted_at,
            },
        )

    def settle_quarantine(self, source: str, patient: str, still: Iterable[tuple[str | None, str]]) -> None:
        """Forget the patient's rows whose (reference, reason) is not in `still`.

        A row with an item's key is about a delivery, which no reading repairs: it stays.
        """
        keep = {(reference or "", reason) for reference, reason in still}
        mine = select(quarantine_table.c.id, quarantine_table.c.reference, quarantine_table.c.reason).where(
            quarantine_table.c.source_id == source,
            quarantine_table.c.patient == patient,
            quarantine_table.c.key == "",
        )
        settled = [
            number
            for number, reference, reason in self._connection.execute(mine)
            if (reference, reason) not in keep
        ]
        if settled:
            self._connection.execute(delete(quarantine_table).where(quarantine_table.c.id.in_(settled)))

    def quarantine(self, source: str | None = None, *, patient: str | None = None) -> list[QuarantineRow]:
        """Accepted rows too; the oldest first."""
        statement = select(quarantine_table).order_by(quarantine_table.c.since, quarantine_table.c.id)
        if source is not None:
            statement = statement.where(quarantine_table.c.source_id == source)
        if patient is not None:
            statement = statement.where(quarantine_table.c.patient == patient)
        return [_row(row) for row in self._connection.execute(statement).mappings()]

    def accept_quarantine(self, row: QuarantineRow, now: datetime) -> None:
        """It stays as it is: an operator says so."""
        same = (
            (quarantine_table.c.source_id == row.source)
            & (quarantine_table.c.patient == (row.patient or ""))
            & (quarantine_table.c.reference == (row.reference or ""))
            & (quarantine_table.c.key == (row.key or ""))
            & (quarantine_table.c.reason == row.reason)
        )
        self._connection.execute(update(quarantine_table).where(same).values(accepted_at=now))

    def forget_quarantine(self, source: str, *, key: str | None = None, patient: str | None = None) -> int:
        """Forget the rows of a key, of a patient, or of both together; gives how many.

        Raises ValueError when neither is named.
        """
        if key is None and patient is None:
            raise ValueError("name the key or the patient to forget")
        statement = delete(quarantine_table).where(quarantine_table.c.source_id == source)
        if key is not None:
            statement = statement.where(quarantine_table.c.key == key)
        if patient is not None:
            statement = statement.where(quarantine_table.c.patient == patient)
        return self._connection.execute(statement).rowcount


def _row(row: RowMapping) -> QuarantineRow:
    values: dict[str, Any] = {name: row[name] or None for name in ("patient", "reference", "key")}
    return QuarantineRow(
        source=row["source_id"],
        reason=row["reason"],
        since=row["since"],
        accepted_at=row["accepted_at"],
        **values,
    )
