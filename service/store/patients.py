"""The patients of a source: whom we know, and whom to look at."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, RowMapping, and_, false, func, or_, select, true, update

from service.model.assessment import Priority
from service.model.facts import Read
from service.ports import PatientRow
from service.store.columns import CodePoints
from service.store.rows import Rows, portions
from service.store.tables import LIVE, item_table, patient_table


class PatientRows(Rows):
    """The `patient` table."""

    def patient(self, source: str, patient: str) -> PatientRow | None:
        return self.patients(source, [patient]).get(patient)

    def patients(self, source: str, patients: Iterable[str]) -> dict[str, PatientRow]:
        """The known ones among them, by id."""
        known: dict[str, PatientRow] = {}
        for ids in portions(patients):
            for row in self._connection.execute(select(patient_table).where(_of(source, ids))).mappings():
                known[row["patient"]] = _patient_row(row)
        return known

    def save_patient(self, row: PatientRow) -> None:
        self.save_patients([row])

    def save_patients(self, rows: Iterable[PatientRow]) -> None:
        self._upsert(patient_table, [_columns(row) for row in rows])

    def mark_due(self, source: str, patients: Iterable[str], why: str, *, first: bool = False) -> int:
        """Known patients among them become due; gives how many."""
        marked = 0
        changes: dict[str, Any] = {"due": True, "due_why": why, **({"first": True} if first else {})}
        for ids in portions(patients):
            marked += self._connection.execute(
                update(patient_table).where(_of(source, ids)).values(changes)
            ).rowcount
        return marked

    def due_patients(
        self,
        source: str,
        *,
        today: date,
        max_age_before: datetime,
        asap_before: datetime,
        incomplete_before: datetime,
    ) -> list[str]:
        """Ids to look at: sent-back ones first, then those with a live item by priority, then the rest.

        Within each, those never gathered come first, then the longest ago.  A member of the cohort
        that was never gathered is due; a non-member only when marked, woken by date or incomplete.
        """
        never = patient_table.c.gathered_at.is_(None)
        member = or_(patient_table.c.cohort_until >= today, item_table.c.key.is_not(None))
        is_due = or_(
            patient_table.c.due == true(),
            patient_table.c.wake_on <= today,
            and_(member, or_(never, patient_table.c.gathered_at < max_age_before)),
            and_(item_table.c.priority == Priority.ASAP.value, patient_table.c.gathered_at < asap_before),
            and_(patient_table.c.complete == false(), patient_table.c.gathered_at < incomplete_before),
        )
        statement = (
            select(patient_table.c.patient)
            .select_from(_with_live_item())
            .where(patient_table.c.source_id == source, is_due)
            .order_by(
                patient_table.c.first.desc(),
                func.coalesce(item_table.c.priority, 0).desc(),
                patient_table.c.gathered_at.asc().nulls_first(),
                CodePoints(patient_table.c.patient),
            )
        )
        return list(self._connection.execute(statement).scalars())

    def cohort(self, source: str, *, today: date) -> list[str]:
        """Ids with `cohort_until` ≥ today or a live item, sorted."""
        member = or_(patient_table.c.cohort_until >= today, item_table.c.key.is_not(None))
        statement = (
            select(patient_table.c.patient)
            .select_from(_with_live_item())
            .where(patient_table.c.source_id == source, member)
            .order_by(CodePoints(patient_table.c.patient))
        )
        return list(self._connection.execute(statement).scalars())


def _with_live_item() -> FromClause:
    """Each patient once: the index `item_one_live` allows one live item."""
    return patient_table.outerjoin(
        item_table,
        and_(
            item_table.c.source_id == patient_table.c.source_id,
            item_table.c.patient == patient_table.c.patient,
            item_table.c.state.in_(LIVE),
        ),
    )


def _of(source: str, ids: list[str]) -> ColumnElement[bool]:
    return and_(patient_table.c.source_id == source, patient_table.c.patient.in_(ids))


def _columns(row: PatientRow) -> dict[str, Any]:
    return {
        "source_id": row.source,
        "patient": row.patient,
        "base": row.base,
        "cohort_until": row.cohort_until,
        "due": row.due,
        "due_why": row.due_why,
        "first": row.first,
        "gathered_at": row.gathered_at,
        "complete": row.complete,
        "incomplete_since": row.incomplete_since,
        "wake_on": row.wake_on,
        "alias_of": row.alias_of,
        "fingerprint": row.fingerprint,
        "reads": {kind: [read.state, read.why] for kind, read in row.reads.items()},
        "display": row.display,
    }


def _patient_row(row: RowMapping) -> PatientRow:
    values = dict(row)
    reads: Mapping[str, list[Any]] = values.pop("reads")
    return PatientRow(
        source=values.pop("source_id"),
        reads={kind: Read(state, why) for kind, (state, why) in reads.items()},
        **values,
    )
