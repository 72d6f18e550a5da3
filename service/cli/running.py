"""The main job: one cycle, or the processes that keep running."""

import os
import signal
import sys
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import AsJson, ConfigFile, Debug, SourceId
from service.cli.output import emit, progress, say

if TYPE_CHECKING:
    from service.bootstrap import House
    from service.cli.house import Stopper
    from service.ports import CycleReport

INTERRUPTED = 130
_PRINTED = (
    "source", "patients", "assessed", "incomplete", "quarantined", "created", "updated", "closed", "unknown",
    "held", "requests", "complete",
)  # fmt: skip
_NAMED = 20  # unknown deliveries that are named one by one

Host = Annotated[str | None, typer.Option("--host", help="Address to listen on; else web.host.")]
Port = Annotated[int | None, typer.Option("--port", help="Port to listen on; else web.port.")]


def add_to(app: typer.Typer) -> None:
    app.command()(cycle)
    app.command()(worker)
    app.command()(web)
    app.command()(run)


def cycle(
    source: SourceId = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look and assess; write nothing.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Discover, gather, assess, reconcile and deliver once, and exit."""
    from service.bootstrap import new_holder
    from service.cli.house import Stopper, opened
    from service.cycle import run_cycle

    with opened(config) as house, Stopper(house) as stopper:
        reports = []
        for each in house.source_settings(source):
            with house.parts(each) as parts, progress("patients", quiet=as_json) as advance:
                report = run_cycle(
                    parts,
                    new_holder(),
                    full=full,
                    dry_run=dry_run,
                    stopping=house.clock.stopping,
                    progress=advance,
                )
            _print(report, as_json=as_json)
            reports.append(report)
            if stopper.signal is not None:
                break
        if stopper.signal is not None:
            say("interrupted")
            raise typer.Exit(INTERRUPTED)
        raise typer.Exit(max(_code(report) for report in reports))


def _print(report: "CycleReport", *, as_json: bool) -> None:
    values = asdict(report)
    if as_json:
        emit({name: values[name] for name in _PRINTED})
    else:
        words = (f"{name} {values[name]}" for name in _PRINTED[1:-1])
        sys.stdout.write(f"{report.source}: {', '.join(words)}{'' if report.complete else ', incomplete'}\n")
    if not report.reads_ok:
        why = "; ".join(dict.fromkeys(failure.why for failure in report.failures))
        say(f"{report.source}: nothing could be read from the EHR{': ' if why else ''}{why}")
    else:
        for failure in report.failures:
            say(f"{report.source}: {failure.kind} could not be read completely: {failure.why}")
    if report.stopped is not None:
        say(f"{report.source}: writing stopped: {report.stopped}")
    for key in report.unknown_keys[:_NAMED]:
        say(f"{report.source}: {key}: delivery unknown, settled by the next cycle")
    if (more := len(report.unknown_keys) - _NAMED) > 0:
        say(f"{report.source}: {more} more deliveries unknown, settled by the next cycle")
    if report.quarantined:
        say(f"{report.source}: {report.quarantined} in quarantine (reviewdue quarantine list)")


def _code(report: "CycleReport") -> int:
    if not report.reads_ok:
        return 3
    return 1 if report.quarantined else 0


def worker(config: ConfigFile = None, _json: AsJson = False, _debug: Debug = False) -> None:
    """Run cycles until stopped."""
    from service.cli.house import Stopper, opened
    from service.scheduler import Worker

    with opened(config) as house, Stopper(house) as stopper:
        with Worker(house) as working:
            _until_stopped(house)
            drained = working.drained()
        _end(stopper, drained=drained)


def web(
    host: Host = None,
    port: Port = None,
    config: ConfigFile = None,
    _json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Answer HTTP until stopped."""
    from service.cli.house import Stopper, opened

    with opened(config, _address(host, port)) as house, Stopper(house) as stopper:
        with ExitStack() as stack:
            _listen(house, stack)
            _until_stopped(house)
        _end(stopper, drained=True)


def run(
    host: Host = None,
    port: Port = None,
    config: ConfigFile = None,
    _json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Worker and web in one process, for one small machine."""
    from service.cli.house import Stopper, opened
    from service.scheduler import Worker

    with opened(config, _address(host, port)) as house, Stopper(house) as stopper:
        with Worker(house) as working, ExitStack() as stack:
            _listen(house, stack)
            _until_stopped(house)
            drained = working.drained()
        _end(stopper, drained=drained)


def _address(host: str | None, port: int | None) -> dict[str, object]:
    given = {"web.host": host, "web.port": port}
    return {key: value for key, value in given.items() if value is not None}


def _listen(house: "House", stack: ExitStack) -> None:
    from service import logs
    from service.config import ConfigError
    from service.web import Server, create_app

    settings = house.settings.web
    app = create_app(house.ledger, house.settings, house.clock)
    try:
        server = stack.enter_context(Server(app, house.clock, settings.host, settings.port))
    except OSError as problem:
        raise ConfigError(
            [f"web.port: {settings.host}:{settings.port} cannot be listened on: {problem.strerror}"]
        ) from None
    logs.get_log(component="web").info("listening", path=server.url)


def _until_stopped(house: "House") -> None:
    while not house.clock.stopping():
        house.clock.sleep(3600)


def _end(stopper: "Stopper", *, drained: bool) -> None:
    """Leave; at once when a request is still under way, whose outcome the next cycle settles."""
    code = INTERRUPTED if stopper.signal == signal.SIGINT else 0
    if not drained:
        say("left with a request under way; the next cycle settles it")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)
    raise typer.Exit(code)
