"""Every connector against the same contract: whom it believes, and everything it must not believe."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from idp.connectors.kinds import open_connector
from idp.connectors.settings import ConnectorSettings, read_settings
from service_kit.outbound import Outbound, read_networks
from standards.errors import TrustError
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
        ("constant", "not-json"),
        ("long-number", "not-json"),
        ("half-character", "not-json"),
        ("utf-16", "not-json"),
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
        ("another-spelling", "id-token-form"),
        ("padded", "id-token-form"),
        *((each, "id-token-algorithm") for each in ("crit", "jku", "jwk", "x5c", "zip", "b64")),
        ("typ-a-list", "id-token-form"),
        ("typ-of-a-notice", "id-token-form"),
        ("other-keys", "id-token-signature"),
        ("other-curve", "id-token-key"),
        ("off-curve", "id-token-key"),
        ("key-without-point", "id-token-key"),
        ("key-spelt-otherwise", "id-token-key"),
        ("key-too-short", "id-token-key"),
        ("private-key", "id-token-key"),
        ("kid-a-number", "id-token-key"),
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


def test_what_names_a_certificate_beside_the_key_is_passed_over(oidc: Round) -> None:
    oidc.there.attack = "names-a-certificate"
    assert oidc.sign_in().subject == "u-1"


def test_algorithms(oidc: Round) -> None:
    for algorithm in ("none", "HS256", "ES384"):
        oidc.there.algorithm = algorithm
        assert oidc.refusal() == "id-token-algorithm"
    oidc.there.algorithm, oidc.there.claims = "RS256", {"aud": [CLIENT, "another"], "azp": CLIENT, "at_hash": None}
    assert oidc.sign_in().attributes == {"address": "synthetic street 1"}
    oidc.there.attack = "bad-signature"
    assert oidc.refusal() == "id-token-signature"
    for attack in ("small-key", "dear-key"):
        oidc.there.attack = attack
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
