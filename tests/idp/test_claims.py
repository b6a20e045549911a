"""What a client learns: what it asks for and is allowed, of whom the person acts for, and verified only what evidence stands behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from idp.actions.claims_of import claims_of
from idp.model.people import AccountKind, Evidence, Identifier, IdentifierKind, new_id
from idp.model.requests import ClientProfile
from idp.store import accounts
from tests.idp.test_people_store import AT, VAULT, person, resident_number
from tests.postgres import database, database_url  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service_kit.database import Database

NUMBER = resident_number("99000019900307123")
CLIENT = ClientProfile("shop", "Shop")


@pytest.fixture
def stored(database: Database) -> Database:  # noqa: F811
    idp.service.migrate(database)
    identifiers = (
        Identifier(IdentifierKind.MOBILE, "13800000000", AT),
        Identifier(IdentifierKind.MAIL, "a@example.org"),
        Identifier(IdentifierKind.RESIDENT_ID, NUMBER),
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
            VAULT,
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


def test_acting_for_an_organisation_tells_of_the_organisation(stored: Database) -> None:
    told = claims(stored, "profile", "phone", "identity", acting_for="or_1")
    assert told["name"] == "测试公司"
    assert told["organisation_type"] == "11"
    assert not {"phone_number", "gender", "birthdate", "id_number"} & set(told)
