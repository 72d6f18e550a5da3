"""`assess --jobs`: the same answers from several processes, and an orderly end when something ends them."""

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.population import BASE_DAY, write_population
from tests.cli.command import SECONDS_TO_END, Ended, clean_environment, reviewdue

PEOPLE = 400
DAY = ("--as-of", BASE_DAY.isoformat())


@pytest.fixture(scope="module")
def population(tmp_path_factory):
    folder = tmp_path_factory.mktemp("population")
    write_population(folder, PEOPLE)
    return folder


@pytest.mark.parametrize(
    "form", [("--format", "ndjson", "--all"), ("--format", "csv"), ("--summary", "--json")]
)
def test_two_jobs_say_what_one_says_in_any_order(tmp_path, population, form):
    one, two = (
        reviewdue(tmp_path, "assess", str(population), *DAY, *form, "--jobs", jobs) for jobs in ("1", "2")
    )
    assert (one.code, two.code, two.err) == (0, 0, one.err)
    assert sorted(one.out.splitlines()) == sorted(two.out.splitlines())
    assert len(one.out) > 100


@pytest.mark.parametrize("length", [70, 71, 72, 73, 120])
def test_a_temporary_folder_with_a_long_path_is_as_good_as_any(tmp_path, population, length):
    root = Path(tempfile.mkdtemp(dir="/tmp"))
    room = root / ("x" * (length - len(str(root)) - 1))
    room.mkdir()
    try:
        told = subprocess.run(
            [
                sys.executable,
                "-m",
                "service",
                "assess",
                str(population),
                *DAY,
                "--summary",
                "--json",
                "--jobs",
                "2",
            ],
            cwd=tmp_path,
            env=clean_environment({"TMPDIR": str(room)}),
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_END,
            check=False,
        )
        assert (told.returncode, told.stderr) == (0, "")
        assert len(told.stdout) > 100
        assert list(room.iterdir()) == []
    finally:
        shutil.rmtree(root)


@contextmanager
def waiting_for_input(folder: Path, jobs: str) -> Iterator["subprocess.Popen[str]"]:
    """An `assess` that reads a file to which nobody writes: it is in the middle of its work."""
    pipe, room = folder / "slow.ndjson", folder / "room"
    os.mkfifo(pipe)
    room.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "assess", str(pipe), "--jobs", jobs],
        cwd=folder,
        env=clean_environment({"TMPDIR": str(room)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_ctrl_c,
    )
    with contextlib.ExitStack() as left:
        left.callback(end_all, process)
        writer = opened_by_a_reader(pipe)
        left.callback(os.close, writer)
        yield process


def heed_ctrl_c() -> None:
    """As in a terminal: what a shell starts in the background, such as a whole test run, ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def end_all(process: "subprocess.Popen[str]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=SECONDS_TO_END)


def opened_by_a_reader(pipe: Path) -> int:
    until = time.monotonic() + SECONDS_TO_END
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as problem:
            if problem.errno != errno.ENXIO or time.monotonic() > until:
                raise
        time.sleep(0.02)


def ended(process: "subprocess.Popen[str]") -> Ended:
    out, err = process.communicate(timeout=SECONDS_TO_END)
    return Ended(process.returncode, out, err)


def below(pid: int) -> list[int]:
    """All processes below one."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(each for child in children for each in below(child))]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_ends_all_processes_and_leaves_no_file(tmp_path, jobs):
    with waiting_for_input(tmp_path, jobs) as process:
        others = below(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        end = ended(process)
    assert (end.code, end.out) == (130, "")
    assert "Traceback" not in end.err
    assert list((tmp_path / "room").iterdir()) == []
    assert bool(others) == (jobs == "2")


def test_a_process_that_is_killed_is_told_in_one_line(tmp_path):
    with waiting_for_input(tmp_path, "2") as process:
        os.kill(the_reader(process.pid, tmp_path / "slow.ndjson"), signal.SIGKILL)
        end = ended(process)
    assert (end.code, end.out) == (3, "")
    assert end.err == "a worker process ended before its work was done (killed, or out of memory?)\n"
    assert list((tmp_path / "room").iterdir()) == []


def the_reader(pid: int, file: Path) -> int:
    """The process below one that has the file open."""
    until = time.monotonic() + SECONDS_TO_END
    while time.monotonic() < until:
        for each in below(pid):
            if any(os.path.realpath(one) == str(file) for one in Path(f"/proc/{each}/fd").iterdir()):
                return each
        time.sleep(0.02)
    raise AssertionError(f"nobody reads {file.name}")
