"""The first ledger.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _sources()
    _patients()
    _items()
    _projections()
    _answers()
    _records()
    _refuse_to_change_the_audit()


def _sources() -> None:
    op.create_table(
        "source",
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("released_at", sa.BigInteger),
        sa.Column("frozen_since", sa.BigInteger),
        sa.Column("frozen_why", sa.Text),
        sa.Column("stopped_why", sa.Text),
        sa.Column("last_complete_at", sa.BigInteger),
        sa.Column("last_full_sweep_at", sa.BigInteger),
        sa.Column("last_task_check_on", sa.Date),
        sa.Column("once_complete", sa.Text, nullable=False),
    )
    op.create_table(
        "cursor",
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("watermark", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.source_id"], name="cursor_of_source"),
    )
    op.create_table(
        "lease",
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )


def _patients() -> None:
    op.create_table(
        "patient",
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("patient", sa.Text, primary_key=True),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("cohort_until", sa.Date),
        sa.Column("due", sa.Boolean, nullable=False),
        sa.Column("due_why", sa.Text),
        sa.Column("first", sa.Boolean, nullable=False),
        sa.Column("gathered_at", sa.BigInteger),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("incomplete_since", sa.BigInteger),
        sa.Column("wake_on", sa.Date),
        sa.Column("alias_of", sa.Text),
        sa.Column("fingerprint", sa.Text),
        sa.Column("reads", sa.Text, nullable=False),
        sa.Column("display", sa.Text),
    )
    looked_at = ["gathered_at", "wake_on", "cohort_until", "due", "first", "complete"]
    op.create_index("patient_look", "patient", ["source_id", "patient", *looked_at])


def _items() -> None:
    op.create_table(
        "item",
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("patient", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("rank", sa.Text, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("opened_on", sa.Date),
        sa.Column("had_task", sa.Boolean, nullable=False),
        sa.Column("not_due_since", sa.Date),
        sa.Column("not_due_why", sa.Text),
        sa.Column("incomplete_since", sa.BigInteger),
        sa.Column("incomplete_why", sa.Text),
        sa.Column("close_reason", sa.Text),
        sa.Column("closed_on", sa.Date),
        sa.Column("withdrawn_on", sa.Date),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_index("item_of_patient", "item", ["source_id", "patient", "n"])
    op.create_index("item_by_state", "item", ["source_id", "state", "priority", "due_on"])
    op.create_index("item_by_key", "item", ["key"])
    _partial("item_one_live", "item", ["source_id", "patient"], "state IN ('held', 'open')", unique=True)
    op.create_table(
        "release",
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("released_at", sa.BigInteger, primary_key=True),
        sa.Column("owner", sa.Text),
        sa.Column("in_budget", sa.Boolean, nullable=False),
    )
    op.create_index("release_by_time", "release", ["source_id", "released_at"])


def _projections() -> None:
    op.create_table(
        "projection",
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("patient", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("desired", sa.Text),
        sa.Column("seen", sa.Text),
        sa.Column("attempt", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_try_at", sa.BigInteger),
        sa.Column("error", sa.Text),
        sa.Column("rejected", sa.Boolean, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_index("projection_of_patient", "projection", ["source_id", "patient"])
    to_do = "state IN ('planned', 'sending', 'unknown')"
    _partial("projection_to_do", "projection", ["source_id", "next_try_at"], to_do)


def _answers() -> None:
    op.create_table(
        "assessment",
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("patient", sa.Text, primary_key=True),
        sa.Column("assessed_at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "outcome",
        sa.Column("id", SERIAL, primary_key=True),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("patient", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("completed", sa.Boolean, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("until", sa.Integer),
        sa.Column("reason", sa.Text),
        sa.Column("by", sa.Text),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("voided_at", sa.BigInteger),
    )
    op.create_index("outcome_of_patient", "outcome", ["source_id", "patient"])
    one = ["source_id", "key", "reference"]
    _partial("outcome_that_counts", "outcome", one, "voided_at IS NULL", unique=True)


def _records() -> None:
    op.create_table(
        "quarantine",
        sa.Column("id", SERIAL, primary_key=True),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("patient", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("accepted_at", sa.BigInteger),
    )
    once = ["source_id", "patient", "reference", "key", "reason"]
    op.create_index("quarantine_once", "quarantine", once, unique=True)
    op.create_table(
        "audit",
        sa.Column("id", SERIAL, primary_key=True),
        sa.Column("source_id", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    """An index over the rows for which `where` holds."""
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _refuse_to_change_the_audit() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )
