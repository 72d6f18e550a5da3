"""The FHIR data types that the resources we read are made of.

Only elements that we read are declared; all others are skipped.  Everything is optional: what is missing,
or `null`, is None or empty.  A wrong JSON type fails the decoding of the one resource.
"""

import msgspec

Number = int | float | str
"""A FHIR number as found.  A number written as a string is only an unknown number, so a string is let in."""


class Element(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Base of all data types and resources."""


class Coding(Element, frozen=True):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(Element, frozen=True):
    coding: tuple[Coding, ...] | None = None
    text: str | None = None

    @property
    def codings(self) -> tuple[Coding, ...]:
        return self.coding or ()


class Identifier(Element, frozen=True):
    system: str | None = None
    value: str | None = None


class Reference(Element, frozen=True):
    reference: str | None = None
    type: str | None = None
    identifier: Identifier | None = None
    display: str | None = None


class CodeableReference(Element, frozen=True):
    """R5: a concept, or a reference to a resource that says it."""

    concept: CodeableConcept | None = None
    reference: Reference | None = None


class ConceptOrReference(Element, frozen=True):
    """An element that is a CodeableConcept in R4 and a CodeableReference in R5."""

    coding: tuple[Coding, ...] | None = None
    text: str | None = None
    concept: CodeableConcept | None = None
    reference: Reference | None = None


class Period(Element, frozen=True):
    start: str | None = None
    end: str | None = None


class Quantity(Element, frozen=True):
    value: Number | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Range(Element, frozen=True):
    low: Quantity | None = None
    high: Quantity | None = None


class Ratio(Element, frozen=True):
    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Meta(Element, frozen=True):
    last_updated: str | None = None
    version_id: str | None = None
    tag: tuple[Coding, ...] | None = None


class HumanName(Element, frozen=True):
    use: str | None = None
    text: str | None = None
    family: str | None = None
    given: tuple[str, ...] | None = None


class Annotation(Element, frozen=True):
    text: str | None = None
    time: str | None = None
    author_reference: Reference | None = None
    author_string: str | None = None


class TimingRepeat(Element, frozen=True):
    bounds_period: Period | None = None
    bounds_duration: Quantity | None = None
    bounds_range: Range | None = None
    count: Number | None = None
    frequency: Number | None = None
    frequency_max: Number | None = None
    period: Number | None = None
    period_max: Number | None = None
    period_unit: str | None = None
    day_of_week: tuple[str, ...] | None = None
    time_of_day: tuple[str, ...] | None = None
    when: tuple[str, ...] | None = None


class Timing(Element, frozen=True):
    repeat: TimingRepeat | None = None
    code: CodeableConcept | None = None


class DoseAndRate(Element, frozen=True):
    dose_quantity: Quantity | None = None
    dose_range: Range | None = None


class Dosage(Element, frozen=True):
    sequence: Number | None = None
    text: str | None = None
    timing: Timing | None = None
    as_needed_boolean: bool | None = None
    as_needed_codeable_concept: CodeableConcept | None = None
    route: CodeableConcept | None = None
    dose_and_rate: tuple[DoseAndRate, ...] | None = None
    max_dose_per_period: Ratio | tuple[Ratio, ...] | None = None  # R5: a list
    as_needed: bool | None = None  # R5
    as_needed_for: tuple[CodeableConcept, ...] | None = None  # R5

    @property
    def is_as_needed(self) -> bool:
        """Whether the structure says so (exposure.md §3); the text may say it too."""
        return bool(
            self.as_needed_boolean
            or self.as_needed_codeable_concept is not None
            or self.as_needed
            or self.as_needed_for
        )

    @property
    def maxima(self) -> tuple[Ratio, ...]:
        limit = self.max_dose_per_period
        return limit if isinstance(limit, tuple) else () if limit is None else (limit,)
