"""Upstreams with recipes of their own for signing requests and sealing answers, modelled on public integrations (docs/reference/federation.md)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from crypto.sm2 import SM2PrivateKey, SM2PublicKey
from crypto.sm3 import verify_hmac_sm3
from crypto.sm4 import BLOCK_BYTES, NONCE_BYTES, sm4_cbc_decrypt, sm4_gcm_open
from idp.connectors.fields import read_identity, value_of
from idp.connectors.protocol import Begun, ask, cannot_anew, check_return, logout_page, read_object, refused, start
from idp.model.redirects import with_query
from standards.errors import MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from idp.connectors.settings import ConnectorSettings
    from idp.model.requests import Identity
    from service_kit.outbound import Outbound

DATA: Final = "data"
SIGN: Final = "sign"


@dataclass(frozen=True, slots=True)
class SsoTokenConnector:
    """A session token of the upstream, verified at its gateway with an HMAC-SHA256 over the request (as Zhejiang's for legal persons)."""

    settings: ConnectorSettings

    def begin(self, sign_in_id: str, at: datetime, *, anew: bool = False) -> Begun:
        """To the sign-in page; the state travels in the return address."""
        if anew:
            raise cannot_anew()
        kept = start(self.settings, sign_in_id, at)
        asked = {"spappurl": with_query(self.settings.callback_url, {"state": kept["state"]})}
        return Begun(with_query(self.settings.endpoints["authorization"], asked), kept)

    def finish(self, stored: Mapping[str, str], answer: Mapping[str, str], outbound: Outbound, at: datetime) -> Identity:
        """Token, record. The token is bound to this project by the gateway's signature only; the upstream binds it to nothing of ours."""
        settings = self.settings
        token = check_return(settings, stored, answer, "ssotoken", at)
        url = settings.endpoints["ticket"]
        date = format_datetime(at.astimezone(UTC), usegmt=True)
        key = settings.access_key or settings.client_id
        signed = f"POST\n{urlsplit(url).path}\n\n{key}\n{date}\n".encode()
        headers = {
            "x-bg-hmac-access-key": key,
            "x-bg-date-time": date,
            "x-bg-hmac-algorithm": "hmac-sha256",
            "x-bg-hmac-signature": base64.b64encode(hmac.digest(settings.client_secret.encode(), signed, hashlib.sha256)).decode(),
        }
        found = ask(outbound, "POST", url, form={"projectId": settings.client_id, "ssotoken": token}, headers=headers)
        record = found.get("data")
        if str(found.get("errCode")) != "0" or not isinstance(record, dict):
            raise refused("upstream-error")
        return read_identity(settings, record, at, weak=("token-without-audience",))

    def logout_url(self, return_url: str, state: str) -> str | None:
        """The upstream's logout page; the state travels in the return address."""
        return logout_page(self.settings, {"goto": with_query(return_url, {"state": state})})


@dataclass(frozen=True, slots=True)
class EncryptedRedirectConnector:
    """The record itself comes back with the browser, sealed (as the web portal of Inner Mongolia is described; parameters are assumed).

    What passes through the browser may have been anybody's, and of any time. So the record must be authentic (an authenticated cipher, a
    MAC, or a signature over the ciphertext, checked before it is opened) and must hold the state of this very sign-in.
    """

    settings: ConnectorSettings

    def begin(self, sign_in_id: str, at: datetime, *, anew: bool = False) -> Begun:
        """To the portal's sign-in page; the return address is registered there and is no parameter."""
        if anew:
            raise cannot_anew()
        kept = start(self.settings, sign_in_id, at)
        asked = {"client_id": self.settings.client_id, "state": kept["state"]}
        return Begun(with_query(self.settings.endpoints["authorization"], asked), kept)

    def finish(self, stored: Mapping[str, str], answer: Mapping[str, str], outbound: Outbound, at: datetime) -> Identity:
        """The record out of the answer; nobody is asked."""
        del outbound
        data = check_return(self.settings, stored, answer, DATA, at)
        record = read_object(_open(self.settings.cipher, _decode(data), _decode(answer.get(SIGN, ""))))
        if not hmac.compare_digest(value_of(self.settings.fields, record, "state").encode(), stored["state"].encode()):
            raise refused("record-state")
        return read_identity(self.settings, record, at, weak=("record-through-browser",))

    def logout_url(self, return_url: str, state: str) -> str | None:
        """The portal's logout page; the state travels in the return address."""
        return logout_page(self.settings, {"redirect_uri": with_query(return_url, {"state": state})})


def _open(cipher: Mapping[str, str], sealed: bytes, proof: bytes) -> bytes:
    """What the upstream sealed, by the scheme of the settings; authentic before it is opened."""
    key, proof_key = bytes.fromhex(cipher["key"]), bytes.fromhex(cipher.get("proof_key", ""))
    try:
        if cipher["scheme"] == "sm4-gcm":  # nonce | ciphertext | tag
            return sm4_gcm_open(key, sealed[:NONCE_BYTES], sealed[NONCE_BYTES:])
        if cipher["scheme"] == "sm4-cbc-hmac-sm3":  # iv | ciphertext, HMAC-SM3 over both
            if not verify_hmac_sm3(proof_key, sealed, proof):
                raise refused("record-proof")
            return sm4_cbc_decrypt(key, sealed[:BLOCK_BYTES], sealed[BLOCK_BYTES:])
        if not SM2PublicKey.from_point(proof_key).verify(proof, sealed):  # sm2-sm3: SM2Cipher, signature over it, both DER
            raise refused("record-proof")
        return SM2PrivateKey.from_scalar(key).decrypt(sealed)
    except (TrustError, MalformedError) as error:
        if isinstance(error, TrustError) and error.code == "UPSTREAM_ANSWER_REFUSED":
            raise
        raise refused("record-sealed") from None


def _decode(text: str) -> bytes:
    """Base64 in either alphabet, padded or not; a plus sign that a browser made a blank is one again."""
    plain = text.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise refused("record-sealed") from None
