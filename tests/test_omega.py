"""McDonald's omega against R lavaan, psych and GPArotation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import frame_with_moments, rows_with_moments

from csat_stats.moments import Moments
from csat_stats.reliability import cronbach_alpha, mcdonald_omega

ORACLE = json.loads((Path(__file__).parent / "oracles" / "ordinal.json").read_text("utf-8"))
ONE = {name: case for name, case in ORACLE["one_factor"].items() if name != "source"}
GROUPS = {name: case for name, case in ORACLE["schmid_leiman"].items() if name != "source"}


def with_moments(n: int, cov: np.ndarray) -> pd.DataFrame:
    """Items q1, q2, … with exactly this covariance."""
    return rows_with_moments(n, 0, cov, [f"q{i + 1}" for i in range(len(cov))])


def answers(rows: list[str]) -> pd.DataFrame:
    items = pd.DataFrame([list(map(int, row)) for row in rows])
    return items.rename(columns=lambda i: f"q{i + 1}")


def one_trait(n: int = 200, k: int = 4, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 1)) + rng.normal(size=(n, k))
    return pd.DataFrame(rows).add_prefix("q")


def congeneric(loadings: list[float]) -> np.ndarray:
    corr = np.outer(loadings, loadings)
    np.fill_diagonal(corr, 1)
    return corr


# --- against R


@pytest.mark.parametrize("name", ONE)
def test_one_factor_equals_lavaan(name: str) -> None:
    case = ONE[name]
    result = mcdonald_omega(frame_with_moments(case))
    assert result.estimate == pytest.approx(case["omega"], rel=1e-6)
    assert result.conf_low == pytest.approx(case["ci"][0], rel=1e-6)
    assert result.conf_high == pytest.approx(case["ci"][1], rel=1e-6)
    assert result.standardized == pytest.approx(case["cr"], rel=1e-6)
    assert result.table["item"].tolist() == case["items"]
    np.testing.assert_allclose(result.table["loading"], case["loadings_std"], atol=1e-5)
    np.testing.assert_allclose(result.table["uniqueness"], 1 - result.table["loading"] ** 2)
    assert (result.n_used, result.n_dropped, result.k) == (case["n"], 0, len(case["items"]))
    assert (result.hierarchical, result.n_factors, result.notes) == (None, 1, ())


@pytest.mark.parametrize("name", GROUPS)
def test_schmid_leiman_equals_psych(name: str) -> None:
    case = GROUPS[name]
    m = case["n_factors"]
    result = mcdonald_omega(frame_with_moments(case), n_factors=m)
    assert result.estimate == result.standardized == pytest.approx(case["total"], rel=1e-6)
    assert result.hierarchical == pytest.approx(case["hierarchical"], rel=1e-5)
    assert result.hierarchical == pytest.approx(case["psych_default"]["omega_h"], rel=1e-4)
    assert result.estimate == pytest.approx(case["psych_default"]["omega_tot"], rel=1e-5)
    group = np.array(case["group"])
    group = group[:, np.argsort(-(group**2).sum(axis=0))]
    group *= np.where(group.sum(axis=0) < 0, -1, 1)
    factors = [f"F{i}" for i in range(1, m + 1)]
    assert list(result.table.columns) == ["item", "loading", *factors, "uniqueness"]
    np.testing.assert_allclose(result.table["loading"], case["general"], atol=1e-5)
    np.testing.assert_allclose(result.table[factors], group, atol=1e-5)
    np.testing.assert_allclose(result.table["uniqueness"], case["uniqueness"], atol=1e-5)
    assert (result.conf_low, result.conf_high, result.n_factors) == (None, None, m)


@pytest.mark.parametrize("name", ["sim_x", "sim_x_weighted", "sim_y"])
def test_ordinal_equals_converged_minres(name: str) -> None:
    case = ORACLE["polychoric"][name]
    weights = pd.Series(ORACLE["data"]["w"]) if name.endswith("weighted") else None
    result = mcdonald_omega(answers(ORACLE["data"][name[4]]), ordinal=True, weights=weights)
    assert result.estimate == result.standardized == pytest.approx(case["omega"], rel=1e-6)
    np.testing.assert_allclose(result.table["loading"], case["minres_loadings"], atol=1e-5)
    assert result.conf_low is None
    assert str(result.method).startswith(
        "McDonald's omega of one factor of the polychoric correlations by minimum residuals, the "
        "reliability of the opinions behind the categories, not of the sum of the answers; "
        "no interval; complete rows only"
    )


def test_survey_answers_equal_lavaan(reference_data: Any) -> None:
    case = ONE["mobi_cusa"]
    result = mcdonald_omega(reference_data("ecsi_mobi")[case["items"]])
    assert result.estimate == pytest.approx(case["omega"], rel=1e-6)
    assert result.conf_high == pytest.approx(case["ci"][1], rel=1e-6)


# --- algebra


def test_known_loadings_are_found() -> None:
    loadings = [0.9, 0.8, 0.6, 0.5]
    result = mcdonald_omega(with_moments(100, congeneric(loadings)))
    np.testing.assert_allclose(result.table["loading"], loadings, atol=1e-6)
    common = sum(loadings) ** 2
    unique = sum(1 - x * x for x in loadings)
    assert result.estimate == pytest.approx(common / (common + unique), rel=1e-6)
    assert result.estimate == pytest.approx(result.standardized)
    spread = np.array([1.0, 2.0, 3.0, 4.0])
    scaled = mcdonald_omega(with_moments(100, congeneric(loadings)) * spread)
    common, unique = (spread @ loadings) ** 2, spread**2 @ (1 - np.square(loadings))
    assert scaled.estimate == pytest.approx(common / (common + unique), rel=1e-6)
    assert scaled.standardized == pytest.approx(result.estimate, rel=1e-6)


def test_equal_loadings_give_alpha() -> None:
    items = with_moments(100, congeneric([0.7] * 4))
    assert mcdonald_omega(items).estimate == pytest.approx(cronbach_alpha(items).estimate)


def test_three_groups_are_found() -> None:
    general, group = np.repeat([0.7, 0.6, 0.5], 3), np.kron(np.eye(3), np.ones((3, 1))) * 0.5
    second = np.array([0.7, 0.6, 0.5]) / np.sqrt([0.7**2 + 0.25, 0.6**2 + 0.25, 0.5**2 + 0.25])
    corr = np.outer(general, general) + group @ group.T
    np.fill_diagonal(corr, 1)
    result = mcdonald_omega(with_moments(200, corr), n_factors=3)
    assert second.max() < 1
    np.testing.assert_allclose(result.table["loading"], general, atol=1e-4)
    assert result.hierarchical == pytest.approx(general.sum() ** 2 / corr.sum(), rel=1e-4)
    assert result.estimate == pytest.approx(
        (corr.sum() - 9 + general @ general + 2.25) / corr.sum(), rel=1e-4
    )


@settings(max_examples=15)
@given(st.permutations(range(4)), st.floats(0.1, 50), st.floats(-100, 100))
def test_order_scale_and_shift_do_not_matter(order: list[int], scale: float, shift: float) -> None:
    items = one_trait()
    result, other = mcdonald_omega(items), mcdonald_omega(items.iloc[::-1, order] * scale + shift)
    assert other.estimate == pytest.approx(result.estimate, rel=1e-6)
    assert other.conf_low == pytest.approx(result.conf_low, rel=1e-6)
    loadings = other.table.set_index("item")["loading"][result.table["item"]]
    np.testing.assert_allclose(loadings, result.table["loading"], atol=1e-5)


def test_missing_answers_weights_and_moments() -> None:
    items = one_trait()
    weights = pd.Series(np.random.default_rng(5).integers(0, 4, 200).astype(float))
    result = mcdonald_omega(items, weights=weights)
    repeated = mcdonald_omega(items.loc[items.index.repeat(weights.astype(int))])
    assert result.estimate == pytest.approx(repeated.estimate, rel=1e-6)
    assert result.n_used + result.n_dropped == 200
    assert result.n_dropped == (weights == 0).sum()
    n_effective = weights.sum() ** 2 / (weights**2).sum()
    widths = [x.conf_high - x.conf_low for x in (result, repeated)]  # type: ignore[operator]
    assert widths[0] / widths[1] == pytest.approx(np.sqrt(weights.sum() / n_effective), rel=1e-4)
    assert str(result.method) == (
        "McDonald's omega of one factor by maximum likelihood; interval by the delta method; "
        "complete rows only, weighted, with Kish's effective n where n counts."
    )
    gaps = items.mask(np.arange(200)[:, None] < [10, 0, 0, 0])
    assert mcdonald_omega(gaps).n_dropped == 10
    assert mcdonald_omega(gaps).estimate == pytest.approx(mcdonald_omega(items[10:]).estimate)
    moments = Moments.from_frame(items)
    assert mcdonald_omega(moments).estimate == pytest.approx(mcdonald_omega(items).estimate)
    for option in ({"ordinal": True}, {"n_boot": 100}):
        with pytest.raises(ValueError, match="need the answers, not their moments"):
            mcdonald_omega(moments, **option)  # type: ignore[arg-type]


# --- interval


def test_bootstrap_agrees_with_the_delta_method_and_repeats() -> None:
    items = one_trait(300)
    delta, drawn = mcdonald_omega(items), mcdonald_omega(items, n_boot=200, seed=3)
    assert drawn.estimate == delta.estimate
    assert drawn.conf_low == pytest.approx(delta.conf_low, abs=0.012)
    assert drawn.conf_high == pytest.approx(delta.conf_high, abs=0.012)
    again = mcdonald_omega(items, n_boot=200, seed=3, conf_level=0.8)
    assert drawn.conf_low < again.conf_low < again.conf_high < drawn.conf_high  # type: ignore
    assert "200 resamples, seed 3" in str(drawn.method)


def test_bootstrap_of_groups_and_of_ordered_categories() -> None:
    items = answers(ORACLE["data"]["y"])
    for result in (
        mcdonald_omega(items, n_factors=3, n_boot=100),
        mcdonald_omega(items[["q1", "q2", "q3"]], ordinal=True, n_boot=100),
    ):
        assert result.conf_low < result.estimate < result.conf_high  # type: ignore[operator]
    weights = pd.Series(np.r_[np.ones(40), np.zeros(260)])
    part = mcdonald_omega(items, weights=weights, n_boot=100)
    alone = mcdonald_omega(items[:40], n_boot=100)
    assert part.conf_low == pytest.approx(alone.conf_low, rel=1e-6)


def test_resamples_without_solution_are_counted() -> None:
    items = pd.DataFrame({"a": [1] * 29 + [2], "b": [1, 2, 3] * 10, "c": [1, 2, 2, 3, 1] * 6})
    result = mcdonald_omega(items, n_boot=100)
    note = next(str(note) for note in result.notes if "resamples" in str(note))
    failed = int(note.split()[0])
    assert note == (f"{failed} of 100 resamples had no solution and do not count in the interval.")
    assert 20 < failed < 60  # (29/30)^30 = 36% do not hold the one answer that differs


# --- what has no omega


def test_not_estimable() -> None:
    items = one_trait(50)
    for frame_, reason in [
        (
            items[["q0", "q1"]],
            "Omega needs at least three items: one correlation cannot tell the loadings of two "
            "items apart.",
        ),
        (items[:0], "0 complete rows are too few: at least 5 are needed."),
        (items[:4], "4 complete rows are too few: at least 5 are needed."),
        (items.assign(q1=3), "No variance in q1: every respondent gave the same answer."),
        (
            items.assign(q3=items["q0"]),
            "The correlation matrix is singular because these items determine each other: q0 = q3.",
        ),
    ]:
        result = mcdonald_omega(frame_)
        assert str(result.not_estimable) == reason
        assert (result.estimate, result.conf_low, result.hierarchical) == (None, None, None)
    assert str(mcdonald_omega(items, n_factors=2).not_estimable) == (
        "2 factors are too many for 4 items: at most 1 can be found."
    )
    categories = pd.DataFrame({"a": [1, 2] * 9, "b": [1, 1, 2] * 6, "c": 1})
    assert str(mcdonald_omega(categories, ordinal=True).not_estimable) == (
        "No variance in c: every respondent gave the same answer."
    )


def test_items_without_common_variance() -> None:
    result = mcdonald_omega(with_moments(50, np.eye(4)))
    assert str(result.not_estimable) == "No item correlates with any other."
    lone_pair = np.eye(4)
    lone_pair[0, 1] = lone_pair[1, 0] = 0.5
    result = mcdonald_omega(with_moments(50, lone_pair))
    assert result.estimate is not None and result.conf_low is None
    assert list(map(str, result.notes)) == ["Some loadings are too uncertain to give an interval."]


def test_improper_and_reversed_solutions_are_said_aloud() -> None:
    corr = np.array([[1, 0.85, 0.85], [0.85, 1, 0.6], [0.85, 0.6, 1]])
    result = mcdonald_omega(with_moments(80, corr))
    assert [str(note) for note in result.notes] == [
        "Heywood case in q1: no unique variance is left, so the solution is improper. Try fewer "
        "factors or leave the item out."
    ]
    assert result.conf_low is None and result.estimate is not None
    items = one_trait()
    result = mcdonald_omega(items.assign(q2=-items["q2"]))
    assert [str(note) for note in result.notes] == [
        "Negative loading of q2: check whether these items need reversing. Nothing was reversed "
        "here."
    ]
    result = mcdonald_omega(frame_with_moments(GROUPS["attitude"]), n_factors=2)
    assert [str(note) for note in result.notes] == [
        "Two group factors do not identify a general factor: it is assumed to load on both equally."
    ]


def test_wrong_use_is_refused() -> None:
    items = one_trait()
    for options, match in [
        ({"n_factors": 0}, "n_factors is 0: give a whole number of at least 1"),
        ({"n_boot": 50}, "n_boot is 50: give 0 for no bootstrap, or at least 100"),
        ({"conf_level": 95}, "conf_level is 95: a share such as 0.95 is needed"),
        ({"ordinal": True}, "column 'q0' holds 200 different values"),
    ]:
        with pytest.raises(ValueError, match=match):
            mcdonald_omega(items, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="column 'q1' holds 'good'"):
        mcdonald_omega(items.assign(q1="good"))
