"""PostgreSQL restarted as after a crash, again and again, while two workers deliver."""

from pathlib import Path

from tests.faults.stage import Tally, stage
from tests.postgres.server import private_server

WORKERS = 2
_PER_RESTART = 10


def restart_under_load(restarts: int, seed: int, folder: Path) -> Tally:
    """Restart it that many times at random moments with writes under way; then come to rest and count."""
    with (
        private_server() as server,
        server.database() as database,
        stage(folder, database, seed, slow=0.05) as on,
    ):
        with on.workers(WORKERS):
            for _ in range(restarts):
                before = on.attempts()
                on.add_people(_PER_RESTART)
                on.until_written(before)
                on.wait(on.chance.uniform(0, 0.3))
                server.restart()
                on.tally.faults += 1
            on.all_delivered()
        on.rest()
        return on.judge()
