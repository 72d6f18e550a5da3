"""The packaged data loads; the same data with one bad row does not."""

from importlib.resources import files

import pytest

from service.knowledge import Knowledge, KnowledgeError, knowledge
from service.knowledge.load import build_knowledge

DATA = files("service.knowledge") / "data"
TABLES = sorted(file.name for file in DATA.iterdir() if file.name.endswith(".csv"))


def packaged(file: str) -> str:
    return (DATA / file).read_text(encoding="utf-8")


def knowledge_with(file: str, row: str) -> Knowledge:
    """The packaged knowledge with one more row at the end of a file."""
    return build_knowledge(lambda name: packaged(name) + (f"{row}\n" if name == file else ""))


def line_of_added_row(file: str) -> int:
    return packaged(file).count("\n") + 1


def test_the_lookups_are_built_once() -> None:
    assert knowledge() is knowledge()


@pytest.mark.parametrize("file", TABLES)
def test_a_row_that_loses_its_source_stops_the_load_with_file_and_line(file: str) -> None:
    header, *lines = packaged(file).splitlines()
    blank = ",".join([""] * len(header.split(",")))
    with pytest.raises(KnowledgeError) as refused:
        knowledge_with(file, blank)
    assert str(refused.value) == f"{file}:{len(lines) + 2}: source is missing"


BAD_ROWS = [
    ("ingredients.csv", "diazepam,,,,benzodiazepine,s,,", "diazepam stands twice"),
    ("ingredients.csv", "newzepam,3322,,,benzodiazepine,s,,", "code 3322 is also the one of diazepam"),
    ("ingredients.csv", "newzepam,,N05BA01,,benzodiazepine,s,,", "code N05BA01 is also the one of diazepam"),
    (
        "ingredients.csv",
        "newzepam,,,48546005,benzodiazepine,s,,",
        "code 48546005 is also the one of diazepam",
    ),
    ("ingredients.csv", "newzepam,,,,opioid,s,,", "class is 'opioid', not one of benzodiazepine, z-drug"),
    ("ingredients.csv", ",,,,benzodiazepine,s,,", "ingredient is missing"),
    ("rxnorm_benzodiazepines.csv", "197591,SCD,n,diazepam,5,MG,,s,3322,,oral,no,yes,", "rxcui 197591 stands"),
    ("rxnorm_benzodiazepines.csv", "1,SCD,n,aspirin,5,MG,,s,,,oral,no,yes,", "ingredient is 'aspirin'"),
    ("rxnorm_benzodiazepines.csv", "1,SCD,n,diazepam,0,MG,,s,,,oral,no,yes,", "strength is '0'"),
    ("rxnorm_benzodiazepines.csv", "1,SCD,n,diazepam,5,MG/HR,,s,,,oral,no,yes,", "unit 'MG/HR' is not"),
    (
        "rxnorm_benzodiazepines.csv",
        "1,SCD,n,diazepam,5,MG,,s,,,oral,no,maybe,",
        "ongoing_use_scope is 'maybe'",
    ),
    ("rxnorm_benzodiazepines.csv", "1,SBD,n,diazepam,5,MG,,s,,Xanax,oral,no,yes,", "Xanax is also a name of"),
    ("snomed_clinical_drugs.csv", "321197008,diazepam,5,mg,tablet,,,s", "sctid 321197008 stands twice"),
    ("brands.csv", "Valium,lorazepam,UK,no,memory,s", "Valium is also a name of diazepam"),
    ("brands.csv", "Lorazepam,lorazepam,UK,no,memory,s", "Lorazepam is also a name of lorazepam"),
    ("brands.csv", ",lorazepam,UK,no,memory,s", "brand is missing"),
    ("opioids_ingredients.csv", "7052,IN,x,x,,,,no,s", "rxcui 7052 is also the one of morphine"),
    ("opioids_ingredients.csv", "1,IN,x,x,,,,perhaps,s", "moud is 'perhaps'"),
    ("sedatives_ingredients.csv", "gabapentin,25480,gabapentinoid,yes,s", "rxcui 25480 is also the one of"),
    ("sedatives_ingredients.csv", "gabapentin,1,barbiturate,yes,s", "gabapentin is also a sedative of group"),
    ("sedatives_ingredients.csv", "morphine,1,barbiturate,yes,s", "morphine is also a opioid of group"),
    ("atc_groups.csv", "N02AA,opioid,x,no,,memory,s", "N02AA stands twice"),
    (
        "atc_groups.csv",
        "X01,stimulant,x,no,,memory,s",
        "role is 'stimulant', not one of naloxone, opioid, sedative",
    ),
    ("conditions.csv", "falls,1,W00,risk,exact,R16,memory,s", "needs one code, either snomed or icd10cm"),
    ("conditions.csv", "falls,,,risk,exact,R16,memory,s", "needs one code, either snomed or icd10cm"),
    ("conditions.csv", "falls,1,,hazard,exact,R16,memory,s", "role is 'hazard'"),
    ("conditions.csv", "falls,1,,risk,prefix,R16,memory,s", "match 'prefix' does not fit the code 1"),
    ("conditions.csv", "falls,,W00,risk,descendants,R16,memory,s", "match 'descendants' does not fit"),
    ("conditions.csv", "falls,,W00,risk,range:W19-W00,R16,memory,s", "match 'range:W19-W00' does not fit"),
    ("conditions.csv", "copd,,J44,risk,prefix,R15,memory,s", "J44 stands twice for copd"),
    (
        "review_evidence.csv",
        "http://loinc.org,73830-2,m,Observation,strong,yes,s,doc",
        "73830-2 stands twice",
    ),
    ("review_evidence.csv", "http://loinc.example,1,m,Observation,strong,yes,s,doc", "unknown system"),
    ("review_evidence.csv", "http://loinc.org,1,m,Observation,huge,yes,s,doc", "strength is 'huge'"),
]


@pytest.mark.parametrize(("file", "row", "what"), BAD_ROWS)
def test_a_bad_row_stops_the_load_with_file_and_line(file: str, row: str, what: str) -> None:
    with pytest.raises(KnowledgeError) as refused:
        knowledge_with(file, row)
    assert str(refused.value).startswith(f"{file}:{line_of_added_row(file)}: {what}")


def equivalence_row(**cells: str) -> str:
    header = packaged("equivalence.csv").splitlines()[0].split(",")
    given = {
        "ingredient": "etizolam",
        "default_dme_per_mg": "2",
        "dme_per_mg_low": "1",
        "dme_per_mg_high": "3",
        "lapse_class": "short",
        "source": "s",
        **cells,
    }
    return ",".join(given.get(column, "") for column in header)


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        ({"ingredient": "diazepam"}, "diazepam stands twice"),
        ({"ingredient": "aspirin"}, "ingredient is 'aspirin'"),
        ({"dme_per_mg_low": "2.5"}, "dme_per_mg 2.5, 2, 3 do not ascend"),
        ({"dme_per_mg_high": ""}, "dme_per_mg_high is ''"),
        ({"lapse_class": "medium"}, "lapse_class is 'medium'"),
    ],
)
def test_a_bad_equivalence_stops_the_load(cells: dict[str, str], what: str) -> None:
    with pytest.raises(KnowledgeError) as refused:
        knowledge_with("equivalence.csv", equivalence_row(**cells))
    assert str(refused.value).startswith(f"equivalence.csv:{line_of_added_row('equivalence.csv')}: {what}")


def test_a_good_new_row_is_used() -> None:
    found = knowledge_with("equivalence.csv", equivalence_row()).equivalences["etizolam"]
    assert (found.dme_per_mg, found.is_short_acting, found.max_daily_mg("us_label")) == (2, True, None)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('mark = "project"', 'mark = "mine"', "rules.toml:R00: mark is not one of guideline, project"),
        ('title = "Order still', 'titel = "Order still', "rules.toml:R00: title is missing"),
        ('citations = ["technical"]', "citations = []", "rules.toml:S1: citations is missing"),
        ("[rules.R00]", "[rules.R00", "rules.toml: "),
    ],
)
def test_a_rule_text_without_its_parts_is_refused(old: str, new: str, what: str) -> None:
    with pytest.raises(KnowledgeError) as refused:
        build_knowledge(lambda file: packaged(file).replace(old, new, 1))
    assert str(refused.value).startswith(what)
