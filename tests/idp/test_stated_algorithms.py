"""What the metadata says of signature algorithms is what is taken and made here: no name more and none less, in every list."""

from __future__ import annotations

import base64
import json
import secrets
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import idp.service
from crypto.jose import verification_key, write_jwk
from idp.actions.register_client import NewClient, register_client
from idp.actions.rotate_secret import rotate_secret
from idp.actions.set_registration import set_registration
from idp.model.registrations import FAPI_ALGORITHMS, Registration
from idp.tokens.client_assertion import ASSERTION_TYPE
from idp.tokens.request_object import read_request_object
from service_kit.dpop import check_proof
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deployments import Here

EC, RSA, ED = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()
SECRET: Final = "yxs_" + "s" * 43
HASHES: Final[dict[str, type[hashes.SHA256 | hashes.SHA384 | hashes.SHA512]]] = {
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
}
NAMES: Final = (  # every name of a signature that is registered with IANA, and ours
    *(kind + size for kind in ("HS", "RS", "PS", "ES") for size in HASHES),
    *("ES256K", "EdDSA", "Ed25519", "Ed448", "none", "SGD_SM3_SM2", "SM2"),
)


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(name: str, claims: dict[str, Any], secret: str = SECRET, **header: Any) -> str:
    """A JWT that is right in every way for a library that knows the algorithm, as far as there is a key for it here."""
    message = f"{text(json.dumps({'alg': name, **header}).encode())}.{text(json.dumps(claims).encode())}"
    kind, made = name[:2], HASHES.get(name[2:], hashes.SHA256)()
    if kind == "HS":
        code = hmac.HMAC(secret.encode(), made)
        code.update(message.encode())
        signature = code.finalize()
    elif kind == "RS":
        signature = RSA.sign(message.encode(), padding.PKCS1v15(), made)
    elif kind == "PS":
        signature = RSA.sign(message.encode(), padding.PSS(padding.MGF1(made), made.digest_size), made)
    elif kind == "Ed":
        signature = ED.sign(message.encode())
    elif name == "none":
        signature = b""
    else:
        r, s = decode_dss_signature(EC.sign(message.encode(), ec.ECDSA(made)))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return f"{message}.{text(signature)}"


def jwk(key: Any, name: str, algorithm: str | None = None) -> dict[str, str]:
    return write_jwk(
        verification_key(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), name, algorithm=algorithm)
    )


KEYS: Final = (jwk(EC, "e"), jwk(ED, "d"), jwk(RSA, "r"), jwk(RSA, "p", "PS256"))


class World:
    def __init__(self, here: Here) -> None:
        self.here, self.desk = here, idp.service.client_desk(here.house.context)
        self.issuer = here.house.context.settings.base_url
        self.secrets: dict[str, str] = {}
        self.stated = here.http.get("/.well-known/openid-configuration").json()
        self.add(Registration("keys", token_endpoint_auth_method="private_key_jwt", jwks=KEYS))
        self.add(Registration("hmac", token_endpoint_auth_method="client_secret_jwt"))

    def add(self, registration: Registration) -> None:
        made = NewClient("Test", ("seal.read",), client_id=registration.client_id)
        register_client(self.desk, made, actor="test")
        set_registration(self.desk, replace(registration, grant_types=("client_credentials",)), actor="test")
        _, self.secrets[registration.client_id] = rotate_secret(self.desk, registration.client_id, overlap_seconds=0, actor="test")

    def is_proven(self, path: str, client: str, name: str) -> bool:
        now = int(time.time())
        claims = {"iss": client, "sub": client, "aud": self.issuer, "iat": now, "exp": now + 60, "jti": secrets.token_hex(8)}
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed(name, claims, self.secrets[client])}
        answer = self.here.http.post(path, data={"grant_type": "client_credentials", "token": "x", **form})
        assert answer.status_code in {200, 401}, answer.text
        return answer.status_code == 200


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("WRONG_PER_PEER", "WRONG_PER_CLIENT_AND_PEER"):
            patch.setattr(f"idp.actions.authenticate_client.{name}", 1e6)
        with served_here(make_deployment(tmp_path_factory.mktemp("algorithms") / "deployment", services=["idp"])) as here:
            yield World(here)


@pytest.mark.clause("RFC 8414 2", "RFC 9864 2.2")
@pytest.mark.parametrize("endpoint", ["token", "introspection", "revocation"])
def test_assertions_are_taken_with_what_is_stated_and_with_nothing_else(world: World, endpoint: str) -> None:
    path = world.stated[f"{endpoint}_endpoint"].removeprefix(world.issuer)
    taken = {name for name in NAMES if world.is_proven(path, "keys", name) or world.is_proven(path, "hmac", name)}
    stated = world.stated[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
    assert (taken, len(stated)) == (set(stated), len(taken))
    assert {"EdDSA", "Ed25519"} <= taken


def test_request_objects_are_taken_with_what_is_stated_and_with_nothing_else(world: World) -> None:
    client = Registration("keys", jwks=KEYS)
    keys = tuple(
        verification_key(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), name, algorithm=algorithm)
        for key, name, algorithm in ((EC, "e", None), (ED, "d", None), (RSA, "r", None), (RSA, "p", "PS256"))
    )
    at = datetime.now(UTC)
    now = int(at.timestamp())
    claims = {"iss": "keys", "client_id": "keys", "aud": world.issuer, "nbf": now, "exp": now + 60, "scope": "openid"}

    def is_read(name: str, registration: Registration) -> bool:
        try:
            read_request_object(signed(name, claims), registration, keys, issuer=world.issuer, at=at)
        except TrustError:
            return False
        return True

    stated = world.stated["request_object_signing_alg_values_supported"]
    assert {name for name in NAMES if is_read(name, client)} == set(stated)
    assert {name for name in NAMES if is_read(name, replace(client, profile="fapi2"))} == set(FAPI_ALGORITHMS) <= set(stated)


def test_proofs_of_possession_are_taken_with_what_is_stated_and_with_nothing_else(world: World) -> None:
    at = datetime.now(UTC)
    claims = {"htm": "POST", "htu": world.issuer, "iat": int(at.timestamp()), "jti": "p1"}

    def is_taken(name: str) -> bool:
        for key in KEYS:
            shown = {each: value for each, value in key.items() if each not in {"alg", "use", "kid"}}
            try:
                check_proof(signed(name, claims, typ="dpop+jwt", jwk=shown), method="POST", url=world.issuer, at=at)
            except TrustError:
                continue
            return True
        return False

    assert {name for name in NAMES if is_taken(name)} == set(world.stated["dpop_signing_alg_values_supported"])


@pytest.mark.parametrize("kind", ["id_token", "userinfo", "introspection"])
def test_statements_are_signed_with_what_is_stated_and_with_nothing_else(world: World, kind: str) -> None:
    """By the very keys that are published, ordinary and SM2."""
    published = [*world.here.http.get("/oauth2/jwks").json()["keys"], *world.here.http.get("/oauth2/gm-jwks").json()["keys"]]
    assert {each["alg"] for each in published} == set(world.stated[f"{kind}_signing_alg_values_supported"])


def test_every_list_of_algorithms_is_held_to_what_is_done(world: World) -> None:
    ends = "signing_alg_values_supported"
    assert {each.removesuffix("_" + ends) for each in world.stated if each.endswith(ends)} == {
        *("token_endpoint_auth", "introspection_endpoint_auth", "revocation_endpoint_auth"),
        *("request_object", "dpop", "id_token", "userinfo", "introspection"),
    }
