"""References as records write them, brought into one form: `Type/id`."""

import re

_TYPED = re.compile(r"[A-Z][A-Za-z]*/[^/?#\s]+")
_URN_UUID = "urn:uuid:"
_PATIENT = "Patient/"


def local_reference(text: str | None) -> str | None:
    """`Type/id` of a relative, absolute or versioned reference; None when there is none.

    `urn:…`, `#contained` and `Type?identifier=…` come back as they are: whoever has the Bundle, the resource
    or the identifiers at hand resolves them.

    >>> local_reference("https://ehr.example/fhir/Patient/p/_history/3")
    'Patient/p'
    """
    if not text or not (text := text.strip()):
        return None
    if text[0] == "#" or text.startswith("urn:") or "?" in text:
        return text
    if text.count("/") == 1 and text[0] != "/":
        return text
    head = text.partition("/_history/")[0].rstrip("/")
    last = "/".join(head.rsplit("/", 2)[-2:])
    return last if _TYPED.fullmatch(last) else text


def patient_reference(text: str | None) -> str | None:
    """`Patient/id`, or None when the reference names no patient that could be told apart.

    A `urn:uuid:` that no Bundle resolved is the id that its server would have given (Synthea writes it so).
    """
    if text and text.startswith(_PATIENT) and text.count("/") == 1 and len(text) > len(_PATIENT):
        return text.rstrip()  # the usual form
    found = local_reference(text)
    if found is None:
        return None
    if found.startswith(_URN_UUID):
        return f"{_PATIENT}{found[len(_URN_UUID) :]}"
    return found if found.startswith(_PATIENT) and len(found) > len(_PATIENT) else None


def queried_identifier(text: str | None) -> tuple[str | None, str] | None:
    """(system, value) of a reference by search, `Practitioner?identifier=system|value`."""
    query = (text or "").partition("?identifier=")[2]
    if not query:
        return None
    system, bar, value = query.partition("|")
    return (system or None, value) if bar else (None, system)
