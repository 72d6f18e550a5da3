"""Which URLs belong to a source: exact origin, inside the base path, whatever a server writes into its links."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.base_url import BaseUrl
from service.fhir.errors import ForeignUrlError

BASE = BaseUrl("https://ehr.example/fhir/R4")
REQUEST = BASE.relative("Patient", "_count=1")


@pytest.mark.parametrize(
    ("link", "goes_to"),
    [
        ("https://ehr.example/fhir/R4?_getpages=abc", "https://ehr.example/fhir/R4?_getpages=abc"),
        ("https://ehr.example:443/fhir/R4/Patient?p=2", "https://ehr.example/fhir/R4/Patient?p=2"),
        ("https://EHR.example/fhir/R4/Patient", "https://ehr.example/fhir/R4/Patient"),
        ("?_page=2", "https://ehr.example/fhir/R4/Patient?_page=2"),
        ("Patient?_page=2", "https://ehr.example/fhir/R4/Patient?_page=2"),
        ("/fhir/R4/Patient?ct=a%2Bb%3D", "https://ehr.example/fhir/R4/Patient?ct=a%2Bb%3D"),
    ],
)
def test_a_link_inside_the_base_is_followed(link, goes_to):
    assert str(BASE.resolve(link, REQUEST)) == goes_to


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/fhir/R4/Patient",
        "http://ehr.example/fhir/R4/Patient",
        "https://ehr.example:8443/fhir/R4/Patient",
        "//evil.example/fhir/R4",
        "https://ehr.example@evil.example/fhir/R4",
        "https://user@ehr.example/fhir/R4/Patient",
        "https://ehr.example.evil.example/fhir/R4",
        "https://ehr.example./fhir/R4/Patient",
        "https://ehr.example\\@evil.example/fhir/R4",
        "https://ehr。example/fhir/R4/Patient",
        "https://xn--ehr-9na.example/fhir/R4",
        "https://169.254.169.254/fhir/R4",
        "https://[::1]/fhir/R4",
        "https://2130706433/fhir/R4",
        "file:///etc/passwd",
        "gopher://ehr.example/fhir/R4",
        "javascript:alert(1)",
        "https://ehr.example/fhir/R4/../../admin",
        "https://ehr.example/fhir/R4/%2e%2e/%2e%2e/admin",
        "https://ehr.example/fhir/R4/..%2f..%2fadmin",
        "https://ehr.example/fhir/R4/%252e%252e/admin",
        "https://ehr.example/fhir/R45/Patient",
        "/MedicationRequest?_page=2",
        "../../admin",
        "https://ehr.example/fhir/R4/Patient\r\nX-Evil: 1",
        "https://ehr.example:99999999/fhir/R4",
        "https://ehr.example/fhir/R4?" + "a" * 9000,
    ],
)
def test_any_other_link_is_refused_without_repeating_it(link):
    with pytest.raises(ForeignUrlError) as refused:
        BASE.resolve(link, REQUEST)
    assert "example" not in str(refused.value)
    assert "admin" not in str(refused.value)


@given(st.text(max_size=60))
def test_no_link_at_all_leads_out_of_the_base(link):
    try:
        url = BASE.resolve(link, REQUEST)
    except ForeignUrlError:
        return
    assert (url.scheme, url.host, url.port, url.userinfo) == ("https", "ehr.example", None, b"")
    assert url.path == "/fhir/R4" or url.path.startswith("/fhir/R4/")


@pytest.mark.parametrize(
    "base",
    [
        "http://ehr.example/fhir",
        "http://10.0.0.1/fhir",
        "ftp://ehr.example",
        "ehr.example/fhir",
        "https://user:secret@ehr.example/fhir",
        "https://ehr.example/fhir?tenant=1",
        "https://ehr.example/fhir#x",
        "https://ehr.example./fhir",
        "https://ehr.example/a/%2e%2e/b",
        "https://ehr。example/fhir",
        "https://",
        "",
    ],
)
def test_what_is_no_base_is_refused_at_the_start(base):
    with pytest.raises(ValueError, match=r"\w"):
        BaseUrl(base)


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080/fhir", "http://localhost/fhir", "http://[::1]:9/"])
def test_http_is_for_this_machine_only(base):
    assert str(BaseUrl(base)) == base.rstrip("/")


def test_an_id_cannot_climb_out_of_the_base():
    with pytest.raises(ForeignUrlError):
        BASE.relative("Patient/..%2F..%2Fadmin")
