"""Real databases, one per test; the tests say `database_url` and run on each kind named here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.store import SqlLedger, open_ledger


@pytest.fixture(params=["sqlite"])
def database_url(tmp_path: Path) -> str:
    """The URL of an empty database."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def ledger(database_url: str) -> Iterator[SqlLedger]:
    with open_ledger(database_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlLedger]:
    """For properties: one database for all examples, each of which takes names of its own."""
    path = tmp_path_factory.mktemp("shared") / "ledger.db"
    with open_ledger(f"sqlite:///{path}") as opened:
        yield opened
