"""Joins settings to real parts: clock, ledger, secret, egress, source, policy.  The only reader of the clock.

The parts are imported where they are joined: a command that needs only the clock and the settings
starts in a quarter of the time.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from service import config
from service.config import BearerAuth, ConfigError, Loaded, Settings, SourceSettings

if TYPE_CHECKING:
    from service.cycle.parts import Parts
    from service.fhir.auth import Auth
    from service.fhir.client import FhirClient
    from service.fhir.egress import EgressLimits
    from service.identity import Identity
    from service.ports import Clock, Ledger
    from service.sources.sweep import Sweep

SECRET_LENGTH = 32  # bytes of a new secret; shorter ones are refused, whatever they are written in
_LONGEST_SECRET = 4096


class SystemClock:
    """The machine's clock; `stop` ends every sleep, those to come too."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        self._stopped.wait(max(0.0, seconds))

    def stop(self) -> None:
        self._stopped.set()

    def stopping(self) -> bool:
        return self._stopped.is_set()


def new_holder() -> str:
    """A name for the leases of this process, new with each start."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"


def load_settings(file: Path | None = None, overrides: Mapping[str, object] | None = None) -> Loaded:
    """The settings, and what they name exists; raises ConfigError with every problem."""
    loaded = config.load(file, overrides=overrides)
    problems = [line for source in loaded.settings.source.values() for line in _unusable(source)]
    if problems:
        raise ConfigError(problems)
    return loaded


def _unusable(source: SourceSettings) -> Iterator[str]:
    from service.fhir.base_url import BaseUrl
    from service.fhir.errors import AuthError

    try:
        BaseUrl(source.base_url)
    except ValueError as problem:
        yield f"source.{source.id}.base_url: {problem}"
    try:
        _auth(source).headers()
    except AuthError as problem:
        yield f"source.{source.id}.auth.token_file: {problem}"


def _auth(source: SourceSettings) -> Auth:
    from service.fhir.auth import BearerFile, NoAuth

    return BearerFile(source.auth.token_file) if isinstance(source.auth, BearerAuth) else NoAuth()


@dataclass
class House:
    """A process's real parts; a context manager that closes what it opened."""

    settings: Settings
    clock: SystemClock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        self._opened = ExitStack()

    def __enter__(self) -> House:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @cached_property
    def ledger(self) -> Ledger:
        """The database; raises ConfigError for its setting or schema, LedgerError when it does not answer."""
        from service.store import open_ledger

        ledger = open_ledger(self.settings.database.url)
        self._opened.callback(ledger.close)
        return ledger

    @cached_property
    def identity(self) -> Identity:
        from service.identity import Identity

        return Identity(instance_secret(self.settings.instance.secret_file, self.ledger.empty))

    def source_settings(self, source: str | None = None) -> list[SourceSettings]:
        """All sources, or the one named; raises ConfigError when there is none."""
        known = self.settings.source
        if source is not None and source not in known:
            raise ConfigError([f"source.{source}: is not configured"])
        if not known:
            raise ConfigError(["source: no source is configured; write a table [source.<id>]"])
        return [known[source]] if source is not None else list(known.values())

    @contextmanager
    def parts(self, source: SourceSettings, clock: Clock | None = None) -> Iterator[Parts]:
        """One source, ready to work on."""
        from service.cycle.parts import Parts
        from service.fhir.base_url import BaseUrl
        from service.fhir.client import FhirClient, ReadLimits
        from service.fhir.egress import Egress
        from service.knowledge import knowledge, load_policy
        from service.logs import get_log

        used = clock or self.clock
        egress = Egress(BaseUrl(source.base_url), used, auth=_auth(source), limits=_limits(source))
        try:
            client = FhirClient(egress, ReadLimits(page_size=source.page_size))
            yield Parts(
                settings=source,
                source=_sweep(source, client),
                client=client,
                ledger=self.ledger,
                identity=self.identity,
                knowledge=knowledge(),
                policy=load_policy(self.settings.policy.name),
                clock=used,
                log=get_log(source=source.id),
            )
        finally:
            egress.close()


def _sweep(source: SourceSettings, client: FhirClient) -> Sweep:
    from service.knowledge import knowledge
    from service.record.group import Traits
    from service.sources.settings import SweepSettings
    from service.sources.sweep import Sweep

    traits = Traits(
        timezone=source.timezone,
        last_updated_is_stop=source.last_updated_is_stop,
        item_system=source.item_system,
    )
    settings = SweepSettings(
        source.id, traits, overlap_seconds=source.overlap_seconds, concurrency=source.concurrency
    )
    return Sweep(client, knowledge(), settings)


def _limits(source: SourceSettings) -> EgressLimits:
    from service.fhir.egress import EgressLimits

    return EgressLimits(
        deadline_seconds=source.deadline_seconds,
        connect_seconds=min(5.0, source.deadline_seconds),
        read_seconds=source.deadline_seconds,
        rate_per_second=source.rate_per_second,
        concurrency=source.concurrency,
        breaker_probe_seconds=source.breaker_probe_seconds,
    )


def instance_secret(path: Path, is_empty: Callable[[], bool]) -> bytes:
    """The secret that item keys rest on; made when there is none and the ledger is empty.

    Raises ConfigError: another secret would give every patient another key, and so a second Task.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_SECRET + 1).strip()
    except FileNotFoundError:
        if not is_empty():
            raise ConfigError(
                [f"instance.secret_file: {path} is missing, but the ledger is in use: restore the file"]
            ) from None
        return _make_secret(path)
    except OSError as error:
        raise ConfigError([f"instance.secret_file: {path} cannot be read: {error.strerror}"]) from None
    if not SECRET_LENGTH <= len(content) <= _LONGEST_SECRET:
        raise ConfigError(
            [
                f"instance.secret_file: {path} holds {len(content)} bytes, not {SECRET_LENGTH} to {_LONGEST_SECRET}"
            ]
        )
    return content


def _make_secret(path: Path) -> bytes:
    """Written whole under another name first, so that nobody ever reads half a secret."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    content = secrets.token_hex(SECRET_LENGTH).encode()
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:  # another process was first
            return instance_secret(path, lambda: False)
        finally:
            with suppress(OSError):
                draft.unlink()
    except OSError as error:
        raise ConfigError([f"instance.secret_file: {path} cannot be written: {error.strerror}"]) from None
    return content
