"""Each inconsistency that a home of `test_doctor` can be given, as it comes about in life."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from lifecycle.home import Home
from lifecycle.integrity import DIGEST
from lifecycle.jobs import Jobs
from lifecycle.ledger import Entry, Ledger
from lifecycle.moves import Move, Moves
from lifecycle.registry import Registry

DEAD = f"{socket.gethostname()}/999999/1.00"


def in_mlflow(home: Home, number: int) -> Path:
    registry = Registry(home)
    source = registry.source(registry.version("churn", number))
    assert str(home.root) in source
    return Path(source.removeprefix("file://"))


def in_home(home: Home, number: int) -> Path:
    registry = Registry(home)
    return registry.place(registry.version("churn", number))


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            assert db.execute(statement).rowcount != 0


def challenger_of_nothing(home: Home) -> None:
    sql(
        home.root / "mlflow.db",
        "UPDATE registered_model_aliases SET version = 9 WHERE alias = 'challenger'",
    )


def champion_is_challenger(home: Home) -> None:
    Registry(home).point("challenger", Registry(home).version("churn", 2))


def artifacts_gone(home: Home) -> None:
    shutil.rmtree(in_mlflow(home, 1))


def artifact_flipped(home: Home) -> None:
    (in_mlflow(home, 2) / "model.py").write_text("raise SystemExit")


def copy_damaged(home: Home) -> None:
    (in_home(home, 2) / "artifacts/version/model.json").write_text("{}")


def copy_added_to(home: Home) -> None:
    (in_home(home, 3) / "more.py").write_text("")


def claimed_by_the_dead(home: Home) -> None:
    jobs = Jobs(home)
    january = datetime(2026, 1, 1, tzinfo=UTC)
    jobs.request("churn", why="drift", by="monitor", as_of=january, trigger="drift")
    jobs.claim("churn", DEAD)


def killed_in_a_move(home: Home) -> None:
    registry = Registry(home)
    entry = Entry(actor="ada", task="churn", decision="promote", why="better", version="3",
                  previous="2")  # fmt: skip
    Moves(home).begin(
        Move(task="churn", champion=2, previous=1, challenger=3, version=3, entry=entry)
    )
    registry.point("previous", registry.version("churn", 2))
    registry.point("champion", registry.version("churn", 3))


def unfinished_files(home: Home) -> None:
    old = time.time() - 7200
    for name in ("predictions/churn/day.unfinished", "models/churn/.4-aa.unfinished/artifacts/x",
                 "features/spill-77/tmp"):  # fmt: skip
        path = home.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
        for one in (path, *path.parents[:2]):
            os.utime(one, (old, old))


def champion_deleted(home: Home) -> None:
    Registry(home).client.delete_model_version("churn", "2")


def champion_of_nothing(home: Home) -> None:
    sql(home.root / "mlflow.db", "DELETE FROM model_versions WHERE name = 'churn' AND version = 2")


def waiting_for_nothing(home: Home) -> None:
    Ledger(home).append(
        Entry(actor="job 1f", task="churn", decision="await approval", why="better", version="3",
              previous="2")
    )  # fmt: skip
    Registry(home).client.delete_model_version("churn", "3")


def tag_of_before(home: Home) -> None:
    registry = Registry(home)
    Ledger(home).append(
        Entry(actor="ann", task="churn", decision="reject", why="no", version="1", previous="2")
    )
    registry.tag(registry.version("churn", 1), {"approval": "awaiting, ledger row 1"})


def moved_by_hand(home: Home) -> None:
    Registry(home).point("champion", Registry(home).version("churn", 3))
    Registry(home).drop("challenger", "churn")


def previous_is_champion(home: Home) -> None:
    Registry(home).point("previous", Registry(home).version("churn", 2))


def nothing_left_of_a_version(home: Home) -> None:
    artifacts_gone(home)
    shutil.rmtree(in_home(home, 1))


def both_damaged(home: Home) -> None:
    artifact_flipped(home)
    copy_damaged(home)


def row_edited(home: Home) -> None:
    sql(home.platform, "DROP TRIGGER ledger_keeps_values",
        "UPDATE ledger SET actor = 'nobody' WHERE number = 1")  # fmt: skip


def registered_before(home: Home) -> None:
    registry = Registry(home)
    registry.untag(registry.version("churn", 2), [DIGEST])
