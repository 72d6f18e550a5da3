"""What clinicians read of the synthetic people, a file per rule, for a clinician to read through.

    python -m tests.wording.snapshots

writes them again after a change of the wording; the difference is then reviewed like any other.
"""

from collections.abc import Iterator
from pathlib import Path

from service import wording
from service.assess import assess
from service.demo.population import Expected, base_day, expected, folder
from service.knowledge import knowledge, load_policy
from service.model.assessment import Assessment
from service.record.bundle import read_bundle
from service.record.group import group

FOLDER = Path(__file__).parent / "snapshots"
_RULE = "-" * 80


def answers() -> Iterator[tuple[Expected, Assessment]]:
    """Each person with what is said of them on the base day."""
    policy = load_policy("us")
    for person in expected():
        file = folder() / person.file
        (record,) = group(read_bundle(file.read_bytes(), file=file.name).entries)
        yield person, assess(record, policy, knowledge(), base_day())


def snapshots() -> dict[str, str]:
    """File name → text: by rule, the people whose most pressing finding it is."""
    found: dict[str, list[str]] = {}
    for person, answer in answers():
        if answer.findings:
            found.setdefault(f"{answer.findings[0].rule}.txt", []).append(_told(person, answer))
    return {name: f"\n{_RULE}\n\n".join(texts) for name, texts in sorted(found.items())}


def _told(person: Expected, answer: Assessment) -> str:
    reasons = [f"{each.rule} {each.priority.word}: {wording.reason(each)}" for each in answer.findings]
    lines = [
        Path(person.file).stem, person.why, "", "Description", wording.description(answer), "", "Reasons",
        *reasons, "", "Note", wording.note(answer),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def write() -> None:
    for file in FOLDER.glob("*.txt"):
        file.unlink()
    for name, text in snapshots().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
