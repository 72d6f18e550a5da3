"""An explanation as text: what was read, what it implies, what holds and what was held back, each with its why."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from service import wording
from service.explain import DoseRange, Explanation, HeldBack, Reading
from service.knowledge import Knowledge
from service.model.assessment import Assessment, EpisodeSummary, Finding
from service.model.facts import Range, SetAside
from service.wording import assumptions

_BAR = 30  # characters of the longest bar of the dose chart
_NOTHING = "  nothing that counts"


def as_text(told: Explanation, knowledge: Knowledge) -> str:
    """The whole explanation, for a terminal; ends with a newline."""
    sections = (
        ("", _head(told.answer)),
        ("Orders and fills, as they were read", _readings(told.readings)),
        ("Timeline", _timeline(told)),
        ("Episodes", _episodes(told)),
        ("Dose by day ranges, mg/day as diazepam", _doses(told.doses)),
        ("Mg of diazepam for one mg", _factors(told)),
        ("Regular use and dependence", _dependence(told)),
        ("Assumed", _assumed(told)),
        ("Findings" if told.answer.findings else "Findings: none", _findings(told.answer.findings)),
        ("Held back", _held_back(told.held_back, knowledge)),
        ("New since the last answer or review", _changes(told)),
        ("Unreadable", _asides(told.answer.unreadable)),
        ("Not counted", _asides(told.answer.ignored)),
        ("Missing, and when it is looked at again", _rest(told)),
    )
    lines: list[str] = []
    for heading, body in sections:
        found = list(body)
        if heading and (found or heading.startswith("Findings")):
            lines += ["", heading]
        lines += found
    return "\n".join(lines) + "\n"


# -- head --------------------------------------------------------------------------------------


def _head(answer: Assessment) -> Iterator[str]:
    yield f"{answer.patient} on {wording.day(answer.as_of)}, policy {answer.policy}"
    yield wording.description(answer) if answer.findings else "No review is due."
    if answer.item is not None:
        rules = ", ".join(answer.item.reasons)
        yield f"One item: {answer.item.priority.word}, due {wording.day(answer.item.due_on)}, for {rules}"
    if answer.episode is not None:
        yield from _episode(answer.episode)
    review = wording.day(answer.last_review) if answer.last_review else "none on record"
    yield f"Last review: {review}"
    yield f"Confidence {answer.confidence}{': ' if answer.flags else ''}{', '.join(answer.flags)}"


def _episode(episode: EpisodeSummary) -> Iterator[str]:
    state = "ongoing" if episode.ongoing else "over"
    covered = "covered on the day" if episode.covered else "not covered on the day"
    new = ", new use" if episode.new_use else ""
    regular = "regular" if episode.regular else "not regular"
    last = episode.end - timedelta(days=1)
    yield (
        f"Episode {_span(episode.start, last)}, {state}, {covered}{new}: {', '.join(episode.ingredients)}; "
        f"{episode.covered_days} days covered, {regular}, dependence {episode.dependence}"
    )
    doses = wording.doses(episode) if episode.daily_dose_mg else "nothing covers the day"
    dme = episode.dme
    if dme is None:
        yield f"Dose on the day: {doses}; as diazepam unknown"
    else:
        low, typical, high = map(wording.number, (dme.low, dme.typical, dme.high))
        yield f"Dose on the day: {doses}; as diazepam {low} (low), {typical} (typical), {high} (high) mg/day"


# -- exposure ----------------------------------------------------------------------------------


def _readings(readings: Sequence[Reading]) -> Iterator[str]:
    for each in readings:
        role = "" if each.role == "in-scope" else f" ({each.role})"
        unit = "mg/mL" if each.liquid else "mg"
        strength = (
            f" {wording.number(each.strength)} {unit}" if each.strength is not None else ", strength unknown"
        )
        kind = "fill" if each.is_fill else f"order, {each.status}"
        yield f"  {each.reference}: {kind}: {each.ingredient}{strength}{role}"
        yield f"    dose    {_dose_read(each)}"
        yield f"    length  {_length_read(each)}"
        for name in each.flags:
            yield f"    flag    {name}: {assumptions.flag(name)}"


def _dose_read(each: Reading) -> str:
    phases = [
        f"{wording.amount(phase.daily_mg)}{f' for {phase.days} days' if phase.days else ''}"
        for phase in each.phases
    ]
    said = ", then ".join(phases) or "no instruction"
    if each.as_needed:
        said += ", as needed"
    return f"{said} ({each.dose_unknown})" if each.dose_unknown and "unknown" in said else said


def _length_read(each: Reading) -> str:
    written = f"written {each.written.isoformat()}, " if each.written else ""
    begins = f"{written}starts {each.start.isoformat()}"
    if each.no_supply is not None:
        return f"{begins}; covers nothing: {each.no_supply}"
    repeats = f", {each.repeats} repeats" if each.repeats else ""
    said = f"{begins}; {each.length_days} days{repeats}: {assumptions.length_rule(each.length_rule)}"
    if each.covers_from is not None:
        until = each.covers_until.isoformat() if each.covers_until else "an end not known yet"
        said += f"; covers {each.covers_from.isoformat()} to {until}"
    return f"{said}; cut {each.cut.isoformat()} ({each.cut_why})" if each.cut else said


def _timeline(told: Explanation) -> Iterator[str]:
    if not told.events:
        yield _NOTHING
    what = max((len(event.what) for event in told.events), default=0)
    basis = max((len(event.basis) for event in told.events), default=0)
    for event in told.events:
        until = f"to {event.end.isoformat()}" if event.end else ""
        yield (
            f"  {event.start.isoformat()} {until:<13} {event.what:<{what}}  {event.basis:<{basis}}  "
            f"{event.reference}"
        )


def _episodes(told: Explanation) -> Iterator[str]:
    for each in told.episodes:
        yield (
            f"  {_span(each.start, each.end)}: {', '.join(each.ingredients)}, {each.covered_days} days covered; "
            f"a gap of up to {each.gap_days} days belongs to it"
        )
    if told.forgotten:
        yield f"  {told.forgotten} orders active for more than two years and never renewed: counted, not asked about"


def _doses(doses: Sequence[DoseRange]) -> Iterator[str]:
    """A row for each stretch of one dose: low to high in figures, the typical one as a bar."""
    highest = max((each.dme.high for each in doses if each.dme), default=0)
    names = [_medicines(each) for each in doses]
    width = max(map(len, names), default=0)
    for each, name in zip(doses, names, strict=True):
        dates = f"{each.start.isoformat()} to {each.end.isoformat()} {each.days:>4} days"
        yield f"  {dates}  {name:<{width}}  {_dme(each):<14} {_bar(each, highest)}".rstrip()


def _medicines(each: DoseRange) -> str:
    return ", ".join(f"{name} {wording.amount(mg)}" for name, mg in each.daily_mg.items()) or "no supply"


def _dme(each: DoseRange) -> str:
    if not each.daily_mg:
        return "-"
    if each.dme is None:
        return "unknown"
    low, high = wording.number(each.dme.low), wording.number(each.dme.high)
    return low if low == high else f"{low} to {high}"


def _bar(each: DoseRange, highest: float) -> str:
    if each.dme is None:
        return "?" if each.daily_mg else ""
    return "█" * round(_BAR * each.dme.typical / highest) if highest else ""


def _factors(told: Explanation) -> Iterator[str]:
    for each in told.factors:
        low, typical, high = (f"{value:.4g}" for value in (each.low, each.typical, each.high))
        yield f"  {each.ingredient}: {low} (low), {typical} (typical), {high} (high) ({each.source})"


def _dependence(told: Explanation) -> Iterator[str]:
    episode, found = told.answer.episode, told.dependence
    if episode is None:
        return
    window, least = (found.numbers[name].value for name in ("regular.window", "regular.sum_min"))
    used = wording.number(found.use_days)
    regular = "regular" if episode.regular else "not regular"
    yield f"  {used} days of use in the last {window}, {least} or more are regular: {regular}"
    yield f"  {found.days_of_use} days from the start to the last covered day: dependence {episode.dependence}"
    for name, number in found.numbers.items():
        yield f"    {name} = {number.value} {number.unit} ({number.source})"


def _assumed(told: Explanation) -> Iterator[str]:
    for each in told.assumed:
        yield f"  {each.flag}: {assumptions.flag(each.flag)}"
        if each.references:
            yield f"    {', '.join(each.references)}"


# -- rules -------------------------------------------------------------------------------------


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        yield f"  {finding.rule} {finding.priority.word}: {wording.reason(finding)}"
        yield from _facts(finding)
        yield from _numbers(finding)
        yield f"    evidence: {', '.join(finding.evidence)}"
        yield f"    source: {finding.citation}"
        for action in finding.actions:
            yield f"    next: {action}"


def _facts(finding: Finding) -> Iterator[str]:
    for name, value in finding.facts.items():
        yield f"    {name.replace('_', ' ')}: {_stated(value)}"


def _numbers(finding: Finding) -> Iterator[str]:
    for name, number in finding.numbers.items():
        value = wording.number(number.value) if isinstance(number.value, float) else number.value
        yield f"    {name} = {value} {number.unit} ({number.source})"


def _held_back(held: Sequence[HeldBack], knowledge: Knowledge) -> Iterator[str]:
    for each in held:
        finding = each.finding
        yield f"  {finding.rule} {finding.priority.word}: {wording.reason(finding)}"
        text = knowledge.texts.suppressions.get(each.by)
        why = f"{text.title}: {text.text}" if text else ""
        yield f"    by {each.by} {why}".rstrip()
        if each.basis:
            yield f"    answered by {', '.join(each.basis)}"
        if each.until is None:
            yield "    as far as can be seen, if nothing new comes"
        else:
            then = "then it is asked about" if each.holds_after else "by then it no longer holds"
            yield f"    until {wording.day(each.until)}; {then}"
        yield from _facts(finding)
        yield from _numbers(finding)


def _changes(told: Explanation) -> Iterator[str]:
    changes = told.changes
    if changes is None:
        return
    then, now = _typical(changes.dme_then), _typical(changes.dme_now)
    yield f"  since {wording.day(changes.since)}: {then} then, {now} now (typical)"
    for event in changes.events:
        yield f"  {event.start.isoformat()}  {event.what}  {event.reference}"


def _typical(dme: float | None) -> str:
    return "dose unknown" if dme is None else f"{wording.number(dme)} mg/day as diazepam"


# -- what was left out -------------------------------------------------------------------------


def _asides(asides: Sequence[SetAside]) -> Iterator[str]:
    for aside in asides:
        yield f"  {aside.reference}: {aside.reason}: {assumptions.refusal(aside.reason)}"


def _rest(told: Explanation) -> Iterator[str]:
    answer = told.answer
    yield f"  Not seen: {', '.join(answer.missing)}" if answer.missing else "  Nothing is known to be missing"
    if answer.wake_on:
        yield f"  Looked at again on {wording.day(answer.wake_on)}"
    else:
        yield "  Nothing changes by itself"


def _span(start: date, end: date) -> str:
    return f"{wording.day(start)} to {wording.day(end)}"


def _stated(value: object) -> str:
    """A fact in words: a number, a list; `{"low": …, "high": …}` is a daily dose in mg."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return wording.number(value)
    if isinstance(value, list | tuple):
        return "; ".join(map(_stated, value)) or "none"
    if isinstance(value, Mapping):
        if value.keys() == {"low", "high"}:
            return wording.amount(Range(value["low"], value["high"]))
        return ", ".join(f"{name.replace('_', ' ')} {_stated(each)}" for name, each in value.items())
    return str(value)
