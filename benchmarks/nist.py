"""Digits attained on the Statistical Reference Datasets of NIST, beside other software.

``python -m benchmarks nist`` prints one Markdown table a family of sets. A figure is the LRE, the
logarithm of the relative error (McCullough 1998, American Statistician 52): how many digits agree
with the certified value, of 15; a pair gives two quantities, each the worst of its coefficients.
"exactly" has our functions read the decimals of the file and take powers of them as fractions; all
others read the nearest float64. R is not run here: tests/oracles/nist.json keeps its results.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from csat_stats import regression, satisfaction
from csat_stats.moments import Moments

ROOT = Path(__file__).resolve().parents[1]
STRD = json.loads((ROOT / "tests" / "oracles" / "nist.json").read_text("utf-8"))
OURS = "csat_stats"
EXACT = "csat_stats, exactly"
MOMENTS = "csat_stats Moments"
FAMILIES = {
    "univariate": ["mean", "std_dev"],
    "anova": ["F"],
    "regression": ["coef", "std_error"],
}
Figures = dict[str, dict[str, Any]]  # software → quantity → figure, or one a coefficient


def digits(value: float | None, certified: str) -> float:
    """LRE of one figure: 15 where every certified digit agrees, 0 where there is no figure."""
    reference = float(certified)
    if value is None or not math.isfinite(value):
        return 0.0
    if f"{value:.14e}" == f"{reference:.14e}":
        return 15.0
    error = abs(value - reference) / (abs(reference) or 1)
    return min(15.0, max(0.0, -math.log10(error))) if error else 15.0


def attained(family: str) -> pd.DataFrame:
    """LRE of each set (rows) by each software and quantity (columns)."""
    sets = {"univariate": univariate, "anova": anova, "regression": linear}[family]()
    rows = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peers on data that are hard on purpose
        for name, certified, figures in sets:
            rows[name] = {
                (software, quantity): min(
                    digits(value, reference)
                    for value, reference in zip(
                        _listed(quantities[quantity]), _listed(certified[quantity]), strict=True
                    )
                )
                for software, quantities in figures.items()
                for quantity in FAMILIES[family]
            }
    return pd.DataFrame.from_dict(rows, orient="index")


def univariate() -> Iterable[tuple[str, dict[str, Any], Figures]]:
    """Mean and standard deviation of each univariate set."""
    from scipy import stats
    from statsmodels.stats.weightstats import DescrStatsW

    for name, case in STRD["univariate"].items():
        text = _observations(name, case)
        y = pd.Series([float(value) for value in text])
        ours = satisfaction.mean_score(y)
        decimals = pd.Series([Decimal(value) for value in text])
        exact = regression.ols(decimals, pd.DataFrame(index=y.index))
        moments = Moments.from_frame(y.to_frame("y"))
        scipy, other = stats.describe(y), DescrStatsW(y, ddof=1)
        yield (
            name,
            case,
            {
                OURS: {"mean": ours.estimate, "std_dev": ours.std_dev},
                MOMENTS: {"mean": moments.mean, "std_dev": np.sqrt(moments.cov()[0])},
                EXACT: {"mean": exact.table["estimate"], "std_dev": exact.residual_sd},
                "R": case["r"],
                "scipy": {"mean": scipy.mean, "std_dev": np.sqrt(scipy.variance)},
                "statsmodels": {"mean": other.mean, "std_dev": other.std},
            },
        )


def anova() -> Iterable[tuple[str, dict[str, Any], Figures]]:
    """F of each set of the analysis of variance."""
    import pingouin
    import scipy.stats
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    for name in STRD["anova_r"]:
        folder = Path(scipy.stats.__file__).parent / "tests" / "data" / "nist_anova"
        lines = (folder / f"{name}.dat").read_text("ascii").splitlines()
        certified = next(line for line in lines if line.startswith("Between")).split()[-1]
        rows = [line.split() for line in lines[60:] if line.strip()]
        text = pd.DataFrame(rows, columns=["group", "y"])
        frame = text.assign(y=text["y"].astype(float))
        exact = regression.one_way(text["y"].map(Decimal), text["group"])
        parts = [part for _, part in frame.groupby("group")["y"]]
        figures = {
            OURS: regression.one_way(frame["y"], frame["group"]).statistic,
            EXACT: exact.statistic,
            "R": STRD["anova_r"][name],
            "scipy": scipy.stats.f_oneway(*parts).statistic,
            "statsmodels": anova_lm(ols("y ~ C(group)", frame).fit())["F"].iloc[0],
            "pingouin": pingouin.anova(frame, dv="y", between="group")["F"].iloc[0],
        }
        yield name, {"F": certified}, {key: {"F": value} for key, value in figures.items()}


def linear() -> Iterable[tuple[str, dict[str, Any], Figures]]:
    """Coefficients and standard errors of each set of linear regression."""
    import pingouin
    import statsmodels.api as sm

    for name, case in STRD["regression"].items():
        figures: Figures = {}
        for software, number in ((OURS, float), (EXACT, Fraction)):
            y, x = _design(case, number)
            table = regression.ols(y, x, intercept=case["intercept"]).table
            figures[software] = {"coef": table["estimate"], "std_error": table["std_error"]}
        y, x = _design(case, float)
        figures["R"] = case["r"]
        design = sm.add_constant(x) if case["intercept"] else x
        for method in ("pinv", "qr"):
            fit = sm.OLS(y, design).fit(method=method)
            figures[f"statsmodels {method}"] = {"coef": fit.params, "std_error": fit.bse}
        other = pingouin.linear_regression(x, y, add_intercept=case["intercept"])
        figures["pingouin"] = {"coef": other["coef"], "std_error": other["se"]}
        yield name, case, figures


def _observations(name: str, case: dict[str, Any]) -> list[str]:
    if name == "PiDigits":
        found = pi_digits(5000)
        found[956] = "3"  # so in the file of NIST, where pi has 8
        return found
    if "rule" in case:
        first, pair = case["rule"]
        return [first, *pair.split() * 500]
    return str(case["y"]).split()


def _design(case: dict[str, Any], number: type) -> tuple[pd.Series, pd.DataFrame]:
    """Outcome and predictors; the powers of polynomials taken in the arithmetic of ``number``."""
    columns = [[number(value) for value in text.split()] for text in case["x"]]
    if case["degree"] > 1:
        columns = [[x**power for x in columns[0]] for power in range(1, case["degree"] + 1)]
    x = pd.DataFrame({f"x{i}": column for i, column in enumerate(columns, 1)})
    return pd.Series([number(value) for value in case["y"].split()], name="y"), x


def pi_digits(n: int) -> list[str]:
    """The first ``n`` digits of pi by Machin's formula."""

    def arctan(inverse: int) -> int:
        term, total, k = 10 ** (n + 10) // inverse, 0, 1
        while term:
            total += term // k if k % 4 == 1 else -(term // k)
            term, k = term // inverse**2, k + 2
        return total

    high, low = divmod(4 * (4 * arctan(5) - arctan(239)), 10 ** (n // 2))
    return list(f"{high}{low:0{n // 2}d}"[:n])


def _listed(value: Any) -> list[Any]:
    return [value] if np.ndim(value) == 0 else list(value)


def markdown(family: str) -> str:
    """The table of a family: a column a software, the digits of each quantity."""
    table = attained(family)
    software = list(dict.fromkeys(table.columns.get_level_values(0)))
    lines = [
        f"| {family}: {', '.join(FAMILIES[family])} | {' | '.join(software)} |",
        "|---|" + "---|" * len(software),
    ]
    for name, row in table.iterrows():
        cells = [" / ".join(f"{value:.1f}" for value in row[column]) for column in software]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def table() -> str:
    """All families, one after the other."""
    return "\n\n".join(map(markdown, FAMILIES))
