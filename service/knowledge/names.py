"""Finding the names of drugs in a text, as whole words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A name in a text: `text[start:end]` as it is written there, `name` as `fold_name` spells it."""

    start: int
    end: int
    name: str


class NameFinder:
    """Finds any of some names in a text: whole words, any case, the longest of those that begin at a place.

    A word goes on while a letter, a digit or `_` follows, in any script: `diazepam` is not in
    `nordiazepam`, `diazepam5` or `diazepamä`, but it is in `diazepam-ratiopharm`.  White space of any
    length may stand between the words of a name.
    """

    __slots__ = ("_pattern",)

    def __init__(self, names: Iterable[str]) -> None:
        spellings = sorted({fold_name(name) for name in names}, key=lambda name: (-len(name), name))
        alternatives = "|".join(r"[\s\xa0]+".join(map(re.escape, name.split(" "))) for name in spellings)
        # ASCII case folding: otherwise i, k and s also match letters that lower() does not take back to them.
        self._pattern = re.compile(rf"(?<!\w)(?ai:{alternatives})(?!\w)" if spellings else r"(?!)")

    def find(self, text: str) -> tuple[NameMatch, ...]:
        """The names in `text`, in their order; they never overlap."""
        return tuple(
            NameMatch(match.start(), match.end(), fold_name(match[0]))
            for match in self._pattern.finditer(text)
        )


def fold_name(name: str) -> str:
    """`name` in lower case, its words one space apart."""
    return " ".join(name.lower().split())
