"""pyHanko taught SM2 and SM3, for tests and benchmarks: object identifiers, a signature validator and a signer.

Importing this module registers the identifiers in asn1crypto's tables, which are global to the process. By default the validator
computes SM2 with ``gmssl``'s arithmetic and ``cryptography``'s SM3, so that nothing of ours takes part in the verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asn1crypto import algos, keys, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from gmssl import sm2 as gmssl_sm2
from pyhanko.sign import signers
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator import context as certvalidator_context
from pyhanko_certvalidator.registry import SimpleCertificateStore
from pyhanko_certvalidator.sig_validate import DEFAULT_VALIDATION_CONTEXT, DefaultSignatureValidator, SignatureValidationContext

from crypto.sm2 import SM2PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.signer import Signer

SM3 = "1.2.156.10197.1.401"
SM2_CURVE = "1.2.156.10197.1.301"
SM2_SIGNATURES = {"1.2.156.10197.1.501": "sm2_sm3", "1.2.156.10197.1.301.1": "sm2_sm3_older"}
# GB/T 32918.5: a, b, xG, yG, which are hashed into Z_A, written out so that no table of ours is used
CURVE = bytes.fromhex(
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"
    "32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"
)
USER_ID = b"1234567812345678"


def _register(table: Any, oid: str, name: str) -> None:
    table._map[oid] = name
    if table._reverse_map is not None:
        table._reverse_map[name] = oid


def _wrapped(name: str, sm2_value: str) -> property:
    original = getattr(algos.SignedDigestAlgorithm, name)

    def get(self: Any) -> str:
        return sm2_value if self["algorithm"].native in SM2_SIGNATURES.values() else str(original.fget(self))

    return property(get)


def register() -> None:
    """Put the identifiers into asn1crypto's tables; once is enough, again does no harm."""
    if getattr(algos, "_knows_sm2", False):
        return
    _register(algos.DigestAlgorithmId, SM3, "sm3")
    for oid, name in SM2_SIGNATURES.items():
        _register(algos.SignedDigestAlgorithmId, oid, name)
    keys.NamedCurve.register("sm2p256v1", SM2_CURVE, 32)
    algos.SignedDigestAlgorithm.signature_algo = _wrapped("signature_algo", "sm2")
    algos.SignedDigestAlgorithm.hash_algo = _wrapped("hash_algo", "sm3")
    # OCSP: CertID looks the digests of name and key up by the hash's name
    x509.Name.sm3 = property(lambda self: _sm3(self.dump()))
    keys.PublicKeyInfo.sm3 = property(lambda self: _sm3(bytes(self["public_key"])))
    # Responders with ocsp-nocheck are validated in a fresh context, which would not know our validator
    setattr(certvalidator_context, "DefaultSignatureValidator", SM2SignatureValidator)  # noqa: B010 - not an exported name
    algos._knows_sm2 = True


def _sm3(data: bytes) -> bytes:
    running = hashes.Hash(hashes.SM3())
    running.update(data)
    return running.finalize()


def _digest_to_sign(point: bytes, message: bytes) -> bytes:
    """e = SM3(Z_A ‖ M) of GB/T 32918.2, computed here a second time."""
    z_a = _sm3((8 * len(USER_ID)).to_bytes(2, "big") + USER_ID + CURVE + point)
    return _sm3(z_a + message)


class SM2SignatureValidator(DefaultSignatureValidator):
    """pyHanko's validator with SM2; ``independent`` false uses the project's own provider instead, which is fast (for benchmarks)."""

    def __init__(self, *, independent: bool = True) -> None:
        self._independent = independent

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: Any,
        signature_algorithm: Any,
        context: SignatureValidationContext = DEFAULT_VALIDATION_CONTEXT,
    ) -> None:
        if signature_algorithm["algorithm"].native not in SM2_SIGNATURES.values():
            super().validate_signature(signature, signed_data, public_key_info, signature_algorithm, context)
            return
        if context.prehashed:
            raise InvalidSignature("Z_A goes over the content, a digest of it is not enough")
        if not self._is_good(signature, bytes(signed_data), public_key_info):
            raise InvalidSignature

    def _is_good(self, signature: bytes, message: bytes, public_key_info: Any) -> bool:
        if not self._independent:
            return SM2PublicKey.from_spki(public_key_info.dump()).verify(signature, message)
        point = bytes(public_key_info["public_key"])[1:]
        pair = algos.DSASignature.load(signature, strict=True)
        r, s = pair["r"].native, pair["s"].native
        verifier = gmssl_sm2.CryptSM2(private_key="", public_key=point.hex())
        verifier.public_key = point.hex()  # its constructor strips leading digits 0 and 4 of the key
        return bool(verifier.verify(f"{r:064x}{s:064x}", _digest_to_sign(point, message)))


class SM2Signer(signers.Signer):
    """A pyHanko signer over one of our signers."""

    def __init__(self, signer: Signer, certificate: Certificate, chain: Iterable[Certificate]) -> None:
        store: Any = SimpleCertificateStore()
        store.register_multiple([x509.Certificate.load(link.der) for link in chain])
        super().__init__(
            signing_cert=x509.Certificate.load(certificate.der),
            cert_registry=store,
            signature_mechanism=algos.SignedDigestAlgorithm({"algorithm": "sm2_sm3"}),
            embed_roots=False,
        )
        self._signer = signer

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        return bytes(72) if dry_run else self._signer.sign(data)


def validation_context(
    roots: Iterable[Certificate],
    crls: Iterable[bytes] = (),
    *,
    at: datetime,
    intermediates: Iterable[Certificate] = (),
    revocation_mode: str = "hard-fail",
    independent: bool = True,
) -> ValidationContext:
    """A context that trusts ``roots`` alone at the moment ``at``, knows ``crls`` (DER) and fetches nothing."""
    return ValidationContext(
        trust_roots=[x509.Certificate.load(root.der) for root in roots],
        other_certs=[x509.Certificate.load(link.der) for link in intermediates],
        crls=list(crls),
        moment=at,
        allow_fetching=False,
        revocation_mode=revocation_mode,
        signature_validator=SM2SignatureValidator(independent=independent),
    )


register()
