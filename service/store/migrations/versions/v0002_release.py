"""Who is excluded, what was recalled, and what each Task rests on.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for flag in ("excluded", "recalled"):
        op.add_column("item", sa.Column(flag, sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "rested_on",
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("generation", sa.Integer, primary_key=True),
        sa.Column("patient", sa.Text, nullable=False),
        sa.Column("assessed_at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
