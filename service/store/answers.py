"""What we last answered about a patient, and what people decided."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, delete, func, insert, select, update

from service.model.facts import Outcome, OutcomeKind
from service.ports import StoredAssessment
from service.store.columns import CodePoints
from service.store.rows import Rows, portions
from service.store.tables import assessment_table, outcome_table, rested_on_table


class AnswerRows(Rows):
    """The `assessment`, `rested_on` and `outcome` tables."""

    def save_assessment(self, source: str, stored: StoredAssessment) -> None:
        row = {
            "source_id": source,
            "patient": stored.patient,
            "assessed_at": stored.assessed_at,
            "body": stored.body,
        }
        self._upsert(assessment_table, [row])

    def assessment(self, source: str, patient: str) -> StoredAssessment | None:
        same = and_(assessment_table.c.source_id == source, assessment_table.c.patient == patient)
        found = self._connection.execute(select(assessment_table).where(same)).mappings().first()
        return None if found is None else StoredAssessment(patient, found["assessed_at"], found["body"])

    def save_rested_on(self, source: str, key: str, generation: int, stored: StoredAssessment) -> None:
        """What the desired Task of that generation was made from."""
        row = {
            "source_id": source,
            "key": key,
            "generation": generation,
            "patient": stored.patient,
            "assessed_at": stored.assessed_at,
            "body": stored.body,
        }
        self._upsert(rested_on_table, [row])

    def rested_on(self, source: str, key: str, generation: int) -> StoredAssessment | None:
        """What the Task was made from that shows this generation: the latest one up to it."""
        up_to = and_(
            rested_on_table.c.source_id == source,
            rested_on_table.c.key == key,
            rested_on_table.c.generation <= generation,
        )
        newest = select(rested_on_table).where(up_to).order_by(rested_on_table.c.generation.desc()).limit(1)
        found = self._connection.execute(newest).mappings().first()
        return (
            None if found is None else StoredAssessment(found["patient"], found["assessed_at"], found["body"])
        )

    def forget_rested_on(self, source: str, key: str, shown: int) -> None:
        """Forget those before the one that the generation shown in the EHR was made from."""
        of_key = and_(rested_on_table.c.source_id == source, rested_on_table.c.key == key)
        newest = select(func.max(rested_on_table.c.generation)).where(
            of_key, rested_on_table.c.generation <= shown
        )
        found = self._connection.execute(newest).scalar()
        if found is not None:
            older = and_(of_key, rested_on_table.c.generation < found)
            self._connection.execute(delete(rested_on_table).where(older))

    def outcomes_of(self, source: str, patients: Iterable[str]) -> dict[str, list[Outcome]]:
        """Those that count, of each patient asked for (maybe none), by day, reference and key."""
        found: dict[str, list[Outcome]] = {}
        for ids in portions(patients):
            found.update((patient, []) for patient in ids)
            those = and_(
                outcome_table.c.source_id == source,
                outcome_table.c.patient.in_(ids),
                outcome_table.c.voided_at.is_(None),
            )
            ordered = (
                select(outcome_table)
                .where(those)
                .order_by(
                    outcome_table.c.day,
                    CodePoints(outcome_table.c.reference),
                    CodePoints(outcome_table.c.key),
                )
            )
            for row in self._connection.execute(ordered).mappings():
                found[row["patient"]].append(_outcome(row))
        return found

    def save_outcome(self, source: str, patient: str, outcome: Outcome, now: datetime) -> None:
        """One per key and reference counts; the same again changes nothing.

        Another answer under the same key and reference voids the former, which is kept; one of an earlier
        day is what a restored EHR still says, and changes nothing.
        """
        same = _counts(source, outcome.key) & (outcome_table.c.reference == outcome.reference)
        found = self._connection.execute(select(outcome_table).where(same)).mappings().first()
        if found is not None:
            if found["patient"] == patient and (_outcome(found) == outcome or found["day"] > outcome.day):
                return
            self._connection.execute(update(outcome_table).where(same).values(voided_at=now))
        row = {**_columns(outcome), "source_id": source, "patient": patient, "recorded_at": now}
        self._connection.execute(insert(outcome_table), [row])

    def void_outcome(self, source: str, key: str, now: datetime) -> None:
        """The outcomes of a key no longer count; they are kept."""
        self._connection.execute(update(outcome_table).where(_counts(source, key)).values(voided_at=now))


def _counts(source: str, key: str) -> ColumnElement[bool]:
    return and_(
        outcome_table.c.source_id == source, outcome_table.c.key == key, outcome_table.c.voided_at.is_(None)
    )


def _columns(answer: Outcome) -> dict[str, Any]:
    return {
        "key": answer.key,
        "reference": answer.reference,
        "day": answer.day,
        "kind": answer.kind.value,
        "completed": answer.completed,
        "rules": sorted(answer.rules),
        "until": answer.until,
        "reason": answer.reason,
        "by": answer.by,
    }


def _outcome(row: RowMapping) -> Outcome:
    return Outcome(
        key=row["key"],
        reference=row["reference"],
        day=row["day"],
        kind=OutcomeKind(row["kind"]),
        completed=row["completed"],
        rules=frozenset(row["rules"]),
        until=row["until"],
        reason=row["reason"],
        by=row["by"],
    )
