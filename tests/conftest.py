"""Fixtures for every room of the tests, and which tests share a worker."""

import os
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["tests.hapi.server", "tests.postgres.server"]


# The same examples each time, however slow the machine: a run never depends on luck.  The long runs look further.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("searching", deadline=None)
settings.load_profile("searching" if os.environ.get("FAULTS") == "long" else "repeatable")

TOGETHER = ("tests/hapi/", "tests/packaging/")  # what they share takes long to start: one worker each


class ByFolder(LoadScopeScheduling):  # type: ignore[misc] (pytest-xdist tells no types)
    """Keeps the tests of some folders in one worker; every other test is on its own.

    pytest-xdist 3.8 has groups for this, but with pytest 9.2 it no longer sees them.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    return ByFolder(config, log)
