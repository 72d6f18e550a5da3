"""What each reply to a create or an update means (lifecycle.md §3)."""

import json

import pytest

from service.fhir.errors import (
    AuthError,
    ChannelError,
    FhirError,
    GoneError,
    NotFoundError,
    NotSentError,
    RejectedError,
    SeveralMatchError,
    StaleError,
    UnknownReplyError,
)
from tests.fhir.serving import a_client, always, outcome, reply, serving

TASK = {"resourceType": "Task", "id": "55", "status": "requested"}
BODY = json.dumps(TASK).encode()
LOGIN = b"<!doctype html><html>Sign in</html>"


def created(answer, if_none_exist=None):
    with serving(always(answer)) as ehr, a_client(ehr.base) as client:
        try:
            return client.create("Task", BODY, if_none_exist=if_none_exist)
        finally:
            assert len(ehr.asked) == 1, "a write is sent once"


def updated(answer, **more):
    with serving(always(answer)) as ehr, a_client(ehr.base) as client:
        try:
            return client.update("Task", "55", BODY, **more)
        finally:
            assert len(ehr.asked) == 1, "a write is sent once"


# -- success ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        reply(201, TASK, etag='W/"1"'),
        reply(201, TASK, location="https://other.example/fhir/Task/55/_history/1"),
        reply(201, location="Task/55"),
        reply(201, location="https://h.example/fhir/Task/55/_history/1"),
        reply(201, content_location="/fhir/Task/55", content_type="text/html"),
        reply(200, TASK),
        reply(201, outcome("informational", severity="information"), location="Task/55/_history/1"),
    ],
)
def test_a_create_is_known_by_its_body_or_its_location(answer):
    written = created(answer)
    assert written.reference == "Task/55"
    assert written.body in (None, json.dumps(TASK).encode())


def test_an_update_knows_what_it_updated_and_the_version_as_given():
    written = updated(reply(200, TASK, etag='W/"7"'), if_match='W/"6"')
    assert (written.reference, written.version, written.created) == ("Task/55", 'W/"7"', False)
    assert updated(reply(200)).body is None


@pytest.mark.failure("F8", "F21")
@pytest.mark.parametrize(
    "answer",
    [
        reply(201),
        reply(201, LOGIN),
        reply(200, LOGIN, location="Task/55"),
        reply(201, b"{"),
        reply(201, location="Patient/55"),
        reply(201, location="Task/"),
        reply(201, {"resourceType": "Patient", "id": "55"}),
        reply(201, TASK, location="Task/56"),
        reply(202),
        reply(204),
        reply(201, b"xx", content_encoding="br"),
    ],
)
def test_a_success_that_does_not_say_what_was_written_is_unknown(answer):
    with pytest.raises(UnknownReplyError):
        created(answer)


def test_a_login_page_in_place_of_an_updated_task_is_unknown():
    with pytest.raises(UnknownReplyError, match="sign-in"):
        updated(reply(200, LOGIN))


# -- the table -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "create", "conditional", "update"),
    [
        (301, ChannelError, ChannelError, ChannelError),
        (400, RejectedError, RejectedError, RejectedError),
        (401, AuthError, AuthError, AuthError),
        (403, ChannelError, ChannelError, ChannelError),
        (404, ChannelError, ChannelError, NotFoundError),
        (405, ChannelError, ChannelError, ChannelError),
        (408, UnknownReplyError, UnknownReplyError, UnknownReplyError),
        (409, RejectedError, UnknownReplyError, StaleError),
        (410, RejectedError, RejectedError, GoneError),
        (412, SeveralMatchError, SeveralMatchError, StaleError),
        (413, RejectedError, RejectedError, RejectedError),
        (422, RejectedError, RejectedError, RejectedError),
        (429, NotSentError, NotSentError, NotSentError),
        (500, UnknownReplyError, UnknownReplyError, UnknownReplyError),
        (501, ChannelError, ChannelError, ChannelError),
        (502, UnknownReplyError, UnknownReplyError, UnknownReplyError),
        (503, NotSentError, NotSentError, NotSentError),
        (504, UnknownReplyError, UnknownReplyError, UnknownReplyError),
        (507, UnknownReplyError, UnknownReplyError, UnknownReplyError),
    ],
)
def test_each_status_has_one_meaning(status, create, conditional, update):
    for wanted, act in (
        (create, lambda: created(reply(status))),
        (conditional, lambda: created(reply(status), "identifier=urn:x|k")),
        (update, lambda: updated(reply(status))),
    ):
        with pytest.raises(FhirError) as failed:
            act()
        assert type(failed.value) is wanted


def test_404_and_412_on_a_put_of_a_new_id_tell_a_forbidden_id_from_a_taken_one():
    with pytest.raises(ChannelError):
        updated(reply(404), if_none_match_any=True)
    with pytest.raises(StaleError):
        updated(reply(412), if_none_match_any=True)


def test_a_503_of_a_proxy_whose_server_broke_off_is_unknown():
    envoy = b"upstream connect error or disconnect/reset before headers. reset reason: connection termination"
    with pytest.raises(UnknownReplyError):
        created(reply(503, envoy))


def test_a_rejection_carries_the_codes_and_none_of_the_text():
    refused = outcome("business-rule", own="59189")
    refused["issue"][0]["diagnostics"] = "Jane Example already has one"
    with pytest.raises(RejectedError) as failed:
        created(reply(400, refused))
    assert failed.value.codes == ("59189",)
    assert str(failed.value) == "refused with 400 (59189)"


def test_not_sent_says_when_to_come_back():
    with pytest.raises(NotSentError) as failed:
        created(reply(503, retry_after=120))
    assert failed.value.retry_after == 120


# -- what is sent ----------------------------------------------------------------------------------


def test_a_write_asks_for_the_whole_resource_and_guards_itself():
    with serving(always(reply(201, TASK))) as ehr, a_client(ehr.base) as client:
        client.create("Task", BODY, if_none_exist="identifier=urn:reviewdue:item|rabc-1")
        client.update("Task", "55", BODY, if_match='W/"3"')
        client.update("Task", "55", BODY, if_none_match_any=True)
    create, change, new = ehr.asked
    assert (create.method, create.target) == ("POST", "/fhir/Task")
    assert create.headers["if-none-exist"] == "identifier=urn:reviewdue:item|rabc-1"
    assert create.headers["prefer"] == "return=representation"
    assert create.headers["content-type"] == create.headers["accept"] == "application/fhir+json"
    assert (change.method, change.target, change.headers["if-match"]) == ("PUT", "/fhir/Task/55", 'W/"3"')
    assert new.headers["if-none-match"] == "*"
    assert create.body == change.body == BODY
