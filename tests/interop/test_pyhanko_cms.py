"""pyHanko, taught SM2, verifies our signatures and time-stamps, and we verify what pyHanko signs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from asn1crypto import cms as asn1_cms
from pyhanko.sign.validation import async_validate_detached_cms
from pyhanko.sign.validation.errors import SignatureValidationError

from crypto.report import Verdict
from crypto.signatures import SignatureAlgorithm
from tests.crypto.cms_surgery import Parts, changed
from tests.crypto.signing_actors import AT, CONTENT, DAY, World, world
from tests.interop.pyhanko_sm2 import SM2Signer, validation_context

if TYPE_CHECKING:
    from crypto.cms import CmsResult

ALGORITHMS = [SignatureAlgorithm.SM2_SM3, SignatureAlgorithm.ECDSA_SHA256, SignatureAlgorithm.RSA_SHA256, SignatureAlgorithm.ED25519]


def validated(here: World, signed: bytes, content: bytes = CONTENT) -> Any:
    context = validation_context([here.pki.root.certificate], here.pki.crls(), at=AT + DAY)
    return asyncio.run(
        async_validate_detached_cms(
            content,
            asn1_cms.ContentInfo.load(signed)["content"],
            signer_validation_context=context,
            ts_validation_context=validation_context([here.pki.root.certificate], here.pki.crls(), at=AT + DAY),
        )
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_pyhanko_says_intact_valid_and_trusted(algorithm: SignatureAlgorithm) -> None:
    here = world(algorithm)
    status = validated(here, here.sign(timestamp=here.stamp()))
    assert (status.intact, status.valid, status.trusted) == (True, True, True)
    assert status.timestamp_validity is not None
    assert (status.timestamp_validity.intact, status.timestamp_validity.valid, status.timestamp_validity.trusted) == (True, True, True)
    assert status.timestamp_validity.timestamp == AT
    assert status.signer_reported_dt == AT


def test_pyhanko_sees_changes() -> None:
    here = world()
    signed = here.sign()
    assert validated(here, signed, b"changed").intact is False

    def spoil(parts: Parts) -> None:
        value = bytearray(parts.signer.signature)
        value[-1] ^= 1
        parts.signer.signature = bytes(value)

    status = validated(here, changed(signed, spoil))
    assert status.valid is False

    def substitute(parts: Parts) -> None:
        parts.certificates = [here.pki.tsa.der]

    with pytest.raises(SignatureValidationError):
        validated(here, changed(signed, substitute))


def by_pyhanko(here: World, content: bytes) -> bytes:
    signer = SM2Signer(here.pki.seal_signer, here.pki.seal, here.pki.chain)
    return bytes(asyncio.run(signer.async_sign_general_data(content, "sm3")).dump())


def test_we_verify_what_pyhanko_signs() -> None:
    here = world()
    found: CmsResult = here.verify(by_pyhanko(here, CONTENT))
    assert found.verdict is Verdict.VALID
    assert found.signer_certificate == here.pki.seal
    assert here.verify(by_pyhanko(here, CONTENT), b"changed").verdict is Verdict.INVALID
