"""The signature value of one SignerInfo: which digest its algorithm implies, and whether it verifies.

Signatures without signed attributes cover the content itself. Where only the content's digest is at hand, RSA and ECDSA can still be
decided over it; SM2 and Ed25519 cannot, since they hash more than the content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crypto.signatures import SignatureCheck, verify_over_digest, verify_signature
from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import read_algorithm

if TYPE_CHECKING:
    from collections.abc import Callable

    from standards.rfc5280_algorithms import AlgorithmIdentifier
    from standards.rfc5652_cms import SignerInfo

_IMPLIED_DIGEST: Final = {
    oids.SM2_WITH_SM3: oids.SM3,
    oids.SM2_SIGN_ALIAS: oids.SM3,
    oids.SM2_WITH_SM3_ALIAS: oids.SM3,
    oids.SM2_CURVE: oids.SM3,
    oids.MD5_WITH_RSA: oids.MD5,
    oids.SHA1_WITH_RSA: oids.SHA1,
    oids.SHA224_WITH_RSA: oids.SHA224,
    oids.SHA256_WITH_RSA: oids.SHA256,
    oids.SHA384_WITH_RSA: oids.SHA384,
    oids.SHA512_WITH_RSA: oids.SHA512,
    oids.ECDSA_WITH_SHA1: oids.SHA1,
    oids.ECDSA_WITH_SHA256: oids.SHA256,
    oids.ECDSA_WITH_SHA384: oids.SHA384,
    oids.ECDSA_WITH_SHA512: oids.SHA512,
    oids.ED25519: oids.SHA512,  # RFC 8419, 3.1: with signed attributes the digest algorithm must be SHA-512
}
_SHA2: Final = frozenset({oids.SHA224, oids.SHA256, oids.SHA384, oids.SHA512})
_OVER_DIGEST: Final = frozenset(
    {
        oids.RSA,
        oids.SHA224_WITH_RSA,
        oids.SHA256_WITH_RSA,
        oids.SHA384_WITH_RSA,
        oids.SHA512_WITH_RSA,
        oids.EC_PUBLIC_KEY,
        oids.ECDSA_WITH_SHA256,
        oids.ECDSA_WITH_SHA384,
        oids.ECDSA_WITH_SHA512,
    }
)


def agreed_digest(algorithm: AlgorithmIdentifier) -> str | None:
    """The digest that a signature algorithm implies; ``None`` where it names only a kind of key and leaves the digest open.

    RSASSA-PSS states it in its parameters, SHA-1 by default (RFC 4055, 3.1); unreadable parameters imply nothing here and fail later.
    """
    if algorithm.oid != oids.RSA_PSS:
        return _IMPLIED_DIGEST.get(algorithm.oid)
    try:
        fields = der.read_der(algorithm.parameters_der or b"\x30\x00").children(der.SEQUENCE)
        if fields and fields[0].tag == der.context(0):
            return read_algorithm(fields[0].only_child()).oid
    except MalformedError:
        return None
    return oids.SHA1


def same_algorithm(one: AlgorithmIdentifier, other: AlgorithmIdentifier) -> bool:
    """Equal identifiers and parameters, absent and NULL parameters being the same."""
    if one.oid != other.oid:
        return False
    return (one.has_no_parameters and other.has_no_parameters) or one.parameters_der == other.parameters_der


def verify_value(
    spki_der: bytes, signer: SignerInfo, signature: bytes, message: bytes | None, content_digest: Callable[[str], bytes] | None
) -> SignatureCheck | None:
    """Verify ``signature`` over ``message``, or over the content's digest where the message is not at hand; ``None`` where neither is possible.

    ``signature`` is the signer's value, brought into DER where it was written otherwise.
    """
    algorithm, digest_oid = signer.signature_algorithm, signer.digest_algorithm.oid
    if algorithm.oid != oids.RSA_PSS and not algorithm.has_no_parameters:
        return SignatureCheck.UNSUPPORTED
    if message is not None:
        return verify_signature(spki_der, algorithm, message, signature, digest_oid=digest_oid)
    if content_digest is None or not _is_over_digest(algorithm.oid, digest_oid):
        return None
    return verify_over_digest(spki_der, algorithm, content_digest(digest_oid), signature, digest_oid=digest_oid)


def _is_over_digest(algorithm_oid: str, digest_oid: str) -> bool:
    return digest_oid in _SHA2 and algorithm_oid in _OVER_DIGEST and _IMPLIED_DIGEST.get(algorithm_oid, digest_oid) == digest_oid
