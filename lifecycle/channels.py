"""Who is told how a retrain job ended: channels, read from one TOML document.

A secret is written as `{ env = "NAME" }` or `{ file = "path" }`; written out, it needs a document
that is nobody else's to read. None is ever part of a message, an error or a log.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from lifecycle.dataset import explain
from lifecycle.errors import UsageError
from lifecycle.receiver import fault_of

Told = Literal[
    "promoted", "refused", "undecided", "awaiting approval", "failed", "superseded", "dead letter"
]
USUAL: tuple[Told, ...] = (
    "promoted", "refused", "undecided", "awaiting approval", "failed", "dead letter",
)  # fmt: skip
OTHERS = 0o077  # rights of the group and of everybody


class Channel(BaseModel):
    """One way to tell people, and of which outcomes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    on: tuple[Told, ...] = USUAL


class Webhook(Channel):
    """A signed POST of the message as JSON, as Standard Webhooks has it."""

    kind: Literal["webhook"]
    url: SecretStr
    secret: SecretStr = Field(min_length=1)

    @model_validator(mode="after")
    def _sent_safely(self) -> Webhook:
        sent_safely(self.url)
        return self


class Slack(Channel):
    """A POST of the message as Slack's incoming webhooks (and Mattermost's) take it."""

    kind: Literal["slack"]
    url: SecretStr

    @model_validator(mode="after")
    def _sent_safely(self) -> Slack:
        sent_safely(self.url)
        return self


class Email(Channel):
    """A mail by SMTP."""

    kind: Literal["email"]
    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    to: tuple[Annotated[str, Field(pattern=r"^[^@\s,]+@[^@\s,]+$")], ...] = Field(min_length=1)
    username: str = ""
    password: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _sent_safely(self) -> Email:
        if self.security == "none" and not loopback(self.host):
            message = f"security is none, which would send mail in the open to {self.host}"
            raise ValueError(message)
        return self


class Command(Channel):
    """A program of our own, started without a shell, with the message as JSON on its input."""

    kind: Literal["command"]
    command: tuple[str, ...] = Field(min_length=1)
    seconds: float = Field(default=10.0, gt=0, le=300)


AnyChannel = Annotated[Webhook | Slack | Email | Command, Field(discriminator="kind")]
CHANNELS: TypeAdapter[tuple[AnyChannel, ...]] = TypeAdapter(tuple[AnyChannel, ...])
SECRETS: Mapping[str, tuple[str, ...]] = {  # kind → keys that must not stand in the open
    "webhook": ("secret",),
    "slack": ("url",),
    "email": ("password",),
}
GIVEN = ("url", "secret", "password")  # keys that may be given by a variable or a file


@dataclass(frozen=True, kw_only=True)
class Source:
    """A document of channels.

    Attributes:
        name: as an error says it.
        private: whether nobody else can read it.
        folder: what its paths are relative to.
    """

    text: str
    name: str
    private: bool
    folder: Path


def channels(file: Path | None, text: str, home: Path) -> tuple[AnyChannel, ...]:
    """The channels of a document: the one given, else the named file, else the home's own.

    Args:
        file: of the settings; None: `notify.toml` in the home, where there is one.
        text: TOML of a setting; it goes first.
        home: the home's folder.

    Raises:
        UsageError: it cannot be read, or says something that no channel has.
    """
    source = source_of(file, text, home)
    if source is None:
        return ()
    try:
        given = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{source.name} is not TOML.", found=f"{error}.", do="Mend that line."
        ) from error
    unknown = sorted(set(given) - {"channel"})
    tables = given.get("channel", [])
    if unknown or not isinstance(tables, list):
        raise wrong(source, f"It holds {', '.join(unknown) or 'one [channel]'}.")
    try:
        found = CHANNELS.validate_python([resolved(table, source) for table in tables])
    except ValidationError as error:
        raise wrong(source, f"{explain(error)}.") from None  # its input may hold secrets
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise wrong(source, "Two channels have one name.")
    return found


def source_of(file: Path | None, text: str, home: Path) -> Source | None:
    """The document, if there is one.

    Raises:
        UsageError: the settings name a file that cannot be read.
    """
    if text:
        return Source(text=text, name="ONRAMP_NOTIFY", private=True, folder=Path.cwd())
    path = file or home / "notify.toml"
    if file is None and not path.exists():
        return None
    return Source(
        text=read(path, "ONRAMP_NOTIFY_FILE"), name=str(path), private=private(path),
        folder=path.parent,
    )  # fmt: skip


def resolved(table: Mapping[str, Any], source: Source) -> dict[str, Any]:
    """A channel's table with what its secrets say in their place.

    Raises:
        UsageError: a secret stands in the open, or is not there.
    """
    values = dict(table)
    name = str(table.get("name", "a channel"))
    for key in GIVEN:
        value = values.get(key)
        if isinstance(value, Mapping):
            values[key] = fetched(value, f"{key} of {name} in {source.name}", source.folder)
        elif value and key in SECRETS.get(str(table.get("kind")), ()) and not source.private:
            raise UsageError(
                f"{key} of {name} stands in {source.name}, which others may read.",
                found="It is a secret.",
                do=f"Say `chmod 600 {source.name}`, or write it as "
                '{ env = "NAME" } or { file = "path" }.',
            )
    return values


def fetched(value: Mapping[str, Any], what: str, folder: Path) -> str:
    """A secret from the environment, or from a file that is nobody else's to read.

    Raises:
        UsageError: it is not there, or others may read it.
    """
    match dict(value):
        case {"env": str(name), **rest} if not rest:
            if name not in os.environ:
                raise UsageError(
                    f"{what} is not there.", found=f"{name} is not set.", do=f"Set {name}."
                )
            return os.environ[name]
        case {"file": str(name), **rest} if not rest:
            path = folder / Path(name).expanduser()
            text = read(path, what)
            if not private(path):
                raise UsageError(
                    f"{what} is in {path}, which others may read.", do=f"Say `chmod 600 {path}`."
                )
            return text.strip()
    raise UsageError(
        f"{what} cannot be read.", do='Write it as { env = "NAME" } or { file = "path" }.'
    )


def read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read.", found=f"{what} names it ({type(error).__name__}).",
            do="Name a text file that this user may read.",
        ) from error  # fmt: skip


def private(path: Path) -> bool:
    """Whether nobody but its owner has rights to it."""
    return not path.stat().st_mode & OTHERS


def sent_safely(url: SecretStr) -> None:
    """Refuse an address that cannot be sent to.

    Raises:
        ValueError: it cannot; the address itself is not said.
    """
    fault = fault_of(url.get_secret_value())
    if fault:
        message = f"its url cannot be used: {fault}"
        raise ValueError(message)


def loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def wrong(source: Source, found: str) -> UsageError:
    return UsageError(
        f"{source.name} does not say whom to tell.", found=found,
        do="docs/retraining.md has every key.",
    )  # fmt: skip
