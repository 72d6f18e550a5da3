"""R05, R06, R07: other drugs, or two agents, at the same time."""

from itertools import combinations

from . import fhir
from .case import ASAP, RANK, ROUTINE, URGENT, Case, Holding
from .exposure import Episode
from .supply import Supply

CARISOPRODOL = {"carisoprodol", "meprobamate"}


def _s3(case: Case, d: int) -> bool:
    from .suppress import s3  # S3 makes R05 routine

    return s3(case, d)


def overlap_days(case: Case, d: int, episode: Episode, others: list[Supply], first: int) -> list[int]:
    """Days of E from `first` to d that some of the other supplies contain, too."""
    return [
        day
        for day in case.view(d).covered_days(episode)
        if day >= first and any(other.contains(day) for other in others)
    ]


def present_overlap(case: Case, d: int, episode: Episode) -> list[int]:
    """The overlap days up to the latest one, which lies in the last 7 days, without holes of 30 days or more."""
    everything = overlap_days(case, d, episode, case.opioids, episode.start)
    if not everything or d - everything[-1] >= case.policy("R05.latest_within"):
        return []
    present = [everything[-1]]
    for day in reversed(everything[:-1]):
        if present[-1] - day - 1 >= case.policy("R05.hole_ends_stretch"):
            break
        present.append(day)
    return sorted(present)


def r05(case: Case, d: int) -> Holding | None:
    view, p = case.view(d), case.policy
    episode = view.episode
    if episode is None:
        return None
    reviewed = case.last_review(d)
    levels: list[str] = []
    variants: list[str] = []
    present = present_overlap(case, d, episode)
    if present and d - present[0] <= p("R05.new_within") and (reviewed is None or reviewed < present[0]):
        variants.append("new")
        look_back = p("R05.naloxone_look_back")
        naloxone = any(0 <= d - order.authored <= look_back for order in case.naloxone)
        levels.append(URGENT if naloxone else ASAP)
    year = overlap_days(case, d, episode, case.opioids, d - int(p("R05.ongoing_window")))
    if len(year) >= p("R05.ongoing_days") and d - year[-1] < p("R05.ongoing_latest_within"):
        variants.append("ongoing")
        recently = reviewed is not None and d - reviewed < p("R05.urgent_without_review")
        levels.append(ROUTINE if recently else URGENT)
    if not variants:
        return None
    priority = max(levels, key=lambda level: RANK[level])
    if case.has(d, "cancer_pain", "sickle_cell_disease") or _s3(case, d):
        priority = ROUTINE
    plus = {ASAP: "R05.due_asap", URGENT: "R05.due_urgent", ROUTINE: "R05.due_routine"}[priority]
    return Holding(priority, plus=int(p(plus)), variants=tuple(variants))


def r06(case: Case, d: int) -> Holding | None:
    view, p = case.view(d), case.policy
    episode = view.episode
    if episode is None:
        return None
    involved: dict[str, int] = {}
    urgent = False
    for ingredient in sorted({s.ingredient for s in case.sedatives}):
        supplies = [s for s in case.sedatives if s.ingredient == ingredient]
        together = overlap_days(case, d, episode, supplies, d - int(p("R06.window")) + 1)
        other = supplies[0].source.other
        assert other is not None
        if len(together) >= p("R06.strong_days" if other.strong else "R06.any_days"):
            involved[ingredient] = _came_in(supplies, together)
            urgent = (
                urgent
                or other.group == "barbiturate"
                or ingredient in CARISOPRODOL
                or "oxybate" in ingredient
            )
    alone = set(involved)
    if case.older(d):
        active = [s for s in view.containing + case.sedatives + case.opioids if s.contains(d)]
        names = {s.ingredient for s in active}
        if len(names) >= p("R06.cns_active_older"):
            for name in names - alone:
                involved[name] = _came_in([s for s in active if s.ingredient == name], [d])
    if not involved:
        return None
    return Holding(
        URGENT if urgent else ROUTINE,
        plus=int(p("R06.due_urgent" if urgent else "R06.due")),
        involved=involved,
    )


def _came_in(supplies: list[Supply], together: list[int]) -> int:
    """The start of the first supply that contains one of the days."""
    return min(s.start for s in supplies if any(s.contains(day) for day in together))


def r07(case: Case, d: int) -> Holding | None:
    view, p = case.view(d), case.policy
    if view.episode is None:
        return None
    involved: dict[str, int] = {}
    for pair in combinations(sorted({s.ingredient for s in view.supplies}), 2):
        stretch = _two_agents(case, d, pair)
        if stretch:
            for name in pair:
                mine = [s for s in view.supplies if s.ingredient == name]
                came = _came_in(mine, stretch)
                involved[name] = min(came, involved.get(name, came))
    if not involved:
        return None
    return Holding(ROUTINE, plus=int(p("R07.due")), involved=involved)


def _two_agents(case: Case, d: int, pair: tuple[str, ...]) -> list[int]:
    """The overlap stretch of two ingredients that is long enough, and not begun by a link."""
    view, p = case.view(d), case.policy
    one, two = ([s for s in view.supplies if s.ingredient == name] for name in pair)
    covered = [day for episode in view.episodes for day in view.covered_days(episode)]
    together = [day for day in covered if case.exposure.ingredients_on(day) >= set(pair)]
    stretches: list[list[int]] = []
    for day in together:
        if stretches and day - stretches[-1][-1] - 1 <= p("R07.hole"):
            stretches[-1].append(day)
        else:
            stretches.append([day])
    for stretch in reversed(stretches):
        late = [day for day in stretch if day >= stretch[0] + p("R07.grace")]
        if len(late) < p("R07.overlap_days") or d - late[-1] >= p("R07.latest_within"):
            continue
        if not _begun_by_link(case, stretch[0], one, two):
            return stretch
    return []


def _begun_by_link(case: Case, day: int, one: list[Supply], two: list[Supply]) -> bool:
    """Does a supply that begins on the first day come from an order that names an order of the other agent?"""
    ingredient_of = {order.ref: order.ingredient for order in case.exposure.orders}
    for mine, theirs in ((one, two), (two, one)):
        other = theirs[0].ingredient
        for supply in mine:
            prior = supply.order.prior if supply.order is not None and supply.first == day else None
            if prior is not None and ingredient_of.get(prior) == other:
                return True
    return False


def requester_names(body) -> tuple[str | None, str | None]:
    """(reference, else identifier or display) of a requester."""
    requester = fhir.dig(body, "requester")
    ref = fhir.reference(requester)
    identifier = fhir.dig(requester, "identifier")
    value = fhir.text(fhir.dig(identifier, "value"))
    if value:
        return ref, f"identifier:{fhir.text(fhir.dig(identifier, 'system'))}|{value}"
    display = fhir.text(fhir.dig(requester, "display"))
    return ref, f"display:{display}" if display else None
