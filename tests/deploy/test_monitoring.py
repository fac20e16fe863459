"""deploy/monitoring: every file is judged by the program that will read it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from lifecycle.errors import NO_FAILURE
from onramp.exposition import families
from tests.deploy import serving_files
from tests.deploy.serving_files import METRIC, ROOT, promtool, queries
from tests.onramp.overview.homes import OVERVIEW

FOLDER = ROOT / "deploy" / "monitoring"
ALERTS, ALERTS_TEST = FOLDER / "alerts.yml", FOLDER / "alerts_test.yml"
DASHBOARD = FOLDER / "grafana-dashboard.json"


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    return list(group["rules"])


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Every metric of a home that has everything."""
    return {family.name for family in families(OVERVIEW)}


def test_prometheus_takes_the_rules_and_the_configuration(tmp_path: Path) -> None:
    """Each expression is one that Prometheus reads, each annotation a template."""
    done = promtool("check", "rules", "--lint-fatal", ALERTS)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("alerts.yml", "prometheus.yml"):
        (tmp_path / name).write_text((FOLDER / name).read_text("utf-8"))
    done = promtool("check", "config", tmp_path / "prometheus.yml")
    assert f"{len(rules())} rules found" in done.stdout, done.stdout + done.stderr


def test_the_alerts_fire_when_they_are_due() -> None:
    """By Prometheus' own tests of rules: with the words, after the time, and not before."""
    done = promtool("test", "rules", ALERTS_TEST)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_that_never_fire_fail_their_tests(tmp_path: Path) -> None:
    """The tests of the rules look at every one of them."""
    text = yaml.safe_load(ALERTS.read_text("utf-8"))
    for rule in text["groups"][0]["rules"]:
        rule["expr"] = "vector(0) > 1"
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(text))
    (tmp_path / "alerts_test.yml").write_text(ALERTS_TEST.read_text("utf-8"))
    done = promtool("test", "rules", tmp_path / "alerts_test.yml")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert [rule["alert"] for rule in rules() if f"alertname: {rule['alert']}" not in said] == []


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_and_what_to_do(rule: dict[str, Any]) -> None:
    """Whoever is woken reads what is wrong and where to look."""
    assert set(rule["annotations"]) == {"summary", "action"}
    assert rule["labels"]["severity"] in {"page", "ticket"}


@pytest.mark.parametrize("file", [ALERTS, ALERTS_TEST, DASHBOARD], ids=lambda file: file.name)
def test_only_metrics_that_exist_are_looked_at(file: Path, known: set[str]) -> None:
    """A metric by another name would leave an alert silent for ever, and a panel empty."""
    found = set(METRIC.findall(file.read_text("utf-8")))
    assert len(found) >= 10
    assert found - known == set()


def test_no_outcome_of_the_gate_is_a_failing_verb() -> None:
    """The rule knows the exit codes that are none, by their numbers."""
    (rule,) = [rule for rule in rules() if rule["alert"] == "OnrampVerbFails"]
    assert sorted(NO_FAILURE) == [0, 10, 11, 13]
    assert re.findall(r"(> 0 < 10|== 12|> 13)", rule["expr"]) == ["> 0 < 10", "== 12", "> 13"]


def test_the_dashboards_queries_are_promql(tmp_path: Path) -> None:
    """Each expression passes as a rule, once Grafana's variables are put in."""
    found = queries(dashboard())
    assert len(found) > 10
    recorded = [{"record": f"panel:{n}", "expr": text} for n, text in enumerate(found)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def places() -> Iterator[dict[str, int]]:
    for panel in dashboard()["panels"]:
        yield panel["gridPos"]


def test_the_dashboard_is_laid_out_and_has_the_variables_that_it_uses() -> None:
    """No panel lies on another; each is within the 24 columns; ids are their own."""
    board = dashboard()
    for one, other in combinations(places(), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)
    assert all(place["x"] + place["w"] <= 24 for place in places())
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    text = json.dumps([board["panels"], board["annotations"]])
    used = {name for name in re.findall(r"\$\{?(\w+)", text) if not name.startswith("__")}
    assert used == {one["name"] for one in board["templating"]["list"]}


def test_one_prometheus_watches_the_server_and_the_rest(tmp_path: Path, known: set[str]) -> None:
    """No metric, group, alert or job of one is the other's; both pass in one configuration."""
    page = (ROOT / "docs" / "serving.md").read_text("utf-8")
    (table,) = re.findall(r"\| metric \| labels \| what \|\n(.*?)\n\n", page, re.DOTALL)
    served = set(re.findall(r"^\| `(onramp_\w+)`", table, re.MULTILINE))
    assert len(served) > 10
    assert served & known == set()
    folders = {"serving": serving_files.FOLDER, "monitoring": FOLDER}
    groups, jobs = [], []
    for name, folder in folders.items():
        text = (folder / "alerts.yml").read_text("utf-8")
        (tmp_path / f"{name}.yml").write_text(text)
        groups += yaml.safe_load(text)["groups"]
        jobs += yaml.safe_load((folder / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    names = [rule["alert"] for group in groups for rule in group["rules"]]
    for one in (names, [group["name"] for group in groups], [job["job_name"] for job in jobs]):
        assert len(set(one)) == len(one)
    for job in jobs:
        job.pop("authorization", None)  # its file is on the machine that it is for
    both = {"rule_files": [f"{name}.yml" for name in folders], "scrape_configs": jobs}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(both))
    done = promtool("check", "config", tmp_path / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sum(map(int, re.findall(r"(\d+) rules found", done.stdout))) == len(names)


def test_the_readme_names_every_alert_and_the_page_every_metric(known: set[str]) -> None:
    """And none that there is not."""
    text = (FOLDER / "README.md").read_text("utf-8")
    assert re.findall(r"^\| `(Onramp\w+)` \|", text, re.MULTILINE) == [r["alert"] for r in rules()]
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(onramp_\w+)` \|", page, re.MULTILINE)) == known
