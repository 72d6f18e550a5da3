"""Settings: where they come from, and every problem at once."""

from pathlib import Path

import pytest

from service.config import ConfigError, load

EHR = "[source.main]\nbase_url = 'https://ehr.example/fhir'\n"


def loaded(tmp_path, text="", environment=None, overrides=None):
    file = tmp_path / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environment or {}, overrides)


def problems(tmp_path, text="", environment=None, overrides=None):
    with pytest.raises(ConfigError) as wrong:
        loaded(tmp_path, text, environment, overrides)
    return wrong.value.problems


def keys(lines):
    return sorted(line.partition(":")[0] for line in lines)


def test_without_anything_the_defaults_count(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    settings = load(None, {}).settings
    assert settings.source == {}
    assert settings.database.url == "sqlite:///reviewdue.db"
    assert settings.policy.name == "us"


def test_the_command_line_beats_the_environment_beats_the_file_beats_the_default(tmp_path):
    text = "[web]\nport = 1\nhost = 'a.example'\n[log]\nlevel = 'error'\n"
    environment = {"REVIEWDUE_WEB__PORT": "2", "REVIEWDUE_WEB__HOST": "b.example"}
    found = loaded(tmp_path, text, environment, {"web.port": 3})
    rows = {key: (value, origin) for key, value, origin in found.rows()}
    assert rows["web.port"] == ("3", "command line")
    assert rows["web.host"] == ("b.example", "REVIEWDUE_WEB__HOST")
    assert rows["log.level"] == ("error", str(tmp_path / "settings.toml"))
    assert rows["log.format"] == ("json", "default")


def test_the_file_is_the_one_named_else_the_variables_else_the_folders(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, port in (("a.toml", 1), ("b.toml", 2), ("reviewdue.toml", 3)):
        Path(name).write_text(f"[web]\nport = {port}\n")
    variable = {"REVIEWDUE_CONFIG": "b.toml"}
    assert load(Path("a.toml"), variable).settings.web.port == 1
    assert load(None, variable).settings.web.port == 2
    assert load(None, {}).settings.web.port == 3


def test_the_environment_reaches_one_key_of_one_source_whatever_its_spelling(tmp_path):
    text = "[source.North-West]\nbase_url = 'https://ehr.example/fhir'\n"
    environment = {
        "REVIEWDUE_SOURCE__NORTH_WEST__PAGE_SIZE": "7",
        "REVIEWDUE_SOURCE__NORTH_WEST__CHANNELS": "worklist",
        "REVIEWDUE_SOURCE__NORTH_WEST__LAST_UPDATED_IS_STOP": "false",
        "REVIEWDUE_SOURCE__OTHER__BASE_URL": "https://other.example/fhir",
    }
    sources = loaded(tmp_path, text, environment).settings.source
    assert set(sources) == {"North-West", "other"}
    assert sources["North-West"].page_size == 7
    assert sources["North-West"].channels == ("worklist",)
    assert sources["North-West"].last_updated_is_stop is False


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[source.main]\n", "source.main.base_url"),
        ("[source]\nmain = 3\n", "source.main"),
        ("source = 3\n", "source"),
        ("[source.'a b']\nbase_url = 'https://ehr.example'\n", "source.a b"),
        ("[source.main]\nbase_url = 'http://ehr.example/fhir'\n", "source.main.base_url"),
        ("[source.main]\nbase_url = 'https://me:secret@ehr.example'\n", "source.main.base_url"),
        ("[source.main]\nbase_url = 'https://ehr.example?x=1'\n", "source.main.base_url"),
        ("[source.main]\nbase_url = 'ehr.example'\n", "source.main.base_url"),
        (EHR + "timezone = 'Mars/Olympus'\n", "source.main.timezone"),
        (EHR + "write = 'always'\n", "source.main.write"),
        (EHR + "poll_seconds = 0\n", "source.main.poll_seconds"),
        (EHR + "poll_seconds = -1\n", "source.main.poll_seconds"),
        (EHR + "poll_seconds = nan\n", "source.main.poll_seconds"),
        (EHR + "poll_seconds = inf\n", "source.main.poll_seconds"),
        (EHR + "poll_seconds = true\n", "source.main.poll_seconds"),
        (EHR + "poll_seconds = 'soon'\n", "source.main.poll_seconds"),
        (EHR + "page_size = 1000000000\n", "source.main.page_size"),
        (EHR + "page_size = 1.5\n", "source.main.page_size"),
        (EHR + "channels = []\n", "source.main.channels"),
        (EHR + "channels = ['pigeon']\n", "source.main.channels"),
        (EHR + "requester = 'Patient/1'\n", "source.main.requester"),
        (EHR + "pool = 'somebody'\n", "source.main.pool"),
        (EHR + "item_system = 'a|b'\n", "source.main.item_system"),
        (EHR + "lease_seconds = 30\n", "source.main.lease_seconds"),
        (EHR + "base_ulr = 'x'\n", "source.main.base_ulr"),
        (EHR + "auth = { method = 'magic' }\n", "source.main.auth.method"),
        (EHR + "auth = { token_file = 'x' }\n", "source.main.auth.method"),
        (EHR + "auth = { method = 'bearer' }\n", "source.main.auth.token_file"),
        (EHR + "auth = { method = 'bearer', token_file = 'nowhere' }\n", "source.main.auth.token_file"),
        (EHR + "auth = { method = 'none', user = 'x' }\n", "source.main.auth.user"),
        ("[database]\nurl = 'mysql://x'\n", "database.url"),
        ("[database]\nurl = ''\n", "database.url"),
        ("[web]\nport = 65536\n", "web.port"),
        ("[log]\nformat = 'xml'\n", "log.format"),
        ("[policy]\nname = 'nowhere.toml'\n", "policy.name"),
        ("[policy]\nname = ''\n", "policy.name"),
        ("[nonsense]\nx = 1\n", "nonsense"),
        ("nonsense = 1\n", "nonsense"),
    ],
)
def test_each_wrong_setting_is_one_line_beginning_with_its_key(tmp_path, monkeypatch, text, key):
    monkeypatch.chdir(tmp_path)
    assert keys(problems(tmp_path, text)) == [key]


def test_all_problems_are_told_at_once_each_naming_its_own_key_only(tmp_path):
    text = (
        "[database]\nurl = 'mysql://x'\n[web]\nport = 99999\npublic_url = 'https://x.example'\n"
        "[policy]\nname = 'nowhere.toml'\n"
        "[source.main]\ntimezone = 'Mars'\nlease_seconds = 5\nauth = { method = 'magic' }\npage_sise = 3\n"
    )
    environment = {"REVIEWDUE_LOG__LEVEL": "loud", "REVIEWDUE_TYPO": "1"}
    lines = problems(tmp_path, text, environment)
    expected = {
        "database.url", "web.port", "web.public_url", "policy.name", "source.main.timezone",
        "source.main.lease_seconds", "source.main.auth.method", "source.main.page_sise", "source.main.base_url",
        "log.level", "typo",
    }  # fmt: skip
    assert set(keys(lines)) == expected
    assert len(lines) == len(expected)
    for line in lines:
        mine = line.partition(":")[0]
        bare = {key.rpartition(".")[2] for key in expected - {mine} if "_" in key}
        assert [other for other in expected - {mine} | bare if other in line.removeprefix(mine)] == []
        assert "\n" not in line


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[web]\npublic_url = 'https://reviewdue.example'\n", "web.public_url"),
        ("[web]\ntrusted_proxies = 1\n", "web.trusted_proxies"),
        ("[web]\nembed_origins = ['https://ehr.example']\n", "web.embed_origins"),
        ("[ops]\nport = 8081\n", "ops.port"),
        ("[ops]\ntokens_file = 'x'\n", "ops.tokens_file"),
        (EHR + "profile = 'epic'\n", "source.main.profile"),
        (EHR + "population = 'bulk'\n", "source.main.population"),
        (EHR + "group = '1'\n", "source.main.group"),
        (EHR + "evidence_link = 'https://x/{id}'\n", "source.main.evidence_link"),
        (EHR + "canary_patient = '1'\n", "source.main.canary_patient"),
        (EHR + "display_days = 30\n", "source.main.display_days"),
        (
            EHR + "auth = { method = 'basic', username = 'u', password_file = 'p' }\n",
            "source.main.auth.method",
        ),
    ],
)
def test_a_setting_of_a_later_version_is_said_to_be_one(tmp_path, text, key):
    (line,) = problems(tmp_path, text)
    assert line.startswith(f"{key}: ")
    assert line.endswith("is not available in this version")


def test_a_later_setting_that_asks_for_what_is_done_anyway_passes(tmp_path):
    text = "[web]\ntrusted_proxies = 0\nembed_origins = []\n" + EHR + "group = ''\nevidence_link = ''\n"
    assert loaded(tmp_path, text).settings.source["main"].population == "auto"


def test_a_pilot_and_test_patients_are_set_by_file_or_environment(tmp_path):
    text = (
        EHR
        + "exclude_tags = ['urn:lab|training', 'HTEST', 'urn:x|']\n[source.main.pilot]\nowners = ['Practitioner/1']\n"
    )
    environment = {
        "REVIEWDUE_SOURCE__MAIN__PILOT__ORGANIZATIONS": "Organization/a, Organization/b",
        "REVIEWDUE_SOURCE__MAIN__EXCLUDE_IDENTIFIERS": "urn:mrn|ZZ 1",
    }
    found = loaded(tmp_path, text, environment).settings.source["main"]
    assert found.pilot.owners == ("Practitioner/1",)
    assert found.pilot.organizations == ("Organization/a", "Organization/b")
    assert found.exclude_tags == ("urn:lab|training", "HTEST", "urn:x|")
    assert found.exclude_identifiers == ("urn:mrn|ZZ 1",)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[source.main.pilot]\nowner = []\n", "source.main.pilot.owner"),
        ("[source.main.pilot]\nowners = ['Patient/1']\n", "source.main.pilot.owners"),
        ("[source.main.pilot]\norganizations = ['Practitioner/1']\n", "source.main.pilot.organizations"),
        ("[source.main.pilot]\nowners = 'Practitioner/1'\n", "source.main.pilot.owners"),
        ("exclude_tags = ['a|b|c']\n", "source.main.exclude_tags"),
        ("exclude_identifiers = ['|x']\n", "source.main.exclude_identifiers"),
        ("exclude_identifiers = 3\n", "source.main.exclude_identifiers"),
    ],
)
def test_a_wrong_pilot_or_exclusion_names_its_key(tmp_path, text, key):
    assert keys(problems(tmp_path, EHR + text)) == [key]


@pytest.mark.parametrize(
    "content", [b"[web", b"\xff\xfe", b"x = 1" + b"\n" * (1 << 20)], ids=["not toml", "not text", "too large"]
)
def test_a_file_that_cannot_be_read_is_one_problem(tmp_path, content):
    file = tmp_path / "settings.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as wrong:
        load(file, {})
    assert len(wrong.value.problems) == 1
    assert str(file) in wrong.value.problems[0]


def test_small_and_fractional_durations_pass(tmp_path):
    text = EHR + "lease_seconds = 2\ndeadline_seconds = 1\nsettle_seconds = 0.2\nindex_lag_seconds = 0.1\n"
    assert loaded(tmp_path, text).settings.source["main"].settle_seconds == 0.2


@pytest.mark.parametrize("base", ["http://127.0.0.1:80/fhir", "http://localhost/fhir", "http://[::1]:1/fhir"])
def test_http_is_allowed_on_loopback(tmp_path, base):
    settings = loaded(tmp_path, f"[source.main]\nbase_url = '{base}/'\n").settings
    assert settings.source["main"].base_url == base


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://me:sesame@127.0.0.1/x",
        "postgresql+psycopg://127.0.0.1/x?user=me&password=sesame",
    ],
)
def test_a_password_is_never_shown(tmp_path, url):
    found = loaded(tmp_path, f"[database]\nurl = '{url}'\n")
    assert "sesame" not in repr(list(found.rows()))
    assert "****" in {key: value for key, value, _ in found.rows()}["database.url"]
