"""Random patients told in the notation of the tables, rich enough for rules, suppressions and outcomes to meet."""

from hypothesis import strategies as st

starts = st.integers(-60, 200)
DRUGS = [
    "diazepam {mg} mg",
    "diazepam {mg} mg",
    "lorazepam {small} mg",
    "clonazepam {small} mg",
    "zopiclone 7.5 mg",
]
LENGTHS = ["", "28d", "28d", "60d", "120d", "14d repeats=1", "for=30d", "qty=28 strength=5"]
EXTRAS = ["", "", "", "prn", "status=completed", "by=anna", "by=ben", "repeats=0 valid=..150"]
OTHERS = ["tramadol 100 mg @{day} 20d", "methadone 40 mg @{day} 60d", "gabapentin 300 mg @{day} 40d",
          "phenobarbital 30 mg @{day} 20d", "naloxone dose=? @{day}"]  # fmt: skip
FINDINGS = ["copd", "alcohol_use_disorder", "falls", "drug_overdose", "pregnancy", "home_oxygen", "seizure_disorder",
            "spasticity_indication", "alcohol_withdrawal", "snomed:170935008", "icd:Z51.5"]  # fmt: skip
KINDS = ["continue", "reduce", "taper", "already-stopped", "not-applicable", "snooze", "none"]
PATIENTS = [[], [], ["patient born=1950-01-01"], ["patient born=2009-06-01"], ["patient died@90"]]
ANSWERS = "R02+R04+R05+R09+R10+R13+R14+R16"


@st.composite
def an_order(draw: st.DrawFn) -> str:
    drug = draw(st.sampled_from(DRUGS)).format(
        mg=draw(st.sampled_from([2, 5, 10, 15, 20, 45])), small=draw(st.sampled_from([0.5, 1, 2, 6]))
    )
    length = draw(st.sampled_from(LENGTHS))
    if "strength" in length:
        drug = "diazepam 2 tablets"
    start = draw(starts)
    stopped = draw(st.sampled_from([None, None, None, 10, 45]))
    words = [drug, f"@{start}", length, draw(st.sampled_from(EXTRAS))]
    if stopped is not None:
        words.append(f"stopped@{start + stopped}")
    return " ".join(word for word in words if word)


@st.composite
def an_outcome(draw: st.DrawFn) -> str:
    day = draw(st.integers(0, 250))
    until = day + draw(st.integers(1, 200))
    status = draw(st.sampled_from(["completed", "completed", "rejected"]))
    return f"outcome {draw(st.sampled_from(KINDS))} @{day} until={until} answers={ANSWERS} status={status}"


@st.composite
def something_else(draw: st.DrawFn) -> str:
    day = draw(starts)
    return draw(
        st.one_of(
            st.sampled_from(OTHERS).map(lambda told: told.format(day=day)),
            st.sampled_from(FINDINGS).map(lambda concept: f"condition {concept} @{day}"),
            st.sampled_from([f"review @{day}", f"moderate review @{day}", f"plan @{day}", f"stay EMER @{day}",
                             f"delivery {day + 100} @{day}", f"stay IMP @{day} to={day + 30}"]),
        )
    )  # fmt: skip


@st.composite
def stories(draw: st.DrawFn, *, outcomes: bool = True) -> str:
    """One to six orders, and up to five other facts."""
    told = draw(st.lists(an_order(), min_size=1, max_size=6))
    told += draw(st.lists(something_else(), max_size=4))
    told += draw(st.sampled_from(PATIENTS))
    if outcomes:
        told += draw(st.lists(an_outcome(), max_size=2))
    return "; ".join(told)
