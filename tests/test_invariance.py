"""Measurement invariance against R lavaan, and on groups of known difference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from references import REVERSED, frame_with_moments, rows_with_moments

from csat_stats.validity import invariance

ORACLE = json.loads((Path(__file__).parent / "oracles" / "cfa.json").read_text("utf-8"))
CASES = ORACLE["invariance"]
LEVELS = ["configural", "metric", "scalar"]
MODEL = {"speed": ["s1", "s2", "s3"], "price": ["p1", "p2", "p3"]}
LOADING = np.array([0.8, 0.7, 0.6, 0.9, 0.6, 0.7])
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case["data"])


def from_oracle(case: dict[str, Any]) -> tuple[pd.DataFrame, pd.Series]:
    frames = []
    for name, moments in case["groups"].items():
        frame = frame_with_moments({**moments, "items": case["items"]})
        frames.append(frame.assign(group=name))
    both = pd.concat(frames, ignore_index=True)
    return both[case["items"]], both["group"]


def two_waves(
    loading: np.ndarray = LOADING, intercept: float = 0.0, n: int = 200
) -> tuple[pd.DataFrame, pd.Series]:
    """Waves that follow a scalar model exactly, but for the second's own loadings or intercept.

    In the second the dimensions vary more and are higher.
    """
    frames = []
    for wave, own, phi, level in (
        ("2024", LOADING, [[1, 0.5], [0.5, 1]], [0, 0]),
        ("2025", loading, [[1.5, 0.6], [0.6, 0.8]], [0.5, 0.3]),
    ):
        matrix = np.zeros((6, 2))
        matrix[np.arange(6), np.repeat([0, 1], 3)] = own
        cov = matrix @ np.array(phi) @ matrix.T + np.diag([0.4, 0.5, 0.6, 0.4, 0.6, 0.5])
        mean = 3 + matrix @ np.array(level)
        if wave == "2025":
            mean[1] += intercept
        frames.append(
            rows_with_moments(n, mean, cov, [*MODEL["speed"], *MODEL["price"]]).assign(wave=wave)
        )
    both = pd.concat(frames, ignore_index=True)
    return both.drop(columns="wave"), both["wave"]


# --- against lavaan


def assert_equals_lavaan(table: pd.DataFrame, case: dict[str, Any]) -> None:
    assert table["level"].tolist() == LEVELS
    names = {
        "statistic": "chisq",
        "df": "df",
        "p_value": "pvalue",
        "cfi": "cfi",
        "rmsea": "rmsea",
    }
    for name, theirs in names.items():
        expected = [case["steps"][level][theirs] for level in LEVELS]
        np.testing.assert_allclose(table[name], expected, rtol=1e-7, atol=1e-9)
    # lavaan's descent stops at a gradient of about 1e-6, which its residuals still show.
    expected = [case["steps"][level]["srmr"] for level in LEVELS]
    np.testing.assert_allclose(table["srmr"], expected, atol=1e-6)
    difference = case["difference"]
    for name, theirs in {"statistic": "chisq", "df": "df", "p_value": "p"}.items():
        np.testing.assert_allclose(
            table[f"delta_{name}"][1:], difference[theirs], rtol=1e-5, atol=1e-25
        )
    for name in ("cfi", "rmsea"):
        np.testing.assert_allclose(table[f"delta_{name}"][1:], np.diff(table[name]))
    assert table.filter(like="delta").iloc[0].isna().all()


@every_case
def test_levels_equal_lavaan(case: dict[str, Any]) -> None:
    items, group = from_oracle(case)
    result = invariance(items, case["model"], group, min_cfi=0.7)
    assert_equals_lavaan(result.table, case)
    assert result.groups["group"].tolist() == list(case["groups"])
    assert result.groups["n"].tolist() == [part["n"] for part in case["groups"].values()]
    assert result.groups["statistic"].sum() == pytest.approx(result.table["statistic"][0])
    assert result.level == "metric"  # intercepts differ: CFI falls by .038 and by .012
    assert result.table["holds"].tolist() == [True, True, False]


@every_case
def test_original_rows_equal_lavaan(case: dict[str, Any], reference_data: Any) -> None:
    data = reference_data(case["data"])
    if case["data"] == "psych_bfi":
        data[REVERSED] = 7 - data[REVERSED]
    result = invariance(data, case["model"], data[case["group"]])
    assert_equals_lavaan(result.table, case)
    assert result.n_used == sum(part["n"] for part in case["groups"].values())
    assert result.n_used + result.n_dropped == len(data)
    if case["data"] == "psych_bfi":  # labels were read as 1.0, 2.0 for the missing ones
        assert result.groups["group"].tolist() == ["1", "2", "3", "4", "5"]
        assert result.level is None  # a CFI of .77 is no common structure


# --- known differences


def test_waves_that_differ_in_the_dimensions_alone_are_scalar() -> None:
    result = invariance(*_model(two_waves()))
    np.testing.assert_allclose(result.table["statistic"], 0, atol=1e-8)
    assert result.table["df"].tolist() == [16, 20, 24]
    assert result.level == "scalar"
    assert str(result.verdict) == (
        "The items measure alike in all groups: means of the dimensions can be compared."
    )
    assert result.notes == ()
    assert (result.n_used, result.n_dropped, result.estimate) == (400, 0, None)


def test_an_item_with_another_level_is_not_scalar() -> None:
    result = invariance(*_model(two_waves(intercept=0.8)))
    assert result.level == "metric"
    assert result.table["holds"].tolist() == [True, True, False]
    assert result.table["statistic"][1] == pytest.approx(0, abs=1e-8)
    assert "their means cannot" in str(result.verdict)
    lenient = invariance(*_model(two_waves(intercept=0.8)), max_cfi_drop=0.5, max_rmsea_rise=0.5)
    assert lenient.level == "scalar"


def test_an_item_of_another_weight_is_not_metric() -> None:
    other = LOADING * [1, 0.2, 1, 1, 1, 1]
    result = invariance(*_model(two_waves(loading=other)))
    assert result.level == "configural"
    assert result.table["holds"][1] == np.False_
    assert "neither relations nor means" in str(result.verdict)
    assert invariance(*_model(two_waves(loading=other)), min_cfi=1.1).level is None


def test_a_rise_of_the_rmsea_by_chance_does_not_count() -> None:
    items, group = two_waves(loading=LOADING * [1, 0.9, 1, 1, 1, 1], n=120)
    result = invariance(items, MODEL, group)
    assert result.table["delta_p_value"][1] > 0.05
    assert result.level == "scalar"
    strict = invariance(items, MODEL, group, alpha=1, max_rmsea_rise=-1)
    assert strict.level == "configural"


def _model(waves: tuple[pd.DataFrame, pd.Series]) -> tuple[pd.DataFrame, Any, pd.Series]:
    return waves[0], MODEL, waves[1]


# --- algebra


def test_order_names_and_scale_do_not_matter() -> None:
    items, group = from_oracle(CASES[0])
    known = invariance(items, CASES[0]["model"], group)
    turned = (items * 10 - 3).sample(frac=1, random_state=1)
    renamed = group.map({"Pasteur": "A", "Grant-White": "B"})[turned.index]
    result = invariance(turned, CASES[0]["model"], renamed)
    assert result.groups["group"].tolist() == ["A", "B"]
    pd.testing.assert_frame_equal(result.table, known.table, rtol=1e-6, atol=1e-8)
    ordered = pd.Series(pd.Categorical(group, ["Pasteur", "Grant-White", "closed"]))
    by_category = invariance(items, CASES[0]["model"], ordered, n_min=0)
    assert by_category.groups["group"].tolist() == ["Pasteur", "Grant-White"]


def test_equal_weights_are_no_weights() -> None:
    items, group = from_oracle(CASES[0])
    weights = pd.Series(2.5, items.index)
    plain = invariance(items, CASES[0]["model"], group)
    weighted = invariance(items, CASES[0]["model"], group, weights=weights)
    pd.testing.assert_frame_equal(weighted.table, plain.table, rtol=1e-7, atol=1e-9)
    weights[group == "Pasteur"] *= 3  # effective n is taken within each group
    again = invariance(items, CASES[0]["model"], group, weights=weights)
    pd.testing.assert_frame_equal(again.table, plain.table, rtol=1e-7, atol=1e-9)
    weights.iloc[0] = 0
    assert invariance(items, CASES[0]["model"], group, weights=weights).n_dropped == 1


# --- what cannot be compared


def test_groups_that_cannot_be_compared_are_named() -> None:
    items, group = two_waves()
    small, constant = items[:30], items[:120].assign(s1=2.0)
    both = pd.concat([items, small, constant, items[:5]], ignore_index=True)
    labels = pd.concat(
        [group, pd.Series(["2026"] * 30 + ["2027"] * 120 + [None] * 5)], ignore_index=True
    )
    result = invariance(both, MODEL, labels)
    assert [str(note) for note in result.notes] == [
        "Left out: 2026, with 30 complete rows where 100 are asked for.",
        "Left out: 2027. No variance in s1: every respondent gave the same answer.",
    ]
    assert (result.n_used, result.n_dropped) == (400, 155)
    pd.testing.assert_frame_equal(result.table, invariance(items, MODEL, group).table)


@pytest.mark.parametrize(
    ("labels", "model", "reason"),
    [
        (["a"] * 400, MODEL, "There are fewer than two groups to compare."),
        ([None] * 400, MODEL, "There are fewer than two groups to compare."),
        (
            ["a", "b"] * 200,
            {"speed": ["s1", "s2"]},
            "A single dimension of two items cannot be tested: it needs a third item, or a second "
            "dimension beside it.",
        ),
        (["a", "b"] * 200, {"speed": ["s1"]}, "No dimension has two items."),
    ],
)
def test_not_estimable(labels: list[Any], model: dict[str, list[str]], reason: str) -> None:
    result = invariance(two_waves()[0], model, pd.Series(labels))
    assert str(result.not_estimable) == reason
    assert (result.level, result.verdict, result.table.empty) == (None, None, True)


def test_a_group_without_a_solution_is_named() -> None:
    items, group = two_waves()
    rng = np.random.default_rng(3)
    items.loc[group == "2025", ["s1", "s2", "s3"]] = rows_with_moments(
        200, 0, [[1, 0.4, -0.4], [0.4, 1, 0.4], [-0.4, 0.4, 1]], ["s1", "s2", "s3"]
    ).to_numpy()
    items.loc[group == "2025", ["p1", "p2", "p3"]] = rng.normal(size=(200, 3))
    reason = str(invariance(items, MODEL, group).not_estimable)
    assert reason.startswith("In 2025: The computation found no solution")


def test_one_dimension_of_three_items_starts_from_a_perfect_fit() -> None:
    items, group = two_waves()
    table = invariance(items, {"speed": ["s1", "s2", "s3"]}, group).table
    assert table["df"].tolist() == [0, 2, 4]
    assert (table["rmsea"][0], np.isnan(table["p_value"][0])) == (0, True)
    assert table["cfi"][0] == pytest.approx(1, abs=1e-12)


def test_wrong_use() -> None:
    items, group = two_waves()
    with pytest.raises(ValueError, match="the groups have other row labels than the answers"):
        invariance(items, MODEL, group[:10])
    with pytest.raises(ValueError, match="dimension 'speed' names 's9', which is no column"):
        invariance(items, {"speed": ["s1", "s9"]}, group)
