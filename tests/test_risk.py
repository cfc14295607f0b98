"""Risk scores: no customer is judged by a model that has seen it, and the figures add up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from references import items_of
from scipy.special import expit

from csat_stats.loyalty import RiskScores, repurchase_model, risk_scores


@pytest.fixture(scope="module")
def reference(oracle: Callable[[str], Any]) -> Any:
    return oracle("risk")


def customers(n: int, seed: int = 0) -> tuple[pd.Series, pd.DataFrame]:
    """Ratings 1–5 of two drivers, those who rate higher coming back more often."""
    rng = np.random.default_rng(seed)
    drivers = pd.DataFrame(rng.integers(1, 6, (n, 2)), columns=["quality", "speed"])
    back = rng.random(n) < expit(-3 + 0.8 * drivers["quality"] + 0.4 * drivers["speed"])
    return back.astype(int), drivers


@pytest.fixture(scope="module")
def sample() -> tuple[pd.Series, pd.DataFrame]:
    return customers(400)


@pytest.fixture(scope="module")
def scored(sample: Any) -> RiskScores:
    return risk_scores(*sample, call_cost=3, value=40, saved=0.25)


def close(actual: Any, expected: Any, tolerance: float = 1e-9) -> None:
    np.testing.assert_allclose(
        np.asarray(actual, dtype=float), np.asarray(expected, dtype=float), tolerance, 1e-10
    )


def test_scores_of_airline_passengers_are_as_in_r(reference: Any, reference_data: Any) -> None:
    expected = reference["airline"]
    satisfied = (reference_data("airline_sample")["Satisfaction"] == "Satisfied").astype(int)
    drivers = items_of("airline_sample", expected["columns"])
    result = risk_scores(satisfied, drivers, seed=1)
    table = result.table.sort_index()
    assert "".join(str(fold - 1) for fold in table["fold"]) == expected["folds"]
    close(table["probability"][:12], expected["probability_first"])
    close(table["probability"].sum(), expected["probability_sum"])
    close((table["probability"] ** 2).sum(), expected["probability_squares"])
    close([result.conf_low, result.estimate, result.conf_high], expected["auc"])
    close(result.brier, expected["brier"])
    slope = [f"calibration_slope{end}" for end in ("", "_low", "_high")]
    close([getattr(result, name) for name in slope], expected["slope"], 1e-8)
    level = [f"calibration_intercept{end}" for end in ("", "_low", "_high")]
    close([getattr(result, name) for name in level], expected["intercept"], 1e-7)
    assert (result.n_used, result.n_dropped) == (expected["n"], 2000 - expected["n"])
    assert result.notes == ()


def test_each_probability_is_of_the_model_of_the_other_parts(sample: Any, scored: Any) -> None:
    outcome, drivers = sample
    table = scored.table.sort_index()
    assert scored.n_folds == 10 and sorted(table["fold"].unique()) == list(range(1, 11))
    for fold in (1, 6, 10):
        held = (table["fold"] == fold).to_numpy()
        model = repurchase_model(outcome[~held], drivers[~held])
        slope = model.table["estimate"].to_numpy()
        level = float(model.intercept["estimate"].iloc[0])
        close(table["probability"][held], expit(-level - drivers[held].to_numpy() @ slope))


def test_parts_share_the_lost_customers_equally(sample: Any, scored: Any) -> None:
    by_fold = scored.table.groupby("fold")["lost"].agg(["sum", "size"])
    assert np.ptp(by_fold["sum"]) <= 1 and np.ptp(by_fold["size"]) <= 1
    assert scored.n_lost == int((sample[0] == 0).sum()) == by_fold["sum"].sum()


def test_table_ranks_every_customer(sample: Any, scored: Any) -> None:
    table = scored.table
    assert list(table) == [
        "customer",
        "fold",
        "lost",
        "probability",
        "rank",
        "percentile",
        "decile",
    ]
    assert list(table["rank"]) == list(range(1, 401))
    assert (np.diff(table["probability"]) <= 0).all()
    assert table["percentile"].iloc[[0, -1]].tolist() == [100, 0.25]
    assert table["decile"].value_counts().tolist() == [40] * 10
    assert (table["customer"] == table.index).all()
    close(1 - sample[0], table["lost"].sort_index())


def test_lift_adds_up(scored: Any) -> None:
    lift = scored.lift
    assert list(lift["group"]) == list(range(1, 11))
    assert (lift["n"].sum(), lift["lost"].sum()) == (400, scored.n_lost)
    base = scored.n_lost / 400
    close(lift["share"], lift["lost"] / lift["n"])
    close(lift["lift"], lift["share"] / base)
    close(lift["captured"], lift["lost"].cumsum() / scored.n_lost)
    groups = scored.table.groupby("decile")["lost"].sum()
    close(lift["lost"], groups)
    n, share, z = lift["n"], lift["share"], 1.959963984540054
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    margin = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    close(lift["lift_low"], (centre - margin) / base)
    close(lift["lift_high"], (centre + margin) / base)


def test_calls_are_made_while_they_pay(scored: Any) -> None:
    calls, p = scored.calls, scored.table["probability"].to_numpy()
    assert list(calls) == ["called", "kept", "gain", "cost", "net"]
    close(calls["kept"], 0.25 * p.cumsum())
    close(calls["net"], 40 * 0.25 * p.cumsum() - 3 * np.arange(1, 401))
    assert scored.best_calls == int((p * 0.25 * 40 > 3).sum())
    close(scored.best_net, calls["net"].max())
    assert str(scored.notes[-1]) == (
        "What a call keeps is an assumption, not a finding: only calls made to customers drawn by "
        "lot, and outcomes compared with those not called, would show it."
    )


def test_no_call_pays_when_calls_are_dear(sample: Any) -> None:
    result = risk_scores(*sample, call_cost=100, value=40, saved=0.25)
    assert (result.best_calls, result.best_net) == (0, 0)
    assert (result.calls["net"] < 0).all()


def test_brier_and_area_are_those_of_the_table(scored: Any) -> None:
    table = scored.table.astype({"lost": float})
    close(scored.brier, ((table["lost"] - table["probability"]) ** 2).mean())
    close(scored.brier_scaled, 1 - scored.brier / table["lost"].var(ddof=0))
    lost = table["probability"][table["lost"] == 1].to_numpy()
    kept = table["probability"][table["lost"] == 0].to_numpy()
    above = np.sign(lost[:, None] - kept).mean() / 2 + 0.5
    close(scored.estimate, above)


def test_a_rating_that_says_nothing_is_not_made_to_say_something() -> None:
    rng = np.random.default_rng(3)
    drivers = pd.DataFrame(rng.normal(size=(60, 8)), columns=list("abcdefgh"))
    outcome = pd.Series(np.arange(60) % 2)
    assert repurchase_model(outcome, drivers).estimate > 0.65
    result = risk_scores(outcome, drivers)
    assert result.estimate is not None and result.estimate < 0.6
    assert [str(note) for note in result.notes] == [
        "The rarer outcome occurs 3.8 times per driver; below 10 the odds ratios tend to be too "
        "extreme.",
        "The interval of the AUC includes 0.5: these ratings may tell who will be lost no better "
        "than chance.",
        "The calibration slope is below 1: high probabilities are too high and low ones too low.",
    ]


def test_the_same_seed_gives_the_same_and_another_one_other_parts(sample: Any) -> None:
    first, again = risk_scores(*sample, seed=5), risk_scores(*sample, seed=5)
    pd.testing.assert_frame_equal(first.table, again.table)
    other = risk_scores(*sample, seed=6)
    assert not first.table["fold"].sort_index().equals(other.table["fold"].sort_index())
    assert abs(first.estimate - other.estimate) < 0.02


def test_customers_of_several_rows_are_held_out_together(sample: Any) -> None:
    outcome, drivers = sample
    names = pd.Series([f"c{i // 2}" for i in range(400)])
    result = risk_scores(outcome, drivers, customers=names)
    assert (result.table.groupby("customer")["fold"].nunique() == 1).all()
    assert len(result.table) == 400
    some = risk_scores(outcome, drivers, customers=names.mask(names.index % 4 == 0))
    parts = some.table.groupby("customer", dropna=False)["fold"].nunique()
    assert parts[parts.index.isna()].tolist() == [10] and (parts[parts.index.notna()] == 1).all()
    alone = risk_scores(outcome, drivers, customers=pd.Series([f"c{i}" for i in range(400)]))
    pd.testing.assert_frame_equal(
        alone.table.drop(columns="customer"), risk_scores(outcome, drivers).table.iloc[:, 1:]
    )


def test_repeated_customers_do_not_narrow_the_interval(sample: Any) -> None:
    outcome, drivers = sample
    names = pd.concat([outcome.index.to_series()] * 3, ignore_index=True)
    many = risk_scores(
        pd.concat([outcome] * 3, ignore_index=True),
        pd.concat([drivers] * 3, ignore_index=True),
        customers=names,
    )
    once = risk_scores(outcome, drivers)
    close(many.conf_high - many.conf_low, once.conf_high - once.conf_low, 0.05)


def test_unknown_outcomes_are_scored_by_the_model_of_all(sample: Any) -> None:
    outcome, drivers = sample
    waiting = outcome.astype("Int64").where(outcome.index >= 30)
    drivers = drivers.astype("Int64")
    drivers.loc[29, "speed"] = None
    result = risk_scores(waiting, drivers)
    assert (result.n_used, result.n_dropped, result.n_scored) == (370, 30, 399)
    table = result.table.sort_index()
    new = table["fold"].isna()
    assert list(table.index[new]) == list(range(29)) and table["lost"][new].isna().all()
    model = repurchase_model(outcome[30:], drivers[30:])
    level = float(model.intercept["estimate"].iloc[0])
    eta = level + drivers[:29].to_numpy(float) @ model.table["estimate"].to_numpy()
    close(table["probability"][:29], expit(-eta))
    assert result.lift["n"].sum() == 370
    assert [str(note) for note in result.notes] == [
        "Rows whose outcome is not known have a probability too, and no part in the AUC, "
        "calibration and lift: 29."
    ]


def test_a_row_of_unknown_outcome_stays_with_its_customer(sample: Any) -> None:
    outcome, drivers = sample
    names = outcome.index.to_series().mask(outcome.index < 20, outcome.index + 100)
    result = risk_scores(outcome.astype(float).where(outcome.index >= 20), drivers, customers=names)
    assert result.table["fold"].notna().all()
    assert (result.table.groupby("customer")["fold"].nunique() == 1).all()


def test_few_lost_customers_make_few_parts(sample: Any) -> None:
    outcome, drivers = sample
    lost = outcome.index[outcome == 0][:4]
    rows = outcome.index[(outcome == 1) | outcome.index.isin(lost)]
    result = risk_scores(outcome[rows], drivers.loc[rows])
    assert (result.n_folds, result.n_lost) == (4, 4)
    assert "4 parts instead of 10: no more customers have the rarer outcome." in [
        str(note) for note in result.notes
    ]


def test_separated_customers_have_finite_probabilities() -> None:
    score = pd.DataFrame({"satisfaction": [1, 1, 2, 2, 2, 4, 4, 5, 5, 5]})
    result = risk_scores(pd.Series([0] * 5 + [1] * 5), score, folds=5)
    assert result.table["probability"].between(0.001, 0.999).all()
    assert result.estimate == 1 and result.conf_low is None
    assert result.calibration_slope is None
    assert [str(note) for note in result.notes] == [
        "The rarer outcome occurs 5.0 times per driver; below 10 the odds ratios tend to be too "
        "extreme.",
        "Without some part of the customers the drivers separate the outcomes; models estimated "
        "by Firth's penalised likelihood for that reason: 5.",
        "The AUC has no interval: the model tells the two outcomes apart without a fault.",
    ]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, None]), st.integers(1, 5), st.integers(0, 2)),
        min_size=1,
        max_size=30,
    ),
    st.integers(2, 6),
)
@example([(0, 1, 0), (1, 1, 0), (0, 2, 1), (1, 2, 1)], 2)
def test_whatever_the_answers_figures_are_proper_or_there_is_none(rows: Any, folds: int) -> None:
    frame = pd.DataFrame(rows, columns=["y", "a", "b"])
    result = risk_scores(frame["y"].astype("Int64"), frame[["a", "b"]], folds=folds)
    if result.not_estimable:
        assert result.estimate is None and result.table.empty and result.lift.empty
        return
    assert result.table["probability"].between(0, 1).all() and len(result.table) == len(frame)
    assert result.lift["n"].sum() == result.n_used == frame["y"].notna().sum()
    assert result.lift["captured"].iloc[-1] == pytest.approx(1)
    assert result.estimate is not None and 0 <= result.estimate <= 1


def frame(n: int) -> pd.DataFrame:
    return pd.DataFrame({"a": np.arange(n) % 3, "b": np.arange(n) % 4})


@pytest.mark.parametrize(
    ("outcome", "drivers", "why"),
    [
        ([1] * 12, frame(12), "All 12 customers have the same outcome, so nothing can explain it."),
        ([0] * 12, frame(12), "All 12 customers have the same outcome, so nothing can explain it."),
        (
            [0] + [1] * 11,
            frame(12),
            "Only one customer has the rarer outcome, so there is nothing to learn it from once "
            "that customer is held out.",
        ),
        ([0, 1] * 6, frame(12).assign(b=5), "All customers gave the same value for: b."),
        (
            [0, 1],
            frame(2),
            "The number of complete rows, 2, is too small for the number of drivers, 2.",
        ),
        (
            [0, 1] * 6,
            frame(12).assign(b=[0] * 11 + [1]),
            "There is no model once a part of the customers is held out: All customers gave the "
            "same value for: b.",
        ),
    ],
)
def test_what_the_data_cannot_tell(outcome: list[int], drivers: Any, why: str) -> None:
    result = risk_scores(pd.Series(outcome), drivers)
    assert str(result.not_estimable) == why
    assert result.estimate is None and result.table.empty and result.n_folds is None


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"folds": 1}, "folds is 1: at least 2 are needed"),
        (
            {"call_cost": 3, "value": 5},
            "saved is missing: calls need call_cost, value and saved",
        ),
        (
            {"saved": 0.1},
            "call_cost and value are missing: calls need call_cost, value and saved",
        ),
        (
            {"call_cost": -1, "value": 5, "saved": 0.1},
            "call_cost is -1: a finite number of 0 or more is needed",
        ),
        (
            {"call_cost": 1, "value": 5, "saved": 20},
            "saved is 20: a share from 0 to 1 is needed",
        ),
        (
            {"customers": pd.Series(["a"] * 3)},
            "the customers and the drivers have different indexes: align them first",
        ),
        ({"conf_level": 1}, "conf_level is 1: a share such as 0.95 is needed"),
    ],
)
def test_wrong_use_is_refused(sample: Any, change: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError) as error:
        risk_scores(*sample, **change)
    assert str(error.value) == text


def test_outcomes_other_than_0_and_1_are_refused(sample: Any) -> None:
    with pytest.raises(ValueError, match="outcome holds 2: only 0, 1 and missing are allowed"):
        risk_scores(sample[0] + 1, sample[1])
