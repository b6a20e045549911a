"""What is particular to single kinds of upstream, and what records say beyond a person: handlers and organisations."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from idp.connectors.kinds import open_connector
from idp.connectors.settings import read_settings
from standards.errors import TrustError
from tests.fakes.upstream import AT, MAC_KEY, NUMBER, SM2_SCALAR, SM4_KEY, Upstream
from tests.idp.connector_rounds import (  # noqa: F401 - fixtures
    KINDS,
    PLAIN,
    Round,
    fresh_round,
    oidc_fixture,
    record,
    stated,
    there_fixture,
)

SCHEMES = ("sm4-gcm", "sm4-cbc-hmac-sm3", "sm2-sm3")


def encrypted(there: Upstream, scheme: str) -> Round:
    made = fresh_round("encrypted_redirect", there)
    there.scheme = scheme
    keys = {
        "sm4-gcm": (SM4_KEY, b""),
        "sm4-cbc-hmac-sm3": (SM4_KEY, MAC_KEY),
        "sm2-sm3": (SM2_SCALAR, there.theirs.public_key.point),
    }[scheme]
    made.settings = replace(made.settings, cipher={"scheme": scheme, "key": keys[0].hex(), "proof_key": keys[1].hex()})
    made.connector = open_connector(made.settings)
    return made


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_record_through_the_browser(there: Upstream, scheme: str) -> None:
    made = encrypted(there, scheme)
    assert made.sign_in().id_number == NUMBER
    assert there.asked == []
    begun = made.connector.begin("si_1", AT)
    answer = there.authorize(begun.redirect_url)
    data = answer["data"]
    # As browsers and portals mangle it
    mangled = {**answer, "data": data.replace("-", "+").replace("_", "/").replace("+", " ") + "=" * (-len(data) % 4)}
    assert made.connector.finish(begun.stored, mangled, made.outbound, AT).subject == "u-1"
    # Altered, cut, empty, of another key
    for broken in (data[:-2], data[:8], "AAAA", data[:10] + ("A" if data[10] != "A" else "B") + data[11:], "*", "é"):
        with pytest.raises(TrustError) as refused:
            made.connector.finish(begun.stored, {**answer, "data": broken}, made.outbound, AT)
        assert refused.value.facts["reason"] in {"record-sealed", "record-proof"}
    if scheme != "sm4-gcm":
        for proof in ("", "AAAA", "*"):
            with pytest.raises(TrustError) as refused:
                made.connector.finish(begun.stored, {**answer, "sign": proof}, made.outbound, AT)
            assert refused.value.facts["reason"] in {"record-proof", "record-sealed"}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_record_of_another_sign_in_counts_nowhere_else(there: Upstream, scheme: str) -> None:
    """What was seen of somebody's return, in a log or over a shoulder, opens nothing in another browser."""
    made = encrypted(there, scheme)
    begun = made.connector.begin("si_1", AT)
    seen = there.authorize(begun.redirect_url)
    mine = made.connector.begin("si_2", AT)
    for answer in (seen, {**seen, **there.sealed(dict(there.record))}):
        with pytest.raises(TrustError) as refused:
            made.connector.finish(mine.stored, {**answer, "state": mine.stored["state"]}, made.outbound, AT)
        assert refused.value.facts["reason"] == "record-state"


def test_ciphers_without_proof_are_no_setting() -> None:
    right = stated("encrypted_redirect")
    for cipher in (
        {},
        {"scheme": "sm4-cbc", "key": SM4_KEY.hex()},
        {"scheme": "sm4-cbc-hmac-sm3", "key": SM4_KEY.hex()},
        {"scheme": "sm2-sm3", "key": SM2_SCALAR.hex()},
        {"scheme": "sm4-gcm", "key": "00"},
        {"scheme": "sm4-gcm", "key": "zz"},
        {"scheme": "sm4-gcm", "key": 5},
        {"scheme": "sm4-gcm", "key": SM4_KEY.hex(), "iv": "00"},
    ):
        with pytest.raises(TrustError, match="cipher"):
            read_settings({**right, "cipher": cipher})
    with pytest.raises(TrustError, match="fields"):
        read_settings({**right, "fields": PLAIN})
    assert SM4_KEY.hex() not in repr(read_settings(right))


def test_a_gateway_key_of_its_own(there: Upstream) -> None:
    made = fresh_round("sso_token", there)
    made.connector = open_connector(replace(made.settings, access_key="gateway-7"))
    assert made.sign_in().subject == "u-1"
    assert there.headers["x-bg-hmac-access-key"] == "gateway-7"
    made.connector = open_connector(replace(made.settings, client_secret="another"))
    assert made.refusal() == "upstream-status"


def test_a_realm_of_keycloak_is_described_by_its_issuer() -> None:
    made = read_settings({**stated("keycloak"), "issuer": "https://kc.example/realms/city"})
    assert made.endpoints["jwks"] == "https://kc.example/realms/city/protocol/openid-connect/certs"
    assert made.is_issuer_returned
    with pytest.raises(TrustError, match="endpoints"):
        read_settings({**stated("keycloak"), "issuer": 5})


@pytest.mark.clause("OIDC Core 3.1.2.1")
def test_who_must_show_himself_again_does(oidc: Round) -> None:
    begun = oidc.connector.begin("si_1", AT, anew=True)
    asked = dict(parse_qsl(urlsplit(begun.redirect_url).query))
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    now = int(AT.timestamp())
    for auth_time, reason in ((None, "id-token-times"), ("now", "id-token-times"), (now - 61, "not-anew"), (now + 61, "id-token-early")):
        oidc.there.claims = {"auth_time": auth_time}
        with pytest.raises(TrustError) as refused:
            oidc.connector.finish(begun.stored, oidc.there.authorize(begun.redirect_url), oidc.outbound, AT)
        assert refused.value.facts["reason"] == reason
    oidc.there.claims = {"auth_time": now + 5}
    found = oidc.connector.finish(begun.stored, oidc.there.authorize(begun.redirect_url), oidc.outbound, AT)
    assert found.shown_at == AT  # never later than now, however the clocks go
    oidc.there.claims = {"auth_time": now - 3600}
    assert oidc.sign_in().shown_at == AT - timedelta(hours=1)
    oidc.there.claims = {}
    assert oidc.sign_in().shown_at is None


@pytest.mark.parametrize("kind", KINDS)
def test_only_some_kinds_can_ask_for_that(there: Upstream, kind: str) -> None:
    made = fresh_round(kind, there)
    if kind in {"oidc", "keycloak"}:
        assert "max_age=0" in made.connector.begin("si_1", AT, anew=True).redirect_url
    elif kind == "cas":
        begun = made.connector.begin("si_1", AT, anew=True)
        assert "renew=true" in begun.redirect_url
        made.connector.finish(begun.stored, there.authorize(begun.redirect_url), made.outbound, AT)
        assert there.form["renew"] == "true"
    else:
        with pytest.raises(TrustError, match="UPSTREAM_CANNOT"):
            made.connector.begin("si_1", AT, anew=True)


HANDLER = {"name": "link_person_name", "id_type": "link_person_type", "id_number": "link_person_code", "level": "link_lv"}


def test_the_handler_of_an_organisation_acts_for_it(oidc: Round) -> None:
    oidc.connector = open_connector(replace(oidc.settings, handler=HANDLER))
    firm = {"usertype": 2, "name": "测试有限公司", "idtype": "49", "idnum": "12990000YX0000008K"}
    named = {"link_person_name": "测试甲", "link_person_type": "1", "link_person_code": NUMBER}
    oidc.there.record = record("oidc", **firm, **named)
    person = oidc.sign_in()
    assert (person.kind, person.name, person.id_number, person.level) == ("person", "测试甲", NUMBER, 0)  # nothing is said of his level
    (organisation,) = person.agent_of
    assert (organisation.kind, organisation.subject, organisation.id_number) == ("organisation", "u-1", "12990000YX0000008K")
    assert person.subject.startswith("u-1#")
    assert NUMBER not in person.subject
    oidc.there.record = record("oidc", **firm, **named, link_lv="L3")
    assert oidc.sign_in().level == 3
    oidc.there.record = record("oidc", **firm)
    assert oidc.sign_in().kind == "organisation"
    oidc.there.record = record("oidc", **firm, **{**named, "link_person_code": NUMBER[:-1] + "2"})
    assert oidc.refusal() == "id-number"


@pytest.mark.parametrize(
    ("firms", "reason"),
    [
        ([{"id": f"o-{n}", "title": "x"} for n in range(33)], "organisations"),
        (["o-1"], "organisations"),
        ([{"id": "o-1"}], "organisations"),
        ([{"title": "x"}], "subject"),
        ([{"id": "o-1", "title": "x", "code": "12990000YX0000008L"}], "id-number"),
    ],
)
def test_organisations_that_cannot_be_read_refuse_the_record(oidc: Round, firms: list[object], reason: str) -> None:
    agents = {"list": "firms", "subject": "id", "name": "title", "credit_code": "code"}
    oidc.connector = open_connector(replace(oidc.settings, agents=agents))
    oidc.there.record = record("oidc", firms=firms)
    assert oidc.refusal() == reason
    oidc.there.record = record("oidc", firms="none")
    assert oidc.sign_in().agent_of == ()
