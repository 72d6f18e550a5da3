"""The pinned requirements: hashed, from no particular index, and those of pyproject.toml."""

import re
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.house.tree import texts

LOCKS = ("requirements/base.txt", "requirements/build.txt", "requirements/test.txt")
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def pins(lock: str) -> dict[str, Version]:
    """Name → pinned version of a requirements file."""
    return {name: Version(version) for name, version in PIN.findall(texts()[lock])}


def blocks(lock: str) -> Iterator[str]:
    """Each pin of a requirements file with its hashes and comments."""
    yield from re.split(r"\n(?=\S)", texts()[lock].strip())


def declared(*extras: str) -> list[Requirement]:
    """The requirements of pyproject.toml, those of `extras` included."""
    project = tomllib.loads(texts()["pyproject.toml"])["project"]
    chosen = [
        *project["dependencies"],
        *(line for extra in extras for line in project["optional-dependencies"][extra]),
    ]
    return [Requirement(line) for line in chosen]


def name_of(requirement: Requirement) -> str:
    return re.sub(r"[-_.]+", "-", requirement.name).lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_no_line_names_an_index(lock):
    bare = [
        block.splitlines()[0]
        for block in blocks(lock)
        if not PIN.match(block) or "--hash=sha256:" not in block
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("lock", "extras"),
    [("requirements/base.txt", ("postgres",)), ("requirements/test.txt", ("postgres", "test"))],
)
def test_the_lock_is_that_of_pyproject(lock, extras):
    direct = {PIN.match(block).group(1) for block in blocks(lock) if "reviewdue (pyproject.toml)" in block}
    wanted = {name_of(requirement): requirement.specifier for requirement in declared(*extras)}
    assert direct == set(wanted)
    assert {
        name for name, version in pins(lock).items() if name in wanted and version not in wanted[name]
    } == set()


def test_the_locks_agree_on_every_version():
    whole = pins("requirements/test.txt")
    for lock in ("requirements/base.txt", "requirements/build.txt"):
        shared = {name: version for name, version in pins(lock).items() if name in whole}
        assert shared == {name: whole[name] for name in shared}
    assert pins("requirements/base.txt").keys() <= whole.keys()


def test_the_build_backend_is_pinned():
    backend = Requirement(tomllib.loads(texts()["pyproject.toml"])["build-system"]["requires"][0])
    assert pins("requirements/build.txt")[backend.name] in backend.specifier
