"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings; else REVIEWDUE_CONFIG, else ./reviewdue.toml."),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout, and nothing else there.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
SourceId = Annotated[str | None, typer.Option("--source", metavar="ID", help="One source; else all.")]
Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH…", help="FHIR *.json, *.ndjson, also .gz, or folders of them.")
]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="The day asked about; else today.")]
Timezone = Annotated[
    str | None, typer.Option("--timezone", metavar="TZ", help="Of the clinic; else dates count as written.")
]
PolicyName = Annotated[
    str | None, typer.Option("--policy", metavar="NAME|FILE", help="us, uk or a file; else the setting.")
]
