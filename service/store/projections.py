"""The EHR objects that we own: what each should be, what it is, and what is still to be done."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, and_, func, or_, select

from service.model.item import Attempt, CloseReason, Desired, Doing, Projection, SeenTask
from service.store.columns import CodePoints
from service.store.rows import Rows
from service.store.tables import WORK, item_table, projection_table

_ITS_ITEM = and_(
    item_table.c.source_id == projection_table.c.source_id, item_table.c.key == projection_table.c.key
)


class ProjectionRows(Rows):
    """The `projection` table."""

    def projection(self, source: str, key: str, kind: str = "Task") -> Projection | None:
        same = and_(
            projection_table.c.source_id == source,
            projection_table.c.key == key,
            projection_table.c.kind == kind,
        )
        found = self._projections(select(projection_table).where(same))
        return found[0] if found else None

    def projections_of(self, source: str, patient: str) -> list[Projection]:
        """Those of one patient, by key."""
        of_patient = and_(projection_table.c.source_id == source, projection_table.c.patient == patient)
        return self._projections(
            select(projection_table)
            .where(of_patient)
            .order_by(CodePoints(projection_table.c.key), CodePoints(projection_table.c.kind))
        )

    def projections(self, source: str) -> list[Projection]:
        """All of a source, by key."""
        statement = select(projection_table).where(projection_table.c.source_id == source)
        return self._projections(
            statement.order_by(CodePoints(projection_table.c.key), CodePoints(projection_table.c.kind))
        )

    def save_projection(self, projection: Projection, now: datetime) -> None:
        """Insert or overwrite; an unchanged one keeps its `updated`."""
        if self.projection(projection.source, projection.key, projection.kind) != projection:
            self._upsert(projection_table, [{**_columns(projection), "updated_at": now}])

    def projection_work(self, source: str, now: datetime) -> list[Projection]:
        """Not confirmed, not rejected, and due: next_try_at missing or ≤ now.

        By the item's priority, the highest first, then by its day due, then by key.
        """
        to_do = and_(
            projection_table.c.source_id == source,
            projection_table.c.state.in_(WORK),
            or_(projection_table.c.next_try_at.is_(None), projection_table.c.next_try_at <= now),
        )
        statement = (
            select(projection_table)
            .select_from(projection_table.outerjoin(item_table, _ITS_ITEM))
            .where(to_do)
            .order_by(
                func.coalesce(item_table.c.priority, 0).desc(),
                item_table.c.due_on.asc().nulls_last(),
                CodePoints(projection_table.c.key),
                CodePoints(projection_table.c.kind),
            )
        )
        return self._projections(statement)

    def _projections(self, statement: Select[Any]) -> list[Projection]:
        return [_projection(row) for row in self._connection.execute(statement).mappings()]


def _columns(of: Projection) -> dict[str, Any]:
    return {
        "source_id": of.source,
        "key": of.key,
        "kind": of.kind,
        "patient": of.patient,
        "state": of.state.value,
        "desired": _fields(of.desired) if of.desired else None,
        "seen": _fields(of.seen) if of.seen else None,
        "attempt": _fields(of.attempt) if of.attempt != Attempt() else None,
        "tries": of.tries,
        "next_try_at": of.next_try_at,
        "error": of.error,
        "rejected": of.rejected,
    }


def _projection(row: RowMapping) -> Projection:
    return Projection(
        source=row["source_id"],
        key=row["key"],
        patient=row["patient"],
        kind=row["kind"],
        desired=_desired(row["desired"]),
        seen=SeenTask(**row["seen"]) if row["seen"] else None,
        attempt=_attempt(row["attempt"]),
        tries=row["tries"],
        next_try_at=row["next_try_at"],
        error=row["error"],
        rejected=row["rejected"],
    )


def _fields(part: Desired | SeenTask | Attempt) -> dict[str, Any]:
    """JSON of a projection's part; a field that later gets a default needs no migration."""
    values = {field.name: getattr(part, field.name) for field in fields(part)}
    return {name: v.isoformat() if isinstance(v, datetime) else v for name, v in values.items()}


def _desired(values: Mapping[str, Any] | None) -> Desired | None:
    if values is None:
        return None
    close = values["close"]
    return Desired(**{**values, "close": CloseReason(close) if close else None})


def _attempt(values: Mapping[str, Any] | None) -> Attempt:
    if values is None:
        return Attempt()
    since = values["since"]
    known = {"doing": Doing(values["doing"]), "since": datetime.fromisoformat(since) if since else None}
    return Attempt(**{**values, **known})
