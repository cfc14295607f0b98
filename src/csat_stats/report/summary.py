"""The ten-second summary: what the other sections found, ordered by what a director asks first."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from csat_stats.report import fragments
from csat_stats.report.findings.base import VERDICTS, between
from csat_stats.report.language import Translate
from csat_stats.report.records import ALERTS, FindingRecord, Level, SectionRecord
from csat_stats.results import Message, message, typeset

MOST_ALERTS = 6  # that the summary quotes: more are not read in ten seconds


@dataclass(frozen=True)
class Card:
    """A headline figure: what it is, the figure with its unit, what stands below, its verdict."""

    what: str
    figure: str
    unit: str
    details: list[str]
    level: Level


@dataclass(frozen=True)
class Summary:
    """The headline findings of a run; whatever was not found is None or empty."""

    index: FindingRecord | None
    nps: FindingRecord | None
    satisfied: FindingRecord | None
    targets: Sequence[FindingRecord]
    priorities: Sequence[FindingRecord]
    alerts: Sequence[FindingRecord]
    plan: Sequence[FindingRecord] = ()

    @classmethod
    def of(cls, sections: Iterable[SectionRecord]) -> Summary:
        """Pick the headline findings out of the records of a run's sections."""
        findings = [finding for record in sections for finding in record.findings]
        by_id = {finding.id: finding for finding in findings}

        def named(prefix: str) -> list[FindingRecord]:
            return [f for f in findings if f.id.partition(".")[2].startswith(prefix)]

        return cls(
            index=by_id.get("04.index"),
            nps=by_id.get("04.nps"),
            satisfied=by_id.get("04.satisfied"),
            targets=named("target."),
            # What drives loyalty; where that is not known, the dimension that scores lowest.
            priorities=named("priority.") or named("lowest"),
            plan=[*named("plan_size"), *named("precision"), *named("chance.")],
            alerts=[f for f in findings if f.level in ALERTS and ".target." not in f.id],
        )

    def cards(self, translate: Translate) -> list[Card]:
        """Index, NPS, satisfied and targets as large figures."""
        found = [
            _card(message("Satisfaction index"), self.index, "{:.1f}", " / 100", translate),
            _card(message("NPS"), self.nps, "{:+.1f}", "", translate),
            _card(message("Satisfied"), self.satisfied, "{:.1%}", "", translate),
            self._targets_card(translate),
        ]
        return [card for card in found if card]

    def cards_html(self, translate: Translate) -> str:
        """The cards in a row."""
        cards = "".join(
            f'<div class="card {card.level}"><p class="what">{html.escape(card.what)}</p>'
            f'<p class="figure">{card.figure}<small>{card.unit}</small></p>'
            f'<p class="detail">{"<br>".join(map(html.escape, card.details))}</p></div>'
            for card in self.cards(translate)
        )
        return f'<div class="cards">{cards}</div>'

    def _targets_card(self, translate: Translate) -> Card | None:
        if not self.targets:
            return None
        met = sum(finding.level == "met" for finding in self.targets)
        return Card(
            what=translate("Targets"),
            figure=str(met),
            unit=f" / {len(self.targets)}",
            details=[message("targets met, as of this wave").render(translate)],
            level="met" if met == len(self.targets) else "not_met",
        )

    def priorities_html(self) -> str:
        """The three things to improve first, most worthwhile first."""
        items = []
        for finding in self.priorities:
            name = html.escape(str(finding.values["dimension"]))
            rest = html.escape(finding.text.partition(name)[2] or finding.text)
            number = finding.number
            link = f'<a class="evidence" href="#f-{number}">{number}</a>'
            items.append(f'<li id="s-{number}"><strong>{name}</strong>{rest} {link}</li>')
        return f'<ol class="priorities">{"".join(items)}</ol>'

    def findings_html(self, findings: Sequence[FindingRecord], translate: Translate) -> str:
        """Findings with the evidence numbers they have in their sections."""
        return "".join(fragments.quoted_finding(finding, translate) for finding in findings)

    def alerts_html(self, translate: Translate) -> str:
        """The gravest alerts, on the service before on the survey, and how many more."""
        gravest = sorted(self.alerts, key=lambda f: (f.level != "not_met", f.id < "04"))
        shown = self.findings_html(gravest[:MOST_ALERTS], translate)
        more = len(self.alerts) - MOST_ALERTS
        if more > 0:
            rest = message("Alerts in the sections beside these: {n}.", n=more).render(translate)
            shown += f'<p class="note">{html.escape(rest)}</p>'
        return shown

    def text(self, translate: Translate) -> str:
        """The summary as plain text, for a terminal or a mail."""
        lines = [f.text for f in (self.index, self.nps, self.satisfied) if f]
        for title, findings in (
            (message("Sampling plan"), () if self.index else self.plan),
            (message("Targets"), self.targets),
            (message("Improve first"), self.priorities),
            (message("Alerts"), [f for f in self.alerts if self.index or f not in self.plan]),
        ):
            if findings:
                lines += ["", title.render(translate)]
                lines += [f"  {f.number}  {_verdict(f.level, translate)}{f.text}" for f in findings]
        return "\n".join(lines)


def _verdict(level: Level, translate: Translate) -> str:
    return "" if level == "info" else f"[{VERDICTS[level].render(translate)}] "


def _card(
    what: Message, finding: FindingRecord | None, pattern: str, unit: str, translate: Translate
) -> Card | None:
    if finding is None:
        return None
    title, estimate = what.render(translate), finding.values.get("estimate")
    if estimate is None:
        return Card(title, "–", "", [finding.text], finding.level)
    ends = between(finding.values["conf_low"], finding.values["conf_high"], pattern)
    details = [message("{interval}, n = {n:,}", interval=ends, n=finding.n)]
    if "change" in finding.values:
        details.append(message("against the wave before: {change:+.1f}", **finding.values))
    lines = [line.render(translate) for line in details]
    return Card(title, typeset(pattern, estimate), unit, lines, finding.level)
