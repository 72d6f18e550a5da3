"""What the ledger knows of each source: its state, and a watermark per watched type."""

from typing import Any

from sqlalchemy import delete, select

from service.ports import SourceState
from service.store.rows import Rows
from service.store.tables import cursor_table, source_table


class SourceRows(Rows):
    """The `source` and `cursor` tables."""

    def source_state(self, source: str) -> SourceState:
        """The state; that of a source in shadow which never ran, when there is none yet."""
        found = (
            self._connection.execute(select(source_table).where(source_table.c.source_id == source))
            .mappings()
            .first()
        )
        if found is None:
            return SourceState(source)
        values: dict[str, Any] = dict(found)
        values.pop("source_id")
        once_complete = frozenset(values.pop("once_complete"))
        watermarks = select(cursor_table.c.kind, cursor_table.c.watermark).where(
            cursor_table.c.source_id == source
        )
        cursors = {row.kind: row.watermark for row in self._connection.execute(watermarks)}
        return SourceState(source, once_complete=once_complete, cursors=cursors, **values)

    def save_source_state(self, state: SourceState) -> None:
        row = {
            "source_id": state.source,
            "released_at": state.released_at,
            "frozen_since": state.frozen_since,
            "frozen_why": state.frozen_why,
            "stopped_why": state.stopped_why,
            "last_complete_at": state.last_complete_at,
            "last_full_sweep_at": state.last_full_sweep_at,
            "last_task_check_on": state.last_task_check_on,
            "once_complete": sorted(state.once_complete),
        }
        self._upsert(source_table, [row])
        gone = (cursor_table.c.source_id == state.source) & cursor_table.c.kind.not_in(sorted(state.cursors))
        self._connection.execute(delete(cursor_table).where(gone))
        watermarks = [
            {"source_id": state.source, "kind": kind, "watermark": watermark}
            for kind, watermark in state.cursors.items()
        ]
        self._upsert(cursor_table, watermarks)
