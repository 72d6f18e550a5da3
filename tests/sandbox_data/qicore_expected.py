"""What the QI-Core test cases of two measures expect, and where reviewdue answers otherwise, with the reason.

The expected counts are those of each case's own MeasureReport in cqframework/ecqm-content-qicore-2024
(commit 9ebd48ff) and cqframework/ecqm-content-qicore-2025 (commit 67936bb9), CC0-1.0; the sandbox data holds the
cases without their reports.  Of CMS156 it is the third group: either of the other two.
"""

from dataclasses import dataclass
from enum import StrEnum


class Question(StrEnum):
    """What measure and service can both be asked."""

    COUNTED = "counted"  # measure: in the initial population; service: exposure begins in the period
    ASKED = "asked about"  # measure: in the numerator, not excluded; service: R08 or R05 holds unsuppressed
    EXCLUDED = "excluded"  # measure: denominator exclusion; service: S1, S2 or S3 mutes what holds


@dataclass(frozen=True)
class Difference:
    question: Question
    reason: str
    clause: str  # of rules.md or exposure.md


@dataclass(frozen=True)
class Case:
    edition: str  # the file, without its suffix
    patient: str  # the beginning of the id
    title: str  # as the measure's authors call it
    initial_population: int
    exclusion: int
    numerator: int
    differences: tuple[Difference, ...] = ()


REM = Difference(
    Question.ASKED,
    "The measure leaves out everybody with REM sleep behaviour disorder. Here it counts with clonazepam, diazepam or "
    "lorazepam only, not with clobazam; and even then R08 is not muted.",
    "rules.md S9",
)
MOUD = Difference(
    Question.ASKED,
    "The measure leaves out treatment of opioid use disorder. Here buprenorphine counts as an opioid: the overlap is "
    "shown, with the text never to disrupt that treatment.",
    "rules.md R05, moud",
)
MOUD_NOT_HOSPICE = Difference(
    Question.EXCLUDED,
    "The measure's exclusion is the treatment of opioid use disorder, which mutes nothing here.",
    "rules.md R05, moud",
)
SYRINGE = Difference(
    Question.COUNTED,
    "The measure counts a prefilled midazolam syringe as a benzodiazepine at discharge. Here a parenteral product is "
    "no ongoing use.",
    "exposure.md §1, rescue-or-parenteral",
)
OPIOID_ALONE = Difference(
    Question.COUNTED,
    "The measure begins with an opioid or a benzodiazepine. Here an opioid alone is no exposure; the flurazepam order "
    "was entered in error and is ignored by both.",
    "exposure.md §1, status",
)
AGE = Difference(
    Question.COUNTED,
    "The measure asks for the age on admission: 17. Here exposure knows no age; a rule is muted on days before the "
    "18th birthday, which was during the stay.",
    "rules.md S11",
)
ORDER_FOR_CARE = Difference(
    Question.EXCLUDED,
    "The measure takes an order for palliative care (ServiceRequest). Here only care that was given or is recorded "
    "counts: Condition, Encounter or completed Procedure.",
    "rules.md S3",
)

CASES = (
    Case("cms156-2024", "2389a7bb", "REMDisorderOverlapsMP", 1, 0, 0, (REM,)),
    Case("cms156-2024", "68ccf96b", "AnxietyDisorderEnds1YrB4MP", 1, 0, 1),
    Case("cms156-2024", "8e648527", "SeizureDisorderEnds1YrB4MP", 1, 0, 1),
    Case("cms156-2024", "a6b1d740", "AlcoholWithdrawalEnds1YrB4MP", 1, 0, 1),
    Case("cms156-2024", "bc0146d2", "HypnoticMedsOrderedDiffDays", 1, 0, 1),
    Case("cms156-2024", "e00d1066", "BenzoWithdrawalEnds1YrB4MP", 1, 0, 1),
    Case("cms506-2024", "031889e2", "OpioidTreatment", 1, 1, 0, (MOUD, MOUD_NOT_HOSPICE)),
    Case("cms506-2024", "26aeca6a", "OpioidStatusEnteredInError", 1, 0, 0, (OPIOID_ALONE,)),
    Case("cms506-2024", "26b12d5b", "OpioidDuringEncBenzoAtDC", 1, 0, 0),
    Case("cms506-2024", "3dfa6b2c", "2Benzodiazepines", 1, 0, 0),
    Case("cms506-2024", "6bbda026", "OpioidAndBenzodiazepine", 1, 0, 1),
    Case("cms506-2024", "6bf6194c", "EDInptPalliativeCare", 1, 1, 0),
    Case("cms506-2024", "a867ae5f", "OrderForPalliativeCare", 1, 1, 0, (ORDER_FOR_CARE,)),
    Case("cms506-2024", "b92d0b5a", "ProcedurePalliativeCare", 1, 1, 0),
    Case("cms506-2024", "c9d33132", "EncounterWithBenzo", 1, 0, 0, (SYRINGE,)),
    Case("cms506-2024", "d1355827", "EncounterAndBenzoAfterMP", 0, 0, 0),
    Case("cms506-2024", "f8bc4adf", "OrderForPalliativeCareB4Enc", 1, 0, 0),
    Case("cms506-2025", "031889e2", "OpioidTreatment", 1, 1, 0, (MOUD, MOUD_NOT_HOSPICE)),
    Case("cms506-2025", "26aeca6a", "OpioidStatusEnteredInError", 1, 0, 0, (OPIOID_ALONE,)),
    Case("cms506-2025", "26b12d5b", "OpioidDuringEncBenzoAtDC", 1, 0, 0),
    Case("cms506-2025", "3dfa6b2c", "2Benzodiazepines", 1, 0, 0),
    Case("cms506-2025", "6bbda026", "OpioidAndBenzodiazepine", 1, 0, 1),
    Case("cms506-2025", "6bf6194c", "EDInptPalliativeCare", 1, 1, 0),
    Case("cms506-2025", "a867ae5f", "OrderForPalliativeCare", 1, 1, 0, (ORDER_FOR_CARE,)),
    Case("cms506-2025", "b92d0b5a", "ProcedurePalliativeCare", 1, 1, 0),
    Case("cms506-2025", "c274077a", "Age17DayOfEnc", 0, 0, 0, (AGE,)),
    Case("cms506-2025", "c9d33132", "EncounterWithBenzo", 1, 0, 0, (SYRINGE,)),
    Case("cms506-2025", "d1355827", "EncounterAndBenzoAfterMP", 0, 0, 0),
    Case("cms506-2025", "f8bc4adf", "OrderForPalliativeCareB4Enc", 1, 0, 0),
)
