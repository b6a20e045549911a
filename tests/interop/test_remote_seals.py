"""A document sealed in two phases with a key that never leaves a PKCS#11 token, before judges that know nothing of us."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from asn1crypto import cms as asn1_cms
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from crypto.certificate_requests import create_request
from seal_service.actions.finish_remote_signature import finish_remote_signature
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.prepare_remote_signature import Awaited, prepare_remote_signature
from seal_service.actions.record_use import User
from seal_service.actions.seal_order import SealOrder
from standards.gbt33560_oids import SES_SIGNATURE_ATTRIBUTE
from standards.rfc5280_names import write_name
from tests.devices.soft import SoftDevice
from tests.interop.pyhanko_sm2 import validation_context
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, caller, open_house
from tests.seal_service.pdf.documents import reportlab_document
from tests.seal_service.pdf.sealing import signatures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.interop.java_runner import JavaPrograms

USER = User("cl_a", "client:cl_a")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("remote")) as opened:
        yield opened


@pytest.fixture(scope="module")
def sealed(house: House, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Visible, time-stamped, in the profile for both worlds: two rounds."""
    token = SoftDevice("pkcs11", tmp_path_factory.mktemp("token")).open().signer("sm2-key")
    key_request_der = create_request(token, write_name((("CN", "a token of the tests"),)))
    request = SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE, key_request_der=key_request_der)
    seal = make_seal(house.context, caller(), request)
    found: object = prepare_remote_signature(house.context, USER, seal.id, SealOrder(reportlab_document(), page=1, x_mm=150, y_mm=60))
    while isinstance(found, Awaited):
        value = token.sign(found.to_be_signed)
        found = finish_remote_signature(house.context, USER, seal.id, found.use_id, number=found.round, signature=value)
    return found.content  # type: ignore[attr-defined, no-any-return] # a sealed document now


def test_pyhanko_trusts_it(house: House, sealed: bytes) -> None:
    pki = house.pki
    context = validation_context([pki.root.certificate], pki.crls(), at=datetime.now(UTC), intermediates=[pki.issuing.certificate])
    [signature] = PdfFileReader(io.BytesIO(sealed)).embedded_signatures
    status = validate_pdf_signature(signature, context, context)
    assert status.intact
    assert status.valid
    assert status.trusted
    assert status.bottom_line
    assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE


def test_bouncy_castle_verifies_the_cms_and_the_sealing_value_in_it(
    house: House, sealed: bytes, tmp_path: Path, java_programs: JavaPrograms
) -> None:
    [signature] = signatures(sealed).values()
    _, first, second, _ = signature["/ByteRange"]
    content, value = tmp_path / "content", bytes(signature["/Contents"])
    content.write_bytes(sealed[:first] + sealed[second:])
    (tmp_path / "cms").write_bytes(value)
    trust = tmp_path / "trust"
    trust.mkdir()
    (trust / "root.cer").write_bytes(house.pki.root.certificate.der)
    for number, crl in enumerate(house.pki.crls()):
        (trust / f"{number}.crl").write_bytes(crl)
    found = java_programs.run("VerifyCms", "cms", tmp_path / "cms", content, trust, datetime.now(UTC).isoformat().replace("+00:00", "Z"))
    assert {found[name] for name in ("signature", "signing-certificate", "path", "token", "imprint", "token-path")} == {"true"}

    [signer] = asn1_cms.ContentInfo.load(value)["content"]["signer_infos"]
    [attribute] = [each for each in signer["signed_attrs"] if each["type"].dotted == SES_SIGNATURE_ATTRIBUTE]
    (tmp_path / "ses").write_bytes(attribute["values"][0].dump())
    found = java_programs.run("ReadSeal", "signature", tmp_path / "ses", content)
    assert {found[name] for name in ("seal-value", "data-hash", "value", "listed")} == {"true"}
