"""The EHR objects that we own: what each should be, what it is, and what is still to be done."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, and_, func, or_, select

from service.model.item import Attempt, CloseReason, Desired, Doing, Projection, SeenTask
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
            .order_by(projection_table.c.key, projection_table.c.kind)
        )

    def projections(self, source: str) -> list[Projection]:
        """All of a source, by key."""
        statement = select(projection_table).where(projection_table.c.source_id == source)
        return self._projections(statement.order_by(projection_table.c.key, projection_table.c.kind))

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
                projection_table.c.key,
                projection_table.c.kind,
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
        "desired": _desired_json(of.desired),
        "seen": _seen_json(of.seen),
        "doing": of.attempt.doing.value,
        "fence": of.attempt.fence,
        "attempt_since": of.attempt.since,
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
        seen=_seen(row["seen"]),
        attempt=Attempt(Doing(row["doing"]), row["fence"], row["attempt_since"]),
        tries=row["tries"],
        next_try_at=row["next_try_at"],
        error=row["error"],
        rejected=row["rejected"],
    )


def _desired_json(desired: Desired | None) -> dict[str, Any] | None:
    if desired is None:
        return None
    return {
        "elements": desired.elements,
        "generation": desired.generation,
        "close": desired.close.value if desired.close else None,
        "person_at_it_note": desired.person_at_it_note,
    }


def _desired(values: Mapping[str, Any] | None) -> Desired | None:
    if values is None:
        return None
    close = values["close"]
    return Desired(**{**values, "close": CloseReason(close) if close else None})


def _seen_json(seen: SeenTask | None) -> dict[str, Any] | None:
    if seen is None:
        return None
    return {
        "reference": seen.reference,
        "version": seen.version,
        "written": seen.written,
        "generation": seen.generation,
        "status": seen.status,
        "gone": seen.gone,
    }


def _seen(values: Mapping[str, Any] | None) -> SeenTask | None:
    return None if values is None else SeenTask(**values)
