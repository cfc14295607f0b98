"""Drivers against R: importance, collinearity, performance, priorities; and what has no answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from references import oracle, rows_with_moments

from csat_stats.drivers import (
    collinearity,
    importance_performance,
    priority_matrix,
    relative_importance,
)
from csat_stats.drivers._parts import explained
from csat_stats.drivers._resampling import Respondents, products, resampled_sums
from csat_stats.effects import before_after
from csat_stats.moments import Moments

OUTCOMES = {"attitude": "rating", "swiss": "Fertility", "ecsi_mobi": "Satisfaction"}
BLOCKS = {
    "Satisfaction": "CUSA",
    "Image": "IMAG",
    "Expectation": "CUEX",
    "Quality": "PERQ",
    "Value": "PERV",
}


@pytest.fixture(params=list(OUTCOMES))
def case(request: Any, reference_data: Any) -> tuple[pd.DataFrame, str, dict[str, Any]]:
    frame = reference_data(request.param)
    if request.param == "ecsi_mobi":
        frame = pd.DataFrame(
            {
                name: frame.filter(regex=f"^{code}[0-9]").mean(axis=1)
                for name, code in BLOCKS.items()
            }
        )
    return frame.select_dtypes("number"), OUTCOMES[request.param], oracle("drivers")[request.param]


@pytest.mark.parametrize("method", ["lmg", "johnson"])
def test_parts_are_those_of_r(case: Any, method: Any) -> None:
    frame, outcome, expected = case
    result = relative_importance(frame, outcome, method=method, n_boot=0)
    table = result.table.set_index("driver")
    assert result.n_used == expected["n"]
    assert_allclose(result.estimate, expected["R2"], rtol=1e-9)
    assert_allclose(table["estimate"], pd.Series(expected[method])[table.index], rtol=1e-9)
    assert_allclose(table["share"], table["estimate"] / expected["R2"], rtol=1e-9)
    assert_allclose(table["estimate"].sum(), expected["R2"], rtol=1e-9)
    assert table["estimate"].is_monotonic_decreasing
    assert_array_equal(table["rank"], range(1, len(table) + 1))
    assert result.ranks.empty and not result.notes and result.conf_low is None
    again = relative_importance(Moments.from_frame(frame), outcome, method=method)
    pd.testing.assert_frame_equal(again.table, result.table)
    assert [str(note) for note in again.notes] == [
        "Moments have no respondents to draw from, so there are no intervals: give the answers "
        "themselves."
    ]


CORR = [[1, 0.5, 0.3, 0.6], [0.5, 1, 0.2, 0.5], [0.3, 0.2, 1, 0.3], [0.6, 0.5, 0.3, 1]]


@pytest.fixture
def typed() -> pd.DataFrame:
    return rows_with_moments(60, np.zeros(4), np.array(CORR), ["a", "b", "c", "y"])


def test_the_orders_written_out(typed: pd.DataFrame) -> None:
    """Every order in which three drivers can enter, one after the other."""
    from itertools import permutations

    def explained(names: list[str]) -> float:
        if not names:
            return 0.0
        x = typed[names].to_numpy()
        fitted = x @ np.linalg.lstsq(x, typed["y"].to_numpy(), rcond=None)[0]
        return float(fitted @ fitted / (typed["y"] @ typed["y"]))

    gains: dict[str, list[float]] = {name: [] for name in "abc"}
    for order in permutations("abc"):
        for i, name in enumerate(order):
            gains[name].append(explained(list(order[: i + 1])) - explained(list(order[:i])))
    table = relative_importance(typed, "y").table.set_index("driver")
    assert_allclose(table["estimate"][list("abc")], [np.mean(gains[name]) for name in "abc"])
    assert_allclose(table["alone"][list("abc")], [0.36, 0.25, 0.09])
    without = [explained(list("abc".replace(name, ""))) for name in "abc"]
    assert_allclose(table["last"][list("abc")], explained(list("abc")) - np.array(without))


def test_unrelated_drivers_keep_what_is_theirs() -> None:
    corr = np.eye(4)
    corr[3, :3] = corr[:3, 3] = [0.6, 0.3, 0.1]
    frame = rows_with_moments(40, np.zeros(4), corr, ["a", "b", "c", "y"])
    for method in ("lmg", "johnson"):
        table = relative_importance(frame, "y", method=method).table  # type: ignore[arg-type]
        assert_allclose(table["estimate"], [0.36, 0.09, 0.01], rtol=1e-9)
        assert_allclose(table["last"], table["estimate"], rtol=1e-9)


def test_order_sign_and_scale_do_not_show(typed: pd.DataFrame) -> None:
    turned = typed[["c", "y", "a", "b"]].assign(a=5 - 3 * typed["a"]).iloc[::-1]
    for method in ("lmg", "johnson"):
        one, two = (
            relative_importance(frame, "y", method=method).table.set_index("driver")["estimate"]  # type: ignore[arg-type]
            for frame in (typed, turned)
        )
        assert_allclose(two[one.index], one, rtol=1e-9)


def test_weights_count_like_copies(typed: pd.DataFrame) -> None:
    times = pd.Series(np.arange(len(typed)) % 3, dtype=float)
    copies = typed.loc[typed.index.repeat(times.astype(int))].reset_index(drop=True)
    weighted = relative_importance(typed, "y", weights=times)
    assert weighted.n_used == int((times > 0).sum()) and weighted.n_dropped == 20
    assert_allclose(weighted.table["estimate"], relative_importance(copies, "y").table["estimate"])


def test_what_cannot_be_estimated(typed: pd.DataFrame) -> None:
    few = relative_importance(typed.head(4), "y")
    assert str(few.not_estimable) == "4 complete rows are too few: at least 5 are needed."
    copy = relative_importance(typed.assign(d=typed["a"]), "y")
    assert copy.estimate is None and "a = d" in str(copy.not_estimable)
    constant = relative_importance(typed.assign(b=1.0), "y")
    assert str(constant.not_estimable).startswith("No variance in b")


def test_wrong_use_is_refused(typed: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="outcome 'z' is no column: there are a, b, c, y"):
        relative_importance(typed, "z")
    with pytest.raises(ValueError, match="there is no driver"):
        relative_importance(typed[["y"]], "y")
    with pytest.raises(ValueError, match="method is 'shapley': choose one of lmg, johnson"):
        relative_importance(typed, "y", method="shapley")  # type: ignore[arg-type]
    wide = pd.DataFrame(np.zeros((3, 18)), columns=[f"x{j}" for j in range(17)] + ["y"])
    with pytest.raises(ValueError, match="17 drivers are too many for lmg, which takes up to 16"):
        relative_importance(wide, "y")
    with pytest.raises(ValueError, match="n_boot is 99: give 0 for no bootstrap, or at least 100"):
        relative_importance(typed, "y", n_boot=99)
    with pytest.raises(ValueError, match="conf_level is 95"):
        relative_importance(typed, "y", conf_level=95)


# --- the bootstrap

DRAWS = 20_000  # as in R
WITHIN = 0.04  # of the width of an interval: five Monte-Carlo errors of both together


def near(table: pd.DataFrame, names: str, expected: dict[str, Any]) -> None:
    """Limits of a column beside those of R."""
    low, high = (pd.Series(expected[end])[table.index] for end in ("low", "high"))
    width = high - low
    assert (((table[f"{names}_low"] - low).abs() / width) < WITHIN).all()
    assert (((table[f"{names}_high"] - high).abs() / width) < WITHIN).all()


@pytest.mark.parametrize("method", ["lmg", "johnson"])
def test_bootstrap_limits_are_those_of_r(case: Any, method: Any) -> None:
    frame, outcome, expected = case
    result = relative_importance(frame, outcome, method=method, n_boot=DRAWS, seed=3)
    table, reference = result.table.set_index("driver"), expected["bootstrap"]
    low, high = reference["R2"]
    assert_allclose([result.conf_low, result.conf_high], [low, high], atol=WITHIN * (high - low))
    near(table, "conf", reference["estimate" if method == "lmg" else method])
    if method == "lmg":
        near(table, "share", reference["share"])
        ranks = result.ranks.pivot(index="rank", columns="driver", values="probability")
        assert_allclose(ranks, pd.DataFrame(reference["ranks"])[ranks.columns], atol=0.025)


def test_ranks_come_from_the_resamples(typed: pd.DataFrame) -> None:
    result = relative_importance(typed, "y", conf_level=0.9)
    table = result.table.set_index("driver")
    assert list(result.ranks) == ["driver", "rank", "probability"] and len(result.ranks) == 9
    ranks = result.ranks.pivot(index="rank", columns="driver", values="probability")
    assert_allclose(ranks.sum(axis=0), 1)
    assert_allclose(ranks.sum(axis=1), 1)
    for driver, row in table.iterrows():
        cumulated = ranks[driver].cumsum()
        assert row["rank_low"] == cumulated.index[cumulated >= 0.05 - 1e-12][0]
        assert row["rank_high"] == cumulated.index[cumulated >= 0.95 - 1e-12][0]
    assert str(result.method) == (
        "Relative importance by LMG: what a driver adds to R², averaged over all orders; complete "
        "rows only; percentile interval of 1000 bootstrap samples of the respondents, seed 0."
    )
    again = relative_importance(typed, "y", conf_level=0.9)
    pd.testing.assert_frame_equal(again.table, result.table)
    other = relative_importance(typed, "y", conf_level=0.9, seed=1)
    assert not np.allclose(other.table["conf_low"], result.table["conf_low"])


@pytest.mark.parametrize("repeated", [False, True])
def test_each_sample_has_as_many_rows(repeated: bool) -> None:
    """Counts over several blocks of rows, each row by itself or equal rows together."""
    rows = np.arange(30_000.0)[:, None] % (300 if repeated else 30_000)
    sums = resampled_sums(rows, lambda block: np.column_stack([block**0, block]), 400, 5)
    assert_array_equal(sums[:, 0], 30_000)
    means = sums[:, 1] / 30_000
    error = rows.std() / np.sqrt(30_000)
    assert abs(means.mean() - rows.mean()) < 4 * error / 20
    assert 0.85 < means.std() / error < 1.15


def test_weights_stay_with_their_respondents(typed: pd.DataFrame) -> None:
    """Resampling by counts is resampling row by row: the spread agrees."""
    weights = pd.Series(1 + np.arange(60) % 3, dtype=float)
    result = relative_importance(typed, "y", weights=weights, n_boot=4000)
    rng = np.random.default_rng(8)
    drawn = []
    for _ in range(4000):
        rows = rng.integers(0, 60, 60)
        cov = np.cov(typed.to_numpy()[rows].T, aweights=weights.to_numpy()[rows])
        drawn.append(cov[3, :3] @ np.linalg.solve(cov[:3, :3], cov[:3, 3]) / cov[3, 3])
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert_allclose([result.conf_low, result.conf_high], [low, high], atol=0.05 * (high - low))


def test_samples_without_a_solution_are_counted() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": [1, 0, 0, 0, 0], "y": [1, 3, 2, 5, 4]})
    result = relative_importance(frame, "y")
    failed, text = str(result.notes[0]).split(" ", 1)
    # at least the samples without the first row, in which b does not vary
    assert int(failed) > 1000 * 0.8**5 - 60 and result.conf_low is not None
    assert text == "of 1000 resamples had no solution and do not count in the interval."


@settings(max_examples=25)
@given(st.integers(1, 6), st.integers(0, 2**31))
def test_every_set_of_drivers_is_explained(p: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    corr = np.stack([np.corrcoef(rng.normal(size=(p + 1, 30))).reshape(p + 1, -1) for _ in "ab"])
    found = explained(corr)
    for chosen in range(2**p):
        own = [j for j in range(p) if chosen >> j & 1]
        for i, one in enumerate(corr):
            beta = np.linalg.solve(one[np.ix_(own, own)], one[own, -1])
            assert_allclose(found[chosen, i], one[own, -1] @ beta, atol=1e-12)


# --- collinearity


def test_collinearity_is_that_of_r(case: Any) -> None:
    frame, outcome, expected = case
    reference, drivers = expected["collinearity"], frame.drop(columns=outcome)
    for data in (drivers, Moments.from_frame(drivers)):
        result = collinearity(data)
        table = result.table.set_index("driver")
        assert_allclose(table["vif"], pd.Series(reference["vif"])[table.index], rtol=1e-9)
        assert_allclose(table["tolerance"] * table["vif"], 1)
        assert_allclose(
            table["mean_corr"], pd.Series(reference["mean_corr"])[table.index], rtol=1e-9
        )
        assert_allclose(result.estimate, reference["halo"], rtol=1e-9)
        assert_allclose(result.condition_number, reference["condition"], rtol=1e-9)
        assert result.largest_vif == table["vif"].max()


def test_weighted_collinearity_is_that_of_r(reference_data: Any) -> None:
    drivers = reference_data("swiss").select_dtypes("number").drop(columns="Fertility")
    weights = pd.Series((np.arange(47) + 1) % 4, dtype=float)
    result, expected = collinearity(drivers, weights=weights), oracle("drivers")["swiss_weighted"]
    assert_allclose(result.estimate, expected["halo"], rtol=1e-9)
    assert_allclose(result.condition_number, expected["condition"], rtol=1e-9)
    table = result.table.set_index("driver")
    assert_allclose(table["vif"], pd.Series(expected["vif"])[table.index], rtol=1e-9)


def alike(r: float, k: int) -> pd.DataFrame:
    corr = np.full((k, k), r) + (1 - r) * np.eye(k)
    return rows_with_moments(50, np.zeros(k), corr, list("abcdefgh")[:k])


def test_drivers_that_are_all_alike() -> None:
    """Closed forms: eigenvalues 1 + (k − 1)r and 1 − r."""
    result = collinearity(alike(0.9, 5))
    assert_allclose(result.estimate, (1 + 4 * 0.9) / 5)
    assert_allclose(result.condition_number, np.sqrt(4.6 / 0.1))
    assert_allclose(result.table["mean_corr"], 0.9)
    assert_allclose(result.table["vif"], (1 + 3 * 0.9) / (0.1 * 4.6))
    assert [str(note) for note in result.notes] == [
        "One common component holds 92% of the variance of the drivers (halo). The order of "
        "neighbouring drivers is not safe: read groups of drivers.",
        "A variance inflation of 5 or more: a, b, c, d, e. Their single coefficients can change "
        "size and sign from sample to sample and must not be read one by one.",
    ]
    assert not collinearity(alike(0.2, 5)).notes
    assert not collinearity(alike(0.4, 2)).notes  # two drivers always have half in one
    assert not collinearity(alike(0.2, 5), halo=0.3).notes  # 0.36, below twice 1/5
    assert len(collinearity(alike(0.3, 5), halo=0.4, vif=1).notes) == 2


def test_no_collinearity_to_speak_of(typed: pd.DataFrame) -> None:
    one = collinearity(typed[["a"]])
    assert str(one.not_estimable) == "Correlations need at least two items."
    copy = collinearity(typed[["a", "b"]].assign(d=typed["a"]))
    assert copy.table.empty and str(copy.not_estimable) == (
        "The correlation matrix is singular because these items determine each other: a = d."
    )
    for wrong in ({"halo": 0}, {"halo": 50}, {"vif": 0.5}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
            collinearity(typed, **wrong)  # type: ignore[arg-type]


# --- importance and performance


def test_matrix_is_that_of_r(case: Any) -> None:
    frame, outcome, expected = case
    result = importance_performance(frame, outcome, n_boot=DRAWS, seed=4)
    table, reference = result.table.set_index("driver"), expected["bootstrap"]
    assert_allclose(table["importance"], pd.Series(expected["lmg_share"])[table.index], rtol=1e-9)
    means = pd.Series(expected["performance_mean"])[table.index]
    assert_allclose(table["performance"], means, rtol=1e-12)
    near(table, "importance", reference["share"])
    near(table, "performance", reference["performance"])
    assert_allclose(result.crosshair_importance, 1 / len(table))
    assert_allclose(result.crosshair_performance, means.mean())
    shares = table[["p_concentrate", "p_keep", "p_low_priority", "p_overkill"]].T
    assert_allclose(shares, pd.DataFrame(reference["quadrants"])[table.index], atol=0.025)
    assert table["stated"].isna().all() and result.rank_correlation is None
    simple = importance_performance(frame, outcome, importance="correlation", n_boot=0)
    table = simple.table.set_index("driver")
    assert_allclose(table["importance"], pd.Series(expected["correlation"])[table.index], rtol=1e-9)
    assert table[["importance_low", "performance_high", "p_keep"]].isna().all(axis=None)


@pytest.fixture
def rated(typed: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    means = {"a": 2.0, "b": 4.0, "c": 2.5, "overall": 0.0}
    answers = typed.rename(columns={"y": "overall"}) + pd.Series(means)
    stated = pd.DataFrame({"a": 3.0, "c": 5.0, "b": 2.0}, index=typed.index)
    stated.loc[:29, ["a", "c", "b"]] = [[1.0, 4.0, 2.0]] * 30
    stated.loc[50:, "a"] = np.nan
    return answers, stated


def test_quadrants_by_each_crosshair(rated: Any) -> None:
    answers, stated = rated

    def quadrants(**options: Any) -> dict[str, str]:
        table = importance_performance(answers, "overall", n_boot=0, **options).table
        return dict(zip(table["driver"], table["quadrant"], strict=True))

    # shares of a and b above 1/3, of c below; performance 2, 4, 2.5
    assert quadrants() == {"a": "concentrate", "b": "keep", "c": "low_priority"}
    assert quadrants(crosshair="median") == {"a": "concentrate", "b": "keep", "c": "overkill"}
    wide = {"crosshair": "scale", "scale": (-5, 10)}
    assert quadrants(**wide) == {"a": "concentrate", "b": "keep", "c": "overkill"}
    said = {"importance": "stated", "stated": stated}
    assert quadrants(**said) == {"c": "concentrate", "b": "overkill", "a": "low_priority"}
    assert quadrants(**said, **wide) == {"c": "keep", "b": "overkill", "a": "low_priority"}


def test_stated_beside_derived(rated: Any) -> None:
    answers, stated = rated
    result = importance_performance(answers, "overall", stated=stated)
    table = result.table.set_index("driver")
    assert_allclose(table.loc[["a", "b", "c"], "stated"], [(30 + 60) / 50, 2, 4.5])
    assert_allclose(result.rank_correlation, -1)
    assert str(result.notes[0]) == (
        "Stated and derived importance put the drivers in different orders, Spearman's rho −1.00; "
        "farthest apart is a, in place 3 as stated and 1 as derived."
    )
    ordered = importance_performance(
        answers, "overall", stated=stated.assign(a=3, b=2, c=1), n_boot=0
    )
    assert_allclose(ordered.rank_correlation, 1)
    assert not ordered.notes
    for quiet in (stated.assign(b=np.nan), stated.assign(a=1, b=1, c=1)):
        silent = importance_performance(answers, "overall", stated=quiet, n_boot=0)
        assert silent.rank_correlation is None and not silent.notes
    alone = importance_performance(answers, "overall", stated=stated, importance="stated")
    other = alone.table.set_index("driver")
    assert_allclose(other["importance"], other["stated"])
    assert alone.rank_correlation == result.rank_correlation
    # half of the respondents say 1, twenty say 3: the mean of a varies as a share does
    spread = other.loc["a", "importance_high"] - other.loc["a", "importance_low"]
    assert_allclose(spread, 2 * 1.96 * 2 * np.sqrt(0.4 * 0.6 / 50), rtol=0.1)
    assert str(alone.method) == (
        "Importance–performance matrix: importance is the mean of the stated ratings, performance "
        "the mean rating, the crosshair lies at the mean of the drivers; complete rows only; "
        "percentile interval of 1000 bootstrap samples of the respondents, seed 0."
    )


def test_quadrants_that_are_not_sure_are_named(rated: Any) -> None:
    answers, _ = rated
    result = importance_performance(answers, "overall")
    shares = result.table[[f"p_{name}" for name in QUADRANTS]]
    assert_allclose(shares.sum(axis=1), 1)
    own = [row[f"p_{row['quadrant']}"] for _, row in result.table.iterrows()]
    unsure = result.table["driver"][np.array(own) < 0.95]
    assert str(result.notes[-1]) == (
        "Less than 95% of the resamples leave these drivers in their quadrant: "
        f"{', '.join(unsure)}."
    )


QUADRANTS = ["concentrate", "keep", "low_priority", "overkill"]


def test_weighted_matrix_counts_like_copies(rated: Any) -> None:
    answers, stated = rated
    times = pd.Series(np.arange(60) % 3, dtype=float)
    rows = answers.index.repeat(times.astype(int))
    copies, said = (frame.loc[rows].reset_index(drop=True) for frame in rated)
    for kind in ("lmg", "johnson", "correlation", "stated"):
        options: Any = {"importance": kind, "n_boot": 0}
        one = importance_performance(answers, "overall", stated=stated, weights=times, **options)
        two = importance_performance(copies, "overall", stated=said, **options)
        assert (one.n_used, one.n_dropped) == (40, 20)
        pd.testing.assert_frame_equal(one.table.drop(columns="n"), two.table.drop(columns="n"))


def test_no_matrix(rated: Any) -> None:
    answers, stated = rated
    few = importance_performance(answers.head(2), "overall", importance="correlation")
    assert str(few.not_estimable) == "2 complete rows are too few: at least 3 are needed."
    flat = importance_performance(answers.assign(b=4), "overall", importance="correlation")
    assert str(flat.not_estimable) == "No variance in b: every respondent gave the same answer."
    nobody = stated.assign(b=np.nan)
    silent = importance_performance(answers, "overall", importance="stated", stated=nobody)
    assert str(silent.not_estimable) == "Nobody rated the importance of b."
    copied = importance_performance(answers.assign(d=answers["a"]), "overall")
    assert "a = d" in str(copied.not_estimable) and copied.table.empty
    copied = importance_performance(
        answers.assign(d=answers["a"]), "overall", importance="correlation"
    )
    assert len(copied.table) == 4  # a copy has a correlation, but no part of its own
    corr = np.eye(3)
    nothing = rows_with_moments(30, np.zeros(3), corr, ["a", "b", "overall"])
    assert str(importance_performance(nothing, "overall").not_estimable) == (
        "The drivers explain nothing of the outcome, so that nothing can be divided."
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"importance": "beta"}, "importance is 'beta': choose one of lmg, johnson"),
        ({"importance": "stated"}, "importance is 'stated': give the ratings of importance"),
        ({"crosshair": "mode"}, "crosshair is 'mode': choose one of mean, median, scale"),
        ({"crosshair": "scale"}, "crosshair is 'scale': give the ends of the scale"),
        ({"scale": (5, 1)}, "scale is \\(5, 1\\)"),
        ({"scale": (1, 2)}, "answers 1 to 2 needed"),
        (
            {"crosshair": "scale", "importance": "correlation", "scale": (-9, 9)},
            "a correlation has no scale with a middle: choose crosshair mean or median",
        ),
        ({"stated": pd.DataFrame({"a": [1]})}, "other row labels than the answers"),
        ({"stated": pd.DataFrame({"a": range(60)})}, "stated has no column for the drivers b, c"),
    ],
)
def test_wrong_matrices_are_refused(rated: Any, options: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        importance_performance(rated[0], "overall", **options)


# --- priorities


def complaints() -> tuple[pd.DataFrame, dict[str, pd.Series], pd.Series]:
    """The 200 respondents of the oracle."""
    i = np.arange(200)
    late = (i * 7) % 10 < 4
    problems = pd.DataFrame({"late": late.astype(float), "loud": i % 9 == 0, "rude": i % 3 == 0})
    problems["loud"] = problems["loud"].astype("boolean")
    problems.loc[i % 50 == 5, "late"] = np.nan
    told = late & (i % 50 != 5)
    gone = pd.Series((i**2 % 11 < 3) | (told & (i % 2 == 1)), dtype=float)
    score = pd.Series((i * 13) % 10 + 2.0 * told)
    for impact in (gone, score):
        impact[i % 40 == 8] = np.nan
    return problems, {"share": gone, "mean": score}, pd.Series(i % 4, dtype=float)


@pytest.mark.parametrize("kind", ["share", "mean"])
@pytest.mark.parametrize("weighted", [False, True])
def test_priorities_are_those_of_r(kind: str, weighted: bool) -> None:
    problems, impacts, weights = complaints()
    given = weights if weighted else None
    result = priority_matrix(problems, impacts[kind], weights=given)
    table = result.table.set_index("problem")
    expected = pd.DataFrame(oracle("drivers")["priorities"][kind + "_weighted" * weighted]).T
    assert result.kind == kind and result.n_used == (150 if weighted else 200)
    for column in expected:
        assert_allclose(table[column].astype(float), expected[column][table.index], rtol=1e-9)


def test_priorities_of_shares_are_the_changes_of_effects() -> None:
    problems, impacts, _ = complaints()
    table = priority_matrix(problems, impacts["share"]).table.set_index("problem")
    for name in problems:
        had = problems[name].astype("boolean")
        change = before_after(impacts["share"][had.eq(False)], impacts["share"][had.eq(True)])
        row = table.loc[name]
        assert_allclose(row["impact"], change.estimate)
        assert_allclose(row["impact_low"], change.conf_low)
        assert_allclose(row["impact_high"], change.conf_high)
        assert_allclose(row["p_value"], change.p_value)


def test_priorities_follow_the_thresholds() -> None:
    problems, impacts, _ = complaints()
    result = priority_matrix(problems, impacts["share"])
    assert result.table["problem"].tolist() == ["late", "rude", "loud"]
    assert result.table["priority"].tolist() == ["urgent", "normal", "normal"]
    assert result.table["sure"].tolist() == [False, False, False]
    assert str(result.notes[-1]) == (
        "An interval covers a threshold, so that another sample could give another priority: "
        "late, rude, loud."
    )
    sure = priority_matrix(problems, impacts["share"], frequency_from=0.25, impact_from=0.2)
    assert sure.table.set_index("problem")["sure"].to_dict() == {
        "late": True,
        "rude": True,
        "loud": False,
    }
    assert sure.table["priority"].tolist() == ["urgent", "important", "normal"]
    assert str(result.method) == (
        "Frequency with Wilson's interval; impact is the difference between customers with and "
        "without the problem, of shares with Newcombe's interval and the pooled z test: an "
        "association. Urgent from a frequency of 35% and an impact of 0.15 on, important where "
        "one of them is reached; missing answers are left out problem by problem."
    )


def test_priorities_without_enough_answers() -> None:
    problems = pd.DataFrame({"never": [0] * 6, "once": [1, 0, 0, 0, 0, 0], "asked": [None] * 6})
    problems["asked"] = problems["asked"].astype("boolean")
    gone = pd.Series([1, 0, 0, 1, 0, 0])
    result = priority_matrix(problems, gone)
    texts = [str(note) for note in result.notes]
    assert texts[:2] == [
        "never: too few answers to compare, 0 with the problem and 6 without it.",
        "asked: too few answers to compare, 0 with the problem and 0 without it.",
    ]
    table = result.table.set_index("problem")
    assert table.loc["never", "frequency"] == 0 and table.loc["asked", "n"] == 0
    assert table["impact"].isna().tolist() == [name != "once" for name in table.index]
    assert table.loc["never", ["priority", "sure"]].tolist() == ["normal", False]
    constant = priority_matrix(problems[["once"]], pd.Series([7.0, 3, 3, 3, 3, 3]))
    assert "1 with the problem and 5 without it" in str(constant.notes[0])
    flat = priority_matrix(pd.DataFrame({"a": [1, 1, 0, 0]}), pd.Series([7.0, 7, 3, 3]))
    assert flat.table.loc[0, "impact"] == 4 and np.isnan(flat.table.loc[0, "impact_low"])
    assert str(flat.notes[0]) == (
        "a: the impact is the same for all with the problem, and for all without it, so its "
        "difference has no interval."
    )
    stayed = priority_matrix(pd.DataFrame({"a": [1, 0] * 20}), pd.Series([0] * 40))
    assert stayed.table.loc[0, "impact"] == 0 and stayed.table.loc[0, "p_value"] == 1
    empty = priority_matrix(problems[["asked"]], gone)
    assert str(empty.not_estimable) == "There are no answers." and empty.n_used == 0


def test_wrong_priorities_are_refused() -> None:
    problems, impacts, _ = complaints()
    gone = impacts["share"]
    with pytest.raises(ValueError, match=r"column 'late' holds 2 in row 0, .*: 0 or 1 needed"):
        priority_matrix(problems.assign(late=2), gone)
    with pytest.raises(ValueError, match="other row labels than the problems"):
        priority_matrix(problems, gone.head(5))
    with pytest.raises(ValueError, match="there is no problem: at least one column is needed"):
        priority_matrix(problems[[]], gone)
    with pytest.raises(ValueError, match="frequency_from is 35: a share from 0 to 1 is needed"):
        priority_matrix(problems, gone, frequency_from=35)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, None]), st.sampled_from([0, 1, 2.5, None])), max_size=12
    ),
    st.booleans(),
)
@example([], False)
@example([(1, 1), (0, None)], True)
def test_any_answers_give_a_matrix(rows: list[Any], weighted: bool) -> None:
    frame = pd.DataFrame(rows, columns=["a", "impact"]).astype("Float64")
    weights = pd.Series(np.arange(len(frame)) % 3, dtype=float) if weighted else None
    result = priority_matrix(frame[["a"]], frame["impact"], weights=weights)
    assert result.n_used + result.n_dropped == len(frame)
    assert (result.not_estimable is None) == (result.n_used > 0)
    row = result.table.loc[0]
    assert row["priority"] in ("urgent", "important", "normal")
    if not np.isnan(row["impact_low"]):
        assert row["impact_low"] <= row["impact"] <= row["impact_high"]
        assert 0 <= row["p_value"] <= row["p_holm"] <= 1


@settings(max_examples=30)
@given(st.integers(1, 3), st.integers(0, 9), st.integers(0, 2**31))
@example(3, 5, 0)
def test_any_answers_give_importance(p: int, n: int, seed: int) -> None:
    """Few answers on a short scale: a result or a reason, never NaN for an estimate."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.integers(1, 4, (n, p + 1)), columns=[*"abc"[:p], "y"])
    for method in ("lmg", "johnson"):
        result = relative_importance(frame, "y", method=method, n_boot=100)  # type: ignore[arg-type]
        assert (result.estimate is None) == (result.not_estimable is not None)
        matrix = importance_performance(frame, "y", importance=method, n_boot=100)  # type: ignore[arg-type]
        assert matrix.not_estimable or matrix.table["importance"].sum() == pytest.approx(1)


def test_a_constant_offset_costs_no_digits() -> None:
    answers = pd.DataFrame(np.random.default_rng(2).normal(size=(50, 3)), columns=list("aby"))
    found = Respondents.of(answers + 1e6, None)
    sums = products(found.weights, found.z).sum(axis=0)
    assert_allclose(sums[:4] / 50, [1, 0, 0, 0], atol=1e-12)
    assert_allclose(found.mean, answers.mean() + 1e6, rtol=1e-14)
