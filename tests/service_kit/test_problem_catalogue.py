"""Every code that the program can raise has an entry in the catalogue."""

from __future__ import annotations

import ast
import functools
import importlib
import subprocess
import sys

import pytest

import yinxin.assembly  # noqa: F401 - importing the whole house enters every code
from service_kit.problem_catalogue import all_texts, text_of
from tests.optional import PROJECT
from tests.untraced import untraced

FLOORS = ("standards", "crypto", "service_kit", "idp", "seal_service", "licence_vault", "yinxin")
RAISERS = {"TrustError": 1, "MalformedError": 0}


@functools.cache
def codes_of(floor: str) -> dict[str, str]:
    """Code -> file, for every error built with a code written out."""
    found: dict[str, str] = {}
    for path in sorted((PROJECT / floor).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISERS:
                at = RAISERS[node.func.id]
                if len(node.args) > at and isinstance(node.args[at], ast.Constant):
                    found[str(node.args[at].value)] = path.relative_to(PROJECT).as_posix()  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("floor", FLOORS)
def test_every_code_has_an_entry(floor: str) -> None:
    for module in ("messages",):
        if (PROJECT / floor / f"{module}.py").exists():
            importlib.import_module(f"{floor}.{module}")
    missing = {code: path for code, path in codes_of(floor).items() if text_of(code) is None}
    assert missing == {}


# What a process prints, one in a line, that has loaded one service alone: every code that has an entry there, and every module
ALONE = """
import importlib, sys
importlib.import_module("service_kit.problems")
importlib.import_module(sys.argv[1])
from service_kit.problem_catalogue import all_texts
print(*(each.code for each in all_texts()), sep="\\n")
print(*(f"{name.replace('.', '/')}.py" for name in sys.modules), sep="\\n")
"""


@pytest.mark.parametrize("service", ["idp", "seal_service", "licence_vault"])
def test_a_service_that_is_loaded_alone_has_the_texts_of_its_errors(service: str) -> None:
    """A program that uses one service as a library, without the others and the composition, tells its errors as a deployment does."""
    asked = [sys.executable, "-c", ALONE, f"{service}.service"]
    with untraced():  # importing is covered by everything else
        told = set(subprocess.run(asked, cwd=PROJECT, capture_output=True, check=True, text=True).stdout.split())
    others = tuple(f"{each}/" for each in ("idp", "seal_service", "licence_vault", "yinxin") if each != service)
    assert [each for each in told if each.startswith(others)] == []
    below = {code for floor in ("standards", "crypto", "service_kit") for code, path in codes_of(floor).items() if path in told}
    assert (below | set(codes_of(service))) - told == set()


def test_entries_are_complete_and_in_both_languages() -> None:
    for text in all_texts():
        assert text.code == text.code.upper()
        for english in (text.title_en, text.cause_en, text.remedy_en):
            assert english.strip()
            assert english.isascii(), text.code
        for chinese in (text.title_zh, text.cause_zh, text.remedy_zh):
            assert any("\u4e00" <= character <= "\u9fff" for character in chinese), text.code
        assert text.cause_en.endswith("."), text.code
        assert text.cause_zh.endswith("。"), text.code


def test_the_walk_finds_codes() -> None:
    """A walk that finds nothing would pass for ever."""
    assert {"AUDIT_UNAVAILABLE", "LOG_ROLLED_BACK"} <= set(codes_of("service_kit"))
    assert "DER_TRUNCATED" in codes_of("standards")
