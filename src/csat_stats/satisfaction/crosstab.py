"""Two segments crossed: shares with a test of association, and the mean of a score by cell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg, optimize, special

from csat_stats.frames import Array, check_level
from csat_stats.results import Message, Result, message
from csat_stats.satisfaction._figures import (
    NO_ANSWERS,
    by_group,
    mean_figures,
    wilson,
)
from csat_stats.satisfaction._groups import (
    base_notes,
    check_bases,
    labels,
    scored,
    segment_codes,
    weighted_rows,
    withhold,
)
from csat_stats.satisfaction.disclosure import withheld_cells, withheld_levels
from csat_stats.satisfaction.scores import mean_method

FEW_EXPECTED = 5


@dataclass(frozen=True, kw_only=True)
class Crosstab(Result):
    """Two categorical variables crossed; ``estimate`` is Cramér's V, 0–1, with its interval.

    Attributes
    ----------
    statistic, df, df_error, p_value
        Pearson's χ² with ``df``; with weights Rao and Scott's F with ``df`` and ``df_error``.
    v_corrected
        Cramér's V corrected for bias, 0–1: 0 where V is no larger than chance would make it.
    design_effect
        What the weights multiply χ² by on average; ``None`` without weights.
    n_few_expected
        Cells whose expected count is below 5.
    table
        ``row, column, n`` (respondents), ``base`` (of the row), ``estimate`` (share of the row,
        0–1) with ``conf_low, conf_high``, ``expected`` (count, were there no association),
        ``residual`` (adjusted; beyond ±2 the cell stands out), ``flag`` (of the row).
    """

    statistic: float | None = None
    df: float | None = None
    df_error: float | None = None
    p_value: float | None = None
    v_corrected: float | None = None
    design_effect: float | None = None
    n_few_expected: int = 0


@dataclass(frozen=True, kw_only=True)
class CrossMeans(Result):
    """Mean of a score in every cell of two segments.

    ``table``: row, column, n, estimate, std_error, conf_low, conf_high, flag.
    """


def crosstab(
    frame: pd.DataFrame,
    row: str,
    column: str,
    *,
    weights: pd.Series | None = None,
    conf_level: float = 0.95,
    minimum_base: int = 10,
    caution_base: int = 30,
) -> Crosstab:
    """Shares of one variable within the levels of another, and whether the two hang together.

    Parameters
    ----------
    frame
        One row per respondent; rows without a level of either variable are left out.
    row
        The groups that are compared, such as regions: shares are of a row.
    column
        What is compared, such as the type of problem or satisfied yes/no.
    weights
        Sampling weight of each respondent on any scale; without a weight they are left out.
    conf_level
        0–1, for Cramér's V and for each share by itself.
    minimum_base, caution_base
        Rows with fewer respondents than ``minimum_base``, and those that would give them away by
        subtraction from the total, are flagged ``"suppressed"``, have no figures, and do not enter
        the test. Rows with fewer than ``caution_base`` are flagged ``"caution"``.

    Returns
    -------
    Crosstab
        Not estimable with fewer than two rows or columns.

    Raises
    ------
    ValueError
        If a column is missing, a weight is negative or infinite, or the bases are not in order.

    Notes
    -----
    χ² without continuity correction (Pearson, 1900); V = √(χ²/(n·min(r − 1, c − 1))) (Cramér,
    1946), corrected for bias after Bergsma (2013). Its interval inverts the noncentral χ²
    (Smithson, 2003) and is moved out to V where V, which is biased upwards, would lie beside it.
    Adjusted residuals of Haberman (1973), shares with Wilson intervals.

    With weights χ² of the weighted table, scaled to n, is divided by the trace of the matrix of
    design effects, which is an F with Satterthwaite degrees of freedom (Rao and Scott, 1984;
    Thomas and Rao, 1987). V's interval and the residuals take χ² over the mean design effect, the
    shares Kish's effective n of the row. Checked against R ``chisq.test``, effectsize
    ``cramers_v`` and survey ``svychisq(statistic = "F")``.

    Examples
    --------
    >>> frame = pd.DataFrame({"city": ["A", "B"] * 30, "late": [1, 0] * 20 + [0, 1] * 10})
    >>> result = crosstab(frame, "city", "late")
    >>> round(result.estimate, 3), round(result.statistic, 3), result.df
    (0.333, 6.667, 1.0)
    >>> result.table[["row", "column", "n", "base"]].head(2)
      row  column   n  base
    0   A       1  20    30
    1   A       0  10    30
    """
    check_level(conf_level)
    check_bases(minimum_base, caution_base)
    rows, row_levels = segment_codes(frame, row)
    columns, column_levels = segment_codes(frame, column)
    used, given = weighted_rows(frame, weights)
    used &= (rows >= 0) & (columns >= 0)
    rows, columns, given = rows[used], columns[used], None if given is None else given[used]
    counted = np.ones(rows.size) if given is None else given
    shape = len(row_levels), len(column_levels)
    cells = rows * shape[1] + columns
    n, totals, squares = (
        np.bincount(cells, counted**power, shape[0] * shape[1]).reshape(shape).astype("float64")
        for power in range(3)
    )
    hidden = withheld_levels(rows, shape[0], minimum_base)
    kept = ~hidden & n.any(axis=1)
    tested = np.ix_(kept, n[kept].any(axis=0))
    table = _shares(n, totals, squares, conf_level)
    table.insert(0, "row", labels([level for level in row_levels for _ in column_levels]))
    table.insert(1, "column", labels(column_levels * shape[0]))
    expected, residual = np.full((2, *shape), np.nan)
    notes: tuple[Message, ...] = ()
    if min(n[tested].shape) > 1:
        fields, expected[tested], residual[tested], notes = _association(
            n[tested], totals[tested], None if given is None else squares[tested], conf_level
        )
    else:
        why = message("Fewer than two rows or columns have enough answers.")
        fields = {"not_estimable": why if n.any() else NO_ANSWERS}
    table = table.assign(expected=expected.ravel(), residual=residual.ravel())
    table = withhold(table, np.repeat(hidden, shape[1]), caution_base)
    n_used = int(n[tested].sum())
    return Crosstab(
        conf_level=conf_level,
        n_used=n_used,
        n_dropped=len(frame) - n_used,
        method=message(
            "Shares of a row with Wilson intervals, Pearson's χ² test without continuity"
            " correction and Cramér's V with {level:g}% interval; rows without a level are left"
            " out.",
            level=100 * conf_level,
        )
        if given is None
        else message(
            "Weighted shares of a row with Wilson intervals on Kish's effective n, χ² test after"
            " Rao and Scott (second order, F) and Cramér's V with {level:g}% interval; respondents"
            " without a level or a weight are left out.",
            level=100 * conf_level,
        ),
        notes=notes + base_notes(table["flag"][:: max(shape[1], 1)], minimum_base, caution_base),
        table=table,
        **fields,
    )


def cross_means(
    frame: pd.DataFrame,
    score: str,
    row: str,
    column: str,
    *,
    weights: pd.Series | None = None,
    conf_level: float = 0.95,
    minimum_base: int = 10,
    caution_base: int = 30,
) -> CrossMeans:
    """The mean of a score in every cell of two segments: the table under a heat map.

    Parameters
    ----------
    frame
        One row per respondent; rows without a level of either segment are left out.
    score
        Column of a numeric score; missing answers are left out.
    row, column
        The two segments; levels come as in :func:`by_segment`.
    weights
        Sampling weight of each respondent on any scale; without a weight they are left out. Each
        cell is taken as a sample of its own.
    conf_level
        0–1, for each interval by itself.
    minimum_base, caution_base
        Cells with fewer answers than ``minimum_base``, and those that would give them away by
        subtraction from the totals of rows and columns, are flagged ``"suppressed"`` and have
        neither base nor figures; those with fewer than ``caution_base`` are flagged ``"caution"``.

    Raises
    ------
    ValueError
        If a column is missing, the score is not numeric, a weight is negative or infinite, or the
        bases are not in order.

    Notes
    -----
    Each cell is :func:`mean_score`. Checked against R ``t.test`` and survey ``svymean``.

    Examples
    --------
    >>> frame = pd.DataFrame({"city": ["A", "B"] * 60, "kind": list("xxyy") * 30, "q1": 4.0})
    >>> cross_means(frame, "q1", "city", "kind").table[["row", "column", "n", "estimate"]]
      row column   n  estimate
    0   A      x  30       4.0
    1   A      y  30       4.0
    2   B      x  30       4.0
    3   B      y  30       4.0
    """
    check_level(conf_level)
    check_bases(minimum_base, caution_base)
    answers = scored(frame, score, weights)
    rows, row_levels = segment_codes(frame, row)
    columns, column_levels = segment_codes(frame, column)
    rows, columns = rows[answers.rows], columns[answers.rows]
    shape = len(row_levels), len(column_levels)
    hidden = withheld_cells(rows, columns, shape, minimum_base)
    inside = (rows >= 0) & (columns >= 0)
    table = by_group(
        rows[inside] * shape[1] + columns[inside],
        shape[0] * shape[1],
        *answers.of(inside),
        partial(mean_figures, conf_level=conf_level),
    )[["n", "estimate", "std_error", "conf_low", "conf_high"]]
    table.insert(0, "row", labels([level for level in row_levels for _ in column_levels]))
    table.insert(1, "column", labels(column_levels * shape[0]))
    table = withhold(table, hidden.ravel(), caution_base)
    n_used = int(inside.sum())
    return CrossMeans(
        conf_level=conf_level,
        n_used=n_used,
        n_dropped=len(frame) - n_used,
        method=message(
            "By group, rows without a group left out. {statistic}",
            statistic=mean_method(conf_level, weights is not None),
        ),
        notes=base_notes(table["flag"], minimum_base, caution_base),
        not_estimable=None if n_used else NO_ANSWERS,
        table=table,
    )


def _shares(n: Array, totals: Array, squares: Array, conf_level: float) -> pd.DataFrame:
    """The share of its row that each cell is, with a Wilson interval; cells row by row."""
    figures = np.full((*n.shape, 3), np.nan)
    weight, effective = totals.sum(axis=1), np.zeros(len(n))
    np.divide(weight**2, squares.sum(axis=1), out=effective, where=weight > 0)
    for row in np.flatnonzero(weight > 0):
        for column, share in enumerate((totals[row] / weight[row]).tolist()):
            figures[row, column] = wilson(share, float(effective[row]), conf_level)[:3]
    table = pd.DataFrame(figures.reshape(-1, 3), columns=["estimate", "conf_low", "conf_high"])
    table.insert(0, "n", n.ravel().astype("int64"))
    table.insert(1, "base", np.repeat(n.sum(axis=1), n.shape[1]).astype("int64"))
    return table


def _association(
    n: Array, totals: Array, squares: Array | None, conf_level: float
) -> tuple[dict[str, Any], Array, Array, tuple[Message, ...]]:
    """Fields of the result, expected counts, residuals and notes.

    ``n``, ``totals`` and ``squares`` are the counts, sums of weights and of squared weights of a
    table of two or more rows and columns, none of them empty.
    """
    size = int(n.sum())
    shares = totals / totals.sum()
    rows, columns = shares.sum(axis=1)[:, None], shares.sum(axis=0)
    expected = rows * columns
    chi2 = float(size * ((shares - expected) ** 2 / expected).sum())
    residual = np.sqrt(size) * (shares - expected)
    residual /= np.sqrt(expected * (1 - rows) * (1 - columns))
    df = float(np.subtract(n.shape, 1).prod())
    few = int((size * expected < FEW_EXPECTED).sum())
    fields: dict[str, Any] = {
        "estimate": sqrt(chi2 / (size * (min(n.shape) - 1))),
        "n_few_expected": few,
    }
    notes: tuple[Message, ...] = ()
    if few:
        note = message(
            "Cells with an expected count below 5: {few} of {cells}; the test is approximate.",
            few=few,
            cells=n.size,
        )
        notes = (note,)
    if squares is None:
        fields |= {"statistic": chi2, "df": df, "p_value": float(special.chdtrc(df, chi2))}
        effect = 1.0
    elif traces := _design_traces(totals, squares, size):
        trace, trace_of_square = traces
        effect = trace / df
        df_row = trace**2 / trace_of_square
        f, df_error = chi2 / trace, df_row * (size - 1)
        p_value = float(special.fdtrc(df_row, df_error, f))
        fields |= {"statistic": f, "df": df_row, "df_error": df_error, "p_value": p_value}
        fields["design_effect"] = effect
    else:
        note = message("Too many cells are empty for the weighted test.")
        return fields, size * expected, np.full(n.shape, np.nan), (*notes, note)
    fields |= _v_figures(chi2 / effect, size / effect, n.shape, fields["estimate"], conf_level)
    return fields, size * expected, residual / sqrt(effect), notes


def _design_traces(totals: Array, squares: Array, size: int) -> tuple[float, float] | None:
    """Traces of the matrix of design effects and of its square; None where empty cells void it.

    Rao and Scott (1984): (C′D⁻¹C/n)⁻¹·C′D⁻¹VD⁻¹C with D = diag(p), V the design-based covariance of
    the cell shares p, and C the contrasts of the interaction.
    """
    share = (totals / totals.sum()).ravel()
    square = squares.ravel() / totals.sum() ** 2
    inverse = np.divide(1, share, out=np.zeros_like(share), where=share > 0)
    row, column = (np.eye(k)[:, 1:] - 1 / k for k in totals.shape)
    contrasts = np.kron(row, column)
    scaled = contrasts * inverse[:, None]
    try:
        root = linalg.cholesky(contrasts.T @ scaled / size, lower=True)
    except linalg.LinAlgError:
        return None
    pivots = np.diag(root)
    towards, along = scaled.T @ square, scaled.T @ share
    covariance = scaled.T @ (square[:, None] * scaled) + square.sum() * np.outer(along, along)
    covariance -= np.outer(towards, along) + np.outer(along, towards)
    half = linalg.solve_triangular(root, size / (size - 1) * covariance, lower=True)
    effects = linalg.solve_triangular(root, half.T, lower=True)
    trace = float(np.trace(effects))
    if pivots.min() < 1e-6 * pivots.max() or trace < 1e-9:
        return None
    return trace, float((effects**2).sum())


def _v_figures(
    chi2: float, n: float, shape: tuple[int, ...], v: float, conf_level: float
) -> dict[str, Any]:
    """Cramér's V: its interval and the form corrected for bias."""
    df, smaller = float(np.subtract(shape, 1).prod()), min(shape) - 1
    tail = (1 - conf_level) / 2
    low, high = (sqrt(_noncentrality(chi2, df, p) / (n * smaller)) for p in (1 - tail, tail))
    corrected = max(0.0, chi2 / n - df / (n - 1))
    sides = min(side - (side - 1) ** 2 / (n - 1) for side in shape) - 1
    return {
        "conf_low": min(low, v),
        "conf_high": min(max(high, v), 1.0),
        "v_corrected": min(sqrt(corrected / sides), 1.0) if sides > 0 else None,
    }


def _noncentrality(chi2: float, df: float, p: float) -> float:
    """The noncentrality with which χ² is at most ``chi2`` with probability ``p``; at least 0."""

    def beyond(noncentrality: float) -> float:
        return float(special.chndtr(chi2, df, noncentrality)) - p

    if beyond(0.0) <= 0:
        return 0.0
    high = chi2 + 10.0
    while beyond(high) > 0:
        high *= 2
    return float(optimize.brentq(beyond, 0.0, high, xtol=1e-12, rtol=1e-14))
