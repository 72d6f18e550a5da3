"""What a room may bring in from outside; which way rooms import each other is import-linter's part."""

import ast

import pytest

from tests.house.tree import imported, modules, texts

PURE_ROOMS = (
    "model", "knowledge", "record", "normalise", "exposure", "taper", "rules", "assess", "reconcile",
)  # fmt: skip
ACTS = {
    "alembic", "apscheduler", "asyncio", "fhir", "flask", "httpx2", "logging", "multiprocessing", "random",
    "requests", "secrets", "socket", "sqlalchemy", "sqlite3", "stamina", "structlog", "subprocess",
    "threading", "urllib.request", "waitress", "werkzeug",
}  # fmt: skip


def brings_in(module: ast.Module, packages: set[str]) -> list[tuple[int, str]]:
    """(line, name) of each import of one of `packages` or of something inside it."""
    return [
        (line, name)
        for line, name in imported(module)
        if any(name == package or name.startswith(f"{package}.") for package in packages)
    ]


def room(path: str) -> str:
    """The room of a file of service/: its folder, or for a file at the top its own name."""
    return path.split("/")[1].removesuffix(".py")


def test_pure_rooms_act_on_nothing():
    found = [
        f"{path}:{line} imports {name}"
        for path, module in modules("service").items()
        if room(path) in PURE_ROOMS
        for line, name in brings_in(module, ACTS)
    ]
    assert found == []


def test_fhir_resources_writes_and_never_reads():
    found = [
        f"{path}:{line} imports {name}"
        for path, module in modules("service").items()
        if room(path) not in {"channels", "sandbox"}
        for line, name in brings_in(module, {"fhir.resources", "fhir_core"})
    ]
    assert found == []


def test_only_the_border_speaks_http():
    found = [
        f"{path}:{line} imports {name}"
        for path, module in modules("service").items()
        if not path.startswith("service/fhir/")
        for line, name in brings_in(module, {"httpx2", "http.client", "urllib.request", "requests"})
    ]
    assert found == []


def test_asyncio_has_no_place_in_the_service():
    found = [
        f"{path}:{line} imports {name}"
        for path, module in modules("service").items()
        for line, name in brings_in(module, {"asyncio", "anyio"})
    ]
    assert found == []


def test_every_room_has_its_place_in_the_import_contract():
    contract = texts()["pyproject.toml"].partition("[[tool.importlinter.contracts]]")[2]
    homeless = {
        room(path)
        for path in modules("service")
        if room(path) != "__init__" and f"({room(path)})" not in contract
    }
    assert homeless == set()


@pytest.mark.parametrize(
    "source",
    [
        "import flask",
        "from sqlalchemy.engine import Engine",
        "def f():\n    import logging.config",
        "import urllib.request as r",
        "from urllib import request",
    ],
)
def test_an_import_that_acts_is_found_wherever_it_stands(source):
    assert len(brings_in(ast.parse(source), ACTS)) == 1


def test_a_name_that_only_begins_alike_is_not_that_package():
    assert brings_in(ast.parse("import fhirpath, urllib.parse\nfrom service.fhir import client"), ACTS) == []
