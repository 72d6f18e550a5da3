"""Bytes → resource, or the reason why there is none.

The only place that knows R4 from R5: what comes out has the R4 shape.  One bad resource never spoils its
neighbours: it becomes Unreadable, with what is still known of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from service.record.datatypes import Coding
from service.record.elements import KINDS, Resource
from service.record.references import local_reference, patient_reference
from service.record.shape import MalformedError, in_r4_shape

_TYPE_FIRST = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"(\w+)"')
_TEXT_KEYS = ("text", "display", "coding", "concept", "itemCodeableConcept")  # the last three by mistake
_MEDICATION_KEYS = ("medicationCodeableConcept", "medication", "medicationReference", "code", "contained")


class NotFhirError(ValueError):
    """The bytes are no FHIR resource; the message says why, without any of their content."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A resource that could not be read, with what is known of its drug."""

    kind: str
    reference: str
    reason: str
    patient: str | None
    codings: tuple[Coding, ...] = ()
    texts: tuple[str, ...] = ()
    medication: str | None = None  # reference of a Medication

    @property
    def id(self) -> str:
        return self.reference.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one resource turned out to be.

    `body` is None for a type that we do not read.  `patient` is `Patient/id`: the subject (of a Patient:
    itself); None with `has_subject` for the subject that is no patient of ours, such as a Group.
    """

    kind: str
    reference: str
    patient: str | None
    has_subject: bool
    body: Resource | Unreadable | None
    raw: bytes


class _Head(msgspec.Struct, gc=False, rename="camel"):
    resource_type: Any = None


class _Subject(msgspec.Struct, gc=False):
    reference: str | None = None


class Glance(msgspec.Struct, gc=False):
    """Just enough of a resource to tell whose it is."""

    id: str | None = None
    subject: _Subject | None = None
    for_: _Subject | None = msgspec.field(default=None, name="for")


_head = msgspec.json.Decoder(_Head)
glance = msgspec.json.Decoder(Glance).decode
_decoders = {kind: msgspec.json.Decoder(struct) for kind, struct in KINDS.items()}


def read(raw: bytes, place: str) -> Reading:
    """Read one resource; `place` (`<file name>:<n>`) stands in for a missing id.

    Raises NotFhirError when the bytes are no JSON object with a resourceType.
    """
    kind = kind_of(raw)
    if kind not in KINDS:
        return Reading(kind, f"{kind}/#{place}", None, False, None, raw)
    try:
        body = in_r4_shape(_decoders[kind].decode(raw))
    except (msgspec.ValidationError, MalformedError):
        return _read_with_care(kind, raw, place)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as problem:
        raise NotFhirError(_why(problem)) from None
    return _reading(kind, body, raw, place)


def kind_of(raw: bytes) -> str:
    """The resourceType.  Raises NotFhirError."""
    first = _TYPE_FIRST.match(raw)
    if first and (kind := first[1].decode()) in KINDS:
        return kind
    try:
        found = _head.decode(raw).resource_type
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as problem:
        raise NotFhirError(_why(problem)) from None
    if not isinstance(found, str) or not found:
        raise NotFhirError("no resourceType")
    return found


def patient_at_a_glance(kind: str, raw: bytes) -> str | None:
    """Whose resource it is, without reading the rest; None when only `read` can tell."""
    try:
        found = glance(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    if kind == "Patient":
        return f"Patient/{found.id}" if found.id else None
    subject = found.for_ if kind == "Task" else found.subject
    return patient_reference(subject.reference) if subject is not None else None


def _why(problem: Exception) -> str:
    if isinstance(problem, RecursionError):
        return "nested too deeply"
    if isinstance(problem, msgspec.ValidationError):
        return "no FHIR resource"
    return "not UTF-8" if isinstance(problem, UnicodeDecodeError) else "broken JSON"


def _reading(kind: str, body: Resource, raw: bytes, place: str) -> Reading:
    if not body.id:
        body = msgspec.structs.replace(body, id=f"#{place}")
    if kind == "Patient":
        return Reading(kind, body.reference, body.reference, True, body, raw)
    subject = getattr(body, "for_" if kind == "Task" else "subject", None)
    reference = subject.reference if subject is not None else None
    return Reading(kind, body.reference, patient_reference(reference), bool(reference), body, raw)


# -- the careful way: whatever is wrong with it, say what it was about ---------------------------


def _read_with_care(kind: str, raw: bytes, place: str) -> Reading:
    """The same, forgiving a bad `meta` and a `null` in a list; what is then still wrong is unreadable."""
    try:
        tree = without_nulls(msgspec.json.decode(raw))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as problem:
        raise NotFhirError(_why(problem)) from None
    try:
        tree["meta"] = _usable_meta(tree.get("meta"))
        contained = tree.get("contained")
        if isinstance(contained, list):
            tree["contained"] = [msgspec.Raw(msgspec.json.encode(one)) for one in contained]
        body = in_r4_shape(msgspec.convert(tree, KINDS[kind]))
    except (msgspec.ValidationError, MalformedError):
        return _unreadable(kind, tree, raw, place)
    return _reading(kind, body, raw, place)


def without_nulls(tree: Any) -> Any:
    """The same JSON without anything that is null (`null` = absent)."""
    if isinstance(tree, dict):
        return {key: without_nulls(value) for key, value in tree.items() if value is not None}
    if isinstance(tree, list):
        return [without_nulls(value) for value in tree if value is not None]
    return tree


def _usable_meta(meta: Any) -> dict[str, Any]:
    """What is well-formed of `meta`: it never makes a resource unreadable."""
    if not isinstance(meta, dict):
        return {}
    found: dict[str, Any] = {
        key: meta[key] for key in ("lastUpdated", "versionId") if isinstance(meta.get(key), str)
    }
    try:
        found["tag"] = msgspec.to_builtins(msgspec.convert(meta.get("tag", []), list[Coding]))
    except msgspec.ValidationError:
        found["tag"] = []
    return found


def _unreadable(kind: str, tree: Mapping[str, Any], raw: bytes, place: str) -> Reading:
    own = tree.get("id")
    reference = f"{kind}/{own}" if isinstance(own, str) and own else f"{kind}/#{place}"
    if kind == "Patient":
        patient: str | None = reference
        has_subject = True
    else:
        subject = tree.get("for" if kind == "Task" else "subject")
        named = subject.get("reference") if isinstance(subject, dict) else None
        patient = patient_reference(named) if isinstance(named, str) else None
        has_subject = subject is not None
    codings: list[Coding] = []
    texts: list[str] = []
    for key in _MEDICATION_KEYS:
        _collect(tree.get(key), codings, texts)
    found = Unreadable(
        kind, reference, "malformed", patient, tuple(codings), tuple(texts), _medication_of(tree)
    )
    return Reading(kind, reference, patient, has_subject, found, raw)


def _collect(tree: Any, codings: list[Coding], texts: list[str]) -> None:
    """All codings and texts below `tree`, as far as they are well-formed."""
    if isinstance(tree, list):
        for one in tree:
            _collect(one, codings, texts)
    elif isinstance(tree, msgspec.Raw):
        _collect(msgspec.json.decode(tree), codings, texts)
    elif isinstance(tree, dict):
        words = {key: value for key, value in tree.items() if isinstance(value, str)}
        if "code" in words:
            codings.append(Coding(words.get("system"), words["code"], words.get("display")))
        texts.extend(words[key] for key in _TEXT_KEYS if key in words)
        for key, value in tree.items():
            if key != "extension" and not isinstance(value, str):
                _collect(value, codings, texts)
    elif isinstance(tree, str):
        texts.append(tree)


def _medication_of(tree: Mapping[str, Any]) -> str | None:
    named: Any = tree.get("medicationReference")
    if not isinstance(named, dict):
        newer = tree.get("medication")
        named = newer.get("reference") if isinstance(newer, dict) else None
    reference = named.get("reference") if isinstance(named, dict) else None
    return local_reference(reference) if isinstance(reference, str) else None
