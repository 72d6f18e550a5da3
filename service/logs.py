"""Structured logs on stderr that cannot hold a patient (threats.md, "PHI in logs").

Only fields of a list get through, values that look like a patient are refused, exceptions come
without locals, source lines, and without the words of libraries, which may quote what they were
given.  Our own exceptions are written to be logged (`service/fhir/errors.py`).
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO, cast

import structlog

from service.ports import Log

FIELDS = frozenset(
    {
        # of the process
        "event", "level", "timestamp", "source", "cycle", "holder", "component", "raised", "where", "refused",
        "host", "port", "version", "signal", "seconds", "schema", "path", "method", "status",
        # of a cycle, as numbers
        "patients", "assessed", "incomplete", "quarantined", "created", "updated", "closed", "unknown", "held",
        "requests", "complete", "due", "gone", "known", "withdrawn", "tasks", "cancelled", "reopened", "missing",
        # of one item or delivery: our own keys and references to our own Tasks
        "key", "keys", "task", "rules", "rule", "kind", "why", "error", "tries", "fence", "what",
    }
)  # fmt: skip
REFUSED = "[refused]"
_LONGEST = 300  # characters of a value
_PATIENT = re.compile(r"\bPatient/|\bPatient%2F|resourceType", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LONGEST_CHAIN = 10
_OURS = ("service.", "structlog.")
_ROOT = Path(__file__).parent.parent


def configure(level: str = "info", form: str = "json", stream: TextIO | None = None) -> None:
    """Send every log of this process, those of libraries too, to `stream` (stderr)."""
    out = stream or sys.stderr
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=out.isatty(), sort_keys=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            say_exception,
            refuse_patient_fields,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.addHandler(_OfLibraries())
    root.setLevel(logging.WARNING)  # what libraries say below that is about their work, not ours


def get_log(**bound: object) -> Log:
    """A log with these fields on every event."""
    return cast("Log", structlog.get_logger().bind(**bound))


def refuse_patient_fields(
    _log: object, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop fields that are not on the list, and values that look like a patient; name what was dropped."""
    kept: dict[str, Any] = {}
    refused = []
    for name, value in event.items():
        if name not in FIELDS:
            refused.append(name if name.isidentifier() else "?")
            continue
        kept[name] = _safe(value)
        if kept[name] == REFUSED:
            refused.append(name)
    if refused:
        kept["refused"] = sorted(refused)
    return kept


def _safe(value: object) -> object:
    """Numbers as they are; text in one line, cut; anything else not at all."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe(each) for each in value]
    if isinstance(value, str):
        text = _CONTROL.sub(" ", value)
        return REFUSED if _PATIENT.search(text) else text[:_LONGEST]
    return REFUSED


def say_exception(_log: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """`exc_info` → the names of the exceptions of the chain, and where they came from."""
    info = event.pop("exc_info", None)
    problem = info if isinstance(info, BaseException) else sys.exc_info()[1] if info is True else None
    if isinstance(info, tuple):
        problem = info[1]
    if problem is not None:
        event["raised"], event["where"] = describe(problem)
    return event


def describe(problem: BaseException) -> tuple[list[str], list[str]]:
    """What may be said of an exception: the chain's names (and our own words), the frames of the first."""
    return [words for _, words in _chain(problem)], _frames(problem.__traceback__)


def in_full(problem: BaseException) -> str:
    """The chain with its frames and our source lines; what libraries say may quote a record and is left out."""
    parts = [
        f"Traceback (most recent call last):\n{''.join(traceback.format_tb(each.__traceback__))}{words}\n"
        for each, words in _chain(problem)
    ]
    return "\n".join(reversed(parts))


def _chain(problem: BaseException) -> Iterator[tuple[BaseException, str]]:
    """The exception and what it came from, each with its name; with its words only where they are ours."""
    current: BaseException | None = problem
    for _ in range(_LONGEST_CHAIN):
        if current is None:
            return
        kind = type(current)
        ours = kind.__module__.startswith(_OURS) and str(current)
        yield current, f"{kind.__name__}: {current}" if ours else kind.__name__
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _frames(trace: TracebackType | None) -> list[str]:
    found = []
    while trace is not None:
        code = trace.tb_frame.f_code
        path = Path(code.co_filename)
        shown = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else Path(path.name)
        found.append(f"{shown}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return found[-12:]


class _OfLibraries(logging.Handler):
    """What a library logs may quote its input: only who spoke, and which exception, goes on."""

    def emit(self, record: logging.LogRecord) -> None:
        fields: Mapping[str, Any] = {"component": record.name, "exc_info": record.exc_info or None}
        log = structlog.get_logger()
        where = f"{Path(record.pathname).name}:{record.lineno}"
        speak = log.error if record.levelno >= logging.ERROR else log.warning
        speak("a library reports", what=where, **fields)
