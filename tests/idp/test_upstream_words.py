"""What upstreams say in forms of their own, read only by what the operator has said of them: lists of proofs, and SM2."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from crypto.sm2 import SM2PrivateKey
from idp.connectors.fields import read_identity
from idp.connectors.id_token import read_id_token
from idp.connectors.settings import ConnectorSettings, read_settings
from standards.errors import TrustError
from standards.gbt32918_sm2 import read_signature
from tests.fakes.upstream import AT, CLIENT
from tests.idp.connector_rounds import record, stated

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
    assert reason(told, token, {"keys": [{**key, "x": key["y"], "y": key["x"]}]}) == "id-token-key"
    for wrong in ({"crv": "P-256"}, {"alg": "ES256"}, {"kty": "RSA"}, {"kid": "h"}, {"use": "enc"}):
        assert reason(told, token, {"keys": [{**key, **wrong}]}) == "id-token-key"
    assert reason(told, token, {"keys": [{**key, "x": "AA"}]}) == "id-token-key"
    # What is signed otherwise is signed as before: an SM2 key in the set is in nobody's way and stands for no other
    es256 = text_of(json.dumps({"alg": "ES256", "kid": "g"}).encode())
    assert reason(told, f"{es256}.{body}.{signature}", keys) == "id-token-key"


@pytest.mark.parametrize("sm2", [{"alg": "ES256"}, {"signature": "DER"}, {"form": "raw"}, {"alg": ["SM2"]}, {"signature": 1}])
def test_settings_of_sm2_are_checked(sm2: dict[str, Any]) -> None:
    for kind, given in (("oidc", sm2), ("cas", {"alg": "SM2"})):
        with pytest.raises(TrustError, match="CONNECTOR_SETTING_INVALID") as refused:
            read_settings({**stated(kind), "sm2": given})
        assert refused.value.facts["setting"] == "sm2"
