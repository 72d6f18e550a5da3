"""Database, policy and settings."""

import sys

import typer

from service.cli.options import AsJson, ConfigFile, Debug, PolicyName
from service.cli.output import emit, table


def add_to(app: typer.Typer) -> None:
    for name, about, commands in (
        ("db", "The ledger's schema.", {"upgrade": db_upgrade, "check": db_check}),
        ("policy", "The numbers that the rules use.", {"show": policy_show}),
        ("config", "The settings.", {"check": config_check}),
    ):
        group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=about)
        for command, function in commands.items():
            group.command(command)(function)
        app.add_typer(group, name=name)


def db_upgrade(config: ConfigFile = None, as_json: AsJson = False, _debug: Debug = False) -> None:
    """Bring the database to this version's schema."""
    from service.bootstrap import load_settings
    from service.store import upgrade

    before, after = upgrade(load_settings(config).settings.database.url)
    if as_json:
        emit({"before": before, "after": after})
    elif before == after:
        sys.stdout.write(f"the ledger is at schema {after}; nothing to do\n")
    else:
        sys.stdout.write(f"the ledger is at schema {after} now (before: {before or 'empty'})\n")


def db_check(config: ConfigFile = None, as_json: AsJson = False, _debug: Debug = False) -> None:
    """Whether the database answers and has this version's schema; changes nothing."""
    from service.bootstrap import load_settings
    from service.store import open_ledger

    with open_ledger(load_settings(config).settings.database.url, create=False) as ledger:
        empty = ledger.empty()
    if as_json:
        emit({"ok": True, "empty": empty})
    else:
        sys.stdout.write(f"the ledger is good{', and empty' if empty else ''}\n")


def policy_show(
    policy: PolicyName = None, config: ConfigFile = None, as_json: AsJson = False, _debug: Debug = False
) -> None:
    """Every threshold with its unit, source and mark."""
    from service.bootstrap import load_settings
    from service.knowledge import load_policy

    settings = load_settings(config, {"policy.name": policy} if policy is not None else None).settings
    found = load_policy(settings.policy.name)
    if as_json:
        emit(
            {
                "policy": found.label,
                "extends": found.extends,
                "daily_maximum": found.daily_maximum,
                "thresholds": [
                    {"name": t.name, "value": t.value, "unit": t.unit, "source": t.source, "mark": t.mark}
                    for t in found.thresholds.values()
                ],
            }
        )
        return
    sys.stdout.write(f"policy {found.label}\n")
    rows = ((t.name, _value(t.value), t.unit, t.mark, t.source) for t in found.thresholds.values())
    table(("threshold", "value", "unit", "mark", "source"), rows)


def config_check(config: ConfigFile = None, as_json: AsJson = False, _debug: Debug = False) -> None:
    """Every setting, its value (secrets masked) and where it came from."""
    from service.bootstrap import load_settings

    loaded = load_settings(config)
    if as_json:
        emit({key: {"value": value, "from": origin} for key, value, origin in loaded.rows()})
    else:
        table(("setting", "value", "from"), loaded.rows())


def _value(value: object) -> str:
    return f"{value[0]} to {value[1]}" if isinstance(value, tuple) else str(value)
