"""The report as its reader gets it: one file, opened in a real browser with the network cut."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest

from csat_stats.report.html import clean
from csat_stats.report.records import FindingRecord, Level
from csat_stats.report.summary import Summary
from csat_stats.run import RunResult


def opened(browser: Any, result: RunResult, width: int) -> Any:
    """The report in a window of ``width``; what it asks for and says is kept on the page."""
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    page = context.new_page()
    page.asked, page.said = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.goto(result.report.as_uri())
    return page


@pytest.mark.browser
def test_the_report_asks_for_nothing(browser: Any, demo_run: RunResult) -> None:
    page = opened(browser, demo_run, 1280)
    hosts = [url for url in page.asked if not url.startswith(("file://", "data:"))]
    assert hosts == []
    assert page.said == []


@pytest.mark.browser
def test_every_picture_is_there_and_described(browser: Any, demo_run: RunResult) -> None:
    page = opened(browser, demo_run, 1280)
    pictures = page.eval_on_selector_all(
        "img", "all => all.map(i => [i.alt, i.complete && i.naturalWidth > 0])"
    )
    assert len(pictures) >= 12
    assert [alt for alt, shown in pictures if not shown or not alt] == []


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_page(browser: Any, demo_run: RunResult, width: int) -> None:
    page = opened(browser, demo_run, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 1280:
        wide = page.eval_on_selector_all(
            ".scroll", "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).length"
        )
        assert wide == 0


@pytest.mark.browser
def test_axe_finds_no_serious_violation(browser: Any, demo_run: RunResult) -> None:
    from importlib.resources import files

    context = browser.new_context(offline=True, bypass_csp=True)  # axe itself is a script
    page = context.new_page()
    page.goto(demo_run.report.as_uri())
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("axe.run()")
    assert len(found["passes"]) > 20
    serious = {
        rule["id"]: [node["html"][:120] for node in rule["nodes"][:3]]
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    }
    assert serious == {}


@pytest.mark.browser
def test_evidence_links_lead_somewhere_and_back(browser: Any, demo_run: RunResult) -> None:
    page = opened(browser, demo_run, 1280)
    dead = page.eval_on_selector_all(
        "a[href^='#']",
        "all => all.filter(a => !document.getElementById(decodeURIComponent(a.hash.slice(1))))"
        ".map(a => a.hash)",
    )
    assert dead == []
    there = page.locator("#\\30 0_summary a.evidence").first
    number = there.inner_text()
    there.click()
    assert page.evaluate("decodeURIComponent(location.hash)") == f"#f-{number}"
    page.locator(f"[id='f-{number}'] a.evidence").click()
    assert page.evaluate("decodeURIComponent(location.hash)") == f"#s-{number}"


@pytest.mark.browser
def test_the_contents_mark_where_the_reader_is(browser: Any, demo_run: RunResult) -> None:
    page = opened(browser, demo_run, 1280)
    marked = "nav a[aria-current]"
    assert page.locator(marked).get_attribute("href") == "#00_summary"
    page.evaluate(
        "document.getElementById('04_satisfaction').scrollIntoView({behavior: 'instant'})"
    )
    page.wait_for_selector("nav a[aria-current][href='#04_satisfaction']")
    assert page.locator(marked).count() == 1


@pytest.mark.browser
def test_headings_are_in_order_and_none_is_empty(browser: Any, demo_run: RunResult) -> None:
    page = opened(browser, demo_run, 1280)
    headings = page.eval_on_selector_all(
        "h1, h2, h3, h4",
        "all => all.map(h => [Number(h.tagName[1]), h.textContent.trim(),"
        " h.nextElementSibling ? h.nextElementSibling.tagName : null])",
    )
    levels = [level for level, _, _ in headings]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(lower - upper <= 1 for upper, lower in pairwise(levels))
    bare = [
        text
        for level, text, after in headings[1:]
        if after is None or after in {f"H{upper}" for upper in range(1, level + 1)}
    ]
    assert bare == []


def test_the_page_names_no_other_host(demo_run: RunResult) -> None:
    page = demo_run.report.read_text("utf-8")
    policy = page[page.index("script-src") : page.index("base-uri")]
    assert len(re.findall(r"(?s)<script.*?</script>", page)) == policy.count("'sha256-")
    page = re.sub(r"(?s)<script.*?</script>", "", page)  # tried in the browser, above
    for address in ("http:", "https:", "src=//", "@import", "url(", "<link", "<iframe"):
        assert address not in page, address
    assert "default-src 'none'" in page
    assert '<html lang="zh-Hans">' in page


def test_the_appendix_tells_the_sampling_plan(demo_run: RunResult) -> None:
    page = demo_run.report.read_text("utf-8")
    plan = re.sub(
        r"\s+", "", page[page.index("<h3>抽样方案</h3>") : page.index("<h3>指标定义</h3>")]
    )
    for term, text in [
        ("分层变量", "城市级别、服务类型、客户类型"),
        ("抽样框", "60,000位客户"),
        ("计划完成数", "每期1,200份"),
        ("要求的抽样误差", "±3.0%（置信水平95%）"),
        ("预计应答率", "35%"),
    ]:
        assert f"<dt>{term}</dt><dd>{text}</dd>" in plan, term


def test_the_summary_quotes_the_gravest_alerts_and_counts_the_others() -> None:
    levels: list[Level] = ["watch"] * 7 + ["not_met"]
    alerts = [
        FindingRecord(f"04.a{i}", f"E4.{i}", level, f"Text {i}.") for i, level in enumerate(levels)
    ]
    on_the_survey = FindingRecord("01.quota", "E1.1", "watch", "Text 9.")
    summary = Summary(None, None, None, [], [], [on_the_survey, *alerts])
    shown = summary.alerts_html(str)
    assert re.findall(r"Text \d", shown) == ["Text 7", *(f"Text {i}" for i in range(5))]
    assert "Alerts in the sections beside these: 3." in shown
    assert "beside these" not in Summary(None, None, None, [], [], alerts[:6]).alerts_html(str)


def test_the_report_is_small_enough_to_mail(demo_run: RunResult) -> None:
    assert demo_run.report.stat().st_size < 4_000_000


def test_code_and_warnings_are_not_shown(demo_run: RunResult) -> None:
    page = demo_run.report.read_text("utf-8")
    for trace in ("section.table(", "import pandas", "Warning", "Traceback"):
        assert trace not in page, trace


@pytest.mark.parametrize(
    ("dirty", "kept"),
    [
        ("<script>alert(1)</script>a", "alert(1)a"),
        ('<img src="x" onerror="alert(1)">', "<img>"),
        ('<img alt="a" src="data:image/svg+xml;base64,PHN2Zz4=">',) * 2,
        ('<img src="data:text/html;base64,PHNjcmlwdD4=">', "<img>"),
        ('<a href="javascript:alert(1)">a</a>', "<a>a</a>"),
        ('<a href="#section">a</a>',) * 2,
        ('<table style="x"><tr><th scope="col">a</th></tr></table>',
         '<table><tbody><tr><th scope="col">a</th></tr></tbody></table>'),
        ("<iframe srcdoc='<script>1</script>'></iframe>", ""),
        ("<svg><script>alert(1)</script></svg>", "alert(1)"),
        ("<STYLE scoped>p{\n}</style ><p>a</p><style>b</style>", "<p>a</p>"),
        ('<p class="finding met">90 % &lt; 95 %</p>',) * 2,
    ],
)  # fmt: skip
def test_cleaning_keeps_a_document_and_nothing_else(dirty: str, kept: str) -> None:
    assert clean(dirty) == kept
