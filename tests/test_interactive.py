"""The interactive block: what it may hold, and what a reader can do with it in a real browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csat_stats import study as studies
from csat_stats.report import interactive
from csat_stats.report.html import TEMPLATES
from csat_stats.report.interactive import Block
from csat_stats.report.language import HTML_LANG
from csat_stats.satisfaction import withheld
from csat_stats.study import Intake, Project, Study

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "\"'><img src=x onerror=alert(1)>",
    "🙂\u200d👍 emoji",
    "مرحبا بالعالم (RTL)",
    "long " * 100,
    "two\nlines\u2028here",
    "{group} {n} </SCRIPT>",
]

Prepared = tuple[Study, Intake]


def prepared(folder: Path, answers: pd.DataFrame, **plan: Any) -> Prepared:
    """A study on ``answers`` in a project of its own; JSON is YAML."""
    for name in ("params", "notebooks", "data/raw"):
        (folder / name).mkdir(parents=True)
    answers.to_csv(folder / "data" / "raw" / "answers.csv", index=False)
    plan = {"title": "Study", "language": "en", "data": {"responses": "answers.csv"}, **plan}
    text = json.dumps(plan, ensure_ascii=False)
    (folder / "params" / "made.yml").write_text(text, "utf-8")
    study = studies.load("made", Project(folder))
    return study, studies.prepare(study)


def built(prepared: Prepared, language: str = "en", **options: str) -> Block:
    block = interactive.build(*prepared, language, **options)
    assert block is not None
    return block


def data_of(block: Block) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(block.scripts[0])
    return data


def cells_of(block: Block) -> Iterator[list[Any]]:
    for group in data_of(block)["groups"].values():
        for cells in group.values():
            yield from filter(None, cells)


def random_answers(n: int, items: list[str], seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.integers(1, 6, (n, len(items))), columns=items)


@pytest.fixture(scope="module")
def demo_study(demo: Project) -> Prepared:
    study = studies.load("demo", demo)
    return study, studies.prepare(study)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Shops of 3, 12, 40 and 45 respondents; a region that is the first two shops."""
    answers = random_answers(100, ["q1", "q2", "q3"])
    answers.insert(0, "id", [f"respondent-{number:03}" for number in range(100)])
    answers["shop"] = np.repeat(["tiny", "next", "large", "largest"], [3, 12, 40, 45])
    answers["region"] = np.repeat(["north", "south"], [15, 85])
    return prepared(
        tmp_path_factory.mktemp("small"),
        answers,
        respondent="id",
        dimensions={"Speed": ["q1", "q2"], "Result": ["q3"]},
        segments={"shop": ["tiny", "next", "large", "largest"], "region": None},
    )


@pytest.fixture(scope="module")
def block(demo_study: Prepared) -> Block:
    """The block of the demo study, in English."""
    return built(demo_study)


# --- what the file holds ------------------------------------------------------------------------


def test_no_cell_is_below_the_minimum_base(demo_study: Prepared, small: Prepared) -> None:
    for study in (demo_study, small):
        bases = [cell[0] for cell in cells_of(built(study))]
        assert bases and min(bases) >= study[0].plan.thresholds.minimum_base


def test_no_respondent_is_in_the_page(demo_study: Prepared, small: Prepared) -> None:
    for study in (demo_study, small):
        block = built(study)
        own = block.html.replace(block.scripts[1], "")
        assert own.count("<script") == 3
        responses = study[1].responses
        for column in {"respondent", "customer", "case"} & set(responses.columns):
            assert [x for x in responses[column].dropna().unique() if str(x) in own] == []


def test_what_would_give_a_small_group_away_is_withheld_too(small: Prepared) -> None:
    data = data_of(built(small))
    assert data["segments"][0] == ["shop", ["tiny", "next", "large", "largest"]]
    shown = {group: bool(cells["dimensions"][0]) for group, cells in data["groups"].items()}
    shops = [shown[f"0/0/{level}"] for level in range(4)]
    regions = [shown[f"0/1/{level}"] for level in range(2)]
    assert shops == [False, False, True, True]
    assert regions == [True, True]
    assert "tiny" in data["segments"][0][1]


def test_nothing_about_a_withheld_group_is_said(small: Prepared) -> None:
    groups = data_of(built(small))["groups"]
    assert groups["0/0/0"] == {"dimensions": [None, None], "items": [None, None, None]}


@st.composite
def populations(draw: st.DrawFn) -> tuple[Any, list[int]]:
    """Respondents in three segments, the second within the first, some without a level."""
    n = draw(st.integers(10, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    region = rng.choice(3, n, p=rng.dirichlet([1] * 3))
    site = 3 * region + rng.choice(3, n, p=rng.dirichlet([0.7] * 3))
    kind = rng.choice(4, n, p=rng.dirichlet([1] * 4))
    codes = np.column_stack([region, site, kind])
    codes[rng.random(codes.shape) < draw(st.sampled_from([0, 0.02, 0.2]))] = -1
    return codes, [3, 9, 4]


@settings(max_examples=200, deadline=None)
@given(populations())
def test_no_small_group_is_a_sum_or_difference_of_groups_shown(
    population: tuple[Any, list[int]],
) -> None:
    codes, sizes = population
    hidden = withheld(codes, sizes, 10)
    levels = [(s, level) for s, size in enumerate(sizes) for level in range(-1, size)]
    shown = [(s, level) for s, level in levels if level >= 0 and level not in hidden[s]]
    known = np.column_stack([np.ones(len(codes)), *(codes[:, s] == level for s, level in shown)])
    for s, level in set(levels) - set(shown):
        members = (codes[:, s] == level).astype(float)
        if 0 < members.sum() < 10:
            weights, *_ = np.linalg.lstsq(known, members, rcond=None)
            assert np.abs(known @ weights - members).max() > 1e-6, (s, level)


def test_a_sample_without_small_groups_is_shown_whole() -> None:
    codes = np.column_stack([np.arange(100) % 4, np.arange(100) % 4 // 2])
    assert withheld(codes, [4, 2], 10) == [set(), set()]


def test_figures_are_those_of_the_data(demo_study: Prepared) -> None:
    study, intake = demo_study
    data = data_of(built(demo_study))
    segment = list(study.plan.segments).index("服务类型")
    level = data["segments"][segment][1].index("维修")
    item = study.plan.items.index("Q3故障判断准确")
    frame = intake.responses
    values = frame.loc[
        (frame["wave"] == "改进后") & (frame["服务类型"] == "维修"), "Q3故障判断准确"
    ].dropna()
    n, mean, low, high, shares = data["groups"][f"1/{segment}/{level}"]["items"][item]
    assert n == len(values)
    assert mean == round(values.mean(), 2)
    half = 1.96 * values.std() / np.sqrt(n)
    assert (high - low) / 2 == pytest.approx(half, abs=0.01)
    assert shares == [round((values == answer).mean(), 3) for answer in range(1, 6)]


def test_a_filter_leaves_its_own_segment_out(demo_study: Prepared) -> None:
    data = data_of(built(demo_study, where="城市级别=一线", wave="改进前"))
    assert "城市级别" not in [name for name, _ in data["segments"]]
    assert data["waves"][data["wave"]] == "改进前"
    responses = demo_study[1].responses
    inside = (responses["城市级别"] == "一线") & (responses["wave"] == "改进前")
    assert data["groups"]["0/all"]["dimensions"][0][0] <= inside.sum()


def test_without_segments_and_waves_it_still_opens_dimensions(tmp_path: Path) -> None:
    study = prepared(tmp_path, random_answers(30, ["q1"]), dimensions={"Speed": ["q1"]})
    block = built(study)
    assert list(data_of(block)["groups"]) == ["0/all"]
    assert 'name="segment"' not in block.html and 'name="wave"' not in block.html
    assert 'name="dimension"' in block.html


def test_too_few_answers_make_no_block(tmp_path: Path) -> None:
    study = prepared(tmp_path, random_answers(9, ["q1"]), dimensions={"Speed": ["q1"]})
    assert interactive.build(*study, "en") is None


def test_a_large_study_stays_small_and_says_what_is_left_out(tmp_path: Path) -> None:
    items = [f"q{number}" for number in range(200)]
    answers = random_answers(1300, items)
    answers["site"] = [f"site {number % 60:02}" for number in range(1300)]
    answers["street"] = [f"street {number % 61:02}" for number in range(1300)]
    dimensions = {f"D{number}": items[number * 20 : number * 20 + 20] for number in range(10)}
    block = built(prepared(tmp_path, answers, dimensions=dimensions, segments=["site", "street"]))
    data = data_of(block)
    assert [(name, len(levels)) for name, levels in data["segments"]] == [("site", 60)]
    assert "they have more than 60 levels: street." in block.html
    assert "Items are shown for all respondents only" in block.html
    assert [g for g, cells in data["groups"].items() if "items" in cells] == ["0/all"]
    assert len(data["groups"]["0/0/59"]["dimensions"]) == 10
    assert len(block.html.encode()) < 1_600_000


def test_scales_of_many_points_have_no_shares(tmp_path: Path) -> None:
    answers = random_answers(30, ["q1"]) * 20
    study = prepared(tmp_path, answers, dimensions={"Speed": ["q1"]}, scale={"low": 0, "high": 100})
    block = built(study)
    assert data_of(block)["answers"] == []
    assert len(next(cells_of(block))) == 4
    assert "too many points for shares" in block.html


def test_the_block_of_the_demo_is_small(block: Block) -> None:
    assert len(block.scripts[0].encode()) < 100_000
    assert len(block.html.encode()) < 1_600_000


# --- the markup ---------------------------------------------------------------------------------


class Scripts(HTMLParser):
    """The scripts of a page as a browser finds them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._inside = tag == "script"
        if self._inside:
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[-1] += data


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Every name that a study can choose is an attack."""
    items = [f"q{number}" for number in range(len(HOSTILE))]
    answers = random_answers(800, items)
    answers["kind"] = np.resize([" ".join(label.split()) for label in HOSTILE], 800)
    answers["wave"] = np.repeat(["<b>1</b>", "</script>2"], 400)
    return prepared(
        tmp_path_factory.mktemp("hostile"),
        answers,
        dimensions={"</script><img src=x onerror=alert(2)>": items},
        labels=dict(zip(items, HOSTILE, strict=True)),
        segments=["kind"],
        wave={"column": "wave", "order": ["<b>1</b>", "</script>2"]},
    )


@pytest.mark.parametrize("which", ["demo_study", "hostile"])
def test_scripts_are_told_as_they_stand_in_the_markup(
    which: str, request: pytest.FixtureRequest
) -> None:
    block = built(request.getfixturevalue(which))
    assert tuple(Scripts(block.html).texts) == block.scripts
    for script in block.scripts:
        assert not re.search(r"</script|<!--|\r|\x00", script, re.IGNORECASE)
    assert not re.search("[<>&\u2028\u2029]", block.scripts[0])


def test_labels_come_through_the_escaping_unchanged(hostile: Prepared) -> None:
    data = data_of(built(hostile))
    assert data["items"] == HOSTILE
    assert data["waves"] == ["<b>1</b>", "</script>2"]


# --- in a browser -------------------------------------------------------------------------------

Open = Callable[..., Any]


@pytest.fixture
def shown(browser: Any, tmp_path: Path) -> Open:
    """Opens a block in a page that allows nothing but its scripts, without a network."""

    def open_(
        block: Block,
        language: str = "en",
        width: int = 1280,
        scripts: bool = True,
        ready: str = ".explore-chart svg",
    ) -> Any:
        hashes = [hashlib.sha256(script.encode()).digest() for script in block.scripts]
        allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in hashes)
        css = (TEMPLATES / "report.css").read_text("utf-8")
        path = tmp_path / "page.html"
        path.write_text(
            f'<!DOCTYPE html><html lang="{HTML_LANG[language]}"><head><meta charset="utf-8">'
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
            f" img-src data:; style-src 'unsafe-inline'; script-src {allowed};"
            " base-uri 'none'; form-action 'none'\">"
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>Page</title><style>{css}</style></head>"
            f'<body><div class="page"><nav></nav><main>{block.html}</main></div></body></html>',
            "utf-8",
        )
        context = browser.new_context(
            viewport={"width": width, "height": 900}, offline=True, java_script_enabled=scripts
        )
        page = context.new_page()
        page.said, page.asked = [], []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("dialog", lambda dialog: (page.said.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector(ready, state="attached")
        return page

    return open_


def wait_until(page: Any, expression: str, argument: Any = None, seconds: float = 30) -> None:
    """Wait for a condition.

    Playwright's own ``wait_for_function`` evaluates text inside the page, which the page's
    content-security policy forbids as soon as a second look is needed.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(expression, argument):
        assert time.monotonic() < end, f"not within {seconds} s: {expression} {argument}"
        page.wait_for_timeout(50)


def drawn(page: Any, *texts: str) -> list[str]:
    """The texts in the chart, once those that are waited for are there."""
    chart = "document.querySelector('.explore-chart').textContent"
    wait_until(page, f"texts => texts.every(text => {chart}.includes(text))", list(texts))
    return list(page.locator(".explore-chart svg text").all_text_contents())


def figures(page: Any) -> list[list[str]]:
    """Rows of the block's table."""
    rows = "rows => rows.map(r => [...r.cells].map(c => c.textContent))"
    return list(page.eval_on_selector_all(".explore tbody tr", rows))


def choose(page: Any, name: str, times: int) -> None:
    """Choose with the keyboard alone."""
    page.focus(f"[name={name}]")
    for _ in range(times):
        page.keyboard.press("ArrowDown")


@pytest.mark.browser
def test_it_needs_no_network_and_no_evaluation(shown: Open, demo_study: Prepared) -> None:
    page = shown(built(demo_study, "zh_Hans"), "zh_Hans")
    drawn(page, "响应效率", "3.53")
    assert page.said == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []


@pytest.mark.browser
def test_choosing_by_keyboard_changes_the_chart_and_is_announced(shown: Open, block: Block) -> None:
    page = shown(block)
    status = page.locator(".explore-status[role=status][aria-live=polite]")
    everyone = drawn(page, "响应效率")
    assert "All respondents (改进后): n = 1,210–1,212." in status.inner_text()

    choose(page, "segment", 1)
    rows = figures(page)
    assert drawn(page, *(row[2] for row in rows)) != everyone
    assert "一线 (改进后): n = 420–421." in status.inner_text()

    choose(page, "versus", 2)
    assert "新一线 (改进后): n = 338–339." in status.inner_text()
    assert {row[1] for row in figures(page)} == {"一线 (改进后)", "新一线 (改进后)"}
    assert len(figures(page)) == 2 * 5

    choose(page, "dimension", 1)
    assert "响应效率: mean score of each item." in status.inner_text()
    drawn(
        page, "Q1报修响应速度", "Q2上门及时", *(row[2] for row in [["", "", "● "], ["", "", "◆ "]])
    )

    choose(page, "item", 1)
    assert "Q1报修响应速度: shares of the answers." in status.inner_text()
    shares = [float(row[2].rstrip("%")) for row in figures(page) if row[1] == "一线 (改进后)"]
    assert sum(shares) == pytest.approx(100, abs=0.3)
    drawn(page, "5 very satisfied", f"{shares[-1]}%")

    page.focus("[name=up]")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert "Mean score of each dimension." in status.inner_text()
    assert page.evaluate("document.activeElement.name") == "dimension"
    assert page.said == []


@pytest.mark.browser
def test_a_wave_before_can_be_chosen(shown: Open, block: Block) -> None:
    page = shown(block)
    after = figures(page)
    page.focus("[name=wave]")
    page.keyboard.press("ArrowUp")
    before = figures(page)
    assert "(改进前)" in page.inner_text(".explore-status")
    assert [row[2] for row in before] != [row[2] for row in after]
    drawn(page, *(row[2] for row in before))


@pytest.mark.browser
def test_a_click_on_a_bar_opens_it(shown: Open, block: Block) -> None:
    page = shown(block)
    drawn(page, "服务结果")
    page.locator(".explore-chart .mark-rect path").nth(4).click()
    drawn(page, "Q9问题一次解决")
    page.locator(".explore-chart .mark-rect path").first.click()
    drawn(page, "very satisfied")
    assert page.input_value("[name=dimension]") == "4"
    assert page.input_value("[name=item]") == "8"


@pytest.mark.browser
def test_every_control_has_a_label_and_a_visible_focus(shown: Open, block: Block) -> None:
    page = shown(block)
    for label in ("Wave", "Segment", "Level", "Compare with", "Dimension", "Item"):
        assert page.get_by_label(label, exact=True).evaluate("e => e.tagName") == "SELECT"
    page.keyboard.press("Tab")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"
    label = page.get_attribute(".explore-chart[role=img]", "aria-label")
    assert label == page.inner_text(".explore-status")


@pytest.mark.browser
def test_a_withheld_group_says_so(shown: Open, small: Prepared) -> None:
    page = shown(built(small))
    choose(page, "segment", 1)
    assert "tiny: withheld." in page.inner_text(".explore-status")
    assert {tuple(row[2:]) for row in figures(page)} == {("withheld", "", "")}
    assert "Groups with fewer than 10 answers are withheld" in page.inner_text(".explore")
    drawn(page, "–")
    choose(page, "level", 2)
    assert "large: n = 40." in page.inner_text(".explore-status")
    assert page.said == []


@pytest.mark.browser
def test_groups_to_be_read_with_caution_are_named(shown: Open, tmp_path: Path) -> None:
    study = prepared(tmp_path / "s", random_answers(29, ["q1"]), dimensions={"Speed": ["q1"]})
    page = shown(built(study))
    said = page.inner_text(".explore-status")
    assert "Fewer than 30 answers, read with caution: Speed." in said


@pytest.mark.browser
def test_hostile_labels_are_only_text(shown: Open, hostile: Prepared) -> None:
    page = shown(built(hostile))
    options = page.eval_on_selector_all("[name=segment] option", "all => all.map(o => o.text)")
    assert options == ["All respondents", "kind"]
    choose(page, "segment", 1)
    choose(page, "versus", 3)
    choose(page, "dimension", 1)
    drawn(page, "</script><script>alert(1)</script>", "{group} {n} </SCRIPT>", "…")
    labels = [row[0] for row in figures(page)][::2]
    assert labels == HOSTILE
    for bar in range(0, 2 * len(HOSTILE), 2):
        page.locator(".explore-chart .mark-rect path").nth(bar).hover()
        page.wait_for_timeout(60)
        page.locator("#vg-tooltip-element").wait_for()
    choose(page, "item", 1)
    assert HOSTILE[0] in page.inner_text(".explore-status")
    assert page.locator(".explore img[src=x], body > img, #vg-tooltip-element img").count() == 0
    assert page.said == []


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_the_width(
    shown: Open, demo_study: Prepared, hostile: Prepared, width: int
) -> None:
    for study in (demo_study, hostile):
        page = shown(built(study), width=width)
        page.select_option("[name=segment]", "0")
        page.select_option("[name=versus]", "1")
        page.select_option("[name=dimension]", "0")
        page.locator("summary").click()
        svg, host = (
            f"document.querySelector('{selector}').clientWidth"
            for selector in (".explore-chart svg", ".explore-chart")
        )
        wait_until(page, f"0.9 * {host} < {svg} && {svg} <= {host} + 1")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_the_chart_follows_the_window(shown: Open, block: Block) -> None:
    page = shown(block)
    wide = page.locator(".explore-chart svg").bounding_box()["width"]
    page.set_viewport_size({"width": 390, "height": 900})
    wait_until(page, "document.querySelector('.explore-chart svg').clientWidth < 390")
    assert page.locator(".explore-chart svg").bounding_box()["width"] < wide


@pytest.mark.browser
def test_paper_shows_the_twin_alone(shown: Open, block: Block) -> None:
    page = shown(block)
    twin, live = page.locator(".explore-twin img"), page.locator(".explore-live")
    assert live.is_visible() and not twin.is_visible()
    page.emulate_media(media="print")
    assert twin.is_visible() and not live.is_visible()
    assert twin.evaluate("i => i.complete && i.naturalWidth > 0 && i.alt.length > 0")


@pytest.mark.browser
def test_without_scripts_the_twin_stands_there(shown: Open, block: Block) -> None:
    page = shown(block, scripts=False, ready=".explore-twin")
    assert page.locator(".explore-twin img").is_visible()
    assert not page.locator(".explore-live").is_visible()


@pytest.mark.browser
def test_where_the_chart_cannot_be_drawn_the_twin_stands_there(shown: Open, block: Block) -> None:
    parts = (block.scripts[0], "/* no library */", block.scripts[2])
    page = shown(
        Block(block.html.replace(block.scripts[1], parts[1]), parts), ready=".explore-twin"
    )
    page.locator(".explore-twin img").wait_for()
    assert not page.locator(".explore-live").is_visible()
    assert page.said
