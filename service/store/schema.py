"""The schema of the database: made silently when it is empty, otherwise changed only when asked.

A run of migrations is one transaction on both databases: killed half-way, nothing of it is there.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from service.store.engine import create_private_file, database_url, make_engine, transaction
from service.store.errors import SchemaError

_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION_TABLE = "alembic_version"
OLDEST_POSTGRESQL = 15
_LOCK = 7_234_690_151  # any number; serialises migrations on PostgreSQL


def newest() -> str:
    """The revision of the schema that this version works with."""
    head = _scripts().get_current_head()
    if head is None:
        raise SchemaError("the installation is broken: it holds no migrations")
    return head


def revision(connection: Connection) -> str | None:
    """The revision of the database, None when it is empty; raises SchemaError for what we cannot work with."""
    if connection.dialect.name == "postgresql":
        _refuse_unfit(connection)
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    found: list[str] = []
    if _VERSION_TABLE in tables:
        found = list(connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalars())  # noqa: S608 (the name is ours)
    if not found and tables <= {_VERSION_TABLE}:
        return None
    if len(found) != 1:
        raise SchemaError("database.url: the database holds tables, but is no reviewdue ledger")
    if found[0] not in {script.revision for script in _scripts().walk_revisions()}:
        raise SchemaError(
            f"database.url: the ledger's schema {found[0]} is unknown to this version (newest: {newest()}); "
            "it was written by a newer reviewdue"
        )
    return found[0]


def _refuse_unfit(connection: Connection) -> None:
    """Raises SchemaError for a PostgreSQL that is too old, or a database that cannot hold every name."""
    asked = "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
    version, encoding = connection.execute(text(asked)).one()
    if version < OLDEST_POSTGRESQL * 10_000:
        raise SchemaError(
            f"database.url: PostgreSQL {version // 10_000} is too old: {OLDEST_POSTGRESQL} or newer is needed"
        )
    if encoding != "UTF8":
        raise SchemaError(f"database.url: the database's encoding is {encoding}: UTF8 is needed")


def prepare(engine: Engine, *, create: bool) -> None:
    """Check that the database is at our schema; an empty one is brought there when `create`.

    Raises SchemaError: nothing there, no ledger of ours, older (needs `reviewdue db upgrade`), newer.
    """
    with transaction(engine, write=False) as connection:
        found = revision(connection)
    if found is None and create:
        _migrate(engine)
    elif found is None:
        raise SchemaError("database.url: the database is empty; no ledger was written there yet")
    elif found != newest():
        raise SchemaError(f"database.url: the ledger is at schema {found}: it needs `reviewdue db upgrade`")


def upgrade(url: str) -> tuple[str | None, str]:
    """Bring a database to our schema; gives the revision before (None: it was empty) and after.

    Raises DatabaseUrlError, SchemaError (newer or foreign: nothing is changed) and LedgerError.
    """
    checked = database_url(url)
    create_private_file(checked)
    engine = make_engine(checked)
    try:
        return _migrate(engine), newest()
    finally:
        engine.dispose()


def _migrate(engine: Engine) -> str | None:
    """All missing migrations in one transaction; a second process waits, then finds nothing to do."""
    with transaction(engine, write=True) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        found = revision(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return found


def _config() -> Config:
    """Alembic's settings without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
