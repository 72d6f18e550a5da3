"""What the image promises, read from the Dockerfile: small, unprivileged, one writable place, a pulse."""

import ast
import importlib.util
import re
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Instruction:
    stage: int
    name: str
    value: str

    @property
    def words(self) -> list[str]:
        """Its arguments; options such as `--from=build` are left out."""
        if self.value.startswith("["):
            return ast.literal_eval(self.value)
        return [word for word in self.value.split() if not word.startswith("--")]


@pytest.fixture(scope="module")
def dockerfile() -> list[Instruction]:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    stage, found = -1, []
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, value = line.strip().partition(" ")
            stage += name == "FROM"
            found.append(Instruction(stage, name, value.strip()))
    return found


def last_stage(dockerfile: list[Instruction], name: str) -> list[Instruction]:
    """The instructions called `name` of the stage that becomes the image."""
    return [i for i in dockerfile if i.stage == dockerfile[-1].stage and i.name == name]


def copied_from_the_repository(dockerfile: list[Instruction]) -> list[str]:
    return [
        source.rstrip("/")
        for i in dockerfile
        if i.name == "COPY" and "--from=" not in i.value
        for source in i.words[:-1]
    ]


def test_the_image_is_built_in_stages_on_a_slim_python_that_we_support(dockerfile):
    bases = [i.words[0] for i in dockerfile if i.name == "FROM"]
    supported = SpecifierSet(
        tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    )
    assert len(bases) == 2
    for base in bases:
        assert re.fullmatch(r"python:3\.\d+-slim", base)
        assert base.removeprefix("python:").removesuffix("-slim") in supported


def test_the_image_installs_only_what_is_pinned_by_hash_or_was_built_here(dockerfile):
    steps = [
        step for i in dockerfile if i.name == "RUN" for step in i.value.split("&&") if "pip install" in step
    ]
    assert len(steps) == 3
    assert [step for step in steps if "--require-hashes" not in step and "--no-index" not in step] == []


def test_the_last_stage_brings_no_package_manager_to_work(dockerfile):
    assert not re.search(
        r"\b(pip|apt|apt-get|curl|wget)\b", " ".join(i.value for i in last_stage(dockerfile, "RUN"))
    )


def test_the_process_is_nobody_special(dockerfile):
    (user,) = last_stage(dockerfile, "USER")
    uid, gid = (int(part) for part in user.value.split(":"))
    assert uid >= 1000
    assert gid >= 1000
    after = dockerfile[dockerfile.index(user) :]
    assert [i for i in after if i.name in {"RUN", "COPY", "ADD"}] == []


def test_one_place_is_written_and_it_is_the_working_directory(dockerfile):
    (volume,), (workdir,) = last_stage(dockerfile, "VOLUME"), last_stage(dockerfile, "WORKDIR")
    assert volume.words == [workdir.value] == ["/data"]
    (environment,) = last_stage(dockerfile, "ENV")
    assert "PYTHONDONTWRITEBYTECODE=1" in environment.words


def test_one_image_serves_every_command(dockerfile):
    (entry,) = last_stage(dockerfile, "ENTRYPOINT")
    assert entry.words == ["reviewdue"]


def test_the_health_check_runs_a_script_that_the_image_has(dockerfile):
    (check,) = last_stage(dockerfile, "HEALTHCHECK")
    interpreter, script = ast.literal_eval(check.value.partition("CMD ")[2])
    copies = {i.words[-1]: i.words[0] for i in last_stage(dockerfile, "COPY")}
    assert interpreter == "python"
    assert (ROOT / copies[script]).is_file()


def test_what_is_copied_exists_and_is_let_through(dockerfile):
    sources = copied_from_the_repository(dockerfile)
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    let_through = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert set(sources) == let_through
    assert "*" in rules


def test_no_secret_and_no_ledger_is_let_through():
    rules = [line.removeprefix("**/") for line in (ROOT / ".dockerignore").read_text().splitlines()]
    for name in ("reviewdue.secret", "reviewdue.db", "reviewdue.db-journal"):
        assert any(fnmatch(name, rule) for rule in rules if rule != "*")


@pytest.fixture(scope="module")
def healthcheck() -> ModuleType:
    spec = importlib.util.spec_from_file_location("healthcheck", ROOT / "deploy" / "healthcheck.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=[200, 503])
def inbox(request):
    """A server whose /livez answers with the parameter; gives (port, status)."""

    class Livez(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(request.param if self.path == "/livez" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            """Keep the test's output quiet."""

    with HTTPServer(("127.0.0.1", 0), Livez) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1], request.param
        server.shutdown()
        thread.join()


def test_health_follows_livez(healthcheck, inbox):
    port, status = inbox
    assert healthcheck.is_alive(port) is (status == 200)


def test_a_closed_port_is_not_healthy(healthcheck):
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_address[1]
    assert healthcheck.is_alive(port) is False


def test_the_port_comes_from_the_environment_then_the_file_then_the_default(
    healthcheck, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert healthcheck.port_of({}, ["reviewdue", "web"]) == 8080
    (tmp_path / "reviewdue.toml").write_text("[web]\nport = 9001\n")
    assert healthcheck.port_of({}, ["reviewdue", "web"]) == 9001
    (tmp_path / "other.toml").write_text("[web]\nport = 9002\n")
    assert healthcheck.port_of({"REVIEWDUE_CONFIG": "other.toml"}, ["reviewdue", "web"]) == 9002
    (tmp_path / "third.toml").write_text("[web]\nport = 9003\n")
    words = ["reviewdue", "web", "--config", "third.toml"]
    assert healthcheck.port_of({"REVIEWDUE_CONFIG": "other.toml"}, words) == 9003
    assert healthcheck.port_of({"REVIEWDUE_WEB__PORT": "9004"}, words) == 9004
