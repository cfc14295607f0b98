"""The one thing a notebook talks to.

What a section shows it also records: a table as parquet, a figure as SVG, a conclusion with its
evidence number. ``close()`` writes the record last; a section without a record has failed.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from csat_stats import display
from csat_stats import study as studies
from csat_stats.report import fragments, lab, records, tables
from csat_stats.report import scope as scopes
from csat_stats.report.findings.base import Finding
from csat_stats.report.language import BETWEEN_SENTENCES
from csat_stats.report.material import NEEDS, Material
from csat_stats.report.records import FindingRecord, SectionRecord
from csat_stats.results import Message, Result, message
from csat_stats.study import Problem, Study, StudyError

TITLES = {
    "00_summary": message("Summary"),
    "01_sampling_design": message("Sampling design"),
    "03_reliability_validity": message("Reliability and validity"),
    "04_satisfaction": message("Satisfaction"),
    "05_trends": message("Trends"),
    "07_loyalty_drivers": message("Loyalty drivers"),
    "09_effect_validation": message("Effect validation"),
}

BEFORE_FIELDWORK = ("00_summary", "01_sampling_design")  # sections that need no responses

_KEPT = 12  # rows of a table that are kept as they were shown, for slides


def sections_of(study: Study) -> list[str]:
    """The sections a study can have, in reader's order."""
    return [name for name in TITLES if study.fielded or name in BEFORE_FIELDWORK]


@dataclass(kw_only=True)
class Section(Material):
    """A section of a report at work; made by :meth:`open`, ended by :meth:`close`."""

    name: str
    folder: Path
    _findings: list[FindingRecord] = field(default_factory=list)
    _tables: list[dict[str, Any]] = field(default_factory=list)
    _figures: list[dict[str, Any]] = field(default_factory=list)
    _skipped: list[str] = field(default_factory=list)
    _methods: list[str] = field(default_factory=list)
    _shown: bool = False

    @classmethod
    def open(
        cls,
        name: str,
        *,
        study: str,
        wave: str = "",
        where: str = "",
        language: str = "",
        run_dir: str = "",
    ) -> Section:
        """Open a section of a study.

        Parameters
        ----------
        name
            The notebook's name, e.g. ``04_satisfaction``.
        study
            Name of a study file in ``params/``, or a path to one. In a JupyterLab that ``csat
            lab`` opened for a study the default name gives way to that study, and this is said.
        wave
            The wave reported on; the last one with answers by default.
        where
            Only these respondents: ``column=value`` pairs, joined by ``;``.
        language
            ``zh_Hans`` or ``en``; the study's own by default.
        run_dir
            Folder of the run; by default ``reports/<study>/draft``, for work in JupyterLab.

        Raises
        ------
        StudyError
            With everything that is wrong with the study file, its data, or the parameters.
        """
        other = None if run_dir else lab.chosen(study)
        loaded = studies.load(other or study)
        if not loaded.fielded and name not in BEFORE_FIELDWORK:
            file = loaded.project.shown(loaded.file)
            raise StudyError([Problem(file, NEEDS["responses"])], loaded.plan.language)
        intake = studies.prepare(loaded)
        language = language or loaded.plan.language
        scopes.check(loaded, intake, wave, where, language)
        base = Path(run_dir) if run_dir else loaded.project.reports(loaded.name) / "draft"
        folder = base.resolve() / "sections" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        scope = {"wave": wave, "where": where}
        section = cls(
            study=loaded,
            intake=intake,
            scope=scope,
            name=name,
            language=language,
            folder=folder,
        )
        if other:
            said = section.t(
                "Study {name}, for which JupyterLab was opened; "
                "this notebook itself names {default}.",
                name=loaded.name,
                default=study,
            )
            _display(fragments.paragraph(said, "note"))
        return section

    @property
    def number(self) -> int:
        """The section's number in the report, the summary being 0."""
        return list(TITLES).index(self.name)

    def has(self, need: str) -> bool:
        """Whether the study has what an analysis needs; if not, one line says so.

        ``need`` is a key of :data:`csat_stats.report.material.NEEDS`.
        """
        there = self.there(need)
        if not there:
            self.skip(NEEDS[need])
        return there

    def has_waves(self, waves: Sequence[str]) -> bool:
        """Whether each of the waves has answers; if not, one line names the one that has none."""
        missing = [wave for wave in waves if wave not in self.waves]
        for wave in missing:
            self.skip(message("The wave {wave} has no answers: no comparison.", wave=wave))
        return not missing

    def say(self, text: Message | str) -> None:
        """A paragraph."""
        line = text.render(self.translate) if isinstance(text, Message) else text
        _display(fragments.paragraph(line))

    def skip(self, reason: Message) -> None:
        """One line on what the study does not have; nothing is made up in its place."""
        line = reason.render(self.translate)
        if line not in self._skipped:
            self._skipped.append(line)
            _display(fragments.paragraph(line, "skipped"))

    def notes(self, *results: Result) -> None:
        """What was computed and how, with every fallback; the methods go to the appendix too."""
        lines: list[str] = []
        for result in results:
            method = result.method.render(self.translate)
            if method not in self._methods:
                self._methods.append(method)
            reasons = [result.not_estimable] if result.not_estimable else []
            lines += [method, *(note.render(self.translate) for note in (*reasons, *result.notes))]
        unique = dict.fromkeys(lines)
        between = BETWEEN_SENTENCES[self.language]
        _display(fragments.paragraph(between.join(unique), "note"))

    def table(
        self,
        name: str,
        frame: pd.DataFrame,
        title: str,
        columns: Mapping[str, Message | str],
        *,
        formats: Mapping[str, str] | None = None,
        first: int | None = None,
        n: int | None = None,
        waves: Sequence[str] | None = None,
        data: str = "responses",
        chart: Mapping[str, Any] | None = None,
    ) -> None:
        """Show a table under its title and keep the whole ``frame`` as parquet.

        Parameters
        ----------
        columns
            Column → header, in the order shown; ``conf`` stands for the interval and
            ``a..b`` for two columns joined.
        formats
            Column → number format, where the default (two decimals, shares in percent) is not it;
            or the column that holds the format of each row.
        first
            Show only so many rows, and say so; all rows are kept.
        n, waves
            As in :meth:`figure`; no ``n`` where the rows have their own.
        data
            The raw table that the figures come from, as the study file calls it.
        chart
            How a slide draws the rows, see :class:`csat_stats.report.slides.charts.Hint`.
        """
        frame = frame.reset_index(drop=True)
        frame.to_parquet(self.folder / f"{name}.parquet")
        head = frame.copy() if first is None else frame.head(first).copy()
        for shown_as, pattern in (formats or {}).items():
            joined = {"conf": "conf_low..conf_high"}.get(shown_as, shown_as)
            for column in joined.split("..") if pattern in frame else ():
                figures = zip(head[column], head[pattern], strict=True)
                head[column] = [None if pd.isna(v) else display.number(v, p) for v, p in figures]
        shown = tables.display_frame(head, columns, formats or {}, self.translate)
        texts = {
            header
            for header, column in zip(shown.columns, columns, strict=True)
            if (first_of := column.partition("..")[0]) in frame
            and not pd.api.types.is_numeric_dtype(frame[first_of])
        }
        numeric = [column for column in shown.columns if column not in texts]
        number = f"{self.number}-{len(self._tables) + 1}"
        caption = self.t("Table {number}  {title}", number=number, title=title)
        self._tables.append(
            {
                "name": name,
                "number": number,
                "title": title,
                "columns": dict(zip(columns, shown.columns, strict=True)),
                "formats": dict(formats or {}),
                "shown": shown.head(_KEPT).to_numpy().tolist(),
                "source": self._source(n, waves, data),
                "n": n,
                "chart": dict(chart) if chart else None,
            }
        )
        cut = ""
        if len(head) < len(frame):
            cut = self.t("The first {shown} of {all} rows.", shown=len(head), all=len(frame))
        _display(
            fragments.table(
                fragments.anchor(self.name, name), caption, tables.to_html(shown, numeric), cut
            )
        )

    def figure(
        self,
        name: str,
        figure: Any,
        title: str,
        *,
        n: int,
        waves: Sequence[str] | None = None,
        data: str = "responses",
        alt: str = "",
    ) -> None:
        """Show a chart with title, base and data source, and keep it as SVG.

        Parameters
        ----------
        n
            Base of the chart.
        waves
            Waves drawn; the one reported on by default.
        data
            The raw table that the figures come from, as the study file calls it.
        alt
            What the chart shows, for who cannot see it; the title by default.
        """
        from csat_stats import plots

        svg = plots.to_svg(figure)
        records.write_text(self.folder / f"{name}.svg", svg)
        number = f"{self.number}-{len(self._figures) + 1}"
        caption = self.t("Figure {number}  {title}", number=number, title=title)
        source = self._source(n, waves, data)
        self._figures.append({"name": name, "number": number, "title": title, "source": source})
        _display(
            fragments.chart(
                fragments.anchor(self.name, f"{name}-figure"), caption, svg, alt or title, source
            )
        )

    def _source(self, n: int | None, waves: Sequence[str] | None, data: str = "responses") -> str:
        named = self.plan.data
        file = getattr(named, data) or named.population or self.study.file.name
        source = self.t("Source: {file}", file=file)
        drawn = ", ".join(filter(None, [self.wave] if waves is None else waves))
        if drawn:
            source += self.t("; wave: {wave}", wave=drawn)
        return source if n is None else source + self.t("; n = {n:,}", n=n)

    def finding(self, finding: Finding) -> str:
        """Record a conclusion under the next evidence number, show it and give its number."""
        number = f"E{self.number}.{len(self._findings) + 1}"
        record = FindingRecord(
            id=f"{self.name[:2]}.{finding.id}",
            number=number,
            level=finding.level,
            text=finding.text.render(self.translate),
            n=finding.n,
            tables=finding.tables,
            values={
                key: value.render(self.translate) if isinstance(value, Message) else value
                for key, value in finding.values.items()
            },
        )
        self._findings.append(record)
        _display(fragments.finding(record, self.name, self.translate))
        return number

    def html(self, fragment: str) -> None:
        """Show a fragment whose parts are escaped already."""
        self._shown = True
        _display(fragment)

    def records(self) -> list[SectionRecord]:
        """Records of the sections that worked on the same data and scope, in reader's order.

        Under a run these are the sections of the run; in JupyterLab those of the draft folder.
        """
        found = [records.read(path) for path in sorted(self.folder.parent.iterdir())]
        return [r for r in found if r and r.key == self.intake.key and r.scope == self.scope]

    def close(self) -> None:
        """Write the record. A section that only had reasons to skip is marked skipped."""
        shown = self._shown or self._findings or self._tables or self._figures
        record = SectionRecord(
            name=self.name,
            title=TITLES[self.name].render(self.translate),
            key=self.intake.key,
            scope=self.scope,
            language=self.language,
            status="skipped" if self._skipped and not shown else "complete",
            findings=tuple(self._findings),
            tables=tuple(self._tables),
            figures=tuple(self._figures),
            skipped=tuple(self._skipped),
            methods=tuple(self._methods),
        )
        records.write(record, self.folder)


def _display(fragment: str) -> None:
    from IPython.display import HTML, display

    display(HTML(fragment))
