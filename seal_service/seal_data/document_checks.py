"""The steps that tie a sealing value to its signer and to its document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto import digests
from crypto.report import Step, failed, not_checked, passed, warned
from crypto.sm2 import SM2PublicKey
from crypto.sm3 import sm3
from seal_service.seal_data.setting import signature_clause
from standards import gbt33560_oids as oids
from standards.errors import TrustError
from standards.gbt32918_sm2 import DEFAULT_ID, z_a_input
from standards.gbt38540_seal.values import CERTIFICATES

if TYPE_CHECKING:
    from collections.abc import Callable

    from seal_service.seal_data.certified_key import CertifiedKey
    from standards.gbt38540_seal.values import CertificateDigest, SealSignature

_NAMES: Final = {
    "SM3": oids.SM3,
    "SHA1": oids.SHA1,
    "SHA224": oids.SHA224,
    "SHA256": oids.SHA256,
    "SHA384": oids.SHA384,
    "SHA512": oids.SHA512,
    "MD5": oids.MD5,
}
_SIGNED_WITH: Final = {oids.SHA1_WITH_RSA: oids.SHA1, oids.SHA256_WITH_RSA: oids.SHA256}


@dataclass(frozen=True, slots=True)
class Original:
    """What was sealed: ``data`` the bytes themselves, or only their digest by OID; neither where the original is not at hand."""

    digest: Callable[[str], bytes] | None
    data: bytes | None


def digest_with_identity(data: bytes, key: CertifiedKey) -> bytes | None:
    """SM3(Z_A ‖ data) with the identity of an SM2 key, None for another key."""
    if key.frame is None:
        return None
    try:
        point = SM2PublicKey.from_spki(key.frame.spki_der).point
    except TrustError:
        return None
    return sm3(sm3(z_a_input(DEFAULT_ID, point)) + data)


def check_membership(signature: SealSignature, signer: CertifiedKey) -> tuple[bool | None, Step]:
    """Whether the signer's certificate is one that the maker put into the seal, byte for byte or by its digest."""
    clause = signature_clause(signature.version, "c")
    listed = signature.seal.property
    if listed.cert_list_type == CERTIFICATES:
        if signature.signer_certificate_der in listed.certificates:
            return True, passed("SIGNER_IN_SEAL", clause)
        return False, failed("SIGNER_NOT_IN_SEAL", clause, certificates=len(listed.certificates))
    undecided: Step | None = None
    for entry in listed.certificate_digests:
        oid = _NAMES.get(entry.kind.upper().replace("-", "").replace("_", "").strip(), entry.kind)
        if not digests.is_known(oid):
            undecided = undecided or not_checked("CERT_DIGEST_ALG_UNKNOWN", clause, algorithm=entry.kind)
        elif digests.digest(oid, signature.signer_certificate_der) == entry.value:
            if digests.is_weak(oid):
                return None, not_checked("SIG_ALGORITHM_WEAK", clause, algorithm=entry.kind)
            return True, passed("SIGNER_IN_SEAL", clause)
        elif _is_identity_variant(entry, oid, signature, signer):
            return True, warned("DATA_HASH_ZA_VARIANT", clause, where="certList")
    if undecided is not None:
        return None, undecided
    return False, failed("SIGNER_NOT_IN_SEAL", clause, certificates=len(listed.certificate_digests))


def _is_identity_variant(entry: CertificateDigest, oid: str, signature: SealSignature, signer: CertifiedKey) -> bool:
    return oid == oids.SM3 and digest_with_identity(signature.signer_certificate_der, signer) == entry.value


def check_data_hash(signature: SealSignature, original: Original, signer: CertifiedKey) -> tuple[bool | None, Step]:
    """Whether dataHash is that of the original: plain SM3; with the signer's identity in front it passes with a warning.

    Version 1 with RSA may use the digest of its signature algorithm instead; SHA-1 is then too weak to decide.
    """
    clause = signature_clause(signature.version, "g")
    if original.digest is None:
        return None, not_checked("DATA_MISSING", clause)
    if original.digest(oids.SM3) == signature.data_hash:
        return True, passed("DATA_HASH_OK", clause)
    other = _SIGNED_WITH.get(signature.signature_algorithm_oid)
    if other is not None and original.digest(other) == signature.data_hash:
        if digests.is_weak(other):
            return None, not_checked("SIG_ALGORITHM_WEAK", clause, algorithm=other)
        return True, passed("DATA_HASH_OK", clause, algorithm=other)
    if original.data is not None and digest_with_identity(original.data, signer) == signature.data_hash:
        return True, warned("DATA_HASH_ZA_VARIANT", clause, where="dataHash")
    return False, failed("DATA_HASH_BAD", clause)
