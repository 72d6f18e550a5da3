"""The entry point: which commands there are, and what each kind of failure says and exits with.

Commands import what they use when they are called, so that `--version` and `--help` answer at once.
"""

import sys
from typing import Annotated, NoReturn

import typer

from service.cli import keeping, ledger, offline, proof, running, story

OK, UNHANDLED, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130

app = typer.Typer(
    name="reviewdue",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Finds people on an ongoing benzodiazepine whose use is due for a clinical review.",
)
for commands in (story, offline, running, ledger, proof, keeping):
    commands.add_to(app)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        sys.stdout.write(f"reviewdue {version('reviewdue')}\n")
        raise typer.Exit


@app.callback()
def everywhere(
    _version_asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Finds people on an ongoing benzodiazepine whose use is due for a clinical review."""


def main() -> NoReturn:
    """Run the command line; never returns.  Exit codes: interfaces.md."""
    try:
        app(prog_name="reviewdue")
    except KeyboardInterrupt:
        _leave(INTERRUPTED, ["interrupted"])
    except Exception as problem:  # noqa: BLE001 (the one home of it in a command: said in a line, or in full)
        if "--debug" in sys.argv[1:]:
            from service.logs import in_full

            sys.stderr.write(in_full(problem))
        _leave(*_judge(problem))
    sys.exit(OK)


def _judge(problem: Exception) -> tuple[int, list[str]]:
    """The exit code, and what is said."""
    from service.config import ConfigError
    from service.cycle import LeaseHeldError
    from service.fhir.errors import FhirError
    from service.ports import LedgerError
    from service.sources.crew import WorkerDiedError
    from service.sources.spill import SpillError
    from service.store import DatabaseUrlError, SchemaError

    if isinstance(problem, ConfigError):
        return USAGE, problem.problems
    if isinstance(problem, DatabaseUrlError | SchemaError):
        return USAGE, [str(problem)]
    if isinstance(problem, LedgerError | FhirError | WorkerDiedError | SpillError):
        return UNREACHABLE, [str(problem)]
    if isinstance(problem, LeaseHeldError):
        return INTERRUPTED, [str(problem)]
    return UNREACHABLE, [f"internal error: {type(problem).__name__}; --debug shows where"]


def _leave(code: int, lines: list[str]) -> NoReturn:
    for line in lines:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
    sys.exit(code)
