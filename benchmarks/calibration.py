"""Which rule should choose a calibrator? Log-loss on fresh rows, over ten shapes of error.

    python -m benchmarks.calibration

Log-odds are drawn, labels follow from them, and what a booster might say instead is made of them
(shifted, stretched, bent, …). Each rule chooses on a few rows; its choice is judged by expected
log-loss on 20,000 fresh ones, in 1/10,000 above the best that fitting on those few rows could
give. Every draw is seeded: the same table comes out again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit
from threadpoolctl import threadpool_limits

from training.calibration import choose, offered
from training.model import calibrate

Floats = npt.NDArray[np.float64]

ROWS = (150, 400, 1_000, 4_000)
DRAWS = 20
FRESH = 20_000
PER_ENTITY = 3
LEAST_POSITIVES = 5
RARE = -2.0
WEIGHED, RARE_WEIGHED = 1.0, 3.0

SHAPES: Mapping[str, Callable[[Floats], Floats]] = {
    "true": lambda z: z,
    "a little shifted": lambda z: z + 0.15,
    "weighed": lambda z: z + WEIGHED,
    "rare and weighed": lambda z: z + RARE_WEIGHED,
    "a little too sure": lambda z: 1.12 * z,
    "too sure": lambda z: 1.5 * z,
    "not sure enough": lambda z: 0.7 * z,
    "shifted on one side": lambda z: np.where(z > -1, z + 0.5, 0.9 * z),
    "pressed together": lambda z: 2.2 * np.tanh(z / 2) - 0.2,
    "torn apart": lambda z: np.where(z < 0, z - 2, z + 2),
}
SHIFTS = {"weighed": {0: 0.0, 1: -WEIGHED}, "rare and weighed": {0: 0.0, 1: -RARE_WEIGHED}}


def drawn(shape: str, rows: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """What the booster says, shape (rows, 2), and the truth, shape (rows,)."""
    truth = rng.normal(-1.2, 1.4, rows) + (RARE if shape.startswith("rare") else 0.0)
    said = expit(SHAPES[shape](truth))
    return np.column_stack([1 - said, said]), expit(truth)


def excess(shape: str, rows: int, draw: int) -> dict[str, float] | None:
    """Rule → expected log-loss of its choice above the best; None where yeses are too few."""
    rng = np.random.default_rng([draw, rows, list(SHAPES).index(shape)])
    raw, truth = drawn(shape, rows, rng)
    labels = (rng.random(rows) < truth).astype(np.int64)
    if labels.sum() < LEAST_POSITIVES:
        return None
    fresh, fresh_truth = drawn(shape, FRESH, rng)

    def loss(calibrator: Mapping[str, object]) -> float:
        p = calibrate(calibrator, fresh)
        return -float((fresh_truth * np.log(p[:, 1]) + (1 - fresh_truth) * np.log(p[:, 0])).mean())

    entities = np.arange(rows) // PER_ENTITY
    chosen = choose(raw, labels, entities, draw)
    always = {name: loss(fit(raw, labels)) for name, fit in offered(2, None).items()}
    known = choose(raw, labels, entities, draw, shift=SHIFTS.get(shape))
    lowest = min(chosen.losses, key=lambda name: chosen.losses[name])
    found = {
        "this rule": loss(chosen.calibrator),
        "with known shifts": loss(known.calibrator),
        "lowest mean": always[lowest],
        **{f"always {name}": value for name, value in always.items()},
    }
    best = min(always.values())
    return {name: 10_000 * (value - best) for name, value in found.items()}


def main() -> None:
    found = [
        {"rows": rows, "shape": shape, **one}
        for rows in ROWS
        for shape in SHAPES
        for draw in range(DRAWS)
        if (one := excess(shape, rows, draw)) is not None
    ]
    table = pd.DataFrame(found)
    print(table.groupby("rows").mean(numeric_only=True).round(1).to_string())
    print(table.groupby(["rows", "shape"]).mean(numeric_only=True).round(1).to_string())


if __name__ == "__main__":
    with threadpool_limits(limits=1):
        main()
