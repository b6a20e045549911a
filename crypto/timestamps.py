"""RFC 3161 time-stamps (GB/T 20520): the authority that gives them, the client that fetches them, and verifying a token.

Neither side does any transport: the authority takes request bytes and gives response bytes, the client calls ``send``.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from crypto import digests
from crypto.cms import check_key, estimate_size, prepare_signed_data
from crypto.cms_verification import CmsResult
from crypto.report import Outcome
from crypto.revocation import NO_EVIDENCE
from crypto.signatures import digest_oid_of
from crypto.timestamp_tokens import CLOCK_TOLERANCE_SECONDS, examine_token
from standards import gbt33560_oids as oids
from standards.errors import Kind, MalformedError, TrustError
from standards.rfc3161_timestamp import (
    Failure,
    Status,
    TimeStampRequest,
    read_request,
    read_response,
    write_granted,
    write_refused,
    write_request,
    write_tst_info,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crypto.certificates import Certificate
    from crypto.revocation import RevocationEvidence
    from crypto.signer import Signer
    from crypto.trust_list import TrustList

NONCE_BITS: Final = 64  # RFC 3161, 2.4.1 suggests 64
SERIAL_BITS: Final = 128  # random, so that several processes need no common counter; RFC 3161 allows up to 160
# For tests and demonstrations, an arc of a random UUID (X.667), which needs no registration; a real authority states a policy of its own
DEMONSTRATION_POLICY: Final = "2.25.158475194730707903075634162955706415635"


class TimeStampAuthority:
    """Answers time-stamp requests (RFC 3161, 2.4).

    ``certificate`` must have id-kp-timeStamping as its only, critical purpose; ``chain`` are the certificates above it.
    ``accuracy_seconds`` is what the machine's clock is held to. ``ordering`` promises that tokens can be put in order by their time
    alone, which whole seconds cannot keep, so it is not offered.
    """

    def __init__(
        self,
        certificate: Certificate,
        chain: Sequence[Certificate],
        signer: Signer,
        policy_oid: str,
        accuracy_seconds: int = 1,
    ) -> None:
        check_key(signer, certificate)
        self._certificate = certificate
        self._chain = tuple(chain)
        self._signer = signer
        self._policy_oid = policy_oid
        self._accuracy_seconds = accuracy_seconds

    @property
    def certificate(self) -> Certificate:
        """The authority's own certificate."""
        return self._certificate

    @cached_property
    def token_bytes_max(self) -> int:
        """How long a token of this authority gets at most, in bytes: what a document that waits for one keeps free."""
        longest = write_tst_info(
            policy_oid=self._policy_oid,
            digest_oid=oids.SHA512,
            imprint=bytes(64),
            serial=(1 << SERIAL_BITS) - 1,
            gen_at=datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            accuracy_seconds=self._accuracy_seconds,
            ordering=False,
            nonce=(1 << NONCE_BITS) - 1,
        )
        return len(longest) + estimate_size(signer_certificate=self._certificate, chain=self._chain, algorithm=self._signer.algorithm)

    def respond(self, request_der: bytes, at: datetime) -> bytes:
        """The TimeStampResp for a request, with the time ``at`` (aware).

        A request that cannot be served gets a rejection of RFC 3161 with its failure bit, never an exception. A signer that is
        unavailable is not the request's fault and raises its :class:`~standards.errors.TrustError`.
        """
        try:
            request = read_request(request_der)
        except MalformedError as error:
            return write_refused(Failure.BAD_DATA_FORMAT, f"request not readable: {error.code}")
        refusal = self._refusal(request)
        if refusal is not None:
            return write_refused(*refusal)
        return write_granted(self._token(request, at))

    def stamp(self, data: bytes, at: datetime, digest_oid: str = oids.SM3) -> bytes:
        """A token over ``data`` without the round trip of request and response, for use in the same process."""
        imprint = digests.digest(digest_oid, data)
        request = read_request(build_request(imprint, digest_oid))
        return self._token(request, at)

    def _refusal(self, request: TimeStampRequest) -> tuple[Failure, str] | None:
        if request.version != 1:
            return Failure.BAD_REQUEST, "version 1 is served"
        if request.has_extensions:
            return Failure.UNACCEPTED_EXTENSION, "no extension is served"
        digest_oid = request.digest.oid
        if not digests.is_known(digest_oid) or digests.is_weak(digest_oid) or not request.digest.has_no_parameters:
            return Failure.BAD_ALGORITHM, "digest algorithm not served"
        if len(request.imprint) != len(digests.digest(digest_oid, b"")):
            return Failure.BAD_DATA_FORMAT, "imprint length does not fit the digest algorithm"
        if request.policy_oid not in {None, self._policy_oid}:
            return Failure.UNACCEPTED_POLICY, f"policy served: {self._policy_oid}"
        return None

    def _token(self, request: TimeStampRequest, at: datetime) -> bytes:
        info_der = write_tst_info(
            policy_oid=self._policy_oid,
            digest_oid=request.digest.oid,
            imprint=request.imprint,
            serial=secrets.randbits(SERIAL_BITS),
            gen_at=at,
            accuracy_seconds=self._accuracy_seconds,
            ordering=False,
            nonce=request.nonce,
        )
        algorithm = self._signer.algorithm
        digest_oid = digest_oid_of(algorithm)
        prepared = prepare_signed_data(
            content_digest=digests.digest(digest_oid, info_der),
            digest_oid=digest_oid,
            signer_certificate=self._certificate,
            chain=self._chain,
            encapsulated=info_der,
            algorithm=algorithm,
            content_type=oids.TST_INFO,
            with_certificates=request.want_certificate,
        )
        return prepared.finish(self._signer.sign(prepared.to_be_signed), algorithm=algorithm)


def build_request(
    message_imprint: bytes,
    digest_oid: str = oids.SM3,
    *,
    nonce: int | None = None,
    want_certificate: bool = True,
    policy_oid: str | None = None,
) -> bytes:
    """TimeStampReq for a digest that was computed by ``digest_oid``."""
    return write_request(digest_oid, message_imprint, policy_oid=policy_oid, nonce=nonce, want_certificate=want_certificate)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class TimeStampClient:
    """Fetches tokens from an authority and takes none that does not fit in every respect.

    ``send`` carries request bytes to the authority and gives its answer; its own failures pass through. ``trust`` must hold the
    authority's anchor for time-stamps. ``now`` gives the present time (aware).
    """

    send: Callable[[bytes], bytes]
    trust: TrustList
    digest_oid: str = oids.SM3
    policy_oid: str | None = None
    now: Callable[[], datetime] = field(default=_now)
    evidence: RevocationEvidence = NO_EVIDENCE

    def stamp(self, data: bytes) -> bytes:
        """A verified token (ContentInfo in DER) over ``data``, for a signature its value.

        Raises ``UNAVAILABLE``: ``TSA_REFUSED`` (the authority's status and failure bits), ``TSA_RESPONSE_BAD`` with the reason.
        """
        nonce = secrets.randbits(NONCE_BITS)
        imprint = digests.digest(self.digest_oid, data)
        answer = self.send(build_request(imprint, self.digest_oid, nonce=nonce, policy_oid=self.policy_oid))
        try:
            response = read_response(answer)
        except MalformedError as error:
            raise _bad(error.code) from None
        if response.status not in {Status.GRANTED, Status.GRANTED_WITH_MODS}:
            bits = ",".join(str(bit) for bit in sorted(response.failures))
            raise TrustError(Kind.UNAVAILABLE, "TSA_REFUSED", status=response.status, failures=bits, text="; ".join(response.texts)[:200])
        if response.token_der is None:
            raise _bad("TOKEN_MISSING")
        at = self.now()
        found = examine_token(response.token_der, lambda digest_oid: digests.digest(digest_oid, data), self.trust, at, self.evidence)
        info = found.info
        if info is None:
            raise _bad("TS_BAD")
        if info.digest.oid != self.digest_oid or info.imprint != imprint:
            raise _bad("IMPRINT")
        if info.nonce != nonce:
            raise _bad("NONCE")
        if self.policy_oid is not None and info.policy_oid != self.policy_oid:
            raise _bad("POLICY")
        if abs(info.gen_at - at) > timedelta(seconds=CLOCK_TOLERANCE_SECONDS):
            raise _bad("TIME")
        if not found.is_proof:
            raise _bad(next((step.code for step in found.steps if step.outcome in {Outcome.FAIL, Outcome.NOT_CHECKED}), "UNTRUSTED"))
        return response.token_der


def _bad(reason: str) -> TrustError:
    return TrustError(Kind.UNAVAILABLE, "TSA_RESPONSE_BAD", reason=reason)


def verify_token(
    token_der: bytes,
    imprinted: bytes | Callable[[str], bytes],
    trust: TrustList,
    at: datetime,
    evidence: RevocationEvidence = NO_EVIDENCE,
    *,
    proven_by: datetime | None = None,
) -> CmsResult:
    """Verify a token by itself (a document time-stamp, or the token of another container). Never raises on hostile input.

    ``imprinted`` are the bytes that should have been stamped, or a callable that gives their digest by OID. ``document_intact`` says
    whether the imprint is theirs. ``proven_by``: when a later time-stamp shows that the token existed.
    """
    digest_by_oid = (lambda oid: digests.digest(oid, imprinted)) if isinstance(imprinted, bytes) else imprinted
    found = examine_token(token_der, digest_by_oid, trust, at, evidence, proven_by=proven_by)
    authority = found.authority
    # An imprint that fits says nothing when TSTInfo itself, or the signature over it, does not hold
    intact = found.imprint_matches if found.imprint_matches is False or found.info_intact else None
    return CmsResult(
        cryptographically_valid=found.cryptographically_valid,
        document_intact=intact,
        trusted=found.trusted,
        signer=authority.subject_text if authority is not None else None,
        signer_certificate=authority,
        signed_at=found.gen_at,
        timestamp_at=found.gen_at if found.is_proof else None,
        steps=found.steps,
        content_type=oids.TST_INFO,
    )
