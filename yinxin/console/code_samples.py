"""A call of the API as a developer would write it: curl, Python, Java. For "copy as", beside what the console does itself."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any, Final

TOKEN: Final = "$TOKEN"  # noqa: S105 - where the reader puts his own


@dataclass(frozen=True, slots=True)
class SampleCall:
    """One call. ``file``: a name of a form's field and of a file; ``fields`` go with it, ``body`` is JSON instead. ``saves_as``: where the answer goes."""

    method: str
    path: str
    body: Any = None
    fields: tuple[tuple[str, str], ...] = ()
    file: tuple[str, str] | None = None
    saves_as: str = ""
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True)
class CodeSample:
    """One language's text."""

    language: str
    code: str


def samples_of(base_url: str, call: SampleCall) -> tuple[CodeSample, ...]:
    """The three of them, in the order of their length."""
    url = base_url.rstrip("/") + call.path
    return (CodeSample("curl", _curl(url, call)), CodeSample("Python", _python(url, call)), CodeSample("Java", _java(url, call)))


def token_samples(base_url: str, client_id: str, secret: str = "$SECRET") -> tuple[CodeSample, ...]:  # noqa: S107 - a place to fill
    """How a client obtains its token, with its id and secret."""
    url = base_url.rstrip("/") + "/oauth2/token"
    python = f"""import httpx

answer = httpx.post(
    "{url}",
    data={{"grant_type": "client_credentials"}},
    auth=("{client_id}", "{secret}"),
)
answer.raise_for_status()
token = answer.json()["access_token"]"""
    java = f"""import java.net.URI;
import java.net.http.*;
import java.util.Base64;

String basic = Base64.getEncoder().encodeToString("{client_id}:{secret}".getBytes());
HttpRequest request = HttpRequest.newBuilder(URI.create("{url}"))
    .header("Authorization", "Basic " + basic)
    .header("Content-Type", "application/x-www-form-urlencoded")
    .POST(HttpRequest.BodyPublishers.ofString("grant_type=client_credentials"))
    .build();
String answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();"""
    curl = f"curl -u {shlex.quote(f'{client_id}:{secret}')} \\\n  -d grant_type=client_credentials \\\n  {url}"
    return CodeSample("curl", curl), CodeSample("Python", python), CodeSample("Java", java)


def _curl(url: str, call: SampleCall) -> str:
    lines = [f"curl -X {call.method} {shlex.quote(url)}", f'-H "Authorization: Bearer {TOKEN}"']
    if call.idempotency_key:
        lines.append(f"-H {shlex.quote(f'Idempotency-Key: {call.idempotency_key}')}")
    if call.body is not None:
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(_json(call.body))}"]
    if call.file is not None:
        lines.append(f"-F {shlex.quote(f'{call.file[0]}=@{call.file[1]}')}")
    lines += [f"-F {shlex.quote(f'{name}={value}')}" for name, value in call.fields]
    if call.saves_as:
        lines.append(f"-o {shlex.quote(call.saves_as)}")
    return " \\\n  ".join(lines)


def _python(url: str, call: SampleCall) -> str:
    lines = ["import httpx", "", f"answer = httpx.{call.method.lower()}(", f"    {_quoted(url)},"]
    headers = '"Authorization": f"Bearer {token}"'
    if call.idempotency_key:
        headers += f', "Idempotency-Key": {_quoted(call.idempotency_key)}'
    lines.append(f"    headers={{{headers}}},")
    if call.body is not None:
        lines.append(f"    json={_python_value(call.body)},")
    if call.file is not None:
        lines.append(f'    files={{{_quoted(call.file[0])}: open({_quoted(call.file[1])}, "rb")}},')
    if call.fields:
        lines.append("    data={" + ", ".join(f"{_quoted(name)}: {_quoted(value)}" for name, value in call.fields) + "},")
    lines += ["    timeout=60,", ")", "answer.raise_for_status()"]
    lines.append(f'open({_quoted(call.saves_as)}, "wb").write(answer.content)' if call.saves_as else "print(answer.json())")
    return "\n".join(lines)


def _java(url: str, call: SampleCall) -> str:
    lines = ["import java.net.URI;", "import java.net.http.*;"]
    if call.file is not None or call.saves_as:
        lines.append("import java.nio.file.*;")
    if call.file is not None:
        lines.append("import java.io.ByteArrayOutputStream;")
    lines.append("")
    publisher = "HttpRequest.BodyPublishers.noBody()"
    kind = ""
    if call.body is not None:
        lines.append(f"String body = {_quoted(_json(call.body))};")
        publisher, kind = "HttpRequest.BodyPublishers.ofString(body)", '"application/json"'
    if call.file is not None:
        lines += [
            'String boundary = "----" + java.util.UUID.randomUUID();',
            "ByteArrayOutputStream form = new ByteArrayOutputStream();",
            *(
                f'form.write(("--" + boundary + "\\r\\nContent-Disposition: form-data; name=\\"{name}\\"\\r\\n\\r\\n" '
                f'+ {_quoted(value)} + "\\r\\n").getBytes("UTF-8"));'
                for name, value in call.fields
            ),
            (
                f'form.write(("--" + boundary + "\\r\\nContent-Disposition: form-data; name=\\"{call.file[0]}\\"; '
                f'filename=\\"{call.file[1]}\\"\\r\\n\\r\\n").getBytes("UTF-8"));'
            ),
            f"form.write(Files.readAllBytes(Path.of({_quoted(call.file[1])})));",
            'form.write(("\\r\\n--" + boundary + "--\\r\\n").getBytes("UTF-8"));',
        ]
        publisher, kind = "HttpRequest.BodyPublishers.ofByteArray(form.toByteArray())", '"multipart/form-data; boundary=" + boundary'
    lines += [
        f"HttpRequest request = HttpRequest.newBuilder(URI.create({_quoted(url)}))",
        '    .header("Authorization", "Bearer " + token)',
    ]
    if kind:
        lines.append(f'    .header("Content-Type", {kind})')
    if call.idempotency_key:
        lines.append(f'    .header("Idempotency-Key", {_quoted(call.idempotency_key)})')
    lines += [f'    .method("{call.method}", {publisher})', "    .build();"]
    handler = (
        f"HttpResponse.BodyHandlers.ofFile(Path.of({_quoted(call.saves_as)}))" if call.saves_as else "HttpResponse.BodyHandlers.ofString()"
    )
    lines += [f"var answer = HttpClient.newHttpClient().send(request, {handler});", "System.out.println(answer.statusCode());"]
    return "\n".join(lines)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _quoted(text: str) -> str:
    """A literal as Python and Java both read it."""
    return json.dumps(text, ensure_ascii=False)


def _python_value(value: object) -> str:
    return repr(value)
