"""Who asked for an order: one identity per person, and the organizations they work for (rules.md R11)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from service.record.datatypes import Reference
from service.record.elements import Practitioner, PractitionerRole
from service.record.references import local_reference, queried_identifier

NOBODY: tuple[None, frozenset[str]] = (None, frozenset())


@dataclass(slots=True)
class Requesters:
    """Resolves requesters with the Practitioners and PractitionerRoles of a record."""

    practitioners: Iterable[Practitioner]
    roles: Iterable[PractitionerRole]
    _by_identifier: dict[tuple[str | None, str], str] = field(init=False, default_factory=dict)
    _roles: dict[str, PractitionerRole] = field(init=False, default_factory=dict)
    _organizations: dict[str, set[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for person in self.practitioners:
            for one in person.identifier or ():
                if one.value:
                    self._by_identifier[one.system, one.value] = person.reference
        for role in self.roles:
            self._roles[role.reference] = role
            who = local_reference(role.practitioner.reference) if role.practitioner else None
            place = _organization(role)
            if who and place:
                self._organizations.setdefault(who, set()).add(place)

    def identify(self, requester: Reference | None) -> tuple[str | None, frozenset[str]]:
        """(identity, organizations): the Practitioner, else the identifier, else the display, else nobody."""
        if requester is None:
            return NOBODY
        reference = local_reference(requester.reference)
        role = self._roles.get(reference or "")
        if role is not None:
            reference = local_reference(role.practitioner.reference) if role.practitioner else role.reference
        if role is None and not (reference or "").startswith("Practitioner/"):
            reference = self._person_of_identifier(requester)
        who = reference or requester.display
        if not who:
            return NOBODY
        own = _organization(role) if role else None
        return who, frozenset(self._organizations.get(who, set()) | ({own} if own else set()))

    def _person_of_identifier(self, requester: Reference) -> str | None:
        """The Practitioner with the identifier, else the identifier itself as text."""
        queried = queried_identifier(requester.reference)
        if queried is None and requester.identifier is not None and requester.identifier.value:
            queried = requester.identifier.system, requester.identifier.value
        if queried is None:
            return None
        return self._by_identifier.get(queried) or "|".join(part or "" for part in queried)


def _organization(role: PractitionerRole) -> str | None:
    place = role.organization
    if place is None:
        return None
    if place.identifier is not None and not place.reference:
        return f"{place.identifier.system or ''}|{place.identifier.value or ''}"
    return local_reference(place.reference)
