"""Every way in which a client proves itself, over HTTP: the one it registered opens, no other does, and nothing opens twice."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

import idp.service
from idp.actions.client_keys import ClientKeys
from idp.actions.register_client import NewClient, register_client
from idp.actions.rotate_secret import rotate_secret
from idp.actions.set_registration import set_registration
from idp.model.registrations import Registration
from idp.tokens.client_assertion import ASSERTION_TYPE
from service_kit.bounded_calls import Answer
from standards.errors import TrustError
from tests.deployments import Here, make_deployment, served_here
from tests.idp.test_client_certificate import made
from tests.service_kit.receivers import Receiver, receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from idp.actions.register_client import ClientDesk
    from service_kit.outbound import Outbound

KEY = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})
RSA = RSAKey.generate_key(2048, {"kid": "r1", "use": "sig", "alg": "RS256"})
ED = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "Ed25519"})
TLS_KEY = ec.generate_private_key(ec.SECP256R1())
CERTIFICATE = base64.b64encode(made(TLS_KEY).public_bytes(Encoding.DER)).decode()
BASE = Registration("x", grant_types=("client_credentials",))


class World:
    """A deployment behind a proxy of 192.0.2.7, and its clients."""

    def __init__(self, here: Here, key_sets: Receiver) -> None:
        self.here = here
        self.key_sets = key_sets
        self.desk: ClientDesk = idp.service.client_desk(here.house.context)
        self.issuer = here.house.context.settings.base_url
        self.secrets: dict[str, str] = {}

    def add(self, client_id: str, method: str, **members: Any) -> None:
        _, self.secrets[client_id] = register_client(self.desk, NewClient("Test", ("seal.read",), client_id=client_id), actor="test")
        set_registration(self.desk, replace(BASE, client_id=client_id, token_endpoint_auth_method=method, **members), actor="test")

    def claims(self, client_id: str, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        own = {"iss": client_id, "sub": client_id, "aud": self.issuer, "iat": now, "exp": now + 60, "jti": secrets.token_hex(8)}
        return {**own, **changes}

    def by(self, key: Any, client_id: str, header: dict[str, Any] | None = None, **changes: Any) -> dict[str, str]:
        head = header or {"alg": key.get("alg"), **({"kid": key["kid"]} if "kid" in key.as_dict() else {})}
        token = jwt.encode(head, self.claims(client_id, **changes), key, algorithms=[str(head["alg"])])
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}

    def token(self, form: dict[str, str], **arguments: Any) -> httpx.Response:
        return self.here.http.post("/oauth2/token", data={"grant_type": "client_credentials", **form}, **arguments)

    def refusals(self) -> list[str]:
        """Why the provider refused, oldest first, as the trail says and the answers do not."""
        with self.here.house.context.database.read() as connection:
            rows = connection.exec_driver_sql("SELECT entry FROM kit_audit WHERE action = 'token.refuse' ORDER BY position").all()
        return [json.loads(bytes(row[0]))["facts"]["reason"] for row in rows]

    def refused(self, answer: httpx.Response) -> str:
        """The recorded reason of an answer that tells none."""
        assert (answer.status_code, answer.json()["error"], answer.json()["code"]) == (401, "invalid_client", "CLIENT_AUTH_FAILED")
        return self.refusals()[-1]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    settings = {
        "outbound.networks": ["127.0.0.0/8"],
        "client_certificates.header": "x-client-cert",
        "client_certificates.verified_header": "x-client-verify",
        "client_certificates.peers": ["192.0.2.7/32"],
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in ("WRONG_PER_PEER", "WRONG_PER_CLIENT_AND_PEER"):  # the limits on wrong attempts have tests of their own
            patch.setattr(f"idp.actions.authenticate_client.{name}", 1e6)
        folder = make_deployment(tmp_path_factory.mktemp("auth") / "deployment", **settings)
        with receiver() as key_sets, served_here(folder) as here:
            yield settle(World(here, key_sets))


def settle(found: World) -> World:
    jwks = tuple(key.as_dict(private=False) for key in (KEY, RSA, ED))
    found.add("keys", "private_key_jwt", jwks=jwks)
    found.add("far", "private_key_jwt", jwks_uri=found.key_sets.url)
    found.add("dark", "private_key_jwt", jwks_uri="https://10.255.0.1/keys")
    found.add("hmac", "client_secret_jwt")
    found.add("other", "private_key_jwt", jwks=(ECKey.generate_key("P-256", {"kid": "k1"}).as_dict(private=False),))
    found.add("basic", "client_secret_basic")
    found.add("subject", "tls_client_auth", tls_client_auth_subject_dn="CN=housing,C=CN")
    public = TLS_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    found.add("pinned", "self_signed_tls_client_auth", jwks=({**ECKey.import_key(public).as_dict(), "kid": "tls"},))
    strict = {"profile": "fapi2", "require_pushed_authorization_requests": True, "tls_client_certificate_bound_access_tokens": True}
    found.add("bound", "private_key_jwt", jwks=jwks, tls_client_certificate_bound_access_tokens=True)
    found.add("fapi", "private_key_jwt", jwks=jwks, **strict)
    return found


@pytest.mark.clause("RFC 7523 2.2", "OIDC Core 9")
@pytest.mark.parametrize("key", [KEY, RSA, ED], ids=["ES256", "RS256", "Ed25519"])
def test_a_client_proves_itself_by_its_key(world: World, key: Any) -> None:
    answer = world.token(world.by(key, "keys"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["scope"] == "seal.read"
    named = world.token({"client_id": "keys", **world.by(key, "keys", aud=[world.issuer + "/oauth2/token", "https://other.example"])})
    assert named.status_code == 200


@pytest.mark.clause("RFC 7523 3")
def test_an_assertion_counts_once_of_sixteen_at_once(world: World) -> None:
    form = world.by(KEY, "keys")
    with ThreadPoolExecutor(16) as pool:
        statuses = [answer.status_code for answer in pool.map(lambda _: world.token(form), range(16))]
    assert sorted(statuses) == [200] + [401] * 15
    assert world.refused(world.token(form)) == "assertion: used before"


def test_the_same_id_from_another_client_is_another_assertion(world: World) -> None:
    world.add("twin", "private_key_jwt", jwks=(KEY.as_dict(private=False),))
    assert world.token(world.by(KEY, "keys", jti="the-same")).status_code == 200
    assert world.token(world.by(KEY, "twin", jti="the-same")).status_code == 200


@pytest.mark.parametrize(
    ("client", "changes", "reason"),
    [
        ("keys", {"aud": "https://other.example"}, "assertion: aud"),
        ("keys", {"exp": 1}, "assertion: exp"),
        ("keys", {"iss": "other"}, "assertion: iss"),
        ("keys", {"jti": None}, "assertion: jti"),
        ("other", {}, "assertion: signature"),
        ("basic", {}, "method"),
        ("nobody", {}, "unknown"),
    ],
)
def test_a_wrong_assertion_is_refused_without_saying_why(world: World, client: str, changes: dict[str, Any], reason: str) -> None:
    assert world.refused(world.token(world.by(KEY, client, **changes))) == reason


@pytest.mark.clause("RFC 6749 2.3")
def test_nobody_proves_himself_in_two_ways_or_names_two_clients(world: World) -> None:
    both = world.token({**world.by(KEY, "keys"), "client_secret": "x"})
    assert (both.status_code, both.json()["code"]) == (400, "CLIENT_METHODS_BOTH")
    header = world.token(world.by(KEY, "keys"), auth=("keys", "x"))
    assert (header.status_code, header.json()["code"]) == (400, "CLIENT_METHODS_BOTH")
    for form in (
        {**world.by(KEY, "keys"), "client_id": "basic"},
        {**world.by(KEY, "keys"), "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_assertion_type": ASSERTION_TYPE, "client_assertion": "x.y.z"},
        {"client_assertion_type": ASSERTION_TYPE, "client_id": "keys"},
    ):
        assert world.token(form).json()["code"] == "CLIENT_AUTH_FAILED"


def test_the_secret_of_a_client_with_keys_opens_nothing(world: World) -> None:
    assert world.refused(world.token({}, auth=("keys", world.secrets["keys"]))) == "method"
    assert world.refused(world.token({"client_id": "basic", "client_secret": world.secrets["basic"]})) == "method"
    assert world.token({}, auth=("basic", world.secrets["basic"])).status_code == 200


@pytest.mark.clause("OIDC Core 10.1.1")
def test_a_new_key_of_a_client_is_found_at_its_address(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (ECKey.generate_key("P-256", {"kid": name, "alg": "ES256"}) for name in ("a", "b"))
    world.key_sets.status, world.key_sets.body = 200, json.dumps({"keys": [first.as_dict(private=False)]}).encode()
    for name in ("AGAIN_SECONDS", "FAILED_SECONDS"):  # whatever other tests have left in memory
        monkeypatch.setattr(f"idp.actions.client_keys.{name}", -1.0)
    assert world.token(world.by(first, "far")).status_code == 200
    monkeypatch.setattr("idp.actions.client_keys.AGAIN_SECONDS", 60.0)
    assert world.token(world.by(first, "far")).status_code == 200
    asked = len(world.key_sets.received)
    world.key_sets.body = json.dumps({"keys": [second.as_dict(private=False)]}).encode()
    assert world.refused(world.token(world.by(second, "far"))) == "assertion: key", "nobody makes us fetch again and again"
    assert len(world.key_sets.received) == asked
    monkeypatch.setattr("idp.actions.client_keys.AGAIN_SECONDS", -1.0)
    assert world.token(world.by(second, "far")).status_code == 200
    assert world.refused(world.token(world.by(first, "far"))) == "assertion: key", "a key that its client withdrew"


@pytest.mark.clause("RFC 9700 4.16")
def test_an_address_that_is_not_allowed_is_not_called(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.refused(world.token(world.by(KEY, "dark"))) == "assertion: address-not-allowed"
    monkeypatch.setattr("idp.actions.client_keys.KEEP_SECONDS", -1.0)
    monkeypatch.setattr("idp.actions.client_keys.AGAIN_SECONDS", -1.0)
    monkeypatch.setattr("idp.actions.client_keys.FAILED_SECONDS", -1.0)
    for status, body, reason in (
        (404, b"", "status"),
        (302, b"", "status"),
        (200, b"<html>", "JSON"),
        (200, b"{" * 70_000, "answer-too-large"),
    ):
        world.key_sets.status, world.key_sets.body = status, body
        assert world.refused(world.token(world.by(KEY, "far"))) == f"assertion: {reason}"


class Hanging:
    """A way out to a server that answers when it is told to, and counts."""

    def __init__(self) -> None:
        self.calls = 0
        self.may_answer = threading.Event()
        self.status = 200

    def call(self, _method: str, _url: str, **_arguments: Any) -> Answer:
        self.calls += 1
        assert self.may_answer.wait(20)
        return Answer(self.status, {}, json.dumps({"keys": [KEY.as_dict(private=False)]}).encode())


def test_a_server_that_hangs_takes_few_threads_and_is_asked_once() -> None:
    outbound = Hanging()
    keys = ClientKeys(cast("Outbound", outbound))
    client = replace(BASE, jwks_uri="https://rp.example/keys")

    def ask(_: int) -> str:
        try:
            return ",".join(keys.of(client))
        except TrustError as error:
            return str(error.facts["reason"])

    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(ask, i) for i in range(12)]
        for refused in as_completed(asked, timeout=20):
            assert refused.result() == "busy"
            if sum(each.done() for each in asked) == 8:
                break
        outbound.may_answer.set()
        answers = sorted(each.result() for each in asked)
    assert answers == ["busy"] * 8 + ["k1"] * 4
    assert outbound.calls == 1
    outbound.status = 500
    other = replace(client, jwks_uri="https://rp.example/other")
    for expected in ("status", "failed a moment ago"):
        with pytest.raises(TrustError) as caught:
            keys.of(other)
        assert caught.value.facts["reason"] == expected
    assert outbound.calls == 2


@pytest.mark.clause("OIDC Core 9")
def test_a_client_proves_itself_by_an_hmac_of_its_secret(world: World) -> None:
    def by_hmac(secret: str, alg: str = "HS256") -> dict[str, str]:
        return world.by(OctKey.import_key(secret), "hmac", {"alg": alg})

    assert world.refused(world.token(by_hmac(world.secrets["hmac"]))) == "assertion: signature", "this secret was made before the choice"
    _, first = rotate_secret(world.desk, "hmac", overlap_seconds=0, actor="test")
    assert world.token(by_hmac(first)).status_code == 200
    assert world.refused(world.token(by_hmac(first, "HS384"))) == "assertion: alg"
    assert world.refused(world.token({}, auth=("hmac", first))) == "method"
    _, second = rotate_secret(world.desk, "hmac", overlap_seconds=60, actor="test")
    assert world.token(by_hmac(first)).status_code == 200
    assert world.token(by_hmac(second)).status_code == 200
    _, third = rotate_secret(world.desk, "hmac", overlap_seconds=60, actor="test")
    for each in (first, second, third):
        assert world.token(by_hmac(each)).status_code == 200
    rotate_secret(world.desk, "hmac", overlap_seconds=0, actor="test")
    for gone in (first, second, third):
        assert world.refused(world.token(by_hmac(gone))) == "assertion: signature"
    with world.here.house.context.database.read() as connection:
        kept = connection.exec_driver_sql("SELECT secret_sealed FROM idp_client_secrets WHERE client_id = 'hmac'").all()
    assert len(kept) == 1
    assert b"yxs_" not in kept[0][0]
    set_registration(world.desk, replace(BASE, client_id="hmac"), actor="test")
    with world.here.house.context.database.read() as connection:
        assert not connection.exec_driver_sql("SELECT 1 FROM idp_client_secrets WHERE client_id = 'hmac'").all()


@pytest.mark.clause("RFC 8705 2.1", "RFC 8705 2.2")
def test_a_client_proves_itself_by_the_certificate_that_a_proxy_shows(world: World) -> None:
    shown = {"x-client-cert": f":{CERTIFICATE}:"}
    verified = {**shown, "x-client-verify": "SUCCESS"}
    assert world.token({"client_id": "subject"}, headers=verified).status_code == 200
    assert world.token({"client_id": "pinned"}, headers=shown).status_code == 200
    for client, headers in (("subject", shown), ("subject", {}), ("pinned", {}), ("subject", {"x-client-verify": "SUCCESS"})):
        assert world.refused(world.token({"client_id": client}, headers=headers)) == "certificate"
    assert world.refused(world.token({"client_id": "subject", "client_secret": world.secrets["subject"]}, headers=verified)) == "method"
    other = base64.b64encode(made(ec.generate_private_key(ec.SECP256R1())).public_bytes(Encoding.DER)).decode()
    assert world.refused(world.token({"client_id": "pinned"}, headers={"x-client-cert": other})) == "certificate"
    garbled = world.token({"client_id": "pinned"}, headers={"x-client-cert": "x"})
    assert (garbled.status_code, garbled.json()["code"]) == (401, "CLIENT_AUTH_FAILED")


@pytest.mark.clause("RFC 8705 3.1")
def test_a_token_is_bound_to_the_certificate_and_is_no_bearer_token(world: World) -> None:
    missing = world.token(world.by(KEY, "bound"))
    assert (missing.status_code, missing.json()["code"]) == (400, "CERTIFICATE_MISSING")
    answer = world.token(world.by(KEY, "bound"), headers={"x-client-cert": CERTIFICATE})
    token = answer.json()["access_token"]
    claims = jwt.decode(token, KeySet.import_key_set(world.here.http.get("/oauth2/jwks").json()), algorithms=["ES256"]).claims
    digest = hashlib.sha256(base64.b64decode(CERTIFICATE)).digest()
    assert claims["cnf"] == {"x5t#S256": base64.urlsafe_b64encode(digest).rstrip(b"=").decode()}
    call = world.here.http.get("/v1/clients", headers={"authorization": f"Bearer {token}"})
    assert (call.status_code, call.json()["code"]) == (401, "TOKEN_INVALID")
    plain = world.token(world.by(KEY, "keys"), headers={"x-client-cert": CERTIFICATE}).json()["access_token"]
    assert "cnf" not in jwt.decode(plain, KeySet.import_key_set(world.here.http.get("/oauth2/jwks").json()), algorithms=["ES256"]).claims


def test_what_a_client_must_do_under_fapi(world: World) -> None:
    for form, reason in (
        (world.by(KEY, "fapi", aud=world.issuer + "/oauth2/token"), "assertion: aud"),
        (world.by(KEY, "fapi", aud=[world.issuer]), "assertion: aud"),
        (world.by(RSA, "fapi"), "assertion: alg"),
    ):
        assert world.refused(world.token(form)) == reason


def test_the_metadata_says_what_is_possible_here(world: World) -> None:
    metadata = world.here.http.get("/.well-known/openid-configuration").json()
    assert {"private_key_jwt", "client_secret_jwt", "tls_client_auth", "none"} <= set(metadata["token_endpoint_auth_methods_supported"])
    assert metadata["token_endpoint_auth_signing_alg_values_supported"] == ["ES256", "EdDSA", "Ed25519", "RS256", "PS256", "HS256"]
