"""Read the home, make the page, and write it as a file or show it on a port."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from lifecycle.home import Home
from lifecycle.whole import write_whole
from onramp.dashboard.links import Links, shown
from onramp.dashboard.page import POLICY, Registered, page
from onramp.overview.overview import Trouble, read

PAGE = "index.html"
HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
# Evidently's page is one of scripts; it may run them, and reach neither this origin nor another
REPORT_HEADERS = {
    **HEADERS,
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; img-src data: blob:; "
    "script-src 'unsafe-inline' 'unsafe-eval' data: blob:; style-src 'unsafe-inline' data:; "
    "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
Register = Callable[[Home, tuple[str, ...]], Registered]


@dataclass(frozen=True, kw_only=True)
class Written:
    """Where the page is."""

    file: Path
    problems: tuple[str, ...]

    def lines(self) -> list[str]:
        """What a person reads."""
        return [f"{self.file}", *(f"  not on it: {problem}" for problem in self.problems)]


def registered(home: Home, tasks: tuple[str, ...]) -> Registered:
    """Who serves; what cannot be read is said and no error."""
    from onramp.overview.champions import serving  # noqa: PLC0415  MLflow takes seconds

    trouble = Trouble()
    return Registered(
        tasks=trouble.tried("The registry", lambda: serving(home, tasks), {}),
        problems=tuple(trouble.problems),
    )


def made(home: Home, links: Links, register: Register = registered) -> tuple[str, tuple[str, ...]]:
    """The page as it is now, and what is not on it."""
    seen = read(home)
    found = register(home, tuple(seen.looks))
    problems = tuple(dict.fromkeys((*seen.problems, *found.problems)))
    return page(seen, found, links), problems


def write_page(home: Home, folder: Path, mlflow: str) -> Written:
    """Write the page into the folder.

    Its links to reports lead to where they lie, as a path from the folder.

    Raises:
        OSError: it cannot be written.
    """
    target = folder.expanduser().resolve()
    text, problems = made(home, Links(mlflow=mlflow, written=target))
    return Written(file=write_whole(target / PAGE, text), problems=problems)


def routes(home: Home, mlflow: str) -> list[Route]:
    """The page, made anew each time it is asked for, and the reports that it links to."""

    def answer(_: Request) -> Response:
        text, _problems = made(home, Links(mlflow=mlflow))
        return Response(text, media_type="text/html; charset=utf-8", headers=HEADERS)

    def report(request: Request) -> Response:
        path = request.path_params
        return FileResponse(
            report_file(home, path["task"], path["window"], path["name"]), headers=REPORT_HEADERS
        )

    return [
        Route("/", answer, methods=["GET"]),
        Route("/reports/{task}/{window}/{name}", report, methods=["GET"]),
    ]


def report_file(home: Home, task: str, window: str, name: str) -> Path:
    """A file of a look; nothing else of the home is shown.

    Raises:
        HTTPException: 404.
    """
    reports = home.reports.resolve()
    file = (reports / task / window / name).resolve()
    inside = file.is_relative_to(reports) and len(file.relative_to(reports).parts) == 3  # noqa: PLR2004  task, window, file
    if not shown(name) or not inside or not file.is_file():
        raise HTTPException(404)
    return file
