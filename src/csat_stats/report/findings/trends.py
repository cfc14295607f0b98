"""Conclusions on waves and months: what changed beyond chance, what recurs, what comes next."""

from __future__ import annotations

import pandas as pd

from csat_stats.display import p_phrase as p
from csat_stats.report.findings.base import Finding, between, figures, not_estimable
from csat_stats.report.records import Level
from csat_stats.results import message, typeset
from csat_stats.trends import CommonQuestions, ControlChart, Forecast, ProblemTrends, WaveTrend

_MOST_NAMED = 6  # months or problems that one sentence lists

RULES = {
    "beyond_limits": message("outside the limits"),
    "two_of_three_beyond_two_sigma": message("two of three beyond 2σ"),
    "four_of_five_beyond_one_sigma": message("four of five beyond 1σ"),
    "run_of_eight": message("eight in a row on one side"),
}

STATES = {
    "worsening": message("worsening"),
    "improving": message("improving"),
    "recurring": message("recurring"),
    "stable": message("stable"),
    "rare": message("rare"),
    "not_estimable": message("not estimable"),
}


def wave_change(
    metric: str, label: str, result: WaveTrend, holm: pd.Series, pattern: str, table: str
) -> Finding:
    """A figure from the first wave to the last, as it stands and with the mix of customers held.

    ``holm`` holds the corrected p of each metric, ``pattern`` is the format of a level.
    """
    id = f"trend.{metric}"
    if result.estimate is None:
        return not_estimable(id, label, result)
    asked = result.table.dropna(subset="estimate")
    signed = f"{{:+{pattern.removeprefix('+')}}}"
    held = result.adjusted is not None
    alone = result.adjusted_p if held else result.p_value
    corrected = holm.get(metric)
    level = 1 - result.conf_level
    sure = corrected is not None and corrected < level
    doubt = message("within chance.")
    if alone is not None and alone < level:
        doubt = message(
            "beyond chance by itself, but not as one of {n} figures (Holm's correction).",
            n=len(holm),
        )
    text = message(
        "{label}: {first} → {last}, change {change} {interval}{held}; {verdict}",
        label=label,
        first=typeset(f"{{:{pattern}}}", asked["estimate"].iloc[0]),
        last=typeset(f"{{:{pattern}}}", asked["estimate"].iloc[-1]),
        change=typeset(signed, result.estimate),
        interval=between(result.conf_low, result.conf_high, signed),
        held=message(
            ", and {adjusted} {interval} with the mix of customers held",
            adjusted=typeset(signed, result.adjusted),
            interval=between(result.adjusted_low, result.adjusted_high, signed),
        )
        if held
        else "",
        verdict=message("beyond chance.") if sure else doubt,
    )
    net = result.estimate if result.adjusted is None else result.adjusted
    fell = sure and net < 0
    values = figures(result, adjusted=result.adjusted)
    return Finding(id, "watch" if fell else "info", text, result.n_used, (table,), values)


def questionnaire(result: CommonQuestions, table: str) -> Finding:
    """Which items were not asked in every wave."""
    left = result.table.loc[~result.table["comparable"], "item"]
    text = message(
        "The waves had different questionnaires: {n} items were asked in every wave and are "
        "compared, these were not: {items}.",
        n=result.n_used,
        items=_listed(left),
    )
    return Finding("questionnaire", "watch", text, None, (table,))


def control(metric: str, label: str, result: ControlChart, table: str) -> Finding:
    """Which months differ by more than chance, the latest above all."""
    id = f"control.{metric}"
    if result.not_estimable:
        return not_estimable(id, label, result)
    known = result.table.dropna(subset="value")
    n = int(known["n"].sum()) if known["n"].notna().all() else None
    marked = known[known["signal"] != ""]
    latest = bool(len(marked)) and marked.index[-1] == known.index[-1]
    low = latest and marked["value"].iloc[-1] < marked["centre"].iloc[-1]
    if marked.empty:
        text = message("{label}: no month differs from the baseline beyond chance.", label=label)
        return Finding(id, "info", text, n, (table,))
    text = message(
        "{label}: months that differ from the baseline beyond chance: {k} of {n} ({months})."
        "{latest}",
        label=label,
        n=len(known),
        k=len(marked),
        months=_listed(marked["period"].astype(str).iloc[-_MOST_NAMED:], len(marked)),
        latest=""
        if not latest
        else message(" The latest month is one of them, below the baseline.")
        if low
        else message(" The latest month is one of them, above the baseline."),
    )
    level: Level = "watch" if low else "info"
    return Finding(id, level, text, n, (table,))


def problems(result: ProblemTrends, table: str) -> list[Finding]:
    """Problems that get worse, one by one, and those that come back, in one sentence."""
    if result.not_estimable:
        return [not_estimable("problems", message("Problems over time"), result)]
    found = []
    verdicts = result.verdicts
    for row in verdicts[verdicts["state"] == "worsening"].itertuples():
        text = message(
            "{problem}: low scores rise from {first:.1%} to {last:.1%}, change {change:+.1%} "
            "{interval}, p {p} (Holm).",
            problem=row.problem,
            first=row.first,
            last=row.last,
            change=row.change,
            interval=between(row.change_low, row.change_high, "{:+.1%}"),
            p=p(row.p_holm),
        )
        found.append(Finding(f"problem.{row.problem}", "watch", text, int(row.n), (table,)))
    again = verdicts[verdicts["state"] == "recurring"]
    if len(again):
        text = message(
            "Problems that keep coming back: {problems}.",
            problems=_listed(again.sort_values("last", ascending=False)["problem"]),
        )
        found.append(Finding("recurring", "watch", text, result.n_used, (table,)))
    if not found:
        text = message("No problem gets worse beyond chance, and none keeps coming back.")
        found.append(Finding("problems", "info", text, result.n_used, (table,)))
    return found


def outlook(label: str, result: Forecast, table: str) -> Finding:
    """What the next month is expected to bring, and whether a model beats repeating the past."""
    if result.estimate is None:
        return not_estimable("forecast", message("Forecast of {what}", what=label), result)
    text = message(
        "{label} expected in {period}: {estimate:.1%} {interval}. {test}",
        label=label,
        period=str(result.table["period"].iloc[0]),
        estimate=result.estimate,
        interval=between(result.conf_low, result.conf_high, "{:.1%}"),
        test=_test(result),
    )
    return Finding("forecast", "info", text, None, (table,), figures(result))


def _test(result: Forecast) -> object:
    if not result.n_origins:
        return message("The months are too few to test a model: the naive forecast is shown.")
    if result.chosen == "model":
        return message(
            "Tested on earlier months, the model errs {skill:.1%} less than the naive forecast.",
            skill=result.skill,
        )
    return message(
        "Tested on earlier months, no model errs less than the naive forecast, which is shown."
    )


def _listed(names: pd.Series, total: int | None = None) -> object:
    """The first names, and that there are more."""
    shown, n = list(names[:_MOST_NAMED]), total or len(names)
    text = ", ".join(map(str, shown))
    return message("{names} and {n} more", names=text, n=n - len(shown)) if n > len(shown) else text
