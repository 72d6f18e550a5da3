"""The faults of one day: at least one request in ten is struck."""

import random

from tests.ehr.running import Ehr

ANYWHERE = (
    "unavailable",
    "reset",
    "hang-up",
    "server-error",
    "bad-gateway",
    "cut-reply",
    "drip",
    "login-page",
)
LISTS = (
    "truncated-page", "truncated-page-without-total", "no-link", "no-total", "unlabelled", "repeated-rows",
    "wrong-total", "foreign-next", "looping-next", "endless-next", "outcome-row", "suppressed", "page-fails",
    "page-expired", "empty-body", "not-json", "other-json", "outcome-in-200",
)  # fmt: skip
WRITES = (
    "lost-reply", "lost-reply-reset", "error-after-commit", "gateway-timeout-after-commit",
    "conflict-after-commit", "empty-reply", "login-page-after-commit", "no-location",
)  # fmt: skip
RARE = ("unauthorized", "forbidden", "unknown-type", "not-allowed", "rejected", "unprocessable", "throttled")


def brew(ehr: Ehr, salt: int) -> None:
    """Put the faults of a day in force; the same for the same salt."""
    chance = random.Random(salt)
    ehr.faults.seed = salt
    for fault in chance.sample(ANYWHERE, 3):
        ehr.faults.add(fault, rate=chance.choice((0.02, 0.04, 0.06)))
    for fault in chance.sample(LISTS, 4):
        ehr.faults.add(fault, rate=chance.choice((0.02, 0.05, 0.1)), on="list")
    for fault in chance.sample(WRITES, 3):
        ehr.faults.add(fault, rate=chance.choice((0.2, 0.5)), on="write")
    if chance.random() < 0.3:
        ehr.faults.add(chance.choice(RARE), rate=0.03, on=chance.choice(("any", "write", "list", "read")))
    if chance.random() < 0.1:
        ehr.faults.add(
            "dropped-filter", rate=0.3, value=chance.choice(("patient", "identifier", "_lastUpdated"))
        )
    if chance.random() < 0.07:  # a whole type, or everything, is down
        ehr.faults.add(
            "unavailable", on=chance.choice(("any", "any MedicationRequest", "any Encounter", "write"))
        )
