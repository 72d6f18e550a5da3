"""`reviewdue demo`: starts everything on this machine, tells the story, takes everything down again."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from rich.console import Console

from service import logs
from service.bootstrap import House, SystemClock, new_holder
from service.config import Settings, SourceSettings
from service.cycle.operators import set_release
from service.cycle.parts import Parts
from service.cycle.run import run_cycle
from service.demo.clock import DemoClock
from service.demo.ehr import Ehr, running_ehr
from service.demo.screen import Screen
from service.demo.story import Story
from service.ports import Clock
from service.web import Server, create_app
from service.wording import day

_HOST = "REVIEWDUE_WEB__HOST"  # the one setting that the demo takes: in a container every address is meant
_SECRET = b"the demo's people are invented: anybody may know this secret\n"


def run(*, serve: bool, port: int | None, console: Console) -> int:
    """See `service.demo.run`."""
    logs.configure("error", "console")
    play(DemoClock(SystemClock()), console)
    if serve:
        show_inbox(DemoClock(SystemClock()), console, port)
    return 0


def play(clock: DemoClock, console: Console) -> None:
    """The story on the day of `clock`."""
    with running_ehr(clock, clock.now().date()) as ehr, _house(ehr) as house, _parts(house, clock) as parts:
        console.print(
            f"reviewdue demo: an embedded EHR with invented people on {ehr.base}, {day(clock.now().date())}",
            soft_wrap=True,
            highlight=False,
        )
        Story(parts, ehr, clock, Screen(console), new_holder()).tell()


def show_inbox(clock: DemoClock, console: Console, port: int | None) -> None:
    """The inbox of the same people on their first day, until Ctrl-C or SIGTERM."""
    with _ended() as ended, running_ehr(clock, clock.now().date()) as ehr, _house(ehr) as house:
        with _parts(house, clock) as parts:
            set_release(parts.ledger, parts.id, on=True, now=clock.now(), actor="demo")
            run_cycle(parts, new_holder())
        serve_inbox(house, clock, house.settings.web.port if port is None else port, console, ended)


@contextmanager
def _parts(house: House, clock: DemoClock) -> Iterator[Parts]:
    (source,) = house.source_settings()
    with house.parts(source, clock) as parts:
        yield parts


@contextmanager
def _house(ehr: Ehr) -> Iterator[House]:
    with TemporaryDirectory(prefix="reviewdue-demo-") as folder, House(_settings(ehr, Path(folder))) as house:
        yield house


def _settings(ehr: Ehr, folder: Path) -> Settings:
    secret = folder / "secret"
    secret.write_bytes(_SECRET)
    source = SourceSettings(
        id="demo",
        base_url=ehr.base,
        write="allowed",
        rate_per_second=1000,
        settle_seconds=150,
        index_lag_seconds=0.1,
    )
    return Settings.model_validate(
        {
            "instance": {"secret_file": secret},
            "database": {"url": f"sqlite:///{folder / 'ledger.db'}"},
            "source": {"demo": source.model_dump()},
            "web": {"host": os.environ.get(_HOST, "127.0.0.1")},
        }
    )


@contextmanager
def _ended() -> Iterator[Event]:
    """Set by Ctrl-C, and by SIGTERM, which a container sends."""
    event = Event()
    before = {each: signal.signal(each, lambda *_: event.set()) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def serve_inbox(house: House, clock: Clock, port: int, console: Console, ended: Event) -> None:
    """The plain inbox until `ended`; on a free port where that one is taken."""
    app = create_app(house.ledger, house.settings, clock, with_inbox=True)
    host = house.settings.web.host
    try:
        server = Server(app, clock, host, port)
    except OSError:
        server = Server(app, clock, host, 0)
    with server:
        console.print(f"inbox: {server.url}/inbox  (Ctrl-C ends it)", soft_wrap=True, highlight=False)
        ended.wait()
