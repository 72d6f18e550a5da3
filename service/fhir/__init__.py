"""The border to an EHR: the one egress, credentials, and typed FHIR calls."""
