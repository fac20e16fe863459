"""serving.door.bearer, serving.door.needs: which token opens which endpoint."""

from __future__ import annotations

import pytest

from serving.door.bearer import Bearer
from serving.door.needs import OTHERWISE, needs
from serving.door.tokens import Tokens, read_tokens
from tests.serving.door.asking import Inner, ask

HELD = {role: f"{role}-token-0123456789" for role in ("score", "ingest", "admin")}


def held() -> Tokens:
    tokens = read_tokens(None, "\n".join(f"{role} {token}" for role, token in HELD.items()))
    assert tokens is not None
    return tokens


@pytest.mark.parametrize(
    ("method", "path", "roles"),
    [
        ("POST", "/invocations", {"score", "admin"}),
        ("POST", "/churn/invocations", {"score", "admin"}),
        ("POST", "/churn/score", {"score", "admin"}),
        ("GET", "/api/personalization/ann", {"score", "admin"}),
        ("GET", "/api/personalization/a\nb/../c", {"score", "admin"}),
        ("POST", "/events", {"ingest", "admin"}),
        ("GET", "/metrics", {"score", "admin"}),
        ("GET", "/", set(HELD)),
        ("GET", "/ping", set(HELD)),
        ("HEAD", "/ready", set(HELD)),
        ("GET", "/openapi.json", set(HELD)),
        ("GET", "/page/page.js", set(HELD)),
        ("POST", "/rollout/churn", {"admin"}),
        ("DELETE", "/invocations", {"admin"}),
        ("POST", "//invocations", {"admin"}),
        ("GET", "/unheard-of", {"admin"}),
        ("POST", "/ping/x/y", {"admin"}),
    ],
)
def test_each_role_opens_its_own(method: str, path: str, roles: set[str]) -> None:
    """Every role is tried at every door: 403 where it may not, and the app is not reached."""
    inner = Inner()
    app = Bearer(inner, held())
    for role, token in HELD.items():
        inner.reached = 0
        headers = {"Authorization": f"Bearer {token}"}
        answer = ask(app, path.replace("\n", "%0A"), method=method, headers=headers)
        assert answer.status_code == (200 if role in roles else 403), role
        assert inner.reached == (role in roles)
    anonymous = ask(app, path.replace("\n", "%0A"), method=method)
    assert anonymous.status_code == (200 if roles == set(HELD) else 401)


@pytest.mark.parametrize(
    "sent",
    [
        "", "Bearer", "Bearer ", f"Basic {HELD['admin']}", HELD["admin"],
        f"Bearer {HELD['admin']}x", f"Bearer {HELD['admin'][:-1]}", "Bearer \u00ff" + "x" * 20,
        f"Bearer {HELD['admin'].upper()}",
    ],
)  # fmt: skip
def test_what_is_no_token_opens_nothing(sent: str) -> None:
    """401 with a challenge, and nothing of what was sent comes back."""
    answer = ask(Bearer(Inner(), held()), headers={"Authorization": sent.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["error_code"] == "UNAUTHENTICATED"
    assert "token-0123456789" not in answer.text.lower()


def test_the_scheme_is_read_in_any_case() -> None:
    """`bearer` is `Bearer`, as HTTP says."""
    headers = {"Authorization": f"bEaReR  {HELD['score']}"}
    assert ask(Bearer(Inner(), held()), headers=headers).status_code == 200


def test_health_is_never_shed_and_the_unknown_always_may_be() -> None:
    """What tells how the server fares is answered under any load."""
    assert not any(
        needs("GET", path).work for path in ("/ping", "/health", "/ready", "/metrics", "/version")
    )
    assert needs("POST", "/invocations").work
    assert needs("PUT", "/unheard-of") is OTHERWISE
