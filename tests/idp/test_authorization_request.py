"""Requests to the authorization endpoint: the redirect table, downgrades, and where each refusal may go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.model.redirects import SignInRegistration, is_redirect_uri
from idp.model.requests import AuthorizationRequest
from idp.tokens.authorization_request import (
    PARAMETERS_MAX,
    VALUE_CHARACTERS_MAX,
    RefusedAuthorization,
    proves_challenge,
    read_authorization_request,
)

REGISTERED = "https://rp.example.org/cb"
LOOPBACK = "http://127.0.0.1:9401/cb"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
CLIENT = SignInRegistration("portal", (REGISTERED, LOOPBACK), ("openid", "profile"), audiences=("https://api.example.org",))
GOOD = {
    "client_id": "portal",
    "redirect_uri": REGISTERED,
    "response_type": "code",
    "scope": "openid profile",
    "state": "s-1",
    "nonce": "n-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def hint(token: str) -> str | None:
    return "pe_1" if token == "own" else None


def read(
    client: SignInRegistration | None = CLIENT, *more: tuple[str, str], pushed: bool = False, **changes: str | None
) -> AuthorizationRequest | RefusedAuthorization:
    pairs = [(name, value) for name, value in {**GOOD, **changes}.items() if value is not None]
    return read_authorization_request(client, [*pairs, *more], is_pushed=pushed, read_hint=hint)


def refusal(
    client: SignInRegistration | None = CLIENT, *more: tuple[str, str], pushed: bool = False, **changes: str | None
) -> RefusedAuthorization:
    found = read(client, *more, pushed=pushed, **changes)
    assert isinstance(found, RefusedAuthorization), found
    return found


# name, address: near the registered ones, or worse; none may ever be redirected to
TRICKS = (
    "https://rp.example.org.evil.example/cb",
    "https://evil.example/rp.example.org/cb",
    "https://evilrp.example.org/cb",
    "https://sub.rp.example.org/cb",
    "https://rp.example.org@evil.example/cb",
    "https://rp.example.org:pw@evil.example/cb",
    "https://user@rp.example.org/cb",
    "https://evil.example\\@rp.example.org/cb",
    "https://rp.example.org\\@evil.example/cb",
    "https:\\\\rp.example.org\\cb",
    "https://rp.example.org/cb\\..\\x",
    "https://rp.example.org/cb/../x",
    "https://rp.example.org/cb/%2e%2e/x",
    "https://rp.example.org/cb/%2E%2E/x",
    "https://rp.example.org/cb/..;/x",
    "https://rp.example.org/./cb",
    "https://rp.example.org//cb",
    "https://rp.example.org/cb#",
    "https://rp.example.org/cb#fragment",
    "https://rp.example.org/cb?",
    "https://rp.example.org/cb?next=https://evil.example",
    "https://rp.example.org/cb&x=1",
    "https://rp.example.org/cb/",
    "https://rp.example.org/CB",
    "https://RP.example.org/cb",
    "HTTPS://rp.example.org/cb",
    "https://rp.example.org./cb",
    "https://rp.example.org:443/cb",
    "https://rp.example.org:8443/cb",
    "https://rp.example.org:/cb",
    "http://rp.example.org/cb",
    "ftp://rp.example.org/cb",
    "//rp.example.org/cb",
    "/cb",
    "rp.example.org/cb",
    "https:rp.example.org/cb",
    "https:/rp.example.org/cb",
    "https:///rp.example.org/cb",
    "https://rр.example.org/cb",  # a Cyrillic letter
    "https://rp.example.org/cb ",
    " https://rp.example.org/cb",
    "https://rp.example.org/cb\n",
    "https://rp.example.org/cb\x00",
    "https://rp.example.org/c%62",
    "https://rp.example.org/*",
    "*",
    "http://127.0.0.1:9402/cb",
    "http://127.0.0.1/cb",
    "http://127.1:9401/cb",
    "http://localhost:9401/cb",
    "http://[::1]:9401/cb",
    "javascript:alert(1)",
    "data:text/html,x",
    "urn:ietf:wg:oauth:2.0:oob",
)


@pytest.mark.clause("RFC 9700 2.1", "RFC 6749 3.1.2.3")
@pytest.mark.parametrize("address", TRICKS)
def test_attack_no_address_but_the_registered_one_is_redirected_to(address: str) -> None:
    assert len(TRICKS) >= 40
    found = refusal(redirect_uri=address)
    assert (found.error, found.redirect_uri, found.state) == ("invalid_request", None, None)
    # also where everything else is wrong too
    assert refusal(redirect_uri=address, response_type="token", scope="x").redirect_uri is None


NATIVE = replace(CLIENT, redirect_uris=(REGISTERED, LOOPBACK, "http://[::1]/cb?a=1"), is_public=True)


@pytest.mark.clause("RFC 8252 7.3", "RFC 9700 2.1")
@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9402/cb",
        "http://127.0.0.1/cb",
        "http://127.0.0.1:65535/cb",
        "http://[::1]:51004/cb?a=1",
        "http://[::1]/cb?a=1",
        LOOPBACK,
        REGISTERED,
    ],
)
def test_a_program_on_ones_own_device_listens_where_a_port_is_free(address: str) -> None:
    found = read(NATIVE, redirect_uri=address)
    assert isinstance(found, AuthorizationRequest), found
    assert found.redirect_uri == address


# name, address: what is no other port of a registered loopback address, or of one that is none
OTHER_PORTS = (
    *(each for each in TRICKS if each not in {"http://127.0.0.1:9402/cb", "http://127.0.0.1/cb"}),
    "https://rp.example.org:9401/cb",
    "https://127.0.0.1:9402/cb",
    "http://127.0.0.1:0/cb",
    "http://127.0.0.1:09402/cb",
    "http://127.0.0.1:65536/cb",
    "http://127.0.0.1:/cb",
    "http://127.0.0.1:+80/cb",
    "http://127.0.0.1:９４０２/cb",
    "http://127.0.0.1:9402/cb?",
    "http://127.0.0.1:9402/cb/x",
    "http://127.0.0.1:9402/CB",
    "http://127.0.0.1:9402",
    "http://127.0.0.1:9402/x/../cb",
    "http://127.0.0.1:9402@evil.example/cb",
    "http://127.0.0.1:9402.evil.example/cb",
    "http://user@127.0.0.1:9402/cb",
    "http://127.0.0.2:9401/cb",
    "http://127.0.0.1.:9402/cb",
    "http://2130706433:9402/cb",
    "http://[::ffff:127.0.0.1]:9402/cb",
    "http://[0:0:0:0:0:0:0:1]:9402/cb?a=1",
    "http://[::1]:9402/cb",
    "http://[::1]:9402/cb?a=2",
    "http://localhost:9402/cb",
    "HTTP://127.0.0.1:9402/cb",
)


@pytest.mark.clause("RFC 8252 7.3", "RFC 9700 2.1")
@pytest.mark.parametrize("address", OTHER_PORTS)
def test_attack_another_port_is_all_that_may_differ_and_on_loopback_alone(address: str) -> None:
    found = refusal(NATIVE, redirect_uri=address)
    assert (found.error, found.redirect_uri, found.state) == ("invalid_request", None, None)


def test_attack_a_second_redirect_address_or_client_is_answered_on_the_page() -> None:
    assert refusal(CLIENT, ("redirect_uri", "https://evil.example/")).redirect_uri is None
    assert refusal(CLIENT, ("redirect_uri", REGISTERED)).redirect_uri is None
    assert refusal(CLIENT, ("client_id", "portal")).redirect_uri is None
    for changes in ({"redirect_uri": None}, {"redirect_uri": ""}, {"client_id": None}, {"client_id": "other"}):
        assert refusal(CLIENT, **changes).redirect_uri is None
    assert refusal(None).redirect_uri is None


def test_a_good_request_is_read_whole() -> None:
    found = read(
        prompt="login consent",
        max_age="0",
        login_hint="someone",
        ui_locales="en zh",
        acr_values="urn:yinxin:loa:3",
        claims='{"id_token":{"acr":{"essential":true}}}',
        dpop_jkt=CHALLENGE,
        id_token_hint="own",
        resource="https://api.example.org",
        response_mode="form_post",
        unknown="passed over",
    )
    assert isinstance(found, AuthorizationRequest)
    assert (found.client_id, found.redirect_uri, found.response_mode) == ("portal", REGISTERED, "form_post")
    assert (found.state, found.nonce, found.scopes, found.code_challenge) == ("s-1", "n-1", ("openid", "profile"), CHALLENGE)
    assert (found.prompt, found.max_age_seconds, found.ui_locales) == (("login", "consent"), 0, ("en", "zh"))
    assert (found.acr_values, found.claims) == (("urn:yinxin:loa:3",), {"id_token": {"acr": {"essential": True}}})
    assert (found.dpop_jkt, found.id_token_hint_sub, found.resource) == (CHALLENGE, "pe_1", "https://api.example.org")
    assert len(found.raw_digest) == 32
    assert isinstance(read(redirect_uri=LOOPBACK), AuthorizationRequest)


@pytest.mark.clause("RFC 7636 4.3", "RFC 9700 2.1.1")
@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": ""},
        {"code_challenge": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge_method": "s256"},
        {"code_challenge": CHALLENGE[:-1]},
        {"code_challenge": CHALLENGE + "x"},
        {"code_challenge": CHALLENGE[:-1] + "="},
    ],
)
def test_attack_pkce_cannot_be_downgraded(changes: dict[str, str | None]) -> None:
    found = refusal(CLIENT, **changes)  # type: ignore[arg-type]
    assert (found.error, found.redirect_uri, found.state) == ("invalid_request", REGISTERED, "s-1")
    if changes != {"code_challenge": None, "code_challenge_method": None}:  # a client that may leave it out may not weaken it
        assert refusal(replace(CLIENT, is_pkce_required=False), **changes).error == "invalid_request"  # type: ignore[arg-type]


def test_a_client_may_be_allowed_to_send_no_challenge() -> None:
    found = read(replace(CLIENT, is_pkce_required=False), code_challenge=None, code_challenge_method=None)
    assert isinstance(found, AuthorizationRequest)
    assert found.code_challenge is None


@pytest.mark.clause("RFC 6749 4.1.2.1")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/r"}, "request_uri_not_supported"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "openid client.manage"}, "invalid_scope"),
        ({"scope": "openid  profile"}, "invalid_scope"),
        ({"resource": "https://other.example.org"}, "invalid_target"),
        ({"resource": "https://api.example.org#x"}, "invalid_target"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1e3"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"claims": '{"a":1,"a":2}'}, "invalid_request"),
        ({"claims": '{"a":NaN}'}, "invalid_request"),
        ({"claims": '{"id_token":{"sub":{"value":"\\ud800"}}}'}, "invalid_request"),
        ({"id_token_hint": "foreign"}, "invalid_request"),
    ],
)
def test_what_is_wrong_behind_the_address_is_told_to_the_client(changes: dict[str, str | None], error: str) -> None:
    found = refusal(CLIENT, **changes)  # type: ignore[arg-type]
    assert (found.error, found.redirect_uri, found.state) == (error, REGISTERED, "s-1")


def test_repeated_parameters_are_refused_and_a_repeated_state_is_not_sent_back() -> None:
    assert refusal(CLIENT, ("scope", "openid")).redirect_uri == REGISTERED
    assert refusal(CLIENT, ("state", "other")).state is None
    found = refusal(CLIENT, ("response_mode", "form_post"), response_mode="form_post")
    assert (found.error, found.response_mode) == ("invalid_request", "query")


@pytest.mark.clause("RFC 9126 5")
def test_a_client_that_must_push_cannot_come_by_the_browser() -> None:
    fapi = replace(CLIENT, is_par_required=True)
    assert refusal(fapi).error == "invalid_request"
    assert isinstance(read(fapi, pushed=True), AuthorizationRequest)


def test_requests_are_bounded() -> None:
    most = PARAMETERS_MAX - sum(value is not None for value in GOOD.values())
    assert isinstance(read(CLIENT, *((f"p{i}", "x") for i in range(most))), AuthorizationRequest)
    assert refusal(CLIENT, *((f"p{i}", "x") for i in range(PARAMETERS_MAX))).redirect_uri is None
    assert refusal(state="x" * (VALUE_CHARACTERS_MAX + 1)).redirect_uri is None


@given(st.lists(st.tuples(st.sampled_from([*GOOD, "prompt", "claims", "max_age"]), st.text(max_size=20)), max_size=12))
def test_reading_never_raises_and_never_redirects_elsewhere(pairs: list[tuple[str, str]]) -> None:
    found = read_authorization_request(CLIENT, pairs, read_hint=hint)
    assert found.redirect_uri in {None, *CLIENT.redirect_uris}


@pytest.mark.clause("RFC 7636 B", "RFC 7636 4.6")
def test_a_verifier_proves_its_own_challenge_only() -> None:
    assert proves_challenge(CHALLENGE, VERIFIER)
    for wrong in ("", VERIFIER[:-1], VERIFIER + "x", CHALLENGE, "a" * 42, "a" * 129, VERIFIER + "\n", "é" * 43):
        assert not proves_challenge(CHALLENGE, wrong)
    assert not proves_challenge("é" * 43, VERIFIER)


@pytest.mark.parametrize("address", [REGISTERED, LOOPBACK, "http://[::1]:8/cb", "https://rp.example.org/cb?x=1", "https://a.example:8443/"])
def test_addresses_that_may_be_registered(address: str) -> None:
    assert is_redirect_uri(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://rp.example.org/cb#f",
        "https://u@rp.example.org/cb",
        "https://rp.example.org\\cb",
        "https://rp.example.org/a/../cb",
        "https://rp.example.org/%2e%2E/cb",
        "https://rp.example.org/..;/cb",
        "https://RP.example.org/cb",
        "https://rp.example.org./cb",
        "https://rp.example.org:/cb",
        "https://rp.example.org:0/cb",
        "https://rp.example.org:99999/cb",
        "https://%72p.example.org/cb",
        "https://[::1/cb",
        "http://rp.example.org/cb",
        "http://10.0.0.1/cb",
        "http://localhost/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "",
        "https://rр.example.org/cb",
        "https://rp.example.org/c b",
        "https://rp.example.org/" + "a" * 600,
    ],
)
def test_attack_addresses_that_are_never_registered(address: str) -> None:
    assert not is_redirect_uri(address)
