"""Code systems: the names we use inside for the URIs and OIDs that records use."""

from enum import StrEnum


class System(StrEnum):
    """A code system that some table of ours has codes of."""

    RXNORM = "rxnorm"
    SNOMED = "snomed"
    ATC = "atc"
    ICD10 = "icd10"  # ICD-10 and ICD-10-CM: one tree as far as our tables go
    LOINC = "loinc"
    CPT = "cpt"
    ACT_CODE = "act-code"  # HL7 v3 ActCode: the class of an Encounter


_SPELLINGS: dict[str, System] = {
    "http://www.nlm.nih.gov/research/umls/rxnorm": System.RXNORM,
    "urn:oid:2.16.840.1.113883.6.88": System.RXNORM,
    "http://snomed.info/sct": System.SNOMED,
    "urn:oid:2.16.840.1.113883.6.96": System.SNOMED,
    "http://www.whocc.no/atc": System.ATC,
    "urn:oid:2.16.840.1.113883.6.73": System.ATC,
    "http://hl7.org/fhir/sid/icd-10-cm": System.ICD10,
    "http://hl7.org/fhir/sid/icd-10": System.ICD10,
    "urn:oid:2.16.840.1.113883.6.90": System.ICD10,
    "http://loinc.org": System.LOINC,
    "urn:oid:2.16.840.1.113883.6.1": System.LOINC,
    "http://www.ama-assn.org/go/cpt": System.CPT,
    "urn:oid:2.16.840.1.113883.6.12": System.CPT,
    "http://terminology.hl7.org/CodeSystem/v3-ActCode": System.ACT_CODE,
    "urn:oid:2.16.840.1.113883.5.4": System.ACT_CODE,
}


def system_of(uri: str | None) -> System | None:
    """The code system that `uri` names, or None: a coding of an unknown system is not recognised."""
    return _SPELLINGS.get(uri) if uri is not None else None
