"""Every connector against the same contract: whom it believes, and everything it must not believe."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from idp.connectors.kinds import open_connector
from idp.connectors.settings import ConnectorKind, ConnectorSettings, read_settings
from service_kit.outbound import Outbound, read_networks
from standards.errors import TrustError
from tests.fakes.upstream import AT, CLIENT, MAC_KEY, NUMBER, SECRET, SM2_SCALAR, SM4_KEY, Upstream, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from idp.model.requests import Identity

KINDS = tuple(kind.value for kind in ConnectorKind)
CALLING = tuple(kind for kind in KINDS if kind != "encrypted_redirect")  # that one asks nobody
WEAK = {
    "ticket_md5": "md5-signature",
    "oauth2_tokeninfo": "secret-in-query",
    "trust_ticket": "caller-code-only",
    "sso_token": "token-without-audience",
    "encrypted_redirect": "record-through-browser",
}
ENDPOINTS = {
    "oidc": {"token": "/token", "jwks": "/jwks", "userinfo": "/userinfo"},
    "oauth2_tokeninfo": {"token": "/token", "tokeninfo": "/tokeninfo"},
    "code_userinfo": {"userinfo": "/record"},
    "ticket_md5": {"ticket": "/md5"},
    "trust_ticket": {"ticket": "/trust"},
    "cas": {"validation": "/validate"},
    "keycloak": {},
    "sso_token": {"ticket": "/gateway"},
    "encrypted_redirect": {},
}
PLAIN = {
    "subject": "sub",
    "name": "name",
    "id_type": "idtype",
    "id_number": "idnum",
    "level": "lv",
    "kind": "usertype",
    "address": "address",
}
FIELDS: dict[str, dict[str, str]] = {
    **dict.fromkeys(("oidc", "code_userinfo", "ticket_md5", "keycloak", "sso_token"), PLAIN),
    "encrypted_redirect": {**PLAIN, "state": "state"},
    "oauth2_tokeninfo": {ours: f"userobj.{theirs}" for ours, theirs in PLAIN.items()},
    "trust_ticket": {**PLAIN, "subject": "USER_ID"},
    "cas": {"subject": "user", **{ours: f"attributes.{theirs}" for ours, theirs in PLAIN.items() if ours != "subject"}},
}
PERSON: dict[str, Any] = {"sub": "u-1", "name": "测试甲", "idtype": "1", "idnum": NUMBER, "lv": "L2", "usertype": 1}


def record(kind: str, **changed: object) -> dict[str, Any]:
    person = {**PERSON, **changed}
    if kind == "oauth2_tokeninfo":
        return {"userobj": person}
    if kind == "trust_ticket":
        return {"USER_ID": person.pop("sub"), **person}
    return {"user": person.pop("sub"), "attributes": {name: [value] for name, value in person.items()}} if kind == "cas" else person


def stated(kind: str, url: str = "http://127.0.0.1:9") -> dict[str, Any]:
    endpoints = {"authorization": f"{url}/login", "logout": f"{url}/logout"}
    ciphered = {"cipher": {"scheme": "sm4-gcm", "key": SM4_KEY.hex()}} if kind == "encrypted_redirect" else {}
    made: dict[str, Any] = {
        "name": "region",
        "protocol": kind,
        "callback_url": "http://127.0.0.1:8000/sign-in/upstream/region",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "endpoints": endpoints | {name: url + path for name, path in ENDPOINTS[kind].items()},
        "fields": FIELDS[kind],
        "levels": {"L2": 2, "L3": 3},
        "id_types": {"1": "resident_id", "49": "credit_code", "414": "passport"},
        "kinds": {"1": "person", "2": "organisation"},
        **({"issuer": url, "is_issuer_returned": True} if kind in {"oidc", "keycloak"} else {}),
        **ciphered,
    }
    if kind == "keycloak":  # derived from the realm's issuer
        del made["endpoints"]
    return made


class Round:
    """One sign-in after another at one upstream."""

    def __init__(self, kind: str, there: Upstream) -> None:
        self.there, self.kind = there, kind
        there.record = record(kind)
        self.settings = read_settings(stated(kind, there.url))
        self.connector = open_connector(self.settings)
        self.outbound = Outbound(read_networks(["127.0.0.1/32"]), timeout_seconds=20)

    def sign_in(self, *, later: timedelta = timedelta(0), stored: Mapping[str, str] | None = None, **answer: str) -> Identity:
        begun = self.connector.begin("si_1", AT)
        came = {**self.there.authorize(begun.redirect_url), **answer}
        came = {name: value for name, value in came.items() if value != "-"}
        return self.connector.finish({**begun.stored, **(stored or {})}, came, self.outbound, AT + later)

    def refusal(self, **arguments: Any) -> object:
        with pytest.raises(TrustError) as refused:
            self.sign_in(**arguments)
        return refused.value.facts["reason"] if refused.value.code == "UPSTREAM_ANSWER_REFUSED" else refused.value.code


@pytest.fixture(scope="module")
def there() -> Iterator[Upstream]:
    with upstream() as made:
        yield made


@pytest.fixture(params=KINDS)
def round_(request: pytest.FixtureRequest, there: Upstream) -> Round:
    return _fresh(request.param, there)


@pytest.fixture(params=CALLING)
def calling(request: pytest.FixtureRequest, there: Upstream) -> Round:
    return _fresh(request.param, there)


@pytest.fixture
def oidc(there: Upstream) -> Round:
    return _fresh("oidc", there)


def _fresh(kind: str, there: Upstream) -> Round:
    there.attack, there.algorithm, there.claims, there.scheme = "", "ES256", {}, "sm4-gcm"
    there.asked.clear()
    return Round(kind, there)


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


@pytest.mark.parametrize("subject", ["", "x" * 256, "a\nb", True])
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
    trust = _fresh("trust_ticket", there)
    there.attack = "other-record"
    assert trust.refusal() == "record-subject"


SCHEMES = ("sm4-gcm", "sm4-cbc-hmac-sm3", "sm2-sm3")


def encrypted(there: Upstream, scheme: str) -> Round:
    made = _fresh("encrypted_redirect", there)
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
    for record in (seen, {**seen, **there.sealed(dict(there.record))}):
        with pytest.raises(TrustError) as refused:
            made.connector.finish(mine.stored, {**record, "state": mine.stored["state"]}, made.outbound, AT)
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
    made = _fresh("sso_token", there)
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
