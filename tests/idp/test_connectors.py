"""Every connector against the same contract: whom it believes, and everything it must not believe."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from crypto.sm2 import SM2PrivateKey
from idp.connectors.fields import read_identity
from idp.connectors.id_token import read_id_token
from idp.connectors.kinds import open_connector
from idp.connectors.settings import ConnectorSettings, read_settings
from service_kit.outbound import Outbound, read_networks
from standards.errors import TrustError
from standards.gbt32918_sm2 import read_signature
from tests.fakes.upstream import AT, CLIENT, NUMBER, SECRET, Upstream
from tests.idp.connector_rounds import (  # noqa: F401 - fixtures
    WEAK,
    Round,
    calling_fixture,
    fresh_round,
    oidc_fixture,
    record,
    round_fixture,
    stated,
    there_fixture,
)


def test_a_person_comes_back(round_: Round) -> None:
    found = round_.sign_in()
    assert (found.kind, found.upstream, found.subject, found.name) == ("person", "region", "u-1", "测试甲")
    assert (found.id_type, found.id_number, found.level) == ("resident_id", NUMBER, 2)
    weak = WEAK.get(round_.kind)
    assert [entry[0] for entry in found.evidence] == [f"upstream.{round_.kind}", *([f"weak.{weak}"] if weak else [])]
    assert NUMBER not in repr(found)
    assert SECRET not in repr(round_.settings)


def test_what_is_kept_is_new_each_time_and_no_secret_goes_with_the_browser(round_: Round) -> None:
    one, two = (round_.connector.begin("si_1", AT) for _ in range(2))
    assert one.stored["state"] != two.stored["state"]
    assert one.stored["state"] not in repr(one)
    for hidden in (SECRET, one.stored.get("verifier", SECRET)):
        assert hidden not in dict(parse_qsl(urlsplit(one.redirect_url).query)).values()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"state": "of another browser"}, "state"),
        ({"state": "-"}, "state"),
        ({"state": "ключ"}, "state"),
        ({"error": "access_denied"}, "upstream-error"),
        ({"later": timedelta(seconds=600)}, "too-late"),
        ({"stored": {"connector": "another"}}, "other-connector"),
        (dict.fromkeys(("code", "ticket", "trustticket", "ssotoken", "data"), "-"), "parameter"),
        (dict.fromkeys(("code", "ticket", "trustticket", "ssotoken", "data"), "x" * 5000), "parameter"),
    ],
)
def test_an_answer_that_is_not_to_our_question_calls_nobody(round_: Round, arguments: dict[str, Any], reason: str) -> None:
    assert round_.refusal(**arguments) == reason
    assert round_.there.asked == []


def test_a_code_that_the_upstream_does_not_know_or_has_seen_is_refused(calling: Round) -> None:
    round_ = calling
    assert round_.refusal(code="c-2", ticket="c-2", trustticket="c-2", ssotoken="c-2") in {"upstream-status", "upstream-error"}
    begun = round_.connector.begin("si_1", AT)
    came = round_.there.authorize(begun.redirect_url)
    assert round_.connector.finish(begun.stored, came, round_.outbound, AT).subject == "u-1"
    with pytest.raises(TrustError, match="UPSTREAM_ANSWER_REFUSED"):
        round_.connector.finish(begun.stored, came, round_.outbound, AT)


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        ("broken", "OUTBOUND_FAILED"),
        ("slow", "OUTBOUND_FAILED"),
        ("oversized", "OUTBOUND_FAILED"),
        ("redirect", "upstream-status"),
        ("not-json", "not-json"),
        ("list", "not-json"),
        ("twice", "not-json"),
        ("deep", "not-json"),
    ],
)
def test_a_broken_upstream_signs_nobody_in(calling: Round, attack: str, reason: str) -> None:
    round_ = calling
    round_.there.attack = attack
    if attack == "slow":
        round_.outbound = Outbound(read_networks(["127.0.0.1/32"]), timeout_seconds=0.2)
    assert round_.refusal() == reason


def test_nothing_is_called_that_the_operator_does_not_allow(calling: Round) -> None:
    round_ = calling
    round_.outbound = Outbound([])
    assert round_.refusal() == "OUTBOUND_REFUSED"
    assert round_.there.asked == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"name": ""}, "name"),
        ({"name": ["测", "试"]}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"idnum": NUMBER[:-1] + "2"}, "id-number"),
        ({"idtype": "49"}, "id-number"),
        ({"idtype": "414", "idnum": "E1\u202e2"}, "id-number"),
        ({"usertype": "9"}, "kind"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(round_: Round, changed: dict[str, object], reason: str) -> None:
    round_.there.record = record(round_.kind, **changed)
    assert round_.refusal() == reason


@pytest.mark.parametrize("subject", ["", "x" * 256, "a\nb", " u-1", "u-1\u3000", True])
def test_nobody_without_a_subject(round_: Round, subject: object) -> None:
    round_.there.record = record(round_.kind, sub=subject)
    with pytest.raises(TrustError, match="UPSTREAM_ANSWER_REFUSED"):
        round_.sign_in()


def test_what_the_maps_do_not_know_counts_for_nothing(round_: Round) -> None:
    round_.there.record = record(round_.kind, lv="L9", idtype="777", usertype=2)
    found = round_.sign_in()
    assert (found.kind, found.level, found.id_type, found.id_number) == ("organisation", 0, None, None)
    round_.there.record = record(round_.kind, idnum="", usertype=None)
    found = round_.sign_in()
    assert (found.kind, found.id_type, found.id_number) == ("person", None, None)


def test_logout_leads_to_the_upstream_where_it_has_a_page(round_: Round) -> None:
    page = round_.connector.logout_url("http://127.0.0.1:8000/out?a=1&b=2", "s&1") or ""
    assert re.fullmatch(rf"{round_.there.url}(/protocol/openid-connect)?/logout\?.*", page)
    given = dict(parse_qsl(urlsplit(page).query))
    (back,) = [value for value in given.values() if value.startswith("http://127.0.0.1:8000/out?a=1&b=2")]
    assert given.get("state") == "s&1" or dict(parse_qsl(urlsplit(back).query))["state"] == "s&1"
    endpoints = {name: url for name, url in round_.settings.endpoints.items() if name != "logout"}
    assert "logout" in round_.settings.endpoints
    assert open_connector(read_settings({**stated(round_.kind), "endpoints": endpoints})).logout_url("http://127.0.0.1/", "s") is None


@pytest.mark.clause("OIDC Core 3.1.3.7")
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://other.example"}, "id-token-issuer"),
        ({"iss": None}, "id-token-issuer"),
        ({"aud": "another-client"}, "id-token-audience"),
        ({"aud": [CLIENT, "another-client"]}, "id-token-audience"),
        ({"aud": None}, "id-token-audience"),
        ({"azp": "another-client"}, "id-token-audience"),
        ({"nonce": "of another sign-in"}, "id-token-nonce"),
        ({"nonce": None}, "id-token-nonce"),
        ({"exp": int(AT.timestamp()) - 60}, "id-token-expired"),
        ({"exp": None}, "id-token-times"),
        ({"exp": True}, "id-token-times"),
        ({"exp": 1e12}, "id-token-times"),
        ({"iat": int(AT.timestamp()) - 661}, "id-token-expired"),
        ({"iat": int(AT.timestamp()) + 61}, "id-token-early"),
        ({"nbf": int(AT.timestamp()) + 61}, "id-token-early"),
        ({"at_hash": "AAAA"}, "id-token-access-token"),
    ],
)
def test_an_id_token_that_is_not_for_us_now(oidc: Round, claims: dict[str, Any], reason: str) -> None:
    oidc.there.claims = claims
    assert oidc.refusal() == reason


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        ("bad-signature", "id-token-signature"),
        ("short-signature", "id-token-signature"),
        ("not-base64", "id-token-form"),
        ("no-id-token", "id-token-form"),
        ("crit", "id-token-algorithm"),
        ("other-keys", "id-token-signature"),
        ("other-curve", "id-token-signature"),
        ("off-curve", "id-token-signature"),
        ("key-without-point", "id-token-signature"),
        ("no-keys", "id-token-key"),
        ("key-twice", "id-token-key"),
        ("encryption-key", "id-token-key"),
        ("many-keys", "key-set"),
        ("keys-no-list", "key-set"),
        ("no-token", "answer-incomplete"),
        ("token-no-text", "answer-incomplete"),
        ("other-userinfo", "userinfo-subject"),
    ],
)
def test_an_id_token_that_is_not_by_the_issuer(oidc: Round, attack: str, reason: str) -> None:
    oidc.there.attack = attack
    assert oidc.refusal() == reason


def test_algorithms(oidc: Round) -> None:
    for algorithm in ("none", "HS256", "ES384"):
        oidc.there.algorithm = algorithm
        assert oidc.refusal() == "id-token-algorithm"
    oidc.there.algorithm, oidc.there.claims = "RS256", {"aud": [CLIENT, "another"], "azp": CLIENT, "at_hash": None}
    assert oidc.sign_in().attributes == {"address": "synthetic street 1"}
    oidc.there.attack = "bad-signature"
    assert oidc.refusal() == "id-token-signature"
    oidc.there.attack = "small-key"
    assert oidc.refusal() == "id-token-key"


@pytest.mark.clause("RFC 9207 2.4")
def test_mix_up(oidc: Round) -> None:
    assert oidc.refusal(iss="https://attacker.example") == "issuer"
    assert oidc.refusal(iss="-") == "issuer"
    assert oidc.there.asked == []


def test_another_verifier_gets_nothing_for_a_code(oidc: Round) -> None:
    assert oidc.refusal(stored={"verifier": "of another browser"}) == "upstream-status"


def test_without_userinfo_and_issuer_in_the_answer(oidc: Round) -> None:
    settings = stated("oidc", oidc.there.url)
    del settings["endpoints"]["userinfo"]
    oidc.connector = open_connector(read_settings({**settings, "is_issuer_returned": False}))
    assert oidc.sign_in(iss="-").attributes == {}
    assert oidc.refusal(iss="https://attacker.example") == "issuer"


def test_a_record_of_somebody_else_than_the_ticket_named(there: Upstream) -> None:
    trust = fresh_round("trust_ticket", there)
    there.attack = "other-record"
    assert trust.refusal() == "record-subject"


def test_settings_from_a_file_are_checked() -> None:
    assert isinstance(read_settings(stated("oidc")), ConnectorSettings)
    right = stated("oidc")
    for name, value in {
        "name": "Region",
        "protocol": "saml",
        "callback_url": "javascript:alert(1)",
        "client_id": "",
        "client_secret": 5,
        "scope": "",
        "issuer": "",
        "kind": "robot",
        "is_issuer_returned": "yes",
        "clock_skew_seconds": 301,
        "endpoints": {"authorization": "https://user@host/"},
        "fields": {"subject": "sub"},
        "levels": {"L2": 5},
        "id_types": {"1": "mobile"},
        "kinds": {"1": "robot"},
    }.items():
        with pytest.raises(TrustError) as refused:
            read_settings({**right, name: value})
        assert (refused.value.code, refused.value.facts["setting"]) == ("CONNECTOR_SETTING_INVALID", name)
    for broken, named in (({**right, "colour": "red"}, "colour"), ({**right, "name": 5}, "name"), ({**right, "levels": []}, "levels")):
        with pytest.raises(TrustError) as refused:
            read_settings(broken)
        assert refused.value.facts["setting"] == named
    for missing in ({"authorization": "http://a/"}, {**right["endpoints"], "token": "http://a/\n"}):
        with pytest.raises(TrustError, match="endpoints"):
            read_settings({**right, "endpoints": missing})
    with pytest.raises(TrustError, match="client_id"):
        read_settings({name: value for name, value in right.items() if name != "client_id"})


WAYS = {"ways": {"list": "userobj.way"}, "way_methods": {"face": "face", "01": "bank_card", "ukey": "certificate"}}


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("L3@face@1001||L2@01@1002", {"upstream.face": 2, "upstream.bank_card": 2}),  # never above the level that is stated
        ("L2@face@1||L1@face@2||L2@01@3", {"upstream.face": 2, "upstream.bank_card": 2}),
        (" L2 @ face @ 1 ", {"upstream.face": 2}),
        ("L9@face@1||L2@voice@2||@face@||L2@face||L2@face@1@2||L2", {}),
        ("L2@face@1|L2@01@2", {}),
        ("L2@Face@1", {}),
        ("", {}),
        (None, {}),
        (7, {}),
    ],
)
def test_how_a_level_came_about_is_evidence_by_the_map(way: object, expected: dict[str, int]) -> None:
    settings = read_settings({**stated("oauth2_tokeninfo"), **WAYS})
    found = read_identity(settings, record("oauth2_tokeninfo", way=way), AT)
    assert found.level == 2
    whole = {method: (source, level) for method, source, level, at in found.evidence if at == AT}
    assert whole == {"upstream.oauth2_tokeninfo": ("region", 2), **{name: ("region", level) for name, level in expected.items()}}


def test_where_only_the_ways_are_read_the_best_is_the_level() -> None:
    made = {**stated("oauth2_tokeninfo"), **WAYS, "ways": {"list": "userobj.way", "between": ";", "within": ":"}}
    settings = read_settings({**made, "fields": {name: path for name, path in made["fields"].items() if name != "level"}})
    found = read_identity(settings, record("oauth2_tokeninfo", way="L2:01:1;L3:face:2"), AT, weak=("secret-in-query",))
    assert found.level == 3
    assert {each[0]: each[2] for each in found.evidence} == {
        "upstream.oauth2_tokeninfo": 3,
        "upstream.bank_card": 2,
        "upstream.face": 3,
        "weak.secret-in-query": 0,
    }
    assert read_identity(settings, record("oauth2_tokeninfo"), AT).level == 0
    with pytest.raises(TrustError, match="UPSTREAM_ANSWER_REFUSED"):
        read_identity(settings, record("oauth2_tokeninfo", way="L3:face:2;" * 300), AT)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"ways": {}}, "ways"),
        ({"way_methods": {}}, "ways"),
        ({"ways": {"between": "||"}}, "ways"),
        ({"ways": {"list": "a", "between": ""}}, "ways"),
        ({"ways": {"list": "a", "other": "b"}}, "ways"),
        ({"way_methods": {"face": "Face"}}, "way_methods"),
        ({"way_methods": {"face": 3}}, "way_methods"),
        ({"way_methods": {"face": "oidc"}}, "way_methods"),
        ({"way_methods": {"face": "x" * 31}}, "way_methods"),
    ],
)
def test_settings_of_ways_are_checked(changes: dict[str, Any], name: str) -> None:
    with pytest.raises(TrustError, match="CONNECTOR_SETTING_INVALID") as refused:
        read_settings({**stated("oauth2_tokeninfo"), **WAYS, **changes})
    assert refused.value.facts["setting"] == name


SM2_KEY = SM2PrivateKey.generate()


def sm2_token(name: str, *, is_der: bool, **claims: object) -> tuple[str, dict[str, Any]]:
    """A token signed with SM2 for the client here, and the key set that verifies it. Made without what reads it."""
    now = int(AT.timestamp())
    said = {"iss": "http://127.0.0.1:9", "aud": CLIENT, "sub": "u-1", "iat": now, "exp": now + 60, "nonce": "n", **claims}
    head, body = (text_of(json.dumps(each).encode()) for each in ({"alg": name, "kid": "g"}, said))
    signature = SM2_KEY.sign(f"{head}.{body}".encode())
    if not is_der:
        r, s = read_signature(signature)
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    point = SM2_KEY.public_key.point[-64:]
    key = {"kty": "EC", "crv": "SM2-P-256", "kid": "g", "alg": "SGD_SM3_SM2", "x": text_of(point[:32]), "y": text_of(point[32:])}
    return f"{head}.{body}.{text_of(signature)}", {"keys": [key]}


def text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize("kind", ["oidc", "keycloak"])
@pytest.mark.parametrize(("name", "form"), [("SGD_SM3_SM2", "raw"), ("SGD_SM3_SM2", "der"), ("SM2", "raw"), ("SM2", "der")])
def test_an_upstream_signs_with_sm2_in_the_form_of_its_settings_and_no_other(kind: str, name: str, form: str) -> None:
    def settings(**changes: Any) -> ConnectorSettings:
        return read_settings({**stated(kind), **changes})

    def reason(read: ConnectorSettings, token: str, keys: dict[str, Any], access: str = "at") -> object:
        with pytest.raises(TrustError, match="UPSTREAM_ANSWER_REFUSED") as refused:
            read_id_token(read, token, keys, "n", access, AT)
        return refused.value.facts["reason"]

    half = text_of(hashlib.new("sm3", b"at").digest()[:16])
    token, keys = sm2_token(name, is_der=form == "der", at_hash=half)
    told = settings(sm2={"alg": name, "signature": form})
    assert read_id_token(told, token, keys, "n", "at", AT)["sub"] == "u-1"
    assert reason(told, token, keys, "another") == "id-token-access-token"
    # Not where it was not said, nor in another form, nor by another name
    assert reason(settings(), token, keys) == "id-token-algorithm"
    other = "raw" if form == "der" else "der"
    assert reason(settings(sm2={"alg": name, "signature": other}), token, keys) == "id-token-signature"
    assert reason(settings(sm2={"alg": "SM2" if name != "SM2" else "SGD_SM3_SM2", "signature": form}), token, keys) == "id-token-algorithm"
    # Nor by another key, a changed text, or a key of another curve under the same name
    head, body, signature = token.split(".")
    assert reason(told, f"{head}.{text_of(b'{}')}.{signature}", keys) == "id-token-signature"
    key = keys["keys"][0]
    assert reason(told, token, {"keys": [{**key, "x": key["y"], "y": key["x"]}]}) == "id-token-signature"
    for wrong in ({"crv": "P-256"}, {"alg": "ES256"}, {"kty": "RSA"}, {"kid": "h"}, {"use": "enc"}):
        assert reason(told, token, {"keys": [{**key, **wrong}]}) == "id-token-key"
    assert reason(told, token, {"keys": [{**key, "x": "AA"}]}) == "id-token-signature"
    # What is signed otherwise is signed as before: an SM2 key in the set is in nobody's way and stands for no other
    es256 = text_of(json.dumps({"alg": "ES256", "kid": "g"}).encode())
    assert reason(told, f"{es256}.{body}.{signature}", keys) == "id-token-key"


@pytest.mark.parametrize("sm2", [{"alg": "ES256"}, {"signature": "DER"}, {"form": "raw"}, {"alg": ["SM2"]}, {"signature": 1}])
def test_settings_of_sm2_are_checked(sm2: dict[str, Any]) -> None:
    for kind, given in (("oidc", sm2), ("cas", {"alg": "SM2"})):
        with pytest.raises(TrustError, match="CONNECTOR_SETTING_INVALID") as refused:
            read_settings({**stated(kind), "sm2": given})
        assert refused.value.facts["setting"] == "sm2"
