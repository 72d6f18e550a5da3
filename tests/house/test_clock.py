"""Time is an argument: the clock is read in one place, so every answer can be asked again."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.tree import modules

WALL_CLOCK = {
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
    "time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime",
    "time.clock_gettime", "time.clock_gettime_ns", "email.utils.localtime", "email.utils.formatdate",
    "uuid.uuid1",
}  # fmt: skip
STOPWATCH = {
    "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns",
    "time.process_time", "time.process_time_ns",
}  # fmt: skip

# Who may read the day and the hour, and why.
MAY_READ_THE_CLOCK = {
    "service/bootstrap.py": "gives everybody else their Clock",
}

# Who may measure how long something takes, and why.  Tests and bench/ may: nothing they decide is a date.
MAY_HOLD_A_STOPWATCH = {
    "service/bootstrap.py": "the Clock has a monotonic side, for deadlines and rates",
}


def reads(module: ast.Module, names: set[str]) -> list[tuple[int, str]]:
    """(line, name) wherever one of `names` is mentioned, called or not, under any alias."""
    local = dict(_local_names(module))
    found = []
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom):
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.Attribute):
            found.append((node.lineno, _dotted(node, local)))
    return sorted({(line, name) for line, name in found if name in names})


def _local_names(module: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _dotted(node: ast.expr, local: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, local)}.{node.attr}"
    return local.get(node.id, node.id) if isinstance(node, ast.Name) else "?"


def test_only_bootstrap_reads_the_clock():
    found = [
        f"{path}:{line} reads {name}"
        for path, module in modules("service", "fixtures", "tests", "bench").items()
        if path not in MAY_READ_THE_CLOCK
        for line, name in reads(module, WALL_CLOCK)
    ]
    assert found == []


def test_only_the_listed_files_hold_a_stopwatch():
    found = [
        f"{path}:{line} reads {name}"
        for path, module in modules("service", "fixtures").items()
        if path not in MAY_HOLD_A_STOPWATCH
        for line, name in reads(module, STOPWATCH)
    ]
    assert found == []


def test_every_listed_exception_is_still_needed():
    parsed = modules("service", "fixtures", "tests", "bench")
    idle = [path for path in MAY_READ_THE_CLOCK if path in parsed and not reads(parsed[path], WALL_CLOCK)]
    idle += [path for path in MAY_HOLD_A_STOPWATCH if path in parsed and not reads(parsed[path], STOPWATCH)]
    assert idle == []


@pytest.mark.parametrize(
    "source",
    [
        "import datetime\ndatetime.datetime.now(tz=None)",
        "import datetime as when\nwhen.date.today()",
        "from datetime import datetime as dt\nx = field(default_factory=dt.utcnow)",
        "from datetime import date\ndef f(): return date.today()",
        "from time import time",
        "import time\nclock = time.time_ns",
        "import email.utils\nemail.utils.formatdate()",
    ],
)
def test_the_clock_is_found_under_every_alias(source):
    assert len(reads(ast.parse(source), WALL_CLOCK)) == 1


def test_making_a_date_and_sleeping_are_not_reading_the_clock():
    source = "import time\nfrom datetime import date, datetime\n"
    used = "date(2026, 1, 1)\ntime.sleep(0)\ndatetime.fromisoformat('2026-01-01')"
    assert reads(ast.parse(source + used), WALL_CLOCK | STOPWATCH) == []
