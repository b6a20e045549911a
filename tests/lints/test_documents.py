"""What the documents say is there: links and anchors, commands with their options, settings, codes, operations."""

from __future__ import annotations

import json
import posixpath
import re
import tomllib
from fnmatch import fnmatch
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
import typer.main

import yinxin.assembly  # noqa: F401 - importing the whole house enters every code
from crypto.report_text import SENTENCES
from docs.generators.settings import render as render_settings
from docs.generators.settings_texts import MEANINGS
from service_kit.problem_catalogue import text_of
from service_kit.settings import load_settings
from tests.optional import PROJECT
from yinxin.command_line import app
from yinxin.help.rendering import headings_of, parser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from markdown_it.token import Token

GUIDES = ("docs/tutorials", "docs/how-to", "README", "docs/index")
# What looks like a code of an error and is none of ours
NO_CODES = ("YINXIN_", "X_", "OIDC", "CLIENT_", "BASE_", "SEAL_ID", "ORIGINAL_PDF", "TOKEN_PIN", "CREDIT_CODE")


@cache
def documents() -> dict[str, str]:
    roots = [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"), *(PROJECT / "deploy").rglob("*.md"), PROJECT / "standards/README.md"]
    return {path.relative_to(PROJECT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(roots)}


def guides() -> dict[str, str]:
    return {name: text for name, text in documents().items() if name.startswith(GUIDES)}


def inline(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield from token.children or ()


def anchors(text: str) -> set[str]:
    return {heading.anchor for heading in headings_of(parser().parse(text))}


@pytest.mark.parametrize("name", [name for name in documents() if not name.endswith(("clause-matrix.md", "error-catalogue.md"))])
def test_every_link_leads_to_a_file_and_an_anchor_of_it(name: str) -> None:
    broken = []
    for token in inline(parser().parse(documents()[name])):
        target = token.attrGet("href") or token.attrGet("src")
        parts = urlsplit(unquote(str(target or "")))
        if target is None or parts.scheme:
            continue
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), parts.path)) if parts.path else name
        if not (PROJECT / path).exists() or (parts.fragment and parts.fragment not in anchors(documents().get(path, ""))):
            broken.append(target)
    assert broken == []


@cache
def commands() -> dict[str, set[str]]:
    """``yinxin ca renew`` -> its options."""
    found: dict[str, set[str]] = {}

    def walk(command: Any, name: str) -> None:
        for below, inner in (getattr(command, "commands", None) or {}).items():
            walk(inner, f"{name} {below}")
        if not getattr(command, "commands", None):
            found[name] = {option for each in command.params if each.param_type_name == "option" for option in each.opts} | {"--help", "-h"}

    walk(typer.main.get_command(app), "yinxin")
    return found


def test_every_command_in_the_documents_is_one_with_these_options() -> None:
    wrong: list[tuple[str, str]] = []
    groups = {" ".join(each.split()[:2]) for each in commands()}
    for name, text in documents().items():
        if name == "CHANGELOG.md":  # tells of what was, too
            continue
        tokens = parser().parse(text)
        code = [token.content for token in inline(tokens) if token.type == "code_inline"]
        code += [
            line for token in tokens if token.type in {"fence", "code_block"} for line in token.content.replace("\\\n", " ").splitlines()
        ]
        for line in code:
            found = re.search(r"(?:^|[\s/(])yinxin ([a-z].*)", line)
            if found is None:
                continue
            words = ["yinxin", *found[1].split("#")[0].split()]
            command = next((" ".join(words[:count]) for count in (4, 3, 2) if " ".join(words[:count]) in commands()), None)
            options = {word.partition("=")[0] for word in words if word.startswith("--")}
            if command is None and " ".join(words) not in groups:
                wrong.append((name, line))
            elif command is not None and options - commands()[command]:
                wrong.append((name, f"{line}: {options - commands()[command]}"))
    assert wrong == []


def test_every_code_in_the_guides_is_in_the_catalogue() -> None:
    """Of an error in the catalogue of errors, of a step of a verdict among the sentences of steps."""
    unknown = [
        (name, token.content)
        for name, text in guides().items()
        for token in inline(parser().parse(text))
        if token.type == "code_inline" and re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", token.content)
        if not token.content.startswith(NO_CODES) and text_of(token.content) is None and token.content not in SENTENCES
    ]
    assert unknown == []


def test_every_operation_in_the_guides_is_served() -> None:
    served = json.loads((PROJECT / "docs/reference/openapi.json").read_text(encoding="utf-8"))["paths"]
    unknown = [
        (name, method, path)
        for name, text in guides().items()
        for method, path in re.findall(r"`(GET|POST|PUT|DELETE|PATCH) (/v1/[^`\s?]*)", text)
        if method.lower() not in served.get(path, {})
    ]
    assert unknown == []


@pytest.mark.parametrize("name", ["docs/how-to/tls.md", "docs/how-to/tls.zh-CN.md"])
def test_every_path_is_said_to_be_for_somebody(name: str) -> None:
    """Whoever lets the named paths through alone closes none that is needed, and no path is named that there is not."""
    rows = [line.split("|")[1] for line in documents()[name].splitlines() if line.startswith("| `/")]
    named = {path for row in rows for path in re.findall(r"`(/[^`]*)`", row)}
    served = re.findall(r"^\| `[A-Z]+ (/[^` ]*)` \|", documents()["docs/reference/permission-matrix.md"], re.MULTILINE)
    assert len(served) > 500

    def holds(place: str, path: str) -> bool:
        return path == place or (place != "/" and path.startswith(f"{place}/"))

    assert [path for path in served if not any(holds(place, path) for place in named)] == []
    assert [place for place in named if not any(holds(place, path) for path in served)] == []


def test_every_setting_in_the_guides_is_one(tmp_path: Path) -> None:
    """As a name, and as TOML that the program takes."""
    known = set(re.findall(r"^\| `([a-z_.0-9]+)`", render_settings(), re.MULTILINE))
    tables = {name.split(".")[0] for name in known if "." in name}
    for name, text in guides().items():
        spelled = {each for each in re.findall(r"`([a-z_0-9]+\.[a-z_0-9]+)`", text) if each.split(".")[0] in tables}
        assert {each for each in spelled if not each.endswith((".toml", ".json"))} - known == set(), name
        for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
            assert tomllib.loads(block)
            (tmp_path / "settings.toml").write_text(block, encoding="utf-8")
            load_settings(tmp_path, {})


def test_every_standard_has_its_row() -> None:
    """One module per standard, and each where a reader looks for it; a row without a module goes."""
    there = {path.stem for path in (PROJECT / "standards").iterdir() if path.suffix == ".py" or path.is_dir()} - {
        "__init__",
        "__pycache__",
        "errors",
    }
    listed = set(re.findall(r"`([a-z][a-z0-9]+_[a-z0-9_*]+)`", documents()["standards/README.md"]))
    assert {name for name in there if not any(fnmatch(name, each) for each in listed)} == set()
    assert {each for each in listed if not any(fnmatch(name, each) for name in there)} == set()


def test_every_setting_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "| `workers` | `1` | `YINXIN_WORKERS` | processes |" in render_settings()
    monkeypatch.setitem(MEANINGS, "no.such", ("", "x"))
    with pytest.raises(SystemExit, match=r"no settings any more: no\.such"):
        render_settings()
    monkeypatch.delitem(MEANINGS, "no.such")
    monkeypatch.delitem(MEANINGS, "workers")
    with pytest.raises(SystemExit, match="workers is explained nowhere"):
        render_settings()
