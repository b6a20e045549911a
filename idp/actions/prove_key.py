"""To what key a token becomes bound, or is: proofs of possession at the provider's own endpoints (DPoP, RFC 9449 5, 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idp.model.grants import Binding
from service_kit.callers import demand_certificate, read_confirmation
from service_kit.dpop import check_proof, refused, stated_nonce
from service_kit.one_use import DPOP_PLACE, use_once
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.model.registrations import Registration
    from idp.tokens.client_certificate import ShownCertificate
    from service_kit.dpop import Proof
    from service_kit.dpop_nonces import Nonces


def prove_key(
    proof: str | None,
    registration: Registration | None,
    *,
    url: str,
    at: datetime,
    nonces: Nonces,
    shown: ShownCertificate | None = None,
    is_demanded: bool = True,
) -> Binding:
    """What the sender of a POST to ``url`` proves to hold. ``proof``: its only ``DPoP`` header, None where it sent none.

    ``shown``: its certificate under TLS, which counts where the client registered that its tokens are bound to it (RFC 8705 3). TrustError
    DPOP_PROOF_INVALID; DPOP_PROOF_MISSING where a client whose tokens are always bound sends none; DPOP_NONCE_NEEDED; CERTIFICATE_MISSING. The
    proof is still to be taken. ``is_demanded`` False: what the client's tokens must be bound to is not asked for here.
    """
    certificate_digest: str | None = None
    if is_demanded and registration is not None and registration.tls_client_certificate_bound_access_tokens:
        if shown is None:
            raise TrustError(Kind.UNACCEPTABLE, "CERTIFICATE_MISSING")
        certificate_digest = shown.digest
    if proof is None:
        if is_demanded and registration is not None and registration.dpop_bound_access_tokens:
            raise TrustError(Kind.UNACCEPTABLE, "DPOP_PROOF_MISSING")  # a parameter is missing (RFC 6749 5.2), no proof is wrong
        return Binding(certificate_digest=certificate_digest)
    try:
        checked = check_proof(proof, method="POST", url=url, at=at)
    except TrustError as error:
        raise _unacceptable(str(error.facts.get("reason"))) from None
    nonces.demand(checked, at, is_strict=registration is not None and registration.is_fapi, kind=Kind.UNACCEPTABLE)  # RFC 9449 8
    return Binding(dpop_jkt=checked.jkt, certificate_digest=certificate_digest, proof=checked)


def demand_nonce(proof: str | None, registration: Registration, *, at: datetime, nonces: Nonces) -> None:
    """Raise DPOP_NONCE_NEEDED where a proof came without the nonce of now, before anything is spent that the sender will send again beside the
    next proof (RFC 9449 8): its assertion above all. What else is wrong with the proof is found when it is checked.
    """
    if proof is None:
        return
    try:
        nonce = stated_nonce(proof)
    except TrustError:  # no proof at all: refused as that in its turn
        return
    nonces.demand_stated(nonce, at, is_strict=registration.is_fapi, kind=Kind.UNACCEPTABLE)


def take_proof(connection: Connection, binding: Binding) -> None:
    """Within the write job that makes what the proof is for durable: it counts once. DPOP_PROOF_INVALID for one that has been used."""
    if binding.proof is not None and not use_once(connection, DPOP_PLACE, binding.proof.once, binding.proof.used_until_at):
        raise _unacceptable("used before")


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """An access token as it came: ``is_bearer`` by the scheme of the header, ``url`` without query. ``certificate``: SHA-256 (base64url) of the one
    shown on the connection.
    """

    token: str
    is_bearer: bool
    proof: str | None
    method: str
    url: str
    certificate: str | None = None

    def __repr__(self) -> str:
        """Without the token."""
        return f"PresentedToken({self.method} {self.url})"


def check_presented(presented: PresentedToken, claims: Mapping[str, Any], at: datetime) -> Proof | None:
    """Whether an access token came as its binding demands; the proof, still to be taken. TOKEN_INVALID, DPOP_PROOF_INVALID."""
    jkt, certificate = read_confirmation(claims)
    demand_certificate(certificate, presented.certificate)
    if presented.is_bearer != (not jkt):
        raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="its binding is not the way it was sent")
    if presented.is_bearer:
        return None
    return check_proof(presented.proof or "", method=presented.method, url=presented.url, at=at, access_token=presented.token, bound_to=jkt)


def take_presented(connection: Connection, proof: Proof) -> None:
    """As ``take_proof``, for a proof that came beside an access token."""
    if not use_once(connection, DPOP_PLACE, proof.once, proof.used_until_at):
        raise refused("used before")


def _unacceptable(reason: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "DPOP_PROOF_INVALID", reason=reason)  # RFC 9449 5: 400 at the token endpoint
