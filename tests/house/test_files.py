"""House rules that hold for whole files: lengths, links, reasons, nothing of one machine."""

import re
from pathlib import PurePosixPath

import pytest

from tests.house.tree import ROOT, texts

LONGEST_MODULE_LINES = 400
LONGEST_README_LINES = 120

REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("repo1", "maven", "org"),
        ("repo", "maven", "apache"), ("deb", "debian", "org"), ("archive", "ubuntu", "com"), ("docker", "io"),
        ("ghcr", "io"), ("quay", "io"), ("gcr", "io"), ("anaconda", "org"), ("crates", "io"),
        ("proxy", "golang", "org"),
    )
]  # fmt: skip
MACHINE_PATH = re.compile(r"(?<![\w./:~$}-])/(?:root|work|home|farm|Users)/")

# A suppression names its rule and then says why, in words.
SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore|pyright:\s*ignore)(.*)")
REASONED = re.compile(r"^(?:: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*|\[[a-z-]+(?:, ?[a-z-]+)*\])\W+\w+\W+\w+")

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def links(path: str) -> set[str]:
    """Paths from the root that a Markdown page links to; links to other sites are left out."""
    folder = (ROOT / path).parent
    return {
        (folder / target).resolve().relative_to(ROOT).as_posix()
        for target in LINK.findall(texts()[path])
        if "://" not in target and not target.startswith("mailto:")
    }


def test_no_module_is_too_long_to_be_read_in_one_sitting():
    lengths = {path: len(text.splitlines()) for path, text in texts().items() if _is_module(path)}
    assert {path: n for path, n in lengths.items() if n > LONGEST_MODULE_LINES} == {}


def test_the_readme_is_short():
    assert 20 < len(texts()["README.md"].splitlines()) <= LONGEST_README_LINES


def test_every_suppression_says_why():
    found = [
        f"{path}:{number} {line.strip()}"
        for path, text in texts().items()
        if path.endswith(".py")
        for number, line in enumerate(text.splitlines(), 1)
        if has_bare_suppression(line)
    ]
    assert found == []


def has_bare_suppression(line: str) -> bool:
    """Whether the line switches a check off without naming the rule and a reason of two words."""
    found = SUPPRESSION.search(line)
    return bool(found) and not REASONED.match(found.group(1))


@pytest.mark.parametrize("tail", ["noqa", "noqa: S608", "type: ignore", "type: ignore[arg-type]"])
def test_a_bare_suppression_is_found(tail):
    assert has_bare_suppression(f"call()  # {tail}")


@pytest.mark.parametrize(
    "tail",
    [
        "noqa: S608 (the table name is ours)",
        "noqa: S608, E501 the name is ours",
        "type: ignore[misc]  # stub lacks it",
    ],
)
def test_a_suppression_with_rule_and_reason_passes(tail):
    assert not has_bare_suppression(f"call()  # {tail}")


def test_no_file_names_a_package_registry():
    assert [
        f"{path}: {host}" for path, text in texts().items() for host in REGISTRY_HOSTS if host in text
    ] == []


def test_no_file_names_a_path_of_one_machine():
    found = [
        f"{path}:{number} {line.strip()[:80]}"
        for path, text in texts().items()
        if MACHINE_PATH.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("text", ["open('{}x/y')", "HOME={}a/b", "see {}a."])
def test_a_path_of_one_machine_is_found(text):
    assert MACHINE_PATH.search(text.format("/hom" + "e/"))
    assert not MACHINE_PATH.search(text.format("https://ehr.example/work/"))


def test_every_link_between_our_pages_leads_somewhere():
    broken = [
        f"{path} -> {target}"
        for path in texts()
        if path.endswith(".md")
        for target in links(path)
        if not (ROOT / target).exists()
    ]
    assert broken == []


def test_every_page_of_docs_is_in_an_index():
    pages = {path for path in texts() if path.startswith("docs/") and path.endswith(".md")}
    linked = set().union(*(links(path) for path in pages if PurePosixPath(path).name == "README.md"))
    assert pages - linked == {"docs/README.md"}


def test_every_decision_has_context_decision_and_consequences():
    found = {
        path: [
            heading
            for heading in ("# ", "## Context", "## Decision", "## Consequences")
            if heading not in text
        ]
        for path, text in texts().items()
        if re.match(r"docs/adr/\d{4}-", path)
    }
    assert len(found) > 5
    assert {path: missing for path, missing in found.items() if missing} == {}


def _is_module(path: str) -> bool:
    return path.startswith("service/") and path.endswith(".py")
