"""Does a resource satisfy one search parameter?  Tokens, references and dates of FHIR R4 search."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from service.sandbox.dates import Span, compares, span_of, span_of_element
from service.sandbox.outcome import FhirError, Resource
from service.sandbox.parameters import Parameter, type_and_id, values_at

Matcher = Callable[[Resource], bool]

_PREFIXED = re.compile(r"(eq|ne|gt|ge|lt|le|sa|eb|ap)?(.*)", re.DOTALL)


def matcher_of(parameter: Parameter, value: str, *, negated: bool = False) -> Matcher:
    """Give the matcher for `parameter=value`; the value may be a list joined by commas (any one matches).

    `negated` is the modifier `:not`.  Raises FhirError 400 for a value that does not fit the type.
    """
    make = {"token": _token_matcher, "reference": _reference_matcher, "date": _date_matcher}[parameter.kind]
    matchers = [make(parameter, each) for each in alternatives(value)]
    if negated:
        return lambda resource: not any(matches(resource) for matches in matchers)
    return lambda resource: any(matches(resource) for matches in matchers)


def span_matcher(name: str, value: str) -> Callable[[Span], bool]:
    """Give the comparison that a date parameter's value, with its prefix, asks for.  Raises FhirError 400."""
    found = _PREFIXED.match(value)
    prefix, text = (found[1] or "eq", found[2]) if found else ("eq", value)
    try:
        asked = span_of(text)
        compares(prefix, asked, asked)
    except (ValueError, OverflowError) as error:
        raise FhirError(400, f"{name}: {error}") from error
    return lambda span: compares(prefix, span, asked)


def alternatives(value: str) -> list[str]:
    r"""Split at commas, except at `\,`; escapes of FHIR stay in the parts."""
    return [part for part in re.split(r"(?<!\\),", value) if part]


def token_parts(value: str) -> tuple[str | None, str]:
    r"""Give (system, code): system None: not asked, "" for `|code`; code "" for `system|`; `\|` is a bar."""
    system, bar, code = re.sub(r"(?<!\\)\|", "\0", value, count=1).partition("\0")
    return (_unescaped(system), _unescaped(code)) if bar else (None, _unescaped(value))


def _token_matcher(parameter: Parameter, value: str) -> Matcher:
    system, code = token_parts(value)

    def matches(resource: Resource) -> bool:
        tokens = (token for element in _elements(resource, parameter) for token in _tokens(element))
        return any((system is None or system == has) and code in ("", its) for has, its in tokens)

    return matches


def _tokens(element: object) -> Iterator[tuple[str, str]]:
    """Give (system, code) of what a token can be: code, boolean, Coding, CodeableConcept, Identifier."""
    if isinstance(element, bool):
        yield "", "true" if element else "false"
    elif isinstance(element, str):
        yield "", element
    elif isinstance(element, dict):
        for coding in values_at(element, "coding"):
            yield from _tokens(coding)
        code = element.get("code", element.get("value"))
        if isinstance(code, str):
            yield str(element.get("system", "")), code


def _reference_matcher(parameter: Parameter, value: str) -> Matcher:
    wanted = _unescaped(value)
    type_, id_ = type_and_id(wanted)
    if parameter.name == "patient":
        type_, id_ = type_ or "Patient", id_ or wanted

    def matches(resource: Resource) -> bool:
        for element in _elements(resource, parameter):
            reference = element.get("reference") if isinstance(element, dict) else None
            if isinstance(reference, str):
                has_type, has_id = type_and_id(reference)
                if (type_, id_) == (has_type, has_id) or (not type_ and wanted in (has_id, reference)):
                    return True
        return False

    return matches


def _date_matcher(parameter: Parameter, value: str) -> Matcher:
    fits = span_matcher(parameter.name, value)

    def matches(resource: Resource) -> bool:
        spans = (span_of_element(element) for element in _elements(resource, parameter))
        return any(span is not None and fits(span) for span in spans)

    return matches


def _elements(resource: Resource, parameter: Parameter) -> Iterator[object]:
    for path in parameter.paths:
        yield from values_at(resource, path)


def _unescaped(value: str) -> str:
    return re.sub(r"\\([\\,|$])", r"\1", value)
