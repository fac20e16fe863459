"""When a challenger goes back: rules as data, over what a server has seen.

A rule that has nothing new to say says nothing; one that cannot tell does not end a canary. Each
look at the scores has its own share of the rule's false alarms, 1/2 + 1/6 + 1/12 + …, which is 1
in all: looking often does not find a difference that is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lifecycle.gate.verdict import Finding, Outcome
from lifecycle.kolmogorov_smirnov import by_chance, gap
from serving.rollout.seen import FIRST_LOOK, Record


class Guardrail(Protocol):
    @property
    def words(self) -> str:
        """What a person reads of the rule."""
        ...

    def finding(self, record: Record) -> Finding | None:
        """What the rule finds; None: nothing new."""
        ...


@dataclass(frozen=True, kw_only=True)
class FewFailures:
    """Of the challenger's requests at most `most` fail; fewer than `least` failures are let be."""

    most: float = 0.01
    least: int = 3

    @property
    def words(self) -> str:
        return f"at most {self.most:.0%} of its requests fail (from {self.least} failures on)"

    def finding(self, record: Record) -> Finding:
        asked = record.answers + record.failures
        share = record.failures / asked if asked else 0.0
        bad = record.failures >= self.least and share > self.most
        reason = f" The newest: {record.reason}" if record.failures else ""
        return Finding(
            rule="failures",
            outcome="failed" if bad else "passed",
            words=f"{record.failures} of {asked} failed ({share:.1%}).{reason}",
            value=share,
            threshold=self.most,
        )


@dataclass(frozen=True, kw_only=True)
class AsQuick:
    """The challenger's median is at most `times` the champion's, or below `tolerated_ms`.

    The median, because a model that is slow is always slow: the tail of times is the machine's,
    and on a busy one it is three times as long on either side by chance.
    """

    times: float = 3.0
    tolerated_ms: float = 5.0
    least: int = 100

    @property
    def words(self) -> str:
        return (
            f"its median time is at most {self.times:g} times the champion's, or below "
            f"{self.tolerated_ms:g} ms (from {self.least} requests on)"
        )

    def finding(self, record: Record) -> Finding | None:
        if min(len(record.champion_seconds), len(record.challenger_seconds)) < self.least:
            return None
        old, new = (
            float(np.median(seconds)) * 1000.0
            for seconds in (record.champion_seconds, record.challenger_seconds)
        )
        most = max(self.times * old, self.tolerated_ms)
        return Finding(
            rule="latency",
            outcome="failed" if new > most else "passed",
            words=f"Its median is {new:.2f} ms, the champion's {old:.2f} ms.",
            value=new,
            threshold=most,
        )


@dataclass(frozen=True, kw_only=True)
class SameScores:
    """The two populations of scores differ by less than `distance`, or by chance.

    Customers are dealt to the sides by a hash, so that only the versions can make a difference.
    Two good models differ a little: the largest gap between the two distribution functions
    (Kolmogorov-Smirnov) must be large as well as certain.

    Attributes:
        alpha: how likely a false alarm is, over all looks and classes together.
    """

    distance: float = 0.2
    alpha: float = 0.01

    @property
    def words(self) -> str:
        return (
            f"the scores of its customers lie less than {self.distance:g} from the champion's "
            f"(Kolmogorov-Smirnov, false alarms {self.alpha:.0%} in all looks, from {FIRST_LOOK} "
            "customers on)"
        )

    def finding(self, record: Record) -> Finding | None:
        compared = record.compared
        if compared is None:
            return None
        level = self.alpha / ((compared.look + 1) * (compared.look + 2) * len(compared.classes))
        gaps = [
            gap(old, new)
            for old, new in zip(compared.champion.T, compared.challenger.T, strict=True)
        ]
        worst = int(np.argmax(gaps))
        chance = by_chance(gaps[worst], len(compared.champion), len(compared.challenger))
        outcome: Outcome = "failed" if gaps[worst] >= self.distance and chance < level else "passed"
        means = [side[:, worst].mean() for side in (compared.champion, compared.challenger)]
        return Finding(
            rule="scores",
            outcome=outcome,
            words=(
                f"The scores for {compared.classes[worst]} lie {gaps[worst]:.3f} apart "
                f"(p = {chance:.2g}): {means[1]:.3f} on average over {len(compared.challenger)} "
                f"customers, the champion's {means[0]:.3f} over {len(compared.champion)}."
            ),
            value=gaps[worst],
            threshold=self.distance,
        )


GUARDRAILS: tuple[Guardrail, ...] = (FewFailures(), AsQuick(), SameScores())


def judge(record: Record, rules: Sequence[Guardrail] = GUARDRAILS) -> tuple[Finding, ...]:
    """Every rule's finding that is news."""
    found = (rule.finding(record) for rule in rules)
    return tuple(one for one in found if one is not None)
