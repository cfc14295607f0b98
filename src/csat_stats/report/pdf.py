"""The PDF of a report: printed by an installed Chromium, its contents with page numbers.

Page numbers are known only when the pages are made, so the report is printed, the page of each
heading is read from the PDF, written into the contents, and the report is printed again until
the numbers stay. Layout is in ``print.css``. The page's own scripts do not run, and nothing is
asked of the network.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csat_stats.report.language import HTML_LANG
from csat_stats.results import Message, message

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pypdf import PdfWriter

SECONDS = 60.0  # a browser that takes longer hangs: the demo report takes about 5
OLDEST = 131  # the first Chromium that prints the running titles of a style sheet
BROWSER_VARIABLE = "CSAT_BROWSER"
_PASSES = 5  # the second shows the numbers that the first found; more only where lines moved

_PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
_MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
_WINDOWS = (
    "Google/Chrome/Application/chrome.exe",
    "Chromium/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
)
_WINDOWS_FOLDERS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")

# What Chromium calls a glyph that several characters share, and what the text said: in the fonts
# with Chinese the figure dash is the en dash, and radicals are characters. Of the other radicals
# of Kangxi, U+2F00 to U+2FD5, Unicode itself says which.
_SHARED = str.maketrans(
    "‒⼾⺂⺃⺅⺉⺋⺎⺏⺐⺒⺓⺔⺕⺖⺘⺙⺛⺞⺟⺠⺡⺣⺤⺦⺨⺫⺭⺯⺰⺱⺲⺳⺹⺺⺾⺿⻁⻂⻃⻄⻅⻆⻈⻉⻋⻌⻍⻎⻐⻑⻒⻓⻔⻖⻘⻙⻚⻛⻜⻝⻟⻠⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲⻳",
    "–户乛乚亻刂㔾兀尣尢巳幺彑彐忄扌攵旡歺母民氵灬爫丬犭罒礻糹纟罓罒㓁耂肀艹艹虎衤覀西见角讠贝车辶辶辶钅長镸长门阝青韦页风飞食飠饣马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟",
)

# Title, second level of the contents, places for page numbers, and a font for Chinese where the
# machine has none: the one the charts are drawn with.
_PREPARE = r"""([title, font]) => {
  const root = document.documentElement;
  const escaped = (c) => "\\" + c.codePointAt(0).toString(16) + " ";
  const quoted = title.replace(/["\\\p{Cc}]/gu, escaped);
  const sans = getComputedStyle(root).getPropertyValue("--sans");
  const style = document.createElement("style");
  style.textContent = `@font-face { font-family: "csat-stats print"; src: url("${font}"); }
    :root { --running-title: "${quoted}"; --sans: ${sans}, "csat-stats print" !important; }`;
  document.head.append(style);
  document.title = title;
  let part = 0;
  for (const link of document.querySelectorAll("nav a[href]")) {
    const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    const list = document.createElement("ol");
    for (const heading of section?.querySelectorAll("h3") ?? []) {
      heading.id ||= `p-${++part}`;
      const entry = document.createElement("a");
      entry.href = `#${heading.id}`;
      entry.textContent = heading.textContent;
      list.appendChild(document.createElement("li")).append(entry);
    }
    if (list.children.length) link.after(list);
  }
  for (const link of document.querySelectorAll("nav a[href]")) {
    const folio = document.createElement("span");
    folio.className = "folio";
    folio.textContent = "00";
    link.append(folio);
  }
  return [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
    .filter((heading) => heading.checkVisibility())
    .map((heading) => heading.textContent);
}"""
_FILL = """(pages) => {
  for (const link of document.querySelectorAll("nav a[href]"))
    link.querySelector(".folio").textContent = pages[decodeURIComponent(link.hash.slice(1))] ?? "";
}"""


class PdfError(RuntimeError):
    """The PDF could not be made; ``message`` says why, in any language."""

    def __init__(self, why: Message) -> None:
        self.message = why
        super().__init__(str(why))


class NoBrowser(PdfError):
    """There is no browser to make the PDF with."""


def find_browser() -> Path:
    """The browser that prints: ``CSAT_BROWSER``, then the PATH, then the usual places.

    Raises
    ------
    NoBrowser
        None is installed; the message names what was looked for and what to install.
    """
    wanted = os.environ.get(BROWSER_VARIABLE)
    if wanted:
        if found := shutil.which(wanted):
            return Path(found)
        raise NoBrowser(
            message(
                "No PDF was made: {variable} is set to {path}, and there is no such program.",
                variable=BROWSER_VARIABLE,
                path=wanted,
            )
        )
    for place in (*_PROGRAMS, *_usual_places()):
        if found := shutil.which(place):
            return Path(found)
    raise NoBrowser(
        message(
            "No PDF was made: no browser found (looked for {names}). Install Chromium or "
            "Google Chrome, or print the HTML report to PDF yourself.",
            names=", ".join(_PROGRAMS),
        )
    )


def _usual_places() -> list[str]:
    if sys.platform == "darwin":
        return [place for folder in ("", str(Path.home())) for place in (folder + p for p in _MAC)]
    if sys.platform == "win32":
        folders = filter(None, map(os.environ.get, _WINDOWS_FOLDERS))
        return [str(Path(folder, place)) for folder in folders for place in _WINDOWS]
    return []


def write(report: Path, target: Path, language: str, *, title: str) -> None:
    """Print ``report`` to ``target``, which is the old file or the whole new one at any time.

    Parameters
    ----------
    report
        The page that :func:`csat_stats.report.html.build` made.
    language
        Language of the report: becomes the document's.
    title
        Title of the study: the document's, and at the head of every page but the cover.

    Raises
    ------
    NoBrowser
        See :func:`find_browser`.
    PdfError
        The browser is too old, failed, or took longer than ``SECONDS``; it is not left running.
    """
    browser = find_browser()
    data = _finish(*_in_time(browser, report, title), language)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _in_time(browser: Path, report: Path, title: str) -> tuple[bytes, list[str]]:
    """Print in a thread: a hung browser is ended, and an event loop of the caller is no matter."""
    from playwright.sync_api import Error

    printed: Future[tuple[bytes, list[str]]] = Future()
    running: list[int] = []

    def work() -> None:
        try:
            printed.set_result(_print(browser, report, title, running.append))
        except BaseException as error:
            printed.set_exception(error)

    threading.Thread(target=work, name="csat-pdf", daemon=True).start()
    try:
        return printed.result(SECONDS)
    except TimeoutError:
        raise PdfError(
            message(
                "No PDF was made: {browser} had not finished it after {seconds:.0f} seconds.",
                browser=browser,
                seconds=SECONDS,
            )
        ) from None
    except Error as error:
        raise PdfError(
            message(
                "No PDF was made: {browser} failed: {error}",
                browser=browser,
                error=error.message.strip().splitlines()[0],
            )
        ) from error
    finally:
        if not printed.done():
            for process in running:
                os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))


def _print(
    path: Path, report: Path, title: str, started: Callable[[int], None]
) -> tuple[bytes, list[str]]:
    """The PDF as the browser makes it, and the headings of the page."""
    import pylopdf_fonts_zh_cn
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Playwright's own flags switch off sync, updates and background requests, and give it
        # a profile that is thrown away.
        browser = playwright.chromium.launch(
            executable_path=path,
            chromium_sandbox=not _is_root(),
            timeout=SECONDS / 2 * 1000,
        )
        processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
        started(next(p["id"] for p in processes["processInfo"] if p["type"] == "browser"))
        with closing(browser):
            if int(browser.version.partition(".")[0]) < OLDEST:
                raise PdfError(
                    message(
                        "No PDF was made: {browser} is version {version}, and {oldest} or newer "
                        "is needed.",
                        browser=path,
                        version=browser.version,
                        oldest=OLDEST,
                    )
                )
            # The report's policy lets no font in; its scripts are off, and there is no network.
            context = browser.new_context(offline=True, java_script_enabled=False, bypass_csp=True)
            page = context.new_page()
            page.emulate_media(media="print")
            page.goto(report.resolve().as_uri())
            font = pylopdf_fonts_zh_cn.sans_path().as_uri()
            headings = page.evaluate(_PREPARE, [title, font])
            page.evaluate("document.body.offsetHeight")  # lays out, and asks for the fonts
            while page.evaluate("document.fonts.status") != "loaded":
                page.wait_for_timeout(50)
            pages: dict[str, int] = {}
            for _ in range(_PASSES):
                data, now = _pages(page)
                if now == pages:
                    break
                pages = now
                page.evaluate(_FILL, pages)
    return data, headings


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _pages(page: Page) -> tuple[bytes, dict[str, int]]:
    """The PDF, and on which of its pages each anchor of the contents is, from 1."""
    from pypdf import PdfReader

    data = page.pdf(prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
    reader = PdfReader(io.BytesIO(data))
    pages = {}
    for name, destination in reader.named_destinations.items():
        number = reader.get_destination_page_number(destination)
        if number is not None:
            pages[name.removeprefix("/")] = number + 1
    return data, pages


def _finish(data: bytes, headings: list[str], language: str) -> bytes:
    """The PDF with what Chromium leaves wrong in bookmarks and text set right."""
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import NameObject, TextStringObject

    reader = PdfReader(io.BytesIO(data))
    writer = PdfWriter(clone_from=reader)
    writer.pdf_header = reader.pdf_header
    writer.root_object[NameObject("/Lang")] = TextStringObject(HTML_LANG[language])
    writer.add_metadata({"/Creator": "csat-stats"})
    _mend_bookmarks(writer, headings)
    _mend_text(writer)
    finished = io.BytesIO()
    writer.write(finished)
    return finished.getvalue()


def _mend_bookmarks(writer: PdfWriter, headings: list[str]) -> None:
    """Chromium doubles the words of a heading that it moved to the next page."""
    from pypdf.generic import NameObject, TextStringObject

    items = list(_bookmarks(writer.root_object["/Outlines"]))
    if len(items) == len(headings):
        for item, heading in zip(items, headings, strict=True):
            item[NameObject("/Title")] = TextStringObject(" ".join(heading.split()))


def _bookmarks(parent: Any) -> Iterator[Any]:
    """The bookmarks below ``parent`` in reader's order."""
    child = parent.get("/First")
    while child is not None:
        item = child.get_object()
        yield item
        yield from _bookmarks(item)
        child = item.get("/Next")


def _mend_text(writer: PdfWriter) -> None:
    """Make the text that is found and copied the text of the report.

    Chromium names a glyph by the first character that has it, and in most fonts with Chinese
    that is a radical (⽬, U+2F6C) and not the character (目, U+76EE).
    """
    done = set()
    for page in writer.pages:
        for font in _fonts(page["/Resources"]):
            reference = font.raw_get("/ToUnicode") if "/ToUnicode" in font else None
            if reference is not None and reference.idnum not in done:
                done.add(reference.idnum)
                stream = reference.get_object()
                before = stream.get_data()
                after = searchable(before)
                if after != before:
                    stream.set_data(after)


def _fonts(resources: Any) -> Iterator[Any]:
    """Fonts of a page, those of its groups included."""
    resources = resources.get_object()
    for font in resources.get("/Font", {}).values():
        yield font.get_object()
    for form in resources.get("/XObject", {}).values():
        if "/Resources" in form.get_object():
            yield from _fonts(form.get_object()["/Resources"])


def searchable(cmap: bytes) -> bytes:
    """A map from glyphs to characters, with the characters that a reader would search for.

    >>> searchable(b"<15> <2F6C>")
    b'<15> <76EE>'
    >>> searchable(b"<15> <16> <2F63>")
    b'<15> <16> [<751F> <7528>]'
    """

    def plain(code: int) -> bytes:
        character = unicodedata.normalize("NFKC", chr(code).translate(_SHARED))
        return b"<" + character.encode("utf-16-be").hex().upper().encode() + b">"

    def one(found: re.Match[bytes]) -> bytes:
        return found[1] + plain(int(found[2], 16))

    def several(found: re.Match[bytes]) -> bytes:
        glyphs = range(int(found[1], 16), int(found[2], 16) + 1)
        first = int(found[3], 16)
        each = b" ".join(plain(first + step) for step in range(len(glyphs)))
        return b"<" + found[1] + b"> <" + found[2] + b"> [" + each + b"]"

    cmap = re.sub(rb"(?m)^(<\w+> )<(2012|2[EF]\w\w)>$", one, cmap)
    return re.sub(rb"(?m)^<(\w+)> <(\w+)> <(2012|2[EF]\w\w)>$", several, cmap)
