"""Type="Sign" values without attributes, in the forms of several vendors (A, C, and detached), made element by element."""

from __future__ import annotations

import base64

from crypto.sm3 import sm3
from standards import gbt33560_oids as oids
from standards import rfc5652_cms
from standards import x690_der as der
from tests.seal_service.ofd.documents import pki

ALGORITHM = der.sequence(der.oid(oids.SM2_WITH_SM3))
OLDER_ALGORITHM = der.sequence(der.oid(oids.SM2_SIGN_ALIAS))
DIGEST = der.sequence(der.oid(oids.SM3))


def bare_signed_data(signed: bytes, content: bytes | None, *, algorithm: bytes = ALGORITHM, raw: bool = False) -> bytes:
    """SignedData of GB/T 35275 whose one signer signed ``signed`` itself; ``content`` stands inside, or nothing does."""
    signature = pki().seal_signer.sign(signed)
    if raw:
        numbers = der.read_der(signature).children()
        signature = b"".join(number.integer().to_bytes(32, "big") for number in numbers)
    certificate = pki().seal
    identifier = rfc5652_cms.write_issuer_and_serial(certificate.issuer_der, certificate.serial)
    signer = der.sequence(der.integer(1), identifier, DIGEST, algorithm, der.octet_string(signature))
    return rfc5652_cms.write_signed_data(
        outer_type=oids.GM_SIGNED_DATA,
        version=1,
        digest_der=DIGEST,
        content_der=rfc5652_cms.write_content(oids.GM_DATA, content),
        certificates_der=rfc5652_cms.write_certificates([certificate.der]),
        signer_der=signer,
    )


def form_a(original: bytes, _: str = "") -> bytes:
    return bare_signed_data(sm3(original), sm3(original))


def form_a_older(original: bytes, _: str = "") -> bytes:
    return bare_signed_data(sm3(original), sm3(original), algorithm=OLDER_ALGORITHM, raw=True)


def form_c(original: bytes, _: str = "") -> bytes:
    text = base64.b64encode(sm3(original))
    return bare_signed_data(text, text)


def form_attached(original: bytes, _: str = "") -> bytes:
    return bare_signed_data(original, original)


def form_detached(original: bytes, _: str = "") -> bytes:
    return bare_signed_data(original, None)


def form_detached_digest(original: bytes, _: str = "") -> bytes:
    return bare_signed_data(sm3(original), None)


def indefinite(value: bytes) -> bytes:
    """The same value with an indefinite outer length, as some writers leave it (BER)."""
    inner = der.read_der(value)
    return b"\x30\x80" + b"".join(child.raw for child in inner.children()) + b"\0\0"
