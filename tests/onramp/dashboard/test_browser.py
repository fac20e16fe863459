"""The dashboard in real headless Chromium: on a desk, on a phone, in the dark, from a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from onramp import local_pages
from onramp.dashboard.links import Links
from onramp.dashboard.page import Registered, page
from onramp.dashboard.write import routes
from tests.contrast import COLOURS, LEAST, contrast, luminance
from tests.onramp.dashboard.test_page import REGISTERED
from tests.onramp.overview.homes import (
    EMPTY,
    ONE_TASK,
    OVERVIEW,
    TRICK,
    crowded,
    home_of,
)
from tests.serving.page.browser import SLOW_MS, chromium

# what a report that somebody planted would try first
PRYING = """<!doctype html><title>did not run</title><script>
document.title = "ran";
const store = Promise.resolve().then(() => localStorage);
Promise.any([fetch("/"), fetch("https://evil.example/"), store])
  .then(() => { document.title = "reached"; }, () => { document.title += ", then was refused"; });
</script>"""


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
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of homes: one with everything, one before the first ingest, one task, far too much."""
    folder = tmp_path_factory.mktemp("site")
    homes = {"everything": OVERVIEW, "nothing": EMPTY, "one task": ONE_TASK,
             "a crowd": crowded(windows=26, columns=60)}  # fmt: skip
    for name, seen in homes.items():
        registered = REGISTERED if seen is OVERVIEW else Registered()
        (folder / f"{name}.html").write_text(page(seen, registered, Links()), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in homes}


@pytest.fixture
def file(files: dict[str, Path]) -> Path:
    return files["everything"]


def visit(browser: Browser, at: Path | str, scheme: str, width: int) -> Iterator[Opened]:
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
    seen.page.goto(at.as_uri() if isinstance(at, Path) else at)
    yield seen
    context.close()


@pytest.mark.parametrize(
    ("home", "scheme", "width"),
    [("everything", "light", 1280), ("everything", "dark", 320), ("nothing", "light", 320),
     ("one task", "dark", 320), ("a crowd", "light", 320)],
)  # fmt: skip
def test_everything_can_be_seen_and_read(
    browser: Browser, files: dict[str, Path], home: str, scheme: str, width: int
) -> None:
    """One file and no other request, no fault of its policy, no sideways scrolling, contrast."""
    file = files[home]
    for seen in visit(browser, file, scheme, width):
        shown = seen.page
        expect(shown.get_by_role("heading", name="Decisions", exact=True)).to_be_visible()
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
    texts = (
        "h1, h2, h3, p:visible, li:visible, th:visible, td:visible, a:visible, summary, strong, "
        "svg text"
    )
    found = shown.locator(texts).evaluate_all(
        f"all => all.map(one => [...({COLOURS})(one), one.outerHTML.slice(0, 80)])"
    )
    assert len(found) > 10
    return [text for ink, ground, text in found if contrast(ink, ground) < LEAST]


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


def test_a_report_runs_its_scripts_and_reaches_nothing(browser: Browser, tmp_path: Path) -> None:
    """Served, the link leads to Evidently's page: in a sandbox, away from this home and the net."""
    home = home_of(tmp_path / "home")
    (report,) = home.reports.glob("*/*/report.html")
    report.write_text(PRYING)
    pages = local_pages.app(routes(home, "http://127.0.0.1:5000"))
    with local_pages.shown(pages, 0) as address:
        for seen in visit(browser, f"{address}/", "light", 1280):
            seen.page.get_by_role("link", name="Evidently's report").first.click()
            expect(seen.page).to_have_title("ran, then was refused")
            assert seen.page.evaluate("origin") == "null"
            paths = [url.removeprefix(address) for url in seen.asked]
            assert paths == ["/", "/reports/churn/2026-11-22T060000Z/report.html"]
