"""The instance secret: made once, never replaced."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from service.bootstrap import SECRET_LENGTH, SystemClock, instance_secret, new_holder
from service.config import ConfigError


def refused(path, *, empty):
    with pytest.raises(ConfigError) as wrong:
        instance_secret(path, lambda: empty)
    (line,) = wrong.value.problems
    return line


def test_a_new_one_is_made_for_its_owner_alone_and_stays(tmp_path):
    path = tmp_path / "secret"
    secret = instance_secret(path, lambda: True)
    assert len(secret) >= SECRET_LENGTH
    assert path.stat().st_mode & 0o777 == 0o600
    assert instance_secret(path, lambda: False) == secret
    assert [each.name for each in tmp_path.iterdir()] == ["secret"]


def test_a_lost_one_is_not_replaced_while_the_ledger_is_in_use(tmp_path):
    assert refused(tmp_path / "secret", empty=False).startswith("instance.secret_file: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\n\n", b"x" * (SECRET_LENGTH - 1), b"x" * 5000])
def test_one_that_is_empty_too_short_or_too_long_is_refused(tmp_path, content):
    path = tmp_path / "secret"
    path.write_bytes(content)
    assert refused(path, empty=True).startswith("instance.secret_file: ")
    assert path.read_bytes() == content


def test_a_folder_that_is_missing_is_named(tmp_path):
    assert "cannot be written" in refused(tmp_path / "nowhere" / "secret", empty=True)


def test_a_folder_in_its_place_is_named(tmp_path):
    assert "cannot be read" in refused(tmp_path, empty=True)


def test_processes_that_start_together_share_one(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: instance_secret(tmp_path / "secret", lambda: True), range(32)))
    assert len(set(found)) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["secret"]


def test_a_stopped_clock_ends_every_sleep():
    clock = SystemClock()
    clock.stop()
    before = clock.monotonic()
    clock.sleep(60)
    assert clock.monotonic() - before < 30
    assert clock.stopping()


def test_every_start_has_another_holder():
    assert len({new_holder() for _ in range(100)}) == 100
