"""The keys that sign tokens, seen and changed over HTTP."""

from __future__ import annotations

import base64
import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import idp.service
from idp.actions.register_client import NewClient, register_client
from idp.api.signing_key_routes import state_of
from idp.model.clients import CLOCK_LEEWAY_SECONDS, KEY_ANNOUNCE_SECONDS, SIGNING_ALGORITHMS, TOKEN_SECONDS
from idp.store.clients import load_signing_keys
from yinxin.links import LOCAL_KEYS_KEPT_SECONDS

if TYPE_CHECKING:
    import pytest

    from tests.idp.conftest import Provider

PATH = "/v1/signing-keys"


def keeper(provider: Provider) -> dict[str, str]:
    _, provider.secrets["keeper"] = register_client(provider.desk, NewClient("Keeper", ("key.manage",), client_id="keeper"), actor="test")
    return provider.bearer("keeper")


def states(provider: Provider, headers: dict[str, str], algorithm: str = "ES256") -> list[str]:
    answer = provider.here.http.get(PATH, headers=headers)
    assert answer.headers["cache-control"] == "no-store"
    return [each["state"] for each in answer.json()["keys"] if each["algorithm"] == algorithm]


def kid(token: str) -> str:
    head = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])


def test_a_key_is_changed_without_any_token_failing(provider: Provider) -> None:
    headers, http = keeper(provider), provider.here.http
    listed = http.get(PATH, headers=headers).json()["keys"]
    assert {(each["algorithm"], each["state"]) for each in listed} == {(each, "signing") for each in SIGNING_ALGORITHMS}
    token = provider.token("admin").json()["access_token"]
    made = http.post(PATH, headers=headers, json={"algorithm": "ES256", "reason": "Half-yearly."})
    assert (made.status_code, made.json()["state"]) == (201, "announced")
    assert states(provider, headers) == ["signing", "announced"]
    assert made.json()["key_id"] in {each["kid"] for each in http.get("/oauth2/jwks").json()["keys"]}, "published before it signs"
    assert kid(provider.token("admin").json()["access_token"]) == kid(token)
    entry = json.loads(provider.audited("signing-key.announce")[-1])
    assert (entry["actor"], entry["facts"]["reason"]) == ("client:keeper", "Half-yearly.")
    # Its turn comes; the former stays published as long as a token of it may be good
    desk = idp.service.key_desk(provider.here.house.context)
    with desk.database.read() as connection:
        keys = tuple(each for each in load_signing_keys(connection, desk.mac_key)[0] if each.algorithm == "ES256")
    now = keys[-1].created_at
    for later, expected in (
        (KEY_ANNOUNCE_SECONDS, ["published", "signing"]),
        (KEY_ANNOUNCE_SECONDS + TOKEN_SECONDS + CLOCK_LEEWAY_SECONDS, ["retired", "signing"]),
    ):
        assert [state_of(keys, each, now + timedelta(seconds=later)) for each in keys] == expected


def test_after_a_compromise_its_tokens_end(provider: Provider) -> None:
    """Old tokens at once; gates know tokens of the new key within LOCAL_KEYS_KEPT_SECONDS."""
    headers, http = keeper(provider), provider.here.http
    made = http.post(PATH, headers=headers, json={"algorithm": "ES256", "at_once": True, "reason": "It was on a stolen disk."})
    assert (made.status_code, made.json()["state"]) == (201, "signing")
    assert http.get(PATH, headers=headers).status_code == 401, "the caller's own token was signed by the key that is gone"
    last = time.monotonic() + LOCAL_KEYS_KEPT_SECONDS
    while True:
        asked_at = time.monotonic()
        if http.get(PATH, headers=provider.bearer("keeper")).status_code == 200:
            break
        assert asked_at <= last, "a token of the new key"
        time.sleep(0.05)
    assert states(provider, provider.bearer("keeper")) == ["withdrawn", "signing"]
    assert kid(provider.token("admin").json()["access_token"]) == made.json()["key_id"]
    # SM2 keys as well, in their own set
    gm = http.post(PATH, headers=provider.bearer("keeper"), json={"algorithm": "SGD_SM3_SM2", "at_once": True, "reason": "x"}).json()
    assert [each["kid"] for each in http.get("/oauth2/gm-jwks").json()["keys"]] == [gm["key_id"]]
    assert gm["key_id"] not in http.get("/oauth2/jwks").text


def test_the_same_request_changes_a_key_once(provider: Provider) -> None:
    headers, http = keeper(provider), provider.here.http
    order = {"algorithm": "ES256", "reason": "Half-yearly."}
    first = http.post(PATH, headers={**headers, "idempotency-key": "change-1"}, json=order)
    stored = sorted(each.key_id for each in provider.here.house.context.keystore.list())
    again = http.post(PATH, headers={**headers, "idempotency-key": "change-1"}, json=order)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert states(provider, headers) == ["signing", "announced"]
    assert sorted(each.key_id for each in provider.here.house.context.keystore.list()) == stored, "nor is a private key left unused"
    assert len(provider.audited("signing-key.announce")) == len(SIGNING_ALGORITHMS) + 1
    for other in ({"reason": "Another."}, {"at_once": True}):
        refused = http.post(PATH, headers={**headers, "idempotency-key": "change-1"}, json={**order, **other})
        assert (refused.status_code, refused.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert http.post(PATH, headers=headers, json=order).json()["key_id"] != first.json()["key_id"]


def test_two_at_once_change_a_key_once(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both looked before either had made one: the second is answered with the first's key all the same."""
    headers, http = {**keeper(provider), "idempotency-key": "change-2"}, provider.here.http
    order = {"algorithm": "ES256", "reason": "Half-yearly."}
    first = http.post(PATH, headers=headers, json=order).json()
    monkeypatch.setattr("idp.actions.rotate_signing_key._made_before", lambda *_: None)
    assert http.post(PATH, headers=headers, json=order).json() == first
    assert states(provider, headers) == ["signing", "announced"]


def test_attack_nobody_else_sees_or_changes_them(provider: Provider) -> None:
    headers, http = provider.bearer("admin"), provider.here.http
    order: dict[str, Any] = {"algorithm": "ES256", "reason": "x"}
    for answer in (http.get(PATH, headers=headers), http.post(PATH, headers=headers, json=order)):
        assert (answer.status_code, answer.json()["code"]) == (403, "SCOPE_MISSING")
    headers = keeper(provider)
    for wrong in (
        {"algorithm": "none"},
        {"algorithm": "HS256"},
        {"reason": ""},
        {"reason": "x" * 501},
        {"at_once": "maybe"},
        {"key_id": "x"},
    ):
        assert http.post(PATH, headers=headers, json={**order, **wrong}).status_code == 422
    assert states(provider, headers) == ["signing"]
