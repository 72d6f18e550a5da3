"""Database, policy and settings."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import AsJson, ConfigFile, Debug, PolicyName
from service.cli.output import emit, say, table

if TYPE_CHECKING:
    from service.knowledge import Policy, Threshold


def add_to(app: typer.Typer) -> None:
    groups: tuple[tuple[str, str, Mapping[str, Callable[..., None]]], ...] = (
        (
            "db",
            "The ledger: its schema, its health, a copy of it.",
            {"upgrade": db_upgrade, "check": db_check, "backup": db_backup},
        ),
        ("policy", "The numbers that the rules use.", {"show": policy_show, "check": policy_check}),
        ("config", "The settings.", {"check": config_check}),
    )
    for name, about, commands in groups:
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
    """Whether the database answers, has this version's schema and is whole; changes nothing."""
    from service.bootstrap import load_settings
    from service.store import check, open_ledger

    url = load_settings(config).settings.database.url
    with open_ledger(url, create=False) as ledger:
        empty = ledger.empty()
    problems = check(url)
    if as_json:
        emit({"ok": not problems, "empty": empty, "problems": problems})
    elif not problems:
        sys.stdout.write(f"the ledger is good{', and empty' if empty else ''}\n")
    for problem in problems:
        say(problem)
    raise typer.Exit(1 if problems else 0)


def db_backup(
    to: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes; must not exist.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Copy a SQLite ledger as of one moment, also while a worker runs; PostgreSQL has pg_dump."""
    from service.bootstrap import load_settings
    from service.store import backup

    backup(load_settings(config).settings.database.url, to)
    if as_json:
        emit({"file": str(to), "bytes": to.stat().st_size})
    else:
        sys.stdout.write(f"copied to {to}; keep the instance secret with it, but not in the same place\n")


def policy_show(
    policy: PolicyName = None, config: ConfigFile = None, as_json: AsJson = False, _debug: Debug = False
) -> None:
    """Every threshold with its unit, source and mark, and where it differs from the preset."""
    from service.bootstrap import load_settings
    from service.knowledge import load_policy

    settings = load_settings(config, {"policy.name": policy} if policy is not None else None).settings
    found = load_policy(settings.policy.name)
    base = load_policy(found.extends) if found.extends else None
    if as_json:
        emit(
            {
                "policy": found.label,
                "extends": found.extends,
                "daily_maximum": found.daily_maximum,
                "thresholds": [
                    {
                        "name": t.name,
                        "value": t.value,
                        "unit": t.unit,
                        "source": t.source,
                        "mark": t.mark,
                        "preset": before.value if (before := _preset(base, t)) else None,
                    }
                    for t in found.thresholds.values()
                ],
            }
        )
        return
    about = f", which changes {base.label}" if base else ""
    maxima = "US labels" if found.daily_maximum == "us_label" else "labels outside the US"
    sys.stdout.write(f"policy {found.label}{about}; R10 reads the maxima of {maxima} first\n")
    rows = (
        (t.name, _shown(t, _preset(base, t)), t.unit, t.mark, t.source) for t in found.thresholds.values()
    )
    table(("threshold", "value", "unit", "mark", "source"), rows)


def policy_check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A policy in TOML, or a preset's name.")],
    _config: ConfigFile = None,
    as_json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """Whether a policy file can be used: every error with its key and line, else what it changes."""
    from service.knowledge import PolicyError, load_policy

    try:
        found = load_policy(str(file))
    except PolicyError as error:
        for problem in error.placed:
            say(problem)
        raise typer.Exit(2) from None
    base = load_policy(found.extends) if found.extends else None
    changed = [(t, before) for t in found.thresholds.values() if (before := _preset(base, t))]
    if as_json:
        emit(
            {
                "policy": found.label,
                "extends": found.extends,
                "changed": [
                    {"name": t.name, "value": t.value, "preset": before.value} for t, before in changed
                ],
            }
        )
        return
    about = (
        f", which changes {len(changed)} of {len(found.thresholds)} thresholds of {base.label}"
        if base
        else ""
    )
    sys.stdout.write(f"policy {found.label} is good{about}\n")
    for t, before in changed:
        sys.stdout.write(f"  {t.name}: {_value(t.value)} {t.unit}, {_value(before.value)} in the preset\n")


def _preset(base: "Policy | None", threshold: "Threshold") -> "Threshold | None":
    """The same threshold of the preset, where its value is another."""
    before = base.threshold(threshold.name) if base else None
    return before if before is not None and before.value != threshold.value else None


def _shown(threshold: "Threshold", before: "Threshold | None") -> str:
    value = _value(threshold.value)
    return f"{value} (preset {_value(before.value)})" if before else value


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
