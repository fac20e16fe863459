"""A command with commands below it, each imported when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from lifecycle.errors import UnknownName


class Lazy(click.Group):
    """Lists its commands from a table, so that `--help` loads none of them.

    Args:
        package: holds one module a command, with its `command`.
        table: name → what it does, in the order of the help.
        kind: what its commands are called.
        default: the command that is meant where none is named.
    """

    def __init__(
        self,
        *args: Any,
        package: str,
        table: Mapping[str, str],
        kind: str,
        default: str = "",
        **rest: Any,
    ) -> None:
        rest.setdefault("no_args_is_help", not default)
        super().__init__(*args, **rest)
        self.package, self.table, self.kind, self.default = package, table, kind, default

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(self.table)

    def get_command(self, ctx: click.Context, name: str) -> click.Command:  # noqa: ARG002
        if name not in self.table:
            raise UnknownName(self.kind, name, self.table)
        command: click.Command = import_module(f"{self.package}.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section(f"{self.kind.capitalize()}s"):
            formatter.write_dl(list(self.table.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Where only options were given, they are the default command's."""
        options = not args or args[0].startswith("-")
        if self.default and options and not set(args) & set(ctx.help_option_names):
            args = [self.default, *args]
        return super().parse_args(ctx, args)
