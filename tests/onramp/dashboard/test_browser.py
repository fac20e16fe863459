"""The dashboard in real headless Chromium: on a desk, on a phone, in the dark, from a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from onramp.dashboard.links import Links
from onramp.dashboard.page import page
from tests.contrast import COLOURS, LEAST, contrast, luminance
from tests.onramp.dashboard.test_page import REGISTERED
from tests.onramp.overview.homes import OVERVIEW, TRICK
from tests.serving.page.browser import SLOW_MS, chromium


@dataclass
class Opened:
    page: Page
    asked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("site") / "index.html"
    written.write_text(page(OVERVIEW, REGISTERED, Links()), encoding="utf-8")
    return written


def visit(browser: Browser, file: Path, scheme: str, width: int) -> Iterator[Opened]:
    context = browser.new_context(
        color_scheme=scheme,  # type: ignore[arg-type]  # light or dark
        viewport={"width": width, "height": 800},
    )
    context.set_default_timeout(SLOW_MS)
    expect.set_options(timeout=SLOW_MS)
    seen = Opened(context.new_page())
    seen.page.on("request", lambda request: seen.asked.append(request.url))
    seen.page.on("console", lambda said: said.type == "error" and seen.faults.append(said.text))
    seen.page.on("pageerror", lambda error: seen.faults.append(str(error)))
    seen.page.goto(file.as_uri())
    yield seen
    context.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_everything_can_be_seen_and_read(
    browser: Browser, file: Path, scheme: str, width: int
) -> None:
    """One file and no other request, no fault of its policy, no sideways scrolling, contrast."""
    for seen in visit(browser, file, scheme, width):
        shown = seen.page
        expect(shown.get_by_role("heading", name="churn", exact=True)).to_be_visible()
        assert seen.asked == [file.as_uri()]
        assert seen.faults == []
        assert shown.title() == "Onramp: how the models fare"
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert shown.locator("img, script").count() == 0
        assert pale(shown) == []
        ground = shown.evaluate("getComputedStyle(document.body).backgroundColor")
        dark = luminance([float(n) for n in ground[4:-1].split(",")]) < 0.1
        assert dark == (scheme == "dark")


def pale(shown: Page) -> list[str]:
    """Texts that do not stand out as WCAG 2 AA asks, on the page and in its drawings."""
    found = []
    texts = (
        "h1, h2, h3, p:visible, li:visible, th:visible, td:visible, a:visible, summary, strong, "
        "svg text"
    )
    for element in shown.locator(texts).element_handles():
        ink, ground = element.evaluate(COLOURS)
        if contrast(ink, ground) < LEAST:
            found.append(element.evaluate("e => e.outerHTML.slice(0, 80)"))
    return found


def test_it_can_be_used_without_a_mouse_or_eyes(browser: Browser, file: Path) -> None:
    """Landmarks and names; the tables open by the keyboard; a drawing that scrolls takes focus."""
    for seen in visit(browser, file, "light", 800):
        shown = seen.page
        tree = shown.locator("body").aria_snapshot()
        for line in (
            'heading "Onramp: how the models fare" [level=1]', "main", "navigation",
            'img "roc_auc of churn over time', 'img "Drift of 3 columns of churn',
        ):  # fmt: skip
            assert line in tree, tree
        shown.keyboard.press("Tab")
        assert shown.evaluate("document.activeElement.className") == "skip"
        summary = shown.get_by_text("Drift as a table")
        summary.focus()
        shown.keyboard.press("Enter")
        table = shown.get_by_role("group", name="Drift of churn as a table")
        expect(table.get_by_role("rowheader", name=TRICK)).to_be_visible()
        assert shown.locator("figure.scroll:not([tabindex='0'])").count() == 0


def test_a_drawing_shows_what_was_found(browser: Browser, file: Path) -> None:
    """A mark a window, squares where it fell short, frames where a column drifted."""
    for seen in visit(browser, file, "light", 1280):
        drawn = seen.page.get_by_role("img", name="roc_auc of churn over time")
        assert drawn.locator("g.fine circle").count() == 1
        assert drawn.locator("g.decayed rect").count() == 6
        heat = seen.page.get_by_role("img", name="Drift of 3 columns of churn")
        assert heat.locator("rect.heat").count() == 18
        framed = heat.locator("rect.drifted")
        assert framed.count() == 6
        box = framed.first.bounding_box()
        assert box is not None
        assert box["width"] > 10
