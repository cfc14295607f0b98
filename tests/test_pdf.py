"""The PDF of the report, printed by an installed browser and read back by pypdf."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from pypdf import PdfReader

from csat_stats.report import pdf
from csat_stats.report.html import TEMPLATES
from csat_stats.report.pdf import NoBrowser, PdfError
from csat_stats.run import RunResult

TITLE = "家电售后服务满意度研究"
HOSTILE = """</style><script>alert(1)</script> "a" 'b' \\41 ; } * { display: none }"""


@pytest.fixture(scope="module")
def printed(browser_path: Path, demo_run: RunResult, tmp_path_factory: Any) -> PdfReader:
    """The demo report as PDF."""
    target = tmp_path_factory.mktemp("printed") / "report.pdf"
    pdf.write(demo_run.report, target, "zh_Hans", title=TITLE)
    return PdfReader(target)


@pytest.fixture(scope="module")
def words(printed: PdfReader) -> list[str]:
    """The text of each page of the demo report."""
    return texts(printed)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A report of two short sections."""
    path = tmp_path / "report.html"
    css = "".join((TEMPLATES / name).read_text("utf-8") for name in ("report.css", "print.css"))
    path.write_text(
        f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>x</title>
        <meta http-equiv="Content-Security-Policy"
         content="default-src 'none'; style-src 'unsafe-inline'"><style>{css}</style></head><body>
        <header class="cover"><div class="inner"><h1>Cover</h1></div></header><div class="page">
        <nav><p class="nav-title">Contents</p><ol><li><a href="#a">First</a></li></ol></nav>
        <main><section id="a"><h2>First</h2><h3>Part</h3><p>Words, 满意度.</p></section></main>
        </div></body></html>""",
        "utf-8",
    )
    return path


def plain(text: str) -> str:
    return "".join(text.split())


def texts(reader: PdfReader) -> list[str]:
    return [page.extract_text() for page in reader.pages]


def bookmarks(reader: PdfReader, level: int = 0, items: Any = None) -> Iterator[tuple[Any, ...]]:
    """(level, title, page from 1) of every bookmark, in their order."""
    for item in reader.outline if items is None else items:
        if isinstance(item, list):
            yield from bookmarks(reader, level + 1, item)
        else:
            yield level, item.title, (reader.get_destination_page_number(item) or 0) + 1


@pytest.mark.browser
def test_it_is_a_report_on_a4(printed: PdfReader) -> None:
    assert 15 <= len(printed.pages) <= 80
    for page in printed.pages:
        assert float(page.mediabox.width) == pytest.approx(595, abs=1)
        assert float(page.mediabox.height) == pytest.approx(842, abs=1)


@pytest.mark.browser
def test_contents_name_the_pages_where_the_headings_are(
    printed: PdfReader, words: list[str]
) -> None:
    summary = next(number for level, _, number in bookmarks(printed) if level == 1)
    contents = "\n".join(words[1 : summary - 1])
    said = re.findall(r"^(.+?) ?(\d+)$", contents, re.MULTILINE)
    listed = [(plain(title), int(number)) for title, number in said if "/" not in title]
    real = [(plain(title), number) for level, title, number in bookmarks(printed) if level]
    assert len(listed) > 20
    assert sorted(listed) == sorted(real)
    for title, number in listed:
        assert title in plain(words[number - 1]), title


@pytest.mark.browser
def test_bookmarks_have_the_titles_of_the_page(printed: PdfReader, demo_run: RunResult) -> None:
    html = re.sub("<script.*?</script>", "", demo_run.report.read_text("utf-8"), flags=re.DOTALL)
    headings = re.findall(r"<h([1-3])[^>]*>(.*?)</h\1>", html)
    wanted = [(int(level) - 1, plain(re.sub("<.*?>", "", text))) for level, text in headings]
    assert [(level, plain(title)) for level, title, _ in bookmarks(printed)] == wanted


@pytest.mark.browser
def test_every_page_but_the_cover_has_title_and_number(words: list[str]) -> None:
    for number, text in enumerate(words[1:], start=2):
        lines = [line.strip() for line in text.splitlines()]
        assert TITLE in lines, number
        assert f"{number} / {len(words)}" in lines, number
    assert " / " not in words[0]
    assert words[0].count(TITLE) == 1


@pytest.mark.browser
def test_the_cover_reaches_the_edges_of_the_paper(printed: PdfReader) -> None:
    content = printed.pages[0].get_contents().get_data().decode("latin-1")  # type: ignore[union-attr]
    boxes = re.findall(r"^(\S+) (\S+) (\S+) (\S+) re$", content, re.MULTILINE)
    # Chromium draws at 4/3 or finer: the widest box has the proportions of the sheet.
    _, _, width, height = max((tuple(map(float, box)) for box in boxes), key=lambda b: b[2])
    assert abs(height) / width == pytest.approx(297 / 210, rel=0.01)


@pytest.mark.browser
def test_chinese_text_can_be_found_and_copied(words: list[str], demo_run: RunResult) -> None:
    pages = [plain(text) for text in words]
    targets = [finding for finding in demo_run.findings if ".target." in finding.id]
    assert len(targets) > 2
    for finding in targets:
        assert any(plain(finding.text) in page for page in pages[:4]), finding.text
    assert "目录" in pages[1]
    assert not re.search("[\u2012\u2e80-\u2fdf]", "".join(pages))


@pytest.mark.browser
def test_every_font_is_embedded_and_every_chart_is_drawn(printed: PdfReader) -> None:
    fonts = [font for page in printed.pages for font in pdf._fonts(page["/Resources"])]
    assert fonts
    for font in fonts:
        if font["/Subtype"] != "/Type3":  # whose glyphs are drawings in the font itself
            (kind,) = font.get("/DescendantFonts", [font])
            descriptor = kind.get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & descriptor.keys()
        assert "/ToUnicode" in font
    assert [image.name for page in printed.pages for image in page.images] == []


@pytest.mark.browser
def test_title_language_and_structure_are_the_document_s(printed: PdfReader) -> None:
    root = printed.root_object
    assert printed.metadata is not None
    assert printed.metadata.title == TITLE
    assert root["/Lang"] == "zh-Hans"
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]


@pytest.mark.browser
def test_a_hostile_title_is_text(browser_path: Path, page: Path, tmp_path: Path) -> None:
    pdf.write(page, tmp_path / "a.pdf", "en", title=HOSTILE)
    reader = PdfReader(tmp_path / "a.pdf")
    assert reader.metadata is not None
    assert reader.metadata.title == HOSTILE
    assert len(reader.pages) == 3
    for text in texts(reader)[1:]:
        assert plain(HOSTILE) in plain(text)
    assert "First" in texts(reader)[2]


@pytest.mark.browser
def test_it_works_under_an_event_loop_and_leaves_one_file(
    browser_path: Path, page: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out" / "report.pdf"
    target.parent.mkdir()
    target.write_text("the one before")

    async def cell() -> None:
        pdf.write(page, target, "en", title="Study")

    asyncio.run(cell())
    assert target.read_bytes().startswith(b"%PDF-")
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.browser
def test_chinese_is_drawn_where_no_font_for_it_is_installed(
    browser_path: Path, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "fonts.conf"
    fonts = Path(matplotlib.get_data_path(), "fonts", "ttf")
    config.write_text(f"<fontconfig><dir>{fonts}</dir></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(config))
    pdf.write(page, tmp_path / "a.pdf", "en", title="Study")
    assert "满意度" in texts(PdfReader(tmp_path / "a.pdf"))[2]


@pytest.mark.browser
@pytest.mark.parametrize("after", [0, 2], ids=["at its start", "at work"])
def test_a_browser_that_hangs_is_ended(
    browser_path: Path, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    hanging = tmp_path / "hanging"
    hanging.write_text(
        f'#!/bin/sh\necho $$ > "{tmp_path}/process"\n'
        f'(sleep {after}; kill -STOP $$) >&- 2>&- &\nexec "{browser_path}" "$@"\n'
    )
    hanging.chmod(0o755)
    long = page.read_text("utf-8").replace("<p>", "<p>Words.</p>" * 50_000 + "<p>")
    page.write_text(long, "utf-8")
    monkeypatch.setenv("CSAT_BROWSER", str(hanging))
    monkeypatch.setattr(pdf, "SECONDS", 8.0)
    started = time.monotonic()
    with pytest.raises(PdfError, match=r"had not finished it after 8 seconds\.|Timeout 4000ms"):
        pdf.write(page, tmp_path / "a.pdf", "en", title="Study")
    assert time.monotonic() - started < 12
    process = int((tmp_path / "process").read_text())
    for _ in range(50):
        if not alive(process):
            break
        time.sleep(0.1)
    assert not alive(process)
    assert not (tmp_path / "a.pdf").exists()


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.browser
def test_a_browser_that_fails_is_named(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = shutil.which("false")
    monkeypatch.setenv("CSAT_BROWSER", str(program))
    with pytest.raises(PdfError, match=f"^No PDF was made: {program} failed: "):
        pdf.write(page, tmp_path / "a.pdf", "en", title="Study")
    assert not (tmp_path / "a.pdf").exists()


def test_without_a_browser_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CSAT_BROWSER", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(pdf, "_usual_places", list)
    with pytest.raises(NoBrowser) as caught:
        pdf.write(tmp_path / "report.html", tmp_path / "a.pdf", "en", title="Study")
    assert str(caught.value) == (
        "No PDF was made: no browser found (looked for chromium, chromium-browser, google-chrome, "
        "google-chrome-stable, chrome, microsoft-edge, msedge). Install Chromium or Google "
        "Chrome, or print the HTML report to PDF yourself."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_browser_that_is_asked_for_and_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSAT_BROWSER", "/opt/none/chrome")
    with pytest.raises(NoBrowser) as caught:
        pdf.find_browser()
    assert str(caught.value) == (
        "No PDF was made: CSAT_BROWSER is set to /opt/none/chrome, and there is no such program."
    )


@pytest.mark.parametrize(
    ("map_from_glyphs", "found"),
    [
        ("2 beginbfchar\n<09> <2F63>\n<24> <7531>\nendbfchar", "<09> <751F>\n<24> <7531>"),
        ("<0009> <000A> <2F63>", "<0009> <000A> [<751F> <7528>]"),
        ("<2F63> <2F64> <4E00>", "<2F63> <2F64> <4E00>"),
        ("<2F63> <7531>", "<2F63> <7531>"),
        ("<09> <2ED4>", "<09> <95E8>"),
        ("<09> <2F3E>", "<09> <6237>"),
        ("<09> <2012>", "<09> <2013>"),
    ],
)
def test_glyphs_are_named_by_the_characters_of_the_text(map_from_glyphs: str, found: str) -> None:
    assert found in pdf.searchable(map_from_glyphs.encode()).decode()
