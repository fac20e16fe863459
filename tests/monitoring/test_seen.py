"""What `monitor` writes, the dashboard and the metrics read; the registry says who serves."""

from __future__ import annotations

from lifecycle.ledger import Entry, Ledger
from monitoring.monitor import monitor
from onramp.dashboard.links import Links
from onramp.dashboard.write import made
from onramp.exposition import exposition
from onramp.overview.champions import serving
from onramp.overview.overview import read
from tests.monitoring.conftest import Tell
from tests.monitoring.world import CHURN, NOW, Story


def test_a_real_look_is_read_shown_and_exposed(told: Tell) -> None:
    """Every number that was found, by the file that it was written into."""
    home = told(Story(concept=75, shift=90))
    report = monitor(home, CHURN, as_of=NOW, report=False)
    seen = read(home)
    assert seen.problems == ()
    (look,) = seen.looks["churn"]
    evidence = report.evidence
    assert (look.verdict, look.reasons) == (report.verdict, report.reasons)
    assert (look.as_of, look.version, look.run_id) == (NOW, 1, report.run_id)
    assert (look.evidence.rows, look.evidence.due) == (evidence.rows, evidence.due)
    assert set(look.drifted) == {drift.column for drift in evidence.drifted}
    told_of = [(q.span.end, q.value, q.outcome) for q in look.evidence.performance]
    assert told_of == [(p.span.end, p.value, p.outcome) for p in evidence.performance]
    assert len(told_of) > 1
    assert f'verdict="{report.verdict}"}} 1.0'.encode() in exposition(home)


def test_the_page_names_the_champion_and_its_run(told: Tell) -> None:
    """From the registry; since when, from the ledger."""
    home = told(Story(), champion=3, previous=1)
    Ledger(home).append(
        Entry(actor="ann", task="churn", decision="promote", why="better", version="3")
    )
    found = serving(home, ["churn", "preference"])
    champion = found["churn"].champion
    assert champion is not None
    assert (champion.number, found["churn"].newest, found["preference"].champion) == (3, 3, None)
    text, problems = made(home, Links())
    assert problems == ()
    assert "version 3" in text
    assert "by ann. Before it: 1" in text
    number = found["churn"].experiments["churn"]
    assert f'href="http://127.0.0.1:5000/#/experiments/{number}/runs/{champion.run_id}"' in text
