"""A series of periods before and after an action: does its level jump, does its slope turn?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from csat_stats.display import p_phrase
from csat_stats.effects._lines import (
    Lines,
    autoregressive,
    distances,
    ljung_box,
    newey_west,
    segmented,
)
from csat_stats.effects._periods import Timeline, timeline
from csat_stats.frames import Array, check_level, numbers, require
from csat_stats.results import Message, Result, message

LEAST, LEAST_EACH, FEW = 8, 3, 12
FIGURES = ["estimate", "std_error", "conf_low", "conf_high", "statistic", "df", "p_value"]
CARRIED = ["counterfactual", "counterfactual_low", "counterfactual_high"]
WEIGHTING = {
    False: message("all periods weigh alike"),
    True: message("each period weighs by its answers"),
}


@dataclass(frozen=True, kw_only=True)
class InterruptedTimeSeries(Result):
    """Jump of the level at the action (``estimate``), and turn of the slope from then on.

    Attributes
    ----------
    level_change
        ``estimate`` by its name.
    std_error, statistic, df, p_value
        The t test of the jump.
    slope_change, slope_change_low, slope_change_high, slope_change_p_value
        Slope from the action on less that before, per unit of time.
    effect_at_end, effect_at_end_low, effect_at_end_high, effect_at_end_p_value
        Jump and turn together at the last period: the line from the action on less the line
        before it, carried on.
    autocorrelation
        Of neighbouring periods: estimated with the lines, or with Newey–West errors that of the
        residuals.
    ljung_box_p_value
        Ljung–Box test of the autocorrelation that the lines (with Newey–West errors: the least
        squares) leave; too small in series of fewer than 20 periods.
    lags
        Lags of the Newey–West errors; ``None`` otherwise.
    n_before, n_after
        Periods with a value before the action and from it on.
    coefficients
        ``term`` (level_before, slope_before, level_change, slope_change, those of the season,
        slope_after, effect_at_end), ``estimate, std_error, conf_low, conf_high, statistic, df,
        p_value``.
    table
        A row a period given: ``period, time, observed, fitted, counterfactual,
        counterfactual_low, counterfactual_high, n``. The counterfactual, from the action on, is
        the line before it carried on, with the interval of that line; ``time`` counts from the
        first period with a value.
    """

    std_error: float | None = None
    statistic: float | None = None
    df: float | None = None
    p_value: float | None = None
    slope_change: float | None = None
    slope_change_low: float | None = None
    slope_change_high: float | None = None
    slope_change_p_value: float | None = None
    effect_at_end: float | None = None
    effect_at_end_low: float | None = None
    effect_at_end_high: float | None = None
    effect_at_end_p_value: float | None = None
    autocorrelation: float | None = None
    ljung_box_p_value: float | None = None
    lags: int | None = None
    n_before: int = 0
    n_after: int = 0
    coefficients: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)

    @property
    def level_change(self) -> float | None:
        return self.estimate


def interrupted_time_series(
    values: pd.Series,
    start: Any,
    *,
    n: pd.Series | None = None,
    control: pd.Series | None = None,
    season: int | None = None,
    errors: Literal["ar1", "newey_west"] = "ar1",
    lags: int | None = None,
    conf_level: float = 0.95,
) -> InterruptedTimeSeries:
    """Segmented regression: the jump of a series at an action, and the turn of its slope.

    Parameters
    ----------
    values
        One figure a period (a mean, a share, a count), in any order; the index is numbers, dates,
        periods or an ordered categorical. Dates count by the coarsest of year, quarter, month, week
        and day in which each stands alone. A period without a value, or without answers, is left
        out and keeps its place in time.
    start
        First period of the action, as in the index; a date stands for the period it falls in.
    n
        Answers behind each value, used as weights: right where the values differ by the chance of
        few answers rather than by what happened in the period.
    control
        The same figure where nothing was done, same index: the difference is analysed.
    season
        Periods in a season (12 months, 4 quarters): adds its first two harmonics.
    errors
        ``"ar1"``: residuals correlated as ρ^distance in time. ``"newey_west"``: least squares with
        errors that allow for correlation up to ``lags``.
    lags
        Of the Newey–West errors; by default the whole part of 4·(n/100)^(2/9).
    conf_level
        Level of all intervals, 0–1.

    Returns
    -------
    InterruptedTimeSeries
        Not estimable with fewer than 8 periods with a value, or 3 on either side; when the action
        does not fall between the first and the last; when nothing varies around the lines.

    Raises
    ------
    ValueError
        For values that are not numeric, an index that has no order or repeats a period, another
        index of ``n`` or ``control``, negative answers, and settings out of range.

    Notes
    -----
    y = b₀ + b₁t + b₂·after + b₃·after·(t − start) + season (Wagner et al., 2002, Journal of
    Clinical Pharmacy and Therapeutics 27; Bernal, Cummins and Gasparrini, 2017, International
    Journal of Epidemiology 46). The effect at the end is b₂ + b₃·(end − start).

    ``ar1``: generalised least squares, ρ by restricted maximum likelihood, t with the degrees of
    freedom of Satterthwaite, which covered best in the comparison of Turner et al. (2021, BMC
    Medical Research Methodology 21). Checked against R 4.2 nlme ``gls(correlation = corAR1(form =
    ~t), method = "REML")``, its degrees of freedom apart. ``newey_west``: Newey and West (1987),
    Bartlett weights by distance in time, factor n/(n − k), t(n − k); lags as in Newey and West
    (1994). Checked against sandwich 3.0-2 ``NeweyWest(prewhite = FALSE, adjust = TRUE)``.

    Coverage of the 95% intervals of jump, turn and effect at the end, 1,000 draws or more, action
    half-way, autocorrelation 0.3: with 36 periods 94%, 96% and 96%, with 24 93%, 95% and 95%, with
    12 93%, 95% and 96%. With t(n − k) these are 94%, 94% and 94%, 91%, 90% and 91%, 88%, 88% and
    88%; with Newey–West errors 82%, 80% and 81%, 81%, 74% and 75%, 75%, 73% and 73%, and with 100
    periods still 88%, 85% and 85%: that is why they are not the default.

    Examples
    --------
    >>> months = pd.period_range("2023-01", periods=12, freq="M")
    >>> series = pd.Series([70, 71, 70, 72, 71, 72, 76, 77, 76, 79, 78, 80], index=months)
    >>> result = interrupted_time_series(series, "2023-07")
    >>> round(result.level_change, 2), round(result.slope_change, 2), round(result.effect_at_end, 2)
    (3.75, 0.37, 5.61)
    """
    check_level(conf_level)
    if errors not in ("ar1", "newey_west"):
        raise ValueError(f"errors is {errors!r}: ar1 or newey_west is needed")
    if lags is not None and (errors == "ar1" or lags < 0):
        raise ValueError(f"lags is {lags}: it takes errors='newey_west', and 0 or more")
    if season is not None and season < 2:
        raise ValueError(f"season is {season}: its periods, 2 or more, are needed")
    axis, frame = _frame(values, start, n, control)
    usable = frame["observed"].notna() & ((frame["n"] > 0) | (n is None))
    first, last = frame["time"][usable].agg(["min", "max"]) if usable.any() else (0.0, 0.0)
    between = (axis.show(first), axis.show(last)) if usable.any() else ("", "")
    steps = distances(frame["time"].to_numpy())[:, 0] if len(frame) > 1 else np.zeros(len(frame))
    frame["time"] -= first
    begin, used = axis.start - first, frame[usable]
    time = used["time"].to_numpy(dtype=float)
    if errors == "newey_west" and lags is None:
        lags = int(4 * (len(used) / 100) ** (2 / 9))
    base: dict[str, Any] = {
        "n_used": len(used),
        "n_dropped": len(frame) - len(used),
        "conf_level": conf_level,
        "n_before": int((time < begin).sum()),
        "n_after": int((time >= begin).sum()),
        "lags": lags,
        "method": message(
            "Segmented regression by generalised least squares, autocorrelated from period to "
            "period (restricted maximum likelihood), with t intervals on Satterthwaite's degrees "
            "of freedom; {weighting}; periods without a value are left out.",
            weighting=WEIGHTING[n is not None],
        )
        if errors == "ar1"
        else message(
            "Segmented regression by least squares with Newey–West errors of {lags} lags and t "
            "intervals; {weighting}; periods without a value are left out.",
            lags=lags,
            weighting=WEIGHTING[n is not None],
        ),
    }
    notes = _notes(steps[usable], between, axis.start_shown, control is not None)
    for name in ("fitted", *CARRIED):
        frame.insert(len(frame.columns) - 1, name, np.nan)
    x, names = segmented(time, begin, season)
    reason = _not_estimable(time, begin, between, axis.start_shown, x, season)
    lines: Lines | None = None
    if reason is None:
        y = used["observed"].to_numpy(dtype=float)
        weight = np.ones(len(used)) if n is None else used["n"].to_numpy(dtype=float)
        lines = (
            autoregressive(x, y, weight, time)
            if lags is None
            else newey_west(x, y, weight, time, lags)
        )
    if lines is None:
        return InterruptedTimeSeries(
            **base,
            notes=tuple(notes),
            table=frame,
            not_estimable=reason
            or message("Nothing varies around the lines, so chance cannot be judged."),
        )
    by = dict(zip(names, np.eye(len(names)), strict=True))
    by["slope_after"] = by["slope_before"] + by["slope_change"]
    by["effect_at_end"] = by["level_change"] + by["slope_change"] * (time[-1] - begin)
    figures = {term: lines.combine(how, conf_level) for term, how in by.items()}
    coefficients = pd.DataFrame(figures).T[FIGURES].rename_axis("term").reset_index()
    for term in ("slope_change", "effect_at_end"):
        base[term] = figures[term]["estimate"]
        base |= {f"{term}_{end}": figures[term][f"conf_{end}"] for end in ("low", "high")}
        base[f"{term}_p_value"] = figures[term]["p_value"]
    all_times = frame["time"].to_numpy(dtype=float)
    frame["fitted"] = segmented(all_times, begin, season)[0] @ lines.coef
    without = segmented(all_times, np.inf, season)[0]
    later = frame.index[all_times >= begin]
    carried = [lines.combine(without[row], conf_level) for row in later]
    for name, figure in zip(CARRIED, ("estimate", "conf_low", "conf_high"), strict=True):
        frame.loc[later, name] = [line[figure] for line in carried]
    base |= figures["level_change"]
    left = ljung_box(lines.residual, int(lags is None))
    return InterruptedTimeSeries(
        **base,
        autocorrelation=lines.autocorrelation,
        ljung_box_p_value=left,
        notes=(*notes, *_doubts(len(used), lags, lines.autocorrelation, left)),
        coefficients=coefficients,
        table=frame,
    )


def _frame(
    values: pd.Series, start: Any, n: pd.Series | None, control: pd.Series | None
) -> tuple[Timeline, pd.DataFrame]:
    """``period, time, observed, n`` in the order of time."""
    for name, other in (("n", n), ("control", control)):
        if other is not None and not other.index.equals(values.index):
            raise ValueError(f"{name} and values have different indexes: align them first")
    axis = timeline(values.index, start)
    observed = numbers(values.rename("values")).to_numpy()
    if control is not None:
        observed = observed - numbers(control.rename("control")).to_numpy()
    answers = numbers(n.rename("n")) if n is not None else None
    if answers is not None:
        require(~(answers < 0), answers, "answers of 0 or more")
    frame = pd.DataFrame(
        {
            "period": values.index,
            "time": axis.time,
            "observed": observed,
            "n": np.nan if answers is None else answers.to_numpy(),
        }
    )
    twice = frame["time"].duplicated()
    if twice.any():
        label = axis.show(frame["time"][twice].iloc[0])
        raise ValueError(f"period {label} occurs twice: one value a period is needed")
    return axis, frame.sort_values("time").reset_index(drop=True)


def _not_estimable(
    time: Array, begin: float, between: tuple[str, str], start: str, x: Array, season: int | None
) -> Message | None:
    first, last = between
    if len(time) and begin > time[-1]:
        return message(
            "The action is dated {start}, after the last period with a value ({last}), so nothing "
            "has been measured since.",
            start=start,
            last=last,
        )
    if len(time) and begin <= time[0]:
        return message(
            "The action is dated {start}, and the first period with a value is {first}, so nothing "
            "was measured before it.",
            start=start,
            first=first,
        )
    before, after = int((time < begin).sum()), int((time >= begin).sum())
    if before + after < LEAST or min(before, after) < LEAST_EACH:
        return message(
            "The series has {before} periods with a value before the action and {after} from it "
            "on; it needs {least} in all and {each} on either side.",
            before=before,
            after=after,
            least=LEAST,
            each=LEAST_EACH,
        )
    if len(x) < x.shape[1] + 4 or np.linalg.matrix_rank(x / np.abs(x).max(axis=0)) < x.shape[1]:
        return message(
            "{n} periods are too few, or too unevenly spread, for a season of {season} periods "
            "beside the lines.",
            n=len(x),
            season=season,
        )
    return None


def _notes(steps: Array, between: tuple[str, str], start: str, controlled: bool) -> list[Message]:
    """What is to be said of the design; ``steps`` are the places of the periods with a value."""
    notes = [
        message(
            "The difference from the control series is analysed: what moved both alike drops out."
        )
        if controlled
        else message(
            "There is no control series: whatever else changed about {start} is part of these "
            "figures.",
            start=start,
        )
    ]
    n = len(steps)
    places = float(steps[-1] - steps[0]) + 1 if n else 0.0
    if places > n and places.is_integer():
        notes.append(
            message(
                "{missing} of the {places} periods from {first} to {last} have no value: they are "
                "left out and keep their place in time.",
                missing=int(places) - n,
                places=int(places),
                first=between[0],
                last=between[1],
            )
        )
    if LEAST <= n < FEW:
        notes.append(
            message(
                "There are {n} periods only: with fewer than {few} a single odd period can decide "
                "the result.",
                n=n,
                few=FEW,
            )
        )
    return notes


def _doubts(n: int, lags: int | None, autocorrelation: float, left: float) -> list[Message]:
    notes = []
    if lags is not None and n < 100:
        notes.append(
            message(
                "Newey–West errors are made for long series: with {n} periods they tend to be too "
                "small.",
                n=n,
            )
        )
    if autocorrelation > 0.8:
        notes.append(
            message(
                "Neighbouring periods resemble each other so much (autocorrelation {r:.2f}) that "
                "a jump can hardly be told from drift.",
                r=autocorrelation,
            )
        )
    if lags is None and n >= 20 and left < 0.01:  # in shorter series it is too ready to see it
        notes.append(
            message(
                "The periods hang together in a way that the two lines do not describe (Ljung–Box "
                "test, p {p}): a season, or a curve. Look at the chart before quoting figures.",
                p=p_phrase(left),
            )
        )
    return notes
