"""Promotion: judged on unseen rows, recorded whatever comes, safe when killed, fails closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from lifecycle.errors import NotReady, UnknownName
from lifecycle.gate import AtLeast, Gate, Mismatch, NoSkew, NotWorse, Skew
from lifecycle.home import Home
from lifecycle.ledger import Ledger
from lifecycle.registry import Registry
from lifecycle.version_files import FILES
from tests.resealed import reseal
from tests.training.conftest import CHURN, make_frame, make_set
from tests.training.promotion.world import FRAME, TASK, TODAY
from training.candidate import Budget
from training.model import FOREST
from training.promotion.promote import promote_by, promote_on
from training.promotion.report import PromotionReport
from training.run import train_on

LENIENT = replace(
    CHURN,
    gate=Gate(
        rules=(AtLeast("roc_auc", 0.4), NotWorse("roc_auc", margin=0.02)),
        least_rows=100,
        least_positives=20,
    ),
)
GOOD = make_frame(customers=600, signal=3.0)


def noise(frame: pd.DataFrame) -> pd.DataFrame:
    """The same moments with labels that mean nothing."""
    return frame.assign(label=frame["label"].sample(frac=1, random_state=0).to_numpy())


def trained_on(home: Home, frame: pd.DataFrame) -> int:
    return train_on(home, CHURN, make_set(frame), Budget(trials=1, report=False)).version


def judged(home: Home, frame: pd.DataFrame = GOOD, version: int | None = None) -> PromotionReport:
    return promote_on(home, LENIENT, lambda: frame, version=version, actor="tester")


def holders(home: Home) -> dict[str, int | None]:
    registry = Registry(home)
    found = {a: registry.holder("churn", a) for a in ("champion", "previous", "challenger")}  # type: ignore[arg-type]
    return {alias: version.number if version else None for alias, version in found.items()}


@pytest.fixture
def home(new_home: Callable[[str], Home]) -> Home:
    return new_home("promotion")


def test_first_better_worse(home: Home) -> None:
    """The first is judged by floors, a better one takes over, a worse one is refused."""
    trained_on(home, noise(GOOD))
    first = judged(home)
    assert (first.decision, first.version, first.previous) == ("promote", 1, None)
    assert holders(home) == {"champion": 1, "previous": None, "challenger": None}

    trained_on(home, GOOD)
    better = judged(home)
    assert (better.decision, better.version, better.previous) == ("promote", 2, 1)
    assert holders(home) == {"champion": 2, "previous": 1, "challenger": None}
    assert better.evidence is not None
    assert better.evidence.differences is not None
    assert better.evidence.differences["roc_auc"].low > 0
    assert better.evidence.seen == 0

    trained_on(home, noise(GOOD))
    worse = judged(home)
    assert (worse.decision, worse.version, worse.previous) == ("refuse", 3, 2)
    assert holders(home) == {"champion": 2, "previous": 1, "challenger": 3}

    again = judged(home, version=2)
    assert (again.decision, again.changed) == ("promote", False)
    assert "nothing to do" in again.verdict.findings[0].words

    rows = Ledger(home).read("churn")
    assert [(r.decision, r.version, r.actor) for r in reversed(rows)] == [
        ("promote", "1", "tester"), ("promote", "2", "tester"), ("refuse", "3", "tester"),
    ]  # fmt: skip
    assert "a loss of 0.02 is allowed" in rows[0].why
    tags = Registry(home).version("churn", 3).tags
    assert tags["verdict"] == "refuse"
    assert tags["verdict.against"] == "2"
    assert any(text.startswith("failed: roc_auc not worse") for text in tags.values())


def test_rows_that_a_model_was_trained_on_are_not_judged_on(home: Home) -> None:
    """A table whose clock was moved shows its own training rows: seen, so it cannot judge."""
    trained_on(home, GOOD)
    registry = Registry(home)
    folder = registry.folder(registry.version("churn", 1))
    facts = folder / "artifacts/version/model.json"
    lied = facts.read_text().replace("labels_known_until", "was", 1)
    early = (GOOD["signed_up_at"].min() - timedelta(days=1)).isoformat()
    lied = lied.replace('"was"', f'"labels_known_until": "{early}", "was"')
    start = lied.index('"test_signed_up_from"')
    end = lied.index("\n", start)
    facts.write_text(lied[:start] + f'"test_signed_up_from": "{early}",' + lied[end:])
    reseal(registry, registry.version("churn", 1))
    found = judged(home)
    assert found.decision == "cannot judge"
    assert any("were in a training or calibration set" in why for why in found.verdict.reasons)
    assert holders(home)["champion"] is None


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (GOOD.iloc[:300], "no labelled row comes after"),
        (GOOD.iloc[-60:], "evaluation rows; at least 100"),
        (GOOD.drop(columns=["n0", "plan"]), "version 1 needs n0, plan"),
        (GOOD.assign(label=True), "0 rows of the rarest class"),
    ],
    ids=["nothing new", "too few", "feature gone", "one class"],
)
def test_what_cannot_be_measured_is_not_promoted(
    one_version: Home, frame: pd.DataFrame, words: str
) -> None:
    """Each lack is a reason, on the version and in the ledger, and no alias moves."""
    found = judged(one_version, frame)
    assert found.decision == "cannot judge"
    assert any(words in why for why in found.verdict.reasons), found.verdict.reasons
    assert holders(one_version)["champion"] is None
    newest = Ledger(one_version).read("churn", newest=1)[0]
    assert newest.decision == "cannot judge"
    assert words in newest.why
    assert words in Registry(one_version).version("churn", 1).tags["verdict.why"]


@pytest.fixture(scope="module")
def one_version(new_home: Callable[[str], Home]) -> Home:
    """A home with one version that no test here promotes."""
    home = new_home("one")
    trained_on(home, GOOD)
    return home


def test_an_exception_is_a_reason_not_to_promote(one_version: Home) -> None:
    """Whatever breaks while measuring, the gate stays shut and says what broke."""

    def broken() -> pd.DataFrame:
        raise ConnectionError("the store is on fire")

    found = promote_on(one_version, LENIENT, broken, actor="tester")
    assert found.decision == "cannot judge"
    assert any("ConnectionError: the store is on fire" in why for why in found.verdict.reasons)
    assert holders(one_version)["champion"] is None


def test_a_damaged_version_is_not_promoted(world: Home) -> None:
    """A forest that cannot be read is a reason, not a crash."""
    registry = Registry(world)
    folder = registry.folder(registry.version("churn", 2))
    (folder / FILES / FOREST).write_bytes(b"not a forest")
    reseal(registry, registry.version("churn", 2))
    assert judged(world, version=2).decision == "cannot judge"
    assert holders(world)["champion"] == 1


def test_a_mismatch_refuses(world: Home) -> None:
    """What is answered online and not known offline keeps everybody from promotion."""
    task = replace(TASK, gate=replace(TASK.gate, rules=(*TASK.gate.rules, NoSkew())))
    one = Mismatch(
        customer_id="c7", at="2026-01-01T00:00:00+00:00", what="feature", name="n0", online=1.0,
        offline=2.0,
    )  # fmt: skip
    today = replace(TODAY, replay=lambda *_: Skew(requests=200, compared=200, mismatches=(one,)))
    before = holders(world)
    found = promote_by(world, task, today, version=2, actor="tester")
    assert (found.decision, found.changed) == ("refuse", False)
    assert any("n0 of customer c7" in why for why in found.verdict.reasons)
    assert holders(world) == before
    agrees = replace(TODAY, replay=lambda *_: Skew(requests=200, compared=200))
    assert promote_by(world, task, agrees, version=2, actor="tester").changed


def test_nothing_trained_says_what_to_do(home: Home) -> None:
    """Without a version there is nothing to record, and the error says what to run."""
    with pytest.raises(NotReady, match=r"No version of churn.*onramp train churn"):
        judged(home)


def test_an_unknown_version_is_named(one_version: Home) -> None:
    """A number that nothing has lists those that are there."""
    with pytest.raises(UnknownName, match=r"'9'.*1"):
        judged(one_version, version=9)


def test_a_version_that_cannot_be_served_is_not_promoted(world: Home) -> None:
    """It must repeat its recorded predictions, as the server will ask: else cannot judge."""
    registry = Registry(world)
    version = registry.version("churn", 2)
    recorded = registry.folder(version) / FILES / "reference.parquet"
    frame = pd.read_parquet(recorded)
    frame.assign(prediction=frame["prediction"] + 0.01).to_parquet(recorded)
    reseal(registry, version)
    found = judged(world, version=2)
    assert found.decision == "cannot judge"
    assert any("does not repeat its recorded predictions" in why for why in found.verdict.reasons)
    assert holders(world)["champion"] == 1


def test_a_new_verdict_replaces_the_old_one_whole(one_version: Home) -> None:
    """Findings of an earlier, longer verdict do not stay on the page."""
    registry = Registry(one_version)
    registry.tag(registry.version("churn", 1), {"gate.41": "passed: of a former gate"})
    found = judged(one_version, GOOD.iloc[:300])
    gate = [key for key in registry.version("churn", 1).tags if key.startswith("gate.")]
    assert len(gate) == len(found.verdict.findings)


def test_other_definitions_under_the_same_names_are_not_judged(home: Home) -> None:
    """A feature that means something else than was learned: cannot judge, and it is named."""
    known = {"n0": "a", "n1": "b"}
    data = replace(make_set(GOOD), definitions=known)
    train_on(home, CHURN, data, Budget(trials=1, report=False))
    for today, words in (({"n0": "a", "n1": "c"}, "n1. Train again"), (None, "no definitions")):
        found = promote_on(home, LENIENT, lambda: GOOD, given(today), actor="tester")
        assert found.decision == "cannot judge"
        assert any(words in why for why in found.verdict.reasons), found.verdict.reasons
    same = promote_on(home, LENIENT, lambda: GOOD, given({**known, "new": "d"}), actor="tester")
    assert same.decision == "promote"


def given(today: dict[str, str] | None) -> Callable[[], dict[str, str]]:
    """The definitions of today, or a store that cannot say."""

    def ask() -> dict[str, str]:
        if today is None:
            raise ConnectionError("no definitions")
        return today

    return ask


def test_the_page_reads_well(world: Home) -> None:
    """Every finding is a tag in words that MLflow's page shows."""
    report = promote_on(world, TASK, lambda: FRAME, version=2, actor="tester")
    version = MlflowClient(world.tracking_uri, world.tracking_uri).get_model_version("churn", "2")
    gate = {key: text for key, text in version.tags.items() if key.startswith("gate.")}
    assert len(gate) == len(report.verdict.findings)
    assert gate["gate.01"].startswith("passed: enough rows.")
    assert report.lines()[0] == "churn version 2 against version 1: promote"
