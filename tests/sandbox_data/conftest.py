"""Without the sandbox data its tests are not collected, and the run ends by saying so."""

from typing import Any

from tests.sandbox_data.place import IS_HERE, WHY_NOT

NEED_IT = ["test_explain.py", "test_folders.py", "test_qicore.py"]
collect_ignore = [] if IS_HERE else NEED_IT


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not IS_HERE:
        terminalreporter.write_line(f"tests/sandbox_data: {', '.join(NEED_IT)} left out: {WHY_NOT}")
