"""The demo: the whole story on synthetic people, in the terminal."""

from rich.console import Console


def run(*, serve: bool, port: int | None, console: Console) -> int:
    """Tell the story; with `serve` the inbox then stays up until Ctrl-C.  Gives the exit code.

    Nothing is left behind: EHR and ledger live in memory and in a temporary folder.
    """
    from service.demo import stage  # its parts are many; who only reads the fixtures needs none of them

    return stage.run(serve=serve, port=port, console=console)
