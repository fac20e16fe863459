"""serving.page in real headless Chromium: a person types a customer and sees the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect

from serving.app import build_app
from tasks import churn, preference
from tests.serving.conftest import Forged
from tests.serving.page.browser import SLOW_MS, answering, chromium
from tests.serving.test_personal import Store

TASKS = (churn.TASK, preference.TASK)
LEAST_CONTRAST = 4.5  # WCAG 2, level AA
KNOWN = "known-1"
TOKEN = "s3cret"  # noqa: S105  of this test alone
TRICK = 'known-<img src=x onerror="document.title=1">'

# The colours as they are painted: of each element's text, and of the first ground below it. All in
# one go: between two questions the health part may have put others in their place.
COLOURS = """
elements => elements.map(element => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  let below = element;
  while (below && (numbers(getComputedStyle(below).backgroundColor)[3] ?? 1) === 0)
    below = below.parentElement;
  const ground = getComputedStyle(below ?? document.body).backgroundColor;
  return [numbers(getComputedStyle(element).color), numbers(ground), element.outerHTML];
})
"""


@dataclass
class Opened:
    """A page, and what went on around it."""

    page: Page
    asked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def ask(self, customer: str) -> None:
        self.page.get_by_label("Customer id").fill(customer)
        self.page.get_by_role("button", name="Ask").click()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def store() -> Store:
    return Store()


@pytest.fixture(scope="module")
def address(
    _forged: Forged, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    own = _forged.copy(tmp_path_factory.mktemp("paged"))
    own.promote("churn", 1)
    own.promote("preference", 1)
    with answering(build_app(own.home, TASKS, lookup=store)) as url:
        yield url


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Opened]:
    yield from visit(browser, address)


def visit(browser: Browser, address: str, scheme: str = "light") -> Iterator[Opened]:
    context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]  # light or dark
    context.set_default_timeout(SLOW_MS)
    expect.set_options(timeout=SLOW_MS)
    seen = Opened(context.new_page())
    seen.page.on("request", lambda request: seen.asked.append(request.url))
    seen.page.on("console", lambda said: said.type == "error" and seen.faults.append(said.text))
    seen.page.on("pageerror", lambda error: seen.faults.append(str(error)))
    seen.page.goto(f"{address}/")
    yield seen
    context.close()


def test_a_person_sees_the_answer(opened: Opened, address: str) -> None:
    """Risk with its band, three content types ranked, the segments, versions and the receipt."""
    page = opened.page
    opened.ask(KNOWN)
    expect(page.get_by_role("heading", name=f"Customer {KNOWN}")).to_be_visible()
    expect(page.locator("#said")).to_have_text(
        re.compile(rf"^Customer {KNOWN}: (low|medium|high) risk, [\d.]+ %\. Answered in \d+ ms\.$")
    )
    expect(page.locator("#risk")).to_have_text(re.compile(r"[\d.]+ %(low|medium|high) risk"))
    expect(page.locator("#welcome")).to_have_text(re.compile(r"^Welcome! Your new account"))
    expect(page.locator("#content li")).to_have_count(3)
    expect(page.locator("#segment")).to_have_text(re.compile("Stage\\s*New.*Highly engaged & new"))
    expect(page.locator("#source")).to_have_text(
        re.compile(r"onramp explain [0-9a-f]{24}-[0-9a-f]{24}")
    )
    expect(page.locator("#fallback")).to_be_hidden()
    assert opened.faults == []
    assert [url for url in opened.asked if not url.startswith(f"{address}/")] == []


def test_reasons_are_a_chart_and_words(opened: Opened) -> None:
    """A bar for each reason, to the right where it raises the risk, as long as it weighs."""
    opened.ask(KNOWN)
    reasons = opened.page.locator("#reasons li")
    expect(reasons.first).to_be_visible()
    assert 1 <= reasons.count() <= 5
    widths = []
    for item in reasons.all():
        bar = item.locator("rect.bar")
        up = "raises the risk" in item.inner_text()
        assert ("raises" in str(bar.get_attribute("class"))) == up
        assert (float(str(bar.get_attribute("x"))) == 100) == up
        widths.append(float(str(bar.get_attribute("width"))))
        box = bar.bounding_box()
        assert box is not None
        assert box["height"] > 3
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == pytest.approx(98)


def test_health_says_who_serves(opened: Opened) -> None:
    """Each task with its version, and how the logs fare."""
    expect(opened.page.locator("#health")).to_have_text("Ready: every task has a champion.")
    rows = opened.page.locator("#tasks tr")
    expect(rows).to_have_count(2)
    assert [row.inner_text().split()[:2] for row in rows.all()] == [
        ["churn", "1"],
        ["preference", "1"],
    ]
    expect(opened.page.locator("#logs")).to_have_text(re.compile(r"Prediction log\d+ written"))


def test_a_stranger_sees_why_it_is_fallback(opened: Opened) -> None:
    """Content by popularity, and the reason in words."""
    opened.ask("nobody")
    expect(opened.page.locator("#fallback")).to_have_text(
        "Fallback: The online store has no features of this customer."
    )
    expect(opened.page.locator("#risk")).to_have_text("not known")
    expect(opened.page.locator("#content li")).to_have_count(3)
    expect(opened.page.locator("#reasons-note")).to_have_text(
        "There are no reasons for this answer."
    )
    assert opened.faults == []


def test_an_id_is_text_and_never_markup(opened: Opened) -> None:
    """A customer who is called like a script is shown by that name."""
    opened.ask(TRICK)
    expect(opened.page.get_by_role("heading", name=f"Customer {TRICK}")).to_be_visible()
    assert opened.page.locator("main img").count() == 0
    assert opened.page.title() == "Onramp: one customer"


def test_what_is_refused_is_said(opened: Opened) -> None:
    """An id that can name nobody: the service's own words, and no old answer beside them."""
    opened.ask(KNOWN)
    expect(opened.page.locator("#answer")).to_be_visible()
    opened.page.locator("#customer").evaluate("input => { input.value = 'a\\u200b\\u0007'; }")
    opened.page.get_by_role("button", name="Ask").click()
    expect(opened.page.locator("#said")).to_have_text(re.compile("U\\+0007 at position 2"))
    expect(opened.page.locator("#answer")).to_be_hidden()


def test_a_link_names_a_customer(browser: Browser, address: str) -> None:
    """What was asked stands in the address, and opening it asks again."""
    for seen in visit(browser, address):
        seen.page.goto(f"{address}/?customer={KNOWN}")
        expect(seen.page.get_by_role("heading", name=f"Customer {KNOWN}")).to_be_visible()


def test_a_token_is_asked_for_and_sent(opened: Opened) -> None:
    """Where the service wants one it says so; what is typed travels in the header alone."""
    sent: list[str | None] = []

    def guard(route: object) -> None:
        token = route.request.headers.get("authorization")  # type: ignore[attr-defined]
        sent.append(token)
        if token == f"Bearer {TOKEN}":
            route.continue_()  # type: ignore[attr-defined]
        else:
            route.fulfill(status=401, json={"message": "no"})  # type: ignore[attr-defined]

    page = opened.page
    page.route("**/api/personalization/**", guard)
    opened.ask(KNOWN)
    expect(page.locator("#said")).to_have_text(re.compile("asks for a token"))
    expect(page.get_by_label("Token")).to_be_focused()
    page.get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Customer {KNOWN}")).to_be_visible()
    assert sent == [None, f"Bearer {TOKEN}"]
    assert TOKEN not in page.url
    assert page.evaluate("Object.keys({...localStorage, ...sessionStorage}).length") == 0
    assert page.get_by_label("Token").get_attribute("type") == "password"


def test_a_service_that_is_gone_is_said(opened: Opened) -> None:
    """The page stays, says so, and shows no stale answer."""
    opened.page.route("**/api/personalization/**", lambda route: route.abort())
    opened.ask(KNOWN)
    expect(opened.page.locator("#said")).to_have_text("The service does not answer. Is it running?")
    expect(opened.page.locator("#answer")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser: Browser, address: str, scheme: str) -> None:
    """In light and in dark each text stands out from its ground as WCAG 2 AA asks."""
    for seen in visit(browser, address, scheme):
        seen.ask(KNOWN)
        expect(seen.page.locator("#reasons li").first).to_be_visible()
        expect(seen.page.locator("#tasks tr")).to_have_count(2)
        texts = seen.page.locator(
            "h1, h2, h3, p:visible, label, .quiet, dt:visible, dd:visible, li:visible, th, td, "
            "button, input, .band, blockquote"
        )
        found = texts.evaluate_all(COLOURS)
        assert len(found) > 40
        assert [one for one in found if contrast(one[0], one[1]) < LEAST_CONTRAST] == []
        dark = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (luminance([float(n) for n in re.findall(r"\d+", dark)]) < 0.1) == (scheme == "dark")


def contrast(ink: list[float], ground: list[float]) -> float:
    """WCAG's ratio of two colours, 1 to 21."""
    low, high = sorted((luminance(ink), luminance(ground)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: list[float]) -> float:
    parts = [c / 255 for c in colour[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_it_can_be_used_without_a_mouse_or_eyes(opened: Opened) -> None:
    """Every control has a name, the order is that of the page, and news are announced."""
    page = opened.page
    tree = page.locator("body").aria_snapshot()
    for line in (
        'textbox "Customer id"', 'textbox "Token', 'button "Ask"', 'link "Skip to the answer"',
        'heading "Onramp" [level=1]', 'complementary "Service"', "main",
    ):  # fmt: skip
        assert line in tree, tree
    assert page.evaluate("document.activeElement.id") == "customer"
    page.keyboard.type(KNOWN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Customer {KNOWN}")).to_be_visible()
    assert page.locator("#said").get_attribute("aria-live") == "polite"
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("svg:not([aria-hidden])").count() == 0
    order = []
    for _ in range(2):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.type"))
    assert order == ["token", "submit"]


def test_it_fits_a_phone(browser: Browser, address: str) -> None:
    """Nothing has to be scrolled sideways on 320 pixels."""
    for seen in visit(browser, address):
        seen.page.set_viewport_size({"width": 320, "height": 640})
        seen.ask(KNOWN)
        expect(seen.page.locator("#reasons li").first).to_be_visible()
        wide = seen.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 320
