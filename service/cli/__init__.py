"""The command `reviewdue`: each command is a few lines that call a use case."""

from service.cli.main import main

__all__ = ["main"]
