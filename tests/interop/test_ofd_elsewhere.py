"""Sealed OFD documents between us and others: ofdrw validates ours and refuses what was changed, and each seals what the other has sealed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from crypto.authority import Profile
from crypto.certificate_requests import SubjectRequest
from crypto.report import Verdict
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from seal_service.ofd.seal import seal_ofd
from seal_service.ofd.verify import verify_ofd
from seal_service.places import Edge, Place, Seam
from seal_service.seal_data.make import SealDescription, SealMaker, build_seal
from standards.gbt35275_cms import read_either_dialect
from standards.gbt38540_seal.read import read_seal, read_seal_signature
from standards.gbt38540_seal.values import SealPicture
from standards.gbt38540_seal.write import write_seal
from tests.pki import DemoPki
from tests.seal_service.ofd.documents import PAGE, SIGNATURE, VALUE, verify
from tests.seal_service.ofd.sealing import files_of, list_entries, plain, seal, seal_v5_der, sign_without_seal
from tests.standards.gbt33190_ofd.archives import pack
from tests.standards.gbt33190_ofd.parts import PNG, plain_files

if TYPE_CHECKING:
    from pathlib import Path

    from crypto.certificates import Certificate
    from tests.interop.java_runner import JavaPrograms

SEALING = "GB/T 33190-2016 18"
NOW = datetime.now(UTC).replace(microsecond=0)  # ofdrw signs with the time of its machine
PLACE = Place(1, 60.0, 60.0)


def validate(ofdrw: JavaPrograms, folder: Path, document: bytes) -> dict[str, str]:
    path = folder / "validated.ofd"
    path.write_bytes(document)
    return ofdrw.run("OfdrwPackages", "validate", path)


@pytest.mark.clause(SEALING, "GB/T 33190-2016 18.1", "GB/T 33190-2016 18.2.3")
@pytest.mark.parametrize(
    ("kind", "signatures", "stamps"),
    [
        ("single", 1, 1),
        ("places", 1, 2),
        ("seam", 1, 2),
        ("locked", 1, 1),
        ("several", 4, 4),
        ("signed", 2, 1),
        ("listed", 1, 0),
        ("v5", 1, 1),
    ],
)
def test_ofdrw_validates_what_we_seal(ofdrw: JavaPrograms, tmp_path: Path, kind: str, signatures: int, stamps: int) -> None:
    documents: dict[str, Any] = {
        "single": lambda: seal(places=[PLACE]),
        "places": lambda: seal(places=[PLACE, Place(2, 50, 50)]),
        "seam": lambda: seal(seam=Seam(Edge.LEFT)),
        "locked": lambda: seal(places=[PLACE], is_locking=True),
        "several": lambda: seal(seal(seal(seal(places=[PLACE]), seam=Seam()), places=[PLACE]), is_locking=True),
        "signed": lambda: seal(sign_without_seal(), places=[PLACE]),
        "listed": lambda: list_entries(seal()),
        "v5": lambda: seal(seal_der=bare_v5(), places=[PLACE]),
    }
    found = validate(ofdrw, tmp_path, documents[kind]())
    assert found == {"pages": "2", "signatures": str(signatures), "stamps": str(stamps), "valid": "true"}


def bare_v5() -> bytes:
    """ofdrw's release knows no time-stamp inside a seal; without it the form is that of version 4."""
    made = read_seal(seal_v5_der())
    return write_seal(made.info_raw, made.maker_certificate_der, made.signature, version=5)


@pytest.mark.parametrize("name", [PAGE, "OFD.xml", SIGNATURE, VALUE, "Doc_0/Attachs/a.json"])
@pytest.mark.parametrize("is_seal", [True, False])
def test_both_refuse_what_was_changed(ofdrw: JavaPrograms, tmp_path: Path, name: str, is_seal: bool) -> None:
    files = files_of(seal(places=[PLACE]) if is_seal else sign_without_seal())
    changed = files[name].replace(b"<ofd:SignatureDateTime>2", b"<ofd:SignatureDateTime>3") if name == SIGNATURE else files[name] + b" "
    if name == VALUE:
        changed = with_another_signature(files[name], is_seal=is_seal)
    document = pack({**files, name: changed})
    assert validate(ofdrw, tmp_path, document)["valid"] == "false"
    assert verify(document).verdict is Verdict.INVALID


def with_another_signature(value: bytes, *, is_seal: bool) -> bytes:
    """The value with the last byte of its signature changed."""
    signature = read_seal_signature(value).signature if is_seal else read_either_dialect(value).signers[0].signature
    return value.replace(signature, signature[:-1] + bytes([signature[-1] ^ 1]))


def test_both_refuse_a_later_seal_on_a_locked_document(ofdrw: JavaPrograms, tmp_path: Path) -> None:
    folder = laid_out(tmp_path, seal(is_locking=True))
    with pytest.raises(AssertionError):
        ofdrw.run("OfdrwPackages", "seal", folder, "one")


@cache
def pki() -> DemoPki:
    """A PKI of today, whose signer's key is at hand for the other program."""
    return DemoPki.create(NOW, label="ofd-today")


@cache
def signer_key() -> SM2PrivateKey:
    return SM2PrivateKey.generate()


@cache
def own_seal() -> tuple[bytes, Certificate]:
    certificate = pki().issuing.issue(
        SubjectRequest(pki().seal.subject_der, signer_key().public_key.spki_der),
        Profile.SEAL_SIGNING,
        not_before=NOW - timedelta(days=1),
        not_after=NOW + timedelta(days=800),
    )
    description = SealDescription(
        "15070000000003", "tests", 1, "示范章", NOW, NOW, NOW + timedelta(days=365), SealPicture("PNG", PNG, 40, 40)
    )
    return build_seal(description, [certificate], SealMaker(pki().maker, pki().maker_signer)), certificate


def laid_out(folder: Path, document: bytes) -> Path:
    seal_der, certificate = own_seal()
    (folder / "document.ofd").write_bytes(document)
    (folder / "seal.esl").write_bytes(seal_der)
    (folder / "signer.key").write_bytes(signer_key().to_pkcs8())
    (folder / "signer.cer").write_bytes(certificate.der)
    return folder


def seal_today(document: bytes, **options: Any) -> bytes:
    seal_der, certificate = own_seal()
    signer = software_signer(signer_key(), "signer")
    signed_at = datetime.now(UTC).replace(microsecond=0)
    return seal_ofd(document, seal_der=seal_der, signer=signer, certificate=certificate, signed_at=signed_at, **options)


def verdicts(document: bytes) -> list[Verdict]:
    report = verify_ofd(document, pki().trust_list(), datetime.now(UTC) + timedelta(minutes=1))
    return [signature.verdict for signature in report.signatures]


@pytest.mark.clause(SEALING)
@pytest.mark.parametrize("kind", ["one", "seam", "sign"])
def test_we_seal_what_ofdrw_has_sealed(ofdrw: JavaPrograms, tmp_path: Path, kind: str) -> None:
    folder = laid_out(tmp_path, pack(plain_files(signatures=None)))
    ofdrw.run("OfdrwPackages", "seal", folder, kind)
    theirs = (folder / "sealed.ofd").read_bytes()
    assert verdicts(theirs) == [Verdict.VALID]
    both = seal_today(theirs, places=[PLACE], seam=Seam())
    assert verdicts(both) == [Verdict.VALID] * 2
    assert validate(ofdrw, tmp_path, both)["valid"] == "true"
    kept = files_of(theirs)
    assert all(data == kept[name] for name, data in files_of(both).items() if name in kept and not name.endswith("Signatures.xml"))


@pytest.mark.clause(SEALING)
def test_ofdrw_seals_what_we_have_sealed(ofdrw: JavaPrograms, tmp_path: Path) -> None:
    folder = laid_out(tmp_path, seal_today(plain(), seam=Seam()))
    ofdrw.run("OfdrwPackages", "seal", folder, "one")
    both = (folder / "sealed.ofd").read_bytes()
    assert validate(ofdrw, tmp_path, both)["signatures"] == "2"
    assert verdicts(both) == [Verdict.VALID] * 2
    assert verdicts(seal_today(both)) == [Verdict.VALID] * 3


def test_the_lock_of_ofdrw_is_respected(ofdrw: JavaPrograms, tmp_path: Path) -> None:
    folder = laid_out(tmp_path, plain())
    ofdrw.run("OfdrwPackages", "seal", folder, "lock")
    locked = (folder / "sealed.ofd").read_bytes()
    assert verdicts(locked) == [Verdict.VALID]
    with pytest.raises(Exception, match="OFD_LOCKED"):
        seal_today(locked)


@pytest.mark.clause(SEALING)
def test_bouncy_castle_verifies_the_values_inside(java_programs: JavaPrograms, tmp_path: Path) -> None:
    files = files_of(seal())
    (tmp_path / "value").write_bytes(files[VALUE])
    (tmp_path / "original").write_bytes(files[SIGNATURE])
    found = java_programs.run("ReadSeal", "signature", tmp_path / "value", tmp_path / "original")
    assert {found[key] for key in ("seal-value", "value", "data-hash", "listed", "imprint", "token")} == {"true"}
    assert found["property-info"] == f"/{SIGNATURE}"
