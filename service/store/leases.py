"""The lease of a source: one worker at a time, each takeover with a higher fence.

All by the database's clock.  A fence is what counts: a holder whose lease ran out, but which
nobody took, still writes; one whose lease was taken never does.  `holder` must be new with each
start of a process: two processes of one name would share a lease.
"""

from sqlalchemy import ColumnElement, Connection, and_, select, text, true, update

from service.ports import Lease, LeaseLostError
from service.store.columns import instant, micros
from service.store.rows import Rows
from service.store.tables import lease_table

_NOW = {
    "sqlite": "SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000",
    "postgresql": "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
}

_WRITERS = 7_234_690_152  # any number of our own


class LeaseRows(Rows):
    """The `lease` table."""

    def acquire(self, source: str, holder: str, seconds: float) -> Lease | None:
        """The lease, or None while another holder's has not run out."""
        self._insert_once(lease_table, {"source_id": source, "holder": None, "fence": 0, "until": instant(0)})
        row = self._connection.execute(
            select(lease_table.c.holder, lease_table.c.fence, lease_table.c.until)
            .where(lease_table.c.source_id == source)
            .with_for_update()
        ).one()
        now = database_now(self._connection)
        if row.holder not in (None, holder) and micros(row.until) > now:
            return None
        fence = row.fence if row.holder == holder else row.fence + 1
        mine = Lease(source, holder, fence, instant(now + round(seconds * 1_000_000)))
        self._connection.execute(
            update(lease_table)
            .where(lease_table.c.source_id == source)
            .values(holder=holder, fence=fence, until=mine.until)
        )
        return mine

    def renew(self, held: Lease, seconds: float) -> Lease:
        """The lease with a new end; raises LeaseLostError."""
        self.check(held)
        until = instant(database_now(self._connection) + round(seconds * 1_000_000))
        self._connection.execute(update(lease_table).where(_is(held)).values(until=until))
        return Lease(held.source, held.holder, held.fence, until)

    def release(self, held: Lease) -> None:
        """Give it back; nothing happens when it is no longer ours."""
        self._connection.execute(update(lease_table).where(_is(held)).values(holder=None, until=instant(0)))

    def holder(self, source: str) -> Lease | None:
        """Whose lease has not run out."""
        return self._running(lease_table.c.source_id == source).get(source)

    def all(self) -> dict[str, Lease]:
        """Every lease that has not run out."""
        return self._running(true())

    def _running(self, which: ColumnElement[bool]) -> dict[str, Lease]:
        columns = (lease_table.c.source_id, lease_table.c.holder, lease_table.c.fence, lease_table.c.until)
        held = select(*columns).where(which, lease_table.c.holder.is_not(None))
        rows = self._connection.execute(held).all()
        now = database_now(self._connection)
        return {row.source_id: Lease(*row) for row in rows if micros(row.until) > now}

    def check(self, held: Lease) -> None:
        """Raises LeaseLostError unless the fence is ours; it stays so until this transaction ends."""
        ours = select(lease_table.c.fence).where(_is(held)).with_for_update()
        if self._connection.execute(ours).first() is None:
            raise LeaseLostError(f"lease of source {held.source} lost (fence {held.fence})")


def take_turn(connection: Connection, *, leased: bool) -> None:
    """Let what this transaction reads stay true until it commits, as SQLite's write lock does.

    On PostgreSQL the writers of one lease follow each other by its row (`check`); a writer without
    lease waits for all others, and they for it.
    """
    if connection.dialect.name == "postgresql":
        lock = "pg_advisory_xact_lock_shared" if leased else "pg_advisory_xact_lock"
        connection.execute(text(f"SELECT {lock}({_WRITERS})"))


def database_now(connection: Connection) -> int:
    """The database's clock in microseconds since 1970 (SQLite: to the millisecond)."""
    return int(connection.execute(text(_NOW[connection.dialect.name])).scalar_one())


def _is(held: Lease) -> ColumnElement[bool]:
    return and_(
        lease_table.c.source_id == held.source,
        lease_table.c.holder == held.holder,
        lease_table.c.fence == held.fence,
    )
