"""The ten strangest orders of the sandbox data, looked at by hand: what is written, and whether we read it rightly."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Strange:
    """One order, how it has to be read (worked out by hand from the resource), and why."""

    folder: str
    reference: str
    reading: str
    judgement: str


STRANGEST = (
    Strange(
        "cdc-opioid-cpg",
        "MedicationRequest/benzodiazepine",
        "temazepam, 7.5 mg/day, open, 365 days",
        "Valid for a month with one repeat, but neither a quantity nor an expected duration: a repeat of nothing "
        "cannot be counted, so the length stays open. The validity is when it may be dispensed, not how long it "
        "lasts. The only order of all folders whose dose is known and that covers days itself. Right.",
    ),
    Strange(
        "cds4cpm",
        "MedicationRequest/sdMedReqBenzodiazepineAlpha",
        "unreadable: malformed",
        "`category` is an object where FHIR has a list. Were it read, it would be stranger still: one 20 mg tablet "
        "every 12 *days* (hours may be meant), for 30 days, three repeats: 1.67 mg a day for 120 days. Somebody has to "
        "look at it either way; setting it aside, named and in scope, brings that about. Right.",
    ),
    Strange(
        "hl7-r4-examples",
        "MedicationRequest/medrx0305",
        "alprazolam, 0 to 1 mg/day, its fills count",
        "As needed from 15 to 20 January; its refill was handed over on 26 June, for ten days. Before that fill is "
        "known the bounds count, afterwards the fill alone. The words forbid more than 4 mg a day, the structure "
        "allows 1 mg; words fill only what the structure lacks. Right by the letter, though January is forgotten in "
        "June.",
    ),
    Strange(
        "nhs-eps-uk",
        "MedicationRequest/1de954ac-a1ea-49ab-bd4e-88e99f191186",
        "unreadable: no-start",
        "Diazepam 2 mg, “1 tablet, at NIGHT”, 28 tablets: all is there but a date. The Provenance of the message was "
        "recorded in 2008 and signed in 2021. The same id stands in five messages with different prescription "
        "numbers: one order, since type and id are one. A note says that the dose was decreased; no note is read. "
        "Right: a date is never guessed.",
    ),
    Strange(
        "synthea-2020-us",
        "MedicationRequest/06ca4ad8-c363-4c2e-8bfe-8c0043508525",
        "diazepam, dose unknown, open, 365 days",
        "Active since 28 November 1959, the day before a tenth birthday, and never renewed; named by a brand-form code "
        "without strength. It covers 365 days, is stale until day 760 and only counted after that. A status that "
        "nobody ever ended says nothing of today. Right.",
    ),
    Strange(
        "synthea-2020-us",
        "MedicationRequest/ef3d10de-5784-46b9-a58b-7f449f084b85",
        "diazepam, dose unknown, assumed, 30 days",
        "Diazepam on the day of birth, 9 April 1938; stopped, but nothing says when, so 30 days are assumed and said "
        "so. A clonazepam order follows, death at the age of two. Every rule is muted by S11, the exposure is shown "
        "all the same. Right.",
    ),
    Strange(
        "ecqm-qicore",
        "MedicationRequest/280196a2-006a-4296-adbb-b87fbb5b0c5c",
        "ignored: rescue-or-parenteral",
        "A midazolam prefilled syringe as a discharge order for home, active, without instruction. No ongoing use, and "
        "named as ignored, so that a reader who doubts it sees it. Right.",
    ),
    Strange(
        "ecqm-qicore",
        "MedicationRequest/109a4f81-0105-4cb7-86c1-40ee91da11f0",
        "flurazepam, dose unknown, assumed, 30 days",
        "Completed, although written half a day before the discharge, on the last day of the year, without any "
        "instruction. Completed orders are not open: 30 days are assumed and said so. Right, and no more can be known.",
    ),
    Strange(
        "negative-controls",
        "MedicationRequest/reaptan-missing-medication",
        "ignored: not-in-scope",
        "The only coding of the medication is `unknown` of FHIR's data-absent-reason: one tablet a day, nobody knows "
        "of what. Nothing names a drug in scope, so by the letter it is ignored; the patient is listed, since it could "
        "be anything, but the assessment counts as complete. Doubtful: a medication that is missing altogether would "
        "be unreadable, and somebody would look.",
    ),
    Strange(
        "negative-controls",
        "MedicationRequest/da57de21394613b2039f39c5643c5a8f42e9e815055634eeb1399d30fc9c3844",
        "unreadable: bad-status",
        "Status `inactive`, which FHIR does not have. The drug is naproxen, so it cannot be in scope and the "
        "assessment stays complete. Right: named, and nobody is troubled.",
    ),
)
