"""A slow, plain reading of the specification, used as an oracle for the service."""

from .assessment import assess as _assess


def assess(resources: list[dict], as_of: str, policy: str = "us", file_name: str = "x") -> dict | None:
    """The Assessment of one patient's resources on a day; None when the patient would not be listed."""
    return _assess(resources, as_of, policy, file_name)


__all__ = ["assess"]
