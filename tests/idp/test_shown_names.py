"""Names that are drawn as nothing, or look like another's by letters that nobody sees, are no names."""

from __future__ import annotations

import pytest

from idp.model.names import is_shown
from idp.model.people import check_name
from idp.tokens.client_metadata import read_metadata
from standards.errors import TrustError


@pytest.mark.parametrize(
    "name",
    [
        "\u3164",
        "\u2800\u2800",
        "Hous\u034fing",
        "住建\u115f局",
        "\u0301\u0301",
        "住建局\u202e",
        "a\u200bb",
        "\uffa0x",
        "\ufe0f",
        "\u180e",
        "a\u180eb",
        "ᠠ\u180e",
    ],
)
def test_attack_names_that_nobody_can_read(name: str) -> None:
    assert not is_shown(name)
    with pytest.raises(TrustError, match="ACCOUNT_FIELD_INVALID"):
        check_name(name)
    with pytest.raises(TrustError, match="client_name"):
        read_metadata({"client_name": name})


@pytest.mark.parametrize(
    "name",
    [
        "住建局",
        "欧阳测试",
        "Ann Test",
        "阿卜杜拉·买买提",
        "ᠮᠣᠩᠭᠣᠯ\u180b",
        "ᠰᠠᠷ\u180eᠠ",
        "ᠬᠣᠲᠠ\u202fᠶᠢᠨ",
        "Ō",
        "e\u0301",
        "㐂",
        "葛\U000e0100",
        "3M",
        "Ünal-Öz",
        "한국",
    ],
)
def test_names_of_people_and_offices_are_names(name: str) -> None:
    check_name(name)
    assert read_metadata({"client_name": name}).name == name
