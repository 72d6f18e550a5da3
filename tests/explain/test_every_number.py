"""`explain` names every number of every finding where the finding is told, each under its own name."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from service import wording
from service.knowledge import knowledge
from service.model.assessment import Finding
from service.model.assessment_json import render_finding
from tests.explain.test_explanation import PEOPLE, as_text, is_number, leaves, told

_DATE = r"\d{4}-\d\d-\d\d"
WITH_FINDINGS = [file for file in PEOPLE if told(file).answer.findings or told(file).answer.suppressed]


def findings(file: str) -> tuple[Finding, ...]:
    answer = told(file).answer
    return (*answer.findings, *answer.suppressed)


def lines_of(finding: Finding, file: str) -> list[str]:
    """What `explain` writes of one finding: its heading, and the indented lines below."""
    lines = iter(as_text(told(file), knowledge()).splitlines())
    heading = next(line for line in lines if line.startswith(f"  {finding.rule} {finding.priority.word}: "))
    found = [heading]
    for line in lines:
        if not line.startswith("    "):
            break
        found.append(line.strip())
    return found


def line_of(name: str, separator: str, lines: list[str]) -> str:
    (line,) = (line for line in lines[1:] if line.startswith(f"{name}{separator} "))
    return line


def numbers_in(text: str) -> set[str]:
    """The numbers of a text that are no part of a date."""
    without_dates = re.sub(rf"{_DATE}|\d{{1,2}} [A-Z][a-z]{{2}} \d{{4}}", "", text)
    return set(re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?", without_dates))


def numbers_of(value: Any) -> Iterator[str]:
    return (wording.number(each) for _, each in leaves(value) if is_number(each))


def dates_of(value: Any) -> Iterator[str]:
    return (str(each) for _, each in leaves(value) if re.fullmatch(_DATE, str(each)))


def test_most_of_the_synthetic_people_have_a_finding():
    assert len(WITH_FINDINGS) >= 60


@pytest.mark.parametrize("file", WITH_FINDINGS)
def test_every_fact_stands_in_the_line_of_its_name(file: str):
    for finding in findings(file):
        lines = lines_of(finding, file)
        for name, value in render_finding(finding)["facts"].items():
            line = line_of(name.replace("_", " "), ":", lines)
            assert set(numbers_of(value)) <= numbers_in(line), (finding.rule, name)
            assert all(each in line for each in dates_of(value)), (finding.rule, name)


@pytest.mark.parametrize("file", WITH_FINDINGS)
def test_every_threshold_stands_in_the_line_of_its_name_with_unit_and_source(file: str):
    for finding in findings(file):
        lines = lines_of(finding, file)
        for name, number in render_finding(finding)["numbers"].items():
            line = line_of(name, " =", lines)
            assert set(numbers_of(number["value"])) <= numbers_in(line), (finding.rule, name)
            assert number["unit"] in line
            assert number["source"] in line


@pytest.mark.parametrize("file", WITH_FINDINGS)
def test_since_when_and_until_when_stand_with_the_finding(file: str):
    for finding in findings(file):
        text = "\n".join(lines_of(finding, file))
        for day in (finding.since, finding.due_on):
            assert day.isoformat() in text or wording.day(day) in text, (finding.rule, day)
