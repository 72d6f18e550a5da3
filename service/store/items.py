"""The items, their releases, and the list that people are shown."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import RowMapping, Select, and_, func, select

from service.model.assessment import Priority
from service.model.item import CloseReason, Item, ItemState, Reason
from service.store.columns import CodePoints
from service.store.rows import Rows
from service.store.tables import item_table, projection_table, release_table


class ItemRows(Rows):
    """The `item` and `release` tables."""

    def item(self, key: str) -> Item | None:
        """The item; should several sources have one of that key, the last changed."""
        statement = (
            select(item_table)
            .where(item_table.c.key == key)
            .order_by(item_table.c.updated_at.desc())
            .limit(1)
        )
        found = self._connection.execute(statement).mappings().first()
        return None if found is None else _item(found)

    def items_of(self, source: str, patient: str) -> list[Item]:
        """All items of a patient, newest n last."""
        statement = (
            select(item_table)
            .where(item_table.c.source_id == source, item_table.c.patient == patient)
            .order_by(item_table.c.n, CodePoints(item_table.c.key))
        )
        return self._items(statement)

    def highest_n(self, source: str, base: str) -> int:
        """Of all items with this base, whosever they are now; 0 when there is none."""
        statement = select(func.max(item_table.c.n)).where(
            item_table.c.source_id == source, item_table.c.base == base
        )
        return self._connection.execute(statement).scalar() or 0

    def items(self, source: str | None = None, state: ItemState | None = None) -> list[Item]:
        """By priority, the highest first, then the day due, then key."""
        return self._items(_listed(select(item_table), source, state))

    def save_item(self, item: Item, now: datetime) -> None:
        """Insert or overwrite; an unchanged item keeps its `updated`.

        Raises LedgerError, at the end of the transaction at the latest, when the patient would
        have two live items: close the old one before the new one is saved.
        """
        row = _columns(item)
        same = select(item_table).where(item_table.c.source_id == item.source, item_table.c.key == item.key)
        found = self._connection.execute(same).mappings().first()
        if found is None or _item(found) != item:
            self._upsert(item_table, [{**row, "updated_at": now}])

    def record_release(self, item: Item, now: datetime, *, in_budget: bool) -> None:
        """An item was released; `in_budget` is False for the asap bypass."""
        self._insert_once(
            release_table,
            {
                "source_id": item.source,
                "key": item.key,
                "released_at": now,
                "owner": item.owner,
                "in_budget": in_budget,
            },
        )

    def opened_between(self, source: str, start: datetime, end: datetime) -> dict[str | None, int]:
        """How many items were released in `[start, end)`, by owner (asap bypass left out)."""
        statement = (
            select(release_table.c.owner, func.count().label("number"))
            .where(
                release_table.c.source_id == source,
                release_table.c.released_at >= start,
                release_table.c.released_at < end,
                release_table.c.in_budget,
            )
            .group_by(release_table.c.owner)
        )
        return {row.owner: row.number for row in self._connection.execute(statement)}

    def items_listing(
        self, source: str | None = None, state: ItemState | None = None
    ) -> list[dict[str, Any]]:
        """One JSON object per item as `items --json` prints it (interfaces.md), ordered like `items`.

        `updated` is the later change of the item and of its Task.
        """
        columns = (
            *(
                item_table.c[name]
                for name in ("key", "source_id", "patient", "state", "close_reason", "priority")
            ),
            item_table.c.due_on,
            item_table.c.reasons,
            item_table.c.updated_at,
            projection_table.c.state.label("projection"),
            projection_table.c.seen,
            projection_table.c.updated_at.label("projected_at"),
        )
        its_task = and_(
            projection_table.c.source_id == item_table.c.source_id,
            projection_table.c.key == item_table.c.key,
            projection_table.c.kind == "Task",
        )
        statement = _listed(
            select(*columns).select_from(item_table.outerjoin(projection_table, its_task)), source, state
        )
        return [_listing(row) for row in self._connection.execute(statement).mappings()]

    def _items(self, statement: Select[Any]) -> list[Item]:
        return [_item(row) for row in self._connection.execute(statement).mappings()]


def _listed(statement: Select[Any], source: str | None, state: ItemState | None) -> Select[Any]:
    if source is not None:
        statement = statement.where(item_table.c.source_id == source)
    if state is not None:
        statement = statement.where(item_table.c.state == state.value)
    return statement.order_by(
        item_table.c.priority.desc(),
        item_table.c.due_on,
        CodePoints(item_table.c.key),
        CodePoints(item_table.c.source_id),
    )


def _listing(row: RowMapping) -> dict[str, Any]:
    seen: Mapping[str, Any] | None = row["seen"]
    changed: list[datetime] = [when for when in (row["updated_at"], row["projected_at"]) if when]
    due_on: date = row["due_on"]
    return {
        "key": row["key"],
        "source": row["source_id"],
        "patient": f"Patient/{row['patient']}",
        "state": row["state"],
        "close_reason": row["close_reason"],
        "priority": Priority(row["priority"]).word,
        "due_on": due_on.isoformat(),
        "reasons": [rule for rule, *_ in row["reasons"]],
        "projection": row["projection"],
        "task": seen["reference"] if seen else None,
        "updated": max(changed).isoformat(),
    }


def _columns(of: Item) -> dict[str, Any]:
    return {
        "source_id": of.source,
        "key": of.key,
        "patient": of.patient,
        "base": of.base,
        "n": of.n,
        "state": of.state.value,
        "priority": of.priority.value,
        "due_on": of.due_on,
        "reasons": [_reason_json(reason) for reason in of.reasons],
        "content": of.content,
        "since": of.since,
        "rank": list(of.rank),
        "owner": of.owner,
        "opened_on": of.opened_on,
        "had_task": of.had_task,
        "not_due_since": of.not_due_since,
        "not_due_why": of.not_due_why,
        "incomplete_since": of.incomplete_since,
        "incomplete_why": of.incomplete_why,
        "close_reason": of.close_reason.value if of.close_reason else None,
        "closed_on": of.closed_on,
        "withdrawn_on": of.withdrawn_on,
        "excluded": of.excluded,
        "recalled": of.recalled,
    }


def _item(row: RowMapping) -> Item:
    values = dict(row)
    del values["key"], values["updated_at"]
    close_reason = values.pop("close_reason")
    priority_rank, dependence, dme, age, length = values.pop("rank")
    return Item(
        source=values.pop("source_id"),
        state=ItemState(values.pop("state")),
        priority=Priority(values.pop("priority")),
        reasons=tuple(_reason(reason) for reason in values.pop("reasons")),
        rank=(priority_rank, dependence, float(dme), age, length),
        close_reason=CloseReason(close_reason) if close_reason else None,
        **values,
    )


def _reason_json(reason: Reason) -> list[str | int]:
    return [reason.rule, reason.priority.value, reason.since.isoformat(), reason.due_on.isoformat()]


def _reason(values: list[Any]) -> Reason:
    rule, priority, since, due_on = values
    return Reason(rule, Priority(priority), date.fromisoformat(since), date.fromisoformat(due_on))
