"""The HTTP face: MLflow's scoring protocol, scoring by customer id, personalization, readiness."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from lifecycle.errors import OnrampError, UsageError
from lifecycle.home import Home
from lifecycle.task import Task
from serving.answers import Lookup
from serving.door.entry import Door, behind, guards
from serving.door.envelope import request_id, with_ours
from serving.door.openapi.described import Described
from serving.door.openapi.page import POLICY, endpoints_page
from serving.door.shed import Places
from serving.errors import refusal, status_of
from serving.events import Happened, described, take
from serving.ids import customer_id
from serving.invocations import ToMLflow
from serving.metrics.measured import Measured
from serving.metrics.page import page
from serving.metrics.routes import Routes
from serving.page import routes as page_files
from serving.places import without_places
from serving.quick.asked import Asked, scored
from serving.quick.customers import MOST_CUSTOMERS
from serving.quick.express import Express
from serving.reasons import MOST_EXPLAINED, MOST_REASONS
from serving.seat import Seat
from serving.service import Service

OF_TASK = "/{task}/invocations"
# FastAPI's own, looked for at each request; its log would hold what callers sent.
TELEMETRY = ("tracing", "metrics", "logs", "auto_configure")
REASONS = 3  # for the risk that a page shows, unless it asks for another number


class AnyText(Convertor[str]):
    """The rest of the path whatever it holds, so that a bad id is refused with a reason.

    Starlette's own `path` stops at a line break and makes it a page not found.
    """

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


def checked(text: str) -> str:
    """A customer id as pydantic wants it checked: faults as ValueError."""
    try:
        return customer_id(text)
    except UsageError as error:
        raise ValueError(str(error)) from error


class Customers(BaseModel):
    """Whom to score."""

    model_config = ConfigDict(extra="forbid", strict=True)

    customer_ids: Annotated[
        list[Annotated[str, AfterValidator(checked)]],
        Field(min_length=1, max_length=MOST_CUSTOMERS),
    ]
    reasons: Annotated[int, Field(ge=0, le=MOST_REASONS)] = 0

    @model_validator(mode="after")
    def few_enough_to_explain(self) -> Customers:
        if self.reasons and len(self.customer_ids) > MOST_EXPLAINED:
            raise ValueError(
                f"reasons are given for at most {MOST_EXPLAINED} customers at a time, and "
                f"{len(self.customer_ids)} are asked for"
            )
        return self


def build_app(
    home: Home,
    tasks: Sequence[Task],
    *,
    lookup: Lookup | None = None,
    door: Door | None = None,
) -> FastAPI:
    """The ASGI app for these tasks; the first is the one that `/invocations` means.

    Args:
        home: whose champions answer.
        tasks: adapted to the home's data set (`tasks.supported`).
        lookup: features by customer; default: Feast's online store of the home.
        door: who may ask, and how much; default: anybody, within the usual limits.

    Raises:
        UsageError: no tasks.
        NotReady: the home has no data set.
    """
    if not tasks:
        raise UsageError(
            "There is no task to serve.",
            found="The data set carries none of the tasks.",
            do="`onramp status` says why.",
        )
    service = Service(home, tasks, lookup)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001  FastAPI's signature
        await service.start()
        yield
        await service.stop()

    door = door or Door()
    app = Described(
        tasks=service.tasks, asks=door.tokens is not None,
        event=lambda: described(service.fresh.fields()),
        telemetry=dict.fromkeys(TELEMETRY, False),
        title="Onramp", version=version("onramp"), lifespan=lifespan, docs_url=None, redoc_url=None,
    )  # fmt: skip
    app.state.service = service
    ways = to_mlflow(app, service)
    app.router.routes.extend(page_files())
    endpoints(app, service)
    refusals(app)
    asked = {f"/{name}/score": name for name in service.tasks}
    app.add_middleware(Asked, tasks=asked, ask=service.ask)
    places = Places(door.limits)
    behind(app, replace(door, told=service.metrics.shed), places)
    app.add_middleware(Measured, metrics=service.metrics, routes=Routes(lambda: app.router.routes))
    app.add_middleware(
        Express, ways=ways, guards=guards(door), places=places, limits=door.limits,
        metrics=service.metrics,
    )  # fmt: skip
    return app


def to_mlflow(app: FastAPI, service: Service) -> Mapping[str, tuple[Seat, str]]:
    """MLflow's protocol for the first task, and for each by its name.

    Returns:
        What asks for scores: path → the seat it asks, and the route that takes it.
    """
    first = service.tasks[0]

    def of_first(scope: Scope) -> Any:  # noqa: ARG001  the first whatever was asked
        return service.seat(first)

    def of_named(scope: Scope) -> Any:
        return service.seat(scope["path_params"]["task"])

    for path in ("/invocations", "/ping", "/health", "/version"):
        app.router.routes.append(Route(path, ToMLflow(of_first, path)))
    app.router.routes.append(Route(OF_TASK, ToMLflow(of_named, "/invocations")))
    named = {f"/{name}/invocations": (service.seat(name), OF_TASK) for name in service.tasks}
    return {"/invocations": (service.seat(first), "/invocations"), **named}


def endpoints(app: FastAPI, service: Service) -> None:
    """What MLflow's protocol does not have."""

    @app.get("/ready")
    async def ready() -> JSONResponse:
        """Which version serves each task; 503 until every task has one."""
        state = service.ready()
        return JSONResponse(state, status_code=200 if state["ready"] else 503)

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics(request: Request) -> Response:  # in a thread: it takes as long as many answers
        """What Prometheus reads: requests, answers, versions, the prediction log."""
        return page(service.metrics.registry, request.headers.get("accept", ""))

    @app.post("/{task}/score")
    async def score(task: str, customers: Customers) -> JSONResponse:
        """Score customers with the features that the online store has of them."""
        champion, answers = await service.ask(task, customers.customer_ids)
        answers = await service.explain(champion, answers, customers.reasons)
        return scored(task, champion, answers)

    @app.post("/events")
    async def events(happened: Happened, wait: bool = False) -> JSONResponse:
        """Keep new events; the customers' features hold them within a second."""
        return JSONResponse(await take(service.fresh, happened.events, wait=wait))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        """Every endpoint on one page."""
        return HTMLResponse(
            endpoints_page(app.openapi()), headers={"Content-Security-Policy": POLICY}
        )

    register_url_convertor("any", AnyText())

    @app.get("/api/personalization/{user_id:any}")
    async def personalization(
        user_id: str, reasons: Annotated[int, Query(ge=0, le=MOST_REASONS)] = REASONS
    ) -> JSONResponse:
        """Churn risk and ranked content for one user, or fallback content with the reason."""
        return JSONResponse(await service.personal.page(customer_id(user_id), reasons))


def refusals(app: FastAPI) -> None:
    """Every refusal in the shape that MLflow's clients know."""

    @app.exception_handler(OnrampError)
    async def ours(request: Request, error: OnrampError) -> Response:  # noqa: ARG001  FastAPI's signature
        return refusal(status_of(error), without_places(str(error)))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:  # noqa: ARG001
        faults = (
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()[:5]
        )
        return refusal(400, f"The request cannot be taken. {'; '.join(faults)}")

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        words = f"{error.detail}: {request.method} {request.url.path}"
        response = refusal(error.status_code, words)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:  # noqa: ARG001
        """Starlette answers these outside of all else, so the headers are given here."""
        words = f"Onramp failed. Its log says why, under the id {request_id.get()}."
        response = refusal(500, words)
        response.raw_headers = list(with_ours(response.raw_headers))
        return response
