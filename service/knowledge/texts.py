"""What the rules and suppressions are called and say, with their citations."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from service.knowledge.table import KnowledgeError

Mark = Literal["guideline", "project"]
"""`guideline`: the number, or the direction, stands in a named text; `project`: our own choice."""

MARKS: tuple[Mark, ...] = ("guideline", "project")


@dataclass(frozen=True, slots=True)
class RuleText:
    id: str
    title: str
    actions: tuple[str, ...]  # what a clinician may do, in order
    citations: tuple[str, ...]
    mark: Mark
    mark_note: str  # which part is whose
    variants: Mapping[str, str]  # R04a → "stopped by the newest order"; empty for most rules


@dataclass(frozen=True, slots=True)
class SuppressionText:
    id: str
    title: str
    text: str
    citations: tuple[str, ...]
    mark: Mark


class Texts:
    """The texts of rules.toml.  An unknown id raises KeyError, an unusable file KnowledgeError."""

    __slots__ = ("rules", "suppressions")

    rules: Mapping[str, RuleText]
    suppressions: Mapping[str, SuppressionText]

    def __init__(self, file: str, text: str) -> None:
        try:
            tree = tomllib.loads(text)
        except tomllib.TOMLDecodeError as problem:
            raise KnowledgeError(f"{file}: {problem}") from problem
        self.rules = {id_: _rule(_Entry(file, id_, entry)) for id_, entry in _section(file, tree, "rules")}
        self.suppressions = {
            id_: _suppression(_Entry(file, id_, entry)) for id_, entry in _section(file, tree, "suppressions")
        }

    def rule(self, rule_id: str) -> RuleText:
        return self.rules[rule_id]

    def suppression(self, suppression_id: str) -> SuppressionText:
        return self.suppressions[suppression_id]


@dataclass(frozen=True, slots=True)
class _Entry:
    file: str
    id: str
    values: Mapping[str, object]

    def error(self, what: str) -> KnowledgeError:
        return KnowledgeError(f"{self.file}:{self.id}: {what}")

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"{key} is missing")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
            raise self.error(f"{key} is missing")
        return tuple(value)

    def mark(self) -> Mark:
        for mark in MARKS:
            if self.values.get("mark") == mark:
                return mark
        raise self.error(f"mark is not one of {', '.join(MARKS)}")

    def variants(self) -> dict[str, str]:
        value = self.values.get("variants", {})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise self.error("variants is not a table of texts")
        return value


def _section(file: str, tree: Mapping[str, object], name: str) -> list[tuple[str, dict[str, object]]]:
    section = tree.get(name)
    if not isinstance(section, dict) or not all(isinstance(entry, dict) for entry in section.values()):
        raise KnowledgeError(f"{file}:{name}: is not a table of texts")
    return list(section.items())


def _rule(entry: _Entry) -> RuleText:
    return RuleText(
        id=entry.id,
        title=entry.text("title"),
        actions=entry.texts("actions"),
        citations=entry.texts("citations"),
        mark=entry.mark(),
        mark_note=entry.text("mark_note"),
        variants=entry.variants(),
    )


def _suppression(entry: _Entry) -> SuppressionText:
    return SuppressionText(
        id=entry.id,
        title=entry.text("title"),
        text=entry.text("text"),
        citations=entry.texts("citations"),
        mark=entry.mark(),
    )
