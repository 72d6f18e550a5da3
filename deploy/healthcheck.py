"""The container's health: exit 0 when the process inside does its work, 1 when it does not.

`web` and `run` are asked for /livez.  The others have nothing to ask: a worker or a one-shot command that
is gone takes its container along, so as long as this script runs they are up.
"""

import http.client
import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

DEFAULT_PORT = 8080
DEADLINE_SECONDS = 4.0  # below the HEALTHCHECK's own timeout
COMMANDS_THAT_ANSWER = {"web", "run"}


def main() -> int:
    """Judge the container's first process by its command line and the settings it was given."""
    words = Path("/proc/1/cmdline").read_text().split("\0")
    if not COMMANDS_THAT_ANSWER.intersection(words):
        return 0
    return 0 if is_alive(port_of(os.environ, words)) else 1


def port_of(environ: Mapping[str, str], words: list[str]) -> int:
    """The port of the inbox: environment, else `[web] port` of the settings file, else the default."""
    if "REVIEWDUE_WEB__PORT" in environ:
        return int(environ["REVIEWDUE_WEB__PORT"])
    named = words[words.index("--config") + 1] if "--config" in words[:-1] else None
    path = Path(named or environ.get("REVIEWDUE_CONFIG") or "reviewdue.toml")
    settings = tomllib.loads(path.read_text()) if path.is_file() else {}
    return int(settings.get("web", {}).get("port", DEFAULT_PORT))


def is_alive(port: int) -> bool:
    """Whether /livez on this port says 200 in time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
