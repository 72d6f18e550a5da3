"""The demo."""

from typing import Annotated

import typer

from service.cli.options import AsJson, ConfigFile, Debug


def add_to(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    serve: Annotated[bool, typer.Option("--serve", help="Keep the inbox up until Ctrl-C.")] = False,
    port: Annotated[int | None, typer.Option("--port", help="Of the inbox; else a free one.")] = None,
    _config: ConfigFile = None,
    as_json: AsJson = False,
    _debug: Debug = False,
) -> None:
    """The whole story on invented people, against an embedded EHR."""
    import sys

    from rich.console import Console

    from service import demo as story

    raise typer.Exit(
        story.run(serve=serve, port=port, console=Console(file=sys.stderr if as_json else sys.stdout))
    )
