"""Weights of a study at work: made by its file, and its figures with and without them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from projects import make_project, material, table
from scipy import stats

from csat_stats import sampling
from csat_stats.report import design, findings, metrics, records
from csat_stats.report.material import Material
from csat_stats.report.records import SectionRecord

STUDY = """\
title: A study
language: en
data: {responses: answers.csv, population: frame.csv}
respondent: id
dimensions:
  Speed: [fast, on_time]
  Staff: [kind]
overall: {column: how, scale: {low: 0, high: 10, satisfied_from: 8}}
nps: recommend
segments: [city, type]
sampling: {strata: [city, type], size: people%s}
"""
FRAME = table(
    ["city", "type", "people"],
    [
        ["north", "new", "100"],
        ["north", "old", "300"],
        ["south", "new", "200"],
        ["south", "old", "400"],
    ],
)
HEADER = ["id", "city", "type", "fast", "on_time", "kind", "how", "recommend", "given", "shop"]


def answers(n: int = 60) -> str:
    """Mostly new customers of the north, who are better pleased; some answers are missing."""
    rng = np.random.default_rng(5)
    north, new = rng.random(n) < 0.7, rng.random(n) < 0.6
    scores = np.clip(rng.integers(1, 5, (n, 3)) + north[:, None], 1, 5)
    rows = []
    for i in range(n):
        fast, on_time, kind = map(str, scores[i])
        how, recommend = (str(x) for x in np.clip(rng.integers(2, 9, 2) + 2 * north[i], 0, 10))
        rows.append(
            [
                *[str(i), "north" if north[i] else "south", "new" if new[i] else "old"],
                *["" if i == 3 else fast, "" if i == 3 else on_time, "" if i == 4 else kind],
                *["" if i == 5 else how, "" if i == 6 else recommend],
                *["" if i == 7 else str(1 + i % 3), f"shop {i % 9}"],
            ]
        )
    return table(HEADER, rows)


def study(root: Path, more: str = "", **files: str) -> Material:
    """The study with more keys in its ``sampling``."""
    text = STUDY % (f", {more}" if more else "")
    usual = {"params/small.yml": text, "data/raw/answers.csv": answers()}
    usual["data/raw/frame.csv"] = FRAME
    return material(make_project(root, {**usual, **files}))


# --- which weights


def people(by: list[str]) -> pd.Series:
    frame = pd.DataFrame(
        [
            ["north", "new", 100],
            ["north", "old", 300],
            ["south", "new", 200],
            ["south", "old", 400],
        ],
        columns=["city", "type", "people"],
    )
    return frame.groupby(by)["people"].sum()


def test_without_weighting_there_are_no_weights(tmp_path: Path) -> None:
    plain = study(tmp_path)
    assert design.weighting(plain, plain.responses) is None
    assert design.weights(plain, plain.responses) is None
    unplanned = material(make_project(tmp_path / "small"))
    assert design.weights(unplanned, unplanned.responses) is None


def test_the_studys_own_weights(tmp_path: Path) -> None:
    own = study(tmp_path, "weight: given")
    assert design.weighting(own, own.responses) is None
    given = design.weights(own, own.responses)
    assert given is not None
    assert given.isna().sum() == 1 and given[7:8].isna().all()
    assert given.head(3).tolist() == [1, 2, 3]


def test_post_stratified_cells_have_their_shares(tmp_path: Path) -> None:
    weighted = study(tmp_path, "weighting: post_stratify")
    given = design.weights(weighted, weighted.responses)
    assert given is not None and len(given) == 60
    cells = given.groupby([weighted.responses[name].astype("str") for name in ("city", "type")])
    np.testing.assert_allclose(cells.sum() / 60, people(["city", "type"]) / 1000, rtol=1e-12)
    assert (cells.nunique() == 1).all()


@pytest.mark.parametrize("way", ["post_stratify", "rake"])
def test_a_part_of_the_respondents_keeps_the_weights_of_all(way: str, tmp_path: Path) -> None:
    """Raked to the frame of all customers, the south alone would get the north's customers."""
    whole = study(tmp_path, f"weighting: {way}")
    south = material(whole.study.project, where="city=south")
    of_all, of_south = (design.weighting(part, part.responses) for part in (whole, south))
    assert of_all is not None and of_south is not None
    there = whole.responses["city"] == "south"
    assert 0 < there.sum() < 60
    assert of_south.weights.tolist() == of_all.weights[there.to_numpy()].tolist()
    assert str(of_south.notes[-1]).startswith("The weights are made for all respondents")


@pytest.mark.parametrize("base", [False, True])
def test_raked_margins_have_their_shares(base: bool, tmp_path: Path) -> None:
    weighted = study(tmp_path, "weighting: rake" + (", weight: given" if base else ""))
    given = design.weights(weighted, weighted.responses)
    assert given is not None and given.notna().sum() == 60 - base
    for name in ("city", "type"):
        shares = given.groupby(weighted.responses[name].astype("str")).sum() / given.sum()
        np.testing.assert_allclose(shares, people([name]) / 1000, atol=1e-9)
    # Within a cell the weights stay in the proportions they started from.
    start = weighted.responses["weight"] if base else pd.Series(1.0, index=given.index)
    cells = [weighted.responses[name] for name in ("city", "type")]
    ratio = (given / start).groupby(cells, observed=True)
    assert (ratio.std() < 1e-12).all()


def test_trimmed_weights_keep_within_their_bounds(tmp_path: Path) -> None:
    free = study(tmp_path / "a", "weighting: rake")
    held = study(tmp_path / "b", "weighting: rake, trim: [0.5, 1.5]")
    wild, tame = (design.weights(m, m.responses) for m in (free, held))
    assert wild is not None and tame is not None
    assert wild.max() > 1.5 and wild.min() < 0.5
    assert tame.between(0.5 - 1e-9, 1.5 + 1e-9).all()


@pytest.mark.parametrize(
    ("more", "base", "cluster", "calibrated"),
    [
        ("weight: given", None, None, []),
        ("weight: given, cluster: shop", None, "cluster", []),
        ("weighting: post_stratify", None, None, [["city", "type"]]),
        ("weighting: rake", None, None, ["city", "type"]),
        ("weighting: rake, weight: given, cluster: shop", "weight", "cluster", ["city", "type"]),
    ],
)
def test_how_the_respondents_were_drawn(
    more: str, base: str | None, cluster: str | None, calibrated: list[Any], tmp_path: Path
) -> None:
    assert design.drawn(study(tmp_path, more).plan) == sampling.Design(
        weights="used_weight",
        base_weights=base,
        cluster=cluster,
        calibrated=calibrated,
        lonely_psu="adjust",
    )


# --- the values behind the figures


@pytest.mark.parametrize("more", ["", "index: {source: dimensions, formula: of_maximum}"])
def test_every_figure_is_the_mean_of_its_values(more: str, tmp_path: Path) -> None:
    files = {"params/small.yml": STUDY % "" + more, "data/raw/answers.csv": answers()}
    plain = material(make_project(tmp_path, files | {"data/raw/frame.csv": FRAME}))
    values = metrics.values(plain.plan, plain.responses)
    assert list(values) == ["index", "satisfied", "nps", "Speed", "Staff"]
    for metric, column in values.items():
        measured = plain.measure(str(metric), plain.responses)
        assert column.mean() == pytest.approx(measured.estimate, rel=1e-12)
        assert column.notna().sum() == measured.n_used


def test_the_values_of_a_respondent(tmp_path: Path) -> None:
    rows = [
        ["1", "north", "new", "5", "4", "1", "10", "9", "", ""],
        ["2", "north", "new", "", "", "2", "8", "8", "", ""],
        ["3", "south", "old", "1", "", "", "7", "6", "", ""],
        ["4", "south", "old", "3", "3", "3", "", "", "", ""],
    ]
    tiny = study(tmp_path, **{"data/raw/answers.csv": table(HEADER, rows)})
    nan = math.nan
    expected = {
        "index": [100, 80, 70, nan],
        "satisfied": [1, 1, 0, nan],
        "nps": [100, 0, -100, nan],
        "Speed": [4.5, nan, 1, 3],
        "Staff": [1, 2, nan, 3],
    }
    found = metrics.values(tiny.plan, tiny.responses)
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected), check_dtype=False)


def test_a_study_without_questions_has_no_values_of_them(tmp_path: Path) -> None:
    small = material(make_project(tmp_path))
    assert list(metrics.values(small.plan, small.responses)) == ["index", "Speed", "Staff"]


# --- side by side


def side_by_side(found: Material) -> tuple[pd.DataFrame, list[sampling.SurveyMean]]:
    given = design.weights(found, found.responses)
    assert given is not None
    return design.side_by_side(found, found.responses, given)


@pytest.mark.parametrize(
    "more",
    [
        "weight: given",
        "weight: given, cluster: shop",
        "weighting: post_stratify",
        "weighting: post_stratify, cluster: shop",
        "weighting: rake",
        "weighting: rake, trim: [0.5, 1.8]",
        "weighting: rake, weight: given, cluster: shop",
    ],
)
def test_the_figures_are_those_of_survey_mean(more: str, tmp_path: Path) -> None:
    weighted = study(tmp_path, more)
    shown, results = side_by_side(weighted)
    # The same from the raw file: columns, weights and design as a user of the package has them.
    raw = pd.read_csv(tmp_path / "data" / "raw" / "answers.csv")
    raw["index"] = 10 * raw["how"]
    raw["satisfied"] = (raw["how"] >= 8).where(raw["how"].notna()).astype("float64")
    raw["nps"] = 100 * np.sign(raw["recommend"] - 7.5) * ~raw["recommend"].isin([7, 8])
    raw["Speed"] = raw[["fast", "on_time"]].mean(axis=1)
    raw["Staff"] = raw["kind"]
    frame = people(["city", "type"]).reset_index()
    base = "given" if "weight: given" in more else None
    calibrated: list[Any] = []
    raw["w"] = raw["given"]
    if "post_stratify" in more:
        raw["w"] = sampling.post_stratify(raw, frame, by=["city", "type"], size="people").weights
        calibrated = [["city", "type"]]
    elif "rake" in more:
        margins = {name: people([name]) for name in ("city", "type")}
        trim = (0.5, 1.8) if "trim" in more else None
        raw["w"] = sampling.rake(
            raw, margins, weights=raw[base] if base else None, trim=trim
        ).weights
        calibrated = ["city", "type"]
    drawn = sampling.Design(
        weights="w",
        base_weights=base if "rake" in more else None,
        cluster="shop" if "cluster" in more else None,
        calibrated=calibrated,
        lonely_psu="adjust",
    )
    assert shown["metric"].tolist() == ["index", "satisfied", "nps", "Speed", "Staff"]
    for row, result in zip(shown.itertuples(), results, strict=True):
        metric = str(row.metric)
        expected = sampling.survey_mean(raw, metric, drawn)
        figures = [expected.estimate, expected.conf_low, expected.conf_high]
        figures += [expected.deff_replace, expected.n_effective, expected.n_used]
        found = [row.estimate, row.conf_low, row.conf_high, row.deff, row.n_effective, row.n]
        assert found == pytest.approx(figures, rel=1e-9)
        assert result.estimate == row.estimate
        measured = weighted.measure(metric, weighted.responses)
        assert row.unweighted == pytest.approx(measured.estimate, rel=1e-12)


# Three of four answered in the north, where half of the customers are: weights 2/3, 2/3, 2/3, 2.
TINY_FRAME = table(["city", "people"], [["north", "50"], ["south", "50"]])
TINY = {
    "params/small.yml": """\
title: Tiny
language: en
data: {responses: answers.csv, population: frame.csv}
dimensions: {Staff: [kind]}
sampling: {strata: [city], size: people, weighting: %s}
thresholds: {dimension: 3}
""",
    "data/raw/answers.csv": "city,kind\nnorth,1\nnorth,3\nnorth,5\nsouth,1\n",
    "data/raw/frame.csv": TINY_FRAME,
}


@pytest.mark.parametrize("weighting", ["post_stratify", "rake"])  # of one margin they are one
def test_four_answers_by_hand(weighting: str, tmp_path: Path) -> None:
    text = TINY["params/small.yml"] % weighting
    shown, _ = side_by_side(material(make_project(tmp_path, TINY | {"params/small.yml": text})))
    index = shown.iloc[0]
    # Index 0, 50, 100 | 0: as collected 150/4, weighted (50 + 0)/2.
    assert (index["unweighted"], index["n"]) == (37.5, 4)
    assert index["estimate"] == pytest.approx(25, rel=1e-9)
    # The strata explain their means, so what varies is 2/3·(−50, 0, 50)/4 in the north.
    error = math.sqrt(4 / 3 * 2 * (2 / 3 * 50 / 4) ** 2)
    reach = stats.t.ppf(0.975, 3) * error
    assert index["conf_low"] == pytest.approx(25 - reach, rel=1e-9)
    assert index["conf_high"] == pytest.approx(25 + reach, rel=1e-9)
    # Against 4 answers drawn at random: the weighted variance over n − 1.
    spread = (2 / 3 * (25**2 + 25**2 + 75**2) + 2 * 25**2) / 4
    assert index["deff"] == pytest.approx(error**2 / (spread / 3), rel=1e-9)
    assert index["n_effective"] == pytest.approx(4 / index["deff"], rel=1e-9)
    staff = shown.iloc[1]
    assert (staff["metric"], staff["unweighted"]) == ("Staff", 2.5)
    assert staff["estimate"] == pytest.approx(2, rel=1e-9)


def test_equal_weights_change_no_figure(tmp_path: Path) -> None:
    own = study(tmp_path, "weight: given")
    complete = own.responses.dropna()
    same = pd.Series(2.5, index=complete.index)
    shown, _ = design.side_by_side(own, complete, same)
    np.testing.assert_allclose(shown["estimate"], shown["unweighted"], rtol=1e-12)
    np.testing.assert_allclose(shown["deff"], 1, rtol=1e-12)
    np.testing.assert_allclose(shown["n_effective"], shown["n"], rtol=1e-12)
    staff = own.measure("Staff", complete)
    assert shown.iloc[-1][["conf_low", "conf_high"]].tolist() == pytest.approx(
        [staff.conf_low, staff.conf_high], rel=1e-9
    )


# --- without an answer


UNMET = {"data/raw/frame.csv": table(["city", "type", "people"], [["south", "new", "10"]])}


@pytest.mark.parametrize(
    ("more", "files"),
    [
        ("weighting: rake", UNMET),
        ("weighting: post_stratify", UNMET),
        ("weight: given", {}),
    ],
)
def test_weights_of_nobody(more: str, files: dict[str, str], tmp_path: Path) -> None:
    rows = [["1", "north", "old", "5", "4", "1", "10", "9", "0", ""]] * 2
    rows[1] = ["2", *rows[1][1:]]
    nobody = study(tmp_path, more, **files, **{"data/raw/answers.csv": table(HEADER, rows)})
    shown, results = side_by_side(nobody)
    assert shown.empty and list(shown) == design.SIDE_BY_SIDE
    measured = nobody.measure("index", nobody.responses)
    found = findings.weighted(shown, results[0], measured, "weighted")
    assert (found.level, str(found.text)) == (
        "not_estimable",
        "Weighted index: not estimable. There are no answers.",
    )


def test_margins_that_cannot_be_met(tmp_path: Path) -> None:
    rows = [
        [str(i), city, kind, "5", "4", "1", str(i), "9", "", ""]
        for i, (city, kind) in enumerate([("north", "new"), ("south", "old")] * 3)
    ]
    unmet = study(
        tmp_path,
        "weighting: rake",
        **{
            "data/raw/answers.csv": table(HEADER, rows),
            "data/raw/frame.csv": table(
                ["city", "type", "people"], [["north", "new", "10"], ["north", "old", "10"],
                                             ["south", "old", "10"]]
            ),
        },
    )  # fmt: skip
    made = design.weighting(unmet, unmet.responses)
    assert made is not None and str(made.not_estimable).startswith("The margins cannot all be met")
    shown, _ = side_by_side(unmet)
    assert shown.empty


# --- in the section


def section(root: Path, study: str, answers: str, monkeypatch: pytest.MonkeyPatch) -> SectionRecord:
    """The record of the section on satisfaction, its cells run one after the other."""
    files = {"params/small.yml": study, "data/raw/answers.csv": answers}
    project = make_project(root, files | {"data/raw/frame.csv": FRAME})
    monkeypatch.chdir(project.root)
    names: dict[str, Any] = {}
    for cell in nbformat.read(ROOT / "notebooks" / "04_satisfaction.ipynb", as_version=4).cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
        if "parameters" in cell.metadata.get("tags", []):
            names["study"] = "small"
    record = records.read(names["section"].folder)
    assert record is not None
    return record


def test_the_section_whatever_the_columns_are_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = STUDY.replace("segments: [city, type]", "segments: [city, area / region]")
    study = study % ", weighting: rake" + (
        "crosstabs: [[city, area / region]]\nranking: shop/man\n"
        "thresholds: {minimum_base: 3, caution_base: 5}\n"
    )
    rows = answers().replace("given,shop", "area / region,shop/man")
    record = section(tmp_path, study, rows, monkeypatch)
    assert {"weighted", "cross-1", "ranking-1"} <= {table["name"] for table in record.tables}
    levels = {finding.id: finding.level for finding in record.findings}
    assert levels["04.weighted"] == "info"
    assert {"04.differences", "04.ranking.shop/man"} <= set(levels)


def test_the_section_where_no_weight_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = answers().splitlines()
    rows = "\n".join([lines[0] + ",none", *(line + ",0" for line in lines[1:])])
    record = section(tmp_path, STUDY % ", weight: none", rows, monkeypatch)
    texts = {finding.id: finding.text for finding in record.findings}
    assert texts["04.weighted"] == "Weighted index: not estimable. There are no answers."
