"""What the bytes of a SignedData show by themselves: form, attributes, digests, signature value. No trust and no time in here.

The signature is verified over the signed attributes exactly as they were received, with the identifier of SET OF (RFC 5652, 5.4).
Every check runs; each leaves a step. What cannot be decided is "not checked" and so can never become valid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from crypto import digests
from crypto.certificates import Certificate
from crypto.cms_signature_value import agreed_digest, same_algorithm, verify_value
from crypto.report import Step, failed, not_checked, passed, warned
from crypto.signatures import SignatureCheck
from standards import gbt33560_oids as oids
from standards import gbt35275_cms, rfc5652_cms
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5035_signing_certificate import read_signing_certificate, read_signing_certificate_v2

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from standards.rfc5035_signing_certificate import CertificateId
    from standards.rfc5652_cms import Attribute, SignedData, SignerInfo

FORM: Final = "RFC 5652 5.1"
SIGNER: Final = "RFC 5652 5.3"
ATTRIBUTES: Final = "RFC 5652 11"
DIGEST: Final = "RFC 5652 5.4"
VALUE: Final = "RFC 5652 5.6"
CERTIFICATE_BINDING: Final = "RFC 5035 3"
PROTECTION: Final = "RFC 6211 2"
NATIONAL: Final = "GB/T 35275-2017 8"

SIGNED_ONLY: Final = frozenset(
    {
        oids.CONTENT_TYPE,
        oids.MESSAGE_DIGEST,
        oids.SIGNING_TIME,
        oids.SIGNING_CERTIFICATE,
        oids.SIGNING_CERTIFICATE_V2,
        oids.CMS_ALGORITHM_PROTECTION,
        oids.ADBE_REVOCATION,
    }
)


@dataclass(slots=True)
class Examination:
    """The findings; ``None`` where something is not there or cannot be known."""

    steps: list[Step] = field(default_factory=list)
    signed: SignedData | None = None
    signer: SignerInfo | None = None
    certificate: Certificate | None = None
    certificates: tuple[Certificate, ...] = ()
    cryptographically_valid: bool | None = None
    document_intact: bool | None = None
    signing_at: datetime | None = None
    crls: tuple[bytes, ...] = ()
    ocsp_responses: tuple[bytes, ...] = ()
    normalised: bool = False


@dataclass(frozen=True, slots=True)
class Demands:
    """What the caller holds and wants. ``content_digest`` gives the detached content's digest by OID, ``content`` its bytes."""

    content_digest: Callable[[str], bytes] | None
    content: Callable[[], bytes] | None = None
    content_types: frozenset[str] = rfc5652_cms.DATA_TYPES
    require_signed_attributes: bool = True
    allow_encapsulated: bool = False


def examine(cms_der: bytes, demands: Demands) -> Examination:
    """Run every check that needs neither trust nor time. Never raises on hostile bytes."""
    found = Examination()
    signed = _read(cms_der, found)
    if signed is None:
        return found
    found.signed = signed
    if len(signed.signers) != 1:
        found.steps.append(failed("CMS_SIGNER_COUNT", FORM, found=len(signed.signers)))
        return found
    signer = found.signer = signed.signers[0]
    _check_form(signed, signer, demands, found.steps)
    found.certificates = _read_certificates(signed, found.steps)
    attributes = _check_attributes(signed, signer, demands, found.steps)
    _find_certificate(signer, attributes, found)
    _check_signing_certificate(signed, attributes, found)
    _check_algorithms(signed, signer, attributes, found.steps)
    digest_matches = _check_digest(signed, signer, attributes, demands, found.steps)
    _check_value(signed, signer, demands, found)
    _read_facts(attributes, found)
    found.crls = (*signed.crls, *found.crls)
    found.ocsp_responses = (*signed.ocsp_responses, *found.ocsp_responses)
    if digest_matches is False:
        found.document_intact = False
    elif found.cryptographically_valid and digest_matches:
        weak = digests.is_weak(signer.digest_algorithm.oid)
        found.document_intact = None if weak or (signed.content is not None and not demands.allow_encapsulated) else True
    return found


def _read(cms_der: bytes, found: Examination) -> SignedData | None:
    """Strictly as DER; where that fails, once more after normalising BER, with a warning."""
    try:
        signed = gbt35275_cms.read_either_dialect(cms_der)
    except MalformedError as strict:
        try:
            if rfc5652_cms.encoded_length(cms_der) != len(cms_der):
                raise
            normal = der.normalise_ber(cms_der, max_bytes=rfc5652_cms.MAX_CMS_BYTES)
            signed = gbt35275_cms.read_either_dialect(normal)
        except MalformedError:
            found.steps.append(failed("CMS_MALFORMED", FORM, reason=strict.code))
            return None
        found.normalised = True
        found.steps.append(warned("CMS_ENCODING_NONDER", FORM, reason=strict.code))
    else:
        found.steps.append(passed("CMS_FORMAT_OK", FORM))
    return signed


def _check_form(signed: SignedData, signer: SignerInfo, demands: Demands, steps: list[Step]) -> None:
    if gbt35275_cms.is_gbt35275(signed):
        deviations = gbt35275_cms.find_deviations(signed)
        if deviations:
            steps.append(not_checked("GBT35275_DEVIATION", NATIONAL, fields=", ".join(deviations)))
    else:
        if not signed.is_version_consistent:
            steps.append(not_checked("CMS_VERSION_UNEXPECTED", FORM, where="SignedData", found=signed.version))
        if not signer.is_version_consistent:
            steps.append(not_checked("CMS_VERSION_UNEXPECTED", SIGNER, where="SignerInfo", found=signer.version))
        if signed.content_tag not in {None, der.OCTET_STRING}:
            steps.append(failed("CMS_CONTENT_TYPE_BAD", FORM, found=f"0x{signed.content_tag:02x}"))
    if signed.content_type not in demands.content_types:
        steps.append(failed("CMS_CONTENT_TYPE_BAD", FORM, found=signed.content_type))
    if signed.content is not None and not demands.allow_encapsulated:
        steps.append(failed("CMS_CONTENT_EMBEDDED", "RFC 5652 5.2", size_bytes=len(signed.content)))


def _read_certificates(signed: SignedData, steps: list[Step]) -> tuple[Certificate, ...]:
    certificates = []
    for encoded in signed.certificates:
        try:
            certificates.append(Certificate.from_der(encoded))
        except MalformedError as error:
            steps.append(not_checked("CMS_CERTIFICATE_UNREADABLE", FORM, reason=error.code))
    return tuple(certificates)


def _check_attributes(signed: SignedData, signer: SignerInfo, demands: Demands, steps: list[Step]) -> dict[str, Attribute]:
    """The signed attributes by type. Duplicates, misplaced ones and several values are refused."""
    steps.extend(
        failed("CMS_ATTRIBUTE_MISPLACED", ATTRIBUTES, attribute=attribute.oid, where="unsigned")
        for attribute in signer.unsigned_attributes
        if attribute.oid in SIGNED_ONLY
    )
    if signer.signed_attributes is None:
        if demands.require_signed_attributes:
            steps.append(not_checked("CMS_ATTRIBUTES_MISSING", SIGNER, attribute="signedAttrs"))
        else:
            steps.extend(_check_confusion(signed, demands))
        return {}
    attributes: dict[str, Attribute] = {}
    for attribute in signer.signed_attributes:
        if attribute.oid in attributes:
            steps.append(failed("CMS_ATTRIBUTE_DUPLICATE", SIGNER, attribute=attribute.oid))
        if attribute.oid in SIGNED_ONLY and len(attribute.values) != 1:
            steps.append(failed("CMS_ATTRIBUTE_DUPLICATE", ATTRIBUTES, attribute=attribute.oid, values=len(attribute.values)))
        if attribute.oid == oids.SIGNATURE_TIME_STAMP:
            steps.append(failed("CMS_ATTRIBUTE_MISPLACED", "RFC 3161 A", attribute=attribute.oid, where="signed"))
        if attribute.values:
            attributes.setdefault(attribute.oid, attribute)
    if not signer.signed_attributes_sorted:
        steps.append(warned("CMS_ENCODING_NONDER", DIGEST, reason="DER_SET_ORDER"))
    for name, attribute_type in (("content-type", oids.CONTENT_TYPE), ("message-digest", oids.MESSAGE_DIGEST)):
        if attribute_type not in attributes:
            steps.append(failed("CMS_ATTRIBUTES_MISSING", ATTRIBUTES, attribute=name))
    stated = attributes.get(oids.CONTENT_TYPE)
    if stated is not None:
        _check_content_type(signed, stated.values[0], steps)
    return attributes


def _check_content_type(signed: SignedData, value_der: bytes, steps: list[Step]) -> None:
    try:
        stated = rfc5652_cms.read_content_type(value_der)
    except MalformedError as error:
        steps.append(failed("CMS_MALFORMED", ATTRIBUTES, reason=error.code))
        return
    if stated == signed.content_type:
        steps.append(passed("CMS_ATTRIBUTES_OK", ATTRIBUTES))
    elif gbt35275_cms.is_gbt35275(signed) and gbt35275_cms.same_content_type(stated, signed.content_type):
        steps.append(warned("CMS_CONTENT_TYPE_ALIAS", NATIONAL, stated=stated, found=signed.content_type))
    else:
        steps.append(failed("CMS_CONTENT_TYPE_MISMATCH", ATTRIBUTES, stated=stated, found=signed.content_type))


def _check_confusion(signed: SignedData, demands: Demands) -> list[Step]:
    """Content that is itself a SET OF attributes was cut off another signature and is offered here as if it had been signed by itself."""
    content = signed.content
    if content is None and demands.content is not None:
        content = demands.content()
    if content is None:
        return [not_checked("CMS_CONTENT_MISSING", SIGNER)]  # a digest does not show what it is of
    try:
        kinds = {attribute.oid for attribute in rfc5652_cms.read_attribute_set(content)}
    except MalformedError:
        return []
    return [failed("CMS_ATTRIBUTES_CONFUSED", SIGNER)] if kinds & {oids.MESSAGE_DIGEST, oids.CONTENT_TYPE} else []


def _find_certificate(signer: SignerInfo, attributes: dict[str, Attribute], found: Examination) -> None:
    """The embedded certificate that the signer identifier names; of several, the one that the signed attributes name."""
    if signer.subject_key_id is None:
        named = [c for c in found.certificates if c.serial == signer.serial and c.issuer_der == signer.issuer_der]
    else:
        named = [c for c in found.certificates if c.subject_key_id == signer.subject_key_id]
    if not named:
        found.steps.append(not_checked("SIGNER_CERT_ABSENT", SIGNER))
        return
    if len(named) > 1:
        stated = _read_certificate_id(attributes, oids.SIGNING_CERTIFICATE_V2) or _read_certificate_id(attributes, oids.SIGNING_CERTIFICATE)
        named.sort(key=lambda certificate: stated is None or not _is_meant(stated, certificate))
    found.certificate = named[0]


def _read_certificate_id(attributes: dict[str, Attribute], attribute_type: str) -> CertificateId | None:
    attribute = attributes.get(attribute_type)
    if attribute is None:
        return None
    try:
        if attribute_type == oids.SIGNING_CERTIFICATE_V2:
            return read_signing_certificate_v2(attribute.values[0])
        return read_signing_certificate(attribute.values[0])
    except MalformedError:
        return None


def _is_meant(stated: CertificateId, certificate: Certificate) -> bool:
    if not digests.is_known(stated.digest_oid) or digests.digest(stated.digest_oid, certificate.der) != stated.digest:
        return False
    return stated.issuer_der is None or (stated.issuer_der == certificate.issuer_der and stated.serial == certificate.serial)


def _check_signing_certificate(signed: SignedData, attributes: dict[str, Attribute], found: Examination) -> None:
    """Each signing-certificate attribute that is present must name the certificate that is used; at least one should be there."""
    present = [kind for kind in (oids.SIGNING_CERTIFICATE_V2, oids.SIGNING_CERTIFICATE) if kind in attributes]
    if not present:
        if gbt35275_cms.is_gbt35275(signed):
            # The national standard does not know the attribute, and Z_A binds the key at least
            found.steps.append(warned("CMS_SIGNING_CERTIFICATE_MISSING", NATIONAL))
        else:
            found.steps.append(not_checked("CMS_SIGNING_CERTIFICATE_MISSING", CERTIFICATE_BINDING))
        return
    if found.certificate is None:
        return
    for kind in present:
        stated = _read_certificate_id(attributes, kind)
        if stated is None or not _is_meant(stated, found.certificate):
            found.steps.append(failed("CMS_SIGNING_CERTIFICATE_MISMATCH", CERTIFICATE_BINDING))
        elif digests.is_weak(stated.digest_oid):
            found.steps.append(warned("CMS_SIGNING_CERTIFICATE_V1", CERTIFICATE_BINDING, digest=stated.digest_oid))
        else:
            found.steps.append(passed("CMS_SIGNING_CERTIFICATE_OK", CERTIFICATE_BINDING))


def _check_algorithms(signed: SignedData, signer: SignerInfo, attributes: dict[str, Attribute], steps: list[Step]) -> None:
    digest = signer.digest_algorithm
    if not digest.has_no_parameters:
        steps.append(failed("CMS_MALFORMED", SIGNER, reason="DIGEST_PARAMETERS"))
    if not any(listed.oid == digest.oid and listed.has_no_parameters for listed in signed.digest_algorithms):
        steps.append(not_checked("CMS_DIGEST_ALGORITHM_DISAGREES", FORM, where="digestAlgorithms", digest=digest.oid))
    demanded = agreed_digest(signer.signature_algorithm)
    if demanded is not None and demanded != digest.oid:
        steps.append(failed("CMS_DIGEST_ALGORITHM_DISAGREES", SIGNER, where="signatureAlgorithm", digest=digest.oid, demanded=demanded))
    if digests.is_weak(digest.oid):
        steps.append(not_checked("SIG_ALGORITHM_WEAK", DIGEST, algorithm=digest.oid))
    protection = attributes.get(oids.CMS_ALGORITHM_PROTECTION)
    if protection is None:
        return
    try:
        stated_digest, stated_signature = rfc5652_cms.read_algorithm_protection(protection.values[0])
    except MalformedError as error:
        steps.append(failed("CMS_MALFORMED", PROTECTION, reason=error.code))
        return
    if same_algorithm(stated_digest, digest) and same_algorithm(stated_signature, signer.signature_algorithm):
        steps.append(passed("CMS_ALGORITHM_PROTECTION_OK", PROTECTION))
    else:
        steps.append(failed("CMS_ALGORITHM_PROTECTION_BAD", PROTECTION, algorithm=signer.signature_algorithm.oid, digest=digest.oid))


def _check_digest(
    signed: SignedData, signer: SignerInfo, attributes: dict[str, Attribute], demands: Demands, steps: list[Step]
) -> bool | None:
    """Whether what is signed is every form of the content there is, by the message-digest attribute or by itself; ``None`` where it cannot be known."""
    if signer.signed_attributes is None:
        return _check_same_content(signed, signer, demands, steps)
    attribute = attributes.get(oids.MESSAGE_DIGEST)
    if attribute is None:
        return None
    try:
        stated = rfc5652_cms.read_message_digest(attribute.values[0])
    except MalformedError as error:
        steps.append(failed("CMS_MALFORMED", ATTRIBUTES, reason=error.code))
        return None
    digest_oid = signer.digest_algorithm.oid
    if not digests.is_known(digest_oid):
        steps.append(not_checked("SIG_ALGORITHM_UNSUPPORTED", DIGEST, algorithm=digest_oid))
        return None
    actual = []
    if signed.content is not None and demands.allow_encapsulated:
        actual.append(digests.digest(digest_oid, signed.content))
    if demands.content_digest is not None:
        actual.append(demands.content_digest(digest_oid))
    if not actual:
        steps.append(not_checked("CMS_CONTENT_MISSING", DIGEST))
        return None
    if any(value != stated for value in actual):
        if signed.content is not None and not demands.allow_encapsulated:
            return None  # the embedded content, already refused, may be what was signed: not a sign of a later change
        steps.append(failed("CMS_DIGEST_MISMATCH", DIGEST, digest=digest_oid))
        return False
    steps.append(passed("CMS_DIGEST_OK", DIGEST, digest=digest_oid))
    return True


def _check_same_content(signed: SignedData, signer: SignerInfo, demands: Demands, steps: list[Step]) -> bool | None:
    """Without signed attributes the signature is over the content inside, where there is one: it must be that which the caller holds, if he holds one.

    Where there are no two to be compared the signature itself says it. Else any signature of somebody, about anything, would count for what was asked.
    ``None`` where the two cannot be compared.
    """
    if signed.content is None or not demands.allow_encapsulated or (demands.content is None and demands.content_digest is None):
        return True
    digest_oid = signer.digest_algorithm.oid
    if demands.content is not None:
        is_same = demands.content() == signed.content
    elif demands.content_digest is None or not digests.is_known(digest_oid):
        steps.append(not_checked("SIG_ALGORITHM_UNSUPPORTED", DIGEST, algorithm=digest_oid))
        return None
    else:
        is_same = demands.content_digest(digest_oid) == digests.digest(digest_oid, signed.content)
    steps.append((passed if is_same else failed)("CMS_DIGEST_OK" if is_same else "CMS_DIGEST_MISMATCH", DIGEST, digest=digest_oid))
    return is_same


def _check_value(signed: SignedData, signer: SignerInfo, demands: Demands, found: Examination) -> None:
    if found.certificate is None:
        return
    algorithm = signer.signature_algorithm.oid
    if signer.signed_attributes is not None:
        message: bytes | None = signer.signed_attributes_der
        if found.normalised and not signer.signed_attributes_sorted:
            # In BER the attributes may stand in any order; signed is their DER form (5.4)
            message = der.set_of(node.raw for node in der.read_der(signer.signed_attributes_der).children())
    elif signed.content is not None:
        message = signed.content
    else:
        message = demands.content() if demands.content is not None else None
    signature = signer.signature
    plain = gbt35275_cms.signature_from_raw(signature) if gbt35275_cms.is_gbt35275(signed) else None
    if plain is not None:
        signature = plain
        found.steps.append(warned("SIG_RAW_RS", NATIONAL))
    check = verify_value(found.certificate.spki_der, signer, signature, message, demands.content_digest)
    if check is None:
        found.steps.append(not_checked("CMS_CONTENT_MISSING", VALUE))
    elif check is SignatureCheck.UNSUPPORTED:
        found.steps.append(not_checked("SIG_ALGORITHM_UNSUPPORTED", VALUE, algorithm=algorithm))
    elif check is SignatureCheck.BAD:
        found.cryptographically_valid = False
        found.steps.append(failed("SIG_VALUE_BAD", VALUE, algorithm=algorithm))
    else:
        found.cryptographically_valid = True
        if check is SignatureCheck.WEAK:
            found.steps.append(not_checked("SIG_ALGORITHM_WEAK", VALUE, algorithm=algorithm))
        else:
            found.steps.append(passed("SIG_VALUE_OK", VALUE, algorithm=algorithm))


def _read_facts(attributes: dict[str, Attribute], found: Examination) -> None:
    """What the signer claims about the time, and the revocation evidence put beside the signature."""
    signing_time = attributes.get(oids.SIGNING_TIME)
    revocation = attributes.get(oids.ADBE_REVOCATION)
    try:
        if signing_time is not None:
            found.signing_at = rfc5652_cms.read_signing_time(signing_time.values[0])
        if revocation is not None:
            found.crls, found.ocsp_responses = rfc5652_cms.read_adobe_revocation(revocation.values[0])
    except MalformedError as error:
        found.steps.append(failed("CMS_MALFORMED", ATTRIBUTES, reason=error.code))
