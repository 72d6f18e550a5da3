"""A real HAPI FHIR JPA R4 server for the tests: built when needed, one process for the whole session.

A test asks for the fixture `hapi` and gets the base URL and is marked `hapi`; under pytest-xdist
`tests/conftest.py` sends all of them to the one worker that has the server.  Without Java or Maven it fails.

The server is shared, so a test gives its resources ids of its own (`hapi_prefix`), or begins with
`empty` when what it tests looks at everything that is there.
"""

import fcntl
import hashlib
import itertools
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TARGET = HERE / "target"
CLASSPATH = TARGET / "classpath"
BUILT_FROM = TARGET / "built-from"
QUICK_START = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx768m"]
SECONDS_TO_BUILD = 1200
"""The first build downloads 330 MB."""
SECONDS_TO_START = 300
"""About 20 on two idle cores."""
SECONDS_TO_STOP = 20
LOG_END = 6000
"""Characters of a log that are shown when something fails."""

_numbers = itertools.count(1)


def pytest_itemcollected(item: pytest.Item) -> None:
    if "hapi" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.hapi)


@pytest.fixture(scope="session")
def hapi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of the running server, for example `http://127.0.0.1:40575/fhir`."""
    with running_hapi(tmp_path_factory.mktemp("hapi") / "server.log") as base:
        yield base


@pytest.fixture
def hapi_prefix() -> str:
    """What this test puts before the ids of its resources, so that no other test meets them."""
    return f"t{next(_numbers)}-"


@contextmanager
def running_hapi(log: Path, *, dangling_references: bool = False) -> Iterator[str]:
    """Start a server, give its base URL, stop it.

    `dangling_references` lets a resource refer to one that is not there; HAPI refuses that otherwise.
    Fails the test with the end of `log` when the server cannot be built or does not start.
    """
    build()
    command = [
        *("java", *QUICK_START, f"-DdanglingReferences={str(dangling_references).lower()}"),
        *("-cp", f"{TARGET / 'classes'}{os.pathsep}{CLASSPATH.read_text()}", "reviewdue.hapi.HapiServer"),
    ]
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as server,
    ):
        try:
            said = _first_line(server, within=SECONDS_TO_START)
            if not said.startswith("READY "):
                end = log.read_text(errors="replace")[-LOG_END:]
                pytest.fail(f"HAPI did not start:\n{said}{end}", pytrace=False)
            yield said.split()[1]
        finally:
            _stop(server)


def build() -> None:
    """Compile the server, unless it was built from these very sources; safe in several processes at once."""
    missing = [command for command in ("java", "javac", "mvn") if shutil.which(command) is None]
    if missing:
        pytest.fail(f"HAPI needs {', '.join(missing)}: run tests/hapi/install.sh", pytrace=False)
    TARGET.mkdir(exist_ok=True)
    with (TARGET / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sources = _digest_of_sources()
        if _is_built_from(sources):
            return
        BUILT_FROM.unlink(missing_ok=True)  # a build that fails takes the old classes away
        offline = _maven("--offline")
        result = offline if offline.returncode == 0 else _maven()
        if result.returncode != 0:
            pytest.fail(f"HAPI was not built:\n{result.stdout[-LOG_END:]}", pytrace=False)
        BUILT_FROM.write_text(sources)


def _digest_of_sources() -> str:
    files = [HERE / "pom.xml", *sorted(path for path in (HERE / "src").rglob("*") if path.is_file())]
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(HERE)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _is_built_from(sources: str) -> bool:
    """Also false when Maven's own store, where the jars stay, was emptied meanwhile."""
    if not BUILT_FROM.exists() or BUILT_FROM.read_text() != sources:
        return False
    return all(Path(jar).exists() for jar in CLASSPATH.read_text().split(os.pathsep))


def _maven(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["mvn", "-q", "-B", *options, "compile"],
        cwd=HERE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS_TO_BUILD,
        check=False,
    )


def _first_line(server: subprocess.Popen[bytes], *, within: float) -> str:
    """What the server says first; what there is of it when the time is over or the server has ended."""
    assert server.stdout is not None
    deadline = time.monotonic() + within
    said = b""
    while b"\n" not in said and (left := deadline - time.monotonic()) > 0:
        if select.select([server.stdout], [], [], left)[0]:
            part = os.read(server.stdout.fileno(), 4096)
            if not part:
                break
            said += part
    return said.decode(errors="replace")


def _stop(server: subprocess.Popen[bytes]) -> None:
    assert server.stdin is not None
    server.stdin.close()  # the server ends with its standard input
    try:
        server.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        server.kill()
