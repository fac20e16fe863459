"""What a promotion would change for those who ask: features needed, their types, the answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lifecycle.gate import SignatureDifference
from training.model import Scorer


def signature(
    challenger: Scorer, champion: Scorer | None, computed: Iterable[str]
) -> SignatureDifference:
    """Hold the challenger's signature against what is computed today and the champion's.

    Args:
        challenger: features of it that are not computed are missing.
        champion: None when there is none: then nothing can be retyped or lost.
        computed: names of features as they are computed now.
    """
    known = set(computed)
    was: Mapping[str, str] = dict(champion.features) if champion else {}
    answers = champion.classes if champion else ()
    return SignatureDifference(
        missing=tuple(name for name, _ in challenger.features if name not in known),
        retyped=tuple(
            f"{name} (was {was[name]}, is {kind})"
            for name, kind in challenger.features
            if was.get(name, kind) != kind
        ),
        lost=tuple(name for name in answers if name not in challenger.classes),
    )
