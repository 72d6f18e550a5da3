"""`make mutation`: copy the tree, try mutants in the copy, write the page."""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.mutation.mutants import all_mutants, chosen
from tests.mutation.page import Run, page, score
from tests.mutation.trial import Trials

ROOT = Path(__file__).resolve().parents[2]
PAGE = Path("docs/quality/mutation.md")
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "target", "build", "dist", "node_modules")
SUITE = (
    "tests/spec",  # the golden examples and the tables first: those that a clinician can read
    "tests/exposure",
    "tests/rules",
    "tests/fixtures",
    "tests/wording",
    "tests/mutation/invented_people.py",
)
LEFT_OUT = ("tests/rules/test_properties.py", "tests/spec/test_properties.py")
"""Minutes for what the tables show in milliseconds: properties hold for most mutants too."""

PLUGINS_LEFT_OUT = ("logging", "faulthandler", "threadexception", "unraisableexception", "junitxml")
GOAL_PER_CENT = 90.0


def main() -> int:
    """0 when enough mutants were noticed."""
    options = _options()
    if options.results:
        return _try_here(options)
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        tree, results = Path(folder) / "tree", Path(folder) / "results.json"
        shutil.copytree(ROOT, tree, ignore=NOT_COPIED)
        again = [
            sys.executable,
            "-m",
            "tests.mutation",
            *sys.argv[1:],
            "--results",
            str(results),
            "--code",
            _code(),
        ]
        code = subprocess.run(again, cwd=tree, check=False).returncode
        if code == 0:
            told = json.loads(results.read_text())
            (ROOT / PAGE).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / PAGE).write_text(told["page"], encoding="utf-8")
            return 0 if told["score"] >= GOAL_PER_CENT else 1
        return code


def _code() -> str:
    """Which code is there, for the reader of the page."""
    if not (ROOT / ".git").exists():
        return "code without a version"
    commit = _git("log", "-1", "--format=%h of %cs")
    changed = _git("status", "--porcelain", "--", "service", "tests")
    return f"commit {commit}" + (" and changes after it" if changed else "")


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutation")
    parser.add_argument("--count", type=int, default=600, help="how many mutants")
    parser.add_argument("--seed", type=int, default=20261, help="which ones")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--minutes", type=float, default=55, help="begin no mutant after so many")
    parser.add_argument("--only", default="", help="only those whose path contains one of these, by commas")
    parser.add_argument("--results", default="", help=argparse.SUPPRESS)
    parser.add_argument("--code", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def _try_here(options: argparse.Namespace) -> int:
    began = time.monotonic()
    every = all_mutants(Path.cwd())
    only = options.only.split(",")
    mutants = [m for m in chosen(every, options.count, options.seed) if any(part in m.path for part in only)]
    _say(f"{len(mutants)} of {len(every)} possible mutants")
    trials = Trials(mutants, jobs=options.jobs, minutes=options.minutes, say=_say)
    settings = ["-q", "-p", "no:cacheprovider", "--hypothesis-profile=ci", "--tb=short", "--capture=no"]
    settings += [part for name in PLUGINS_LEFT_OUT for part in ("-p", f"no:{name}")]
    settings += [f"--ignore={path}" for path in LEFT_OUT]
    code = pytest.main([*settings, *(path for path in SUITE if Path(path).exists())], plugins=[trials])
    if code != pytest.ExitCode.OK:
        return int(code)
    results, minutes = trials.results, (time.monotonic() - began) / 60
    run = Run(len(mutants), len(every), options.seed, minutes, options.jobs, options.code)
    text = page(results, run)
    Path(options.results).write_text(json.dumps({"page": text, "score": score(results)}))
    _say(f"{score(results):.1f} % killed, {minutes:.1f} minutes")
    return 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 (a command that takes long tells how far it is)


if __name__ == "__main__":
    sys.exit(main())
