"""Groups compared, variables crossed, units ranked, small groups withheld."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from csat_stats.satisfaction import (
    compare_groups,
    cross_means,
    crosstab,
    holm,
    mean_score,
    rank_units,
)
from csat_stats.satisfaction.disclosure import withheld_cells, withheld_levels

ALL = {"minimum_base": 0, "caution_base": 0}
PAIR = ["estimate", "std_error", "conf_low", "conf_high", "statistic", "df", "p_value"]


@pytest.fixture(scope="module")
def reference(oracle):
    return oracle("satisfaction")


@pytest.fixture(params=["made", "airline"])
def studied(request, reference):
    """Score q, score t without ties, segments g and c, weight w; and R's figures of them."""
    expected = reference[f"weighted_{request.param}"]
    if request.param == "made":
        return pd.DataFrame(expected["data"]), expected
    raw = request.getfixturevalue("reference_data")("airline_sample")
    frame = pd.DataFrame({"q": raw["Cleanliness"].where(raw["Cleanliness"] > 0), "t": raw["ID"]})
    return frame.assign(
        g=raw["Class"], c=raw["Customer Type"], w=0.5 + raw["Flight Distance"] / 1000
    ), expected


def close(actual, expected):
    assert_allclose(np.array(actual, dtype=float), expected, rtol=1e-9, atol=1e-12)


def sentences(result):
    return [str(note) for note in result.notes]


def apart(members, known):
    """Whether a group is no combination of known groups."""
    system = np.column_stack(known).astype(float)
    weights, *_ = np.linalg.lstsq(system, members.astype(float), rcond=None)
    return np.abs(system @ weights - members).max() > 1e-6


def sized(sizes, values=(3, 4, 5)):
    """A frame of shops of these sizes whose answers go round the values."""
    shops = np.repeat(list(sizes), list(sizes.values()))
    return pd.DataFrame({"shop": shops, "q1": np.resize(values, shops.size)})


class TestCompareGroups:
    def test_kruskal_wallis(self, studied):
        frame, expected = studied
        result, of = compare_groups(frame, "g", "q"), expected["kruskal"]
        close([result.statistic, result.df, result.estimate], [of["H"], of["df"], of["eps2"]])
        assert_allclose(result.p_value, of["p"], rtol=1e-9)
        assert result.df_error is None and result.n_groups == of["df"] + 1
        assert result.n_used == frame["q"].notna().sum()
        assert result.n_used + result.n_dropped == len(frame)

    def test_published_example(self, reference):
        months = {
            5: "41 36 12 18 28 23 19 8 7 16 11 14 18 14 34 6 30 11 1 11 4 32 23 45 115 37",
            6: "29 71 39 23 21 37 20 12 13",
            7: "135 49 32 64 40 77 97 97 85 10 27 7 48 35 61 79 63 16 80 108 20 52 82 50 64 59",
            8: "39 9 16 78 35 66 122 89 110 44 28 65 22 59 23 31 44 21 9 45 168 73 76 118 84 85",
            9: "96 78 73 91 47 32 20 23 21 24 44 21 28 9 13 46 18 13 24 16 13 23 36 7 14 30 14 18"
            " 20",
        }
        rows = [(m, float(x)) for m, ozone in months.items() for x in ozone.split()]
        frame = pd.DataFrame(rows, columns=["month", "ozone"])
        result = compare_groups(frame, "month", "ozone", **ALL)
        close(result.statistic, reference["kruskal_published"]["H"])
        assert (round(result.statistic, 3), result.df) == (29.267, 4)
        assert f"{result.p_value:.3e}" == "6.901e-06"

    def test_weighted(self, studied):
        frame, expected = studied
        answered = frame[frame["q"].notna()]
        with_ties = compare_groups(frame, "g", "q", weights=frame["w"])
        without = compare_groups(answered, "g", "t", weights=answered["w"])
        for result, of in (
            (with_ties, expected["rank_weighted"]),
            (without, expected["rank_no_ties"]),
        ):
            close(
                [result.statistic, result.df, result.df_error],
                [of["F"], of["ndf"], of["ddf"]],
            )
            assert_allclose(result.p_value, of["p"], rtol=1e-9)
        close(with_ties.estimate, expected["rank_weighted"]["r2"])
        two = answered.assign(first=answered["g"] == answered["g"].iloc[0])
        result, of = (
            compare_groups(two, "first", "t", weights=two["w"]),
            expected["rank_two_groups"],
        )
        close([result.statistic, result.df_error], [of["F"], of["ddf"]])
        assert_allclose(result.p_value, of["p"], rtol=1e-9)

    @pytest.mark.parametrize("weighted", [False, True])
    def test_means_and_pairs(self, studied, weighted):
        frame, expected = studied
        result = compare_groups(frame, "g", "q", weights=frame["w"] if weighted else None)
        names = ["level", "n", "estimate", "std_error", "conf_low", "conf_high", "flag"]
        assert list(result.table) == names
        if weighted:
            for level, of in expected["by_group"].items():
                row = result.table.set_index("level").loc[level]
                close(row.iloc[:5], [of["n"], of["mean"], of["se"], *of["ci"]])
        of = expected["pairs_weighted" if weighted else "pairs"]
        assert list(result.pairs) == ["a", "b", *PAIR, "p_holm"]
        pairs = result.pairs.set_index(["a", "b"])
        for a, b, figures, p_holm in zip(
            of["a"], of["b"], of["figures"], of["p_holm"], strict=True
        ):
            sign = 1 if (a, b) in pairs.index else -1
            row = pairs.loc[(a, b) if sign > 0 else (b, a)]
            low, high = sorted([sign * figures[2], sign * figures[3]])
            close(row[PAIR[:4]], [sign * figures[0], figures[1], low, high])
            close(row[["statistic", "df"]], [sign * figures[4], figures[5]])
            assert_allclose(row[["p_value", "p_holm"]].tolist(), [figures[6], p_holm], rtol=1e-8)
        assert len(pairs) == len(of["a"])

    def test_order_of_rows_and_monotone_scores_change_nothing(self):
        rng = np.random.default_rng(4)
        frame = pd.DataFrame({"g": rng.choice(list("abc"), 90), "x": rng.integers(1, 6, 90)})
        weights = pd.Series(rng.exponential(size=90))
        mixed = frame.assign(x=np.exp(frame["x"])).sample(frac=1, random_state=1)
        for own in (None, weights):
            result = compare_groups(frame, "g", "x", weights=own)
            moved = compare_groups(mixed, "g", "x", weights=own)
            close([moved.statistic, moved.estimate], [result.statistic, result.estimate])
            down = compare_groups(frame.assign(x=-frame["x"]), "g", "x", weights=own)
            close([down.statistic, down.estimate], [result.statistic, result.estimate])
            a, b = result.pairs, down.pairs
            close(b[["estimate", "conf_low"]], -a[["estimate", "conf_high"]].to_numpy())

    def test_equal_weights_nearly_agree(self):
        frame = sized({"A": 300, "B": 300}).assign(shop=np.repeat(["A", "B"], 300))
        frame.loc[:80, "q1"] = 5
        ones = pd.Series(1.0, index=frame.index)
        plain, same = (
            compare_groups(frame, "shop", "q1"),
            compare_groups(frame, "shop", "q1", weights=ones),
        )
        close(same.estimate, plain.estimate)
        assert same.statistic == pytest.approx(plain.statistic, rel=0.1)
        close(same.pairs[PAIR], plain.pairs[PAIR])

    def test_groups_withheld_stay_out(self):
        frame = sized({"A": 40, "B": 35, "C": 12, "D": 4})
        result = compare_groups(frame, "shop", "q1")
        alone = compare_groups(frame[frame["shop"].isin(["A", "B"])], "shop", "q1")
        assert result.statistic == alone.statistic and result.n_used == 75
        assert result.table["n"].fillna(0).tolist() == [40, 35, 0, 0]
        hidden = result.table["flag"] == "suppressed"
        assert result.table.loc[hidden, ["estimate", "std_error"]].isna().all(axis=None)
        assert len(result.pairs) == 1
        assert sentences(result)[0].endswith("would give away one that has: 2.")

    @pytest.mark.parametrize("weighted", [False, True])
    def test_degenerate(self, weighted):
        def compared(frame, **options):
            ones = pd.Series(1.0, index=frame.index) if weighted else None
            return compare_groups(frame, "shop", "q1", weights=ones, **ALL | options)

        few = "Fewer than two groups have enough answers."
        same = "All answers are the same."
        empty = sized({"A": 3}).iloc[:0]
        for frame, why in [
            (empty, "There are no answers."),
            (sized({"A": 3}).assign(q1=np.nan), "There are no answers."),
            (sized({"A": 3}).assign(shop=None), "There are no answers."),
            (sized({"A": 9}), few),
            (sized({"A": 9, "B": 4}, (4,)), same),
        ]:
            result = compared(frame)
            assert (str(result.not_estimable), result.estimate) == (why, None)
            assert list(result.pairs) == ["a", "b", *PAIR, "p_holm"]
        withheld = compared(sized({"A": 40, "B": 9}), minimum_base=10, caution_base=10)
        assert str(withheld.not_estimable) == few
        two = compared(pd.DataFrame({"shop": list("AABB"), "q1": [1.0, 1, 2, 2]}))
        assert two.estimate == pytest.approx(1)
        assert two.pairs[["statistic", "p_value", "p_holm"]].isna().all(axis=None)
        if weighted:
            assert two.statistic is None and sentences(two) == [
                "In several groups all answers are the same: there is no weighted test."
            ]
            one_each = compared(pd.DataFrame({"shop": list("AB"), "q1": [1, 2]}))
            assert str(one_each.not_estimable) == "There are no more answers than groups."

    def test_refuses(self):
        frame = sized({"A": 3})
        with pytest.raises(ValueError, match=r"^column 'q2' is missing; the frame has \['shop'"):
            compare_groups(frame, "shop", "q2")
        with pytest.raises(ValueError, match=r"^column 'shop' holds 'A': a numeric column is"):
            compare_groups(frame, "q1", "shop")
        with pytest.raises(ValueError, match=r"^minimum_base is 50 and caution_base 30"):
            compare_groups(frame, "shop", "q1", minimum_base=50)
        with pytest.raises(ValueError, match=r"^conf_level is 95: a share"):
            compare_groups(frame, "shop", "q1", conf_level=95)

    def test_methods(self):
        frame = sized({"A": 10, "B": 10})
        assert str(compare_groups(frame, "shop", "q1").method) == (
            "Kruskal–Wallis test with ε², pairs by Welch's t test with Holm's correction; rows"
            " without an answer or a group are left out."
        )
        result = compare_groups(frame, "shop", "q1", weights=pd.Series(1.0, index=frame.index))
        assert str(result.method) == (
            "Design-based rank test (Lumley and Scott) with ε², pairs by t test with linearised"
            " standard errors and Holm's correction; respondents without an answer, a group or a"
            " weight are left out."
        )


class TestHolm:
    def test_against_r(self, reference):
        expected = reference["holm"]
        names = [f"test {number}" for number in range(len(expected["p"]))]
        result = holm(dict(zip(names, expected["p"], strict=True)))
        assert list(result.table) == ["test", "p_value", "p_holm"]
        assert result.table["test"].tolist() == names
        close(result.table["p_value"], np.array(expected["p"], dtype=float))
        close(result.table["p_holm"], np.array(expected["p_holm"], dtype=float))
        assert (result.n_used, result.n_dropped) == (7, 1)
        assert str(result.method) == "Holm's correction over a family of tests: 7."

    def test_nothing_and_nonsense(self):
        assert str(holm({}).not_estimable) == "There are no tests."
        assert str(holm({"a": None}).not_estimable) == "There are no tests."
        with pytest.raises(ValueError, match=r"^test 'a' has p = 1.2: a value from 0 to 1"):
            holm(pd.Series({"a": 1.2}))


class TestCrosstab:
    def test_against_r(self, studied):
        frame, expected = studied
        result, of = crosstab(frame, "g", "c"), expected["crosstab"]
        close([result.statistic, result.df, result.estimate], [of["chisq"], of["df"], of["v"]])
        close([result.v_corrected], [of["v_corrected"]])
        assert_allclose(result.p_value, of["p"], rtol=1e-9)
        assert_allclose([result.conf_low, result.conf_high], of["v_ci"], rtol=1e-8)
        assert_allclose([result.conf_low, result.conf_high], of["v_ci_effectsize"], atol=1e-3)
        assert list(result.table) == [
            *["row", "column", "n", "base", "estimate", "conf_low", "conf_high"],
            *["expected", "residual", "flag"],
        ]
        counts = np.array(of["counts"])
        assert result.table["n"].tolist() == counts.ravel().tolist()
        base = counts.sum(axis=1, keepdims=True)
        close(result.table["estimate"], (counts / base).ravel())
        assert result.table["base"].tolist() == np.repeat(base, counts.shape[1]).tolist()
        close(result.table["expected"], np.ravel(of["expected"]))
        close(result.table["residual"], np.ravel(of["stdres"]))
        close(result.table.loc[0, ["conf_low", "conf_high"]], of["wilson_first"])
        assert result.n_few_expected == (np.array(of["expected"]) < 5).sum()
        assert result.df_error is None and result.design_effect is None

    def test_weighted(self, studied):
        frame, expected = studied
        result, of = crosstab(frame, "g", "c", weights=frame["w"]), expected["crosstab_weighted"]
        close(
            [result.statistic, result.df, result.df_error, result.design_effect, result.estimate],
            [of["F"], of["ndf"], of["ddf"], of["deff"], of["v"]],
        )
        assert_allclose(result.p_value, of["p"], rtol=1e-8)
        close(result.v_corrected, of["v_corrected"])
        assert_allclose([result.conf_low, result.conf_high], of["v_ci"], rtol=1e-8)
        close(result.table["estimate"], np.ravel(of["shares"]))
        close(result.table["expected"], np.ravel(of["expected"]))
        close(result.table["residual"], np.ravel(of["stdres"]))
        close(result.table.loc[0, ["conf_low", "conf_high"]], of["ci_first"])
        used = frame["w"] > 0
        assert result.n_used == used.sum() == result.table["n"].sum()
        assert result.n_dropped == (~used).sum()

    def test_transposed_and_mixed(self):
        rng = np.random.default_rng(8)
        frame = pd.DataFrame({"a": rng.choice(list("xyz"), 200), "b": rng.choice(4, 200)})
        weights = pd.Series(rng.exponential(size=200))
        for own in (None, weights):
            result = crosstab(frame, "a", "b", weights=own)
            for other in (
                crosstab(frame, "b", "a", weights=own),
                crosstab(frame.sample(frac=1, random_state=2), "a", "b", weights=own),
                crosstab(frame, "a", "b", weights=None if own is None else 50 * own),
            ):
                close(
                    [other.statistic, other.df, other.p_value, other.estimate, other.conf_high],
                    [
                        *[result.statistic, result.df, result.p_value],
                        *[result.estimate, result.conf_high],
                    ],
                )
            totals = result.table.groupby("row")["estimate"].sum()
            close(totals, np.ones(3))

    def test_equal_weights_agree_up_to_the_correction_for_n(self):
        frame = pd.DataFrame({"a": [0, 1] * 60, "b": np.resize([0, 0, 1, 1, 1], 120)})
        plain = crosstab(frame, "a", "b")
        same = crosstab(frame, "a", "b", weights=pd.Series(3.0, index=frame.index))
        assert same.design_effect == pytest.approx(120 / 119 * (1 - plain.estimate**2), rel=0.05)
        close(same.estimate, plain.estimate)
        close(same.table["conf_low"], plain.table["conf_low"])

    @given(st.lists(st.integers(0, 12), min_size=6, max_size=6))
    def test_v_lies_in_its_interval(self, counts):
        cells = [
            pair for pair, n in zip(product("ab", "xyz"), counts, strict=True) for _ in range(n)
        ]
        result = crosstab(pd.DataFrame(cells, columns=["row", "column"]), "row", "column", **ALL)
        if result.not_estimable is None:
            assert 0 <= result.conf_low <= result.estimate <= result.conf_high <= 1
            assert 0 <= result.v_corrected <= 1

    def test_small_rows(self):
        cells = pd.DataFrame({"shop": np.repeat(list("ABCD"), [40, 30, 12, 3])})
        cells["late"] = np.resize([True, False, False], 85)
        result = crosstab(cells, "shop", "late")
        alone = crosstab(cells[:70], "shop", "late")
        assert result.statistic == alone.statistic and result.n_used == 70
        hidden = result.table["row"].isin(["C", "D"])
        figures = ["n", "base", "estimate", "conf_low", "conf_high", "expected", "residual"]
        assert result.table.loc[hidden, figures].isna().all(axis=None)
        assert result.table.loc[~hidden, figures].notna().all(axis=None)
        assert set(result.table.loc[hidden, "flag"]) == {"suppressed"}
        assert sentences(result) == [
            "Groups withheld, because they have fewer than 10 answers or would give away one that"
            " has: 2."
        ]

    def test_few_expected_is_said(self):
        frame = pd.DataFrame({"a": [0, 1] * 15, "b": [0] * 26 + [1] * 4})
        result = crosstab(frame, "a", "b")
        assert result.n_few_expected == 2
        assert sentences(result)[0] == (
            "Cells with an expected count below 5: 2 of 4; the test is approximate."
        )

    @pytest.mark.parametrize("weighted", [False, True])
    def test_degenerate(self, weighted):
        def crossed(rows, **options):
            frame = pd.DataFrame(rows, columns=["a", "b"])
            ones = pd.Series(1.0, index=frame.index) if weighted else None
            return crosstab(frame, "a", "b", weights=ones, **ALL | options)

        few = "Fewer than two rows or columns have enough answers."
        for rows, why in [
            ([], "There are no answers."),
            ([(None, 1), (2, None)], "There are no answers."),
            ([(1, 1)], few),
            ([(1, 1), (2, 1)] * 20, few),
            ([(1, 1), (1, 2)] * 20, few),
        ]:
            result = crossed(rows)
            assert (str(result.not_estimable), result.estimate) == (why, None)
        assert str(crossed([(1, 1), (2, 2)], minimum_base=10, caution_base=10).not_estimable) == few
        perfect = crossed([("x", 1), ("y", 2)] * 20)
        assert perfect.estimate == pytest.approx(1)
        if weighted:
            assert (perfect.statistic, perfect.conf_high) == (None, None)
        else:
            assert perfect.conf_high == pytest.approx(1) and perfect.p_value < 1e-9
        tiny = crossed([("x", 1), ("y", 2)])
        assert tiny.estimate == pytest.approx(1)
        unused = pd.CategoricalDtype(["x", "y", "z"], ordered=True)
        frame = pd.DataFrame({"a": ["x", "y"] * 20, "b": np.resize([1, 1, 2], 40)})
        frame["a"] = frame["a"].astype(unused)
        result = crosstab(frame, "a", "b", **ALL)
        assert result.df == 1 and result.table["estimate"].isna().sum() == 2

    def test_too_many_empty_cells(self):
        frame = pd.DataFrame({"a": np.repeat(range(5), 8), "b": np.repeat(range(5), 8)})
        result = crosstab(frame, "a", "b", weights=pd.Series(np.resize([1, 2], 40)), **ALL)
        assert result.estimate == pytest.approx(1) and result.statistic is None
        assert sentences(result)[-1] == "Too many cells are empty for the weighted test."

    def test_methods(self):
        frame = pd.DataFrame({"a": [0, 1] * 20, "b": np.resize([0, 1, 1], 40)})
        assert str(crosstab(frame, "a", "b").method) == (
            "Shares of a row with Wilson intervals, Pearson's χ² test without continuity correction"
            " and Cramér's V with 95% interval; rows without a level are left out."
        )
        result = crosstab(frame, "a", "b", weights=pd.Series(1.0, index=frame.index))
        assert str(result.method) == (
            "Weighted shares of a row with Wilson intervals on Kish's effective n, χ² test after"
            " Rao and Scott (second order, F) and Cramér's V with 95% interval; respondents without"
            " a level or a weight are left out."
        )


class TestCrossMeans:
    def test_weighted_cells(self, studied):
        frame, expected = studied
        result = cross_means(frame, "q", "g", "c", weights=frame["w"], **ALL)
        names = ["row", "column", "n", "estimate", "std_error", "conf_low", "conf_high", "flag"]
        assert list(result.table) == names
        cells = result.table.set_index(["row", "column"])
        for name, of in expected["cells"].items():
            row = cells.loc[tuple(name.split("|"))]
            close(row.iloc[:5], [of["n"], of["mean"], of["se"], *of["ci"]])
        assert result.n_used == sum(of["n"] for of in expected["cells"].values())

    def test_cells_are_means(self):
        rng = np.random.default_rng(6)
        frame = pd.DataFrame(
            {"a": rng.choice(list("xy"), 200), "b": rng.choice(3, 200), "q": rng.normal(size=200)}
        )
        frame.loc[0, "a"], frame.loc[1, "q"] = None, np.nan
        result = cross_means(frame, "q", "a", "b", conf_level=0.9, **ALL)
        assert (result.n_used, result.n_dropped, result.conf_level) == (198, 2, 0.9)
        for row in result.table.itertuples():
            alone = mean_score(
                frame.loc[(frame["a"] == row.row) & (frame["b"] == row.column), "q"],
                conf_level=0.9,
            )
            figures = [row.n, row.estimate, row.std_error, row.conf_low, row.conf_high]
            assert figures == [
                *[alone.n_used, alone.estimate, alone.std_error],
                *[alone.conf_low, alone.conf_high],
            ]
        assert str(result.method) == (
            "By group, rows without a group left out. Arithmetic mean with 90% t interval; missing"
            " answers are left out."
        )

    def test_small_cells(self):
        sizes = {("x", 0): 3, ("x", 1): 40, ("x", 2): 20, ("y", 0): 40, ("y", 1): 50, ("y", 2): 15}
        cells = [cell for cell, n in sizes.items() for _ in range(n)]
        frame = pd.DataFrame(cells, columns=["a", "b"]).assign(q=4.0)
        table = cross_means(frame, "q", "a", "b").table.set_index(["row", "column"])
        hidden = table.index[table["flag"] == "suppressed"].tolist()
        assert hidden == [("x", 0), ("x", 2), ("y", 0), ("y", 2)]
        assert table.loc[hidden].drop(columns="flag").isna().all(axis=None)
        assert table.loc[[("x", 1), ("y", 1)], "n"].tolist() == [40, 50]

    def test_enough_respondents_without_a_level_hide_nothing(self):
        cells = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1], [0, -1]], [20, 20, 20, 20, 15], axis=0)
        assert not withheld_cells(cells[:, 0], cells[:, 1], (2, 2), 10).any()
        fewer = withheld_cells(cells[:-8, 0], cells[:-8, 1], (2, 2), 10)
        assert fewer.all()

    def test_a_cell_between_two_blocks_does_not_follow_from_the_totals(self):
        counts = np.full((4, 4), 50)
        counts[:2, :2] = counts[2:, 2:] = 6
        counts[0, 2] = 7  # rows 0 and 1 less columns 0 and 1, as far as they are withheld
        rows, columns = np.repeat(np.indices((4, 4)).reshape(2, -1), counts.ravel(), axis=1)
        hidden = withheld_cells(rows, columns, (4, 4), 10)
        assert hidden[counts < 10].all() and 0 < hidden[counts >= 10].sum() < 7
        lines = [rows == k for k in range(4)] + [columns == k for k in range(4)]
        cells = [(rows == row) & (columns == column) for row, column in np.argwhere(~hidden)]
        assert apart((rows == 0) & (columns == 2), lines + cells)

    def test_nothing(self):
        frame = pd.DataFrame({"a": ["x"], "b": ["y"], "q": [np.nan]})
        for nothing in (frame, frame.iloc[:0], frame.assign(a=None, q=1)):
            result = cross_means(nothing, "q", "a", "b")
            assert str(result.not_estimable) == "There are no answers."
            assert result.table["estimate"].isna().all()

    @settings(max_examples=60)
    @given(st.data())
    def test_no_small_cell_follows_from_what_is_shown(self, data):
        rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
        sizes = data.draw(st.tuples(st.integers(2, 5), st.integers(2, 5)))
        n = data.draw(st.integers(40, 400))
        rows, columns = (rng.choice(k, n, p=rng.dirichlet([1.5] * k)) for k in sizes)
        lost = data.draw(st.sampled_from([0, 0.05]))
        rows[rng.random(n) < lost], columns[rng.random(n) < lost] = -1, -1
        hidden = withheld_cells(rows, columns, sizes, 10)
        inside = (rows >= 0) & (columns >= 0)
        # What a reader may know: all, all with both levels, the levels that by_segment shows, and
        # the cells shown. What the levels alone give away no choice of cells can keep.
        known = [np.ones(n), inside]
        for codes, k in zip((rows, columns), sizes, strict=True):
            known += [codes == level for level in np.flatnonzero(~withheld_levels(codes, k, 10))]
        cells = {
            cell: (rows == cell[0]) & (columns == cell[1]) for cell in product(*map(range, sizes))
        }
        shown = [members for cell, members in cells.items() if not hidden[cell]]
        assert all(members.sum() >= 10 for members in shown)
        for members in cells.values():
            if 0 < members.sum() < 10 and apart(members, known):
                assert apart(members, known + shown)

    def test_many_cells(self):
        rng = np.random.default_rng(7)
        frame = pd.DataFrame({"a": rng.integers(0, 60, 20_000), "b": rng.integers(0, 40, 20_000)})
        result = cross_means(frame.assign(q=rng.integers(1, 6, 20_000)), "q", "a", "b")
        assert len(result.table) == 2400
        assert (result.table["n"].dropna() >= 10).all()


class TestRankUnits:
    @pytest.mark.parametrize("kind", ["unweighted", "unweighted90", "weighted"])
    def test_against_r(self, reference, kind):
        expected = reference["units_made"]
        frame, of = pd.DataFrame(expected["data"]), reference["units_made"][kind]
        result = rank_units(
            frame,
            "u",
            "y",
            weights=frame["w"] if kind == "weighted" else None,
            conf_level=0.9 if kind.endswith("90") else 0.95,
        )
        assert list(result.table) == [
            *["unit", "n", "estimate", "std_error", "conf_low", "conf_high"],
            *["rank", "rank_low", "rank_high", "estimate_shrunk", "flag"],
        ]
        table = result.table.set_index("unit").loc[of["units"]]
        for column, key in [
            ("n", "n"),
            ("rank", "rank"),
            ("rank_low", "low"),
            ("rank_high", "high"),
        ]:
            assert table[column].tolist() == of[key], column
        close(table[["estimate", "std_error"]], np.transpose([of["mean"], of["se"]]))
        assert_allclose(table["estimate_shrunk"], of["shrunk"], rtol=1e-7)
        assert_allclose([result.grand_mean, result.between_sd], [of["mu"], of["tau"]], rtol=1e-7)
        own = [
            mean_score(
                rows["y"],
                weights=rows["w"] if kind == "weighted" else None,
                conf_level=result.conf_level,
            )
            for _, rows in frame.groupby("u")
        ]
        limits = result.table.set_index("unit").sort_index()[["conf_low", "conf_high"]]
        close(limits, [[mean.conf_low, mean.conf_high] for mean in own])
        assert result.table["rank"].is_monotonic_increasing
        better = [low - 1 for low in of["low"]]
        assert (result.n_units, result.n_pairs, result.n_distinct) == (9, 36, sum(better))
        assert result.n_used == len(frame)

    def test_the_true_ranks_are_covered(self):
        rng = np.random.default_rng(11)
        truth = np.array([3.2, 3.2, 3.5, 3.6, 4.0, 4.4])
        best = [1 + (truth > mean).sum() for mean in truth]
        worst = [(truth >= mean).sum() for mean in truth]
        sizes = np.array([12, 30, 15, 40, 25, 20])
        units = np.repeat(range(6), sizes)
        covered = exact = 0
        for _ in range(120):
            answers = np.clip(np.round(rng.normal(truth[units], 0.9)), -9, 99)
            result = rank_units(pd.DataFrame({"u": units, "y": answers}), "u", "y")
            table = result.table.set_index("unit").sort_index()
            covered += bool(((table["rank_low"] <= best) & (table["rank_high"] >= worst)).all())
            exact += bool((table["rank_low"] == table["rank_high"]).any())
        assert covered >= 0.95 * 120
        assert exact < 120

    def test_shrinking_pulls_uncertain_means_in(self):
        rng = np.random.default_rng(12)
        frame = pd.DataFrame({"u": np.repeat(["big", "small", "other"], [400, 12, 60])})
        frame["y"] = rng.normal(frame["u"].map({"big": 4, "small": 4, "other": 3}), 1)
        result = rank_units(frame, "u", "y")
        table = result.table.set_index("unit")
        pull = (table["estimate_shrunk"] - table["estimate"]).abs()
        assert pull["big"] < pull["small"]
        spread = (table["estimate"] - result.grand_mean).abs()
        assert ((table["estimate_shrunk"] - result.grand_mean).abs() <= spread).all()
        alike = rank_units(sized({"A": 30, "B": 30}), "shop", "q1")
        assert alike.between_sd == 0
        close(alike.table["estimate_shrunk"], [alike.grand_mean] * 2)
        assert alike.table["rank"].tolist() == [1, 1]
        assert alike.table[["rank_low", "rank_high"]].to_numpy().tolist() == [[1, 2]] * 2

    def test_turned_round(self):
        rng = np.random.default_rng(13)
        frame = pd.DataFrame({"u": np.repeat(range(5), 20), "y": rng.normal(size=100)})
        frame["y"] += frame["u"]
        up = rank_units(frame, "u", "y").table.set_index("unit").sort_index()
        mirrored = frame.assign(y=-frame["y"]).sample(frac=1, random_state=1)
        down = rank_units(mirrored, "u", "y").table.set_index("unit").sort_index()
        assert (up["rank_low"] == 6 - down["rank_high"]).all()
        close(up["estimate_shrunk"], -down["estimate_shrunk"])

    def test_small_units_are_not_ranked(self):
        frame = sized({"A": 40, "B": 5, "C": 35, "D": 12}, (3, 4, 4, 5, 5, 5, 4))
        result = rank_units(frame, "shop", "q1")
        assert set(result.table["unit"][:2]) == {"A", "C"} and result.n_units == 2
        assert result.table["flag"].tolist() == ["", "", "suppressed", "suppressed"]
        figures = result.table.columns.drop(["unit", "flag"])
        assert result.table.loc[2:, figures].isna().all(axis=None)
        assert (result.n_used, result.n_pairs) == (92, 1)

    def test_a_unit_whose_answers_are_all_the_same(self):
        frame = sized({"A": 30, "B": 20, "C": 20}, (3.0, 4.0, 5.0, 3.0))
        frame.loc[frame["shop"] == "B", "q1"] = 11 / 3
        result = rank_units(frame, "shop", "q1")
        table = result.table.set_index("unit")
        spreads = frame[frame["shop"] != "B"].groupby("shop")["q1"].var()
        pooled = (29 * spreads["A"] + 19 * spreads["C"]) / (29 + 19 + 19)
        close(table.loc["B", "std_error"], np.sqrt(pooled / 20))
        assert sentences(result)[0] == (
            "Units whose answers are all the same take the spread within the others: 1."
        )

    def test_degenerate(self):
        few = "Fewer than two units have enough answers to be ranked."
        for frame, why in [
            (sized({"A": 3}).iloc[:0], "There are no answers."),
            (sized({"A": 3}).assign(q1=np.nan), "There are no answers."),
            (sized({"A": 3}), few),
            (sized({"A": 1, "B": 1}), few),
            (sized({"A": 5, "B": 1}), few),
            (sized({"A": 9, "B": 4}, (4,)), "Nothing varies within the units."),
            (sized({"A": 9, "B": 4}, (0,)), "Nothing varies within the units."),
        ]:
            result = rank_units(frame, "shop", "q1", **ALL)
            assert str(result.not_estimable) == why
            assert result.table["rank"].isna().all()
        two = rank_units(
            pd.DataFrame({"shop": list("AABB"), "q1": [1, 2, 4, 5]}), "shop", "q1", **ALL
        )
        assert two.table["unit"].tolist() == ["B", "A"]
        assert two.table["rank_high"].tolist() == [2, 2]

    def test_methods(self):
        frame = sized({"A": 20, "B": 20})
        start = "ranked, rank intervals at 95% for all units together by pairwise t tests"
        assert str(rank_units(frame, "shop", "q1").method) == (
            f"Means {start} with Holm's correction; means shrunk by empirical Bayes; rows without"
            " an answer or a unit are left out."
        )
        result = rank_units(frame, "shop", "q1", weights=pd.Series(1.0, index=frame.index))
        assert str(result.method) == (
            f"Weighted means {start} on linearised standard errors with Holm's correction; means"
            " shrunk by empirical Bayes; respondents without an answer, a unit or a weight are left"
            " out."
        )


def test_results_become_plain_python():
    frame = sized({"A": 40, "B": 30, "C": 3}).assign(late=np.resize([True, False, False], 73))
    for result in (
        compare_groups(frame, "shop", "q1"),
        crosstab(frame, "shop", "late"),
        cross_means(frame, "q1", "shop", "late"),
        rank_units(frame, "shop", "q1"),
        holm({"a": 0.2, "b": None}),
    ):
        plain = result.to_dict()
        assert isinstance(plain["method"], str) and plain["table"]
        assert "NaN" not in str(plain) and result._repr_html_()
