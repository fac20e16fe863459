"""Writes `benchmarks/gate.md` and its picture from the lines of `benchmarks/gate.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.gate_duels import GROUPS, LARGEST, SMALLEST
from benchmarks.gate_models import Known
from benchmarks.gate_numbers import ALLOWED, BINS, LOSSES, Line, Numbers, Share
from benchmarks.gate_picture import draw
from benchmarks.gate_rules import GATES, MARGINS, NOT_WORSE, OURS, RULES, SHIPPED
from benchmarks.gate_world import World
from lifecycle.gate import NotWorseOnSlices
from lifecycle.whole import write_whole

ASKING = tuple(name for name in GATES if name != NOT_WORSE)

QUESTIONS = """\
## Two questions, and which rule answers which

- **"Has something been won?"** `Better` asks it: the whole 95 % interval of the paired difference
  must lie above zero, so two equal models pass one time in forty. *False promotion* is promoting an
  equal one, or a worse one. The shipped gates ask it of log-loss.
- **"Is nothing lost?"** `NotWorse` asks it. The whole interval must lie above −{auc:g} ROC-AUC (and
  below +{loss:g} log-loss). Two equal models pass *rightly*, as often as the rows suffice to show
  it. *False promotion* is promoting one that is truly worse by more than the margin. A small true
  loss within the margin may be promoted, and the next night another: each is held against the
  champion of its day, so margins add up. The shipped gates ask it of a second metric only.

Whoever would rather serve the newest model that loses nothing puts `NotWorse("log_loss", {loss:g},
higher_is_better=False)` in the place of `Better` in `tasks/churn.py`: the row
"{content}".
"""

HOW = """\
## How it was measured

- **The world.** {customers:,} simulated customers with {moments:,} labelled moments of churn
  ({positives:.0f} % yes) and Onramp's own {features} features. {learners:,} customers are to learn
  from; the {others:,} others are the truth: a model's true ROC-AUC and log-loss are those over all
  of their rows, and an evaluation sample is drawn from them with replacement. What a sample
  estimates is therefore known without error, and no model has learned from any of it.
- **The models.** {models:,} LightGBM models of one recipe, each on a random half of the learners,
  a fifth of which says when to stop (true ROC-AUC {low:.3f} to {high:.3f}); and {weak:,} that lack
  rows, features or rounds, by a share drawn log-uniformly.
- **Equal pairs** are nearest neighbours in true ROC-AUC and log-loss, each model in one pair. A
  coin says which is the challenger. At most {apart_auc:.5f} ROC-AUC and {apart_loss:.5f} log-loss
  lie between them.
- **Pairs with a gain** are a sound challenger and a weaker champion, each model in one pair, chosen
  so that true gains from {least:g} to {most:g} ROC-AUC are spread evenly on a log scale; better in
  log-loss too. **Pairs with a loss** are the same the other way round, on samples of their own.
- **Samples.** Each pair has one sample of each size: {sizes} customers ({rows:,.0f} rows,
  {yes:,.0f} positives at {size:,}). Pairs are chosen before any sample is drawn.
- **Onramp's verdicts** come from `lifecycle.gate.judge` on evidence measured by
  `training.promotion.evidence.compared`: paired DeLong by customer, bootstrap by customer, slices
  with Holm's correction. The shipped gate's rules on latency, size, signature and skew look at no
  answer and are left out; its floors are those of `datasets/simulated.toml`.
- **The naive rules** see the same sample, but for two. *Each on rows of its own* compares what
  either logged when it was trained, as a run's `val_auc` is compared with the champion's. *The
  champion's validation rows* are the fifth that it held back; of the customers among them
  {learned:.0f} % are such as the challenger was fitted on, because the same table is split afresh.
- **Intervals** in tables are exact binomial ones at 95 % (Clopper & Pearson); *held* means that the
  share is not above {allowed:.0f} % beyond noise (exact binomial test, one-sided at 5 %).
"""

LIMITS = """\
## What this does not say

Samples overlap a little, as all are drawn from one world; models of one recipe on one data set say
nothing of other recipes. Simulated customers stay as they are: a real world that changes between
the evaluation rows and tomorrow is what monitoring is for. One judgement a pair and size is
counted; a gate that is asked every night until it says yes promotes more equal models than one that
is asked once, whatever its rule.
"""


def write(lines: Sequence[Line], models: Sequence[Known], world: World, folder: Path) -> None:
    """Write the page and its picture.

    Raises:
        SystemExit: nothing was judged yet.
    """
    if not lines:
        raise SystemExit("No pair was judged yet: run without --report first.")
    numbers = Numbers(lines)
    draw(numbers, folder / "gate.svg")
    page = "\n".join(paragraphs(numbers, models, world))
    write_whole(folder / "gate.md", page.rstrip() + "\n")


def paragraphs(numbers: Numbers, models: Sequence[Known], world: World) -> Iterator[str]:
    pairs = {group: len(numbers.group(group)) for group in GROUPS}
    yield "# Whom does the gate promote?\n"
    yield (
        f"{pairs['equal']} pairs of equal models, {pairs['better']} with a true gain and "
        f"{pairs['worse']} with a true loss, on simulated customers, each judged on "
        f"{said(numbers.sizes)} customers by Onramp's gate and by the rules that public projects "
        "use. Written by `python -m benchmarks.gate`.\n"
    )
    yield "![Equal models promoted, and power by true difference](gate.svg)\n"
    yield from ["## What was to be reached\n", *reached(numbers), ""]
    yield QUESTIONS.format(auc=MARGINS["roc_auc"], loss=MARGINS["log_loss"], content=NOT_WORSE)
    yield from [f"## Every rule, on {numbers.size:,} customers\n", *rules_table(numbers), ""]
    yield from ["## Share promoted, by true difference in ROC-AUC\n", *power_table(numbers), ""]
    yield from ["## Onramp's gates on fewer and on more customers\n", *sizes_table(numbers), ""]
    yield from ["## What stopped them at the shipped gate\n", *stopped(numbers), ""]
    yield from ["## Do the intervals hold the truth?\n", *covered(numbers), ""]
    yield how(numbers, models, world)
    yield LIMITS


def said(sizes: Sequence[int]) -> str:
    """Numbers as a person lists them."""
    *first, last = [f"{size:,}" for size in sizes]
    return f"{', '.join(first)} and {last}" if first else last


def reached(numbers: Numbers) -> Iterator[str]:
    """The issue's claims, each with whether it holds."""
    for name in ASKING:
        share = numbers.promoted(name, "equal")
        yield f"- {verdict(share)} Equal models promoted by *{name}*: {share.words()}."
    share = numbers.beyond(NOT_WORSE)
    yield (
        f"- {verdict(share)} Challengers worse by more than the margin promoted by *{NOT_WORSE}*: "
        f"{share.words()}."
    )
    higher = numbers.promoted("AUC is higher", "equal")
    yield f"- Beside it, *AUC is higher* promotes of equal models {higher.words()}."
    yield f"- Truly better challengers that *{OURS}* refuses: {numbers.refused(OURS).words()};"
    yield f"  *{NOT_WORSE}* refuses {numbers.refused(NOT_WORSE).words()}."


def verdict(share: Share) -> str:
    """Whether at most one in twenty was kept, noise granted."""
    if not share.of:
        return "**not measured.**"
    return "**held.**" if share.held else f"**not held** (at most {100 * ALLOWED:.0f} % was asked)."


def rules_table(numbers: Numbers) -> Iterator[str]:
    yield (
        "| rule | equal, promoted | worse, promoted | worse beyond the margin, promoted "
        "| better, refused |"
    )
    yield "|---|---|---|---|---|"
    for name in RULES:
        cells = (
            numbers.promoted(name, "equal"), numbers.promoted(name, "worse"),
            numbers.beyond(name), numbers.refused(name),
        )  # fmt: skip
        note = " (rightly)" if name == NOT_WORSE else ""
        first, *others = [cell.words() for cell in cells]
        yield f"| {titled(name)} | {first}{note} | {' | '.join(others)} |"


def power_table(numbers: Numbers) -> Iterator[str]:
    """Losses, equals, gains; in heads how many pairs there are."""
    heads = [
        *edges_with_counts(LOSSES, numbers.by_gain(OURS, "worse")),
        f"equal ({numbers.promoted(OURS, 'equal').of})",
        *edges_with_counts(BINS, numbers.by_gain(OURS, "better")),
    ]
    yield f"| rule | customers | {' | '.join(heads)} |"
    yield f"|---|---|{'---|' * len(heads)}"
    for name in RULES:
        for size in numbers.sizes if name in GATES else [numbers.size]:
            cells = (
                *numbers.by_gain(name, "worse", size), numbers.promoted(name, "equal", size),
                *numbers.by_gain(name, "better", size),
            )  # fmt: skip
            yield f"| {titled(name)} | {size:,} | {' | '.join(one.brief() for one in cells)} |"


def edges_with_counts(edges: Sequence[tuple[float, float]], shares: Sequence[Share]) -> list[str]:
    return [
        f"{low:+g} to {high:+g} ({share.of})".replace("-0 ", "0 ")
        .replace("+0 ", "0 ")
        .replace("-", "−")
        for (low, high), share in zip(edges, shares, strict=True)
    ]


def titled(name: str) -> str:
    return f"**{name}**" if name in GATES else name


def sizes_table(numbers: Numbers) -> Iterator[str]:
    yield (
        "| gate | customers | equal, promoted | worse beyond the margin, promoted "
        "| better, refused |"
    )
    yield "|---|---|---|---|---|"
    for name in GATES:
        for size in numbers.sizes:
            cells = (
                numbers.promoted(name, "equal", size), numbers.beyond(name, size),
                numbers.refused(name, size),
            )  # fmt: skip
            yield f"| {name} | {size:,} | {' | '.join(cell.words() for cell in cells)} |"


def stopped(numbers: Numbers) -> Iterator[str]:
    """Which of the shipped gate's rules said no, group by group."""
    yield f"Shares of all challengers of the group, on {numbers.size:,} customers.\n"
    yield "| rule | equal | better | worse |"
    yield "|---|---|---|---|"
    groups = [numbers.against("equal"), numbers.against("better"), numbers.against("worse")]
    none = Share(hits=0, of=1)
    for name in dict.fromkeys(name for group in groups for name in group):
        yield f"| {name} | {' | '.join(g.get(name, none).brief() for g in groups)} |"
    sliced = [rule for rule in SHIPPED.rules if isinstance(rule, NotWorseOnSlices)]
    yield f"\nSlices are tested together at {100 * sliced[0].level:.0f} %." if sliced else ""


def covered(numbers: Numbers) -> Iterator[str]:
    """How often 95 % intervals are right, because here it can be known."""
    yield "| 95 % interval of the difference in | holds the truth |"
    yield "|---|---|"
    for name, title in (
        ("ROC-AUC", "ROC-AUC, DeLong by customer (ours)"),
        ("log-loss", "log-loss, bootstrap by customer (ours)"),
        ("ROC-AUC, rows for witnesses", "ROC-AUC, DeLong with every row as a witness"),
    ):
        yield f"| {title} | {numbers.covered(name).words()} |"


def how(numbers: Numbers, models: Sequence[Known], world: World) -> str:
    sound = [one.roc_auc for one in models if one.recipe.lacks == "nothing"]
    equal = numbers.group("equal")
    apart = numbers.furthest()
    return HOW.format(
        customers=world.customers, moments=len(world.rows), positives=100 * world.labels.mean(),
        features=len(world.encoder.features), learners=world.learners,
        others=world.customers - world.learners, models=len(sound), low=min(sound), high=max(sound),
        weak=len(models) - len(sound), apart_auc=apart[0], apart_loss=apart[1],
        sizes=said(numbers.sizes), size=numbers.size, allowed=100 * ALLOWED,
        least=SMALLEST, most=LARGEST,
        rows=np.mean([line["rows"] for line in equal]),
        yes=np.mean([line["positives"] for line in equal]),
        learned=100 * np.mean([line["learned"] for line in equal]),
    )  # fmt: skip
