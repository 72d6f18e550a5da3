"""How each order and fill was read, and what it covers or why it covers nothing."""

from collections.abc import Iterator

from service.explain.explanation import PhaseRead, Reading
from service.exposure import Exposure
from service.exposure.length import fill_dosage
from service.model.days import Day, date_of
from service.model.exposure import Supply
from service.model.facts import Dosage, Facts, Fill, Order, Role


def readings(facts: Facts, exposure: Exposure) -> tuple[Reading, ...]:
    """All that the record states, known on the day or only later, in order of start, then reference."""
    supplies = {s.reference: s for s in (*exposure.supplies, *exposure.opioids, *exposure.sedatives)}
    orders = {order.reference: order for order in facts.orders}
    filled = {order for fill in facts.fills for order in fill.orders}
    found = [*_orders(facts, exposure, supplies, filled), *_fills(facts, exposure, supplies, orders)]
    return tuple(sorted(found, key=lambda each: (each.start, each.reference)))


def _orders(
    facts: Facts, exposure: Exposure, supplies: dict[str, Supply], filled: set[str]
) -> Iterator[Reading]:
    for order in facts.orders:
        supply = supplies.get(order.reference)
        why = (
            None
            if supply
            else _why_nothing(order, exposure, order.known_on, is_filled=order.reference in filled)
        )
        yield _reading(order, order, order.dosage, supply, exposure, why)


def _fills(
    facts: Facts, exposure: Exposure, supplies: dict[str, Supply], orders: dict[str, Order]
) -> Iterator[Reading]:
    for fill in facts.fills:
        order = orders.get(fill.order) if fill.order else None
        supply = supplies.get(fill.reference)
        why = None if supply else _why_nothing(fill, exposure, fill.start, is_filled=False)
        yield _reading(fill, order, fill_dosage(fill, order), supply, exposure, why)


def _why_nothing(source: Order | Fill, exposure: Exposure, known_on: Day, *, is_filled: bool) -> str:
    if known_on > exposure.as_of:
        return "it was written after the day asked about"
    if source.drug.role is Role.NALOXONE:
        return "an order of naloxone covers no days"
    if is_filled:
        return "its fills count instead"
    return "it was ended or replaced before it began"


def _reading(
    source: Order | Fill,
    order: Order | None,
    dosage: Dosage | None,
    supply: Supply | None,
    exposure: Exposure,
    no_supply: str | None,
) -> Reading:
    own = source if isinstance(source, Order) else None
    is_open = supply is not None and supply.is_open(exposure.as_of)
    return Reading(
        reference=source.reference,
        is_fill=own is None,
        role=source.drug.role.value,
        ingredient=source.drug.ingredient,
        strength=source.drug.strength,
        liquid=source.drug.liquid,
        status=own.status.value if own else None,
        written=date_of(own.authored) if own and own.authored is not None else None,
        start=date_of(source.start),
        phases=tuple(PhaseRead(p.daily_mg, p.days) for p in (dosage.phases if dosage else ())),
        dose_unknown=dosage.unknown if dosage else "no instruction",
        as_needed=dosage is not None and dosage.as_needed,
        repeats=own.repeats if own else None,
        length_days=supply.length if supply else None,
        length_rule=supply.rule if supply else None,
        covers_from=date_of(supply.start) if supply else None,
        covers_until=date_of(supply.end - 1) if supply and not is_open else None,
        is_open=is_open,
        cut=date_of(supply.cut) if supply and supply.cut is not None else None,
        cut_why=_cut_why(supply, order, exposure.facts) if supply else None,
        flags=tuple(sorted((supply.flags if supply else frozenset()) | source.flags)),
        no_supply=no_supply,
    )


def _cut_why(supply: Supply, order: Order | None, facts: Facts) -> str | None:
    if supply.cut is None:
        return None
    if order is not None and order.stop_day == supply.cut:
        return "stopped"
    following = [
        o.reference for o in facts.orders if order and o.prior == order.reference and o.start == supply.cut
    ]
    if following:
        return f"followed by {following[0]}"
    return "death" if facts.deceased == supply.cut else "the next supply of the same ingredient"
