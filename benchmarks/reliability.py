"""Alpha, KMO, Bartlett and factor analysis of 1,000,000 respondents × 30 items, some missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import Cost, cost, in_new_process

ROWS, ITEMS, FACTORS = 1_000_000, 30, 5
SAME_ROWS = "all four, listwise"


def likert(rows: int = ROWS) -> pd.DataFrame:
    """Answers 1–5 to six items for each of five traits, 6% of the respondents with a gap."""
    rng = np.random.default_rng(1)
    traits = rng.standard_normal((FACTORS, rows), dtype=np.float32)
    answers = np.empty((ITEMS, rows))
    for j, answer in enumerate(answers):
        answer[:] = 0.9 * traits[j % FACTORS] + 0.7 * rng.standard_normal(rows, dtype=np.float32)
        np.clip(np.rint(answer + 3.4, out=answer), 1, 5, out=answer)
        answer[rng.random(rows, dtype=np.float32) < 0.002] = np.nan
    return pd.DataFrame(answers.T, columns=[f"q{j}" for j in range(1, ITEMS + 1)])


def ours(dtype: str = "float64") -> dict[str, Cost]:
    from csat_stats.moments import Moments
    from csat_stats.reliability import cronbach_alpha
    from csat_stats.validity import bartlett_sphericity, efa, kmo

    def all_four() -> tuple[Any, ...]:
        moments = Moments.from_frame(items)
        return (
            cronbach_alpha(moments),
            kmo(moments),
            bartlett_sphericity(moments),
            efa(moments, FACTORS, kaiser=False),
        )

    items = likert().astype(dtype)
    costs = {"all four": cost(all_four, 5)}
    if dtype == "float64":
        costs["alpha"] = cost(lambda: cronbach_alpha(items))
        costs["KMO"] = cost(lambda: kmo(items))
        costs["Bartlett"] = cost(lambda: bartlett_sphericity(items))
        costs["factors"] = cost(lambda: efa(items, FACTORS, kaiser=False))
    alpha, adequacy, sphericity, solution = costs["all four"].value
    figures = [alpha.estimate, alpha.conf_low, adequacy.estimate, sphericity.statistic]
    communality = 1 - solution.table.set_index("item").loc[items.columns, "uniqueness"]
    value = [*figures, *communality, *np.sort(np.abs(solution.loadings), axis=None)]
    return {step: c._replace(value=value) for step, c in costs.items()}


def peers() -> dict[str, Cost]:
    import warnings

    import pingouin
    from factor_analyzer import FactorAnalyzer, calculate_bartlett_sphericity, calculate_kmo

    warnings.simplefilter("ignore")

    def same_rows() -> tuple[Any, ...]:
        alpha = pingouin.cronbach_alpha(items, nan_policy="listwise")
        complete = items.dropna()  # the others would impute, or count rows with gaps
        return (
            alpha,
            calculate_kmo(complete),
            calculate_bartlett_sphericity(complete),
            FactorAnalyzer(FACTORS, rotation="oblimin", method="minres").fit(complete),
        )

    items = likert()

    def as_called() -> None:
        pingouin.cronbach_alpha(items)  # by pairs, its default
        complete = items.dropna()
        calculate_kmo(complete)
        calculate_bartlett_sphericity(complete)
        FactorAnalyzer(FACTORS, rotation="oblimin", method="minres").fit(complete)

    costs = {"all four": cost(as_called, 2), SAME_ROWS: cost(same_rows, 2)}
    costs["alpha"] = cost(lambda: pingouin.cronbach_alpha(items, nan_policy="listwise"), 2)
    costs["KMO"] = cost(lambda: calculate_kmo(items.dropna()), 2)
    costs["Bartlett"] = cost(lambda: calculate_bartlett_sphericity(items.dropna()), 2)
    analyzer = FactorAnalyzer(FACTORS, rotation="oblimin", method="minres")
    costs["factors"] = cost(lambda: analyzer.fit(items.dropna()), 2)
    alpha, adequacy, sphericity, solution = costs[SAME_ROWS].value
    figures = [alpha[0], alpha[1][0], adequacy[1], sphericity[0]]
    loadings = np.sort(np.abs(solution.loadings_), axis=None)
    value = [*figures, *solution.get_communalities(), *loadings]
    return {step: c._replace(value=value) for step, c in costs.items()}


def rows() -> list[dict[str, Any]]:
    """One line a step; ``all four`` reads the answers once, the others each for themselves.

    In the first line the peers are called as they come: pingouin's alpha then takes pairs, which
    is another alpha. In all others it is told to take complete rows, and the answers are ours.
    """
    here, there = in_new_process(ours), in_new_process(peers)
    # pingouin rounds its interval and takes n before rows are dropped; factor_analyzer stops its
    # extraction early.
    one, two = np.array(here["all four"].value), np.array(there[SAME_ROWS].value)
    np.testing.assert_allclose(one[[0, 2, 3]], two[[0, 2, 3]], rtol=1e-9)
    np.testing.assert_allclose(one[1], two[1], atol=2e-3)
    np.testing.assert_allclose(one[4:], two[4:], atol=2e-3)
    table = [_line(step, here[step], there[step]) for step in here]
    table.insert(1, _line(SAME_ROWS, here["all four"], there[SAME_ROWS]))
    for dtype in ("Float32", "Int8"):
        table.append(_line(f"all four, {dtype}", in_new_process(ours, dtype)["all four"], None))
    return table


def _line(step: str, here: Cost, there: Cost | None) -> dict[str, Any]:
    line = {
        "step": step,
        "s": here.seconds,
        "processor s": here.processor,
        "MB": here.megabytes,
    }
    if there:
        line |= {
            "peers s": there.seconds,
            "peers processor s": there.processor,
            "peers MB": there.megabytes,
            "times faster": there.seconds / here.seconds,
        }
    return line
