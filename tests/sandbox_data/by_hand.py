"""Patients of the sandbox data that were read by hand, resource by resource, and what the rules say of them.

The numbers were worked out on paper from the resources and the rules, then compared with the service.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class ByHand:
    """One patient on one day.  Findings are `rule priority due_on`; suppressed ones `rule by what`."""

    folder: str
    patient: str  # the beginning of the id
    as_of: date
    episode: tuple[date, date] | None  # start, first day after
    findings: tuple[str, ...]
    suppressed: tuple[str, ...]
    unreadable: tuple[str, ...]  # reasons
    wake_on: date | None
    judgement: str


BY_HAND = (
    ByHand(
        "ahrq-pain-summary",
        "5c41cecf",
        date(2017, 11, 15),
        (date(2017, 7, 22), date(2017, 11, 16)),
        ("R02 routine 2017-10-20",),
        (),
        (),
        date(2018, 7, 22),
        "One active chlordiazepoxide order of 2017-07-22, without dose, quantity or end: open-ended, dose unknown. "
        "116 days without a review: R02, due on day 90. The oxycodone of 2021 on is not yet written. An open-ended "
        "order counts for 365 days, so the next look is on 2018-07-22. Right.",
    ),
    ByHand(
        "cdc-opioid-cpg",
        "opioid-review-indicated",
        date(2025, 11, 15),
        (date(2025, 7, 21), date(2025, 11, 16)),
        ("R02 routine 2025-10-19",),
        (),
        (),
        date(2026, 7, 21),
        "Temazepam by reference to a Medication with a brand code (Restoril 7.5 mg), one TAB a day: 7.5 mg, 3.75 to "
        "5 mg diazepam equivalent. One repeat, but neither quantity nor duration, so the length stays open. No "
        "Patient resource: age unknown, said. Right.",
    ),
    ByHand(
        "cds4cpm",
        "alphadelta",
        date(2023, 3, 20),
        None,
        (),
        (),
        ("malformed",),
        date(2023, 4, 7),
        "A temazepam order whose `category` is an object where FHIR has a list: a wrong JSON type makes a resource "
        "unreadable. It is named, in scope, and the assessment is incomplete, so somebody looks. Eight of nine "
        "patients here share this. An oxycodone order dated 2023-04-07 is the next thing to become known. Right.",
    ),
    ByHand(
        "ecqm-qicore",
        "6bbda026",
        date(2026, 1, 15),
        (date(2026, 1, 2), date(2026, 1, 16)),
        ("R05 asap 2026-01-04", "R11 routine 2026-01-22"),
        (),
        (),
        date(2026, 1, 22),
        "Flurazepam and oxycodone, both from 2026-01-02, no naloxone: R05 new, due in two days. The folder holds the "
        "same test patient in two editions with other order ids and another prescriber, so two requesters overlap "
        "for 7 days on 2026-01-08: R11. On 2026-01-22 21 days are covered and R01 begins. Right for what is written.",
    ),
    ByHand(
        "ecqm-qicore",
        "031889e2",
        date(2026, 5, 15),
        (date(2026, 1, 3), date(2026, 5, 16)),
        ("R05 urgent 2026-01-10", "R02 routine 2026-04-03", "R11 routine 2026-01-23"),
        (),
        (),
        date(2026, 6, 25),
        "Flurazepam with buprenorphine/naloxone, 133 days together, never reviewed: R05 ongoing, urgent; the text "
        "must say not to disrupt the treatment of opioid use disorder, and the facts say so. R05 has held since its "
        "first day, so it was due on day 7. R11 counts an open-ended order for 90 days and ends on 2026-06-25. Right.",
    ),
    ByHand(
        "ecqm-qicore",
        "b92d0b5a",
        date(2026, 5, 15),
        (date(2026, 1, 3), date(2026, 5, 16)),
        (),
        ("R02 by S3", "R11 by S3"),
        (),
        date(2026, 6, 25),
        "Flurazepam, and a completed palliative care Procedure on 2026-01-01, within the year: everything but R04 and "
        "R05 is muted, and still shown. Right.",
    ),
    ByHand(
        "ecqm-qicore",
        "2389a7bb",
        date(2026, 5, 15),
        (date(2025, 1, 1), date(2026, 5, 16)),
        ("R02 routine 2025-04-01",),
        (),
        (),
        date(2026, 12, 31),
        "Clobazam from 2025-01-01, again from 2025-12-31: the first open-ended supply ends where the second starts, "
        "500 covered days. REM sleep behaviour disorder stretches the interval only with clonazepam, diazepam or "
        "lorazepam (S9), so it stays 90 days. Aged 66, but one order in the last 365 days: no R08. Right.",
    ),
    ByHand(
        "ecqm-qicore",
        "bc0146d2",
        date(2026, 1, 15),
        (date(2025, 1, 1), date(2026, 1, 2)),
        ("R00 routine 2026-01-31",),
        (),
        (),
        date(2026, 2, 1),
        "Zaleplon, still active since 2025-01-02 and never renewed: its days ran out after 365, so from day 366 it is "
        "a stale active order, not a lapse. R02 gives way to R00. On 2026-02-01 the episode is over. Right.",
    ),
    ByHand(
        "hl7-r4-examples",
        "pat1",
        date(2015, 1, 25),
        (date(2015, 1, 15), date(2015, 1, 21)),
        ("R05 asap 2015-01-17",),
        (),
        (),
        date(2015, 1, 27),
        "Alprazolam as needed in a contained Medication, bounded to 2015-01-15 to 20; its fill is of June and not "
        "known yet. Fentanyl and hydrocodone handed over on 2015-01-15: an overlap of six days, the last within 7 "
        "days: R05 until 2015-01-26. The lorazepam injection is set aside as parenteral. Right.",
    ),
    ByHand(
        "nhs-eps-uk",
        "78d3c2eb",
        date(2023, 1, 1),
        None,
        (),
        (),
        ("no-start",) * 5,
        None,
        "Prescription messages without authoredOn or any other date: diazepam 2 mg at night and chlordiazepoxide are "
        "recognised (dm+d codes), but when they began is not written. Named as unreadable, incomplete. Right: a date "
        "is never guessed, although MessageHeader or Provenance might tell.",
    ),
    ByHand(
        "synthea-2020-us",
        "b13bd1f1",
        date(2008, 12, 1),
        (date(2008, 5, 26), date(2008, 12, 2)),
        ("R02 routine 2008-11-22",),
        (),
        (),
        date(2009, 5, 18),
        "Diazepam by its brand-form code, known by text only (flag). Epilepsy: with diazepam the interval is 180 days "
        "(S8), so R02 began on day 166. Turned 19 in May, so the adult policy holds. Death on 2009-05-18 is in "
        "the record, so that is the next day to look. Right.",
    ),
    ByHand(
        "synthea-2020-us",
        "6c1a94c7",
        date(2019, 12, 1),
        (date(2019, 11, 13), date(2019, 12, 2)),
        ("R01 routine 2019-12-04", "R08 routine 2019-12-13"),
        (),
        (),
        date(2019, 12, 20),
        "Aged 70. Clonazepam of February, stopped on an unknown day: 30 days, another episode. Diazepam from "
        "2019-11-13, 19 days covered: R01 (14 days are enough from 65 on), due on day 21. Two orders within the year: "
        "R08 adds its reason. Death on 2019-12-20 ends it. Right.",
    ),
    ByHand(
        "synthea-bulk-uscore-10",
        "3af3708d",
        date(1971, 7, 10),
        (date(1970, 7, 20), date(1971, 7, 11)),
        (),
        ("R02 by S11",),
        (),
        date(1971, 7, 20),
        "A child of 11 on diazepam, the order's reason a seizure disorder: the interval is 365 days (S7), R02 holds "
        "from day 351 and is muted because the policy is for adults (S11). Right.",
    ),
)
