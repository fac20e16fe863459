"""`/docs`: the description as one page that needs no script, no font and no network."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from typing import Any

from serving.door.openapi.described import operations

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid GrayText; padding: .5rem 0 1rem; }
h2 { font-size: 1.1rem; } code, pre { font-family: ui-monospace, monospace; }
pre { overflow-x: auto; padding: .5rem; border: 1px solid GrayText; }
td, th { text-align: left; vertical-align: top; padding: .1rem 1rem .1rem 0; }
"""
STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; frame-ancestors 'none'"


def endpoints_page(description: Mapping[str, Any]) -> str:
    """Every endpoint with what it takes and what it answers."""
    parts = [section(description, *found) for found in operations(description)]
    info = description["info"]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])}: endpoints</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])}</h1><p>{escape(info.get('description', ''))}</p>"
        '<p>For programs: <a href="/openapi.json">openapi.json</a>.</p>'
        f"<main>{''.join(parts)}</main></body></html>"
    )


def section(
    description: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]
) -> str:
    """One endpoint."""
    roles = " or ".join(operation.get("x-roles", ()))
    words = operation.get("description") or operation.get("summary", "")
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{escape(words)}</p>"
        f"{f'<p>Token: {escape(roles)}.</p>' if roles else ''}"
        f"{parameters(operation)}{body(description, operation)}{answers(description, operation)}"
        "</section>"
    )


def parameters(operation: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
        f"<td><code>{escape(json.dumps(one.get('schema', {})))}</code></td></tr>"
        for one in operation.get("parameters", ())
    )
    head = "<tr><th>parameter</th><th>in</th><th>what it may be</th></tr>"
    return f"<table>{head}{rows}</table>" if rows else ""


def body(description: Mapping[str, Any], operation: Mapping[str, Any]) -> str:
    """What is sent, by type, with the example where there is one."""
    sent = resolved(description, operation.get("requestBody", {}))
    return "".join(
        f"<p>Body: <code>{escape(kind)}</code></p>"
        f"<pre>{escape(json.dumps(shown(description, taken), indent=2))}</pre>"
        for kind, taken in sent.get("content", {}).items()
    )


def shown(description: Mapping[str, Any], taken: Mapping[str, Any]) -> Any:
    """An example says more than a schema."""
    return taken.get("example") or resolved(description, taken.get("schema", {}))


def answers(description: Mapping[str, Any], operation: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(status)}</code></td>"
        f"<td>{escape(resolved(description, answer).get('description', ''))}</td></tr>"
        for status, answer in sorted(operation["responses"].items())
    )
    return f"<table><tr><th>status</th><th>when</th></tr>{rows}</table>"


def resolved(description: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The value, or what its `$ref` points at."""
    found: Mapping[str, Any] = description
    if "$ref" not in value:
        return value
    for step in value["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found
