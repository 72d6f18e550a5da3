"""Each test of the cycle runs on each kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cycle import world
from tests.postgres.server import Server


@pytest.fixture(autouse=True, params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """Where the worlds in `tmp_path` keep their ledger: a file there, or a database of the server."""
    if request.param == "sqlite":
        yield
        return
    server: Server = request.getfixturevalue("postgres")
    with server.database() as url:
        (tmp_path / world.LEDGER).write_text(url)
        yield
