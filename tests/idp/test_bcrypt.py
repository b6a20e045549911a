"""bcrypt hashes of existing systems: read as they were made, bounded, and replaced at their first use."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import bcrypt
import pytest

from idp.credentials.passwords import check_kept_hash, is_outdated, is_right
from idp.model.imports import ImportForm
from idp.store.credentials import list_credentials
from standards.errors import TrustError
from tests.idp.people import Browser
from tests.idp.test_imports import account, run, town_fixture  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.idp.people import Town

KNOWN_BCRYPT = {  # of crypt_blowfish (wrapper.c), of OpenBSD by way of Spring Security, of PHP's manual (password_verify), and one with the DelegatingPasswordEncoder's prefix
    "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW": "U*U",
    "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a": "U*U*U",
    "{bcrypt}$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG": "password",
    "$2y$12$4Umg0rCJwMswRw/l.SwHvuQV01coP0eWmGzd61QH2RvAOMANUBGC.": "rasmuslerdorf",
}
LONG = b"$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"  # crypt_blowfish again
OF_LONG = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored"


@pytest.mark.parametrize("kept", KNOWN_BCRYPT)
def test_bcrypt_of_other_programs_is_read(kept: str) -> None:
    check_kept_hash(kept)
    assert is_right(kept.encode(), KNOWN_BCRYPT[kept])
    assert not is_right(kept.encode(), KNOWN_BCRYPT[kept] + "x")
    assert is_outdated(kept.encode(), KNOWN_BCRYPT[kept])


def test_bcrypt_sees_72_bytes_and_no_more() -> None:
    """Where the hash was made the rest was cut off; here it is as well, without an error, and nothing that was not compared becomes the password."""
    whole = "长" * 24  # 72 bytes
    kept = bcrypt.hashpw(whole.encode(), bcrypt.gensalt(4))
    assert is_right(kept, whole)
    assert is_right(kept, whole + "any end")
    assert is_right(kept, whole + "长" * 104)
    assert not is_right(kept, whole[:-1])
    assert is_outdated(kept, whole)
    assert not is_outdated(kept, whole + "any end")
    assert not is_right(bcrypt.hashpw(b"before", bcrypt.gensalt(4)), "before\0after"), "what C makes of it"
    assert not is_right(bcrypt.hashpw(b"before\0after", bcrypt.gensalt(4)), "before\0after"), "what Java makes of it: nobody can tell which"
    assert is_right(LONG, OF_LONG)
    assert not is_right(LONG, OF_LONG[1:])


@pytest.mark.parametrize(
    "kept",
    [
        "$2a$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",  # twice too dear
        "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2x$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e",  # of a program that took letters beyond ASCII wrongly
        "$2$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",  # short of a character
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWW",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCCzE5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",  # bits that no program writes
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeX",
        "{noop}password",
        "{bcrypt}password",
    ],
)
def test_attack_a_bcrypt_hash_that_cannot_be_read_or_paid_for_names_its_field(kept: str) -> None:
    with pytest.raises(TrustError, match="CREDENTIAL_UNUSABLE") as refused:
        check_kept_hash(kept)
    assert refused.value.facts["field"] == "password_hash"


def test_a_person_comes_with_bcrypt_and_has_ours_afterwards(town: Town) -> None:
    kept, password = bcrypt.hashpw(b"correct horse 9", bcrypt.gensalt(10, b"2a")).decode(), "correct horse 9"
    lines = [
        {"source_id": "spring", "name": "测试甲", "login": "spring", "password_hash": "{bcrypt}" + kept},
        {"source_id": "dear", "name": "测试乙", "login": "dear", "password_hash": kept.replace("$10$", "$15$")},
    ]
    text = "\n".join(json.dumps(each, ensure_ascii=False) for each in lines)
    assert run(town, "spring", text, form=ImportForm.JSON_LINES) == [
        ("created", "", ""),
        ("refused", "CREDENTIAL_UNUSABLE", "password_hash"),
    ]
    browser = Browser(town.here)
    browser.go("/sessions")
    browser.log_in("spring", "wrong horse 9")
    assert browser.heading == "Sign in"
    browser.log_in("spring", password)
    assert browser.path == "/sessions"
    found = account(town, "spring", "spring")
    assert found
    with town.desk.database.read() as connection:
        assert list_credentials(connection, town.desk.vault, found.account_id)[0].value.startswith(b"$argon2id$")
