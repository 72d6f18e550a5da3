"""Logs hold no patient: the canary's name, birth date and number go in everywhere, and come out nowhere."""

import io
import json
import logging
from contextlib import contextmanager

import pytest
import structlog

from service import logs
from service.fhir.errors import FhirUnavailableError

NAME, BORN, NUMBER = "Canaria Yellowbird", "1951-12-24", "MRN-8675309"
CANARY = f"{NAME} {BORN} {NUMBER}"


@contextmanager
def logging_to_text(form):
    """Gives what was logged so far, as text."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    logs.configure("debug", form, stream)
    try:
        yield stream.getvalue
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()


@pytest.fixture(params=["json", "console"])
def written(request):
    with logging_to_text(request.param) as written:
        yield written


def assert_no_canary(text):
    assert text.strip(), "nothing was logged at all"
    assert [part for part in (NAME, "Yellowbird", BORN, NUMBER) if part in text] == []


@pytest.mark.parametrize(
    "field", ["name", "patient", "birth_date", "body", "resource", "url", "message", "reference"]
)
def test_a_field_that_is_not_on_the_list_is_dropped_and_named(written, field):
    logs.get_log(source="main").info("cycle done", **{field: CANARY})
    assert_no_canary(written())
    assert field in written()


@pytest.mark.parametrize(
    "value",
    [
        {"family": CANARY},
        f"Patient/1 {CANARY}",
        f'{{"resourceType": "Patient", "x": "{CANARY}"}}',
        [f"Patient/{CANARY}"],
        CANARY.encode(),
    ],
)
def test_a_value_that_looks_like_a_patient_is_refused_in_any_field(written, value):
    logs.get_log().warning("read failed", why=value)
    assert_no_canary(written())


def test_bound_fields_are_judged_too(written):
    logs.get_log(patient=CANARY).info("cycle done")
    assert_no_canary(written())


def test_the_words_of_foreign_exceptions_are_left_out_whatever_chain_they_are_in(written):
    name = CANARY  # a local variable of the frame that raises
    try:
        try:
            raise ValueError(f"cannot read {name}")
        except ValueError as problem:
            raise KeyError(name) from problem
    except KeyError:
        logs.get_log().warning("cycle not done", exc_info=True)
    assert_no_canary(written())
    assert "KeyError" in written()
    assert "ValueError" in written()
    assert "test_logs.py" in written()


def test_our_own_exceptions_say_what_they_are_made_to_say(written):
    try:
        raise FhirUnavailableError("the EHR does not answer")
    except FhirUnavailableError:
        logs.get_log().warning("cycle not done", exc_info=True)
    assert "the EHR does not answer" in written()


@pytest.mark.parametrize(
    "library", ["waitress", "sqlalchemy.engine", "apscheduler.executors.default", "httpx2"]
)
def test_what_libraries_log_is_told_without_their_words(written, library):
    log = logging.getLogger(library)
    before, log.disabled = log.level, False
    log.setLevel(logging.WARNING)
    try:
        raise RuntimeError(CANARY)
    except RuntimeError:
        log.exception("while serving %s", CANARY)
    log.error(CANARY)
    log.setLevel(before)
    assert_no_canary(written())
    assert library in written()


def test_a_value_cannot_fake_a_line_or_colour_a_terminal():
    with logging_to_text("console") as written:
        logs.get_log().info("cycle done", why="x\n2026-01-01 [info] all is well \x1b[31m\u202e")
        assert len(written().splitlines()) == 1
        assert [sign for sign in ("\x1b", "\u202e") if sign in written()] == []


def test_json_lines_have_level_time_and_what_was_bound():
    with logging_to_text("json") as written:
        logs.get_log(source="main").info("cycle done", patients=3, why="x" * 1000)
        logs.get_log().info("task created", task="Task/1", rules=["R02"])
        first, second = map(json.loads, written().splitlines())
    assert (first["event"], first["source"], first["patients"], first["level"]) == (
        "cycle done",
        "main",
        3,
        "info",
    )
    assert len(first["why"]) < 400
    assert "timestamp" in first
    assert (second["task"], second["rules"]) == ("Task/1", ["R02"])
