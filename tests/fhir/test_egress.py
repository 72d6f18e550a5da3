"""The one way out: what never leaves, what is cut off, and what is known of a request that failed."""

import gzip
import logging
import socket
import threading
import time
import traceback
import zlib
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from service.fhir.auth import BearerFile
from service.fhir.errors import (
    AuthError,
    FhirError,
    ForeignUrlError,
    NotSentError,
    UnknownReplyError,
    UnreadableReplyError,
)
from tests.fhir.serving import LeapingClock, always, an_egress, in_turn, patient, reply, serving

SECRET = "canary-name-1923"


@pytest.fixture
def token(tmp_path):
    path = tmp_path / "token"
    path.write_text("first-token\n")
    return path


def get(egress, path="Patient/p1", **more):
    return egress.send("GET", egress.base.relative(path), **more)


def post(egress, body=b"{}"):
    return egress.send("POST", egress.base.relative("Task"), body=body)


# -- where requests may go -------------------------------------------------------------------------


def test_nothing_leaves_for_another_origin(token):
    with (
        serving(always(reply())) as tripwire,
        serving(always(reply())) as ehr,
        an_egress(ehr.base, auth=BearerFile(token)) as egress,
    ):
        for url in (
            f"{tripwire.base}/Patient",
            tripwire.base.replace("127.0.0.1", "localhost"),
            f"http://user@{ehr.base.removeprefix('http://')}/Patient",
        ):
            with pytest.raises(ForeignUrlError):
                egress.send("GET", httpx2.URL(url))
    assert tripwire.connections == 0
    assert ehr.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_nobody_follows_it(status, token):
    with (
        serving(always(reply())) as tripwire,
        serving(always(reply(status, location=tripwire.base))) as ehr,
        an_egress(ehr.base, auth=BearerFile(token)) as egress,
    ):
        assert get(egress).status == status
        assert post(egress).status == status
    assert tripwire.connections == 0


def test_proxies_of_the_environment_are_ignored(monkeypatch):
    with serving(always(reply())) as proxy, serving(always(reply())) as ehr:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.base)
        monkeypatch.delenv("no_proxy", raising=False)
        with an_egress(ehr.base) as egress:
            assert get(egress).status == 200
    assert proxy.connections == 0


def test_no_cookie_is_kept_from_one_answer_to_the_next_request():
    with serving(always(reply(set_cookie="session=one; Path=/"))) as ehr, an_egress(ehr.base) as egress:
        get(egress)
        get(egress)
    assert all("cookie" not in asked.headers for asked in ehr.asked)


# -- the credential --------------------------------------------------------------------------------


@pytest.mark.failure("F22")
def test_a_refused_token_is_read_again_from_its_file_once(token):
    def answer(asked):
        return reply(200 if asked.headers["authorization"] == "Bearer second-token" else 401)

    with serving(answer) as ehr, an_egress(ehr.base, auth=BearerFile(token)) as egress:
        assert get(egress).status == 401
        assert len(ehr.asked) == 1, "the file holds the same token: there is nothing new to try"
        token.write_text("second-token")
        assert get(egress).status == 200
        assert get(egress).status == 200
    assert len(ehr.asked) == 4


@pytest.mark.parametrize("content", ["", "   \n", "two words", "line\nbreak", "t\u00e4g", "x" * 20_000])
def test_what_is_no_token_is_never_sent(tmp_path, content):
    path = tmp_path / "token"
    path.write_text(content)
    with (
        serving(always(reply())) as ehr,
        an_egress(ehr.base, auth=BearerFile(path)) as egress,
        pytest.raises(AuthError) as refused,
    ):
        get(egress)
    assert ehr.asked == []
    assert content.strip()[:5] not in str(refused.value) or not content.strip()


def test_a_missing_token_file_is_an_auth_error(tmp_path):
    with (
        an_egress("http://127.0.0.1:9/fhir", auth=BearerFile(tmp_path / "none")) as egress,
        pytest.raises(AuthError, match="No such file"),
    ):
        get(egress)


# -- how much and how long -------------------------------------------------------------------------


def drip(first: bytes):
    """Sends a byte now and then, for ever, until the client goes away."""

    def send(connection: socket.socket) -> None:
        connection.sendall(first)
        for _ in range(400):
            connection.sendall(b"x")
            time.sleep(0.02)

    return send


@pytest.mark.failure("F27")
@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["status", "headers", "body", "endless body"],
)
def test_a_server_that_drips_is_cut_off_at_the_deadline(first):
    with serving(always(drip(first))) as ehr, an_egress(ehr.base, deadline_seconds=0.3) as egress:
        started = time.monotonic()
        with pytest.raises(UnknownReplyError):
            post(egress)
        assert time.monotonic() - started < 1.5


@pytest.mark.failure("F27")
def test_a_server_that_says_nothing_is_left_at_the_deadline():
    release = threading.Event()
    with (
        serving(always(lambda _: release.wait(5) and None)) as ehr,
        an_egress(ehr.base, deadline_seconds=0.2) as egress,
    ):
        with pytest.raises(UnknownReplyError, match="timed out"):
            get(egress)
        release.set()


@pytest.mark.failure("F26")
def test_a_body_larger_than_the_cap_is_refused():
    with (
        serving(always(reply(200, b"x" * 70_000))) as ehr,
        an_egress(ehr.base, max_bytes=65_536) as egress,
        pytest.raises(UnreadableReplyError, match="more than 65536"),
    ):
        get(egress)


@pytest.mark.failure("F26")
def test_an_endless_body_is_cut_at_the_cap():
    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65_536)

    with (
        serving(always(pour)) as ehr,
        an_egress(ehr.base, max_bytes=1_000_000) as egress,
        pytest.raises(UnreadableReplyError),
    ):
        get(egress)


@pytest.mark.failure("F26")
def test_the_cap_counts_what_a_gzip_bomb_unpacks_to():
    bomb = gzip.compress(b"\0" * 200_000_000, compresslevel=1, mtime=0)
    assert len(bomb) < 2_000_000
    with (
        serving(always(reply(200, bomb, content_encoding="gzip"))) as ehr,
        an_egress(ehr.base) as egress,
        pytest.raises(UnreadableReplyError, match="more than"),
    ):
        get(egress)


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 300_000])
def test_gzip_comes_out_whole(size):
    content = bytes(number * 7 % 251 for number in range(size))
    packed = gzip.compress(content[: size // 2], mtime=0) + gzip.compress(content[size // 2 :])
    with (
        serving(always(reply(200, packed, content_encoding="gzip"))) as ehr,
        an_egress(ehr.base) as egress,
    ):
        assert get(egress).body == content
        assert get(egress).body == content
    assert ehr.asked[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", b"this is no gzip"),
        ("gzip", gzip.compress(b"abc" * 1000, mtime=0)[:-9]),
        ("gzip", b""),
        ("gzip, gzip, gzip", gzip.compress(b"abc", mtime=0)),
        ("br", b"abc"),
        ("deflate", zlib.compress(b"abc")),
    ],
)
def test_an_encoding_that_was_not_asked_for_or_is_broken_is_unreadable(encoding, content):
    with (
        serving(always(reply(200, content, content_encoding=encoding))) as ehr,
        an_egress(ehr.base) as egress,
        pytest.raises(UnreadableReplyError),
    ):
        get(egress)


# -- what is known of a failure --------------------------------------------------------------------


def test_a_refused_connection_was_not_sent():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with an_egress(f"http://127.0.0.1:{port}/fhir") as egress, pytest.raises(NotSentError):
        post(egress)


def test_a_name_that_does_not_resolve_was_not_sent():
    with an_egress("https://ehr.invalid/fhir") as egress, pytest.raises(NotSentError):
        post(egress)


def test_a_failed_tls_handshake_was_not_sent():
    with (
        serving(always(reply())) as ehr,
        an_egress(ehr.base.replace("http:", "https:"), connect_seconds=0.5) as egress,
        pytest.raises(NotSentError),
    ):
        post(egress)
    assert all(asked.method != "POST" for asked in ehr.asked), "all that came is the greeting of TLS"


def close_at_once(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


@pytest.mark.parametrize(
    "answer",
    [
        close_at_once,
        reset,
        b"HTTP/1.1 201 Created\r\ncontent-length: 500\r\n\r\n{",
        b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n",
        b"HTTP/1.1 201 Created\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        b"220 smtp.example ready\r\n",
    ],
    ids=["closed", "reset", "truncated", "chunks without end", "two lengths", "not HTTP"],
)
def test_after_the_first_byte_a_failure_leaves_it_unknown(answer):
    with (
        serving(always(answer)) as ehr,
        an_egress(ehr.base) as egress,
        pytest.raises(UnknownReplyError),
    ):
        post(egress)
    assert len(ehr.asked) == 1, "a write is never sent twice by itself"


def test_messages_and_logs_hold_no_url_no_id_and_no_body(caplog):
    caplog.set_level(logging.DEBUG)
    body = f'{{"name": "{SECRET}"}}'.encode()
    cut = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n" + body
    with serving(in_turn(reset, cut, reply(200, body))) as ehr, an_egress(ehr.base) as egress:
        for _ in range(2):
            with pytest.raises(FhirError) as failed:
                get(egress, f"Patient/{SECRET}", headers={"X-Name": SECRET})
            assert SECRET not in "".join(traceback.format_exception(failed.value))
        assert SECRET not in repr(get(egress, f"Patient/{SECRET}"))
    assert SECRET not in caplog.text
    assert "Patient" not in caplog.text


# -- the budget, the pause, the breaker ------------------------------------------------------------


@pytest.mark.failure("F28")
def test_the_rate_is_shared_by_all_threads():
    with serving(always(reply())) as ehr, an_egress(ehr.base, rate_per_second=40) as egress:
        started = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: get(egress), range(60)))
        assert time.monotonic() - started >= (60 - 40) / 40 - 0.05
        assert egress.requests == 60


@pytest.mark.failure("F28")
def test_a_pause_that_the_ehr_asked_for_stops_every_request_at_once():
    with (
        serving(always(reply(429, retry_after=600))) as ehr,
        an_egress(ehr.base, LeapingClock()) as egress,
    ):
        assert get(egress).retry_after == 600
        with pytest.raises(NotSentError) as refused:
            post(egress)
        assert refused.value.retry_after == pytest.approx(600)
    assert len(ehr.asked) == 1


def test_a_short_pause_is_waited_for():
    clock = LeapingClock()
    with serving(in_turn(reply(503, retry_after=3), reply(200))) as ehr, an_egress(ehr.base, clock) as egress:
        get(egress)
        assert get(egress).status == 200
    assert clock.slept == [pytest.approx(3)]


@pytest.mark.failure("F30")
def test_an_open_breaker_probes_with_metadata_and_never_with_a_row():
    clock = LeapingClock()
    down = [True]

    def answer(asked):
        return reply(502 if down[0] else 200)

    with (
        serving(answer) as ehr,
        an_egress(ehr.base, clock, breaker_failures=3, breaker_probe_seconds=60) as egress,
    ):
        for _ in range(3):
            post(egress)
        assert egress.is_broken
        with pytest.raises(NotSentError):
            post(egress)
        assert len(ehr.asked) == 3, "an open breaker sends nothing"
        clock.seconds += 61
        with pytest.raises(NotSentError):
            post(egress)
        assert (ehr.asked[-1].method, ehr.asked[-1].target) == ("GET", "/fhir/metadata")
        down[0] = False
        clock.seconds += 61
        assert post(egress).status == 200
        assert [asked.method for asked in ehr.asked[-2:]] == ["GET", "POST"]
        assert not egress.is_broken


@pytest.mark.failure("F29")
def test_a_500_about_one_row_does_not_open_the_breaker():
    with serving(always(reply(500))) as ehr, an_egress(ehr.base, breaker_failures=2) as egress:
        for _ in range(5):
            assert post(egress).status == 500
    assert len(ehr.asked) == 5


def test_the_date_of_the_server_comes_with_each_answer():
    with (
        serving(always(reply(200, patient(), date="Sun, 01 Mar 2026 09:30:00 GMT"))) as ehr,
        an_egress(ehr.base) as egress,
    ):
        found = get(egress).date
    assert found is not None
    assert found.isoformat() == "2026-03-01T09:30:00+00:00"
