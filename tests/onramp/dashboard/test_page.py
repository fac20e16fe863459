"""onramp.dashboard: the page as text; what it links to; what it shows of the home's files."""

from __future__ import annotations

import base64
import hashlib
import re
import warnings
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lifecycle.errors import UsageError
from lifecycle.home import Home
from lifecycle.registry import Version
from onramp.cli import run
from onramp.dashboard import drift_map, quality_chart
from onramp.dashboard.links import Links, mlflow_address
from onramp.dashboard.page import Registered, page, pages
from onramp.dashboard.write import routes
from onramp.local_pages import app, metrics_route
from onramp.overview.champions import Serving
from onramp.overview.look import Stretch
from tests.onramp.overview.homes import COLUMNS, NOW, OVERVIEW, TRICK, home_of, look, quality

with warnings.catch_warnings():
    # Starlette warns of a coming httpx2 while it is imported
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

HOUR = timedelta(hours=1)
SERVED = Serving(
    champion=Version(task="churn", number=3, run_id="r/3"), newest=4,
    experiments={"churn": "1", "churn-monitoring": "2"},
)  # fmt: skip
REGISTERED = Registered(tasks={"churn": SERVED})


class Tags(HTMLParser):
    """Every element of a page, with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def text() -> str:
    return page(OVERVIEW, REGISTERED, Links())


def test_it_asks_for_nothing_and_runs_nothing(text: str) -> None:
    """No script, no picture, no style but its own, by its digest; names stay text."""
    tags = Tags(text).found
    assert {tag for tag, _ in tags} & {"script", "img", "iframe", "object", "form", "base"} == set()
    assert [name for _, attributes in tags for name in attributes if name.startswith("on")] == []
    assert [a for _, a in tags if "style" in a or "src" in a] == []
    assert [a["href"] for tag, a in tags if tag == "link"] == ["data:,"]
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [a["content"] for _, a in tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in str(policy)
    assert text.count("&lt;script&gt;") > 10


def test_every_drawing_has_a_name_and_a_table(text: str) -> None:
    """Each mark says its numbers; each figure is followed by the same as a table."""
    tags = Tags(text).found
    drawn = [a for tag, a in tags if tag == "svg"]
    assert len(drawn) == 2
    assert all(a["role"] == "img" and a["aria-label"] for a in drawn)
    assert len([tag for tag, _ in tags if tag == "details"]) == 2
    assert text.count("<title>") > 1 + len(COLUMNS) * 6
    assert "False alarms to expect in a month: drift 0.18 (at most 0.71)." in text


def test_links_lead_to_runs_and_reports(tmp_path: Path) -> None:
    """By experiment and run; a report that is not there is no link."""
    folder = tmp_path / "reports" / "churn" / "2026-11-22T060000Z"
    folder.mkdir(parents=True)
    (folder / "report.html").touch()
    seen = look(0, folder=folder)
    links = Links(mlflow="https://mlflow.example")
    run = links.run(SERVED.experiments, "churn", "r/3")
    assert run == "https://mlflow.example/#/experiments/1/runs/r%2F3"
    assert links.run({}, "churn", "r") == links.run(SERVED.experiments, "churn", None) == ""
    assert links.report(seen, "report.html") == "reports/churn/2026-11-22T060000Z/report.html"
    assert links.report(seen, "performance.html") == ""
    assert links.report(seen, "../../../etc/passwd") == links.report(seen, None) == ""
    assert links.report(seen, "performance-1-../../x.html") == ""
    (folder / "performance-1-plan-pro.html").touch()
    found = pages(replace(seen, report_html="report.html", performance_html="performance.html",
                          segment_htmls=("performance-1-plan-pro.html",)), links)  # fmt: skip
    assert list(found) == ["Evidently's report", "performance of plan-pro (1)"]
    written = Links(written=tmp_path / "site")
    assert written.report(seen, "report.html") == (
        "../reports/churn/2026-11-22T060000Z/report.html"
    )


def test_no_password_and_no_script_gets_into_a_link(tmp_path: Path) -> None:
    """A tracking address with a name and a password loses both; what is no address is refused."""
    home = home_of(tmp_path / "home")
    served = replace(home, tracking_uri="https://ann:secret@mlflow.example:8443/sub/")
    assert mlflow_address(served, None) == "https://mlflow.example:8443/sub"
    assert mlflow_address(home, None) == "http://127.0.0.1:5000"
    assert mlflow_address(replace(home, tracking_uri="databricks"), None) == "http://127.0.0.1:5000"
    for wanted in ("javascript:alert(1)", "mlflow.example", "http://"):
        with pytest.raises(UsageError, match="no address"):
            mlflow_address(home, wanted)


def test_a_window_is_drawn_once_as_the_newest_look_saw_it() -> None:
    """Labels come late: what an older look found of the same window is overtaken."""
    found = quality_chart.windows([look(n) for n in range(3)])
    ends = [one.span.end for one in found]
    assert ends == sorted(set(ends))
    assert [one.outcome for one in found] == ["decayed", "decayed", "decayed", "fine"]


def test_windows_by_count_are_drawn_though_a_day_holds_many() -> None:
    """And one that a newer look cut a few hours later is overtaken."""
    hours = [Stretch(start=NOW + n * HOUR, end=NOW + (n + 1) * HOUR) for n in range(-3, 0)]
    newest = replace(look(0).evidence, performance=tuple(quality(0, span=one) for one in hours))
    shifted = Stretch(start=hours[0].start - HOUR / 4, end=hours[0].end - HOUR / 4)
    earlier = Stretch(start=hours[0].start - 2 * HOUR, end=hours[0].start)
    older = replace(newest, performance=(quality(0, span=shifted), quality(0, span=earlier)))
    found = quality_chart.windows([look(0, evidence=newest), look(0, evidence=older)])
    assert [one.span for one in found] == [earlier, *hours]


@pytest.mark.parametrize(
    "one",
    [quality(1), quality(1, low=None, high=None), quality(1, baseline=None),
     quality(1, value=0.5, low=0.5, high=0.5, baseline=0.5), quality(1, value=-3e9),
     quality(1, outcome="an outcome of tomorrow")],
)  # fmt: skip
def test_any_single_window_can_be_drawn(one: quality_chart.Quality) -> None:
    """Without an interval or a baseline, without any spread, far off: numbers all the same."""
    drawn = quality_chart.chart([one], "churn")
    assert drawn is not None
    assert not re.search(r"nan|inf", drawn)


def test_what_was_not_measured_is_not_drawn() -> None:
    """And nothing at all where nothing was."""
    assert quality_chart.chart([quality(1, value=None)], "churn") is None
    assert quality_chart.chart([], "churn") is None
    assert drift_map.grid([]) is None


def test_the_most_moved_columns_come_first() -> None:
    """What drifted before what is only large; columns come and go between windows."""
    found = drift_map.grid([look(0), look(1)])
    assert found is not None
    assert list(found.rows) == [TRICK, "plan", "age"]
    assert found.windows[0] < found.windows[1]
    cells = found.rows["age"]
    assert [cell and cell.effect for cell in cells] == [0.05, 0.0]


def client(home: Home) -> TestClient:
    pages = app([*routes(home, "http://127.0.0.1:5000"), metrics_route(home)])
    return TestClient(pages, base_url="http://127.0.0.1")


def test_it_is_served_beside_reports_and_metrics(tmp_path: Path) -> None:
    """Each under a policy; nothing else of the home, and not under another's name."""
    home = home_of(tmp_path / "home")
    asked = client(home)
    shown = asked.get("/")
    assert shown.status_code == 200
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
    (link,) = set(re.findall(r'href="(reports/[^"]+)"', shown.text))
    report = asked.get(f"/{link}")
    assert (report.status_code, "Evidently" in report.text) == (200, True)
    assert report.headers["content-security-policy"].startswith("sandbox allow-scripts;")
    assert "onramp_monitor_verdict" in asked.get("/metrics").text
    assert asked.get("/", headers={"Host": "evil.example"}).status_code == 421
    assert asked.post("/").status_code == 405


@pytest.mark.parametrize(
    "path",
    ["churn/2026-11-22T060000Z/plan.json", "churn/../window.json", "churn/%2e%2e/report.html",
     "..%2f..%2fdataset.toml/x/report.html", "%2e%2e/%2e%2e/dataset.toml",
     "churn/none/report.html"],
)  # fmt: skip
def test_nothing_but_reports_is_handed_out(tmp_path: Path, path: str) -> None:
    """Nor by a path that climbs."""
    home = home_of(tmp_path / "home")
    assert client(home).get(f"/reports/{path}").status_code == 404


def test_a_broken_home_is_a_page_that_says_so(tmp_path: Path) -> None:
    """Every store damaged at once: the page comes, and names each."""
    home = home_of(tmp_path / "home")
    for file in (home.platform, home.manifest, home.root / "mlflow.db", home.dataset_file):
        file.write_bytes(b"no such thing, at some length" * 200)
    (next(home.reports.glob("*/*/window.json"))).write_text("{")
    shown = client(home).get("/")
    assert shown.status_code == 200
    for word in ("The data set: ", "The jobs: ", "The ledger: ", "The registry: ", "window.json"):
        assert word in shown.text


def test_the_verb_writes_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Into a folder that it makes; what is not on it is said."""
    home = home_of(tmp_path / "home")
    home.scheduler_file.write_text("{")
    site = tmp_path / "a" / "site"
    assert run(["dashboard", "--write", str(site), "--home", str(home.root)]) == 0
    assert [file.name for file in site.iterdir()] == ["index.html"]
    said = capsys.readouterr().out.splitlines()
    assert said[0] == str(site / "index.html")
    assert "not on it: The scheduler's file" in said[1]
    text = (site / "index.html").read_text(encoding="utf-8")
    assert 'href="../../home/reports/churn/2026-11-22T060000Z/report.html"' in text
