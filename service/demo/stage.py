"""`reviewdue demo`: starts everything on this machine, tells the story, takes everything down again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from rich.console import Console

from service import logs
from service.bootstrap import House, SystemClock, new_holder
from service.config import Settings, SourceSettings
from service.demo.clock import DemoClock
from service.demo.ehr import Ehr, running_ehr
from service.demo.screen import Screen
from service.demo.story import Story
from service.web import Server, create_app

PORT = 8080
_SECRET = b"the demo's people are invented: anybody may know this secret\n"


def run(*, serve: bool, port: int | None, console: Console) -> int:
    """See `service.demo.run`."""
    logs.configure("error", "console")
    screen = Screen(console)
    clock = DemoClock(SystemClock())
    today = clock.now().date()
    with running_ehr(clock, today) as ehr, _house(ehr) as house:
        (source,) = house.source_settings()
        console.print(f"reviewdue demo: an embedded EHR with invented people on {ehr.base}, {today:%d %b %Y}")
        with house.parts(source, clock) as parts:
            Story(parts, ehr, clock, screen, new_holder()).tell()
        if serve:
            _serve(house, clock, PORT if port is None else port, console)
    return 0


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
        }
    )


def _serve(house: House, clock: DemoClock, port: int, console: Console) -> None:
    app = create_app(house.ledger, house.settings, clock, with_inbox=True)
    try:
        server = Server(app, clock, "127.0.0.1", port)
    except OSError:
        server = Server(app, clock, "127.0.0.1", 0)
    with server:
        console.print(f"inbox: {server.url}/inbox  (Ctrl-C ends it)")
        try:
            Event().wait()
        except KeyboardInterrupt:
            console.print("ended")
