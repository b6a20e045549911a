"""Plays a Bruno collection: as much of the language as ours is written in. What it does not know is an error, so that nothing is passed over.

Bruno's own command line has some five hundred packages of npm, too much to fetch for five requests; that it plays the same files was seen by hand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import httpx

_METHODS = ("get", "post")
_BLOCK = re.compile(r"^([a-z:-]+) \{\n(.*?)^\}$", re.DOTALL | re.MULTILINE)
_VARIABLE = re.compile(r"\{\{([A-Za-z_.]+)\}\}")
_FILE = re.compile(r"@file\(([^)]+)\)")


def read_blocks(text: str) -> dict[str, dict[str, str]]:
    """The blocks of a .bru file, each as its lines ``name: value``."""
    found = {}
    for name, body in _BLOCK.findall(text):
        lines = (line.strip().partition(": ") for line in body.splitlines() if line.strip())
        found[name] = {key: value for key, _, value in lines}
    assert not re.sub(r"\s", "", _BLOCK.sub("", text)), "something stands outside of the blocks"
    return found


def play(folder: Path, client: httpx.Client, environment: Mapping[str, str]) -> Iterator[tuple[str, int, list[str]]]:
    """Send each request in its order; (name, status, assertions that failed)."""
    known = {f"process.env.{name}": value for name, value in environment.items()}
    variables = read_blocks((folder / "environments" / "demo.bru").read_text(encoding="utf-8"))["vars"]
    known |= {name: _filled(value, known) for name, value in variables.items()}
    requests = [read_blocks(path.read_text(encoding="utf-8")) for path in folder.glob("*.bru")]
    for blocks in sorted(requests, key=lambda each: int(each["meta"]["seq"])):
        answer = _send(folder, client, blocks, known)
        said = {"status": answer.status_code, "body": _json(answer)}
        for name, place in blocks.pop("vars:post-response", {}).items():
            known[name] = _at(place, said)
        wrong = []
        for place, rule in blocks.pop("assert").items():
            operator, _, wanted = rule.partition(" ")
            assert operator == "eq", operator
            if str(_at(place, said)) != wanted:
                wrong.append(f"{place} is {_at(place, said)!r}, not {wanted}")
        yield blocks["meta"]["name"], answer.status_code, wrong


def _send(folder: Path, client: httpx.Client, blocks: dict[str, dict[str, str]], known: dict[str, str]) -> httpx.Response:
    [method] = (each for each in _METHODS if each in blocks)
    request = blocks.pop(method)
    given: dict[str, Any] = {}
    auth, body = request["auth"], request["body"]
    headers = {}
    if auth == "bearer":
        headers["authorization"] = "Bearer " + _filled(blocks.pop("auth:bearer")["token"], known)
    elif auth == "basic":
        basic = blocks.pop("auth:basic")
        given["auth"] = (_filled(basic["username"], known), _filled(basic["password"], known))
    else:
        assert auth == "none", auth
    if body == "formUrlEncoded":
        given["data"] = {name: _filled(value, known) for name, value in blocks.pop("body:form-urlencoded").items()}
    elif body == "multipartForm":
        parts: dict[str, Any] = {}
        for name, value in blocks.pop("body:multipart-form").items():
            file = _FILE.fullmatch(value)
            parts[name] = (file[1], (folder / file[1]).read_bytes()) if file else (None, _filled(value, known))
        given["files"] = parts
    else:
        assert body == "none", body
    left = set(blocks) - {"meta", "assert", "vars:post-response"}
    assert not left, left
    return client.request(method, _filled(request["url"], known), headers=headers, **given)


def _filled(text: str, known: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: known[found[1]], text)


def _json(answer: httpx.Response) -> Any:
    return answer.json() if "json" in answer.headers.get("content-type", "") else None


def _at(place: str, said: Any) -> Any:
    for name in place.removeprefix("res.").split("."):
        said = said[name]
    return said
