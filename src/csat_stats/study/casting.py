"""Text as typed columns, by the study file: whatever does not fit is a problem with its rows."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype

from csat_stats.loyalty import observed_outcome
from csat_stats.results import Message, message
from csat_stats.study import sources
from csat_stats.study.analyses import Outcome
from csat_stats.study.config import Study
from csat_stats.study.plan import Scale
from csat_stats.study.problems import Problem
from csat_stats.study.sampling_plan import Dispositions
from csat_stats.study.sources import RawTable

_SHOWN_PROBLEMS = 20


@dataclass
class Cast:
    """Turns the text of the response table into typed columns and collects what does not fit."""

    study: Study
    raw: RawTable
    problems: list[Problem] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)
    dated: list[pd.DataFrame] = field(default_factory=list)

    def responses(self) -> pd.DataFrame:
        plan, columns = self.study.plan, {}
        columns["row"] = pd.Series(self.raw.rows)
        for role in ("respondent", "customer"):
            if getattr(plan, role):
                columns[role] = self._text(getattr(plan, role))
        if plan.submitted:
            columns["submitted"] = self._moment(plan.submitted)
        if plan.duration:
            columns["duration"] = self._number(plan.duration)
        if plan.exclusions.one_answer_per:
            columns["case"] = self._text(plan.exclusions.one_answer_per)
        if plan.wave:
            columns["wave"] = self._category(plan.wave.column, plan.wave.order, required=True)
        for item in plan.items:
            columns[item] = self._score(item, plan.scale, item in plan.reversed)
        if plan.overall:
            columns["overall"] = self._score(plan.overall.column, plan.overall_scale)
        if plan.nps:
            columns["nps"] = self._score(plan.nps, Scale(low=0, high=10))
        for name, outcome in plan.outcomes.items():
            columns[name] = self._outcome(name, outcome, columns)
        for column in plan.loyalty.stated.values():
            columns[column] = self._score(column, plan.scale)
        strata: list[str] = []
        if plan.sampling:
            strata = plan.sampling.strata
            if plan.sampling.weight:
                columns["weight"] = self._weight(plan.sampling.weight)
            if plan.sampling.cluster:
                columns["cluster"] = self._text(plan.sampling.cluster)
            columns |= self._call_back()
        groups = dict.fromkeys([*strata, *plan.ranking, *plan.clusters])
        for segment, order in {**groups, **plan.segments}.items():
            if segment not in columns:  # `wave` may be a segment too
                columns[segment] = self._category(segment, order)
        return pd.DataFrame(columns)

    def contacts(self) -> pd.DataFrame:
        """What became of each contact, with the wave, segments and strata that the file tells."""
        plan, there = self.study.plan, self.raw.frame.columns
        assert plan.sampling is not None and plan.sampling.dispositions is not None
        columns = {"disposition": self._code(plan.sampling.dispositions)}
        if plan.wave and plan.wave.column in there:
            columns["wave"] = self._category(plan.wave.column, plan.wave.order, required=True)
        for name, order in {**dict.fromkeys(plan.sampling.strata), **plan.segments}.items():
            if name in there and name not in columns:
                columns[name] = self._category(name, order)
        return pd.DataFrame(columns)

    def history(self) -> pd.DataFrame:
        """Earlier months: ``period`` (2026-03), ``n, satisfied``, means by dimension, segments."""
        plan, there = self.study.plan, self.raw.frame.columns
        assert plan.history is not None
        columns = {"period": self._month(plan.history.period)}
        so_far = len(self.problems)
        columns["n"] = self.count(plan.history.n)
        if plan.history.satisfied:
            satisfied = self.count(plan.history.satisfied)
            if len(self.problems) == so_far:
                text = self.raw.frame[plan.history.satisfied]
                more = message("more are satisfied than answered.")
                self._refuse(plan.history.satisfied, text[satisfied > columns["n"]], more)
            columns["satisfied"] = satisfied
        for dimension, column in plan.history.means.items():
            columns[dimension] = self._score(column, plan.scale)
        segments = [name for name in plan.segments if name in there and name not in columns]
        for name in segments:
            columns[name] = self._category(name, plan.segments[name])
        frame = pd.DataFrame(columns)
        twice = frame.duplicated(["period", *segments]) & frame["period"].notna()
        again = message("the same month stands here twice: one row a month and level is needed.")
        self._refuse(plan.history.period, self.raw.frame[plan.history.period][twice], again)
        return frame

    @property
    def identical(self) -> pd.Series:
        """Rows that repeat an earlier row in every cell, where an id or a time tells rows apart."""
        told_apart = bool(self.study.plan.respondent or self.study.plan.submitted)
        return self.raw.frame.duplicated() & told_apart

    def _text(self, column: str) -> pd.Series:
        """The column with its codes for missing taken out."""
        text = self.raw.frame[column]
        return text.mask(text.isin(self.study.plan.missing) | (text == ""))

    def _figures(self, column: str, text: pd.Series) -> pd.Series:
        """Text as numbers, NaN where it is none; full-width digits count as digits."""
        narrow = text.map(lambda cell: unicodedata.normalize("NFKC", cell), na_action="ignore")
        number = pd.to_numeric(narrow, errors="coerce").astype("float64")
        number = number.mask(np.isinf(number))
        wide = int((number.notna() & (narrow != text)).sum())
        if wide:
            note = message(
                "column {column}: {n} number(s) in full-width digits.", column=column, n=wide
            )
            self.notes.append(note)
        return number

    def _refuse(self, column: str, values: pd.Series, cure: Message) -> None:
        """One problem for each distinct value that does not fit."""
        for value, rows in values.groupby(values).groups.items():
            if len(self.problems) == _SHOWN_PROBLEMS:
                more = message("More values do not fit; mend these first.")
                self.problems.append(Problem(self.raw.file, more))
            if len(self.problems) > _SHOWN_PROBLEMS:
                return
            numbers = [self.raw.rows[row] for row in rows[: sources.SHOWN_ROWS]]
            shown = ", ".join(map(str, numbers)) + (", …" if len(rows) > len(numbers) else "")
            text = message(
                "column {column}, value {value} in row {rows}: {cure}",
                column=column,
                value=repr(value),
                rows=shown,
                cure=cure,
            )
            self.problems.append(Problem(self.raw.file, text))

    def _number(self, column: str) -> pd.Series:
        text = self._text(column)
        number = self._figures(column, text)
        self._refuse(
            column,
            text[text.notna() & number.isna()],
            message("not a number. Correct it, or add it to `missing` if it means no answer."),
        )
        return number

    def _weight(self, column: str) -> pd.Series:
        number = self._number(column)
        text = self.raw.frame[column]
        self._refuse(column, text[number < 0], message("a weight below 0."))
        return number

    def count(self, column: str) -> pd.Series:
        """A column of numbers of people: whole, not negative, none missing."""
        text = self.raw.frame[column]
        number = self._figures(column, text)
        good = number.notna() & (number >= 0) & (number % 1 == 0)
        self._refuse(column, text[~good], message("not a whole number of people."))
        return number.where(good, 0).astype("int64")

    def _score(self, column: str, scale: Scale, turn: bool = False) -> pd.Series:
        text = self._text(column)
        not_applicable = text.isin(scale.not_applicable)
        number = self._figures(column, text).mask(not_applicable)
        words = text.notna() & number.isna() & ~not_applicable
        self._refuse(
            column,
            text[words],
            message("not a number. Correct it, or add it to `missing` if it means no answer."),
        )
        outside = number.notna() & ~number.between(scale.low, scale.high)
        self._refuse(
            column,
            text[outside],
            message(
                "outside the scale {low:g}–{high:g}. Correct it, set `scale`, or add it to "
                "`missing` or `not_applicable` if it is a code.",
                low=scale.low,
                high=scale.high,
            ),
        )
        return scale.low + scale.high - number if turn else number

    def _outcome(self, name: str, outcome: Outcome, columns: dict[str, pd.Series]) -> pd.Series:
        """1.0 yes, 0.0 no; with a date only what happened after the answer and in time."""
        text = self._text(outcome.column)
        yes, no = text.isin(outcome.yes), text.isin(outcome.no)
        self._refuse(
            outcome.column,
            text[text.notna() & ~yes & ~no],
            message("neither in `yes` nor in `no` of the study file. Add it to one of them."),
        )
        happened = yes.astype("float64").where(yes | no)
        if outcome.date is None:
            return happened
        days = [_day(moment) for moment in (self._moment(outcome.date), columns["submitted"])]
        if self.problems:
            return happened
        checked = observed_outcome(
            happened,
            on=days[0],
            surveyed=days[1],
            within_days=outcome.within_days,
            until=outcome.until,
        )
        self.dated.append(checked.table.assign(outcome=name))
        return checked.values.astype("float64")

    def _code(self, dispositions: Dispositions) -> pd.Series:
        """AAPOR codes of what stands in the file."""
        text = self._text(dispositions.column)
        codes = {word: code for code, words in dispositions.codes.items() for word in words}
        self._refuse(
            dispositions.column,
            text[text.notna() & ~text.isin(codes)],
            message("under no code of `dispositions` in the study file. Add it to one of them."),
        )
        return text.map(codes)

    def _call_back(self) -> dict[str, pd.Series]:
        """Times of service and call-back, and who did either, where the study has a rule."""
        columns = {}
        for role, column in self.study.plan.call_back_columns.items():
            is_time = role in ("served", "called")
            columns[role] = self._moment(column) if is_time else self._text(column)
            if is_time:
                self._note_dates(column)
        times = [columns[role] for role in ("served", "called") if role in columns]
        zones = {time.dt.tz is None for time in times if is_datetime64_any_dtype(time.dtype)}
        if len(zones) > 1:
            if all(time.notna().any() for time in times):
                names = self.study.plan.call_back_columns
                text = message(
                    "columns {served} and {called}: one has a time zone, the other none. Write "
                    "them alike.",
                    served=names["served"],
                    called=names["called"],
                )
                self.problems.append(Problem(self.raw.file, text))
            for role, time in zip(("served", "called"), times, strict=True):
                columns[role] = time.dt.tz_localize(None)
        return columns

    def _note_dates(self, column: str) -> None:
        text = self._text(column)
        n = int((text.notna() & ~text.str.contains(r"\d[T\s]+\d", na=False)).sum())
        if n:
            note = message(
                "column {column}: {n} date(s) without a time of day count as 0:00, so that hours "
                "between service and call-back can be wrong by a day.",
                column=column,
                n=n,
            )
            self.notes.append(note)

    def _category(self, column: str, order: list[str] | None, required: bool = False) -> pd.Series:
        text = self._text(column)
        levels = order or sorted(text.dropna().unique())
        self._refuse(
            column,
            text[text.notna() & ~text.isin(levels)],
            message("not in the levels of the study file: {levels}.", levels=", ".join(levels)),
        )
        if required and text.isna().any():
            empty = text[text.isna()].fillna("")
            self._refuse(column, empty, message("the wave is empty: fill it in."))
        known = text.where(text.isin(levels))
        return pd.Series(pd.Categorical(known, categories=levels, ordered=True), index=text.index)

    def _month(self, column: str) -> pd.Series:
        text = self._text(column)
        parts = text.str.normalize("NFKC").str.extract(
            r"^(\d{4})[-/.年]?(\d{1,2})(?:月|[-/.](?:0?[1-9]|[12]\d|3[01]))?$"
        )
        good = parts[1].astype("float64").between(1, 12)
        bad = message("not a month like 2026-03.")
        self._refuse(column, text.fillna("")[~good], bad)
        return (parts[0] + "-" + parts[1].str.zfill(2)).where(good)

    def _moment(self, column: str) -> pd.Series:
        text = self._text(column)
        dated = text.where(text.str.match(r"\d", na=False))  # not `now`, `today`
        try:
            moment = pd.to_datetime(dated, errors="coerce", format="ISO8601")
        except ValueError:
            problem = message(
                "column {column}: times of different time zones, or with and without one. Write "
                "all of them alike.",
                column=column,
            )
            self.problems.append(Problem(self.raw.file, problem))
            return dated
        self._refuse(
            column,
            text[text.notna() & moment.isna()],
            message("not a date and time like 2026-09-30 14:05:00."),
        )
        return moment


def _day(moment: pd.Series) -> pd.Series:
    """Dates without a time of day, of whatever time zone they were written in."""
    if not is_datetime64_any_dtype(moment.dtype):
        return pd.to_datetime(moment)
    return moment.dt.tz_localize(None).dt.normalize()
