"""The page's health part shows a challenger beside the champion: real Chromium, a real rollout."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from lifecycle.home import Home
from lifecycle.rollouts import STOP, Because, Rollout, Rollouts
from serving.app import build_app
from tasks import churn, preference
from tests.serving.conftest import Forged
from tests.serving.page.browser import HASTE, SLOW_MS, answering, chromium
from tests.serving.test_personal import Store

WHY = Because(actor="ann", why="to see")
CANARY = Rollout(task="churn", stage="canary", champion=1, challenger=2, share=30.0)
SHADOW = Rollout(task="churn", stage="shadow", champion=1, challenger=2)


@pytest.fixture
def page(forged: Forged) -> Iterator[Page]:
    """The page of a server whose home can take a rollout."""
    app = build_app(forged.home, (churn.TASK, preference.TASK), lookup=Store())
    with answering(app) as url, chromium() as browser:
        opened = browser.new_context(viewport={"width": 320, "height": 640}).new_page()
        opened.set_default_timeout(SLOW_MS)
        opened.add_init_script(HASTE)
        expect.set_options(timeout=SLOW_MS)
        opened.goto(f"{url}/")
        yield opened


def shown(page: Page, home: Home, plan: Rollout) -> None:
    """Begin the stage, and wait until the page has noticed."""
    Rollouts(home).take(plan, WHY)
    expect(page.locator("#rollouts dt")).to_have_text(f"churn: {plan.stage}")


def test_a_rollout_is_shown_while_it_runs(page: Page, forged: Forged) -> None:
    """Its stage, share, answers on either side; the next stage in its place, and nothing after."""
    part, told = page.locator("#rollouts-part"), page.locator("#rollouts dd")
    expect(page.locator("#health")).to_have_text("Ready: every task has a champion.")
    expect(part).to_be_hidden()
    shown(page, forged.home, SHADOW)
    expect(told).to_have_text(re.compile("version 2 is asked too; customers never see its answers"))
    shown(page, forged.home, CANARY)
    expect(told).to_have_text(re.compile(r"version 2 answers 30 % of the customers\. Since "))
    for number in range(20):
        page.get_by_label("Customer id").fill(f"known-{number}")
        page.get_by_role("button", name="Ask").click()
        expect(page.get_by_role("heading", name=f"Customer known-{number}")).to_be_visible()
    expect(told).to_have_text(
        re.compile(r"Answers here: [1-9]\d* of version 2, none failed; [1-9]\d* of version 1\.")
    )
    expect(part.get_by_role("heading", name="Beside the champion")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    plan = Rollouts(forged.home).open("churn")
    assert plan is not None
    Rollouts(forged.home).end(plan, STOP, WHY)
    expect(part).to_be_hidden()
