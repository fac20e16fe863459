"""deploy/serving: every file is judged by the program that will read it."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from lifecycle.settings import PREFIX, Settings
from onramp.verbs.serve import command
from serving.log_writer import LogState
from serving.metrics.instruments import Metrics
from serving.seat import Seat
from tests.deploy.serving_files import (
    ALERTS,
    ALERTS_TEST,
    CONTAINERFILE,
    DASHBOARD,
    FOLDER,
    METRIC,
    PROMETHEUS,
    ROOT,
    UNIT,
    dashboard,
    judged,
    program,
    promtool,
    queries,
    rules,
)

EXPOSED = 2.0  # systemd's own scale: 10 is a process without any bound
ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def settle(folder: Path) -> Path:
    """The scrape configuration with its rules and a token, as on a machine of its own."""
    token = folder / "token"
    token.write_text("made up")
    text = PROMETHEUS.read_text("utf-8").replace("/etc/prometheus/onramp-token", str(token))
    (folder / "alerts.yml").write_text(ALERTS.read_text("utf-8"))
    placed = folder / "prometheus.yml"
    placed.write_text(text)
    return placed


def test_prometheus_takes_the_configuration(tmp_path: Path) -> None:
    """The scrape configuration, the rules it names and the token's file."""
    done = promtool("check", "config", settle(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules())} rules found" in done.stdout


def test_prometheus_takes_the_rules() -> None:
    """Each expression is one that Prometheus reads, each annotation a template."""
    done = promtool("check", "rules", "--lint-fatal", ALERTS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_fire_when_they_are_due() -> None:
    """By Prometheus' own tests of rules: with the words, after the time, and not before."""
    done = promtool("test", "rules", ALERTS_TEST)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_that_never_fire_fail_their_tests(tmp_path: Path) -> None:
    """The tests of the rules look at every one of them: none passes for want of a look."""
    text = yaml.safe_load(ALERTS.read_text("utf-8"))
    for rule in text["groups"][0]["rules"]:
        rule["expr"] = "vector(0) > 1"
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(text))
    (tmp_path / "alerts_test.yml").write_text(ALERTS_TEST.read_text("utf-8"))
    done = promtool("test", "rules", tmp_path / "alerts_test.yml")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert [rule["alert"] for rule in rules() if f"alertname: {rule['alert']}" not in said] == []


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_and_what_to_do(rule: dict[str, Any]) -> None:
    """Whoever is woken reads what is wrong and where to look."""
    assert set(rule["annotations"]) == {"summary", "action"}
    assert rule["labels"]["severity"] in {"page", "ticket"}


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Every name that a server's page of metrics can hold."""
    metrics = Metrics(lambda: datetime.now(UTC))
    nothing = LogState(written=0, dropped=0, waiting=0, trouble="")
    metrics.watch({"churn": Seat("churn")}, lambda: nothing)
    metrics.follow(lambda: {"events": 0, "kept": 0, "refused": 0, "late": 0, "trouble": None})
    return {
        family.name + ending
        for family in metrics.registry.collect()
        for ending in ENDINGS[family.type]
    }


def named(text: str) -> set[str]:
    return set(METRIC.findall(text))


@pytest.mark.parametrize("file", [ALERTS, ALERTS_TEST, DASHBOARD], ids=lambda file: file.name)
def test_only_metrics_that_exist_are_looked_at(file: Path, known: set[str]) -> None:
    """A metric by another name would leave an alert silent for ever, and a panel empty."""
    found = named(file.read_text("utf-8"))
    assert len(found) > 10
    assert found - known == set()


def test_the_page_names_every_metric(known: set[str]) -> None:
    """docs/serving.md lists what there is, and nothing else."""
    text = (ROOT / "docs" / "serving.md").read_text("utf-8")
    (table,) = re.findall(r"\| metric \| labels \| what \|\n(.*?)\n\n", text, re.DOTALL)
    listed = {name for name in named(table) if not name.startswith("process_")}
    ours = {name for name in known if name.startswith("onramp_")}
    assert listed == {re.sub("_(bucket|sum|count)$", "", name) for name in ours}


def test_the_dashboards_queries_are_promql(tmp_path: Path) -> None:
    """Each expression passes as a rule, once Grafana's variables are put in."""
    found = queries(dashboard())
    assert len(found) > 15
    recorded = [{"record": f"panel:{n}", "expr": text} for n, text in enumerate(found)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboards_panels_are_laid_out() -> None:
    """Ids are their own, no panel lies on another, and each is within the 24 columns."""
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations((panel["gridPos"] for panel in panels), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_the_dashboard_has_the_variables_that_it_uses() -> None:
    """And uses each one that it has."""
    board = dashboard()
    has = {one["name"] for one in board["templating"]["list"]}
    text = json.dumps([board["panels"], board["annotations"]])
    used = {name for name in re.findall(r"\$\{?(\w+)", text) if not name.startswith("__")}
    assert used == has


def unit(folder: Path) -> Path:
    """The unit with a program that is on this machine."""
    text = UNIT.read_text("utf-8")
    (line,) = re.findall(r"^ExecStart=(\S+) ", text, re.MULTILINE)
    placed = folder / UNIT.name
    placed.write_text(text.replace(line, sys.executable))
    return placed


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """Every directive is known, every value can be read."""
    done = judged(program("systemd-analyze", "systemd"), "verify", "--man=no", unit(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_notices_a_bad_unit(tmp_path: Path) -> None:
    """The check above is one: a word that systemd does not know is told."""
    placed = unit(tmp_path)
    placed.write_text(placed.read_text().replace("KillMode=mixed", "KillMode=gently"))
    done = judged(program("systemd-analyze", "systemd"), "verify", "--man=no", placed)
    assert "gently" in done.stderr


def test_the_unit_may_do_little(tmp_path: Path) -> None:
    """By systemd's own count of what a service could do to its machine."""
    words = ("security", "--offline=true", f"--threshold={EXPOSED * 10:.0f}", "--no-pager")
    done = judged(program("systemd-analyze", "systemd"), *words, unit(tmp_path))
    assert done.returncode == 0, done.stdout


def containerfile() -> Iterator[tuple[str, str]]:
    """Instruction and the rest, one logical line each."""
    text = re.sub(r"^#.*\n", "", CONTAINERFILE.read_text("utf-8"), flags=re.MULTILINE)
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


def test_the_container_has_every_package() -> None:
    """What it copies is there, and is what the wheel is built of."""
    copied = {
        source
        for word, rest in containerfile()
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    beside = {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", "datasets"}
    assert copied == packages | beside
    assert all((ROOT / source).exists() for source in copied)


def test_what_the_container_and_the_unit_start_is_a_command() -> None:
    """Their words are those of `onramp serve`, and neither runs as root."""
    started = dict(containerfile())
    verb, *words = json.loads(started["CMD"])
    assert (json.loads(started["ENTRYPOINT"]), verb) == (["onramp"], "serve")
    assert started["USER"] != "root"
    assert command.make_context("serve", words).params["public"] is True
    (line,) = re.findall(r"^ExecStart=\S+/onramp serve(.*)$", UNIT.read_text("utf-8"), re.MULTILINE)
    command.make_context("serve", line.split())
    assert re.search(r"^User=onramp$", UNIT.read_text("utf-8"), re.MULTILINE)


def test_only_settings_that_exist_are_set() -> None:
    """A misspelt variable would be refused where it is started."""
    text = "".join(file.read_text("utf-8") for file in FOLDER.iterdir() if file.suffix != ".json")
    found = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", text))
    assert len(found) > 3
    assert found <= {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


def test_the_readme_names_every_alert() -> None:
    """And none that there is not."""
    text = (FOLDER / "README.md").read_text("utf-8")
    assert re.findall(r"^\| `(Onramp\w+)` \|", text, re.MULTILINE) == [
        rule["alert"] for rule in rules()
    ]
