"""Transactions open in actions and nowhere else, and the kit knows no business.

Why: a transaction that is opened deep in a store or in a route is one nobody sees when he reads the job; it ends up around a signature
or a network call, or is committed after the answer has gone. Escape: none needed so far; a new place is added to WRITERS with its reason.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.optional import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

SERVICES = ("idp", "seal_service", "licence_vault")
WRITES = {"write", "submit", "awrite"}
OWNERS = re.compile(r"(^|[._])(database|_database|db)$")
NOT_CONNECTORS = re.compile(r"^(?!desk\.connector\(name\)$)")  # whose begin() begins a sign-in elsewhere, and opens nothing here
# where a job may be handed to the database, besides the kit itself
WRITERS = re.compile(r"(^|/)(actions|demo)/|^yinxin/|/(jobs|service)\.py$")
WORDS = re.compile(
    r"(?<![a-z])(seal|seals|sealed|sealing|licence|license|licences|account|accounts|印章|证照|电子证照)(?![a-z])", re.IGNORECASE
)
# the word stands for something else here: SM4-GCM's own verb, the licence of a dependency, a name that the operator writes
WORD_ESCAPES: dict[str, str] = {
    "service_kit/settings.py": "the tables of settings.toml carry the names of what they set",
    "service_kit/page_frame/browser.py": "values sealed at rest (crypto.sealed_values)",
    "service_kit/reader_messages.py": "values sealed at rest (crypto.sealed_values)",
    "service_kit/later_keys.py": "secrets sealed at rest (crypto.keystore)",
    "service_kit/tables.py": "secrets sealed at rest",
    "service_kit/kit_migrations/versions/kit_0002_webhooks.py": "secrets sealed at rest",
    "service_kit/webhooks/deliveries.py": "secrets sealed at rest",
    "service_kit/webhooks/store.py": "secrets sealed at rest",
    "service_kit/webhooks/subscriptions.py": "secrets sealed at rest",
    "service_kit/typefaces/cut.py": "the licence of a typeface",
    "service_kit/typefaces/faces.py": "the licence of a typeface",
}


def files(floor: str) -> list[Path]:
    return sorted((PROJECT / floor).rglob("*.py"))


def calls(text: str, names: set[str], owner: re.Pattern[str] | None = None) -> list[int]:
    """Lines on which a method of one of ``names`` is called on an object whose expression matches ``owner``."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names
        and (owner is None or owner.search(ast.unparse(node.func.value)))
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_jobs_are_handed_to_the_database_in_actions_only(service: str) -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{line}"
        for path in files(service)
        if not WRITERS.search(path.relative_to(PROJECT).as_posix())
        for line in calls(path.read_text(encoding="utf-8"), WRITES, OWNERS)
    ]
    assert found == []


@pytest.mark.parametrize("service", SERVICES)
def test_nobody_commits_by_hand(service: str) -> None:
    """Only the writer ends transactions; a store that committed would end those of others."""
    found = [
        f"{path.relative_to(PROJECT)}:{line}"
        for path in files(service)
        for line in calls(path.read_text(encoding="utf-8"), {"commit", "rollback", "begin"}, NOT_CONNECTORS)
        if "migrations" not in path.parts
    ]
    assert found == []


def test_the_kit_knows_no_business() -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{number}"
        for path in files("service_kit")
        if path.relative_to(PROJECT).as_posix() not in WORD_ESCAPES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if WORDS.search(line)
    ]
    assert found == []


def test_the_lints_see_what_they_look_for() -> None:
    """A lint that finds nothing anywhere would pass for ever."""
    planted = "def f(self):\n    self._database.write(job)\n    await db.awrite(job)\n    file.write(b'')\n    connection.commit()\n"
    assert calls(planted.replace("await ", ""), WRITES, OWNERS) == [2, 3]
    assert calls(planted.replace("await ", ""), {"commit"}) == [5]
    assert WORDS.search("use of a seal")
    assert not WORDS.search("unsealable")
