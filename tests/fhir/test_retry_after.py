"""Every shape in which servers say how long to wait."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.retry_after import retry_after

NOW = datetime(2026, 1, 1, 0, 0, 0, tzinfo=UTC)  # epoch 1767225600


@pytest.mark.failure("F28")
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "120"}, 120),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "7200"}, 3600),
        ({"retry-after": "Thu, 01 Jan 2026 00:02:00 GMT"}, 120),
        ({"retry-after": "Wed, 31 Dec 2025 23:00:00 GMT"}, 0),
        (
            {
                "retry-after": "Thu, 01 Jan 2026 01:02:00 GMT",
                "date": "Thu, 01 Jan 2026 01:00:00 GMT",
            },
            120,
        ),
        ({"retry-after": "1767225660"}, 60),
        ({"retry-after": "1767225660000"}, 60),
        ({"retry-after": "99999999999999999999"}, 3600),
        ({"x-ms-retry-after-ms": "850"}, 0.85),
        ({"ratelimit": '"requests";r=0;t=60'}, 60),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Thu, 99 Foo 2026 00:00:61 GMT"}, None),
    ],
)
def test_each_shape_is_read_and_capped_at_an_hour(headers, seconds):
    found = retry_after(headers, now=NOW)
    assert found == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.failure("F28")
@given(st.text(max_size=40), st.text(max_size=40))
def test_garbage_never_raises_and_never_waits_longer(text, date):
    found = retry_after({"retry-after": text, "date": date, "ratelimit": text}, now=NOW)
    assert found is None or 0 <= found <= 3600
