"""Rotation of the signing key: no token fails in peace, every token ends in need."""

from __future__ import annotations

import asyncio
import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

import idp.service
from crypto.jose import check_token, read_jwks
from idp.actions.rotate_signing_key import ensure_signing_key, ensure_signing_keys, replace_signing_key, rotate_signing_key
from idp.model.clients import (
    CLOCK_LEEWAY_SECONDS,
    KEY_ANNOUNCE_SECONDS,
    KEY_SET_MAX_AGE_SECONDS,
    TOKEN_SECONDS,
    SigningKey,
    published_keys_at,
    signing_key_at,
)
from idp.store.clients import load_signing_keys
from idp.store.rows import row_mac
from idp.tokens.signed_jwt import sign_jwt
from standards.errors import TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tests.idp.conftest import Provider

T0 = datetime(2026, 5, 1, tzinfo=UTC)


def key(name: str, signs_from: float, withdrawn: float | None = None) -> SigningKey:
    at = T0 + timedelta(seconds=signs_from)
    return SigningKey(name, "ES256", b"", at, at, None if withdrawn is None else T0 + timedelta(seconds=withdrawn))


def kid(token: str) -> str:
    head = token.split(".", maxsplit=1)[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])


def test_the_newest_key_whose_turn_has_come_signs() -> None:
    keys = (key("a", 0), key("b", 100), key("c", 200, withdrawn=150))
    assert signing_key_at(keys, T0 - timedelta(seconds=1)) is None
    assert signing_key_at(keys, T0 + timedelta(seconds=99)) == keys[0]
    assert signing_key_at(keys, T0 + timedelta(seconds=100)) == keys[1]
    assert signing_key_at(keys, T0 + timedelta(seconds=300)) == keys[1], "a withdrawn key never signs"


def test_a_key_is_published_before_it_signs_and_until_its_last_token_has_expired() -> None:
    keys = (key("a", 0), key("b", 100))
    tail = TOKEN_SECONDS + CLOCK_LEEWAY_SECONDS

    def names(seconds: float) -> list[str]:
        return [each.key_id for each in published_keys_at(keys, T0 + timedelta(seconds=seconds))]

    assert names(50) == ["a", "b"]
    assert names(100 + tail - 1) == ["a", "b"]
    assert names(100 + tail) == ["b"]
    assert published_keys_at((key("a", 0, withdrawn=1),), T0) == ()


def test_verifiers_have_fetched_a_new_key_before_it_signs() -> None:
    assert KEY_ANNOUNCE_SECONDS > KEY_SET_MAX_AGE_SECONDS + CLOCK_LEEWAY_SECONDS


def test_a_new_key_is_published_at_once_and_signs_later(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idp.actions.choose_signing_key.KEY_RING_MAX_AGE_SECONDS", -1.0)
    desk = idp.service.key_desk(provider.here.house.context)
    first = kid(provider.token().json()["access_token"])
    made = rotate_signing_key(desk, actor="test")
    published = [each["kid"] for each in provider.here.http.get("/oauth2/jwks").json()["keys"] if each["alg"] == "ES256"]
    assert published == [first, made.key_id]
    assert kid(provider.token().json()["access_token"]) == first
    later = datetime.now(UTC) + timedelta(seconds=KEY_ANNOUNCE_SECONDS + 1)
    monkeypatch.setattr(type(provider.here.house.clock), "now", lambda _self: later)
    assert kid(provider.token().json()["access_token"]) == made.key_id


def test_after_a_compromise_the_old_key_and_its_tokens_end(provider: Provider) -> None:
    desk = idp.service.key_desk(provider.here.house.context)
    bearer = provider.bearer()
    old = kid(bearer["authorization"][7:])
    made = replace_signing_key(desk, actor="test")
    # this process still remembers the old key; what becomes durable does not
    assert kid(provider.token().json()["access_token"]) == made.key_id
    keys = json.loads(idp.service.key_ring(provider.here.house.context).public_set(desk.clock.now()))["keys"]
    published = [each["kid"] for each in keys if each["alg"] == "ES256"]
    assert published == [made.key_id]
    assert old not in published
    assert {each["alg"] for each in keys} == {"ES256", "RS256", "EdDSA", "PS256"}, "keys of other algorithms go on"
    recorded = json.loads(provider.audited("signing-key.replace")[0])
    assert recorded["facts"]["withdrawn"] == old


def test_attack_a_token_of_a_withdrawn_key_counts_nowhere_from_then_on(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long each process remembers the keys that it has read: another process withdrew this one."""
    monkeypatch.setattr("idp.actions.choose_signing_key.KEY_RING_MAX_AGE_SECONDS", 3600.0)
    monkeypatch.setattr("service_kit.callers.time", SimpleNamespace(monotonic=lambda: 1.0))  # what the gate remembers grows no older
    bearer, http = provider.bearer(), provider.here.http
    token = bearer["authorization"][7:]
    asker = ("admin", provider.secrets["admin"])

    def introspected() -> bool:
        return bool(http.post("/oauth2/introspect", data={"token": token}, auth=asker).json()["active"])

    assert http.get("/v1/clients", headers=bearer).status_code == 200
    assert introspected()
    replace_signing_key(idp.service.key_desk(provider.here.house.context), actor="test")
    assert http.get("/v1/clients", headers=bearer).status_code == 401
    assert not introspected()


def test_a_key_that_nobody_knows_is_none_that_stands(provider: Provider) -> None:
    ring = idp.service.key_ring(provider.here.house.context)
    key = ensure_signing_key(idp.service.key_desk(provider.here.house.context), actor="test")
    assert ring.stands(key.key_id)
    assert not ring.stands("")
    assert not ring.stands(key.key_id + "x")


def test_the_first_key_is_made_once(provider: Provider) -> None:
    desk = idp.service.key_desk(provider.here.house.context)
    assert ensure_signing_key(desk, actor="test") == ensure_signing_key(desk, actor="test")


def test_without_a_key_no_token_and_not_ready(provider: Provider) -> None:
    provider.here.house.context.database.write(lambda connection: connection.exec_driver_sql("DELETE FROM idp_signing_keys"))
    answer = provider.token()
    assert (answer.status_code, answer.json()["code"]) == (503, "SIGNING_KEY_MISSING")
    ready = provider.here.http.get("/readyz")
    assert ready.status_code == 503
    assert [check["code"] for check in ready.json()["checks"] if not check["ready"]] == ["SIGNING_KEY_MISSING"]


def test_an_edited_key_row_is_refused(provider: Provider) -> None:
    database = provider.here.house.context.database
    database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_signing_keys SET public_x = x'00'"))
    with pytest.raises(TrustError, match="ROW_ALTERED"):
        idp.service.key_ring(provider.here.house.context).read()


def test_each_algorithm_has_a_key_and_sm2_a_set_of_its_own(provider: Provider) -> None:
    context = provider.here.house.context
    ordinary, gm = (provider.here.http.get(path) for path in ("/oauth2/jwks", "/oauth2/gm-jwks"))
    found = [(each["kty"], each["alg"]) for each in ordinary.json()["keys"]]
    assert found == [("EC", "ES256"), ("RSA", "RS256"), ("OKP", "EdDSA"), ("RSA", "PS256")]
    assert [(each["kty"], each["crv"], each["alg"]) for each in gm.json()["keys"]] == [("EC", "SM2-P-256", "SGD_SM3_SM2")]
    ring = idp.service.key_ring(context)
    at = context.clock.now()
    for algorithm, keys in (
        ("RS256", read_jwks(ordinary.content)),
        ("EdDSA", read_jwks(ordinary.content)),
        ("PS256", read_jwks(ordinary.content)),
        ("SGD_SM3_SM2", read_jwks(gm.content, gm=True)),
    ):
        key, signer = asyncio.run(ring.signing(at, algorithm))
        token = sign_jwt(key, signer, "JWT", {"sub": "pe_1"})
        assert check_token(token, keys, token_type="jwt").claims == {"sub": "pe_1"}
        assert keys[key.key_id].algorithm == algorithm
    with pytest.raises(TrustError, match="SIGNING_KEY_MISSING"):
        asyncio.run(ring.signing(at, "HS256"))


def test_a_key_of_another_algorithm_changes_nothing_about_access_tokens(provider: Provider) -> None:
    desk = idp.service.key_desk(provider.here.house.context)
    first = kid(provider.token().json()["access_token"])
    made = replace_signing_key(desk, actor="test", algorithm="EdDSA")
    assert kid(provider.token().json()["access_token"]) == first
    recorded = json.loads(provider.audited("signing-key.replace")[0])["facts"]
    assert (recorded["algorithm"], made.algorithm, len(recorded["withdrawn"].split())) == ("EdDSA", "EdDSA", 1)


def test_a_key_from_before_there_were_other_algorithms_still_counts(provider: Provider) -> None:
    context = provider.here.house.context
    mac_key = context.keystore.open_secret(idp.service.ROW_MAC_KEY)
    with context.database.read() as connection:
        before = {key.key_id: key for key in load_signing_keys(connection, mac_key)[0]}
        row = dict(connection.exec_driver_sql("SELECT * FROM idp_signing_keys WHERE algorithm = 'ES256'").mappings().one())
    older = {name: row[name] for name in ("key_id", "created_at", "signs_from_at", "withdrawn_at")}
    older |= {"public_x": row["public_der"][-64:-32], "public_y": row["public_der"][-32:]}
    older["row_mac"] = row_mac(mac_key, "idp_signing_keys", older)
    names = ", ".join(older)

    def put_back(connection: Connection) -> None:
        connection.exec_driver_sql("DELETE FROM idp_signing_keys WHERE algorithm = 'ES256'")
        marks = ", ".join("?" for _ in older)
        connection.exec_driver_sql(f"INSERT INTO idp_signing_keys ({names}) VALUES ({marks})", tuple(older.values()))

    context.database.write(put_back)
    with context.database.read() as connection:
        assert {key.key_id: key for key in load_signing_keys(connection, mac_key)[0]} == before
    context.database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_signing_keys SET algorithm = 'RS256'"))
    with pytest.raises(TrustError, match="ROW_ALTERED"), context.database.read() as connection:
        load_signing_keys(connection, mac_key)


def test_missing_keys_are_made_at_the_next_start_and_once(provider: Provider) -> None:
    context = provider.here.house.context
    context.database.write(lambda connection: connection.exec_driver_sql("DELETE FROM idp_signing_keys WHERE algorithm = 'EdDSA'"))
    desk = idp.service.key_desk(context)
    with ThreadPoolExecutor(4) as pool:
        made = {key.key_id for key in pool.map(lambda _: ensure_signing_key(desk, actor="test", algorithm="EdDSA"), range(4))}
    assert len(made) == 1, "of several processes that start at once, one makes the key"
    ensure_signing_keys(desk, actor="test")
    assert len(provider.here.http.get("/oauth2/jwks").json()["keys"]) == 4
