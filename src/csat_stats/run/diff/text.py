"""A difference as plain text for a terminal or a mail: what matters most first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from csat_stats.report.findings.base import VERDICTS
from csat_stats.report.language import Translate
from csat_stats.report.records import FindingRecord
from csat_stats.results import Message, message, typeset
from csat_stats.run.diff.compare import Difference, FindingChange, Movement, SectionChange
from csat_stats.study import RULES
from csat_stats.study.changes import Change

_SHOWN = 10  # entries of a list; more would hide what matters
_INDENT = " " * 7
_NONE = "–"

_METRICS = {
    "index": message("Satisfaction index"),
    "satisfied": message("Satisfied"),
    "nps": message("NPS"),
    "overall": message("Overall satisfaction"),
}
_PARTS = {
    "study file": message("Study file"),
    "flow": message("Responses by rule"),
    "versions": message("Versions"),
}
_SCOPE = {
    "wave": message("Wave reported on"),
    "where": message("Only these respondents"),
    "language": message("Language"),
}
_STATUS = {
    "complete": message("complete"),
    "skipped": message("skipped"),
    "failed": message("failed"),
    None: message("not there"),
}
# Patterns in which a sentence may show its figure, the most telling first.
_PATTERNS = ("{:.1%}", "{:+.2f}", "{:.2f}", "{:.0%}", "{:+.1f}", "{:.1f}", "{:+,.0f}", "{:,.0f}")

Say = Callable[[Message], str]


def render(difference: Difference, translate: Translate) -> str:
    """The difference on about a page."""

    def say(text: Message) -> str:
        return text.render(translate)

    return "\n".join(_lines(difference, say)) + "\n"


def _lines(d: Difference, say: Say) -> Iterator[str]:
    yield d.after.title
    yield f"{d.before.name} → {d.after.name}"
    yield ""
    if d.nothing:
        yield say(message("Nothing changed."))
    else:
        yield say(_count(d))
    if d.not_recorded:
        names = ", ".join(say(_PARTS[part]) for part in d.not_recorded)
        yield say(message("Not kept by one of the runs, so not compared: {names}.", names=names))
    yield from _block(say(message("Read first")), _warnings(d, say))
    for title, changes in (
        (message("Verdicts changed"), d.of("verdict")),
        (message("No longer found"), d.of("gone")),
        (message("New findings"), d.of("new")),
        (message("Figures changed beyond noise"), d.of("figure", "beyond")),
        (message("Figures changed though the answers are the same"), d.of("figure", "exact")),
        (message("Figures that do not compare"), d.of("figure", "not_comparable")),
        (message("Figures changed, without an interval to judge by"), d.of("figure", "unknown")),
    ):
        yield from _block(say(title), (_finding(change, say) for change in changes))
    yield from _block(say(message("Study file")), _plan(d, say))
    yield from _block(say(message("Responses by rule")), _flow(d, say))
    yield from _block(say(message("Raw data")), (_file(change, say) for change in d.files))
    yield from _block(say(message("Versions")), map(_entry, d.versions))
    within = map(_within, d.of("figure", "within"))
    yield from _block(say(message("Figures changed within noise")), within)
    texts = (_finding(change, say) for change in d.of("text"))
    yield from _block(say(message("Said differently")), texts)
    yield from _basis(d, say)


def _block(title: str, entries: Iterable[str]) -> Iterator[str]:
    """A title with its entries; nothing where there are none, and not more than a reader takes."""
    lines = list(entries)
    if lines:
        yield from ("", title, *lines[:_SHOWN])
    if len(lines) > _SHOWN:
        yield f"  … +{len(lines) - _SHOWN}"


def _count(d: Difference) -> Message:
    return message(
        "Verdicts changed: {verdicts}. Findings new: {new}, gone: {gone}, unchanged: {unchanged}. "
        "Figures changed beyond noise: {beyond}, within noise: {within}.",
        verdicts=len(d.of("verdict")),
        new=len(d.of("new")),
        gone=len(d.of("gone")),
        unchanged=d.unchanged,
        beyond=len(d.of("verdict", "beyond") + d.of("figure", "beyond")),
        within=len(d.of("verdict", "within") + d.of("figure", "within")),
    )


def _warnings(d: Difference, say: Say) -> Iterator[str]:
    """What decides how the rest is to be read."""
    for section in d.sections:
        yield "  " + say(_section(section, say))
    for change in d.scope:
        yield "  " + say(
            message(
                "{name}: {before} → {after}",
                name=_SCOPE[change.key],
                before=change.before or _NONE,
                after=change.after or _NONE,
            )
        )
    if d.plan is None:
        return
    for metric, reasons in d.plan.broken.items():
        why = ", ".join(map(say, reasons))
        yield "  " + say(
            message("Not comparable: {name} ({why}).", name=_metric(metric, say), why=why)
        )
    if d.plan.selection:
        keys = ", ".join(d.plan.selection)
        yield "  " + say(message("Other answers may be analysed, by {keys}.", keys=keys))
    if d.plan.verdicts:
        keys = ", ".join(d.plan.verdicts)
        yield "  " + say(message("Verdicts are held against other values, by {keys}.", keys=keys))


def _section(section: SectionChange, say: Say) -> Message:
    return message(
        "{title}: {before} → {after}, findings {n_before} → {n_after}, not compared. {reason}",
        title=section.title,
        before=_STATUS[section.before],
        after=_STATUS[section.after],
        n_before=section.findings[0],
        n_after=section.findings[1],
        reason=section.reason,
    )


def _finding(change: FindingChange, say: Say) -> str:
    """Evidence number, what moved, and the sentence as it stands now."""
    record = change.shown
    verdict = VERDICTS[record.level]
    moves = []
    if change.kind == "verdict" and change.before:
        moves.append(f"{say(VERDICTS[change.before.level])} → {say(verdict)}")
    elif change.kind in ("new", "gone") and record.level != "info":
        moves.append(say(verdict))
    if change.movement:
        moves.append(f"{_figures(record, change.movement)}, {say(_verdict(change.movement, say))}")
    head = f"  {record.number:<4} "
    if not moves:
        return head + record.text
    return f"{head}{'; '.join(moves)}\n{_INDENT}{record.text}"


def _within(change: FindingChange) -> str:
    record, movement = change.shown, change.movement
    assert movement is not None and movement.z is not None
    z = typeset("z = {:.1f}", movement.z)
    return f"  {record.number:<4} {_figures(record, movement)} ({z})  {record.id.partition('.')[2]}"


def _figures(record: FindingRecord, movement: Movement) -> str:
    """Both figures, in the pattern in which the finding's own sentence shows the later one."""

    def stands_in_text(pattern: str) -> bool:
        figure = re.escape(typeset(pattern, movement.after))
        return re.search(rf"(?<![\d.,+−]){figure}(?![\d%]|\.\d)", record.text) is not None

    pattern = next(filter(stands_in_text, _PATTERNS), "{:.4g}")
    return typeset(f"{pattern} → {pattern}", movement.before, movement.after)


def _verdict(movement: Movement, say: Say) -> Message:
    if movement.noise == "beyond":
        return message("beyond noise (z = {z:.1f})", z=movement.z)
    if movement.noise == "within":
        return message("within noise (z = {z:.1f})", z=movement.z)
    if movement.noise == "exact":
        return message("the same answers, so not noise")
    if movement.noise == "unknown":
        return message("no interval")
    return message("not comparable: {why}", why=", ".join(map(say, movement.why)))


def _plan(d: Difference, say: Say) -> Iterator[str]:
    if d.plan is None:
        return
    if d.plan.changes:
        names = ", ".join(_metric(metric, say) for metric in d.plan.comparable)
        still = message(
            "Still comparable: {names}; items: {items}.",
            names=names or _NONE,
            items=len(d.plan.items),
        )
        yield "  " + say(still)
    elif d.study_file_changed:
        yield "  " + say(message("Only comments or layout changed."))
    for change in d.plan.changes:
        yield _entry(change)


def _metric(metric: str, say: Say) -> str:
    """A metric as a reader knows it; dimensions and outcomes have names of their own."""
    return say(_METRICS[metric]) if metric in _METRICS else metric


def _entry(change: Change) -> str:
    if change.before is None:
        return f"  + {change.key}" + (f": {change.after}" if change.after else "")
    if change.after is None:
        return f"  − {change.key}" + (f": {change.before}" if change.before else "")
    return f"  {change.key}: {change.before or _NONE} → {change.after or _NONE}"


def _file(change: Change, say: Say) -> str:
    if change.before is None:
        return f"  + {change.key}"
    if change.after is None:
        return f"  − {change.key}"
    return "  " + say(message("{file} changed", file=change.key))


def _flow(d: Difference, say: Say) -> Iterator[str]:
    for count in d.flow:
        figures = [_NONE if n is None else f"{n:,}" for n in (count.before, count.after)]
        rule = RULES.get(count.rule)
        yield f"  {figures[0]:>9} → {figures[1]:>9}  {say(rule) if rule else count.rule}"


def _basis(d: Difference, say: Say) -> Iterator[str]:
    """On what grounds figures were called changed."""
    if d.same_answers:
        return
    judged = [c for c in d.findings if c.movement and c.movement.z is not None]
    if judged:
        level = d.after.conf_level
        yield ""
        yield say(
            message(
                "Noise: what two independent samples differ by, judged by their {level:.0%} "
                "intervals; where the same people are in both, chance explains less. Of {n} "
                "figures {chance:.1f} would look changed by chance alone.",
                level=level,
                n=len(judged),
                chance=len(judged) * (1 - level),
            )
        )
