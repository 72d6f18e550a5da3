"""Numbers for operators: what the cycles counted, and what the ledger holds now."""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Insert, Text, func, select, type_coerce

from service.store.rows import Rows, insert_into
from service.store.tables import (
    LIVE,
    assessment_table,
    item_table,
    metric_table,
    projection_table,
    quarantine_table,
)


@cache
def _added(dialect: str) -> Insert:
    insert = insert_into(metric_table, dialect)
    keys = [column.name for column in metric_table.primary_key]
    more = metric_table.c.value + insert.excluded.value
    return insert.on_conflict_do_update(index_elements=keys, set_={"value": more})


class MetricRows(Rows):
    """The `metric` table, and counts over the others."""

    def count_up(self, source: str, amounts: Mapping[tuple[str, str], float]) -> None:
        """Add to the counters by (name, label); one that is not there begins at 0."""
        rows = [
            {"source_id": source, "name": name, "label": label, "value": amount}
            for (name, label), amount in sorted(amounts.items())
        ]
        if rows:
            self._connection.execute(_added(self._connection.dialect.name), rows)

    def counted(self) -> list[tuple[str, str, str, float]]:
        """(source, name, label, value) of every counter."""
        columns = (metric_table.c.source_id, metric_table.c.name, metric_table.c.label, metric_table.c.value)
        return [tuple(row) for row in self._connection.execute(select(*columns))]

    def tallies(self, source: str) -> dict[str, dict[str, int]]:
        """How many now: `items` and `projections` by state, `findings` of live items by rule, `quarantine`."""
        of_live = (item_table.c.source_id == source, item_table.c.state.in_(LIVE))
        rules: Counter[str] = Counter()
        for (reasons,) in self._connection.execute(select(item_table.c.reasons).where(*of_live)):
            rules.update(rule for rule, *_ in reasons)
        waiting = (quarantine_table.c.source_id == source, quarantine_table.c.accepted_at.is_(None))
        size = self._connection.execute(select(func.count()).select_from(quarantine_table).where(*waiting))
        return {
            "items": self._by_state(item_table, source),
            "projections": self._by_state(projection_table, source),
            "findings": dict(rules),
            "quarantine": {"": size.scalar_one()},
        }

    def count_flagged(self, source: str, flag: str) -> int:
        """In how many patients' latest assessment this flag stands."""
        flagged = (
            assessment_table.c.source_id == source,
            type_coerce(assessment_table.c.body, Text).contains(f'"{flag}"', autoescape=True),
        )
        statement = select(func.count()).select_from(assessment_table).where(*flagged)
        found: int = self._connection.execute(statement).scalar_one()
        return found

    def _by_state(self, table: Any, source: str) -> dict[str, int]:
        counted = select(table.c.state, func.count().label("number")).where(table.c.source_id == source)
        return {row.state: row.number for row in self._connection.execute(counted.group_by(table.c.state))}
