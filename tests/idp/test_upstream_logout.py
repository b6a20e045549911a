"""Logout to and from an upstream, being sent here by one, and the file that describes them."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from idp.connectors.settings import read_upstreams
from idp.model.requests import ClientProfile
from standards.errors import TrustError
from tests.fakes.upstream import CLIENT
from tests.idp.people import Browser, Town
from tests.idp.upstream_town import (  # noqa: F401 - fixtures
    away,
    back,
    button,
    fresh_fixture,
    sign_in,
    someone,
    there_fixture,
    town_fixture,
)

if TYPE_CHECKING:
    import httpx

    from tests.fakes.upstream import Upstream

EVENT = "http://schemas.openid.net/event/backchannel-logout"


# Logout


def logout_token(town: Town, there: Upstream, **changed: object) -> str:
    now = int(town.desk.clock.now().timestamp())
    header = {"alg": "ES256", "kid": "e", "typ": changed.pop("typ", "logout+jwt")}
    claims = {
        "iss": there.url,
        "aud": CLIENT,
        "iat": now,
        "exp": now + 120,
        "jti": f"n-{now}-{len(changed)}",
        "events": {EVENT: {}},
        **changed,
    }
    parts = [json.dumps(header), json.dumps({name: value for name, value in claims.items() if value is not None})]
    signed = ".".join(base64.urlsafe_b64encode(each.encode()).rstrip(b"=").decode() for each in parts)
    r, s = decode_dss_signature(there.ec_key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{base64.urlsafe_b64encode(r.to_bytes(32) + s.to_bytes(32)).rstrip(b'=').decode()}"


def tell(town: Town, token: str, name: str = "region") -> httpx.Response:
    return town.here.http.post(f"/sign-in/upstream/{name}/backchannel-logout", data={"logout_token": token})


@pytest.mark.clause("OIDC Back-Channel Logout 2.6")
def test_a_session_ends_with_the_upstreams(town: Town, there: Upstream) -> None:
    said = someone()
    there.claims = {"sid": "there-1"}
    first = sign_in(town, there, said)
    there.claims = {"sid": "there-2"}
    second = sign_in(town, there, said)
    assert second.returned["code"]
    token = logout_token(town, there, sid="there-1", jti="a1")
    answer = tell(town, token)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    first.authorize("own", prompt="none")
    assert first.returned["error"] == "login_required"
    second.authorize("own", prompt="none")
    assert second.returned["code"]
    assert tell(town, token).json()["facts"]["reason"] == "seen-before"
    assert tell(town, logout_token(town, there, sid="there-2", sub="somebody else", jti="a2")).status_code == 200
    second.authorize("own", prompt="none")
    assert second.returned["code"]
    assert tell(town, logout_token(town, there, sub=said["sub"], jti="a3")).status_code == 200
    second.authorize("own", prompt="none")
    assert second.returned["error"] == "login_required"
    assert json.loads(town.audited("upstream.logout")[-1])["facts"]["sessions"] == 1


@pytest.mark.clause("OIDC Back-Channel Logout 2.6")
@pytest.mark.parametrize("name", ["region", "central"])
def test_attack_a_sign_in_under_way_does_not_outlive_the_upstreams_session(
    town: Town, there: Upstream, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(town.protocol.profiles, "asks", ClientProfile("asks", "A shop that asks"))
    said = someone() if name == "region" else cas_record("c-under-way")
    if name == "region":
        there.claims = {"sid": "there-under-way"}
    # 1. The person stands before the page of consent when he signs out there
    browser = Browser(town.here)
    browser.authorize("asks")
    there.record = said
    browser.send("GET", button(browser, name))
    back(there, browser, browser.answer.headers["location"], name)
    assert browser.heading == "Your consent"
    token = logout_token(town, there, sid="there-under-way", jti="under-way") if name == "region" else logout_request("c-1")
    assert (tell(town, token) if name == "region" else tell_ticket(town, token)).status_code == 200
    assert json.loads(town.audited("upstream.logout")[-1])["facts"] == {"upstream": name, "sessions": 0, "sign_ins": 1}
    # 2. Whoever presses the button now is asked who he is; nobody is signed in
    browser.submit("consent")
    assert browser.heading == "Sign in"
    browser.authorize("own", prompt="none")
    assert browser.returned["error"] == "login_required"
    # 3. Whoever signs in anew after that is in
    browser.authorize("asks")
    browser.send("GET", button(browser, name))
    back(there, browser, browser.answer.headers["location"], name)
    assert browser.submit("consent").status_code == 303
    assert browser.returned["code"]
    token = logout_token(town, there, sid="there-under-way", jti="after") if name == "region" else logout_request("c-1")
    assert (tell(town, token) if name == "region" else tell_ticket(town, token)).status_code == 200
    assert json.loads(town.audited("upstream.logout")[-1])["facts"] == {"upstream": name, "sessions": 1}


@pytest.mark.clause("OIDC Back-Channel Logout 2.6")
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"nonce": "n"}, "logout-token-form"),
        ({"events": None}, "logout-token-form"),
        ({"events": {EVENT: True}}, "logout-token-form"),
        ({"events": {"other": {}}}, "logout-token-form"),
        ({"sub": None}, "logout-token-form"),
        ({"sub": 5}, "logout-token-form"),
        ({"sub": ["u-1"]}, "logout-token-form"),
        ({"sid": ["s-1"]}, "logout-token-form"),
        ({"jti": None}, "logout-token-form"),
        ({"typ": "at+jwt"}, "logout-token-form"),
        ({"iss": "https://other.example"}, "id-token-issuer"),
        ({"aud": "another"}, "id-token-audience"),
        ({"exp": 1000}, "id-token-expired"),
        ({"exp": None}, "id-token-times"),
        ({"exp": 10**13}, "id-token-times"),
        ({"iat": 1000}, "id-token-expired"),
    ],
)
def test_a_notice_that_is_none(town: Town, there: Upstream, changed: dict[str, object], reason: str) -> None:
    answer = tell(town, logout_token(town, there, **{"sub": "u-1", **changed}))
    assert (answer.status_code, answer.json()["code"]) == (400, "LOGOUT_TOKEN_REFUSED")
    assert answer.json()["facts"]["reason"] == reason


def test_notices_and_id_tokens_are_not_taken_for_each_other(town: Town, there: Upstream) -> None:
    there.record = someone()
    unusable: tuple[object, ...] = ({EVENT: {}}, [EVENT], 1, True, EVENT)
    for told in unusable:
        browser, sent_to = away(town)
        there.claims = {"events": told}
        back(there, browser, sent_to)
        assert browser.answer.status_code == 401, told
    there.claims = {}
    there.nonce = "n"
    assert tell(town, there.id_token("t-1")).json()["code"] == "LOGOUT_TOKEN_REFUSED"
    there.attack = "bad-signature"
    assert tell(town, there.id_token("t-1")).json()["facts"]["reason"] == "id-token-signature"
    there.attack = "broken"
    assert tell(town, logout_token(town, there, sub="u")).status_code == 503
    there.attack = ""
    assert tell(town, logout_token(town, there, sub="u"), "nobody").status_code == 404
    assert tell(town, "x" * 40_000).status_code == 413


def cas_record(subject: str) -> dict[str, object]:
    return {"user": subject, "attributes": {"name": ["测试甲"], "usertype": [1], "lv": ["L2"]}}


def logout_request(ticket: str) -> str:
    """As the reference server writes it."""
    return (
        '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="LR-1" Version="2.0" IssueInstant="2026-03-01T08:30:00Z">\n'
        '  <saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">@NOT_USED@</saml:NameID>\n'
        f"  <samlp:SessionIndex>{ticket}</samlp:SessionIndex>\n</samlp:LogoutRequest>"
    )


def tell_ticket(town: Town, text: str, name: str = "central") -> httpx.Response:
    """To the address to which the ticket was sent, state and all."""
    return town.here.http.post(f"/sign-in/upstream/{name}/callback?state=x", data={"logoutRequest": text})


@pytest.mark.clause("CAS 3.0.3 2.3.3")
def test_a_session_ends_with_that_of_a_cas_upstream(town: Town, there: Upstream) -> None:
    first, second = (sign_in(town, there, cas_record(f"c-{name}"), "central") for name in ("one", "two"))
    for browser in (first, second):
        assert browser.returned["code"]
    before = len(town.audited("upstream.logout"))
    assert tell_ticket(town, logout_request("ST-somebody-elses")).status_code == 200
    assert len(town.audited("upstream.logout")) == before, "guesses write nothing"
    # The fake gives everybody the same ticket: by it both end, and by another upstream's address none
    assert tell_ticket(town, logout_request("c-1"), "region").status_code == 404
    second.authorize("own", prompt="none")
    assert second.returned["code"]
    answer = tell_ticket(town, logout_request("c-1"))
    assert (answer.status_code, answer.headers["cache-control"], answer.content) == (200, "no-store", b"")
    assert json.loads(town.audited("upstream.logout")[-1])["facts"] == {"upstream": "central", "sessions": 2}
    for browser in (first, second):
        browser.authorize("own", prompt="none")
        assert browser.returned["error"] == "login_required"
    recorded = len(town.audited("upstream.logout"))
    assert tell_ticket(town, logout_request("c-1")).status_code == 200
    assert len(town.audited("upstream.logout")) == recorded, "nor does the same message again"
    for text in ("", "<x/>", logout_request("")):
        refused = tell_ticket(town, text)
        assert (refused.status_code, refused.json()["facts"]["reason"]) == (400, "logout-request-form")
    assert tell_ticket(town, "x" * 40_000).status_code == 413
    assert tell_ticket(town, logout_request("c-1"), "nobody").status_code == 404


def test_signing_out_leads_on_to_the_upstream_and_back_to_the_client(town: Town, there: Upstream) -> None:
    browser = sign_in(town, there, someone())
    assert browser.returned["code"]
    browser.go("/sessions")
    assert "/links" in browser.answer.text
    browser.go("/logout", client_id="own", post_logout_redirect_uri="https://rp.example/bye", state="x1")
    policy = browser.answer.headers["content-security-policy"]
    assert f"form-action 'self' https://rp.example {there.url};" in policy
    target = re.findall(r'name="(target|target_client|target_state|target_mac)" value="([^"]*)"', browser.answer.text)
    browser.send("POST", "/logout", data={"csrf": browser.csrf, "confirm": "yes", **dict(target)})
    there_page = browser.answer.headers["location"]
    assert there_page.startswith(f"{there.url}/logout?")
    given = dict(parse_qsl(urlsplit(there_page).query))
    assert given["client_id"] == CLIENT
    assert given["post_logout_redirect_uri"] == f"{town.desk.issuer}/sign-in/upstream/region/logged-out"
    assert "yinxin-session" not in browser.cookies
    came = urlsplit(given["post_logout_redirect_uri"]).path
    browser.send("GET", f"{came}?{urlencode({'state': given['state']})}")
    assert browser.answer.headers["location"] == "https://rp.example/bye?state=x1"
    stranger = Browser(town.here)
    for state in (given["state"], "", "x", "%%%", "ключ"):
        stranger.send("GET", f"{came}?{urlencode({'state': state})}")
        assert stranger.answer.headers["location"] == "/logout/done"


# Being sent here


@pytest.mark.clause("OIDC Core 4")
def test_an_upstream_sends_people_here_to_sign_in(town: Town, there: Upstream) -> None:
    there.record = someone()
    browser = Browser(town.here)
    browser.send(
        "GET", f"/initiate-login?{urlencode({'iss': there.url, 'target_link_uri': town.desk.issuer + '/links?x=1', 'login_hint': 'h'})}"
    )
    sent_to = browser.answer.headers["location"]
    assert sent_to.startswith(f"{there.url}/login?")
    there.claims = {"auth_time": int(town.desk.clock.now().timestamp())}
    back(there, browser, sent_to)
    assert browser.heading == "Linked sign-ins"
    assert browser.path == "/links?x=1"
    browser.go(f"/initiate-login?{urlencode({'iss': there.url})}")  # signed in already
    assert browser.heading == "Where you are signed in"
    posted = Browser(town.here)
    posted.send("POST", "/initiate-login", data={"iss": there.url, "other": "x"})
    assert posted.answer.headers["location"] == f"/initiate-login?{urlencode({'iss': there.url})}"


@pytest.mark.clause("OIDC Core 4")
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/sessions",
        "javascript:alert(1)",
        "{issuer}.evil.example/",
        "{issuer}@evil.example/",
        "{issuer}//evil.example",
        "{issuer}\\evil.example",
        "{issuer}/a#b",
        "{issuer}",
        "{issuer}/" + "x" * 2048,
        "{issuer}/ключ",
    ],
)
def test_nobody_is_sent_on_to_elsewhere(town: Town, there: Upstream, target: str) -> None:
    browser = Browser(town.here)
    address = target.replace("{issuer}", town.desk.issuer)
    browser.go(f"/initiate-login?{urlencode({'iss': there.url, 'target_link_uri': address})}")
    assert browser.answer.status_code == 422
    assert "TARGET_NOT_OURS" in browser.answer.text


def test_only_an_upstream_sends_people_here(town: Town, there: Upstream) -> None:
    browser = Browser(town.here)
    for query in ({}, {"iss": "https://attacker.example"}, {"iss": ""}, {"iss": there.url + "/"}):
        browser.go(f"/initiate-login?{urlencode(query)}")
        assert browser.answer.status_code == 422
        assert "UPSTREAM_UNKNOWN" in browser.answer.text


# The file


FILE = """
[[upstream]]
name = "region"
protocol = "oidc"
issuer = "https://id.region.example"
client_id = "city"
client_secret = "secret"
[upstream.endpoints]
authorization = "https://id.region.example/authorize"
token = "https://id.region.example/token"
jwks = "https://id.region.example/jwks"
[upstream.fields]
subject = "sub"
name = "name"
[upstream.linking]
id_types = ["resident_id"]
"""


def test_upstreams_of_a_file() -> None:
    read = read_upstreams(FILE, "https://id.city.example")
    assert read["region"].callback_url == "https://id.city.example/sign-in/upstream/region/callback"
    assert read["region"].linking.id_types == ("resident_id",)
    assert read_upstreams("", "https://id.city.example") == {}
    for text, named in (
        ("[", "file"),
        ("x = 1", "upstream"),
        ("upstream = 5", "upstream"),
        ("upstream = [5]", "upstream 1"),
        (FILE + FILE, "upstream 2: name"),
        (FILE.replace("resident_id", "mobile"), "upstream 1: linking.id_types"),
        (FILE.replace('["resident_id"]', '"resident_id"'), "upstream 1: linking.id_types"),
        (FILE + "least_level = 1", "upstream 1: linking.least_level"),
        (FILE + "creates_accounts = 1", "upstream 1: linking.creates_accounts"),
        (FILE + "agent_seconds = 9999999", "upstream 1: linking.agent_seconds"),
        (FILE + "colour = 1", "upstream 1: linking.colour"),
        (FILE.replace("[upstream.linking]", "[[upstream.linking]]"), "upstream 1: linking"),
        (FILE + '[upstream.agents]\nlist = "x"', "upstream 1: agents"),
        (FILE + "[upstream.handler]\nname = 5\nid_number = 6", "upstream 1: handler"),
        (FILE.replace("issuer", 'title_en = "' + "x" * 61 + '"\nissuer'), "upstream 1: title_en"),
    ):
        with pytest.raises(TrustError) as refused:
            read_upstreams(text, "https://id.city.example")
        assert refused.value.facts["setting"] == named
