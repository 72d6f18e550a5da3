"""Without the sandbox data its tests are not collected, and the run ends by saying so."""

from typing import Any

from tests.sandbox_data.place import IS_HERE, WHY_NOT

collect_ignore = [] if IS_HERE else ["test_folders.py"]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not IS_HERE:
        terminalreporter.write_line(f"tests/sandbox_data/test_folders.py left out: {WHY_NOT}")
