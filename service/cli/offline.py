"""Without a server and without a database: FHIR files in, assessments out."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import typer

from service.cli.options import AsJson, AsOf, ConfigFile, Debug, Paths, PolicyName, Timezone
from service.cli.output import Advance, emit, progress, say

T = TypeVar("T")

if TYPE_CHECKING:
    from service.config import Settings, SourceSettings
    from service.knowledge import Knowledge, Policy
    from service.model.assessment import Assessment
    from service.record.group import PatientRecord
    from service.sources.files import FilesReport, FilesSource

_MOST_JOBS = 64
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
    jobs: Annotated[
        int, typer.Option("--jobs", metavar="N", min=1, max=_MOST_JOBS, help="Processes side by side.")
    ] = 1,
    config: ConfigFile = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Assess the patients in FHIR files: one line per patient with a finding."""
    from service.cli import results

    with progress("reading", quiet=as_json) as advance:
        desk = _desk(paths, as_of, timezone, policy, config, advance, jobs=jobs, debug=debug)
        shown = Format.NDJSON if as_json and form is None else form or Format.TABLE
        if summary:
            with desk.each(results.counted, everyone=everyone) as found:
                results.summary(found, desk.budget, as_json=as_json or form is Format.NDJSON)
        elif shown is Format.NDJSON:
            with desk.each(results.line, everyone=everyone) as lines:
                results.ndjson(lines)
        else:
            with desk.each(results.row, everyone=everyone) as rows:
                (results.csv if shown is Format.CSV else results.table)(rows)
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
    from service.cli.explanation import as_text
    from service.config import ConfigError
    from service.explain import as_json as told_as_json
    from service.explain import explain as tell

    reference = f"Patient/{patient.removeprefix('Patient/')}"
    desk = _desk(paths, as_of, timezone, policy, config, None, debug=debug)
    with desk.each(_both, only=reference) as answers:
        found = list(answers)
    if not found:
        desk.close()
        raise ConfigError(
            [f"--patient: {reference} has no order, fill or unreadable resource in these files"]
        )
    ((record, answer),) = found
    told = tell(record, answer, desk.policy, desk.knowledge)
    if as_json:
        emit(told_as_json(told))
    else:
        sys.stdout.write(as_text(told, desk.knowledge))
    raise typer.Exit(desk.close())


def _both(record: "PatientRecord", answer: "Assessment") -> "tuple[PatientRecord, Assessment]":
    return record, answer


@dataclass
class _Desk:
    """What an offline command works with, and what it could not handle."""

    source: "FilesSource"
    policy: "Policy"
    policy_name: str
    knowledge: "Knowledge"
    as_of: date
    budget: "SourceSettings | None"
    debug: bool
    unreadable: Counter[tuple[str, str]] = field(default_factory=Counter)  # (reference, reason)
    failed: list[str] = field(default_factory=list)

    @contextmanager
    def each(
        self,
        show: "Callable[[PatientRecord, Assessment], T]",
        *,
        everyone: bool = False,
        only: str | None = None,
    ) -> "Iterator[Iterator[T]]":
        """What `show` makes of each patient with a finding, or of everyone, or of the one named."""
        from service.cli.answering import Answer, Answering

        work = Answering(show, self.policy_name, self.as_of, everyone, only, self.debug)

        def shown(answers: "Iterable[Answer[T]]") -> "Iterator[T]":
            for answer in answers:
                self.unreadable.update(answer.unreadable)
                if answer.failed is not None:
                    self.failed.append(answer.failed)
                if answer.shown is not None:
                    yield answer.shown

        with closing(self.source.each(work)) as answers:
            yield shown(answers)

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
    jobs: int = 1,
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
        source=FilesSource(paths, knowledge(), Traits(timezone=timezone), on_progress, jobs=jobs),
        policy=load_policy(settings.policy.name),
        policy_name=settings.policy.name,
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
