"""The built wheel, installed away from the checkout: does it hold everything, and does it start?"""

import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel; it borrows the dependencies of the one that runs the tests."""

    wheel: Path
    folder: Path

    def run(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run one of the environment's commands in `cwd`, without any setting from outside."""
        settings = ("PYTHON", "REVIEWDUE_", "COVERAGE")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(settings)}
        command, *rest = arguments
        return subprocess.run(
            [self.folder / "bin" / command, *rest],
            cwd=cwd, env=clean, capture_output=True, text=True, timeout=START_SECONDS, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=START_SECONDS)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("venv")
    make = [sys.executable, "-m", "venv", "--without-pip", folder]
    subprocess.run(make, check=True, capture_output=True, timeout=START_SECONDS)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", wheel]
    subprocess.run(pip, check=True, capture_output=True, timeout=START_SECONDS)
    # A path file only adds a folder and does not run the path files in it: the checkout stays unseen.
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Installed(wheel, folder)


def files_of(folder: str) -> set[str]:
    """The files of a folder of the repository that belong into the wheel, by path from the root."""
    paths = (ROOT / folder).rglob("*")
    return {
        path.relative_to(ROOT).as_posix()
        for path in paths
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


def test_the_wheel_holds_every_file_of_the_package_and_the_synthetic_people(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == files_of("service") | {f"service/{path}" for path in files_of("fixtures")}


def test_the_wheel_carries_knowledge_and_licence(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert any(name.startswith("service/knowledge/") and name.endswith(".csv") for name in names)
    assert any(name.startswith("service/knowledge/") and name.endswith(".toml") for name in names)
    assert any(name.startswith("service/fixtures/") for name in names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_installed_package_is_the_one_of_the_wheel(installed, tmp_path):
    found = installed.run("python", "-c", "import service; print(service.__file__)", cwd=tmp_path)
    assert found.stderr == ""
    assert Path(found.stdout.strip()).is_relative_to(installed.folder)


def test_the_installed_command_tells_its_version(installed, tmp_path):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    told = installed.run("reviewdue", "--version", cwd=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert version in told.stdout


def test_the_demo_runs_from_the_wheel_alone(installed, tmp_path):
    shown = installed.run("reviewdue", "demo", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "second cycle: 0 created, 0 updated" in shown.stdout.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
