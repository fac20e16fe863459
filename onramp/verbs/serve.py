"""Answer over HTTP with the champion of each task."""

from __future__ import annotations

from pathlib import Path

import click

from onramp.options import Place, common


@click.command()
@common
@click.option("--host", help="Address to bind; default: ONRAMP_HOST or 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="Default: ONRAMP_PORT or 8000.")
@click.option("--public", is_flag=True, help="Allow an address that others can reach.")
@click.option(
    "--tokens",
    "tokens_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Lines of `ROLE[,ROLE] TOKEN`; default: ONRAMP_TOKENS_FILE.",
)
@click.option("--no-tokens", is_flag=True, help="Ask nobody for a token, whoever reaches it.")
@click.option(
    "--host-name",
    "host_names",
    multiple=True,
    metavar="NAME",
    help="A name it answers to, beside localhost; default: ONRAMP_HOST_NAMES.",
)
def command(  # noqa: PLR0913, PLR0917  one parameter an option
    place: Place,
    host: str | None,
    port: int | None,
    public: bool,
    tokens_file: Path | None,
    no_tokens: bool,
    host_names: tuple[str, ...],
) -> None:
    """Answer over HTTP with the champion of each task.

    A promotion or a rollback shows within two seconds, without a restart.
    """
    from lifecycle.errors import UsageError
    from serving.door.entry import Door
    from serving.door.tokens import read_tokens
    from serving.server import serve
    from tasks import supported

    if no_tokens and tokens_file:
        raise UsageError("Tokens or none?", do="Say --tokens FILE or --no-tokens.")
    tokens = None if no_tokens else read_tokens(tokens_file or place.tokens_file, place.tokens)
    serve(
        place.home,
        tuple(supported(place.home.dataset()).values()),
        host=host or place.host,
        port=place.port if port is None else port,
        public=public,
        door=Door(tokens=tokens, without_tokens=no_tokens, names=host_names or place.host_names),
    )
