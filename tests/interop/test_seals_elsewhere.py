"""Seals and sealing values between us and others: BouncyCastle and ofdrw read and verify ours, we verify ofdrw's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest

from crypto.authority import Profile
from crypto.certificate_requests import SubjectRequest
from crypto.certificates import Certificate
from crypto.report import Outcome, Verdict
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from crypto.sm3 import sm3
from seal_service.seal_data.make import SealDescription, SealMaker, build_seal, sign_with_seal
from seal_service.seal_data.seal_file import verify_esl
from seal_service.seal_data.verify import verify_seal_signature
from standards.gbt38540_seal.read import read_seal, read_seal_signature
from standards.gbt38540_seal.values import MONGOLIAN_NAME, SealExtension, SealPicture
from standards.gbt38540_seal.write import write_seal
from tests.interop.ofdrw_runner import ofdrw_programs
from tests.pki import DemoPki
from tests.seal_service.seal_data.actors import DATA, SIGNED, cached_seal, cached_signature, world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.java_runner import JavaPrograms

NOW = datetime.now(UTC).replace(microsecond=0)  # ofdrw signs with the time of its machine
SEALING = "GB/T 38540-2020 sealing verification"


def written(folder: Path, data: bytes, original: bytes = DATA) -> tuple[Path, Path]:
    (folder / "data").write_bytes(data)
    (folder / "original").write_bytes(original)
    return folder / "data", folder / "original"


@pytest.mark.clause(SEALING, "GB/T 38540-2020 seal verification", "GM/T 0031-2025 sealing verification")
@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("with_digests", [False, True])
def test_bouncy_castle_verifies_our_values(java_programs: JavaPrograms, tmp_path: Path, version: int, with_digests: bool) -> None:
    here = world()
    seal = here.seal(version, with_digests=with_digests, extensions=(SealExtension(MONGOLIAN_NAME, True, b"x"),))
    found = java_programs.run("ReadSeal", "signature", *written(tmp_path, here.sign(seal)))
    expected = {
        "der": "true",
        "header": "ES",
        "version": str(version),
        "es-id": "15070000000001",
        "name": "示范章",
        "list-type": "2" if with_digests else "1",
        "valid-until": "20270601120000GMT+00:00",
        "width": "42",
        "seal-value": "true",
        "stated-version": str(version),
        "time": SIGNED.strftime("%Y%m%d%H%M%SGMT+00:00"),
        "data-hash": "true",
        "property-info": "/Doc_0/Signs/Sign_0/Signature.xml",
        "value": "true",
        "listed": "true",
        "token-tag": "0",
        "imprint": "true",
        "token": "true",
    }
    stamped = {"seal-token-tag": "0", "seal-imprint": "true", "seal-token": "true"}
    assert found == expected | (stamped if version == 5 else {})


def test_bouncy_castle_refuses_what_was_changed(java_programs: JavaPrograms, tmp_path: Path) -> None:
    assert java_programs.run("ReadSeal", "signature", *written(tmp_path, cached_signature(4), b"other"))["data-hash"] == "false"
    renamed = cached_signature(4).replace("示范章".encode(), "市政府".encode())
    found = java_programs.run("ReadSeal", "signature", *written(tmp_path, renamed))
    assert (found["seal-value"], found["value"]) == ("false", "false")
    colleague = world().forge(certificate=world().pki.tsa, signer=world().pki.tsa_signer)
    found = java_programs.run("ReadSeal", "signature", *written(tmp_path, colleague))
    assert (found["value"], found["listed"]) == ("true", "false")


@pytest.mark.clause("GB/T 38540-2020 seal verification")
def test_bouncy_castle_verifies_our_seals(java_programs: JavaPrograms, tmp_path: Path) -> None:
    for version in (4, 5):
        found = java_programs.run("ReadSeal", "seal", written(tmp_path, cached_seal(version))[0])
        assert (found["seal-value"], found["version"], found["der"]) == ("true", str(version), "true")


@pytest.mark.clause(SEALING)
def test_ofdrw_validates_our_values(ofdrw: JavaPrograms, tmp_path: Path) -> None:
    found = ofdrw.run("OfdrwSeals", "read", *written(tmp_path, cached_signature(4)))
    assert found == {
        "version": "4",
        "stated-version": "4",
        "es-id": "15070000000001",
        "name": "示范章",
        "property-info": "/Doc_0/Signs/Sign_0/Signature.xml",
        "stamped": "true",
        "seal-value": "true",
        "valid": "true",
    }


@pytest.mark.clause("GM/T 0031-2025 sealing verification")
def test_ofdrw_reads_our_version_5_as_far_as_it_knows_the_form(ofdrw: JavaPrograms, tmp_path: Path) -> None:
    """Its release knows no version 5 and drops the time-stamp inside the seal; without that the form is that of version 4."""
    here = world()
    seal = read_seal(cached_seal(5))
    bare = write_seal(seal.info_raw, seal.maker_certificate_der, seal.signature, version=5)
    found = ofdrw.run("OfdrwSeals", "read", *written(tmp_path, here.sign(bare)))
    assert (found["stated-version"], found["seal-value"], found["valid"]) == ("5", "true", "true")


def test_ofdrw_refuses_what_was_changed(ofdrw: JavaPrograms, tmp_path: Path) -> None:
    assert ofdrw.run("OfdrwSeals", "read", *written(tmp_path, cached_signature(4), b"other"))["valid"] == "false"
    renamed = cached_signature(4).replace("示范章".encode(), "市政府".encode())
    found = ofdrw.run("OfdrwSeals", "read", *written(tmp_path, renamed))
    assert (found["seal-value"], found["valid"]) == ("false", "false")


@cache
def pki() -> DemoPki:
    """A PKI of today, whose maker and signer keys are at hand for the other program."""
    return DemoPki.create(NOW, label="ses-today")


def laid_out(folder: Path) -> None:
    """Keys and certificates of a maker and a signer, and the original."""
    for role, profile in (("maker", Profile.SEAL_MAKER), ("signer", Profile.SEAL_SIGNING)):
        key = SM2PrivateKey.generate()
        certificate = pki().issuing.issue(
            SubjectRequest(pki().seal.subject_der, key.public_key.spki_der),
            profile,
            not_before=NOW - timedelta(days=1),
            not_after=NOW + timedelta(days=800),
        )
        (folder / f"{role}.key").write_bytes(key.to_pkcs8())
        (folder / f"{role}.cer").write_bytes(certificate.der)
    (folder / "original").write_bytes(DATA)


@pytest.mark.clause(SEALING, "GM/T 0031-2014 sealing verification")
@pytest.mark.parametrize("version", [1, 4])
def test_we_verify_what_ofdrw_makes(tmp_path: Path, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")  # in version 1 it writes the local time of its machine, without a zone
    laid_out(tmp_path)
    with ofdrw_programs() as ofdrw:
        ofdrw.run("OfdrwSeals", "make", str(version), tmp_path)
    seal_der, value = (tmp_path / "seal.esl").read_bytes(), (tmp_path / "value.dat").read_bytes()
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert verify_esl(seal_der, pki().trust_list(), later).verdict is Verdict.VALID
    signature = read_seal_signature(value)
    assert (signature.version, signature.seal.property.name, signature.seal_raw) == (version, "他人所制印章", seal_der)
    found = verify_seal_signature(signature, trust=pki().trust_list(), at=later, data=DATA)
    assert (found.verdict, found.cryptographically_valid, found.document_intact, found.trusted) == (Verdict.VALID, True, True, True)
    warned = {step.code for step in found.steps if step.outcome is Outcome.WARN}
    assert warned == {"SEAL_STATUS_NOT_ASKED", "SIG_TIME_UNPROVEN"}
    changed = verify_seal_signature(signature, trust=pki().trust_list(), at=later, data=DATA + b" ")
    assert (changed.verdict, changed.document_intact) == (Verdict.INVALID, False)


@pytest.mark.clause(SEALING)
def test_ofdrw_seals_with_our_seal_and_we_with_its(ofdrw: JavaPrograms, tmp_path: Path) -> None:
    laid_out(tmp_path)
    ofdrw.run("OfdrwSeals", "make", "4", tmp_path)
    signer = software_signer(SM2PrivateKey.from_pkcs8((tmp_path / "signer.key").read_bytes()), "signer")
    certificate = Certificate.from_der((tmp_path / "signer.cer").read_bytes())
    signed_at = datetime.now(UTC).replace(microsecond=0)
    ours = sign_with_seal(
        (tmp_path / "seal.esl").read_bytes(),
        data_hash=sm3(DATA),
        property_info="/Doc_0/Signs/Sign_0/Signature.xml",
        signer=signer,
        signer_certificate=certificate,
        signed_at=signed_at,
    )
    assert ofdrw.run("OfdrwSeals", "read", *written(tmp_path, ours))["valid"] == "true"

    description = SealDescription(
        "15070000000003", "yinxin", 1, "示范章", signed_at, signed_at, signed_at + timedelta(days=365), SealPicture("PNG", b"p", 40, 40)
    )
    (tmp_path / "seal.esl").write_bytes(build_seal(description, [certificate], SealMaker(pki().maker, pki().maker_signer)))
    ofdrw.run("OfdrwSeals", "sign", tmp_path)
    theirs = read_seal_signature((tmp_path / "value.dat").read_bytes())
    later = datetime.now(UTC) + timedelta(minutes=1)
    found = verify_seal_signature(theirs, trust=pki().trust_list(), at=later, data=DATA)
    assert found.verdict is Verdict.VALID
