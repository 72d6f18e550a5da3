"""Reading settings: command line, then environment, then file, then default; and where each came from."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from service.config.later import later
from service.config.problems import ConfigError, invalid, leases
from service.config.settings import Pilot, Settings, SourceSettings
from service.knowledge.policy_file import PolicyError, load_policy

PREFIX = "REVIEWDUE_"
DEFAULT_FILE = "reviewdue.toml"
_LARGEST_FILE = 1 << 20  # bytes
_DEEPEST = 4  # parts of a dotted key: source.main.pilot.owners
_PASSWORD = re.compile(
    r"(://[^/@:]*:)[^@]*(@)|([?&][^=&]*(?:password|secret|token)[^=&]*=)[^&]*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and for each dotted key that was set where it was."""

    settings: Settings
    origin: Mapping[str, str]  # "source.main.base_url" → "reviewdue.toml" or "REVIEWDUE_…"

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Each setting: dotted key, value (secrets masked), where it came from."""
        for key, value in _flat(self.settings.model_dump(mode="json")):
            if not (key.startswith("source.") and key.endswith(".id")):
                yield key, _shown(key, value), self.origin.get(key, "default")


def load(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Loaded:
    """Read, overlay and check; raises ConfigError with every problem."""
    environment = os.environ if environment is None else environment
    problems: list[str] = []
    origin: dict[str, str] = {}
    tree = _from_file(_which_file(file, environment), origin)
    _overlay(tree, environment, origin, problems)
    for key, value in (overrides or {}).items():
        _put(tree, key.split("."), value)
        origin[key] = "command line"
    problems += later(tree)
    if not isinstance(tree.get("source", {}), dict):
        problems.append("source: must hold one table for each source, [source.<id>]")
        del tree["source"]
    for name, source in tree.get("source", {}).items():
        if isinstance(source, dict):
            source["id"] = name
    problems += leases(tree)
    problems += _policy(tree)
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        raise ConfigError([*problems, *invalid(error)]) from None
    if problems:
        raise ConfigError(problems)
    return Loaded(settings, origin)


def _which_file(file: Path | None, environment: Mapping[str, str]) -> Path | None:
    if file is not None:
        return file
    if named := environment.get(f"{PREFIX}CONFIG"):
        return Path(named)
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).exists() else None


def _from_file(file: Path | None, origin: dict[str, str]) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError([f"config: {file}: {error.strerror}"]) from None
    if len(content) > _LARGEST_FILE:
        raise ConfigError([f"config: {file}: is larger than {_LARGEST_FILE} bytes"])
    try:
        tree = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError([f"config: {file}: is not TOML: {error}"]) from None
    origin.update((key, str(file)) for key, _ in _flat(tree))
    return tree


def _overlay(
    tree: dict[str, Any], environment: Mapping[str, str], origin: dict[str, str], problems: list[str]
) -> None:
    sources = tree.get("source", {})
    ids = {_variable(name): name for name in sources} if isinstance(sources, dict) else {}
    for name in sorted(environment):
        if not name.startswith(PREFIX) or name == f"{PREFIX}CONFIG":
            continue
        path = name.removeprefix(PREFIX).split("__")
        keys = [part.lower() for part in path]
        if keys[0] == "source" and len(keys) > 1:
            keys[1] = ids.get(path[1].upper(), keys[1])
        key = ".".join(keys)
        if not 1 < len(path) <= _DEEPEST or not all(path):
            problems.append(f"{key}: unknown setting (from {name})")
            continue
        _put(tree, keys, _typed(environment[name], keys[-1]))
        origin[key] = name


def _variable(source_id: str) -> str:
    """How a source's id is written in the name of a variable, which has no dashes."""
    return source_id.upper().replace("-", "_")


def _typed(text: str, key: str) -> object:
    """Text from the environment: lists are written with commas; pydantic reads numbers and booleans."""
    field = {**SourceSettings.model_fields, **Pilot.model_fields}.get(key)
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


def _policy(tree: Mapping[str, Any]) -> list[str]:
    section = tree.get("policy")
    name = section.get("name") if isinstance(section, dict) else None
    if not isinstance(name, str) or not name:
        return []  # the default, or wrong in itself
    try:
        load_policy(name)
    except PolicyError as error:
        return [f"policy.name: {problem}" for problem in error.problems]
    return []


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{key}.")
        elif not isinstance(value, Mapping):
            yield key, value


def _shown(key: str, value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    return _PASSWORD.sub(_masked, str(value)) if key == "database.url" else str(value)


def _masked(found: re.Match[str]) -> str:
    return f"{found[1]}****{found[2]}" if found[1] else f"{found[3]}****"
