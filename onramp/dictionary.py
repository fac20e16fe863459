"""The data dictionary of a home, as one page; and of the simulated data set, as docs/features.md.

`python -m onramp.dictionary` writes docs/features.md anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from features.dictionary import DATASET, PAGE, dictionary
from features.statistics import QUANTILES, Extent, extent
from lifecycle.dataset import read_dataset
from lifecycle.home import Home
from lifecycle.whole import write_whole
from onramp.described import known, users
from onramp.gathered import every_table, gathered
from onramp.page import render
from segments.file import SHIPPED
from segments.plan import make_plan

FILE = "features.html"


@dataclass(frozen=True, kw_only=True)
class Written:
    """A page that was written, and what is on it."""

    page: Path
    features: int
    built: int

    def lines(self) -> list[str]:
        """What a person reads."""
        return [f"{self.features} features, {self.built} of them built: {self.page}"]


@dataclass(frozen=True)
class View:
    view: str
    extent: Extent | None


def write_page(home: Home) -> Written:
    """Write the page of every feature of the home, with what is built of it."""
    dataset = home.dataset()
    features = gathered(home, known(home))
    page = render(
        "dictionary.html",
        {
            "title": f"Features of {dataset.title}",
            "home": str(home.root),
            "features": features,
            "views": [View(table.view, extent(table)) for table in every_table(home)],
            "quantiles": QUANTILES,
            "middle": QUANTILES.index(0.5),
        },
    )
    return Written(
        page=write_whole(home.reports / FILE, page),
        features=len(features),
        built=sum(one.statistics is not None for one in features),
    )


def docs_page() -> str:
    """docs/features.md, as the definitions and the shipped tasks say it."""
    dataset = read_dataset(DATASET)
    return dictionary(dataset, users(dataset, make_plan(SHIPPED, dataset).features))


if __name__ == "__main__":
    PAGE.write_text(docs_page(), encoding="utf-8")
