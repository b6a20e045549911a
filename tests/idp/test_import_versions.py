"""Imports as a feed of changes from elsewhere: the source's own versions decide what is news."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from idp.model.imports import ImportForm
from tests.idp.test_imports import account, run, town_fixture  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.idp.people import Town


def test_an_older_word_of_the_source_changes_nothing(town: Town) -> None:
    """As messages come over a line that repeats and overtakes: each of one row, with the source's own version."""

    def tell(version: str, name: str, *, dry: bool = False, source: str = "feed") -> tuple[str, str]:
        row = {"source_id": "s-1", "name": name, **({"version": version} if version else {})}
        ((outcome, code, _),) = run(town, source, json.dumps(row), form=ImportForm.JSON_LINES, dry=dry)
        return outcome, code

    def name() -> str:
        found = account(town, "feed", "s-1")
        return found.name if found else ""

    older = ("unchanged", "IMPORT_ROW_NOT_NEWER")
    assert tell("7", "第七", dry=True) == ("created", "")
    assert tell("5", "第五") == ("created", "")
    assert tell("5", "第五又") == older
    assert tell("4", "第四") == older
    assert tell("9", "第九", dry=True) == ("changed", "")
    assert tell("7", "第七") == ("changed", ""), "a trial leaves the count as it was"
    assert tell("6", "第六") == older
    assert name() == "第七"
    assert tell("8", "第七") == ("unchanged", "")
    assert tell("8", "第八") == older
    assert tell("", "没有版本") == ("changed", "")
    assert tell("8", "第八") == older
    assert tell("10", " ".join("字" * 200)) == ("refused", "ACCOUNT_FIELD_INVALID")
    assert tell("10", "第十") == ("changed", ""), "what was refused was not taken"
    assert tell("0", "重新计数") == ("changed", "")
    assert tell("1", "第一") == ("changed", "")
    assert tell("1", "别处", source="other") == ("created", ""), "each source counts for itself"
    for wrong in ("-1", "1.5", "x", str(2**53), "٣", "1" * 40):
        assert tell(wrong, "测试") == ("refused", "ACCOUNT_FIELD_INVALID"), wrong
    assert name() == "第一"
