"""Ledgers on real databases, of each kind."""

from collections.abc import Iterator

import pytest

from service.store import SqlLedger, open_ledger
from tests.postgres.server import KINDS, Server


@pytest.fixture
def ledger(database_url: str) -> Iterator[SqlLedger]:
    with open_ledger(database_url) as opened:
        yield opened


@pytest.fixture(scope="module", params=KINDS)
def shared_ledger(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SqlLedger]:
    """For properties: one database for all examples, each of which takes names of its own."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("shared") / "ledger.db"
        with open_ledger(f"sqlite:///{path}") as opened:
            yield opened
        return
    server: Server = request.getfixturevalue("postgres")
    with server.database() as url, open_ledger(url) as opened:
        yield opened
