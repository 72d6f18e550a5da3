"""What an operator takes back, and what can be proved: withdrawals, Tasks computed again, the audit."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.ledger import LONGEST_REASON, one_source, operator
from service.cli.options import AsJson, ConfigFile, Debug, SourceId
from service.cli.output import emit, say

if TYPE_CHECKING:
    from service.bootstrap import House

_ROWS = 1000  # of the audit in one short read


def add_to(app: typer.Typer) -> None:
    app.command()(withdraw)
    app.command()(verify)
    audit = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Who did what.")
    audit.command("export")(audit_export)
    audit.callback()(_audit)
    app.add_typer(audit, name="audit")


def _audit() -> None:
    """Who did what."""


def withdraw(
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the audit.")],
    rule: Annotated[
        str | None, typer.Option("--rule", metavar="R08", help="Only Tasks that have no other reason.")
    ] = None,
    source: SourceId = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Recall own Tasks that nobody has touched."""
    from dataclasses import asdict

    from service.bootstrap import new_holder
    from service.cli.house import Stopper, opened
    from service.config import ConfigError
    from service.cycle.withdraw import NotWritingError
    from service.cycle.withdraw import withdraw as recall
    from service.rules.judge import RULES

    if not reason.strip():
        raise ConfigError(["--reason: must say why"])
    if rule is not None and rule not in {each.id for each in RULES}:
        raise ConfigError(["--rule: must be a rule such as R08"])
    with opened(config) as house, Stopper(house):
        for each in house.source_settings(source):
            with house.parts(each) as parts:
                try:
                    done = recall(
                        parts,
                        new_holder(),
                        rule=rule,
                        reason=reason.strip()[:LONGEST_REASON],
                        actor=operator(),
                        stopping=house.clock.stopping,
                    )
                except NotWritingError as problem:
                    raise ConfigError([str(problem)]) from None
            if as_json:
                emit({"source": each.id, **asdict(done)})
            else:
                words = (f"{name} {value}" for name, value in asdict(done).items())
                sys.stdout.write(f"{each.id}: {', '.join(words)}\n")
            if done.left:
                say(
                    f"{each.id}: {done.left} left: a person has touched the Task, or it is not there any more"
                )


def verify(
    key: Annotated[str, typer.Argument(metavar="KEY")],
    config: ConfigFile = None,
    as_json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Read a Task's evidence again and compute it again: `same`, or what differs (exit 1)."""
    from dataclasses import asdict

    from service.cli.house import opened
    from service.config import ConfigError
    from service.cycle.verify import NoTaskError
    from service.cycle.verify import verify as compute_again

    with opened(config) as house:
        each = one_source(house, _source_of(house, key))
        with house.parts(each) as parts:
            try:
                found = compute_again(parts, key)
            except NoTaskError as problem:
                raise ConfigError([str(problem)]) from None
    if as_json:
        emit({**asdict(found), "same": not found.differences})
    else:
        if not found.differences:
            sys.stdout.write("same\n")
        for one in found.differences:
            sys.stdout.write(f"{one.what}: written {one.written}, now {one.now}\n")
    raise typer.Exit(1 if found.differences else 0)


def _source_of(house: "House", key: str) -> str:
    """The source of the item; raises ConfigError where no item has the key."""
    from service.config import ConfigError

    with house.ledger.read() as tx:
        item = tx.item(key)
    if item is None:
        raise ConfigError(["KEY: no item has this key"])
    return item.source


def audit_export(
    source: SourceId = None, config: ConfigFile = None, _json: AsJson = False, _debug: Debug = False
) -> None:
    """The whole audit as NDJSON, in the order of writing."""
    from service.cli.house import opened

    with opened(config) as house:
        if source is not None:
            house.source_settings(source)
        after = 0
        while True:
            with house.ledger.read() as tx:
                rows = list(tx.audit_trail(source, after=after, limit=_ROWS))
            for row in rows:
                emit(row)
            if len(rows) < _ROWS:
                break
            after = rows[-1]["id"]
        with house.ledger.write(None) as tx:
            tx.audit(source, "audit exported", house.clock.now(), actor=operator(), subject=source or "all")
