"""Without a server and without a database: FHIR files in, assessments out."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo, available_timezones

import typer

from service.cli.options import AsJson, AsOf, ConfigFile, Debug, Paths, PolicyName, Timezone
from service.cli.output import Advance, emit, progress, say

if TYPE_CHECKING:
    from service.config import Settings, SourceSettings
    from service.knowledge import Knowledge, Policy
    from service.model.assessment import Assessment
    from service.record.group import PatientRecord
    from service.sources.files import FilesReport, FilesSource

_NAMED = 200  # unreadable resources that are named one by one


class Format(StrEnum):
    TABLE = "table"
    NDJSON = "ndjson"
    CSV = "csv"


def add_to(app: typer.Typer) -> None:
    app.command()(assess)
    app.command()(explain)


def assess(
    paths: Paths,
    as_of: AsOf = None,
    timezone: Timezone = None,
    policy: PolicyName = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="Of the result; table unless given.")
    ] = None,
    everyone: Annotated[
        bool, typer.Option("--all", help="Every patient who has anything in scope, or unreadable.")
    ] = False,
    summary: Annotated[
        bool, typer.Option("--summary", help="Counts by rule and priority, Tasks per owner and week.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Assess the patients in FHIR files: one line per patient with a finding."""
    from service.cli import results

    with progress("reading", quiet=as_json) as advance:
        desk = _desk(paths, as_of, timezone, policy, config, advance, debug=debug)
        shown = Format.NDJSON if as_json and form is None else form or Format.TABLE
        answers = (
            (record, answer)
            for record, answer in desk.answers()
            if answer.findings or (everyone and answer.listed)
        )
        if summary:
            results.summary(answers, desk.budget, as_json=as_json or form is Format.NDJSON)
        elif shown is Format.NDJSON:
            results.ndjson(answer for _, answer in answers)
        elif shown is Format.CSV:
            results.csv(answer for _, answer in answers)
        else:
            results.table(answer for _, answer in answers)
    raise typer.Exit(desk.close())


def explain(
    paths: Paths,
    patient: Annotated[str, typer.Option("--patient", metavar="ID", help="Patient/ID, or the bare id.")],
    as_of: AsOf = None,
    timezone: Timezone = None,
    policy: PolicyName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """One patient: the timeline, each number and where it came from, each suppressed rule."""
    from service.cli import explanation
    from service.config import ConfigError

    reference = f"Patient/{patient.removeprefix('Patient/')}"
    desk = _desk(paths, as_of, timezone, policy, config, None, debug=debug)
    found = list(desk.answers(reference))
    if not found:
        desk.close()
        raise ConfigError(
            [f"--patient: {reference} has no order, fill or unreadable resource in these files"]
        )
    ((record, answer),) = found
    told = explanation.explain(record, answer, desk.policy, desk.knowledge)
    if as_json:
        emit(told.as_json())
    else:
        sys.stdout.write(told.as_text())
    raise typer.Exit(desk.close())


@dataclass
class _Desk:
    """What an offline command works with, and what it could not handle."""

    source: "FilesSource"
    policy: "Policy"
    knowledge: "Knowledge"
    as_of: date
    budget: "SourceSettings | None"
    debug: bool
    unreadable: Counter[tuple[str, str]] = field(default_factory=Counter)  # (reference, reason)
    failed: list[str] = field(default_factory=list)

    def answers(self, only: str | None = None) -> Iterator[tuple["PatientRecord", "Assessment"]]:
        """Each patient concerned, or the one named; one that cannot be thought about stops nobody else."""
        from service.assess import assess as answer

        for record in self.source.records():
            if only not in (None, record.reference):
                continue
            try:
                found = answer(record, self.policy, self.knowledge, self.as_of)
            except Exception as problem:
                if self.debug:
                    raise
                self.failed.append(f"{record.reference}: assessment failed: {type(problem).__name__}")
                continue
            self.unreadable.update((aside.reference, aside.reason) for aside in found.unreadable)
            yield record, found

    def close(self) -> int:
        """Say on stderr what could not be handled; gives the exit code."""
        report: FilesReport = self.source.report
        for problem in report.problems:
            say(str(problem))
        for line in self.failed:
            say(line)
        unreadable = [*sorted(self.unreadable), *report.astray]
        for reference, reason in unreadable[:_NAMED]:
            say(f"{reference}: {reason}")
        if (more := len(unreadable) - _NAMED) > 0:
            say(f"{more} more resources could not be read")
        if report.ignored_files:
            say(f"{report.ignored_files} files of other kinds ignored")
        counts = {
            "documents": len(report.problems),
            "resources": len(unreadable),
            "patients": len(self.failed),
        }
        if not any(counts.values()):
            return 0
        say("not handled: " + ", ".join(f"{count} {what}" for what, count in counts.items() if count))
        return 1


def _desk(
    paths: list[Path],
    as_of: str | None,
    timezone: str | None,
    policy: str | None,
    config: Path | None,
    advance: Advance | None,
    *,
    debug: bool,
) -> _Desk:
    """Raises ConfigError with everything that is wrong with the command line and the settings."""
    from service import logs
    from service.bootstrap import SystemClock, load_settings
    from service.config import ConfigError
    from service.knowledge import knowledge, load_policy
    from service.record.group import Traits
    from service.sources.files import FilesSource

    problems = [f"PATH: {path}: no such file or folder" for path in paths if not path.exists()]
    if timezone is not None and timezone not in available_timezones():
        problems.append(f"--timezone: there is no time zone {timezone!r}")
        timezone = None
    day = _day(as_of, problems)
    try:
        settings = load_settings(config, {"policy.name": policy} if policy is not None else None).settings
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    if problems:
        raise ConfigError(problems)
    logs.configure(settings.log.level, settings.log.format)
    zone = ZoneInfo(timezone) if timezone else None
    on_progress = None if advance is None else partial(advance, "reading")
    return _Desk(
        source=FilesSource(paths, knowledge(), Traits(timezone=timezone), on_progress),
        policy=load_policy(settings.policy.name),
        knowledge=knowledge(),
        as_of=day or SystemClock().now().astimezone(zone).date(),
        budget=_budget(settings),
        debug=debug,
    )


def _day(text: str | None, problems: list[str]) -> date | None:
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError:
        problems.append(f"--as-of: {text!r} is not a date such as 2026-11-01")
        return None


def _budget(settings: "Settings") -> "SourceSettings | None":
    """The only source's; else the defaults count."""
    return next(iter(settings.source.values())) if len(settings.source) == 1 else None
