"""The names inside `facts` of every rule: what they say (facts.txt), and which ones the tables bring forth."""

from collections import defaultdict
from pathlib import Path

from tests.spec.said import answer
from tests.spec.table import sections

FILE = Path(__file__).parent / "facts.txt"


def described() -> dict[str, dict[str, str]]:
    """Rule → name → what it says."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            rule, name, words = (cell.strip() for cell in line.split("|"))
            found[rule][name] = words
    return dict(found)


def seen() -> dict[str, set[str]]:
    """Rule → the names in the findings of all rows of the tables, muted ones too."""
    found: dict[str, set[str]] = defaultdict(set)
    for folder in ("exposure", "rules"):
        for section in sections(folder):
            for row in section.rows:
                assessment = answer(section.record(row), row.day, section.policy).assessment
                for finding in (*assessment.findings, *assessment.suppressed):
                    found[finding.rule].update(finding.facts)
    return dict(found)
