"""What went wrong at an EHR, named by what to do next (lifecycle.md §3).

A message never holds a URL, an id, a header or a piece of a body: it may be logged and stored as it is.
"""

from collections.abc import Iterable


class FhirError(Exception):
    """A call to an EHR did not do what it should."""


class AuthError(FhirError):
    """No credential, or the EHR refused it and a new one too: the source stops with an alarm."""


class NotSentError(FhirError):
    """The EHR did not process it: try again later, at the earliest after `retry_after` seconds."""

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class UnknownReplyError(FhirError):
    """The EHR may have processed it: settle and read back, never send it again blindly."""


class ChannelError(FhirError):
    """The EHR does not let us write this: configuration, the channel stops with an alarm."""

    def __init__(self, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status


class RejectedError(FhirError):
    """The EHR understood what we wrote and refused it: quarantine."""

    def __init__(self, status: int, codes: Iterable[str] = ()) -> None:
        self.status = status
        self.codes = tuple(codes)
        super().__init__(_with_codes(f"refused with {status}", self.codes))


class SeveralMatchError(RejectedError):
    """412 on a conditional create: several resources have our identifier."""


class StaleError(FhirError):
    """What we changed is not what the EHR has now: read again; a person's edit wins."""


class GoneError(FhirError):
    """410: it was there and was deleted."""


class NotFoundError(FhirError):
    """404 on a read by id."""


class FhirUnavailableError(FhirError):
    """A read that is worth trying again later: no answer, 408, 429 or 5xx."""

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class FhirRejectedError(FhirError):
    """A read that the EHR understood and refused; trying again will not help."""

    def __init__(self, status: int, codes: Iterable[str] = ()) -> None:
        self.status = status
        self.codes = tuple(codes)
        super().__init__(_with_codes(f"refused with {status}", self.codes))


class UnreadableReplyError(FhirError):
    """The EHR answered with something that is not what was asked for, or not readable."""


class ForeignUrlError(FhirError):
    """A URL that is not inside the EHR's base: nothing was sent to it."""


class IncompleteError(FhirError):
    """A search whose answer is readable but not proven to be all (fhir-quirks.md Q-02 to Q-05, Q-24)."""


class DroppedFilterError(IncompleteError):
    """The server did not apply a search parameter; more came than was asked for."""

    def __init__(self, parameter: str) -> None:
        super().__init__(f"the server did not apply {parameter}")
        self.parameter = parameter


def _with_codes(text: str, codes: tuple[str, ...]) -> str:
    return f"{text} ({', '.join(codes)})" if codes else text
