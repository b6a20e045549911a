"""Every kind of token shown at every place that reads tokens, and every JWT trick at each of them: only what is meant for a place passes.

The tricks are signed with the deployment's own key where a signature is checked, so that nothing but the rule itself refuses them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

import idp.service
from idp.model.clients import signing_key_at
from idp.model.registrations import GRANT_TYPES, Registration
from idp.model.tickets import TICKET_TYPE
from idp.store.clients import load_signing_keys
from idp.tokens.client_assertion import ASSERTION_TYPE
from idp.tokens.exchange import ACCESS_TOKEN_TYPE
from tests.deployments import make_deployment, served_here
from tests.idp.people import CALLBACK, CHALLENGE, Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients
from tests.service_kit.dpop_proofs import Prover, encode, public_jwk, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crypto.signer import Signer
    from idp.model.clients import SigningKey

KEY = ec.generate_private_key(ec.SECP256R1())
CODE, REFRESH, CREDENTIALS, DEVICE, EXCHANGE = GRANT_TYPES
REQUEST = {
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": "openid",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


class Places(Clients):
    """Where tokens are read; each answers whether it took one."""

    @property
    def issuer(self) -> str:
        return self.town.desk.issuer

    def signing(self) -> tuple[SigningKey, Signer]:
        context = self.town.here.house.context
        with context.database.read() as connection:
            keys, _ = load_signing_keys(connection, idp.service.client_desk(context).mac_key)
        key = signing_key_at(keys, context.clock.now())
        assert key is not None
        return key, context.keystore.signer(key.key_id)

    def forge(self, header: dict[str, Any] | bytes, claims: dict[str, Any] | bytes) -> str:
        """Signed with the deployment's own key, whatever it says."""
        key, signer = self.signing()
        head = header if isinstance(header, bytes) else {"alg": "ES256", "typ": "at+jwt", "kid": key.key_id, **header}
        message = f"{encode(head)}.{encode(claims)}"
        r, s = decode_dss_signature(signer.sign(message.encode()))
        return f"{message}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def at_userinfo(self, token: str) -> bool:
        return self.userinfo(token).status_code == 200

    def at_gate(self, token: str) -> bool:
        return self.http.get("/v1/clients", headers={"authorization": f"Bearer {token}"}).status_code == 200

    def at_exchange(self, token: str) -> bool:
        return self.token(grant_type=EXCHANGE, subject_token=token, subject_token_type=ACCESS_TOKEN_TYPE).status_code == 200

    def at_hint(self, token: str) -> bool:
        browser = Browser(self.town.here)
        browser.authorize("own", prompt="none", id_token_hint=token)
        error: str = browser.returned["error"]
        return error == "login_required"  # read, but nobody is signed in there; otherwise invalid_request

    def at_introspection(self, token: str) -> bool:
        answer = self.http.post("/oauth2/introspect", data={"token": token}, auth=("own", self.secrets["own"]))
        return bool(answer.json()["active"])

    def at_refresh(self, token: str) -> bool:
        return self.token(grant_type=REFRESH, refresh_token=token).status_code == 200

    def at_code(self, token: str) -> bool:
        return self.redeem(token).status_code == 200

    def at_ticket(self, token: str) -> bool:
        return self.token("other", grant_type=EXCHANGE, subject_token=token, subject_token_type=TICKET_TYPE).status_code == 200

    def at_device(self, token: str) -> bool:
        return bool(self.token(grant_type=DEVICE, device_code=token).json()["error"] == "authorization_pending")

    def at_request_uri(self, token: str) -> bool:
        query = {"client_id": "own", "request_uri": token}
        return self.http.get(str(httpx.URL("/authorize", params=query))).status_code == 303

    def at_request(self, token: str) -> bool:
        return self.http.get(str(httpx.URL("/authorize", params={"client_id": "keys", "request": token}))).status_code == 303

    def at_assertion(self, token: str) -> bool:
        form = {"grant_type": CREDENTIALS, "client_assertion_type": ASSERTION_TYPE, "client_assertion": token}
        return self.http.post("/oauth2/token", data=form).status_code == 200

    def at_proof(self, token: str) -> bool:
        auth = ("own", self.secrets["own"])
        return self.http.post("/oauth2/token", data={"grant_type": CREDENTIALS}, auth=auth, headers={"dpop": token}).status_code == 200

    def all(self) -> dict[str, Callable[[str], bool]]:
        return {name.removeprefix("at_"): getattr(self, name) for name in dir(self) if name.startswith("at_")}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("WRONG_PER_PEER", "WRONG_PER_CLIENT_AND_PEER"):  # the limits on wrong attempts have tests of their own
            patch.setattr(f"idp.actions.authenticate_client.{name}", 1e6)
        with served_here(make_deployment(tmp_path_factory.mktemp("confusion") / "deployment", services=["idp"])) as here:
            found = Places(settle(here, Registered()))
            found.town.person()
            found.add(replace(BASE, grant_types=GRANT_TYPES, person_scopes=("client.manage",)), "client.manage")
            found.add(replace(BASE, client_id="signed", userinfo_signed_response_alg="ES256"))
            found.add(Registration("other", grant_types=(EXCHANGE,), is_own=True))
            jwks = ({**public_jwk(KEY), "kid": "k1"},)
            by_key = {"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks, "grant_types": (CODE, CREDENTIALS)}
            found.add(replace(BASE, client_id="keys", **by_key))  # type: ignore[arg-type]
            yield found


def all_tokens(places: Places) -> dict[str, str]:
    """One of each kind, all of them good."""
    own = places.sign_in(scope="openid client.manage")
    signed = places.sign_in(None, "signed")
    statement = places.http.post(
        "/oauth2/introspect",
        data={"token": own["access_token"]},
        auth=("own", places.secrets["own"]),
        headers={"accept": "application/token-introspection+jwt"},
    )
    browser = Browser(places.town.here)
    browser.authorize("own")
    browser.log_in()
    said = places.read(own["id_token"], "own")
    at = said["iat"]
    notice = {name: said[name] for name in ("iss", "aud", "sub", "sid", "iat", "exp")}
    notice |= {"jti": "n", "events": {"http://schemas.openid.net/event/backchannel-logout": {}}}
    wanted = {"grant_type": EXCHANGE, "subject_token": own["access_token"], "subject_token_type": ACCESS_TOKEN_TYPE}
    device = places.http.post("/oauth2/device_authorization", data={"client_id": "own"}, auth=("own", places.secrets["own"]))
    pushed = places.http.post("/oauth2/par", data=REQUEST, auth=("own", places.secrets["own"]))
    of_client = {"iss": "keys", "aud": places.issuer, "iat": at, "exp": at + 120, "jti": secrets.token_hex(8)}
    return {
        "access": own["access_token"],
        "own access": places.token(grant_type=CREDENTIALS).json()["access_token"],
        "id": own["id_token"],
        "refresh": own["refresh_token"],
        "userinfo": places.userinfo(signed["access_token"]).text,
        "statement": statement.text,
        "logout": places.forge({"typ": "logout+jwt"}, notice),
        "code": browser.returned["code"],
        "ticket": places.token(**wanted, requested_token_type=TICKET_TYPE, audience="other", scope="openid").json()["access_token"],
        "device": device.json()["device_code"],
        "user code": device.json()["user_code"],
        "request uri": pushed.json()["request_uri"],
        "assertion": sign(KEY, {"kid": "k1"}, {**of_client, "sub": "keys"}),
        "request": sign(KEY, {"kid": "k1", "typ": "oauth-authz-req+jwt"}, {**of_client, "client_id": "keys", **REQUEST}),
        "proof": Prover(KEY).proof("POST", places.issuer + "/oauth2/token", at),
    }


MEANT = {
    ("access", "userinfo"),
    ("access", "gate"),
    ("access", "exchange"),
    ("access", "introspection"),
    ("own access", "gate"),
    ("own access", "introspection"),
    ("id", "hint"),
    ("refresh", "introspection"),
    ("refresh", "refresh"),
    ("code", "code"),
    ("ticket", "ticket"),
    ("device", "device"),
    ("request uri", "request_uri"),
    ("assertion", "assertion"),
    ("request", "request"),
    ("proof", "proof"),
}


@pytest.mark.clause("RFC 8725 3.11", "RFC 8725 2.8", "RFC 9700 4.4")
def test_attack_no_token_passes_for_another(places: Places) -> None:
    tokens, read = all_tokens(places), places.all()
    assert {place for _, place in MEANT} == set(read)
    wrong = [(kind, place) for kind in tokens for place in read if (kind, place) not in MEANT]
    assert len(wrong) > 150
    assert [each for each in wrong if read[each[1]](tokens[each[0]])] == []
    # what was shown at the wrong places is still good at its own
    assert [each for each in sorted(MEANT) if not read[each[1]](tokens[each[0]])] == []


def tricks(places: Places, good: str) -> dict[str, str]:
    """A good token of the deployment, changed in one thing each."""
    key, _ = places.signing()
    head, body, signature = good.split(".")
    header, claims = (json.loads(decode(part)) for part in (head, body))
    ring = places.http.get("/oauth2/jwks").json()["keys"]
    others = [each for each in ring if each["kid"] != key.key_id]
    public = load_der_public_key(key.public_der)
    made = {
        "none": f"{encode({**header, 'alg': 'none'})}.{body}.",
        "None": f"{encode({**header, 'alg': 'None'})}.{body}.{signature}",
        "no signature": f"{head}.{body}.",
        "no part": f"{head}.{body}",
        "other claims": f"{head}.{encode({**claims, 'sub': 'pe_other'})}.{signature}",
        "padding": f"{head}.{body}.{signature}==",
        "a second spelling": f"{head}.{body}.{signature[:-1]}{chr(ord(signature[-1]) + 1)}",
        "zero signature": f"{head}.{body}.{encode(bytes(64))}",
        "alg ES384": places.forge({**header, "alg": "ES384"}, claims),
        "alg RS256": places.forge({**header, "alg": "RS256"}, claims),
        "alg EdDSA": places.forge({**header, "alg": "EdDSA"}, claims),
        "alg SM2": places.forge({**header, "alg": "SGD_SM3_SM2"}, claims),
        "alg missing": places.forge(json.dumps({k: v for k, v in header.items() if k != "alg"}).encode(), claims),
        "kid unknown": places.forge({**header, "kid": "unknown"}, claims),
        "kid path": places.forge({**header, "kid": "../../../dev/null"}, claims),
        "kid list": places.forge({**header, "kid": [key.key_id]}, claims),
        "kid missing": places.forge(json.dumps({k: v for k, v in header.items() if k != "kid"}).encode(), claims),
        "typ none": places.forge({**header, "typ": None}, claims),
        "typ other": places.forge({**header, "typ": "dpop+jwt"}, claims),
        "header twice": places.forge(json.dumps(header).replace("{", '{"alg":"none",', 1).encode(), claims),
        "claims twice": places.forge(header, json.dumps(claims).replace("{", '{"sub":"pe_other",', 1).encode()),
        "claims list": places.forge(header, b"[]"),
        "claims text": places.forge(header, b"\xff\xfe"),
        "iss": places.forge(header, {**claims, "iss": "https://evil.example"}),
        "iss prefix": places.forge(header, {**claims, "iss": places.issuer + ".evil.example"}),
    }
    for name, value in {
        "jku": "https://evil.example/keys",
        "x5u": "https://evil.example/c",
        "jwk": public_jwk(KEY),
        "x5c": ["AAAA"],
        "crit": ["exp"],
        "b64": False,
        "zip": "DEF",
    }.items():
        made[f"header {name}"] = places.forge({**header, name: value}, claims)
    made["own key in jwk"] = sign(KEY, {**header, "jwk": public_jwk(KEY)}, claims)
    made["own key"] = sign(KEY, header, claims)
    for each in others:
        made[f"kid of {each['alg']}"] = places.forge({**header, "kid": each["kid"]}, claims)
    for form, secret in {
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "DER": key.public_der,
        "JWK": json.dumps(next(each for each in ring if each["kid"] == key.key_id)).encode(),
        "empty": b"",
    }.items():
        message = f"{encode({**header, 'alg': 'HS256'})}.{body}"
        made[f"HMAC by {form}"] = f"{message}.{encode(hmac.digest(secret, message.encode(), hashlib.sha256))}"
    return made


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def times(places: Places, good: str) -> dict[str, str]:
    """Times that are none, over, or to come. Hints are read whatever their time."""
    header, claims = (json.loads(decode(part)) for part in good.split(".")[:2])
    text = json.dumps(claims)
    exp = f'"exp": {claims["exp"]}'
    assert exp in text
    made = {f"exp {value}": places.forge(header, text.replace(exp, f'"exp": {value}').encode()) for value in (
        f'"{claims["exp"]}"', "NaN", "Infinity", "1e400", "true", "null", "-1", "0", "1", f"{claims['exp']}.5", "9" * 400, "[]")}  # fmt: skip
    made["exp missing"] = places.forge(header, {name: value for name, value in claims.items() if name != "exp"})
    made["nbf ahead"] = places.forge(header, {**claims, "nbf": claims["exp"] + 3600})
    made["iat ahead"] = places.forge(header, {**claims, "iat": claims["exp"] + 3600})
    return made


@pytest.mark.clause("RFC 8725 3.1", "RFC 8725 3.2", "RFC 8725 3.8", "RFC 8725 3.9", "RFC 8725 3.10")
@pytest.mark.parametrize("place", ["userinfo", "gate", "exchange", "introspection"])
def test_attack_tricks_with_access_tokens(places: Places, place: str) -> None:
    good = places.sign_in(scope="openid client.manage")["access_token"]
    read = places.all()[place]
    changed = {**tricks(places, good), **times(places, good)}
    if place == "introspection":  # which tells of our own tokens alone, that are never made for later
        changed = {name: token for name, token in changed.items() if not name.endswith("ahead")}
    assert len(changed) > 50
    assert [name for name, token in changed.items() if read(token)] == []
    aud = json.loads(decode(good.split(".")[1]))
    audiences: tuple[Any, ...] = ("https://other.example", [], None, {"x": 1}, places.issuer + "/")
    for audience in audiences:
        # A client may see and exchange what it was given itself, for whatever audience that was
        if place != "introspection" and (place != "exchange" or not isinstance(audience, str)):
            assert not read(places.forge({}, {**aud, "aud": audience}))
    assert read(good)


@pytest.mark.clause("RFC 8725 3.1", "OIDC Core 3.1.2.2")
def test_attack_tricks_with_hints(places: Places) -> None:
    good = places.sign_in()["id_token"]
    assert [name for name, token in tricks(places, good).items() if places.at_hint(token)] == []
    assert places.at_hint(good)


@pytest.mark.clause("RFC 7009 2.1")
def test_a_revoked_token_is_good_nowhere(places: Places) -> None:
    for scope in ("openid client.manage", "openid client.manage offline_access"):
        token = places.sign_in(scope=scope)["access_token"]
        reading = ("userinfo", "gate", "exchange", "introspection")
        assert all(places.all()[place](token) for place in reading)
        revoked = places.http.post("/oauth2/revoke", data={"token": token}, auth=("own", places.secrets["own"]))
        assert revoked.status_code == 200
        assert [place for place in reading if places.all()[place](token)] == []
