"""Asking a server in the best way that it takes, and remembering which that was."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from service.fhir.client import FhirClient, Params
from service.fhir.errors import DroppedFilterError, FhirRejectedError
from service.fhir.page import Page

OWN_CODE = "http://snomed.info/sct|182836005"  # of every Task of ours (lifecycle.md §5)

_NOT_THIS_WAY = frozenset({400, 422, 501})
_SORTED = ("_sort", "_lastUpdated")


class Questions:
    """Which resources of a type matter, as search parameters; several ways to say it, the best first."""

    def __init__(self, item_system: str, observation_codes: Iterable[str]) -> None:
        self._narrow: dict[str, tuple[Params, ...]] = {
            "Task": ([("identifier", f"{item_system}|")], [("code", OWN_CODE)]),
            "Observation": ([("code", ",".join(observation_codes))],),
        }

    def ways(self, kind: str, params: Params, *, ordered: bool = False) -> list[Params]:
        """`params` with what narrows `kind` down; `ordered`: oldest change first, where the server can."""
        orders: tuple[Params, ...] = ([_SORTED], []) if ordered else ([],)
        narrow = self._narrow.get(kind, ([],))
        return [[*params, *narrowed, *order] for narrowed, order in product(narrow, orders)]


class Asker:
    """Searches that fall back to another way of asking when a server refuses one; thread-safe."""

    def __init__(self, client: FhirClient) -> None:
        self.client = client
        self._best: dict[tuple[str, str], int] = {}

    def forget(self) -> None:
        """Try the best ways again: a refusal need not be for ever."""
        self._best.clear()

    def pages(
        self, purpose: str, kind: str, ways: Sequence[Params], *, private: bool = False
    ) -> Iterator[Page]:
        """The pages of the first way that the server takes.

        `purpose` and `kind` name the question: the way that worked is tried first from then on.  A page may
        come twice when a way fails half-way.  Raises what `FhirClient.search` raises for the last way.
        """
        first = min(self._best.get((purpose, kind), 0), len(ways) - 1)
        for number in range(first, len(ways)):
            try:
                yield from self.client.search(kind, ways[number], private=private)
            except FhirRejectedError as error:
                if error.status not in _NOT_THIS_WAY or number == len(ways) - 1:
                    raise
            except DroppedFilterError:
                if number == len(ways) - 1:
                    raise
            else:
                self._best[purpose, kind] = number
                return


def or_list(values: Iterable[str]) -> str:
    """Values as one search value, any of which may match (FHIR R4 search, Escaping Search Parameters)."""
    return ",".join(_escaped(value) for value in values)


def _escaped(value: str) -> str:
    for sign in "\\$,|":
        value = value.replace(sign, f"\\{sign}")
    return value
