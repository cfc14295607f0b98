"""Studies far from the demo: tiny, huge, with words that no layout likes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from csat_stats.run import RunResult, run
from csat_stats.study import Project, StudyError, load

LONG = "非常长的题目文字" * 62 + "完"  # 497 characters
RTL = "رضا العملاء عن الخدمة"


def project(root: Path, study: str, answers: pd.DataFrame) -> Project:
    shutil.copytree(ROOT / "notebooks", root / "notebooks")
    (root / "params").mkdir()
    (root / "data" / "raw").mkdir(parents=True)
    (root / "params" / "s.yml").write_text(study, "utf-8")
    answers.to_csv(root / "data" / "raw" / "a.csv", index=False)
    return Project(root)


def fits(browser: Any, result: RunResult) -> None:
    assert not result.failed, result.failed
    for width in (1280, 390):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto(result.report.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.close()


@pytest.mark.browser
def test_three_items(browser: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    answers = pd.DataFrame(rng.integers(1, 6, (40, 3)), columns=["a", "b", "c"])
    study = "title: T\nlanguage: en\ndata: {responses: a.csv}\ndimensions: {All: [a, b, c]}\n"
    result = run("s", project=project(tmp_path, study, answers))
    fits(browser, result)
    page = result.report.read_text("utf-8")
    assert "The study file has no sampling plan: who answered was not drawn at random" in page
    assert len(page) < 4_000_000


@pytest.mark.browser
def test_two_hundred_items_and_sixty_segments(browser: Any, tmp_path: Path) -> None:
    """With labels of 500 characters, from right to left, with line breaks, quotes and emoji."""
    rng = np.random.default_rng(2)
    mood = rng.normal(3.4, 0.7, (700, 1))
    items = np.clip(np.rint(mood + rng.normal(0, 0.9, (700, 200))), 1, 5).astype(int)
    answers = pd.DataFrame(items, columns=[f"q{i}" for i in range(200)])
    answers["store"] = [f"store {i % 60}" for i in range(700)]
    answers["store"] = answers["store"].replace({"store 7": LONG, "store 8": RTL})
    answers["again"] = np.where(rng.random(700) < 1 / (1 + np.exp(3.4 - mood[:, 0])), "y", "n")
    names = [f"D{i}" for i in range(38)] + [RTL, "\"Quoted\" <b>'x'</b> 😀 $a_b$"]
    quoted = [name.replace("'", "''") for name in names]
    dimensions = "\n".join(
        f"  '{name}': [{', '.join(f'q{5 * i + k}' for k in range(5))}]"
        for i, name in enumerate(quoted)
    )
    study = (
        "title: T\nlanguage: en\ndata: {responses: a.csv}\n"
        f"dimensions:\n{dimensions}\n"
        f'labels: {{q0: "{LONG}", q1: "two\\nlines", q2: "{RTL}"}}\n'
        "segments: store\noutcomes: {again: {column: again, yes: y, no: n}}\n"
    )
    fits(browser, run("s", project=project(tmp_path, study, answers)))


def test_a_filter_that_leaves_no_control_group(demo: Project) -> None:
    """Everybody in the tier-1 cities was reached by the improvement."""
    result = run("demo", project=demo, where="城市级别=一线")
    assert not result.failed, result.failed
    (net,) = [finding for finding in result.findings if ".did." in finding.id]
    assert net.level == "not_estimable"
    assert "对照组前期 0" in net.text


@pytest.mark.parametrize(
    ("theme", "said"),
    [
        (
            '{colour: "#ffd400"}',
            "theme: white text on #ffd400 cannot be read (contrast 1.4, needed 4.5): take a "
            "darker colour.",
        ),
        ("{colour: red}", "theme.colour: red is not a colour like #0b5570."),
        ("{logo: none.png}", "There is no file none.png in params."),
        ("{logo: s.yml}", "s.yml is not one of .png, .jpg, .jpeg, .svg."),
        ("{logo: ../data/raw/a.csv}", "There is no file ../data/raw/a.csv in params."),
        ("{slides: s.yml}", "s.yml is not one of .pptx."),
    ],
)
def test_a_look_that_cannot_be_used(tmp_path: Path, theme: str, said: str) -> None:
    study = f"title: T\ndata: {{responses: a.csv}}\ndimensions: {{D: [a]}}\ntheme: {theme}\n"
    made = project(tmp_path, study, pd.DataFrame({"a": [1, 2]}))
    with pytest.raises(StudyError) as error:
        load("s", made)
    assert [problem.text.render() for problem in error.value.problems] == [said]


@pytest.mark.browser
def test_logo_and_colour_of_the_client(browser: Any, tmp_path: Path) -> None:
    from PIL import Image

    study = (
        "title: T\nclient: Acme\nlanguage: en\ndata: {responses: a.csv}\n"
        'dimensions: {D: [a, b]}\ntheme: {logo: acme.png, colour: "#7a1f3d"}\n'
    )
    rng = np.random.default_rng(3)
    made = project(tmp_path, study, pd.DataFrame(rng.integers(1, 6, (30, 2)), columns=["a", "b"]))
    Image.new("RGB", (200, 60), "navy").save(made.params / "acme.png")
    result = run("s", project=made)
    fits(browser, result)
    page = browser.new_page()
    page.goto(result.report.as_uri())
    colour = page.eval_on_selector(".cover", "e => getComputedStyle(e).backgroundColor")
    assert colour == "rgb(122, 31, 61)"
    assert page.eval_on_selector(".cover img", "e => [e.alt, e.naturalWidth]") == ["Acme", 200]
