"""The API reference as one page: plain HTML made here, with no script and nothing fetched from anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from typing import Any, Final

_STYLE: Final = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,"Noto Sans CJK SC",sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.5rem;border-bottom:1px solid #8886}
article{margin:1.5rem 0;padding:.5rem 1rem;border-left:4px solid #b22}
h3{font:600 1rem ui-monospace,monospace;margin:.3rem 0}
pre{background:#8881;padding:.7rem;overflow:auto}code,pre{font:.9rem ui-monospace,monospace}
table{border-collapse:collapse}td,th{text-align:left;padding:.15rem .8rem .15rem 0;vertical-align:top}
.scope{color:#a30}.status{font-family:ui-monospace,monospace}
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_FORMS: Final = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def reference_page(document: dict[str, Any]) -> str:
    """The reference for an OpenAPI document."""
    info = document["info"]
    parts = [f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1><p>{escape(info.get('summary', ''))}</p>"]
    parts.append('<p><a href="/openapi.json">openapi.json</a> (OpenAPI 3.1)</p>')
    described = {tag["name"]: tag.get("description", "") for tag in document.get("tags", [])}
    by_tag: dict[str, list[str]] = {tag: [] for tag in described}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                operation = item[method]
                by_tag.setdefault((operation.get("tags") or ["other"])[0], []).append(_operation(path, method, operation))
    for tag, operations in by_tag.items():
        if operations:
            parts.append(f"<h2>{escape(tag)}</h2><p>{escape(described.get(tag, ''))}</p>{''.join(operations)}")
    return _page(info["title"], "".join(parts))


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    scopes = [scope for rule in operation.get("security", []) for needed in rule.values() for scope in needed]
    needs = f'<p class="scope">scope: {escape(", ".join(scopes))}</p>' if scopes else ""
    parameters = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{escape(each['in'])}</td><td>{escape(each.get('description', ''))}</td></tr>"
        for each in operation.get("parameters", [])
    )
    answers = "".join(
        f'<tr><td class="status">{escape(status)}</td><td>{escape(answer.get("description", ""))}{_example(answer.get("content", {}))}</td></tr>'
        for status, answer in operation.get("responses", {}).items()
    )
    return (
        f"<article><h3>{method.upper()} {escape(path)}</h3><p>{escape(operation.get('summary', ''))}</p>{needs}"
        f"<p>{escape(operation.get('description', ''))}</p>"
        + (f"<table>{parameters}</table>" if parameters else "")
        + _fields(operation.get("requestBody", {}).get("content", {}))
        + _example(operation.get("requestBody", {}).get("content", {}))
        + f"<table>{answers}</table></article>"
    )


def _fields(content: dict[str, Any]) -> str:
    """What stands in a form: name by name, because of a form no example can be shown as text."""
    shown = []
    for media_type, described in content.items():
        schema = described.get("schema", {})
        if media_type not in _FORMS or not schema.get("properties"):
            continue
        required = schema.get("required", ())
        rows = "".join(
            f"<tr><td><code>{escape(name)}</code></td><td>{'required' if name in required else ''}</td><td>{escape(_kind(each))}</td>"
            f"<td>{escape(each.get('description', ''))}</td></tr>"
            for name, each in schema["properties"].items()
        )
        shown.append(f"<p><code>{escape(media_type)}</code></p><table>{rows}</table>")
    return "".join(shown)


def _kind(schema: dict[str, Any]) -> str:
    if schema.get("format") == "binary":
        return "file"
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    return str(schema.get("contentMediaType") or schema.get("format") or schema.get("type", ""))


def _example(content: dict[str, Any]) -> str:
    shown = []
    for media_type, described in content.items():
        example = described.get("example")
        if example is None and described.get("examples"):
            example = next(iter(described["examples"].values())).get("value")
        if example is not None:
            text = example if isinstance(example, str) else json.dumps(example, ensure_ascii=False, indent=2)
            shown.append(f"<p><code>{escape(media_type)}</code></p><pre>{escape(text)}</pre>")
    return "".join(shown)
