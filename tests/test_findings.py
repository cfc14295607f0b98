"""Conclusions: the sentence under a table, its verdict at both sides of every threshold."""

from __future__ import annotations

from math import inf, nextafter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from projects import make_project, material, table

from csat_stats import reliability, sampling, satisfaction, validity
from csat_stats.report import comparisons, design, findings, metrics
from csat_stats.report.findings import Finding
from csat_stats.report.findings.measurement import ALPHA_GRADES, KMO_GRADES, grade
from csat_stats.report.material import Material
from csat_stats.study import Plan
from csat_stats.study.plan import Grades, Thresholds

ALPHA, KMO = Grades().alpha, Grades().kmo


def above(value: float | None) -> float:
    """The next number above."""
    assert value is not None
    return nextafter(value, inf)


def below(value: float | None) -> float:
    assert value is not None
    return nextafter(value, -inf)


def told(finding: Finding) -> tuple[str, str, str]:
    return finding.id, finding.level, str(finding.text)


# --- the sampling plan


@pytest.mark.parametrize(
    ("planned", "level", "verdict"), [(385, "met", "enough."), (384, "not_met", "too few.")]
)
def test_plan_size(planned: int, level: str, verdict: str) -> None:
    needed = sampling.sample_size_proportion(margin=0.05)
    assert told(findings.plan_size(needed, planned, 0.05, "sample_size")) == (
        "plan_size",
        level,
        f"{planned} responses are planned, 385 are needed for a margin of ±5.0%: {verdict}",
    )


FRAME = pd.DataFrame(
    {
        "city": ["north", "north", "south", "south"],
        "type": ["new", "old", "new", "old"],
        "population": [4000, 3000, 2000, 1000],
        "planned": [40, 30, 20, 10],
    }
)


def expected(planned: list[int], by: tuple[str, ...] = ("city", "type")) -> Any:
    return sampling.expected_precision(FRAME.assign(planned=planned), by=by)


def test_precision() -> None:
    result = expected([40, 30, 20, 10])
    assert told(findings.precision(result, ["city", "type"], 30, "precision")) == (
        "precision",
        "info",
        "Expected margins of error: ±9.8% for all customers, ±11.7% to ±17.8% by segment.",
    )
    # Cells are not segments: 10 planned in one of them are no reason to worry.
    level, text = told(findings.precision(result, ["city", "type"], 41, "precision"))[1:]
    assert level == "watch"
    assert text.endswith(" by segment. Fewer than 41 responses: south, old.")


def test_precision_of_a_segment_without_a_plan() -> None:
    result = expected([40, 30, 0, 0])
    level, text = told(findings.precision(result, ["city"], 30, "precision"))[1:]
    assert level == "watch"
    assert text.endswith("±11.7% to ±11.7% by segment. Fewer than 30 responses: south.")
    assert told(findings.precision(expected([0] * 4), ["city"], 30, "precision")) == (
        "precision",
        "not_estimable",
        "Expected precision: not estimable. The plan has no interviews.",
    )


def chance(target: dict[str, Any], planned: int = 100) -> design.Chance:
    plan = Plan.model_validate(
        {
            "title": "x",
            "data": {},
            "dimensions": {"Staff": ["kind"]},
            "overall": "how",
            "sampling": {},
            "targets": [{"name": "Aim", **target}],
        }
    )
    (found,) = design.chances(plan, pd.DataFrame({"planned": [planned]}))
    return found


def test_chance() -> None:
    found = chance({"metric": "satisfied", "baseline": 0.6, "target": 0.75})
    assert found.power is not None
    power = found.power.estimate
    text = (
        "Aim: with 100 responses a wave the rise from 60.0% to 75.0% shows with a probability of "
        f"{power:.0%}; 80% takes 152."
    )
    assert told(findings.chance(found, 0.8, "chances")) == ("chance.Aim", "watch", text)
    assert power is not None and findings.chance(found, power, "chances").level == "met"
    assert findings.chance(found, above(power), "chances").level == "watch"


def test_chance_in_the_units_of_the_figure() -> None:
    found = chance({"metric": "Staff", "baseline": 3.5, "target": 4.25})
    assert told(findings.chance(found, 0.8, "chances"))[1:] == (
        "met",
        "Aim: with 100 responses a wave the rise from 3.50 to 4.25 shows with a probability of "
        ">\u00a099%; 80% takes 29.",
    )


def test_a_chance_that_is_not_known() -> None:
    found = chance({"metric": "satisfied", "target": 0.75})
    assert told(findings.chance(found, 0.8, "chances")) == (
        "chance.Aim",
        "not_estimable",
        "Aim: not estimable. The target has no baseline.",
    )


# --- weights


def weighted(root: Path, weights: list[int], answers: list[int]) -> Finding:
    rows = [[str(a), str(w)] for a, w in zip(answers, weights, strict=True)]
    study = (
        "title: x\nlanguage: en\ndata: {responses: answers.csv}\ndimensions: {Staff: kind}\n"
        "sampling: {weight: given}\n"
    )
    files = {"params/small.yml": study, "data/raw/answers.csv": table(["kind", "given"], rows)}
    found = material(make_project(root, files))
    responses = found.responses
    shown, results = design.side_by_side(found, responses, responses["weight"])
    return findings.weighted(shown, results[0], found.measure("index", responses), "weighted")


def test_weights_that_change_little(tmp_path: Path) -> None:
    assert told(weighted(tmp_path, [1, 2, 1, 2, 1, 2], [1, 2, 3, 4, 5, 3])) == (
        "weighted",
        "info",
        # (1·0 + 2·25 + 1·50 + 2·75 + 1·100 + 2·50)/9 = 50; SE² = 6/5·(4·50²)/9², t with 5 df;
        # at random it would be (2·50² + 4·25²)/9/5
        "Weighted to the population the index is 50.0 [18.7, 81.3] instead of 50.0; the weights "
        "cost precision like a sample of 7 (design effect 0.89).",
    )


def test_weights_that_move_the_index_out_of_its_interval(tmp_path: Path) -> None:
    found = weighted(tmp_path, [30, 1, 1, 1, 1, 1], [1, 4, 4, 5, 5, 4])
    assert found.level == "watch"
    assert str(found.text).startswith("Weighted to the population the index is 12.1 [")
    assert " instead of 70.8; " in str(found.text)


@pytest.mark.parametrize(
    ("weights", "answers"), [([1, 2, 3], [4, 4, 4]), ([1], [4]), ([0, 0, 2], [1, 3, 5])]
)
def test_weights_of_answers_that_are_too_few_or_alike(
    weights: list[int], answers: list[int], tmp_path: Path
) -> None:
    assert told(weighted(tmp_path, weights, answers)) == (
        "weighted",
        "not_estimable",
        "Weighted index: not estimable. The answers are too few, or all the same.",
    )


# --- segments and units


SEGMENTED = """\
title: A study
language: en
data: {responses: answers.csv}
dimensions: {Speed: [fast], Staff: [kind]}
overall: how
segments: {city: [north, south, west, east], type: , none: }
thresholds: {minimum_base: 5, caution_base: 10}
%s
"""


def segmented(root: Path, gap: int, more: str = "") -> Material:
    """20 answers of north and south, 3 of west and east: the north is better by ``gap``."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(46):
        city = ("north", "south", "west", "east")[i % 2 + 2 * (i >= 40)]
        scores = rng.integers(1, 6 - gap, 3) + gap * (city == "north")
        rows.append([city, ("new", "old")[i // 2 % 2], "", *map(str, scores)])
    header = ["city", "type", "none", "fast", "kind", "how"]
    files = {"params/small.yml": SEGMENTED % more, "data/raw/answers.csv": table(header, rows)}
    return material(make_project(root, files))


def all_tests(found: Material) -> tuple[pd.DataFrame, list[Any]]:
    values = metrics.values(found.plan, found.responses)
    crossed = found.responses[list(found.plan.segments)].join(values)
    return comparisons.tests(found, crossed, {"index": "The index"})


def test_pairs_to_cross(tmp_path: Path) -> None:
    assert comparisons.pairs(segmented(tmp_path, 0).plan) == [("city", "type")]
    chosen = segmented(tmp_path, 0, "crosstabs: [[type, none], [none, city]]").plan
    assert comparisons.pairs(chosen) == [("type", "none"), ("none", "city")]
    few = Plan.model_validate(
        {"title": "x", "data": {}, "dimensions": {"a": ["b"]}, "segments": ["c"]}
    )
    assert comparisons.pairs(few) == []


def test_every_metric_is_compared_within_every_segment(tmp_path: Path) -> None:
    found = segmented(tmp_path, 2)
    tests, results = all_tests(found)
    measures = ["index", "satisfied", "Speed", "Staff"]
    assert list(zip(tests["segment"], tests["measure"], strict=True)) == [
        (segment, "The index" if metric == "index" else metric)
        for segment in ("city", "type")  # nobody has a level of the third
        for metric in measures
    ]
    crossed = found.responses.join(metrics.values(found.plan, found.responses))
    for row, metric in zip(tests.itertuples(), measures * 2, strict=True):
        bases = {"minimum_base": 5, "caution_base": 10}
        compared = satisfaction.compare_groups(crossed, row.segment, metric, **bases)
        shown = compared.table.dropna(subset="estimate").sort_values("estimate")
        assert (row.lowest, row.highest) == (shown["level"].iloc[0], shown["level"].iloc[-1])
        test: Any = compared
        if metric == "satisfied":
            test = satisfaction.crosstab(crossed, row.segment, metric, **bases)
        assert row.effect == ("Cramér's V" if metric == "satisfied" else "ε²")
        found_figures = (row.n, row.statistic, row.df, row.p_value, row.estimate)
        figures = (test.n_used, test.statistic, test.df, test.p_value, test.estimate)
        assert found_figures == figures
    # One family: all eight together.
    ordered = tests.sort_values("p_value")["p_value"].to_numpy() * np.arange(8, 0, -1)
    expected = np.minimum(np.maximum.accumulate(ordered), 1)
    np.testing.assert_allclose(np.sort(tests["p_holm"]), expected, rtol=1e-12)
    assert len(results) == 9 and isinstance(results[-1], satisfaction.HolmFamily)
    levels = set(tests["lowest"]) | set(tests["highest"])
    assert levels == {"north", "south", "new", "old"}  # the others have 3 answers


def test_differences(tmp_path: Path) -> None:
    tests, _ = all_tests(segmented(tmp_path, 2))
    sure = int((tests["p_holm"] < 0.05).sum())
    first = tests.loc[tests["p_value"].idxmin()]
    assert 0 < sure < 8 and first["segment"] == "city"
    p = "< .001" if first["p_holm"] < 0.001 else f"= {first['p_holm']:.3f}".replace("0.", ".")
    assert told(findings.differences(tests, 0.95, "differences")) == (
        "differences",
        "info",
        f"{sure} of 8 comparisons between segments are beyond chance (Holm's correction). The "
        f"clearest: {first['measure']} by city ({first['effect']} = {first['estimate']:.3f}, "
        f"p {p}), highest for north, lowest for south.",
    )
    # At a level that leaves one of them: the clearest.
    strict = 1 - float(tests["p_holm"].nsmallest(2).mean())
    assert str(findings.differences(tests, strict, "t").text).startswith("1 of 8 ")


def test_no_differences(tmp_path: Path) -> None:
    tests, _ = all_tests(segmented(tmp_path, 0))
    found = findings.differences(tests, 0.95, "differences")
    assert told(found) == (
        "differences",
        "info",
        "None of the 8 comparisons between segments is beyond chance (Holm's correction).",
    )
    assert found.n == 46


def test_nothing_to_compare(tmp_path: Path) -> None:
    found = segmented(tmp_path, 2)
    nothing = found.responses.assign(city="north", type="new")
    crossed = nothing[["city", "type", "none"]].join(metrics.values(found.plan, nothing))
    tests, results = comparisons.tests(found, crossed, {})
    assert tests.empty and results == []


def ranked(scores: dict[str, list[int]], **bases: int) -> satisfaction.UnitRanking:
    frame = pd.DataFrame(
        [(unit, score) for unit, values in scores.items() for score in values],
        columns=["shop", "index"],
    )
    return satisfaction.rank_units(frame, "shop", "index", **bases)


def test_ranking() -> None:
    result = ranked({"A": [50, 75] * 8, "B": [75, 100] * 8, "C": [50, 75] * 7 + [75, 75]})
    found = findings.ranking(result, "shop", "Shop", "ranking-1")
    assert told(found) == (
        "ranking.shop",
        "info",
        "Shop: 3 are ranked. Highest is B with 87.5 (rank 1 to 1), lowest is A with 62.5 "
        "(rank 2 to 3). Of 3 pairs 2 differ beyond doubt.",
    )
    assert (found.n, found.tables) == (48, ("ranking-1",))


def test_a_ranking_that_tells_nobody_apart() -> None:
    result = ranked({"A": [25, 75] * 8, "B": [25, 100] * 8})
    level, text = told(findings.ranking(result, "shop", "Shop", "ranking-1"))[1:]
    assert level == "watch"
    assert text.endswith(
        "(rank 1 to 2). Of 1 pairs 0 differ beyond doubt. Rewards or penalties by rank would "
        "reward chance."
    )


def test_a_ranking_of_one() -> None:
    result = ranked({"A": [25, 75] * 8, "B": [25, 100]})
    assert told(findings.ranking(result, "shop", "Shop", "ranking-1")) == (
        "ranking.shop",
        "not_estimable",
        "Ranking by Shop: not estimable. Fewer than two units have enough answers to be ranked.",
    )


# --- verbal grades


@pytest.mark.parametrize(
    ("value", "word"),
    [
        *[(-0.4, "unacceptable"), (below(0.6), "unacceptable"), (0.6, "questionable")],
        *[(below(0.7), "questionable"), (0.7, "acceptable"), (0.8, "good"), (0.9, "excellent")],
        (1.0, "excellent"),
    ],
)
def test_grade_of_alpha(value: float, word: str) -> None:
    assert str(grade(value, ALPHA, ALPHA_GRADES)) == word


@pytest.mark.parametrize(
    ("value", "word"),
    [
        *[(0.0, "unacceptable"), (below(0.5), "unacceptable"), (0.5, "miserable")],
        *[(0.6, "mediocre"), (0.7, "middling"), (0.8, "meritorious"), (below(0.9), "meritorious")],
        *[(0.9, "marvellous"), (1.0, "marvellous")],
    ],
)
def test_grade_of_kmo(value: float, word: str) -> None:
    assert str(grade(value, KMO, KMO_GRADES)) == word


def test_there_is_a_word_for_every_grade() -> None:
    assert len(ALPHA_GRADES) == len(ALPHA) + 1
    assert len(KMO_GRADES) == len(KMO) + 1


def test_the_study_sets_its_own_grades() -> None:
    assert str(grade(0.72, [0.5, 0.65, 0.75, 0.95], ALPHA_GRADES)) == "acceptable"


# --- reliability


def answers(n: int = 300, r: float = 0.4, loading: float = 0.8, seed: int = 1) -> pd.DataFrame:
    """Three items of each of two dimensions that correlate by ``r``, scored 1–5."""
    rng = np.random.default_rng(seed)
    traits = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], n)
    errors = rng.normal(size=(n, 6)) * np.sqrt(1 - loading**2)
    scores = np.repeat(traits, 3, axis=1) * loading + errors
    return pd.DataFrame(np.clip(np.round(scores + 3), 1, 5), columns=ITEMS)


ITEMS = ["a1", "a2", "a3", "b1", "b2", "b3"]
MODEL = {"Speed": ITEMS[:3], "Staff": ITEMS[3:]}
CONSTANT = pd.DataFrame({item: [1.0, 2, 3, 3, 5, 4] * 2 for item in ITEMS}).assign(a1=4.0)
NO_VARIANCE = "not estimable. No variance in a1: every respondent gave the same answer."


def alphas(items: pd.DataFrame) -> dict[str, reliability.CronbachAlpha]:
    return {name: reliability.cronbach_alpha(items[members]) for name, members in MODEL.items()}


def test_consistency() -> None:
    results = alphas(answers())
    low, high = sorted(results, key=lambda name: results[name].estimate or 0)
    least = results[low]
    assert least.estimate is not None
    shown = f"{least.estimate:.2f} [{least.conf_low:.2f}, {least.conf_high:.2f}] (acceptable)"
    at = findings.consistency(results, least.estimate, ALPHA, "alpha")
    assert [told(found) for found in at] == [
        (
            "alpha",
            "met",
            f"2 of 2 dimensions reach a Cronbach's α of {least.estimate:.2f}; the lowest of these "
            f"is {low} with {shown}.",
        )
    ]
    short, alone = findings.consistency(results, above(least.estimate), ALPHA, "alpha")
    assert (short.id, short.level) == ("alpha", "info")
    assert str(short.text).startswith("1 of 2 dimensions reach")
    assert f"the lowest of these is {high} with" in str(short.text)
    assert told(alone) == (
        f"alpha.{low}",
        "watch",
        f"{low}: Cronbach's α = {shown}, below {least.estimate:.2f}: read the dimension score with "
        "care.",
    )


def test_consistency_of_nothing() -> None:
    opposed = pd.DataFrame({"a1": [1.0, 2, 3, 4], "a2": [4.0, 3, 2, 2], "a3": [1.0, 3, 2, 4]})
    results = {
        "Opposed": reliability.cronbach_alpha(opposed[["a1", "a2"]]),
        "One item": reliability.cronbach_alpha(opposed[["a1"]]),
    }
    weak, single = findings.consistency(results, 0.7, ALPHA, "alpha")
    assert (weak.id, weak.level) == ("alpha.Opposed", "watch")
    assert "(unacceptable), below 0.70" in str(weak.text)
    assert (single.id, single.level) == ("alpha.One item", "not_estimable")
    assert str(single.text).startswith("One item: not estimable. ")


def test_ordered_categories() -> None:
    items = answers()
    lopsided = items.apply(lambda column: (column > 3.5) + (column > 4.5))  # 0, 1, 2: most are 0
    for data, much in ((items, False), (lopsided, True)):
        plain = alphas(data)
        ordinal = {name: reliability.ordinal_alpha(data[MODEL[name]]) for name in MODEL}
        adequacy = validity.ordinal_kmo(data)
        found = findings.ordered(plain, ordinal, adequacy, "alpha")
        assert found is not None
        gains = {
            name: (ordinal[name].estimate or 0) - (plain[name].standardized or 0) for name in MODEL
        }
        most = max(gains, key=lambda name: gains[name])
        assert (gains[most] >= 0.05) is much
        verdict = (
            "The answers are few or lopsided categories: quote the ordinal figures beside the "
            "usual ones."
            if much
            else "The difference is small: the usual figures can be quoted."
        )
        assert told(found) == (
            "ordinal",
            "info",
            "Taken as ordered categories (polychoric correlations), α changes most for "
            f"{most}: {ordinal[most].estimate:.2f} instead of {plain[most].standardized:.2f}. "
            f"KMO is {adequacy.estimate:.2f} instead of {adequacy.pearson:.2f}. {verdict}",
        )


def test_ordered_categories_without_a_figure() -> None:
    plain = alphas(CONSTANT)
    assert findings.ordered(plain, {}, validity.kmo(CONSTANT), "alpha") is None
    ordinal = {"Speed": reliability.ordinal_alpha(CONSTANT[MODEL["Speed"]])}
    assert ordinal["Speed"].estimate is None
    assert findings.ordered(plain, ordinal, validity.kmo(CONSTANT), "alpha") is None
    items = answers()
    ordinal = {"Staff": reliability.ordinal_alpha(items[MODEL["Staff"]])}
    found = findings.ordered(alphas(items), ordinal, validity.kmo(CONSTANT), "alpha")
    assert found is not None and "KMO" not in str(found.text)


# --- validity


def test_factorable() -> None:
    items = answers()
    adequacy, sphericity = validity.kmo(items), validity.bartlett_sphericity(items)
    at = findings.factorable(adequacy, sphericity, adequacy.estimate or 0, KMO, "kmo")
    assert told(at) == (
        "kmo",
        "met",
        f"KMO = {adequacy.estimate:.2f} (middling; needed {adequacy.estimate:.2f}); Bartlett "
        f"χ²(15) = {sphericity.statistic:,.1f}, p < .001: the items suit factor analysis.",
    )
    short = findings.factorable(adequacy, sphericity, above(adequacy.estimate), KMO, "kmo")
    assert short.level == "watch"
    assert str(short.text).endswith("p < .001: the items do not suit factor analysis.")


def test_answers_at_random_do_not_suit_factor_analysis() -> None:
    noise = pd.DataFrame(np.random.default_rng(2).normal(size=(100, 6)), columns=ITEMS)
    adequacy, sphericity = validity.kmo(noise), validity.bartlett_sphericity(noise)
    assert sphericity.p_value is not None and sphericity.p_value > 0.05
    found = findings.factorable(adequacy, sphericity, 0, KMO, "kmo")
    assert found.level == "watch" and "do not suit" in str(found.text)


def test_fit() -> None:
    crossed = {"Speed": ["a1", "a2", "b1"], "Staff": ["a3", "b2", "b3"]}
    result = validity.cfa(answers(), crossed)
    assert result.cfi is not None and result.rmsea is not None and result.srmr is not None
    at: dict[str, Any] = {"cfi": result.cfi, "rmsea": result.rmsea, "srmr": result.srmr}
    figures = (
        f"CFI = {result.cfi:.3f} (needed {result.cfi:.2f}), RMSEA = {result.rmsea:.3f} "
        f"[{result.rmsea_low:.3f}, {result.rmsea_high:.3f}] (at most {result.rmsea:.2f}), "
        f"SRMR = {result.srmr:.3f} (at most {result.srmr:.2f})."
    )
    assert told(findings.fit(result, Thresholds(**at), "cfa")) == (
        "fit",
        "met",
        f"The dimensions of the questionnaire fit the answers: {figures}",
    )
    for moved in ({"cfi": above(result.cfi)}, {"rmsea": below(result.rmsea)},
                  {"srmr": below(result.srmr)}):  # fmt: skip
        short = findings.fit(result, Thresholds(**at | moved), "cfa")
        assert (short.level, str(short.text)) == (
            "watch",
            f"The dimensions of the questionnaire do not fit the answers well: {figures}",
        )


def test_fit_of_a_model_that_is_no_test() -> None:
    result = validity.cfa(answers(), {"Speed": MODEL["Speed"]})
    assert told(findings.fit(result, Thresholds(), "cfa")) == (
        "fit",
        "info",
        "The model of the dimensions has no degrees of freedom: its fit is no test.",
    )
    text = str(findings.convergent(result, Thresholds(), "dimensions").text)
    assert "Not distinct" not in text and "nan" not in text


def test_convergent() -> None:
    result = validity.cfa(answers(), MODEL)
    ave, cr = (float(result.dimensions[column].min()) for column in ("ave", "cr"))
    weakest = result.dimensions.loc[result.dimensions["ave"].idxmin(), "dimension"]
    limits: dict[str, Any] = {"ave": ave, "composite_reliability": cr}
    figures = (
        f"AVE {ave:.2f} to {result.dimensions['ave'].max():.2f} (needed {ave:.2f}), composite "
        f"reliability {cr:.2f} to {result.dimensions['cr'].max():.2f} (needed {cr:.2f})."
    )
    assert told(findings.convergent(result, Thresholds(**limits), "dimensions")) == (
        "convergent",
        "met",
        figures,
    )
    for moved in ({"ave": above(ave)}, {"composite_reliability": above(cr)}):
        short = findings.convergent(result, Thresholds(**limits | moved), "dimensions")
        assert (short.level, str(short.text)) == ("watch", f"{figures} Below: {weakest}.")


def test_dimensions_that_are_one() -> None:
    items = answers(r=0.97)
    result = validity.cfa(items, MODEL)
    found = findings.convergent(result, Thresholds(ave=0, composite_reliability=0), "dimensions")
    assert found.level == "watch"
    assert str(found.text).endswith(
        " Not distinct by Fornell and Larcker's criterion: Speed, Staff."
    )


def test_distinct() -> None:
    result = validity.htmt(answers(), MODEL, n_boot=50)
    at = result.estimate or 0
    shown = f"{at:.2f} [{result.conf_low:.2f}, {result.conf_high:.2f}]"
    assert told(findings.distinct(result, at, "htmt")) == (
        "htmt",
        "met",
        f"0 of 1 pairs of dimensions exceed an HTMT of {at:.2f}; the largest is Speed and Staff "
        f"with {shown}.",
    )
    over = findings.distinct(result, below(at), "htmt")
    assert over.level == "watch" and str(over.text).startswith("1 of 1 pairs")
    bare = validity.htmt(answers(), MODEL, n_boot=0)
    assert str(findings.distinct(bare, at, "htmt").text).endswith(f"{at:.2f} (no interval).")


def test_common_method() -> None:
    result = validity.common_method(answers())
    share = result.estimate or 0
    start = f"The first component takes {share:.1%} of the variance of all items (Harman's check, "
    assert told(findings.common_method(result, above(share))) == (
        "harman",
        "info",
        f"{start}limit {share:.0%}): no sign that a single habit of answering shapes the answers.",
    )
    assert told(findings.common_method(result, share)) == (
        "harman",
        "watch",
        f"{start}limit {share:.0%}): a single habit of answering, or overall mood, may shape the "
        "answers.",
    )


GROUP = pd.Series(["before", "after"] * 300)


def two_waves(loading: float = 0.8, shift: float = 0.0) -> pd.DataFrame:
    """Answers of two waves; in the second, two items of Speed load less or start higher."""
    items = answers(600)
    after = GROUP == "after"
    noise = np.random.default_rng(7).normal(3, 1, (600, 2))
    for place, item in enumerate(["a1", "b1"]):
        mixed = loading / 0.8 * items[item] + (1 - loading / 0.8) * noise[:, place]
        items[item] = items[item].where(~after, mixed + shift)
    return items


@pytest.mark.parametrize(
    ("items", "min_cfi", "level", "verdict"),
    [
        (two_waves(), 0.9, "met", "The items measure alike in all groups: means"),
        (two_waves(shift=1), 0.9, "watch", "The items carry the same weight in all groups, but"),
        (two_waves(loading=0.1), 0.9, "watch", "The dimensions have the same items in all groups"),
        (two_waves(), 1.01, "watch", "The dimensions do not fit in all groups"),
    ],
)
def test_comparable(items: pd.DataFrame, min_cfi: float, level: str, verdict: str) -> None:
    result = validity.invariance(items, MODEL, GROUP, min_cfi=min_cfi)
    found = findings.comparable(result, "wave", "Wave", "invariance")
    assert (found.id, found.level) == ("invariance.wave", level)
    assert str(found.text).startswith(f"Measurement invariance by Wave: {verdict}")


def test_conclusions_on_answers_that_are_all_the_same() -> None:
    limits, group = Thresholds(), pd.Series(list("xy") * 6)
    sphericity = validity.bartlett_sphericity(CONSTANT)
    one_group = validity.invariance(CONSTANT, MODEL, group)
    found = [
        findings.factorable(validity.kmo(CONSTANT), sphericity, 0.6, KMO, "t"),
        findings.fit(validity.cfa(CONSTANT, MODEL), limits, "t"),
        findings.distinct(validity.htmt(CONSTANT, MODEL, n_boot=5), 0.85, "t"),
        findings.common_method(validity.common_method(CONSTANT), 0.5),
        findings.comparable(one_group, "wave", "Wave", "t"),
    ]
    assert [told(finding) for finding in found] == [
        ("kmo", "not_estimable", f"KMO and Bartlett's test: {NO_VARIANCE}"),
        ("fit", "not_estimable", f"Fit of the dimensions: {NO_VARIANCE}"),
        ("htmt", "not_estimable", f"Discriminant validity (HTMT): {NO_VARIANCE}"),
        ("harman", "not_estimable", f"Common method (Harman): {NO_VARIANCE}"),
        (
            "invariance.wave",
            "not_estimable",
            "Measurement invariance by Wave: not estimable. There are fewer than two groups to "
            "compare.",
        ),
    ]
