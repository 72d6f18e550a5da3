"""What is wrong with settings, one line each: the dotted key first, and no other key named."""

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from service.config.later import AUTH_METHODS
from service.config.settings import Seconds, SourceSettings


class ConfigError(Exception):
    """One or more settings are wrong; `problems` has one line each, beginning with the dotted key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def invalid(error: ValidationError) -> Iterator[str]:
    """A line for each key whose value is missing, unknown or out of bounds."""
    told: set[str] = set()
    for each in error.errors(include_url=False):
        path = [str(part) for part in each["loc"]]
        if path[0] == "source" and path[2:3] == ["auth"] and path[3:4] and path[3] in AUTH_METHODS:
            del path[3]  # pydantic names the variant too
        if path[0] == "source" and path[-1] == "id":
            path.pop()
        if each["type"] == "auth_method":
            path.append("method")
        while len(path) > 3 and path[-1].isdecimal():  # an entry of a list
            path.pop()
        key = ".".join(path)
        if key not in told:  # a list is judged entry by entry, and as a whole
            told.add(key)
            yield f"{key}: {_words(each)}"


def _words(each: Any) -> str:
    match each["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "unknown setting"
        case "auth_method":
            return f"must be one of {', '.join(AUTH_METHODS)}"
        case "string_pattern_mismatch":
            return "must be letters, digits, - and _, at most 40"
        case "model_type" | "model_attributes_type" | "mapping_type" | "dict_type":
            return "must be a table"
        case _:
            text = str(each["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
            return text[:1].lower() + text[1:]


def leases(tree: dict[str, Any]) -> Iterator[str]:
    """A source's lease must outlast a request and its margin (interfaces.md), else nothing is ever sent."""
    sources = tree.get("source")
    for name, source in sources.items() if isinstance(sources, dict) else ():
        if not isinstance(source, dict):
            continue
        lease = _seconds(source, "lease_seconds")
        deadline = _seconds(source, "deadline_seconds")
        if lease is None or deadline is None:
            continue
        needed = deadline + min(10.0, lease / 10)
        if lease <= needed:
            yield (
                f"source.{name}.lease_seconds: must be above {needed:g}: the deadline of a request, and"
                " 10 s or a tenth of itself, whichever is less"
            )


def _seconds(source: dict[str, Any], key: str) -> float | None:
    """The value as it will count; None where it is wrong by itself."""
    try:
        found: float = TypeAdapter(Seconds).validate_python(
            source.get(key, SourceSettings.model_fields[key].default)
        )
    except ValidationError:
        return None
    return found
