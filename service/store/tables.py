"""The ledger's tables as SQLAlchemy Core sees them.

They are made by `migrations/`; a test holds the two together.  Every table carries `source_id`.
Days of the `Day` kind (ordinals) are integers, calendar dates are DATE, instants `Instant`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    column,
)
from sqlalchemy.sql.elements import ColumnElement

from service.store.columns import Instant, Json, Words

metadata = MetaData()

SERIAL = BigInteger().with_variant(Integer, "sqlite")

LIVE = ("held", "open")  # item.state
WORK = ("planned", "sending", "unknown")  # projection.state


def _among(name: str, values: tuple[str, ...]) -> ColumnElement[bool]:
    """The condition of a partial index, with the values written out."""
    field: ColumnElement[str] = column(name)
    return field.in_(values)


source_table = Table(
    "source",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("released_at", Instant),
    Column("frozen_since", Instant),
    Column("frozen_why", Words),
    Column("stopped_why", Words),
    Column("last_complete_at", Instant),
    Column("last_full_sweep_at", Instant),
    Column("last_task_check_on", Date),
    Column("once_complete", Json, nullable=False),
)

cursor_table = Table(
    "cursor",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("watermark", Instant, nullable=False),
    ForeignKeyConstraint(["source_id"], ["source.source_id"], name="cursor_of_source"),
)

patient_table = Table(
    "patient",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("patient", Text, primary_key=True),
    Column("base", Text, nullable=False),
    Column("cohort_until", Date),
    Column("due", Boolean, nullable=False),
    Column("due_why", Words),
    Column("first", Boolean, nullable=False),
    Column("gathered_at", Instant),
    Column("complete", Boolean, nullable=False),
    Column("incomplete_since", Instant),
    Column("wake_on", Date),
    Column("alias_of", Text),
    Column("fingerprint", Json),
    Column("reads", Json, nullable=False),
    Column("display", Json),
    # what due_patients and cohort ask of every patient, without reading the wide rows
    Index(
        "patient_look",
        "source_id",
        "patient",
        "gathered_at",
        "wake_on",
        "cohort_until",
        "due",
        "first",
        "complete",
    ),
)

item_table = Table(
    "item",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("patient", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("reasons", Json, nullable=False),
    Column("content", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("rank", Json, nullable=False),
    Column("owner", Words),
    Column("opened_on", Date),
    Column("had_task", Boolean, nullable=False),
    Column("not_due_since", Date),
    Column("not_due_why", Words),
    Column("incomplete_since", Instant),
    Column("incomplete_why", Words),
    Column("close_reason", Text),
    Column("closed_on", Date),
    Column("withdrawn_on", Date),
    Column("updated_at", Instant, nullable=False),
    Column("excluded", Boolean, nullable=False),
    Column("recalled", Boolean, nullable=False),
    Index("item_of_patient", "source_id", "patient", "n"),
    Index("item_by_state", "source_id", "state", "priority", "due_on"),
    Index("item_by_key", "key"),
)
# One live item per patient and source (lifecycle.md §2), whatever the code does.
Index(
    "item_one_live",
    item_table.c.source_id,
    item_table.c.patient,
    unique=True,
    sqlite_where=_among("state", LIVE),
    postgresql_where=_among("state", LIVE),
)

release_table = Table(
    "release",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("released_at", Instant, primary_key=True),
    Column("owner", Words),
    Column("in_budget", Boolean, nullable=False),
    Index("release_by_time", "source_id", "released_at"),
)

assessment_table = Table(
    "assessment",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("patient", Text, primary_key=True),
    Column("assessed_at", Instant, nullable=False),
    Column("body", Json, nullable=False),
)

rested_on_table = Table(
    "rested_on",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("generation", Integer, primary_key=True),  # of the desired that was made from it
    Column("patient", Text, nullable=False),
    Column("assessed_at", Instant, nullable=False),
    Column("body", Json, nullable=False),
)

projection_table = Table(
    "projection",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("patient", Text, nullable=False),
    Column("state", Text, nullable=False),  # Projection.state, for projection_work
    Column("desired", Json),
    Column("seen", Json),
    Column("attempt", Json),  # NULL: none
    Column("tries", Integer, nullable=False),
    Column("next_try_at", Instant),
    Column("error", Words),
    Column("rejected", Boolean, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("projection_of_patient", "source_id", "patient"),
)
Index(
    "projection_to_do",
    projection_table.c.source_id,
    projection_table.c.next_try_at,
    sqlite_where=_among("state", WORK),
    postgresql_where=_among("state", WORK),
)

outcome_table = Table(
    "outcome",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("source_id", Text, nullable=False),
    Column("patient", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("reference", Words, nullable=False),
    Column("day", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("completed", Boolean, nullable=False),
    Column("rules", Json, nullable=False),
    Column("until", Integer),
    Column("reason", Words),
    Column("by", Words),
    Column("recorded_at", Instant, nullable=False),
    Column("voided_at", Instant),
    Index("outcome_of_patient", "source_id", "patient"),
)
Index(
    "outcome_that_counts",
    outcome_table.c.source_id,
    outcome_table.c.key,
    outcome_table.c.reference,
    unique=True,
    sqlite_where=outcome_table.c.voided_at.is_(None),
    postgresql_where=outcome_table.c.voided_at.is_(None),
)

quarantine_table = Table(
    "quarantine",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("source_id", Text, nullable=False),
    Column("patient", Text, nullable=False),  # "" for None, here and below: NULLs would not be unique
    Column("reference", Words, nullable=False),
    Column("key", Text, nullable=False),
    Column("reason", Words, nullable=False),
    Column("since", Instant, nullable=False),
    Column("accepted_at", Instant),
    Index("quarantine_once", "source_id", "patient", "reference", "key", "reason", unique=True),
)

audit_table = Table(
    "audit",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("source_id", Text),
    Column("at", Instant, nullable=False),
    Column("actor", Words, nullable=False),
    Column("act", Text, nullable=False),
    Column("subject", Words, nullable=False),
    Column("detail", Words, nullable=False),
    sqlite_autoincrement=True,  # an id is never used twice
)

metric_table = Table(
    "metric",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("value", Float, nullable=False),
)

lease_table = Table(
    "lease",
    metadata,
    Column("source_id", Text, primary_key=True),
    Column("holder", Text),  # NULL: given back
    Column("fence", BigInteger, nullable=False),
    Column("until", Instant, nullable=False),
)
