"""Settings: all of them, every problem at once, and where each value came from (interfaces.md).

Order: command line, then environment (`REVIEWDUE_SOURCE__MAIN__BASE_URL`), then file, then default.
"""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

PREFIX = "REVIEWDUE_"
DEFAULT_FILE = "reviewdue.toml"
_SECRETS = ("token", "password", "secret")


class ConfigError(Exception):
    """One or more settings are wrong; `problems` has one line each, beginning with the dotted key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


Seconds = Annotated[float, Field(gt=0, le=86_400)]


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("must be an http(s) URL with a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold no user, password, query or fragment")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError("http:// is allowed on loopback only; use https://")
    return value.rstrip("/")


def _timezone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"unknown time zone {value!r}")
    ZoneInfo(value)
    return value


def _database_url(value: str) -> str:
    scheme = value.partition(":")[0]
    if scheme not in ("sqlite", "postgresql+psycopg"):
        raise ValueError(f"unknown scheme {scheme!r}; sqlite or postgresql+psycopg")
    return value


class Instance(_Section):
    secret_file: Path = Path("reviewdue.secret")


class Database(_Section):
    url: Annotated[str, AfterValidator(_database_url)] = "sqlite:///reviewdue.db"


class Web(_Section):
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080


class LogSettings(_Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class PolicySettings(_Section):
    name: str = "us"


class NoAuth(_Section):
    method: Literal["none"] = "none"


class BearerAuth(_Section):
    method: Literal["bearer"]
    token_file: Path


AUTH_METHODS = ("none", "bearer")


def _auth_method(value: Any) -> str | None:
    method = value.get("method") if isinstance(value, dict) else getattr(value, "method", None)
    return method if method in AUTH_METHODS else None


Auth = Annotated[
    Annotated[NoAuth, Tag("none")] | Annotated[BearerAuth, Tag("bearer")],
    Discriminator(
        _auth_method,
        custom_error_type="auth_method",
        custom_error_message=f"method must be one of {', '.join(AUTH_METHODS)} in this version",
    ),
]


class SourceSettings(_Section):
    """One EHR endpoint: the table `[source.<id>]`."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
    base_url: Annotated[str, AfterValidator(_base_url)]
    profile: Literal["auto", "generic", "hapi"] = "auto"
    timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    write: Literal["never", "allowed"] = "never"
    population: Literal["auto", "sweep"] = "auto"
    channels: tuple[Literal["task", "worklist"], ...] = ("task", "worklist")
    auth: Auth = NoAuth()
    requester: str = ""
    pool: str = ""
    last_updated_is_stop: bool = True
    item_system: Annotated[str, Field(min_length=3)] = "urn:reviewdue:item"
    poll_seconds: Seconds = 300
    overlap_seconds: Annotated[float, Field(ge=0, le=86_400)] = 600
    full_sweep_hours: Annotated[float, Field(gt=0, le=24 * 31)] = 24
    max_age_days: Annotated[float, Field(gt=0, le=90)] = 7
    rate_per_second: Annotated[float, Field(gt=0, le=1000)] = 2.0
    concurrency: Annotated[int, Field(ge=1, le=32)] = 4
    page_size: Annotated[int, Field(ge=1, le=1000)] = 200
    deadline_seconds: Seconds = 30
    settle_seconds: Annotated[float, Field(ge=0, le=86_400)] = 150
    index_lag_seconds: Annotated[float, Field(ge=0, le=3_600)] = 10
    retry_base_seconds: Seconds = 60
    breaker_probe_seconds: Seconds = 60
    stale_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 15
    lease_seconds: Seconds = 120
    new_per_owner_per_day: Annotated[int, Field(ge=0, le=100_000)] = 5
    new_per_source_per_day: Annotated[int, Field(ge=0, le=1_000_000)] = 100


class Settings(_Section):
    """Everything that can be set."""

    instance: Instance = Instance()
    database: Database = Database()
    web: Web = Web()
    log: LogSettings = LogSettings()
    policy: PolicySettings = PolicySettings()
    source: Mapping[str, SourceSettings] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and for each dotted key that was set where it was."""

    settings: Settings
    origin: Mapping[str, str]  # "source.main.base_url" → "reviewdue.toml" or "REVIEWDUE_…"

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Each setting: dotted key, value (secrets masked), where it came from."""
        for key, value in _flat(self.settings.model_dump(mode="json")):
            if key.endswith(".id"):
                continue
            secret = any(word in key.rpartition(".")[2] for word in _SECRETS) and not key.endswith("_file")
            yield key, "****" if secret else _shown(value), self.origin.get(key, "default")


def load(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Loaded:
    """Read, overlay and check; raises ConfigError with every problem."""
    environment = os.environ if environment is None else environment
    problems: list[str] = []
    origin: dict[str, str] = {}
    tree = _from_file(_which_file(file, environment), origin, problems)
    _overlay(tree, environment, origin, problems)
    for key, value in (overrides or {}).items():
        _put(tree, key.split("."), value)
        origin[key] = "command line"
    _name_sources(tree)
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        raise ConfigError([*problems, *_problems(error)]) from None
    problems.extend(_relations(settings))
    if problems:
        raise ConfigError(problems)
    return Loaded(settings, origin)


# -- reading -----------------------------------------------------------------------------------


def _which_file(file: Path | None, environment: Mapping[str, str]) -> Path | None:
    if file is not None:
        return file
    if named := environment.get(f"{PREFIX}CONFIG"):
        return Path(named)
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).exists() else None


def _from_file(file: Path | None, origin: dict[str, str], problems: list[str]) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"config: {file}: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"config: {file}: {error}"]) from None
    for key, _ in _flat(tree):
        origin[key] = str(file)
    if not isinstance(tree.get("source", {}), dict):
        problems.append("source: must hold one table per source, [source.<id>]")
        tree.pop("source")
    return tree


def _overlay(
    tree: dict[str, Any], environment: Mapping[str, str], origin: dict[str, str], problems: list[str]
) -> None:
    ids = {name.upper(): name for name in tree.get("source", {})}
    for name in sorted(environment):
        if not name.startswith(PREFIX) or name == f"{PREFIX}CONFIG":
            continue
        path = name.removeprefix(PREFIX).split("__")
        if len(path) < 2 or not all(path):
            problems.append(f"{name}: not a setting; write {PREFIX}<SECTION>__<KEY>")
            continue
        keys = [part.lower() for part in path]
        if keys[0] == "source" and len(keys) > 1:
            keys[1] = ids.get(path[1].upper(), keys[1])
        key = ".".join(keys)
        _put(tree, keys, _typed(environment[name], keys[-1]))
        origin[key] = name


def _typed(text: str, key: str) -> object:
    """Text from the environment: lists are written with commas; pydantic reads numbers and booleans."""
    field = SourceSettings.model_fields.get(key)
    if field is not None and "tuple" in str(field.annotation):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _put(tree: dict[str, Any], path: list[str], value: object) -> None:
    for part in path[:-1]:
        below = tree.get(part)
        if not isinstance(below, dict):
            below = tree[part] = {}
        tree = below
    tree[path[-1]] = value


def _name_sources(tree: dict[str, Any]) -> None:
    for name, source in tree.get("source", {}).items():
        if isinstance(source, dict):
            source.setdefault("id", name)


# -- problems ----------------------------------------------------------------------------------


def _problems(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False):
        path = [str(part) for part in each["loc"] if str(part) not in AUTH_METHODS]
        key = ".".join(path)
        if path[-1:] == ["id"]:
            key = ".".join(path[:-1])
        yield f"{key}: {_words(each, path)}"


def _words(error: Any, path: list[str]) -> str:
    kind = error["type"]
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(path[-1], _known(path), n=1)
        return "unknown setting" + (f"; did you mean {near[0]}?" if near else "")
    text = str(error["msg"]).removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _known(path: list[str]) -> list[str]:
    if path[0] == "source" and len(path) == 3:
        return list(SourceSettings.model_fields)
    if len(path) == 1:
        return list(Settings.model_fields)
    section = Settings.model_fields.get(path[0])
    kind = section.annotation if section else None
    return list(getattr(kind, "model_fields", ())) or [str(arg) for arg in get_args(kind)]


def _relations(settings: Settings) -> Iterator[str]:
    for name, source in settings.source.items():
        needed = source.deadline_seconds + min(10.0, source.lease_seconds / 10)
        if source.lease_seconds <= needed:
            yield (
                f"source.{name}.lease_seconds: must be longer than deadline_seconds"
                f" and min(10, a tenth of itself) together ({needed:g})"
            )


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{key}.")
        elif not isinstance(value, Mapping):
            yield key, value


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    return str(value)
