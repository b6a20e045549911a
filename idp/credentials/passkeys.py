"""Passkeys (Web Authentication Level 2): what a browser is asked for, and what its answers are worth.

The library checks signatures and the fields of the answers; which origin, which kinds of keys, whose key and which count of signatures are
acceptable is decided here. Nothing is asked about the maker of an authenticator (attestation "none").
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from idp.errors import credential_unusable
from service_kit.addresses import normalized_address
from standards.rfc7493_i_json import StrictJsonError, read_strict_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fido2.cose import CoseKey

ANSWER_CHARACTERS_MAX: Final = 16_384
_ES256, _EDDSA, _RS256 = -7, -8, -257  # RFC 9053, RFC 8812
ALGORITHMS: Final = (_ES256, _EDDSA, _RS256)
"""In the order preferred."""
COORDINATE_BYTES: Final = 32
RSA_MODULUS_BYTES_MIN: Final = 256
RSA_MODULUS_BYTES_MAX: Final = 512
_UNREADABLE: Final = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, struct.error)
_WRONG: Final = (*_UNREADABLE, InvalidSignature, UnsupportedAlgorithm, AssertionError)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """``origin``: as browsers name it, scheme, host and port. ``host``: the RP id."""

    origin: str
    host: str

    @property
    def can_have_passkeys(self) -> bool:
        """Passkeys belong to a domain: a deployment that is reached by an address has none (Web Authentication 5.1.3)."""
        try:
            ip_address(self.host.strip("[]"))
        except ValueError:
            return bool(self.host)
        return False

    def server(self) -> Fido2Server:
        """The library's half, with the one origin that counts here."""
        rp = PublicKeyCredentialRpEntity(id=self.host, name=self.host)
        server = Fido2Server(rp, verify_origin=lambda origin: origin == self.origin)
        server.allowed_algorithms = [
            PublicKeyCredentialParameters(type=PublicKeyCredentialType.PUBLIC_KEY, alg=each) for each in ALGORITHMS
        ]
        return server


@dataclass(frozen=True, slots=True)
class ShownKey:
    """What an assertion says of itself, before anything of it is checked. ``user``: the user handle, empty where there is none."""

    key_id: bytes
    user: bytes
    answer: AuthenticationResponse

    @property
    def challenge(self) -> bytes:
        """The challenge that was answered; whether it is one of ours is the caller's to check."""
        return self.answer.response.client_data.challenge


def relying_party(base_url: str) -> RelyingParty:
    """The relying party of a deployment at ``base_url``, its origin written as browsers write it (RFC 6454 6.2)."""
    scheme, authority, _ = normalized_address(base_url)
    return RelyingParty(f"{scheme}://{authority}", urlsplit(base_url).hostname or "")


def creation_options(party: RelyingParty, challenge: bytes, user: str, name: str, known: Sequence[bytes]) -> str:
    """What the browser is asked for a new passkey, JSON. ``known``: credential data of those the person has."""
    options, _ = party.server().register_begin(
        PublicKeyCredentialUserEntity(id=user.encode(), name=name, display_name=name),
        credentials=_descriptors(known),
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
        challenge=challenge,
    )
    return json.dumps(dict(options.public_key))


def request_options(party: RelyingParty, challenge: bytes, known: Sequence[bytes] = ()) -> str:
    """What the browser is asked for a sign-in, JSON. ``known``: the person's credential data; empty: whatever passkey the browser has."""
    options, _ = party.server().authenticate_begin(
        credentials=_descriptors(known), user_verification=UserVerificationRequirement.REQUIRED, challenge=challenge
    )
    return json.dumps(dict(options.public_key))


@dataclass(frozen=True, slots=True)
class NewKey:
    """A passkey as its registration shows it. ``data``: what is kept of it. ``challenge``: the one answered, for the caller to check."""

    key_id: bytes
    data: bytes
    counter: int
    challenge: bytes


def read_registration(party: RelyingParty, answer: str) -> NewKey:
    """The new passkey of an answer. CREDENTIAL_UNUSABLE with the reason."""
    given = _read(answer)
    # 1. What the library takes for granted
    try:
        registration = RegistrationResponse.from_dict(given)
        if registration.response.client_data.cross_origin is not False:
            raise credential_unusable("cross-origin")
        found = registration.response.attestation_object.auth_data
        data = found.credential_data
        if data is None or registration.raw_id != data.credential_id:
            raise credential_unusable("no-key")
        _check_key(data.public_key)
        # 2. Type, origin, RP id, presence and verification of the person
        challenge = registration.response.client_data.challenge
        party.server().register_complete(_state(challenge), registration)
    except _WRONG:
        raise credential_unusable("wrong") from None
    return NewKey(data.credential_id, bytes(data), found.counter, challenge)


def _check_key(key: CoseKey) -> None:
    # The library reads a key that was cut short as it stands
    algorithm = key.get(3)
    if algorithm not in ALGORITHMS:
        raise credential_unusable("algorithm")
    sizes = {_ES256: (key.get(-2), key.get(-3)), _EDDSA: (key.get(-2),)}.get(algorithm, ())
    if any(not isinstance(each, bytes) or len(each) != COORDINATE_BYTES for each in sizes):
        raise credential_unusable("key")
    if algorithm == _RS256 and not RSA_MODULUS_BYTES_MIN <= len(key[-1]) <= RSA_MODULUS_BYTES_MAX:
        raise credential_unusable("key")
    try:
        key.verify(b"", bytes(64))  # a key that can be built says no; one that cannot, raises something else
    except InvalidSignature:
        return
    raise credential_unusable("key")


def read_assertion(answer: str) -> ShownKey:
    """Which passkey an answer claims to be of. CREDENTIAL_UNUSABLE."""
    given = _read(answer)
    try:
        shown = AuthenticationResponse.from_dict(given)
        return ShownKey(shown.raw_id, bytes(shown.response.user_handle or b""), shown)
    except _UNREADABLE:
        raise credential_unusable("unreadable") from None


def check_assertion(party: RelyingParty, shown: ShownKey, kept: bytes, counter: int) -> int:
    """The new count of signatures. CREDENTIAL_UNUSABLE with the reason ``wrong``, ``cross-origin``, or ``counter`` where the count does not
    go up: then there may be a copy of the key (Web Authentication 7.2 step 21). ``kept``: the credential data from its registration.
    """
    try:
        data = AttestedCredentialData(kept)
        party.server().authenticate_complete(_state(shown.challenge), [data], shown.answer)
        if shown.answer.response.client_data.cross_origin is not False:
            raise credential_unusable("cross-origin")
    except _WRONG:
        raise credential_unusable("wrong") from None
    now = shown.answer.response.authenticator_data.counter
    if (now or counter) and now <= counter:
        raise credential_unusable("counter")
    return now


def _read(answer: str) -> Mapping[str, Any]:
    if len(answer) > ANSWER_CHARACTERS_MAX:
        raise credential_unusable("too-long")
    try:
        return read_strict_object(answer)
    except StrictJsonError:
        raise credential_unusable("unreadable") from None


def _descriptors(known: Sequence[bytes]) -> list[PublicKeyCredentialDescriptor] | None:
    found = [AttestedCredentialData(each).credential_id for each in known]
    return [PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=each) for each in found] or None


def _state(challenge: bytes) -> dict[str, Any]:
    return {"challenge": websafe_encode(challenge), "user_verification": UserVerificationRequirement.REQUIRED}
