"""Signed requests and signed answers over HTTP, with platforms of the region whose own interfaces are not public.

What any such exchange needs, and nothing else: a signed request, a signed answer, and an answer that proves to be about this very request.

Request and answer carry the headers ``yinxin-id``, ``yinxin-timestamp`` (seconds since 1970 UTC) and ``yinxin-signature`` (base64 of an SM2
signature, DER {r, s}, SM3, default user id) over ``id.timestamp.body``. The id is the same for every repetition of the same request, and the
answer carries it again. It names the thing, so that the platform can tell repetitions, and an answer of another time or thing is none.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from crypto.certificates import Certificate
from crypto.signatures import SignatureAlgorithm, SignatureCheck, algorithm_identifier, verify_signature
from service_kit.outbound import Outbound, read_networks
from standards.errors import Kind, TrustError
from standards.rfc7468_pem import read_pem
from standards.rfc7493_i_json import StrictJsonError, read_strict_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from crypto.signer import Signer
    from service_kit.clock import Clock

ANSWER_BYTES: Final = 64 * 1024  # a receipt takes some hundred bytes
KEY_FILE_BYTES: Final = 64 * 1024
TIMESTAMP_DIGITS: Final = 12
OK: Final = 200
_SM2: Final = algorithm_identifier(SignatureAlgorithm.SM2_SM3)


def region_unavailable(reason: str) -> TrustError:
    """The platform is away, slow, or answers no 200."""
    return TrustError(Kind.UNAVAILABLE, "REGION_UNAVAILABLE", reason=reason)


def region_untrusted(rule: str) -> TrustError:
    """What came back is no answer of the platform's to this request. ``rule`` says why not."""
    return TrustError(Kind.UNAVAILABLE, "REGION_ANSWER_UNTRUSTED", rule=rule)


def to_be_signed(message_id: str, timestamp: str, body: bytes) -> bytes:
    """The bytes under the signature of a request or an answer."""
    return f"{message_id}.{timestamp}.".encode() + body


@dataclass
class SignedExchange:
    """One platform. ``signer`` signs requests; ``platform_spki_der`` is the only key whose answers count; ``names``: members it calls otherwise.

    ``pause_seconds``: as long a platform that was away is left alone.
    """

    url: str
    platform_spki_der: bytes
    signer: Signer
    clock: Clock
    outbound: Outbound
    clock_skew_seconds: float
    names: Mapping[str, str] = field(default_factory=dict)
    pause_seconds: float = 0.0
    answer_bytes: int = ANSWER_BYTES
    _rest_until: float = 0.0

    def name(self, ours: str) -> str:
        """What the platform calls a member."""
        return self.names.get(ours, ours)

    def check_about(self, answer: Mapping[str, Any], wanted: Mapping[str, str | int]) -> None:
        """Whether an answer repeats what it is about. REGION_ANSWER_UNTRUSTED names the member that it does not."""
        for ours, value in wanted.items():
            found = answer.get(self.name(ours))
            if type(found) is not type(value) or found != value:
                raise region_untrusted(ours)

    def ask(self, path: str, message_id: str, members: Mapping[str, Any]) -> Mapping[str, Any]:
        """One request, one answer that is the platform's own, about this request, of now. Members that are None are left out.

        Raises REGION_UNAVAILABLE (away, slow, refused), REGION_ANSWER_UNTRUSTED.
        """
        # 1. A platform that was away a moment ago would only hold up what else waits.
        if time.monotonic() < self._rest_until:
            raise region_unavailable("resting")

        # 2. The request, signed.
        named = {self.name(ours): value for ours, value in members.items() if value is not None}
        body = json.dumps(named, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        timestamp = str(int(self.clock.now().timestamp()))
        signature = self.signer.sign(to_be_signed(message_id, timestamp, body))
        headers = {
            "content-type": "application/json",
            "yinxin-id": message_id,
            "yinxin-timestamp": timestamp,
            "yinxin-signature": base64.b64encode(signature).decode(),
        }
        try:
            answer = self.outbound.call("POST", self.url.rstrip("/") + path, headers=headers, content=body, answer_bytes=self.answer_bytes)
        except TrustError as error:
            self._rest_until = time.monotonic() + self.pause_seconds
            raise region_unavailable(str(error.facts.get("reason", error.code))) from error
        if answer.status != OK:
            raise region_unavailable(f"status {answer.status}")

        # 3. Of the platform: its key, over id, time and body as they came.
        answered_id, answered_at = answer.headers.get("yinxin-id", ""), answer.headers.get("yinxin-timestamp", "")
        try:
            answered = base64.b64decode(answer.headers.get("yinxin-signature", ""), validate=True)
        except (binascii.Error, ValueError):
            raise region_untrusted("signature") from None
        content = to_be_signed(answered_id, answered_at, answer.body)
        if verify_signature(self.platform_spki_der, _SM2, content, answered) is not SignatureCheck.GOOD:
            raise region_untrusted("signature")

        # 4. To this request, and of now: what was answered to another one, or long ago, says nothing.
        if answered_id != message_id:
            raise region_untrusted("id")
        is_number = answered_at.isascii() and answered_at.isdigit() and len(answered_at) <= TIMESTAMP_DIGITS
        if not is_number or abs(self.clock.now().timestamp() - int(answered_at)) > self.clock_skew_seconds:
            raise region_untrusted("timestamp")
        return _read_object(answer.body)


def _read_object(body: bytes) -> Mapping[str, Any]:
    try:
        return read_strict_object(body)
    except StrictJsonError:
        raise region_untrusted("body") from None


def open_outbound(setting: str, url: str, networks: Sequence[str], timeout_seconds: float) -> Outbound:
    """The way out to one platform and nowhere else. ``setting``: the table of the settings. SETTING_INVALID."""
    outbound = Outbound(read_networks(networks), timeout_seconds=timeout_seconds)
    try:
        outbound.check_url(url)
    except TrustError as error:
        raise TrustError(
            Kind.UNACCEPTABLE, "SETTING_INVALID", name=f"{setting}.url", expected=f"an address within {setting}.networks"
        ) from error
    return outbound


def read_names(entries: Sequence[str], setting: str, known: Sequence[str]) -> dict[str, str]:
    """Members that the platform calls otherwise, each by one name. SETTING_INVALID."""
    names = read_pairs(entries, setting, known)
    if len({names.get(ours, ours) for ours in known}) != len(known):  # two members under one name: one of them would be lost
        raise TrustError(Kind.UNACCEPTABLE, "SETTING_INVALID", name=setting, expected="each of theirs once")
    return names


def read_pairs(entries: Sequence[str], setting: str, known: Sequence[str]) -> dict[str, str]:
    """``ours=theirs`` of a setting. SETTING_INVALID for an entry of another form, twice, or of a name that does not exist here."""
    pairs: dict[str, str] = {}
    for entry in entries:
        ours, equals, theirs = (part.strip() for part in entry.partition("="))
        if not equals or not theirs or ours in pairs or ours not in known:
            raise TrustError(Kind.UNACCEPTABLE, "SETTING_INVALID", name=setting, expected="ours=theirs, each of ours once")
        pairs[ours] = theirs
    return pairs


def read_platform_key(path: Path, setting: str) -> bytes:
    """The key of the platform (SubjectPublicKeyInfo, DER) from a PEM file: a public key or a certificate. SETTING_INVALID."""
    try:
        with path.open("rb") as file:
            [(label, der)] = read_pem(file.read(KEY_FILE_BYTES))
        if label == "PUBLIC KEY":
            return der
        if label == "CERTIFICATE":
            return Certificate.from_der(der).spki_der
    except (OSError, ValueError, TrustError) as error:
        raise _no_key(setting, type(error).__name__) from error
    raise _no_key(setting, label)


def _no_key(setting: str, found: str) -> TrustError:
    return TrustError(
        Kind.UNACCEPTABLE, "SETTING_INVALID", name=f"{setting}.platform_key", expected="PEM of one key or certificate", found=found
    )
