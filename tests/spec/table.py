"""The tables of tests/spec: text files that a clinician can read, one section per clause of the specification.

    == Title of the section
    clause: exposure.md §5
    In plain words what the clause says.  {episode.gap} stands for a number of the policy.
    with: diazepam 10 mg @0 100d                  (told in every row of the section, before what the row tells)
    policy: uk                                    (else us)
    case | told | day | expected
    a gap of 30 days joins | diazepam 10 mg @0 28d; diazepam 10 mg @58 28d | 60 | episode 0..86

Lines that begin with `#` are remarks.  How to tell a record is said in `told.py`, what may be expected in `said.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
COLUMNS = ("case", "told", "day", "expected")
PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_.]+)\}")


@dataclass(frozen=True)
class Row:
    """One case: a record, the day on which it is asked about, and what must come out."""

    case: str
    told: str  # what the row itself tells, without that of its section
    day: str
    expected: str
    place: str  # file and line


@dataclass
class Section:
    """The cases of one clause."""

    title: str
    clause: str = ""
    words: list[str] = field(default_factory=list)
    given: str = ""
    policy: str = "us"
    rows: list[Row] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(self.words)

    @property
    def numbers(self) -> list[str]:
        """The names of the policy's numbers in the text, each once."""
        return list(dict.fromkeys(PLACEHOLDER.findall(self.text)))

    def record(self, row: Row) -> str:
        """All that is told of the patient in a row."""
        return "; ".join(part for part in (self.given, row.told) if part)


def sections(folder: str) -> list[Section]:
    """The sections of all tables of a folder, in order of file and line."""
    return [each for file in sorted((HERE / folder).glob("*.txt")) for each in read_table(file)]


def read_table(file: Path) -> Iterator[Section]:
    section: Section | None = None
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        place = f"{file.parent.name}/{file.name}:{number}"
        if line.startswith("== "):
            if section is not None:
                yield section
            section = Section(line[3:].strip())
        elif line.strip() and not line.startswith("#"):
            if section is None:
                raise ValueError(f"{place}: before the first section")
            _add(section, line.strip(), place)
    if section is not None:
        yield section


def _add(section: Section, line: str, place: str) -> None:
    key, colon, value = line.partition(": ")
    if colon and key in ("clause", "with", "policy"):
        setattr(section, {"with": "given"}.get(key, key), value.strip())
        return
    cells = [cell.strip() for cell in line.split("|")]
    if tuple(cells) == COLUMNS:
        return
    if len(cells) == len(COLUMNS):
        section.rows.append(Row(*cells, place=place))
    elif len(cells) == 1 and not section.rows:
        section.words.append(line)
    else:
        raise ValueError(f"{place}: {len(cells)} cells, not {len(COLUMNS)}")
