"""SES_Signature alone in /Contents, under any name, and the other national patterns that occur in files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crypto.report import Verdict
from crypto.sm3 import sm3
from seal_service.pdf.seal import prepare_seal
from seal_service.pdf.sealing_value import (
    SES_FILTER,
    SES_SUBFILTER,
    Profile,
    describe_range,
)
from seal_service.seal_data.certified_key import open_certificate
from seal_service.seal_data.document_checks import digest_with_identity
from standards import gbt33560_oids as oids
from standards import x690_der as der
from tests.crypto.cms_surgery import Parts, changed, take_apart
from tests.pki import signer_for
from tests.seal_service.pdf.documents import reportlab_document
from tests.seal_service.pdf.sealing import AT, pki, signatures
from tests.seal_service.pdf.seals_inside import (
    forged_value,
    judged,
    make_seal_data,
    prepared,
    sealed_with,
)
from tests.seal_service.pdf.tampering import failures, undecided, warnings


def _alone(make: Any, **options: Any) -> bytes:
    document = prepared(**({"filter_name": SES_FILTER, "subfilter": SES_SUBFILTER} | options))
    return document.finish(make(document))


def _value(document: Any, **changes: Any) -> bytes:
    return forged_value(**({"digest": document.digest, "property_info": describe_range(document.byte_range)} | changes))


@pytest.mark.parametrize("sub_filter", ["Vendor.Unknown", "GM.SM2", SES_SUBFILTER])
def test_a_sealing_value_is_known_by_its_content_under_any_name(sub_filter: str) -> None:
    report = judged(_alone(_value, subfilter=sub_filter))
    assert (report.verdict, report.signatures[0].kind) == (Verdict.VALID, "pdf-ses")


def test_a_sealing_value_under_the_name_of_another_kind_is_valid_with_a_warning() -> None:
    for sub_filter in ("adbe.pkcs7.detached", "adbe.x509.rsa_sha1"):
        report = judged(_alone(_value, subfilter=sub_filter))
        assert (report.verdict, report.signatures[0].kind) == (Verdict.VALID, "pdf-ses")
        assert "PDF_SUBFILTER_DISAGREES" in warnings(report)


def test_attacks_on_a_sealing_value_alone() -> None:
    demo = pki()
    assert failures(judged(_alone(lambda _: forged_value(digest=sm3(b"x"))))) == {"DATA_HASH_BAD"}
    assert failures(judged(_alone(lambda d: _value(d, seal_der=make_seal_data([demo.maker]))))) == {"SIGNER_NOT_IN_SEAL"}
    assert failures(judged(_alone(lambda d: _value(d, signer=signer_for("ses-second"))))) == {"SIG_VALUE_BAD"}
    assert undecided(judged(_alone(lambda d: _value(d, property_info="[0 1 2 3]")))) == {"PDF_SES_RANGE_DISAGREES"}
    assert "PDF_SES_TIME_DISAGREES" in warnings(judged(_alone(lambda d: _value(d, at=AT - timedelta(hours=8)))))
    broken = judged(_alone(lambda d: _value(d)[:-1] + b"\x05"))
    assert broken.verdict is Verdict.INVALID
    malformed = der.sequence(der.sequence(der.integer(4), der.sequence()), der.octet_string(b"x"))
    assert failures(judged(_alone(lambda _: malformed))) == {"SES_MALFORMED"}


def test_the_variant_with_the_signers_identity_passes_with_its_warning() -> None:
    document = prepared(filter_name=SES_FILTER, subfilter=SES_SUBFILTER)
    start, first, second, rest = document.byte_range
    plain = document.finish(b"\x30\x00")
    digest = digest_with_identity(plain[start:first] + plain[second : second + rest], open_certificate(pki().seal.der))
    assert digest is not None
    report = judged(document.finish(_value(document, digest=digest)))
    assert (report.verdict, "DATA_HASH_ZA_VARIANT" in warnings(report)) == (Verdict.VALID, True)


def test_every_changed_byte_under_a_sealing_value_is_seen() -> None:
    document = sealed_with(Profile.SES)
    (value,) = signatures(document).values()
    start, first, second, rest = (int(number) for number in value["/ByteRange"])
    for position in (start + 20, first - 200, second + 5, second + rest - 30):
        spoilt = bytearray(document)
        spoilt[position] ^= 1
        assert judged(bytes(spoilt)).verdict is not Verdict.VALID, position
    used = bytes(value["/Contents"]).rstrip(b"\0")
    for at in range(40, len(used), 211):
        spoilt = bytearray(document)
        spoilt[first + 1 + 2 * at] ^= 1
        assert judged(bytes(spoilt)).verdict is not Verdict.VALID, at


def test_the_private_kind_seen_in_files_is_named_and_never_valid() -> None:
    report = judged(_alone(lambda _: der.sequence(der.octet_string(b"private")), filter_name="GM.PKILite", subfilter="GM.SM2"))
    assert (report.verdict, undecided(report)) == (Verdict.INDETERMINATE, {"PDF_SUBFILTER_PRIVATE"})


def test_national_signed_data_and_its_older_algorithm_name_are_read() -> None:
    """Patterns of files in use: GB/T 35275 SignedData under adbe.pkcs7.detached, with .501 and with .301.1; RSA-style types with .401/.501."""
    from crypto.cms import Dialect, sign_detached

    demo = pki()

    def older(parts: Parts) -> None:
        parts.signer.algorithm = der.sequence(der.oid(oids.SM2_SIGN_ALIAS))

    for dialect in Dialect:
        for is_older in (False, True):
            document = prepare_seal(
                reportlab_document(),
                placement=None,
                picture=None,
                reserved_bytes=8192,
                signed_at=AT,
                subfilter="adbe.pkcs7.detached",
            )
            cms = sign_detached(
                content_digest=document.digest,
                digest_oid=oids.SM3,
                signer=demo.seal_signer,
                signer_certificate=demo.seal,
                chain=demo.chain,
                dialect=dialect,
            )
            if is_older and dialect is Dialect.GBT35275:
                cms = changed(cms, older)
                assert take_apart(cms).signer.algorithm != take_apart(cms).digests[0]
            report = judged(document.finish(cms))
            assert (report.verdict, report.signatures[0].kind) == (Verdict.VALID, "pdf-cms")
