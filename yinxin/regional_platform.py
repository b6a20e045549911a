"""The region's seal platform over HTTP: seals are put on file there, and every change of state is told. Off unless ``[region] url`` is set.

The parameters of the platforms' interface (C0122) are not public. So nothing of it is built in but what any such exchange needs: a signed
request, a signed answer, and an answer that proves to be about this very request. Paths, names of members and codes of states are settings.

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
from crypto.sm3 import sm3
from service_kit.outbound import Outbound, read_networks
from standards.errors import Kind, TrustError
from standards.rfc7468_pem import read_pem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from crypto.signer import Signer
    from seal_service.model import Seal
    from seal_service.ports import StateChange
    from service_kit.clock import Clock
    from service_kit.settings import Region

ANSWER_BYTES: Final = 64 * 1024  # a receipt takes some hundred bytes
KEY_FILE_BYTES: Final = 64 * 1024
TIMESTAMP_DIGITS: Final = 12
PAUSE_SECONDS: Final = 30.0  # a platform that is away is left alone for so long: what waits in the outbox behind it goes on
OK: Final = 200
NAMES: Final = (
    "account",
    "code",
    "name",
    "organisation",
    "credit_code",
    "type_code",
    "certificate",
    "seal",
    "seal_digest",
    "valid_until",
    "state",
    "version",
    "at",
    "receipt",
)
"""Members of requests and answers as they are called here; ``[region] names`` calls them otherwise."""
_SM2: Final = algorithm_identifier(SignatureAlgorithm.SM2_SM3)


def _unavailable(reason: str) -> TrustError:
    return TrustError(Kind.UNAVAILABLE, "REGION_UNAVAILABLE", reason=reason)


def _untrusted(rule: str) -> TrustError:
    return TrustError(Kind.UNAVAILABLE, "REGION_ANSWER_UNTRUSTED", rule=rule)


def to_be_signed(message_id: str, timestamp: str, body: bytes) -> bytes:
    """The bytes under the signature of a request or an answer."""
    return f"{message_id}.{timestamp}.".encode() + body


@dataclass
class RegionalPlatformClient:
    """One platform. ``signer`` signs requests; ``platform_spki_der`` is the only key whose answers count."""

    region: Region
    platform_spki_der: bytes
    signer: Signer
    clock: Clock
    outbound: Outbound
    names: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    _rest_until: float = 0.0

    def file_seal(self, seal: Seal) -> str:
        """Put a made seal on file; the receipt. The same seal and version again is the same request.

        Raises REGION_UNAVAILABLE (away, slow, refused), REGION_ANSWER_UNTRUSTED; nothing is on file here then, and it is tried again.
        """
        seal_data_der = seal.seal_data_der or b""
        digest = sm3(seal_data_der).hex()
        answer = self._ask(
            self.region.filing_path,
            f"file-{seal.id}-{seal.version}",
            {
                "code": seal.code,
                "name": seal.name,
                "organisation": seal.organisation,
                "credit_code": seal.credit_code,
                "type_code": seal.type_code,
                "certificate": base64.b64encode(seal.certificate_der or b"").decode(),
                "seal": base64.b64encode(seal_data_der).decode(),
                "seal_digest": digest,
                "valid_until": None if seal.valid_until is None else seal.valid_until.isoformat(),
                "version": seal.version,
            },
        )
        self._check_about(answer, {"code": seal.code, "seal_digest": digest})
        receipt = answer.get(self._name("receipt"))
        if not isinstance(receipt, str):
            raise _untrusted("receipt")
        return receipt

    def tell_state(self, change: StateChange) -> None:
        """Tell one change of state. One that the platform has no code for (where ``[region] states`` names some) is none of its business."""
        if self.states and change.state not in self.states:
            return
        state = self.states.get(change.state, change.state)
        told = {"code": change.code, "state": state, "version": change.version, "at": change.at.isoformat()}
        answer = self._ask(self.region.state_path, f"state-{change.seal_id}-{change.version}", told)
        self._check_about(answer, {"code": change.code, "state": state, "version": change.version})

    def _name(self, ours: str) -> str:
        return self.names.get(ours, ours)

    def _check_about(self, answer: Mapping[str, Any], wanted: Mapping[str, str | int]) -> None:
        for ours, value in wanted.items():
            if answer.get(self._name(ours)) != value:
                raise _untrusted(ours)

    def _ask(self, path: str, message_id: str, members: Mapping[str, Any]) -> Mapping[str, Any]:
        """One request, one answer that is the platform's own, about this request, of now."""
        # 1. A platform that was away a moment ago would only hold up what else waits.
        if time.monotonic() < self._rest_until:
            raise _unavailable("resting")

        # 2. The request, signed.
        named = {self._name(ours): value for ours, value in {"account": self.region.account, **members}.items() if value is not None}
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
            answer = self.outbound.call(
                "POST", (self.region.url or "").rstrip("/") + path, headers=headers, content=body, answer_bytes=ANSWER_BYTES
            )
        except TrustError as error:
            self._rest_until = time.monotonic() + PAUSE_SECONDS
            raise _unavailable(str(error.facts.get("reason", error.code))) from error
        if answer.status != OK:
            raise _unavailable(f"status {answer.status}")

        # 3. Of the platform: its key, over id, time and body as they came.
        answered_id, answered_at = answer.headers.get("yinxin-id", ""), answer.headers.get("yinxin-timestamp", "")
        try:
            answered = base64.b64decode(answer.headers.get("yinxin-signature", ""), validate=True)
        except (binascii.Error, ValueError):
            raise _untrusted("signature") from None
        content = to_be_signed(answered_id, answered_at, answer.body)
        if verify_signature(self.platform_spki_der, _SM2, content, answered) is not SignatureCheck.GOOD:
            raise _untrusted("signature")

        # 4. To this request, and of now: what was answered to another one, or long ago, says nothing.
        if answered_id != message_id:
            raise _untrusted("id")
        is_number = answered_at.isascii() and answered_at.isdigit() and len(answered_at) <= TIMESTAMP_DIGITS
        if not is_number or abs(self.clock.now().timestamp() - int(answered_at)) > self.region.clock_skew_seconds:
            raise _untrusted("timestamp")
        return _read_object(answer.body)


def _read_object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise _untrusted("body") from None
    if not isinstance(found, dict):
        raise _untrusted("body")
    return found


def read_pairs(entries: Sequence[str], setting: str, known: Sequence[str]) -> dict[str, str]:
    """``ours=theirs`` of a setting. SETTING_INVALID for an entry of another form, twice, or of a name that does not exist here."""
    pairs: dict[str, str] = {}
    for entry in entries:
        ours, equals, theirs = (part.strip() for part in entry.partition("="))
        if not equals or not theirs or ours in pairs or ours not in known:
            raise TrustError(Kind.UNACCEPTABLE, "SETTING_INVALID", name=setting, expected="ours=theirs, each of ours once")
        pairs[ours] = theirs
    return pairs


def read_platform_key(path: Path) -> bytes:
    """The key of the platform (SubjectPublicKeyInfo, DER) from a PEM file: a public key or a certificate. SETTING_INVALID."""
    try:
        with path.open("rb") as file:
            [(label, der)] = read_pem(file.read(KEY_FILE_BYTES))
        if label == "PUBLIC KEY":
            return der
        if label == "CERTIFICATE":
            return Certificate.from_der(der).spki_der
    except (OSError, ValueError, TrustError) as error:
        raise _no_key(type(error).__name__) from error
    raise _no_key(label)


def _no_key(found: str) -> TrustError:
    return TrustError(
        Kind.UNACCEPTABLE, "SETTING_INVALID", name="region.platform_key", expected="PEM of one key or certificate", found=found
    )


def open_region(region: Region, folder: Path, signer: Signer, clock: Clock, states: Sequence[str]) -> RegionalPlatformClient | None:
    """The platform that the settings name; None where they name none. ``states``: the states of a seal there are. SETTING_INVALID."""
    if region.url is None:
        return None
    outbound = Outbound(read_networks(region.networks), timeout_seconds=region.timeout_seconds)
    try:
        outbound.check_url(region.url)
    except TrustError as error:
        raise TrustError(Kind.UNACCEPTABLE, "SETTING_INVALID", name="region.url", expected="an address within region.networks") from error
    names = read_pairs(region.names, "region.names", NAMES)
    if len({names.get(ours, ours) for ours in NAMES}) != len(NAMES):  # two members under one name: one of them would be lost
        raise TrustError(Kind.UNACCEPTABLE, "SETTING_INVALID", name="region.names", expected="each of theirs once")
    return RegionalPlatformClient(
        region,
        read_platform_key(folder / region.platform_key),
        signer,
        clock,
        outbound,
        names,
        read_pairs(region.states, "region.states", states),
    )
