"""Settings and values that this version does not have yet: said aloud, never silently ignored.

A key that is set to what this version does anyway (nobody frames us) is true as it stands, so it
passes and is left out.
"""

from collections.abc import Iterator
from typing import Any

AUTH_METHODS = ("none", "bearer")

_NOT_YET = "is not available in this version"
_NEVER = object()  # no value of it says what this version does

_WEB: dict[str, object] = {"public_url": "", "trusted_proxies": 0, "embed_origins": []}
_OPS: dict[str, object] = {"port": _NEVER, "tokens_file": _NEVER}
_SOURCE: dict[str, object] = {
    "evidence_link": "",
    "canary_patient": "",
    "display_days": _NEVER,
    "group": "",
}
_VALUES: dict[str, tuple[str, ...]] = {  # of source keys; the value stays to be judged as wrong
    "profile": ("medplum", "epic", "oracle", "azure", "openmrs"),
    "population": ("roster", "bulk"),
}
_METHODS = ("backend-services", "basic", "client-credentials")


def later(tree: dict[str, Any]) -> Iterator[str]:
    """A line for each setting of a later version; they are taken out of the tree."""
    yield from _take(tree.get("web"), "web", _WEB)
    yield from _take_table(tree, "ops", "ops", _OPS)
    sources = tree.get("source")
    for name, source in sources.items() if isinstance(sources, dict) else ():
        if not isinstance(source, dict):
            continue
        above = f"source.{name}"
        yield from _take(source, above, _SOURCE)
        for key, values in _VALUES.items():
            if source.get(key) in values:
                yield f"{above}.{key}: {source.pop(key)!r} {_NOT_YET}"
        auth = source.get("auth")
        if isinstance(auth, dict) and auth.get("method") in _METHODS:
            yield f"{above}.auth.method: {source.pop('auth')['method']!r} {_NOT_YET}"


def _take(table: object, above: str, keys: dict[str, object]) -> Iterator[str]:
    if not isinstance(table, dict):
        return
    for key, same in keys.items():
        if key in table and not _says(table.pop(key), same):
            yield f"{above}.{key}: {_NOT_YET}"


def _take_table(parent: dict[str, Any], name: str, above: str, keys: dict[str, object]) -> Iterator[str]:
    """The keys of a whole table of a later version; what else is in it stays, and is unknown."""
    table = parent.get(name)
    if not isinstance(table, dict):
        return
    yield from _take(table, above, keys)
    if not table:
        del parent[name]


def _says(value: object, same: object) -> bool:
    """Whether the value, which the environment gives as text, means `same`."""
    return same is not _NEVER and (value == same or (value == "" and same == []) or value == str(same))
