"""The command in a folder of its own, without settings from outside: as a process, or quicker in this one."""

import contextlib
import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import structlog

from service import cli
from service.bootstrap import SystemClock
from service.demo.population import resources

SECONDS_TO_END = 60
TODAY = SystemClock().now().date()
SOURCE = """
[source.main]
base_url = "{base}"
write = "{write}"
rate_per_second = 1000
deadline_seconds = {deadline}
lease_seconds = {lease}
settle_seconds = 0.2
index_lag_seconds = 0.1
retry_base_seconds = 0.1
{more}
"""


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def documents(self) -> list[Any]:
        """Each line of stdout as JSON; fails where there is anything else."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def problems(self) -> list[str]:
        return self.err.splitlines()


def reviewdue(folder: Path, *words: str, environment: Mapping[str, str] | None = None) -> Ended:
    """Run to the end in this process, which saves the second that a start takes."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.chdir(folder))
        stack.enter_context(mock.patch.dict(os.environ, clean_environment(environment), clear=True))
        stack.enter_context(mock.patch.object(sys, "argv", ["reviewdue", *words]))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        stack.enter_context(_logging_as_before())
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
    return Ended(code, out.getvalue(), err.getvalue())


@contextmanager
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()


def process(folder: Path, *words: str, environment: Mapping[str, str] | None = None) -> Ended:
    """Run to the end as a process."""
    ended = subprocess.run(
        [sys.executable, "-m", "service", *words],
        cwd=folder,
        env=clean_environment(environment),
        capture_output=True,
        text=True,
        timeout=SECONDS_TO_END,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


@contextmanager
def started(folder: Path, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that is killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "service", *words],
        cwd=folder,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=SECONDS_TO_END)


def wait_for_event(process: "subprocess.Popen[str]", event: str) -> dict[str, Any]:
    """Read the log until that event; fails when the process ends before."""
    assert process.stderr is not None
    for line in process.stderr:
        found: dict[str, Any] = json.loads(line)
        if found["event"] == event:
            return found
    raise AssertionError(f"ended with {process.wait(SECONDS_TO_END)} before {event!r}")


def end(process: "subprocess.Popen[str]", with_signal: int = signal.SIGTERM) -> Ended:
    process.send_signal(with_signal)
    out, err = process.communicate(timeout=SECONDS_TO_END)
    return Ended(process.returncode, out, err)


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REVIEWDUE_")}
    return {**kept, "PYTHONPATH": str(Path(__file__).parents[2]), **(more or {})}


def settings(
    folder: Path, base: str, *, write: str = "allowed", deadline: float = 2, lease: float = 10, more: str = ""
) -> Path:
    """A reviewdue.toml for one source `main`."""
    file = folder / "reviewdue.toml"
    text = SOURCE.format(base=base, write=write, deadline=deadline, lease=lease, more=more)
    file.write_text(text, encoding="utf-8")
    return file


def people() -> list[dict[str, Any]]:
    """The synthetic population, dated as if written for today."""
    return list(resources(TODAY))
