"""What holds for every command: exit codes, JSON alone on stdout, no traceback."""

import json

import pytest

from tests.cli.command import process, reviewdue

COMMANDS = [
    ["demo"], ["assess"], ["explain"], ["cycle"], ["worker"], ["web"], ["run"], ["release"], ["items"], ["item"],
    ["quarantine", "list"], ["quarantine", "retry"], ["reconcile"], ["refresh"], ["db", "upgrade"], ["db", "check"],
    ["policy", "show"], ["policy", "check"], ["config", "check"], ["withdraw"], ["verify"], ["audit", "export"],
    ["quarantine", "accept"],
]  # fmt: skip
NEED_A_SOURCE = [
    ["cycle"], ["worker"], ["run"], ["release", "on"], ["quarantine", "retry"], ["reconcile"], ["refresh", "p1"],
    ["withdraw", "--reason", "x"], ["quarantine", "accept", "MedicationRequest/x"],
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_takes_config_json_and_debug(tmp_path, words):
    told = reviewdue(tmp_path, *words, "--help")
    assert told.code == 0
    assert [option for option in ("--config", "--json", "--debug") if option not in told.out] == []


def test_the_version_is_printed(tmp_path):
    assert reviewdue(tmp_path, "--version").out.startswith("reviewdue ")


@pytest.mark.parametrize(
    "words", [["nonsense"], ["items", "--nonsense"], ["items", "--state", "lost"], ["item"]]
)
def test_a_wrong_command_line_is_exit_2(tmp_path, words):
    ended = reviewdue(tmp_path, *words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err


@pytest.mark.parametrize("words", NEED_A_SOURCE, ids=" ".join)
def test_without_a_source_what_needs_one_is_exit_2(tmp_path, words):
    ended = reviewdue(tmp_path, *words)
    assert ended.code == 2
    assert ended.problems[-1].startswith("source: no source is configured")


def test_wrong_settings_are_exit_2_with_a_line_each(tmp_path):
    (tmp_path / "reviewdue.toml").write_text(
        "[web]\nport = 99999\n[log]\nlevel = 'loud'\n[nonsense]\na = 1\n"
    )
    ended = reviewdue(tmp_path, "items")
    assert (ended.code, ended.out) == (2, "")
    assert sorted(line.partition(":")[0] for line in ended.problems) == ["log.level", "nonsense", "web.port"]


def test_a_settings_file_that_is_not_there_is_exit_2(tmp_path):
    ended = reviewdue(tmp_path, "items", "--config", "elsewhere.toml")
    assert ended.code == 2
    assert "elsewhere.toml" in ended.err


def test_a_database_of_another_program_is_exit_2_and_is_left_alone(tmp_path):
    file = tmp_path / "reviewdue.db"
    file.write_bytes(b"this is not a database at all, but some text" * 100)
    before = file.read_bytes()
    ended = reviewdue(tmp_path, "items")
    assert ended.code in (2, 3)
    assert len(ended.problems) == 1
    assert file.read_bytes() == before


def test_a_database_that_does_not_answer_is_exit_3(tmp_path):
    url = "postgresql+psycopg://nobody:very-secret@127.0.0.1:9/none"
    ended = reviewdue(tmp_path, "items", environment={"REVIEWDUE_DATABASE__URL": url})
    assert (ended.code, ended.out, len(ended.problems)) == (3, "", 1)
    assert "very-secret" not in ended.err


def test_a_traceback_is_shown_on_demand_only(tmp_path):
    quiet, loud = process(tmp_path, "cycle"), process(tmp_path, "cycle", "--debug")
    assert quiet.code == 2
    assert "Traceback" not in quiet.err
    assert "Traceback" in loud.err


def test_the_process_exits_as_the_command_does(tmp_path):
    assert process(tmp_path, "--version").code == 0
    assert process(tmp_path, "items", "--nonsense").code == 2
    assert process(tmp_path, "items", environment={"REVIEWDUE_NONSENSE": "1"}).code == 2
    assert process(tmp_path, "items", "--json") == process(tmp_path, "items", "--json")


@pytest.mark.parametrize(
    "words",
    [
        ["items"],
        ["quarantine", "list"],
        ["audit", "export"],
        ["policy", "show"],
        ["config", "check"],
        ["db", "upgrade"],
    ],
    ids=" ".join,
)
def test_json_is_alone_on_stdout(tmp_path, words):
    ended = reviewdue(tmp_path, *words, "--json")
    assert ended.code == 0
    assert all(isinstance(document, dict) for document in ended.documents)


def test_policy_show_gives_every_threshold_its_source_and_mark(tmp_path):
    (shown,) = reviewdue(tmp_path, "policy", "show", "--policy", "uk", "--json").documents
    assert shown["policy"].startswith("uk@")
    assert all(each["source"] and each["mark"] in ("guideline", "project") for each in shown["thresholds"])


def test_config_check_says_where_a_value_comes_from_and_masks_secrets(tmp_path):
    (tmp_path / "token").write_text("sesame-open\n")
    (tmp_path / "reviewdue.toml").write_text(
        "[database]\nurl = 'postgresql+psycopg://us:sesame-db@127.0.0.1/x'\n"
        "[source.main]\nbase_url = 'https://ehr.example/fhir'\nauth = { method = 'bearer', token_file = 'token' }\n"
    )
    ended = reviewdue(
        tmp_path, "config", "check", "--json", environment={"REVIEWDUE_SOURCE__MAIN__PAGE_SIZE": "50"}
    )
    (shown,) = ended.documents
    assert shown["source.main.page_size"] == {"value": "50", "from": "REVIEWDUE_SOURCE__MAIN__PAGE_SIZE"}
    assert shown["source.main.base_url"]["from"] == "reviewdue.toml"
    assert shown["source.main.write"] == {"value": "never", "from": "default"}
    assert "sesame" not in ended.out + ended.err


def test_db_check_creates_nothing_and_says_so(tmp_path):
    assert reviewdue(tmp_path, "db", "check").code == 2
    assert list(tmp_path.iterdir()) == []
    reviewdue(tmp_path, "db", "upgrade")
    assert json.loads(reviewdue(tmp_path, "db", "check", "--json").out) == {
        "ok": True,
        "empty": True,
        "problems": [],
    }
