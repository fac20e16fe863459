"""What a version is made of: enough to make it again without a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from training.balancing.balance import Balance
from training.search.plan import Candidate


@dataclass(frozen=True, kw_only=True)
class Fit:
    """One booster to be fitted.

    Attributes:
        fold: whose fitting rows; None: every training row.
        seed: of the booster.
        rounds: how many.
    """

    fold: int | None
    seed: int
    rounds: int


@dataclass(frozen=True, kw_only=True)
class Member:
    """A candidate in the blend: its margins are the mean over its fits, times its weight.

    Attributes:
        candidate: with the rounds that each fold found best.
        weight: of the blend; all weights sum to one.
    """

    candidate: Candidate
    weight: float
    fits: tuple[Fit, ...]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Members, heaviest first."""

    members: tuple[Member, ...]

    @property
    def best(self) -> Candidate:
        """The heaviest member's candidate: what a run is called after."""
        return self.members[0].candidate

    @property
    def algorithms(self) -> tuple[str, ...]:
        return tuple(sorted({member.candidate.algorithm for member in self.members}))

    @property
    def bag(self) -> bool:
        """Whether it is made of the folds' boosters."""
        return any(fit.fold is not None for member in self.members for fit in member.fits)

    @property
    def how(self) -> str:
        """In words: refit, fold bag, and of how many boosters."""
        fits = sum(len(member.fits) for member in self.members)
        kind = "fold bag" if self.bag else "refit"
        blended = f"blend of {len(self.members)}, " if len(self.members) > 1 else ""
        return f"{blended}{kind}, {fits} {'booster' if fits == 1 else 'boosters'}"


def recipe_to_json(recipe: Recipe) -> dict[str, Any]:
    """Plain values, as `recipe.json` keeps them."""
    return asdict(recipe)


def recipe_from_json(plain: Mapping[str, Any]) -> Recipe:
    """Read back what `recipe_to_json` gave."""
    return Recipe(members=tuple(member_from(one) for one in plain["members"]))


def member_from(plain: Mapping[str, Any]) -> Member:
    of = plain["candidate"]
    candidate = Candidate(
        algorithm=of["algorithm"],
        params=dict(of["params"]),
        balance=Balance(**of["balance"]),
        rounds=tuple(of["rounds"]),
    )
    fits = tuple(Fit(**fit) for fit in plain["fits"])
    return Member(candidate=candidate, weight=float(plain["weight"]), fits=fits)
