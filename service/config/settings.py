"""Everything that can be set in this version, with its default and its bounds (interfaces.md)."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from service.config.later import AUTH_METHODS

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_DATABASES = ("sqlite", "postgresql", "postgresql+psycopg")
_IDENTIFIER_SYSTEM = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s|,$\\]+")


class Section(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("must be an https:// address with a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold no credentials, query or fragment")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("http:// is allowed on loopback only; use https://")
    return value.rstrip("/")


def _timezone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"there is no time zone {value[:60]!r}")
    return value


def _database_url(value: str) -> str:
    scheme, colon, _ = value.partition(":")
    if not colon:
        raise ValueError("must be an address such as sqlite:///reviewdue.db")
    if scheme not in _DATABASES:
        raise ValueError(f"unknown scheme {scheme[:40]!r}; sqlite or postgresql+psycopg")
    return value


def _readable(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    if not os.access(path, os.R_OK):
        raise ValueError(f"{path} may not be read")
    return path


def _item_system(value: str) -> str:
    if not _IDENTIFIER_SYSTEM.fullmatch(value):
        raise ValueError("must be a URI without spaces, commas, | and $")
    return value


def _token(value: str) -> str:
    """`system|code`, a code of any system, or `system|`."""
    if not value.strip("|") or value.count("|") > 1 or value.startswith("|"):
        raise ValueError("must be a list of system|code, of codes, or of system|")
    return value


def _reference(*kinds: str) -> AfterValidator:
    """An empty text, or a relative reference to one of these types."""
    pattern = re.compile(rf"(?:{'|'.join(kinds)})/[A-Za-z0-9.-]{{1,64}}")

    def check(value: str) -> str:
        if value and not pattern.fullmatch(value):
            raise ValueError(f"must be a reference such as {kinds[0]}/1 ({', '.join(kinds)})")
        return value

    return AfterValidator(check)


_Float = Annotated[float, BeforeValidator(_no_boolean)]
_Int = Annotated[int, BeforeValidator(_no_boolean)]
Seconds = Annotated[_Float, Field(gt=0, le=86_400)]


class Instance(Section):
    secret_file: Path = Path("reviewdue.secret")


class Database(Section):
    url: Annotated[str, AfterValidator(_database_url)] = "sqlite:///reviewdue.db"


class Web(Section):
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[_Int, Field(ge=0, le=65_535)] = 8080


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class PolicySettings(Section):
    name: Annotated[str, Field(min_length=1)] = "us"


class NoAuth(Section):
    method: Literal["none"] = "none"


class BearerAuth(Section):
    method: Literal["bearer"]
    token_file: Annotated[Path, AfterValidator(_readable)]


def _auth_method(value: Any) -> str | None:
    method = value.get("method") if isinstance(value, dict) else getattr(value, "method", None)
    return method if method in AUTH_METHODS else None


Auth = Annotated[
    Annotated[NoAuth, Tag("none")] | Annotated[BearerAuth, Tag("bearer")],
    Discriminator(_auth_method, custom_error_type="auth_method", custom_error_message="unknown"),
]


class Pilot(Section):
    """Whose patients get Tasks; empty: everybody's."""

    owners: tuple[
        Annotated[str, _reference("Practitioner", "PractitionerRole", "Organization", "Group")], ...
    ] = ()
    organizations: tuple[Annotated[str, _reference("Organization")], ...] = ()


class SourceSettings(Section):
    """One EHR endpoint: the table `[source.<id>]`."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
    base_url: Annotated[str, AfterValidator(_base_url)]
    profile: Literal["auto", "generic", "hapi"] = "auto"
    timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    write: Literal["never", "allowed"] = "never"
    population: Literal["auto", "sweep"] = "auto"
    channels: Annotated[tuple[Literal["task", "worklist"], ...], Field(min_length=1)] = ("task", "worklist")
    auth: Auth = NoAuth()
    requester: Annotated[str, _reference("Device", "Organization")] = ""
    pool: Annotated[str, _reference("Organization", "PractitionerRole", "Group")] = ""
    last_updated_is_stop: bool = True
    item_system: Annotated[str, AfterValidator(_item_system)] = "urn:reviewdue:item"
    poll_seconds: Seconds = 300
    overlap_seconds: Annotated[_Float, Field(ge=0, le=86_400)] = 600
    full_sweep_hours: Annotated[_Float, Field(gt=0, le=24 * 31)] = 24
    max_age_days: Annotated[_Float, Field(gt=0, le=90)] = 7
    rate_per_second: Annotated[_Float, Field(gt=0, le=1000)] = 2.0
    concurrency: Annotated[_Int, Field(ge=1, le=32)] = 4
    page_size: Annotated[_Int, Field(ge=1, le=1000)] = 200
    deadline_seconds: Seconds = 30
    settle_seconds: Annotated[_Float, Field(ge=0, le=86_400)] = 150
    index_lag_seconds: Annotated[_Float, Field(ge=0, le=3_600)] = 10
    retry_base_seconds: Seconds = 60
    breaker_probe_seconds: Seconds = 60
    stale_minutes: Annotated[_Float, Field(gt=0, le=24 * 60)] = 15
    lease_seconds: Seconds = 120
    new_per_owner_per_day: Annotated[_Int, Field(ge=0, le=100_000)] = 5
    new_per_source_per_day: Annotated[_Int, Field(ge=0, le=1_000_000)] = 100
    exclude_tags: tuple[Annotated[str, AfterValidator(_token)], ...] = ()
    exclude_identifiers: tuple[Annotated[str, AfterValidator(_token)], ...] = ()
    pilot: Pilot = Pilot()


class Settings(Section):
    """Everything that can be set."""

    instance: Instance = Instance()
    database: Database = Database()
    web: Web = Web()
    log: LogSettings = LogSettings()
    policy: PolicySettings = PolicySettings()
    source: Mapping[str, SourceSettings] = Field(default_factory=dict)
