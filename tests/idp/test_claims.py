"""What a client learns: what it asks for and is allowed, of whom the person acts for, and verified only what evidence stands behind."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from crypto.sealed_values import ValueSealer
from idp.actions.claims_of import claims_of
from idp.model.people import AccountKind, Evidence, Identifier, IdentifierKind, new_id
from idp.model.requests import ClientProfile
from idp.store import accounts
from idp.store.subject_hash import KeyedSubjectHash
from service_kit.settings import Settings
from standards.errors import TrustError
from tests.idp.databases import database, database_url  # noqa: F401 - fixtures
from tests.idp.test_people_store import AT, VAULT, person, resident_number
from yinxin.links import subject_hash_of

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from service_kit.database import Database

NUMBER = resident_number("99000019900307123")
CLIENT = ClientProfile("shop", "Shop")


@pytest.fixture
def stored(database: Database) -> Database:  # noqa: F811
    identifiers = (
        Identifier(IdentifierKind.MOBILE, "13800000000", AT),
        Identifier(IdentifierKind.MAIL, "a@example.org"),
        Identifier(IdentifierKind.RESIDENT_ID, NUMBER, AT),
    )
    one = person(account_id="pe_1", identifiers=identifiers, attributes={"sex": "2", "born_on": "1990-03-07", "address": "演示路 1 号"})
    firm = replace(person("测试公司", account_id="or_1"), kind=AccountKind.ORGANISATION, attributes={"organisation_type": "11"})

    def store(connection: Connection) -> None:
        accounts.insert_account(connection, VAULT, one)
        accounts.insert_account(connection, VAULT, firm)
        accounts.insert_evidence(connection, VAULT, "pe_1", Evidence(new_id("ev_"), "face", "Region", 3, AT, AT + timedelta(days=9)))

    database.write(store)
    return database


def claims(database: Database, *scopes: str, **more: Any) -> dict[str, Any]:  # noqa: F811
    given = {"acting_for": None, "claims_request": {}, "profile": CLIENT, "at": AT, "place": "userinfo", **more}
    with database.read() as connection:
        return claims_of(
            connection,
            given.get("vault", VAULT),
            "pe_1",
            given["acting_for"],
            scopes,
            given["claims_request"],
            given["profile"],
            at=given["at"],
            place=given["place"],
        )


def test_each_scope_tells_its_own(stored: Database) -> None:
    assert claims(stored, "openid") == {}
    assert claims(stored, "profile") == {"name": "测试甲", "gender": "female", "birthdate": "1990-03-07", "updated_at": int(AT.timestamp())}
    assert claims(stored, "phone") == {"phone_number": "13800000000", "phone_number_verified": True}
    assert claims(stored, "email") == {"email": "a@example.org", "email_verified": False}
    assert claims(stored, "address") == {"address": {"formatted": "演示路 1 号"}}
    assert claims(stored, "seal.use") == {}


def test_a_client_learns_no_more_than_it_may(stored: Database) -> None:
    narrow = ClientProfile("shop", "Shop", allowed_claims=frozenset({"name"}))
    assert claims(stored, "profile", "phone", "identity", profile=narrow) == {"name": "测试甲"}


def test_single_claims_by_the_claims_parameter(stored: Database) -> None:
    request = {"userinfo": {"name": None, "password": None}, "id_token": {"birthdate": None}}
    assert claims(stored, "openid", claims_request=request) == {"name": "测试甲"}
    assert claims(stored, "openid", "profile", claims_request=request, place="id_token") == {"birthdate": "1990-03-07"}


def test_verified_claims_rest_on_evidence_that_holds(stored: Database) -> None:
    told = claims(stored, "identity", "profile")
    verified = told["verified_claims"]
    assert verified["claims"] == {"name": "测试甲", "id_type": "resident_id", "id_number": NUMBER, "birthdate": "1990-03-07"}
    assert verified["verification"]["assurance_level"] == "urn:yinxin:loa:3"
    assert verified["verification"]["evidence"][0]["check_details"] == [{"check_method": "face", "organization": "Region"}]
    later = claims(stored, "identity", at=AT + timedelta(days=10))
    assert later["level"] == 0
    assert "verified_claims" not in later


OURS = {"trust_framework": None}


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (None, {"name", "id_type", "id_number", "birthdate"}),
        ({"verification": OURS, "claims": {"name": None}}, {"name"}),
        (
            {"verification": {"trust_framework": {"value": "urn:yinxin:loa"}}, "claims": {"name": {"essential": True}, "birthdate": None}},
            {"name", "birthdate"},
        ),
        ({"verification": {"trust_framework": {"values": ["eidas", "urn:yinxin:loa"]}, "time": None}, "claims": {"name": None}}, {"name"}),
        ({"verification": {}, "claims": {"name": None, "phone_number": None}}, {"name"}),
        ({"verification": {"trust_framework": {"value": "eidas"}}, "claims": {"name": None}}, None),
        ({"verification": {"trust_framework": {"values": ["eidas"]}}, "claims": {"name": None}}, None),
        ({"verification": {"trust_framework": {"values": "urn:yinxin:loa"}}, "claims": {"name": None}}, None),
        ({"verification": {"trust_framework": {"value": "urn:yinxin:loa", "x": 1}}, "claims": {"name": None}}, None),
        ({"verification": {"trust_framework": "urn:yinxin:loa"}, "claims": {"name": None}}, None),
        ({"verification": {**OURS, "time": {"max_age": 60}}, "claims": {"name": None}}, None),
        ({"verification": {**OURS, "evidence": [{"type": "document"}]}, "claims": {"name": None}}, None),
        ({"verification": OURS, "claims": {"name": {"value": "测试乙"}}}, None),
        ({"verification": OURS, "claims": {"name": 7}}, None),
        ({"verification": OURS, "claims": {"phone_number": None}}, None),
        ({"verification": OURS, "claims": {}}, None),
        ({"verification": OURS, "claims": None}, None),
        ({"verification": OURS, "claims": {"name": None}, "x": 1}, None),
        ({"claims": {"name": None}}, None),
        ([{"verification": OURS, "claims": {"name": None}}], None),
        ("name", None),
        (7, None),
    ],
)
def test_attack_proofs_of_another_kind_than_was_asked_for_are_no_answer(stored: Database, wish: Any, told: set[str] | None) -> None:
    """What a request for verified claims demands is met, or there are none: a client that asked for another framework, or a proof of yesterday, must not
    take ours for it. Within them stands what is named there, and asked for besides.
    """
    request = {"userinfo": {"verified_claims": wish, "name": None, "birthdate": None}}
    found = claims(stored, "openid", "identity", claims_request=request)
    assert (set(found["verified_claims"]["claims"]) if "verified_claims" in found else None) == told
    assert found["name"] == "测试甲"


def again(database: Database, number: Identifier, born_on: str) -> None:  # noqa: F811
    """The same person with another number and another date of birth; what evidence says of him stays."""

    def store(connection: Connection) -> None:
        account = accounts.load_account(connection, VAULT, "pe_1")
        others = tuple(each for each in account.identifiers if each.kind not in {IdentifierKind.RESIDENT_ID, IdentifierKind.PASSPORT})
        changed = replace(
            account, identifiers=(*others, number), attributes={**account.attributes, "born_on": born_on}, version=account.version + 1
        )
        accounts.update_account(connection, VAULT, changed, identifiers_too=True)

    database.write(store)


def test_attack_a_number_that_is_only_claimed_is_no_verified_claim(stored: Database) -> None:
    """A directory or an import may claim any number; evidence that somebody else brings for the name makes it no truer."""
    scopes = ("identity", "profile", "subject_hash")
    again(stored, Identifier(IdentifierKind.RESIDENT_ID, NUMBER), "1990-03-07")
    told = claims(stored, *scopes)
    assert (told["id_number"], told["level"]) == (NUMBER, 3), "what it is called, without a word on its truth"
    assert told["verified_claims"]["claims"] == {"name": "测试甲"}
    assert "subject_hash" not in told, "it would be that of the number's owner in case files"
    # A date of birth is verified as far as a verified resident's number holds it
    again(stored, Identifier(IdentifierKind.RESIDENT_ID, NUMBER, AT), "1991-03-07")
    assert claims(stored, *scopes)["verified_claims"]["claims"] == {"name": "测试甲", "id_type": "resident_id", "id_number": NUMBER}
    again(stored, Identifier(IdentifierKind.PASSPORT, "E12345678", AT), "1990-03-07")
    assert claims(stored, *scopes)["verified_claims"]["claims"] == {"name": "测试甲", "id_type": "passport", "id_number": "E12345678"}


def test_acting_for_an_organisation_tells_of_the_organisation(stored: Database) -> None:
    told = claims(stored, "profile", "phone", "identity", acting_for="or_1")
    assert told["name"] == "测试公司"
    assert told["organisation_type"] == "11"
    assert not {"phone_number", "gender", "birthdate", "id_number"} & set(told)


def test_a_hash_in_place_of_the_number_for_case_files(stored: Database) -> None:
    told = claims(stored, "subject_hash")
    assert set(told) == {"subject_hash", "subject_hash_method"}
    assert told["subject_hash_method"] == "hmac-sm3"
    assert re.fullmatch("[0-9a-f]{64}", told["subject_hash"])
    assert told == claims(stored, "subject_hash"), "the same again"
    assert NUMBER not in str(told)
    assert claims(stored, "openid", claims_request={"userinfo": {"subject_hash": None}}) == {"subject_hash": told["subject_hash"]}
    assert claims(stored, "subject_hash", at=AT + timedelta(days=10)) == {}, "nothing of what no evidence stands behind any more"


def test_the_hash_is_of_type_number_and_name_under_the_deployments_key() -> None:
    make, other = KeyedSubjectHash(ValueSealer(bytes(32))), KeyedSubjectHash(ValueSealer(b"x" * 32))
    same = make("resident_id", NUMBER, "测试甲")
    assert make("resident_id", NUMBER, "测 试甲 ") == same
    assert (
        len({same, other("resident_id", NUMBER, "测试甲"), make("passport", NUMBER, "测试甲"), make("resident_id", NUMBER, "测试乙")}) == 4
    )


class OwnHash:
    """A site's own function."""

    method = "site-1"

    def __call__(self, id_type: str, id_number: str, name: str) -> str:
        return f"{id_type}-{len(id_number)}-{len(name)}"


own_hash = OwnHash()
broken_hash = str


def test_a_site_plugs_its_own_function_in(stored: Database, tmp_path: Path) -> None:
    own = subject_hash_of(Settings(tmp_path, subject_hash=f"{__name__}:own_hash"))
    assert own is own_hash
    assert claims(stored, "subject_hash", vault=replace(VAULT, own_subject_hash=own)) == {
        "subject_hash": "resident_id-18-3",
        "subject_hash_method": "site-1",
    }
    assert subject_hash_of(Settings(tmp_path)) is None
    for wrong in ("nowhere", "nowhere:x", f"{__name__}:none", f"{__name__}:broken_hash"):
        with pytest.raises(TrustError) as refused:
            subject_hash_of(Settings(tmp_path, subject_hash=wrong))
        assert (refused.value.code, refused.value.facts["name"]) == ("SETTING_INVALID", "subject_hash")
