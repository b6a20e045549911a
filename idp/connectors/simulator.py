"""A regional identity provider that does not exist, for demonstrations: persons who do not exist either, and ways to misbehave.

It keeps nothing: a code is the sealed answer itself, its keys are derived. ``spent`` of a code is for the caller to remember. It serves
only demonstrations (idp/pages/simulator_pages.py).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from crypto.jose import write_base64url
from idp.connectors.settings import ConnectorSettings, read_settings
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from crypto.sealed_values import ValueSealer

NAME: Final = "simulator"
PATH: Final = "/upstream-simulator"
CLIENT_ID: Final = "yinxin-demo"
CODE_SECONDS: Final = 60
TOKEN_SECONDS: Final = 300
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (SEC 2)
_PLACE: Final = "idp.simulator"

PERSONS: Final[dict[str, dict[str, Any]]] = {
    "sim-1": {
        "name": "模拟甲",
        "usertype": "1",
        "idtype": "1",
        "idnum": "990000199003070013",
        "level": "L3",
        "organizations": [{"id": "sim-firm", "name": "模拟企业（演示）", "uscc": "12990000YX0000019P"}],
    },
    "sim-2": {"name": "模拟乙", "usertype": "1", "idtype": "1", "idnum": "990000198512120029", "level": "L2"},
    "sim-3": {"name": "模拟丙", "usertype": "1", "level": "L1"},
    "sim-4": {"name": "模拟合作社（演示）", "usertype": "2", "idtype": "49", "idnum": "12990000YX0000027J", "level": "L3"},
}
"""Invented: division 990000 does not exist."""
MISBEHAVIOURS: Final = (
    "",
    "issuer",
    "audience",
    "nonce",
    "expired",
    "early",
    "signature",
    "subject",
    "code-twice",
    "state",
    "other-issuer",
    "broken",
    "slow",
)
"""How it can be asked to misbehave; each must end in a refusal here."""
SLOW_SECONDS: Final = 30.0  # how long it lets a caller wait who asked for that: longer than anybody should


@dataclass(frozen=True, slots=True)
class Simulator:
    """``issuer``: its own address. ``callback_url``: the one return address it knows."""

    sealer: ValueSealer
    issuer: str
    callback_url: str

    def __repr__(self) -> str:
        """Without the keys."""
        return f"Simulator({self.issuer!r})"

    @property
    def client_secret(self) -> str:
        """Of the one client it knows."""
        return self.sealer.find(b"client secret", _PLACE).hex()

    @property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        number = int.from_bytes(self.sealer.find(b"signing key", _PLACE)) % (_ORDER - 1) + 1
        return ec.derive_private_key(number, ec.SECP256R1())

    def write_code(self, asked: Mapping[str, str], subject: str, misbehaviour: str, at: datetime) -> str:
        """The code for a person's sign-in: everything that the token will say, sealed."""
        kept = {
            "sub": subject,
            "nonce": asked.get("nonce", ""),
            "challenge": asked.get("code_challenge", ""),
            "misbehaviour": misbehaviour,
            "until": int(at.timestamp()) + CODE_SECONDS,
        }
        return base64.urlsafe_b64encode(self.sealer.seal(json.dumps(kept).encode(), f"{_PLACE}.code")).decode("ascii")

    def read_code(self, code: str, verifier: str, authorization: str, at: datetime) -> dict[str, Any]:
        """What is sealed in a code, for the one client, with the verifier of its challenge, in time. SIMULATOR_REFUSED."""
        basic = base64.b64encode(f"{CLIENT_ID}:{self.client_secret}".encode()).decode("ascii")
        if not hmac.compare_digest(authorization.encode(), f"Basic {basic}".encode()):
            raise _refused("client")
        kept = self._opened(code, "code")
        challenge = write_base64url(hashlib.sha256(verifier.encode()).digest())
        if kept["until"] <= at.timestamp() or not hmac.compare_digest(challenge.encode(), str(kept["challenge"]).encode()):
            raise _refused("code")
        return kept

    def tokens(self, kept: Mapping[str, Any], at: datetime) -> dict[str, Any]:
        """The token answer, with what goes wrong in it on request."""
        now, wrong = int(at.timestamp()), kept["misbehaviour"]
        subject = str(kept["sub"])
        access = base64.urlsafe_b64encode(self.sealer.seal(json.dumps({"sub": subject, "wrong": wrong}).encode(), f"{_PLACE}.access"))
        access_token = access.decode("ascii")
        claims = {
            "iss": self.issuer + ("/other" if wrong == "issuer" else ""),
            "aud": "another" if wrong == "audience" else CLIENT_ID,
            "sub": subject,
            "sid": self.sealer.find(f"{subject}{kept['nonce']}".encode(), _PLACE).hex()[:32],
            "nonce": "another" if wrong == "nonce" else kept["nonce"],
            "auth_time": now,
            "iat": now + (3600 if wrong == "early" else 0),
            "exp": now + (-3600 if wrong == "expired" else TOKEN_SECONDS),
            "at_hash": write_base64url(hashlib.sha256(access_token.encode()).digest()[:16]),
            **PERSONS[subject],
        }
        return {"access_token": access_token, "token_type": "Bearer", "id_token": self._sign(claims, is_wrong=wrong == "signature")}

    def userinfo(self, authorization: str) -> dict[str, Any]:
        """The person of an access token. SIMULATOR_REFUSED."""
        kept = self._opened(authorization.removeprefix("Bearer "), "access")
        return {"sub": "another" if kept["wrong"] == "subject" else kept["sub"], **PERSONS[str(kept["sub"])]}

    def key_set(self) -> dict[str, Any]:
        """Its one key."""
        point = self._key.public_key().public_numbers()
        x, y = (write_base64url(number.to_bytes(32)) for number in (point.x, point.y))
        return {"keys": [{"kty": "EC", "crv": "P-256", "kid": NAME, "alg": "ES256", "use": "sig", "x": x, "y": y}]}

    def discovery(self) -> dict[str, Any]:
        """Its metadata."""
        return {
            "issuer": self.issuer,
            **{f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("token", "userinfo")},
            "authorization_endpoint": f"{self.issuer}/authorize",
            "end_session_endpoint": f"{self.issuer}/logout",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "authorization_response_iss_parameter_supported": True,
        }

    def is_known_request(self, asked: Mapping[str, str]) -> bool:
        """Whether somebody was sent here by the one client, to go back to its address."""
        return (asked.get("client_id"), asked.get("redirect_uri"), asked.get("code_challenge_method")) == (
            CLIENT_ID,
            self.callback_url,
            "S256",
        )

    def _opened(self, sealed: str, what: str) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = json.loads(self.sealer.open(base64.urlsafe_b64decode(sealed.encode("ascii")), f"{_PLACE}.{what}"))
        except (TrustError, ValueError):
            raise _refused(what) from None
        return kept

    def _sign(self, claims: Mapping[str, Any], *, is_wrong: bool) -> str:
        parts = (json.dumps({"alg": "ES256", "kid": NAME}), json.dumps(claims, ensure_ascii=False))
        signed = ".".join(write_base64url(part.encode()) for part in parts)
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{write_base64url(r.to_bytes(32) + (s ^ is_wrong).to_bytes(32))}"


def simulated_upstream(sealer: ValueSealer, base_url: str) -> tuple[Simulator, ConnectorSettings]:
    """The simulator of a deployment and the upstream that it is to it."""
    issuer = base_url + PATH
    callback_url = f"{base_url}/sign-in/upstream/{NAME}/callback"
    simulator = Simulator(sealer, issuer, callback_url)
    settings = read_settings(
        {
            "name": NAME,
            "protocol": "oidc",
            "issuer": issuer,
            "callback_url": callback_url,
            "client_id": CLIENT_ID,
            "client_secret": simulator.client_secret,
            "is_issuer_returned": True,
            "title_zh": "自治区平台（模拟）",
            "title_en": "Regional platform (simulator)",
            "endpoints": {
                "authorization": f"{issuer}/authorize",
                **{name: f"{issuer}/{name}" for name in ("token", "jwks", "userinfo", "logout")},
            },
            "fields": {
                "subject": "sub",
                "name": "name",
                "kind": "usertype",
                "id_type": "idtype",
                "id_number": "idnum",
                "level": "level",
            },
            "levels": {"L1": 1, "L2": 2, "L3": 3},
            "id_types": {"1": "resident_id", "49": "credit_code"},
            "kinds": {"1": "person", "2": "organisation"},
            "agents": {"list": "organizations", "subject": "id", "name": "name", "credit_code": "uscc"},
            "linking": {"id_types": ["resident_id", "credit_code"], "agent_seconds": 86_400},
        }
    )
    return simulator, settings


def _refused(reason: str) -> TrustError:
    return TrustError(Kind.UNAUTHENTICATED, "SIMULATOR_REFUSED", reason=reason)
