"""`onramp features`: build, list, show, page, check and profile, on one small home."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

from features.tables import tables
from lifecycle.home import Home
from onramp.cli import run
from onramp.described import known
from onramp.refresh import refresh
from onramp.verbs.features import COMMANDS
from tests.features.canonical import AS_OF, START, TOML, alive, days, fill, random_log, settle
from tests.onramp.test_cli import HEAVY, loaded_after

NASTY = '<script>alert("1")</script> & more'

FILES = """
[events.clicks]
files = ["clicks/*.csv"]
names = { bought = "buy" }

[events.clicks.columns]
customer_id = "who"
event = "what"
occurred_at = "at"

[events.clicks.properties]
session_id = "visit"
item = "item"
value = "abs(paid)"

[customers.people]
files = ["people/*.csv"]

[customers.people.columns]
customer_id = "who"
signed_up_at = "joined"

[customers.people.profile]
country = "land"
age = "years"
newsletter = "news"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with applied features; its profile means something nasty, and so does a customer."""
    toml = TOML.replace('"the country"', f"'{NASTY}'") + FILES
    home = settle(tmp_path_factory.mktemp("people"), toml)
    customers, events = random_log(seed=3, customers=60)
    customers = [
        {**one, "country": NASTY} if n % 9 == 0 else one for n, one in enumerate(customers)
    ]
    fill(home, customers, [*events, *(alive(START + days(n)) for n in range(76))])
    refresh(home, as_of=AS_OF, online=False)
    return home


def say(home: Home, *arguments: str, code: int = 0) -> None:
    assert run(["features", *arguments, "--home", str(home.root)]) == code


def answer(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return list(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself_without_loading_its_stage(name: str) -> None:
    """The table says what the command says, and `--help` of neither loads a stage."""
    module = import_module(f"onramp.verbs.features.{name}")
    assert module.command.help.splitlines()[0] == COMMANDS[name]
    assert not loaded_after("features", name, "--help") & set(HEAVY)


def test_without_a_command_it_builds(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """`onramp features` is `onramp features build`, with its options."""
    say(home, "--as-of", AS_OF.isoformat())
    first = capsys.readouterr().out
    say(home, "build", "--as-of", AS_OF.isoformat())
    assert capsys.readouterr().out.splitlines()[:3] == first.splitlines()[:3]
    assert "0 rows built" in first


def test_an_unknown_command_gets_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    """A typing error is told from a command that takes no name."""
    assert run(["features", "lst"]) == 2
    assert "No command named 'lst'." in (error := capsys.readouterr().err)
    assert "Did you mean 'list'?" in error


def test_list_names_every_feature_and_its_users(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line a feature; a pattern and a view narrow them down."""
    say(home, "list", "--json")
    every = answer(capsys)
    assert [one["name"] for one in every] == [one.name for one in known(home)]
    users = {str(one["name"]): one["used_by"] for one in every}
    assert users["profile_country"] == ["churn", "preference"]
    assert users["days_since_last_login"] == ["churn", "preference", "segments"]
    assert users["segment_dormant"] == ["segments"]
    say(home, "list", "profile_*", "--view", "customer_profile")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["feature", "view", "type", "window", "unit", "used", "by"]
    assert [line.split()[0] for line in lines[1:]] == [
        "profile_country", "profile_age", "profile_newsletter",
    ]  # fmt: skip


def test_list_is_quick(home: Home) -> None:
    """It reads the definitions and loads neither Feast nor pandas nor what learns."""
    loaded = loaded_after("features", "list", "--home", str(home.root))
    assert not loaded & ({*HEAVY, "polars"} - {"duckdb"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "count_logn_*"), "No feature named 'count_logn_*'."),
        (("list", "--view", "customer_profil"), "Did you mean 'customer_profile'?"),
        (("show", "profile_contry"), "Did you mean 'profile_country'?"),
    ],
)
def test_an_unknown_name_gets_the_nearest_one(
    arguments: tuple[str, ...], said: str, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is not there is an error, and never an empty table."""
    say(home, *arguments, code=2)
    assert said in capsys.readouterr().err


def test_show_says_where_a_number_comes_from_and_how_it_lies(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """Meaning, computation, bounds, users, files and the built rows stand on one screen."""
    say(home, "show", "profile_age")
    told = capsys.readouterr().out
    assert "meaning       the age\n" in told
    assert "bounds        0 … 120\n" in told
    assert "used by       churn, preference\n" in told
    assert "made of       age: years of people/*.csv ([customers.people])\n" in told
    assert re.search(r"missing +[\d,]+ \(\d+\.\d%\)\n", told)
    assert re.search(r"quantiles +1% .* 50% .* 99% ", told)
    assert re.search(r"distribution +[▁▂▃▄▅▆▇█]+\n", told)


def test_show_counts_the_values_of_a_category(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commonest values and their share."""
    say(home, "show", "profile_country")
    assert re.search(r"values +4: .*de \d+\.\d%", capsys.readouterr().out)


def test_a_segment_leads_back_to_its_features_and_their_files(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the rule to the features that it reads, and from these to the columns of files."""
    say(home, "show", "segment_dormant")
    told = capsys.readouterr().out
    assert "segment of    days_since_last_login\n" in told
    assert "made of       login: 'login' in what of clicks/*.csv ([events.clicks])\n" in told
    assert re.search(r"distribution +[▁▂▃▄▅▆▇█]+\n", told)


def test_the_page_holds_everything_and_runs_nothing_of_the_data(home: Home) -> None:
    """One file, no address to fetch from, every feature in it, and every word escaped."""
    say(home, "page")
    page = (home.reports / "features.html").read_text(encoding="utf-8")
    for feature in known(home):
        assert f'<section class="feature" id="{feature.name}"' in page
    assert NASTY not in page
    assert "&lt;script&gt;alert(" in page
    assert fetched(page) == []


def test_the_profile_shows_what_is_missing_and_when(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """Balance, the map of gaps, associations and columns are on one page without a network."""
    say(home, "profile", "churn", "--quick", "--as-of", AS_OF.isoformat(), "--json")
    report = json.loads(capsys.readouterr().out)
    page = Path(str(report["page"])).read_text(encoding="utf-8")
    assert page.count("data:image/svg+xml;base64,") == 2
    assert "Will this customer" in page
    assert "Features with each other" in page
    assert NASTY not in page
    assert fetched(page) == []
    assert report["rows"] == report["drawn"] > 0


def fetched(page: str) -> list[str]:
    """Addresses that a browser would fetch for a page."""
    return re.findall(
        r"<(?:script|img|iframe|link)[^>]+(?:src|href)=[\"'](?!data:)[^\"']+|url\([\"']?http|@import",
        page,
    )


def test_check_passes_what_was_just_built(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """Every stage is named, from customers to both training sets, and the exit code is 0."""
    say(home, "check", "--as-of", AS_OF.isoformat(), "--leaks", "--json")
    report = json.loads(capsys.readouterr().out)
    assert {one["verdict"] for one in report["findings"]} == {"passed"}
    assert {one["stage"] for one in report["findings"]} == {
        "customers", "events", "customer_behaviour", "customer_profile", "customer_segments",
        "features", "training set of churn", "training set of preference",
    }  # fmt: skip


def test_check_quarantines_and_says_so(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """A bound that became stricter ends in exit code 3, a reason and something to do."""
    text = home.dataset_file.read_text(encoding="utf-8")
    home.dataset_file.write_text(text.replace("at_most = 120", "at_most = 75"), encoding="utf-8")
    table = tables(home, home.dataset())[1]
    say(home, "check", "--as-of", AS_OF.isoformat(), code=3)
    told = capsys.readouterr().out
    assert re.search(r"customer_profile +types, bounds +[\d,]+ +[\d,]+ +quarantined\n", told)
    assert re.search(r"customer_profile, types, bounds: profile_age above 75 \([\d,]+\)", told)
    assert re.search(r"customers +types, bounds, times +[\d,]+ +[\d,]+ +failed\n", told)
    assert table.rejected()
