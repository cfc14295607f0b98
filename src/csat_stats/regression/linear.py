"""Least squares: the effect of each predictor with the others held fixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from csat_stats.frames import Array, check_level, respondent_weights
from csat_stats.moments import Moments, moments_of
from csat_stats.regression._exact import Column, answers
from csat_stats.regression._fit import Fit, of_columns, of_moments, sandwich, wald
from csat_stats.results import Message, Result, message

INTERCEPT = "(Intercept)"
Errors = Literal["classical", "HC0", "HC1", "HC2", "HC3"]
METHODS = {
    "classical": message(
        "Ordinary least squares with classical errors and t intervals; rows with a missing value "
        "are left out."
    ),
    "design": message(
        "Weighted least squares with design-based errors (Taylor linearisation) and t intervals; "
        "rows with a missing value or without weight are left out."
    ),
}
for kind in ("HC0", "HC1", "HC2", "HC3"):
    METHODS[kind] = message(
        "Ordinary least squares with heteroscedasticity-consistent errors ({kind}) and t "
        "intervals; rows with a missing value are left out.",
        kind=kind,
    )


@dataclass(frozen=True, kw_only=True)
class Regression(Result):
    """A linear regression; ``estimate`` is R².

    Attributes
    ----------
    r_squared, adj_r_squared
        Share of the outcome's variance that the predictors account for, 0–1; without an intercept
        of its sum of squares about 0.
    residual_sd
        Standard deviation of the residuals, in the units of the outcome.
    statistic, df, df_residual, p_value
        F test that all coefficients but the intercept are 0: the Wald test where the errors are
        not classical. ``df_residual`` is also that of the t tests in ``table``.
    covariance
        Of the coefficients, terms × terms.
    table
        One row a term, ``(Intercept)`` first: ``term, estimate, std_error, statistic, df, p_value,
        conf_low, conf_high``, ``standardized`` (coefficient in standard deviations of outcome and
        predictor) and ``vif`` (variance inflation factor).
    """

    r_squared: float | None = None
    adj_r_squared: float | None = None
    residual_sd: float | None = None
    statistic: float | None = None
    df: int | None = None
    df_residual: int | None = None
    p_value: float | None = None
    covariance: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


def ols(
    outcome: pd.Series | str,
    predictors: pd.DataFrame | Moments,
    *,
    intercept: bool = True,
    weights: pd.Series | None = None,
    errors: Errors | None = None,
    conf_level: float = 0.95,
) -> Regression:
    """Linear regression by least squares, without loss of digits.

    Parameters
    ----------
    outcome
        One number a respondent, in any unit; the name of an item if ``predictors`` are moments.
    predictors
        Respondents × predictors, numeric; categories as 0/1 columns, one category left out. Has
        the row labels of ``outcome``. A row with any missing value is left out. Columns of
        ``Decimal`` or ``Fraction`` are used as they are; floats that are all the nearest to some
        decimal of at most 15 digits as these decimals. Or :class:`csat_stats.moments.Moments` of
        complete rows with the outcome among the items, all others being predictors.
    intercept
        Whether the line may miss the origin.
    weights
        Sampling weight of each respondent, on any scale; 0 or missing leaves the respondent out.
    errors
        ``"classical"``, or ``"HC0"`` to ``"HC3"`` for errors that allow the spread of the residuals
        to depend on the predictors. By default classical, and design-based with ``weights``, which
        admit no other.
    conf_level
        Level of the intervals, 0–1.

    Returns
    -------
    Regression
        Not estimable with no more rows than coefficients, when the outcome does not vary, or when
        a predictor is constant or determined by others, which are named.

    Raises
    ------
    ValueError
        A column is not numeric or holds infinity; row labels differ; two predictors have one name;
        a weight is negative; ``errors`` is unknown or given beside ``weights``; moments with
        weights, for other errors than classical, or without the outcome.

    Notes
    -----
    b = (X′X)⁻¹X′y by sweeping the matrix of sums of squares and products (Goodnight 1979, American
    Statistician 33). From rows without weights that matrix is free of rounding, so that each figure
    with classical errors is the exact one, rounded once. HC errors by MacKinnon & White (1985,
    Journal of Econometrics 29). With weights (X′WX)⁻¹ n/(n−1) Σ(wxe)(wxe)′ (X′WX)⁻¹ (Binder 1983,
    International Statistical Review 51), and R² of the weighted squares. Checked against the NIST
    Statistical Reference Datasets, R 4.2 ``lm``, sandwich 3.0-2 ``vcovHC`` and survey 4.1
    ``svyglm``.

    Examples
    --------
    >>> data = pd.DataFrame({"speed": [1, 2, 4, 5, 5], "care": [2, 2, 3, 5, 4]})
    >>> model = ols(pd.Series([2, 3, 4, 5, 4]), data)
    >>> round(model.r_squared, 3), model.df_residual
    (0.903, 2)
    >>> model.table[["term", "estimate", "std_error", "vif"]].round(3)
              term  estimate  std_error    vif
    0  (Intercept)     1.329      0.691    NaN
    1        speed     0.418      0.330  5.681
    2         care     0.266      0.460  5.681
    """
    check_level(conf_level)
    if weights is not None and errors is not None:
        raise ValueError(f"errors is {errors!r}: with weights the errors are design-based")
    kind = "design" if weights is not None else errors or "classical"
    if kind not in METHODS:
        raise ValueError(f"errors is {errors!r}: 'classical' or 'HC0' to 'HC3' is needed")
    if isinstance(predictors, Moments):
        data = _from_moments(outcome, moments_of(predictors, weights), intercept, kind)
    else:
        data = _from_rows(outcome, predictors, intercept, weights)
    terms, n = [INTERCEPT] * intercept + data.names, data.n
    k, df, df_residual = len(terms), len(data.names), n - len(terms)
    if not terms:
        raise ValueError("there is neither a predictor nor an intercept")
    if len(set(terms)) < k:
        name = next(name for name in terms if terms.count(name) > 1)
        raise ValueError(f"column {name!r} occurs twice: give each predictor its own name")
    base: dict[str, Any] = {
        "conf_level": conf_level,
        "n_used": n,
        "n_dropped": data.n_dropped,
        "method": METHODS[kind],
    }
    if n <= k:
        problem = message(
            "{n} complete rows are too few for {k} coefficients: more rows than coefficients are "
            "needed.",
            n=n,
            k=k,
        )
        return Regression(**base, not_estimable=problem)
    if data.constant:
        return Regression(**base, not_estimable=message("The outcome does not vary."))
    fit = data.fit()
    if not isinstance(fit, Fit):
        return Regression(**base, not_estimable=_dependent(*(terms[i] for i in fit)))
    covariance, std_error, statistic = fit.covariance, fit.std_error, fit.statistic
    if kind != "classical" and fit.residual_sd > 0:
        covariance = data.sandwich(fit.coef, kind)
        if not np.isfinite(covariance).all():
            problem = message(
                "One row alone determines a coefficient: errors of the kind {kind} do not exist.",
                kind=kind,
            )
            return Regression(**base, not_estimable=problem)
        std_error = np.sqrt(np.diag(covariance))
        statistic = wald(fit.coef[intercept:], covariance[intercept:, intercept:])
    with np.errstate(divide="ignore", invalid="ignore"):  # an exact fit has no errors
        t = fit.coef / std_error
    reach = float(stats.t.isf((1 - conf_level) / 2, df_residual)) * std_error
    table = pd.DataFrame(
        {
            "term": terms,
            "estimate": fit.coef,
            "std_error": std_error,
            "statistic": t,
            "df": df_residual,
            "p_value": 2 * stats.t.sf(np.abs(t), df_residual),
            "conf_low": fit.coef - reach,
            "conf_high": fit.coef + reach,
            "standardized": fit.standardized,
            "vif": fit.vif,
        }
    )
    return Regression(
        **base,
        estimate=fit.r_squared,
        r_squared=fit.r_squared,
        adj_r_squared=1 - (1 - fit.r_squared) * (n - intercept) / df_residual,
        residual_sd=fit.residual_sd,
        statistic=statistic,
        df=df,
        df_residual=df_residual,
        p_value=None if statistic is None else float(stats.f.sf(statistic, df, df_residual)),
        covariance=pd.DataFrame(covariance, terms, terms),
        notes=_notes(fit, table),
        table=table,
    )


@dataclass(frozen=True)
class _Data:
    """What a regression needs to know of rows or moments."""

    names: list[str]
    n: int
    n_dropped: int
    constant: bool
    fit: Callable[[], Fit | list[int]]
    sandwich: Callable[[Array, str], Array]


def _from_rows(
    outcome: pd.Series, predictors: pd.DataFrame, intercept: bool, weights: pd.Series | None
) -> _Data:
    if not predictors.index.equals(outcome.index):
        raise ValueError("outcome and predictors have different row labels: align them first")
    weight = respondent_weights(weights, outcome.index)
    series = [answers(column) for _, column in predictors.items()] + [answers(outcome)]
    used = np.all([column.notna() for column in series], axis=0) & (weight > 0)
    n = int(used.sum())
    columns: list[Column] = [np.ones(n)] * intercept
    columns += [column[used].to_numpy() for column in series]
    y, root = columns[-1], np.ones(n)
    if weights is not None and n:
        root = np.sqrt(weight[used] / weight[used].mean())
        columns = [column.astype(float) for column in columns]
    return _Data(
        names=[str(name) for name in predictors.columns],
        n=n,
        n_dropped=len(outcome) - n,
        constant=n > 0 and bool((y == (y[0] if intercept else 0)).all()),
        fit=lambda: of_columns(
            columns if weights is None else [root * column for column in columns], intercept
        ),
        sandwich=lambda coef, kind: sandwich(columns, root, coef, intercept, kind),
    )


def _from_moments(outcome: str, moments: Moments, intercept: bool, kind: str) -> _Data:
    if outcome not in moments.names:
        names = ", ".join(moments.names)
        raise ValueError(f"outcome is {outcome!r}: one of the items {names} is needed")
    if moments.weighted or kind != "classical":
        raise ValueError("moments give classical errors without weights only: give the rows")
    last = moments.names.index(outcome)
    order = [i for i in range(len(moments.names)) if i != last] + [last]
    spread = moments.cross_products[last, last] + (0 if intercept else moments.mean[last] ** 2)
    return _Data(
        names=[moments.names[i] for i in order[:-1]],
        n=moments.n_used,
        n_dropped=moments.n_dropped,
        constant=bool(spread == 0),
        fit=lambda: of_moments(moments, order, intercept),
        sandwich=lambda coef, kind: np.zeros((0, 0)),
    )


def _dependent(item: str, *others: str) -> Message:
    if not others:
        return message("{item} does not vary.", item=item)
    return message(
        "{item} is determined by {others}, so their effects cannot be told apart: leave one out.",
        item=item,
        others=", ".join(others),
    )


def _notes(fit: Fit, table: pd.DataFrame) -> tuple[Message, ...]:
    notes = []
    if fit.residual_sd == 0:
        notes.append(message("The predictors reproduce the outcome exactly: nothing is left over."))
    entangled = table.loc[table["vif"] > 10, "term"]
    if len(entangled):
        notes.append(
            message(
                "Variance inflation above 10 in {items}: these predictors move together, so their "
                "separate effects are uncertain.",
                items=", ".join(entangled),
            )
        )
    return tuple(notes)
