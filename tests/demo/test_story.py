"""The story as it is told, on a day whose ninety days lie across a leap day."""

import io
import re
from datetime import UTC, datetime

import pytest
from rich.console import Console

from service.demo.clock import DemoClock
from service.demo.stage import play
from tests.demo.clocks import Running


@pytest.fixture(scope="module")
def told():
    screen = io.StringIO()
    clock = DemoClock(Running(datetime(2028, 1, 20, 23, 59, 58, tzinfo=UTC)))
    play(clock, Console(file=screen, width=1000, color_system=None))
    return screen.getvalue()


def chapter(told, letter):
    return re.search(rf"^ {letter}  .*?(?=^ [a-z]  |\Z)", told, re.DOTALL | re.MULTILINE)[0]


def test_the_chapters_come_in_their_order(told):
    assert re.findall(r"^ ([a-z])  ", told, re.MULTILINE) == list("abcdef")


def test_the_population_is_counted_and_nothing_is_written_in_shadow(told):
    text = chapter(told, "a")
    assert "77 people: 60 on a benzodiazepine or z-drug" in text
    assert "47 due (asap 4, urgent 18, routine 25)" in text
    for why in (
        "answered by a review 4",
        "continue until a date 1",
        "deceased or inactive 2",
        "snoozed 1",
        "in hospice care 1",
        "in hospital 1",
        "after alcohol withdrawal 1",
    ):
        assert why in text
    assert "4 orders unreadable (bad-date 1, bad-status 1, contradicting-codings 1, malformed 1)" in text
    assert "47 reviews found and held, 0 written." in text


def test_one_person_is_shown_with_timeline_and_sources(told):
    text = chapter(told, "b")
    assert "diazepam 10 mg/day since 4 Jul 2027; no review on record" in text
    assert re.search(r"diazepam ·*┣━+┣", text)
    assert re.search(r"R02\.interval +90 days +ASAM", text)


def test_the_task_is_read_from_the_ehr(told):
    text = chapter(told, "c")
    assert "42 Tasks created, 5 held for the coming days (release budget)." in " ".join(text.split())
    key = re.search(r"http://127\.0\.0\.1:\d+/fhir/Task/(\S+)", text)[1]
    assert re.search(rf"identifier +{key}\s", text)
    assert re.search(r"status +requested\s", text)


def test_a_lost_reply_leaves_one_task(told):
    text = chapter(told, "d")
    assert "→ unknown (0 confirmed, 1 unknown)" in text
    assert "found → confirmed. In the EHR: still 1 Task with this key." in text


def test_an_answer_is_honoured_for_ninety_days_and_an_opioid_asks_again(told):
    text = chapter(told, "e")
    assert re.findall(r"(same day|day \d+)(?:, renewed)?: (asked|not asked)\.", text) == [
        ("same day", "not asked"),
        ("day 20", "not asked"),
        ("day 48", "not asked"),
        ("day 76", "not asked"),
    ]
    assert "day 90: oxycodone is added → asked again." in text
    assert re.search(r"why +asap: Opioid at the same time .* oxycodone together with it .*no naloxone", text)


def test_the_last_line_is_that_of_a_second_cycle_that_writes_nothing(told):
    assert re.search(
        r"^ +\d+ requests of the service to the EHR in 10 cycles", chapter(told, "f"), re.MULTILINE
    )
    assert told.endswith("\nsecond cycle: 0 created, 0 updated\n")
