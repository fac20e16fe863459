"""Where the words of a data set come from: the columns of somebody's files behind each feature."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ingestion.mapping import Mapping, SourceTable


@dataclass(frozen=True, kw_only=True)
class Origin:
    """One place that a word is read from.

    Attributes:
        word: an event, a property, a column of the profile, or `signed_up_at`.
        table: of the data set's TOML file, such as `events.clicks`.
        expression: over the columns of the source; of an event, the source's own word first.
        source: patterns of files, or the variable that holds the database's address.
    """

    word: str
    table: str
    expression: str
    source: str

    def line(self) -> str:
        """What a person reads."""
        return f"{self.word}: {self.expression} of {self.source} ([{self.table}])"


def origins(mapping: Mapping, words: tuple[str, ...]) -> tuple[Origin, ...]:
    """Where each of the words is read from; a word may have several origins."""
    return tuple(origin for word in words for origin in origins_of(mapping, word))


def origins_of(mapping: Mapping, word: str) -> Iterator[Origin]:
    for name, table in mapping.events.items():
        place = f"events.{name}"
        if word in mapping.vocabulary.events:
            yield origin(word, place, event_words(word, table.names, table.columns["event"]), table)
        if word in table.properties:
            yield origin(word, place, table.properties[word], table)
    for name, customers in mapping.customers.items():
        columns = {**customers.profile, "signed_up_at": customers.columns["signed_up_at"]}
        if word in columns:
            yield origin(word, f"customers.{name}", columns[word], customers)
    first = mapping.customers_from_events
    if first is None:
        return
    table = mapping.events[first.of]
    columns = {**first.profile, "signed_up_at": f"first {table.columns['occurred_at']}"}
    if word in columns:
        yield origin(word, "customers_from_events", columns[word], table)


def event_words(word: str, names: dict[str, str], expression: str) -> str:
    """The source's own words for an event, and where they stand."""
    own = sorted(old for old, new in names.items() if new == word) or [word]
    return f"{' or '.join(repr(one) for one in own)} in {expression}"


def origin(word: str, place: str, expression: str, table: SourceTable) -> Origin:
    source = ", ".join(table.files) or f"the database in ${table.url_env}"
    return Origin(word=word, table=place, expression=expression, source=source)
