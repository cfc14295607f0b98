"""The scenario of the interactive block: its figures are those of the model, at any setting."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import test_interactive
from test_interactive import HOSTILE, Open, Prepared, built, data_of, prepared

from csat_stats import loyalty
from csat_stats.loyalty import LogitModel
from csat_stats.report import interactive, retention
from csat_stats.report.interactive.scenario import MOST_TERMS, Sample, formula, stops
from csat_stats.report.material import Material

shown = test_interactive.shown
demo_study = test_interactive.demo_study

QUANTITIES = [
    "probability_now",
    "probability_after",
    "extra_repurchases",
    "gain",
    "net_gain",
    "return_on_investment",
]


def material(study: Prepared, language: str = "en") -> Material:
    return Material(
        study=study[0], intake=study[1], scope={"wave": "", "where": ""}, language=language
    )


@pytest.fixture(scope="module")
def block(demo_study: Prepared) -> interactive.Block:
    return built(demo_study)


@pytest.fixture(scope="module")
def model(demo_study: Prepared) -> LogitModel:
    made = material(demo_study)
    return retention.models(made, made.scores(made.responses))["复购"]


def with_outcome(
    folder: Path, n: int = 300, *, names: tuple[str, ...] = ("Speed", "Result"), **plan: Any
) -> Prepared:
    """A study of one item a dimension, an outcome that goes with the first, and a scenario."""
    rng = np.random.default_rng(3)
    items = [f"q{number}" for number in range(len(names))]
    answers = pd.DataFrame(rng.integers(1, 6, (n, len(items))), columns=items)
    again = rng.random(n) < 1 / (1 + np.exp(3 - answers["q0"]))
    answers["again"] = np.where(again, "yes", "no")
    scenario = {"outcome": "r", "improve": {names[0]: 0.25}, "customers": 500, "value": 10}
    whole: dict[str, Any] = {
        "dimensions": {name: [item] for name, item in zip(names, items, strict=True)},
        "outcomes": {"r": {"column": "again", "yes": "yes", "no": "no"}},
        "loyalty": {"scenario": scenario},
    }
    return prepared(folder, answers, **(whole | plan))


# --- what the page gets -------------------------------------------------------------------------


def test_only_averages_are_in_the_page(demo_study: Prepared, block: interactive.Block) -> None:
    data = data_of(block)["scenario"]
    assert sorted(data) == sorted(
        "stops starts rises terms weights now after error names means covariance amounts label "
        "words".split()
    )
    n_terms, n_dimensions = len(data["terms"]), len(data["names"])
    assert n_terms <= MOST_TERMS
    assert {len(weights) for weights in data["weights"]} == {2 + n_dimensions}
    assert len(json.dumps(data)) < 45_000


@pytest.mark.parametrize(
    ("n_dimensions", "n_items", "slope"), [(1, 1, 2.0), (3, 1, 1.5), (5, 2, 0.5), (10, 3, 0.3)]
)
def test_the_formula_is_close_at_settings_it_has_not_seen(
    n_dimensions: int, n_items: int, slope: float
) -> None:
    rng = np.random.default_rng(n_dimensions)
    latent = rng.normal(size=(600, 1, 1)) + rng.normal(size=(600, n_dimensions, n_items))
    scores = np.clip(np.round(3.8 + 0.8 * latent), 1, 5).mean(axis=2)
    beta = np.append(-3.8 * slope * n_dimensions, np.full(n_dimensions, slope))
    sample = Sample(scores, beta, 5)
    start = [0.3] + [0.0] * (n_dimensions - 1)
    covariance = np.eye(n_dimensions + 1) * 1e-4
    data = formula(sample, covariance, start, 4)
    assert len(data["terms"]) <= MOST_TERMS
    assert data["error"] < 1e-3
    at = np.array([rng.permutation(11)[:n_dimensions] for _ in range(50)])
    if n_dimensions == 1:
        at = np.arange(11)[:, None]
    exact = sample.average(at / 10)[:, 0]
    assert max(abs(evaluated(data, row) - p) for row, p in zip(at, exact, strict=True)) < max(
        2 * data["error"], 1e-9
    )


def evaluated(data: dict[str, Any], at: Any) -> float:
    """The probability that the page works out."""

    def products(at: Any) -> Any:
        values = np.concatenate([of[stop] for of, stop in zip(data["rises"], at, strict=True)])
        return np.array([values[term].prod() for term in data["terms"]])

    p = data["after"][0]
    moved = (products(at) - products(data["starts"])) @ np.array(data["weights"])[:, 0]
    return 1 / (1 + math.exp(-(math.log(p / (1 - p)) + moved)))


def test_with_nothing_to_raise_the_formula_still_holds() -> None:
    rng = np.random.default_rng(0)
    scores = np.column_stack([np.full(50, 5.0), rng.integers(1, 6, 50)])
    data = formula(Sample(scores, np.array([0.1, 0.2, 0.3]), 5), np.eye(3) * 1e-3, [0.5, 0.0], 4)
    assert data["error"] < 1e-4
    assert evaluated(data, [10, 0]) == pytest.approx(data["now"][0], abs=1e-9)


@pytest.mark.parametrize(
    ("start", "width", "ends"),
    [(0, 4, (0.1, 1)), (0.25, 4, (0.1, 1)), (1.5, 4, (0.1, 1.5)), (30, 4, (0.1, 30)),
     (5, 100, (1, 10)), (0, 1, (0.01, 0.1)), (0, 3, (0.1, 1)), (0, 10, (0.1, 1))],
)  # fmt: skip
def test_a_slider_starts_at_the_points_of_the_study(
    start: float, width: float, ends: tuple[float, float]
) -> None:
    found = stops(start, width)
    assert found[:2] == [0, ends[0]] and found[-1] == ends[1]
    assert start in found and found == sorted(set(found))


def test_where_there_is_no_model_there_is_no_scenario(tmp_path: Path) -> None:
    everyone = {"r": {"column": "again", "yes": "ja", "no": ["no", "yes"]}}
    none = with_outcome(tmp_path / "none", loyalty={})
    same = with_outcome(tmp_path / "same", outcomes=everyone)
    for study in (none, same):
        block = built(study)
        assert data_of(block)["scenario"] is None
        assert "explore-scenario" not in block.html + block.scripts[2]


def test_a_scenario_follows_the_group_and_wave_reported_on(demo_study: Prepared) -> None:
    scope = {"where": "城市级别=一线", "wave": "改进前"}
    made = Material(study=demo_study[0], intake=demo_study[1], scope=scope, language="en")
    model = retention.models(made, made.scores(made.responses))["复购"]
    told = retention.scenario(made, model)
    data = data_of(built(demo_study, **scope))["scenario"]
    assert data["now"][0] == pytest.approx(told.probability_now, rel=1e-12)
    assert data["after"][0] == pytest.approx(told.probability_after, rel=1e-12)


# --- in a browser -------------------------------------------------------------------------------


def rows(page: Any) -> list[list[str]]:
    """Figure and interval of each quantity."""
    cells = "rows => rows.map(r => [...r.querySelectorAll('td')].map(c => c.textContent))"
    return list(page.eval_on_selector_all(".scenario tbody tr", cells))


def move(page: Any, settings: list[int]) -> None:
    """Put every slider at a stop."""
    page.eval_on_selector_all(
        ".scenario [type=range]",
        "(all, at) => all.forEach((s, i) => { s.value = at[i]; "
        "s.dispatchEvent(new Event('input', { bubbles: true })); })",
        settings,
    )


def read(text: str) -> tuple[float, float]:
    """A figure as it is shown, and half of its last digit or of its trailing zeros."""
    plain = text.replace(",", "").replace("−", "-")
    scale = 0.01 if plain.endswith("%") else 1
    plain = plain.rstrip("%")
    decimals = len(plain.partition(".")[2])
    zeros = 0 if "." in plain else len(re.findall(r"0*$", plain)[0])
    zeros = min(zeros, 3) if plain != "0" else 0
    return float(plain) * scale, 0.5 * 10 ** (zeros - decimals) * scale


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_at_the_start_it_says_what_the_report_says(
    shown: Open, demo_study: Prepared, model: LogitModel, language: str
) -> None:
    block = built(demo_study, language)
    still = shown(block, language, scripts=False, ready=".explore-twin")
    live = shown(block, language)
    live.wait_for_selector(".scenario-live", state="visible")
    assert not still.locator(".scenario-live").is_visible()
    assert rows(still) == rows(live)
    assert still.inner_text(".scenario-said") == live.inner_text(".scenario-said")
    table = retention.scenario(material(demo_study), model).table.set_index("quantity")
    money = [f"{value:,.0f}" for value in table.loc["net_gain"]]
    assert rows(live)[4] == [money[0], f"{money[1]} – {money[2]}"]
    assert f"{money[0]} [{money[1]}, {money[2]}]" in live.inner_text(".scenario-said")


@pytest.mark.browser
def test_every_setting_gives_the_figures_of_the_model(
    shown: Open, demo_study: Prepared, model: LogitModel, block: interactive.Block
) -> None:
    page = shown(block)
    made = material(demo_study)
    scores = made.scores(made.current)
    rng = np.random.default_rng(5)
    settings = rng.integers(0, 11, (25, 5))
    settings[:8] *= rng.random((8, 5)) < 0.4
    for at in settings[settings.any(axis=1)]:
        move(page, at.tolist())
        told = loyalty.roi_scenario(
            model,
            scores,
            {name: stop / 10 for name, stop in zip(scores, at, strict=True) if stop},
            customers=60_000,
            value=800,
            cost=1_000_000,
            scale=(1, 5),
        )
        table = told.table.set_index("quantity").loc[QUANTITIES]
        for (figure, interval), expected in zip(rows(page), table.to_numpy(), strict=True):
            for text, value in zip([figure, *interval.split(" – ")], expected, strict=True):
                number, half = read(text)
                assert abs(number - value) <= 1.2 * half, (at, text, value)


@pytest.mark.browser
def test_keyboard_amounts_and_reset(shown: Open, block: interactive.Block) -> None:
    page = shown(block)
    start = rows(page)
    slider = page.get_by_label("专业能力", exact=True)
    assert slider.get_attribute("type") == "range"
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "专业能力 +0.2; mean 3.89 → 4.04"
    assert "专业能力 +0.2" in page.inner_text(".scenario-said[role=status]")
    assert rows(page)[1] != start[1]
    page.get_by_role("button", name="Reset").click()
    assert rows(page) == start
    page.get_by_label("Customers").fill("120000")
    assert rows(page)[2][0] in ("4,686", "4,687")
    page.get_by_label("Cost").fill("0")
    assert rows(page)[5] == ["–", "–"]
    page.get_by_label("Customers").fill("-5")
    assert page.get_by_label("Customers").get_attribute("aria-invalid") == "true"
    assert rows(page)[2] == ["–", "–"] and rows(page)[0] == start[0]
    assert "must be numbers of 0 or more" in page.inner_text(".scenario-said")
    page.get_by_role("button", name="Reset").click()
    move(page, [0] * 5)
    assert rows(page)[1] == rows(page)[0]
    assert rows(page)[2] == ["0", "0 – 0"]
    assert rows(page)[4] == ["−1,000,000", "−1,000,000 – −1,000,000"]
    assert page.inner_text(".scenario-said") == "No score is raised: move a slider."
    assert page.said == []


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_names_are_only_text_and_it_fits(shown: Open, tmp_path: Path, width: int) -> None:
    names = tuple(" ".join(name.split())[:80] for name in HOSTILE)
    study = with_outcome(tmp_path, names=names)
    page = shown(built(study), width=width)
    assert page.eval_on_selector_all(
        ".scenario-sliders label", "all => all.map(l => l.textContent)"
    ) == list(names)
    assert page.input_value(".scenario [name=customers]") == "500"
    assert "+0.25" in page.inner_text(".scenario-said")
    move(page, [3] * len(names))
    assert "<img src=x onerror=alert(1)>" in page.inner_text(".scenario-said")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".scenario img").count() == 0
    assert page.said == []


@pytest.mark.browser
def test_paper_shows_the_figures_without_the_controls(
    shown: Open, block: interactive.Block
) -> None:
    page = shown(block)
    page.emulate_media(media="print")
    assert not page.locator(".scenario-live").is_visible()
    assert page.locator(".scenario table").is_visible()
    assert "Association, not proof" in page.inner_text(".scenario-said")
    assert "is no proof" in page.inner_text(".scenario .note")
