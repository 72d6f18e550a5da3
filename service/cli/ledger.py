"""What the ledger holds, and what an operator tells it."""

import getpass
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import AsJson, ConfigFile, Debug, SourceId
from service.cli.output import emit, say, table

if TYPE_CHECKING:
    from service.bootstrap import House
    from service.config import SourceSettings

LONGEST_REASON = 200  # characters of what an operator says, for the audit
_ITEM_COLUMNS = ("key", "patient", "state", "priority", "due_on", "reasons", "projection", "task")


class State(StrEnum):
    """As in `service.model.item`, which is not imported before it is needed."""

    HELD = "held"
    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Switch(StrEnum):
    ON = "on"
    OFF = "off"


def add_to(app: typer.Typer) -> None:
    app.command()(release)
    app.command()(refresh)
    app.command()(items)
    app.command()(item)
    app.command()(reconcile)
    quarantine = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What could not be handled.")
    quarantine.command("list")(quarantine_list)
    quarantine.command("retry")(quarantine_retry)
    quarantine.command("accept")(quarantine_accept)
    app.add_typer(quarantine, name="quarantine")


def release(
    switch: Annotated[Switch, typer.Argument(metavar="on|off", help="Leave shadow mode, or enter it again.")],
    source: SourceId = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Leave or re-enter shadow mode."""
    from service.cli.house import opened
    from service.cycle.operators import set_release

    with opened(config) as house:
        assert house.identity  # noqa: S101 (makes the secret while the ledger is still empty)
        for each in house.source_settings(source):
            on = switch is Switch.ON
            done = set_release(house.ledger, each.id, on=on, now=house.clock.now(), actor=operator())
            if as_json:
                emit(
                    {
                        "source": each.id,
                        "released": on,
                        "changed": done.changed,
                        "recalls_lifted": done.lifted,
                    }
                )
            else:
                was = "" if done.changed else " already"
                lifted = f"; {done.lifted} recalled items may be made again" if done.lifted else ""
                sys.stdout.write(f"{each.id}: {'released' if on else 'in shadow'}{was}{lifted}\n")
            if on and each.write == "never":
                say(f"{each.id}: nothing is written yet: source.{each.id}.write is never")


def refresh(
    patient: Annotated[str, typer.Argument(metavar="PATIENT", help="Patient/ID, or the bare id.")],
    source: SourceId = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Look at one patient in the next cycle."""
    from service.cli.house import opened
    from service.config import ConfigError
    from service.cycle.operators import look_at

    with opened(config) as house:
        each = one_source(house, source)
        try:
            id_ = look_at(
                house.ledger, house.identity, each.id, patient, now=house.clock.now(), actor=operator()
            )
        except ValueError as problem:
            raise ConfigError([f"PATIENT: {problem}"]) from None
        if as_json:
            emit({"source": each.id, "patient": f"Patient/{id_}"})
        else:
            sys.stdout.write(f"{each.id}: Patient/{id_} is looked at in the next cycle\n")


def items(
    state: Annotated[State | None, typer.Option("--state", help="Only those.")] = None,
    source: SourceId = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """The ledger's items, open and closed."""
    from service.cli.house import opened
    from service.model.item import ItemState

    with opened(config) as house:
        with house.ledger.read() as tx:
            rows = tx.items_listing(source, ItemState(state.value) if state else None)
        if as_json:
            for row in rows:
                emit(row)
        else:
            table(_ITEM_COLUMNS, ([_cell(row[name]) for name in _ITEM_COLUMNS] for row in rows))


def item(
    key: Annotated[str, typer.Argument(metavar="KEY")],
    config: ConfigFile = None,
    as_json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """One item with its reasons, its Task and what was done."""
    from service.cli.house import opened
    from service.config import ConfigError
    from service.cycle.operators import item_in_full

    with opened(config) as house:
        found = item_in_full(house.ledger, key)
    if found is None:
        raise ConfigError(["KEY: no item has this key"])
    if as_json:
        emit(found)
        return
    for name, value in found.items():
        if name != "history":
            sys.stdout.write(f"{name + ':':<14} {_cell(value)}\n")
    for act in found["history"]:
        sys.stdout.write(f"  {act['at']}  {act['act']}  {act['actor']}  {act['detail']}\n".rstrip(" "))


def reconcile(
    source: SourceId = None,
    accept_gone: Annotated[
        bool, typer.Option("--accept-gone", help="The Tasks that vanished are gone for good: end the freeze.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Compare all own Tasks in the EHR with the ledger, now."""
    from dataclasses import asdict

    from service.bootstrap import new_holder
    from service.cli.house import Stopper, opened
    from service.cycle.by_hand import compare_now

    code = 0
    with opened(config) as house, Stopper(house):
        for each in house.source_settings(source):
            with house.parts(each) as parts:
                gone, checked = compare_now(
                    parts,
                    new_holder(),
                    actor=operator(),
                    accept_gone=accept_gone,
                    stopping=house.clock.stopping,
                )
            found = {"source": each.id, **asdict(checked), **({"withdrawn": gone} if accept_gone else {})}
            if as_json:
                emit(found)
            else:
                words = (f"{name} {value}" for name, value in found.items() if name not in ("source", "why"))
                sys.stdout.write(f"{each.id}: {', '.join(words)}\n")
            if not checked.complete:
                say(f"{each.id}: own Tasks could not be read completely: {checked.why}")
                code = 3
    raise typer.Exit(code)


def quarantine_list(
    source: SourceId = None, config: ConfigFile = None, as_json: AsJson = False, _debug: Debug = False
) -> None:
    """What could not be handled: references, never names."""
    from service.cli.house import opened

    with opened(config) as house:
        with house.ledger.read() as tx:
            rows = [row for row in tx.quarantine(source) if row.accepted_at is None]
        shown = [
            {
                "source": row.source,
                "patient": f"Patient/{row.patient}" if row.patient else None,
                "reference": row.reference,
                "key": row.key,
                "reason": row.reason,
            }
            for row in rows
        ]
        if as_json:
            for each in shown:
                emit(each)
        else:
            columns = ("source", "patient", "reference", "key", "reason")
            table(columns, ([each[name] for name in columns] for each in shown))


def quarantine_retry(
    source: SourceId = None, config: ConfigFile = None, as_json: AsJson = False, _debug: Debug = False
) -> None:
    """Try again in the next cycle: rejected deliveries are planned anew, patients are read again."""
    from service.cli.house import opened
    from service.cycle.operators import retry

    with opened(config) as house:
        for each in house.source_settings(source):
            done = retry(house.ledger, each.id, now=house.clock.now(), actor=operator())
            if as_json:
                emit({"source": each.id, **done})
            else:
                words = (f"{name} {value}" for name, value in done.items())
                sys.stdout.write(f"{each.id}: {', '.join(words)}\n")


def quarantine_accept(
    what: Annotated[
        list[str], typer.Argument(metavar="REFERENCE…", help="As listed: a resource's, or an item's key.")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the audit.")] = "",
    source: SourceId = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Accept as it is: what cannot be read no longer keeps a review from closing."""
    from service.cli.house import opened
    from service.config import ConfigError
    from service.cycle.operators import accept

    with opened(config) as house:
        each = one_source(house, source)
        for named in dict.fromkeys(what):
            try:
                rows = accept(
                    house.ledger,
                    each.id,
                    named,
                    reason=reason[:LONGEST_REASON],
                    now=house.clock.now(),
                    actor=operator(),
                )
            except ValueError as problem:
                raise ConfigError([f"REFERENCE: {problem}"]) from None
            if not rows:
                raise ConfigError(["REFERENCE: nothing in the source's quarantine has it"])
            if as_json:
                emit({"source": each.id, "reference": named, "rows": rows})
            else:
                sys.stdout.write(f"{each.id}: {named} accepted, rows {rows}\n")


def one_source(house: "House", source: str | None) -> "SourceSettings":
    from service.config import ConfigError

    found = house.source_settings(source)
    if len(found) > 1:
        raise ConfigError(["source: there are several; name one with --source"])
    return found[0]


def operator() -> str:
    """Who is at the keyboard, for the audit."""
    try:
        return f"operator:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's user without a name
        return "operator"


def _cell(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
