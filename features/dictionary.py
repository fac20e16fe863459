"""The data dictionary: a page written from the definitions, so that it cannot be out of date.

`python -m onramp.dictionary` writes docs/features.md anew; who uses a feature is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from features.catalogue import WINDOWS, catalogue
from features.feature import VIEWS, Feature
from features.moments import ONBOARDING_DAYS
from features.tables import TTL
from features.wording import bounds, empty, window
from lifecycle.dataset import DataSet

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "features.md"
DATASET = ROOT / "datasets" / "simulated.toml"

INTRODUCTION = """\
# Features

<!-- Written by `python -m onramp.dictionary`. A test holds the page to the definitions. -->

A feature is one thing we know of a customer at a *moment*. It is defined once, as a frozen value
in `features/catalogue.py`. The SQL that computes it, Feast's schema, the bounds that built rows
are held to, and this page all come from that value.

**What a feature may look at.** Events with `occurred_at <= moment` *and* `received_at <= moment`:
what we could have known then. A window of w days holds events with `occurred_at > moment - w`;
*since sign-up* holds those with `occurred_at >= signed_up_at`. A profile column has the version
that was received last by the moment. So a value never changes once its moment has passed,
whatever arrives later, and `features.leakage` proves it by experiment.

**When it is computed.** At every moment of every task that is due (days 1, 3, 7, 14 and 30 after
sign-up unless the data set says otherwise), and at the time of each build for every customer who
signed up within the last {onboarding} days. A value answers for {ttl} days, offline and online
alike; after that the customer counts as unknown.

**The watermark.** A moment is due, and a label ripe, once something was received at or after it:
while no data comes, nothing is known of the time since the last delivery, and silence is not taken
for customers who left. What is due meanwhile is built after the next delivery. Only the rows that
the server answers from are computed at the time of the build itself.

**Types.** Numbers are doubles, counts too, and a boolean is 0 or 1: an integer with a gap in it
turns into something else in half of the tools on the way. Categories are strings.

**Where it is kept.** Parquet below `.onramp/features/<view>/<definition>/`: another definition is
another folder, and `onramp features` builds it afresh while readers keep the old one. Rows that
break a bound go to `.onramp/quarantine/features/` with the reason.

## The features of the data set *{name}*

{count} features over windows of {windows} days.
"""

HOW_TO = """
## Adding a feature

1. In `features/catalogue.py`, yield one more `Feature` from the function of its kind: a name, an
   aggregate, a window, a unit, a meaning, the value when nothing happened (0 for a count, none
   for a recency) and bounds. A task takes it up if its patterns match the name.
2. Only if no aggregate of `features/feature.py` says it: add a frozen class there, its SQL
   expression in `features/aggregates.py`, and its plain-Python meaning in
   `tests/features/reference.py`, which the tests hold the SQL against on random event logs.
3. `python -m onramp.dictionary` writes this page anew; `onramp features` builds the new
   definition and tells Feast.

A column that your data set declares under `[leaks]` can never become a feature: that is an error,
not a warning.

## Asking what there is

```bash
onramp features list 'count_*_7d'
onramp features show engagement_score_7d
onramp features page
onramp features check --leaks
onramp features profile churn
```

`list` names the features and who uses them; a pattern in quotes and `--view` narrow it down. `show`
says everything of one: how it is computed and of which columns of your files, who uses it, and what
the built rows hold (share missing, quantiles, values, a sparkline). `page` writes all of that for
every feature, segments too, into one HTML file, `.onramp/reports/features.html`, which a browser
opens without a network. `list`, `show` and `check` answer in JSON with `--json`.

**`check`** holds every table to a schema made of the definitions (dataframely, on polars):

- *customers, events*: types, known events, finite numbers within bounds, nothing received before it
  happened; one id an event, one sign-up a customer; as many events as the manifest says were kept;
  something received in the last {ttl} days. What breaks a rule is told and stays where it is: an
  event does not carry the source that it came from, and moving it would break *rows read = kept +
  quarantined* of that source.
- *each view*: types, bounds, one row a moment, the same moments in every view; something built in
  the last {ttl} days. Rows out of bounds move to quarantine with the reason, and are safe there
  before they leave. Where most rows break a bound none is moved: that is a wrong bound.
- *each training set*: keys, labels that the task knows, a label's end after its moment, two answers
  at least, no feature missing everywhere.

`--leaks` plants a future behind the moments of 200 customers and names every feature that sees it.
What could not be told, such as a view that is not built, is no pass. The exit code is 0 when all
passed and 3 otherwise, so that a scheduler can stop before training. A moment in quarantine counts
as unknown and is not built again.

**`profile TASK`** writes `.onramp/reports/TASK/training-set.html`: the balance of the answers over
time, a map of what is missing by time and by the customer's age, what goes together with the label
(a feature that tells nearly all of it is more often a leak than a find), and every column with its
distribution, drawn by skrub of at most 20,000 rows. `--quick` leaves out the columns' plots.

## Reading features as a Feast user

Inside `feature_repo/`, `feast apply`, `feast materialize`, `feast feature-views list` and the
rest of Feast's command line work on the home `../.onramp`. For another home:

```
export ONRAMP_HOME=/data/onramp
export FEAST_FS_YAML_FILE_PATH=$ONRAMP_HOME/feast/feature_store.yaml
```

From Python, ask with `filter_by_created_timestamp=True`; the feature services are named like
the tasks:

```
store = feast.FeatureStore(fs_yaml_file=".onramp/feast/feature_store.yaml")
store.get_historical_features(
    entity_df, store.get_feature_service("churn"), filter_by_created_timestamp=True
).to_arrow()
```

Feast's registry knows of each view, service, field and entity what it means, of each view,
service and entity its owner `onramp`, and tags: unit, window and definition of a field, data set
and definition of a view, kind and horizon of a service. `feast feature-views describe
customer_profile` prints them, and Feast's own pages show them. These need three packages more
(22 MB), and listen to the whole network unless told otherwise:

```
pip install -c constraints.txt -e '.[ui]'
feast ui --host 127.0.0.1
```

Look there, but change nothing: what their *Edit* and *Delete* do to the registry, the next
`onramp features` does over. The definitions are in `features/catalogue.py`.

Each view holds one column more, `<view>_moment_<definition>`: the moment in microseconds, because
Feast's online stores keep whole seconds. It belongs to no service.
"""

TITLES = {
    "customer_behaviour": "### customer_behaviour: what the customer did",
    "customer_profile": "### customer_profile: who the customer is",
}
HEAD = """
| feature | meaning | window | unit | when empty | bounds | made of | used by |
|---|---|---|---|---|---|---|---|
"""


def dictionary(dataset: DataSet, used_by: Mapping[str, tuple[str, ...]]) -> str:
    """The page, in Markdown.

    Args:
        dataset: whose features.
        used_by: feature → the tasks that take it.
    """
    features = catalogue(dataset)
    page = INTRODUCTION.format(
        onboarding=ONBOARDING_DAYS, ttl=TTL.days, name=dataset.name, count=len(features),
        windows=", ".join(str(days) for days in WINDOWS),
    )  # fmt: skip
    for view in VIEWS:
        lines = [line(one, used_by[one.name]) for one in features if one.view == view]
        page += f"\n{TITLES[view]}\n{HEAD}" + "\n".join(lines) + "\n"
    return page + HOW_TO.format(ttl=TTL.days)


def line(feature: Feature, used_by: tuple[str, ...]) -> str:
    cells = (
        f"`{feature.name}`",
        feature.meaning,
        window(feature),
        feature.unit,
        empty(feature),
        bounds(feature),
        ", ".join(f"`{word}`" for word in feature.needs),
        ", ".join(used_by),
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
