"""An upstream identity provider of every kind on loopback. Synthetic persons only. ``attack`` makes it misbehave in one way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from crypto.sm2 import SM2PrivateKey, SM2PublicKey
from crypto.sm3 import hmac_sm3
from crypto.sm4 import sm4_cbc_encrypt, sm4_gcm_seal
from tests.fakes.loopback import QuietHandler, serve_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT: Final = "yinxin-city"
SECRET: Final = "a secret of the upstream: 1/2"
NUMBER: Final = "110101199003070011"  # synthetic, with a valid check character
SM4_KEY: Final = bytes(range(16))
SM2_SCALAR: Final = (12345678901234567890).to_bytes(32)
MAC_KEY: Final = bytes(range(32))
AT: Final = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _int(number: int) -> str:
    return _b64(number.to_bytes((number.bit_length() + 7) // 8))


@dataclass
class Upstream:
    """``record``: what it says of the person; ``claims`` overrides members of the ID token (None leaves one out)."""

    url: str = ""
    attack: str = ""
    algorithm: str = "ES256"
    record: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    nonce: str = ""
    challenge: str = ""
    service: str = ""
    scheme: str = "sm4-gcm"
    headers: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    ec_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    ours: SM2PublicKey = field(default_factory=lambda: SM2PrivateKey.from_scalar(SM2_SCALAR).public_key)
    theirs: SM2PrivateKey = field(default_factory=SM2PrivateKey.generate)
    rsa_key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def authorize(self, redirect_url: str) -> dict[str, str]:
        """What the browser brings back from the page it was sent to."""
        asked = dict(parse_qsl(urlsplit(redirect_url).query))
        self.nonce, self.challenge, self.service = asked.get("nonce", ""), asked.get("code_challenge", ""), asked.get("service", "")
        names = ("redirect_uri", "goto", "callbackurl", "spappurl", "service")
        back = next((asked[name] for name in names if name in asked), "")  # one kind has its return address registered
        state = asked.get("state") or dict(parse_qsl(urlsplit(back).query))["state"]
        self.used.clear()
        codes = dict.fromkeys(("code", "ticket", "trustticket", "ssotoken"), "c-1")
        return {**codes, **self.sealed({**self.record, "state": state}), "state": state, "iss": self.url}

    def sealed(self, record: dict[str, Any]) -> dict[str, str]:
        """The record as it goes through the browser, by the scheme under test."""
        text = json.dumps(record).encode()
        if self.scheme == "sm4-gcm":
            data, proof = bytes(12) + sm4_gcm_seal(SM4_KEY, bytes(12), text), b""
        elif self.scheme == "sm4-cbc-hmac-sm3":
            data = bytes(16) + sm4_cbc_encrypt(SM4_KEY, bytes(16), text)
            proof = hmac_sm3(MAC_KEY, data)
        else:
            data = self.ours.encrypt(text)
            proof = self.theirs.sign(data)
        return {"data": _b64(data), "sign": base64.b64encode(proof).decode()}

    def key_set(self) -> dict[str, Any]:
        point, numbers = self.ec_key.public_key().public_numbers(), self.rsa_key.public_key().public_numbers()
        if self.attack == "other-keys":
            point = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
        keys: list[Any] = [
            {"kty": "EC", "crv": "P-256", "kid": "e", "x": _b64(point.x.to_bytes(32)), "y": _b64(point.y.to_bytes(32))},
            {"kty": "RSA", "kid": "r", "use": "sig", "n": _int(numbers.n), "e": _int(numbers.e)},
        ]
        changed = {
            "no-keys": [],
            "key-twice": keys * 2,
            "many-keys": keys * 20,
            "small-key": [keys[0], {**keys[1], "n": _int((1 << 1023) + 1)}],
            "dear-key": [keys[0], {**keys[1], "e": _int((1 << 2040) + 1)}],
            "other-curve": [{**keys[0], "crv": "secp256k1"}],
            "off-curve": [{**keys[0], "y": keys[0]["x"]}],
            "key-without-point": [{"kty": "EC", "crv": "P-256", "kid": "e"}],
            "encryption-key": [{**keys[0], "use": "enc"}],
            "private-key": [{**keys[0], "d": keys[0]["x"]}],
            "key-spelt-otherwise": [{**keys[0], "x": keys[0]["x"] + "="}],
            "key-too-short": [{**keys[0], "x": keys[0]["x"][:-4]}],
        }
        return {"keys": "none"} if self.attack == "keys-no-list" else {"keys": changed.get(self.attack, keys)}

    def id_token(self, access_token: str) -> str:
        now = int(AT.timestamp())
        at_hash = _b64(hashlib.sha256(access_token.encode()).digest()[:16])
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonce,
            "at_hash": at_hash,
            **self.record,
            **self.claims,
        }
        header: dict[str, Any] = {"alg": self.algorithm, "kid": {"ES256": "e", "RS256": "r"}.get(self.algorithm, "e")}
        said: dict[str, dict[str, Any]] = {
            "crit": {"crit": ["exp"]},
            "names-a-certificate": {"x5t": "AAAA", "x5t#S256": "AAAA", "nonce": "n"},
            "jku": {"jku": f"{self.url}/jwks"},
            "jwk": {"jwk": {"kty": "EC"}},
            "x5c": {"x5c": ["AAAA"], "x5u": self.url},
            "zip": {"zip": "DEF"},
            "b64": {"b64": False},
            "kid-a-number": {"kid": 7},
            "typ-a-list": {"typ": ["JWT"]},
            "typ-of-a-notice": {"typ": "application/LOGOUT+jwt"},
        }
        header |= said.get(self.attack, {})
        body = _b64(json.dumps({name: value for name, value in claims.items() if value is not None}).encode())
        signed = f"{_b64(json.dumps(header).encode())}.{body}"
        if self.algorithm == "none":
            return signed + "."
        if self.algorithm == "HS256":  # the public key as HMAC secret
            return f"{signed}.{_b64(hmac.digest(json.dumps(self.key_set()).encode(), signed.encode(), 'sha256'))}"
        if self.algorithm == "RS256":
            signature = self.rsa_key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        else:
            r, s = decode_dss_signature(self.ec_key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
            signature = r.to_bytes(32) + s.to_bytes(32)
        if self.attack == "bad-signature":
            signature = bytes((signature[0] ^ 1,)) + signature[1:]
        if self.attack == "short-signature":
            signature = signature[:40]
        last = _b64(signature)
        if self.attack == "another-spelling":  # of the same bytes: 64 of them leave four bits unused in the last character
            alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
            last = last[:-1] + alphabet[alphabet.index(last[-1]) + 1]
        return f"{signed}.{ {'not-base64': '*', 'padded': last + '=='}.get(self.attack, last) }"

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        """Status and JSON of one request; wrong credentials, a wrong code and a second use are refused as real ones do."""
        path = path.removeprefix("/protocol/openid-connect")
        if path in {"/jwks", "/certs"}:
            return 200, self.key_set()
        if path == "/userinfo":
            return 200, {**self.record, "address": "synthetic street 1", **({"sub": "another"} if self.attack == "other-userinfo" else {})}
        if path == "/tokeninfo":
            return (200, self.record) if form.get("access_token") == "t-1" else (401, {})
        if path == "/token":
            if authorization:
                client, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
                form = {**form, "client_id": unquote_plus(client), "client_secret": unquote_plus(secret)}
                proof = _b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
                if proof != self.challenge:
                    return 400, {"error": "invalid_grant"}
            if form.get("client_id") != CLIENT or form.get("client_secret") != SECRET or not self._use(form.get("code")):
                return 400, {"error": "invalid_grant"}
            token: Any = {"no-token": "", "token-no-text": 5}.get(self.attack, "t-1")
            return 200, {"access_token": token, "id_token": 7 if self.attack == "no-id-token" else self.id_token("t-1")}
        if path == "/record":
            right = form.get("client_id") == CLIENT and form.get("client_secret") == SECRET and self._use(form.get("code"))
            return (200, self.record) if right else (403, {})
        if path == "/md5":
            sign = hashlib.md5(f"{CLIENT}{SECRET}{form['time']}".encode(), usedforsecurity=False).hexdigest()
            if sign != form["sign"] or form["time"] != (AT + timedelta(hours=8)).strftime("%Y%m%d%H%M%S"):
                return 200, {"result": "1", "errmsg": "sign"}
            if form["method"] == "ticketValidation":
                return 200, {"result": "0", "token": "t-1"} if self._use(form.get("st")) else {"result": "2"}
            return 200, {"result": "0", **self.record}
        if path == "/gateway":
            date = self.headers.get("x-bg-date-time", "")
            key = self.headers.get("x-bg-hmac-access-key", "")
            signed = f"POST\n/gateway\n\n{key}\n{date}\n".encode()
            proof = base64.b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).decode()
            if not hmac.compare_digest(self.headers.get("x-bg-hmac-signature", ""), proof) or form.get("projectId") != CLIENT:
                return 403, {}
            return 200, {"errCode": 0, "data": self.record} if self._use(form.get("ssotoken")) else {"errCode": 1}
        if path == "/trust":
            posted = json.loads(form["POSTPARAM_JSON"])
            if posted["INVOKESERVICE_CODE"] == "103":
                used = posted["INVOKECALLER_CODE"] == CLIENT and self._use(posted["TRUST_TICKET"])
                return 200, {"success": used, "data": {"USER_ID": self.record["USER_ID"], "USER_TOKEN": "t-1"} if used else None}
            return 200, {"success": True, "data": {**self.record, **({"USER_ID": "another"} if self.attack == "other-record" else {})}}
        if form.get("service") != self.service or not self._use(form.get("ticket")):  # /validate
            return 200, {"serviceResponse": {"authenticationFailure": {"code": "INVALID_TICKET"}}}
        return 200, {"serviceResponse": {"authenticationSuccess": self.record}}

    def _use(self, code: str | None) -> bool:
        first = code == "c-1" and code not in self.used
        self.used.add(code or "")
        return first


@contextmanager
def upstream() -> Iterator[Upstream]:
    """A server on a free port of 127.0.0.1."""
    state = Upstream()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            parts = urlsplit(self.path)
            state.asked.append(parts.path)
            form = state.form = {**dict(parse_qsl(parts.query)), **dict(parse_qsl(body))}
            state.headers = {name.lower(): value for name, value in self.headers.items()}
            status, value = state.answer(parts.path, form, self.headers.get("authorization", ""))
            content = json.dumps(value).encode()
            content = {
                "not-json": b"<html>",
                "list": b"[]",
                "twice": b'{"a": 1, "a": 2}',
                "constant": content[:-1] + b', "a": NaN}',
                "long-number": content[:-1] + b', "a": ' + b"1" * 5000 + b"}",
                "half-character": content[:-1] + b', "a": "\\ud800"}',
                "utf-16": content.decode().encode("utf-16"),
                "oversized": b'{"a": "' + b"x" * 70_000 + b'"}',
                "deep": b"[" * 60_000,
            }.get(state.attack, content)
            status = {"broken": 503, "redirect": 302}.get(state.attack, status)
            if state.attack == "slow":
                time.sleep(1.5)
            self.send_response(status)
            self.send_header("location", f"{state.url}/elsewhere")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST

    with serve_loopback(Handler) as address:
        state.url = address
        yield state
