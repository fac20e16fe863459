"""Errors over HTTP, in the shape of MLflow's scoring server: `error_code` and `message`."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse

from lifecycle.errors import NotReady, OnrampError, UnknownName, UsageError

CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_TIMEOUT",
    413: "REQUEST_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    421: "MISDIRECTED_REQUEST",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}
RETRY_SECONDS = "2"


def refusal(status: int, message: str) -> JSONResponse:
    """An error as MLflow's clients know it. A 503 says when to come again."""
    headers: Mapping[str, str] | None = {"Retry-After": RETRY_SECONDS} if status == 503 else None  # noqa: PLR2004  HTTP's own number
    code = CODES.get(status, "BAD_REQUEST")
    return JSONResponse(
        {"error_code": code, "message": message}, status_code=status, headers=headers
    )


def status_of(error: OnrampError) -> int:
    """Which status says whose fault it is."""
    if isinstance(error, UnknownName):
        return 404
    if isinstance(error, UsageError):
        return 400
    return 503 if isinstance(error, NotReady) else 500
