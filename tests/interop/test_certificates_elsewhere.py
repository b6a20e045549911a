"""Other implementations judge our chains, lists, OCSP answers and requests: OpenSSL 4 (pyOpenSSL), BouncyCastle, the openssl program."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from OpenSSL import crypto as openssl

from crypto.authority import Profile, RevokedCertificate
from crypto.certificate_requests import create_request, read_proven_request
from crypto.certificates import Certificate
from crypto.path import validate_path
from crypto.signatures import SignatureAlgorithm
from crypto.trust_list import Purpose
from standards import gbt33560_oids as oids
from standards.rfc5280_names import name_text
from standards.rfc6960_ocsp import write_ocsp_request
from standards.rfc7468_pem import read_pem
from tests.optional import need_program
from tests.pki import DemoPki, cert_id_der, name_der, signer_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.interop.java_runner import JavaPrograms

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ALGORITHMS = [SignatureAlgorithm.SM2_SM3, SignatureAlgorithm.ECDSA_SHA256, SignatureAlgorithm.ECDSA_SHA384, SignatureAlgorithm.RSA_SHA256]
ID = "1234567812345678"


@dataclass
class Case:
    """A leaf with its chain and lists; what must come out of it."""

    pki: DemoPki
    leaf: Certificate
    crls: tuple[bytes, ...]

    def is_trusted_by_us(self) -> bool:
        return validate_path(self.leaf, trust=self.pki.trust_list(crls=self.crls), purpose=Purpose.DOCUMENT, at=AT).trusted is True

    def openssl(self) -> str | None:
        """Why OpenSSL refuses it, or ``None``."""
        store = openssl.X509Store()
        store.add_cert(openssl.load_certificate(openssl.FILETYPE_ASN1, self.pki.root.certificate.der))
        from cryptography import x509

        for crl in self.crls:
            store.add_crl(x509.load_der_x509_crl(crl))
        store.set_flags(openssl.X509StoreFlags.CRL_CHECK | openssl.X509StoreFlags.CRL_CHECK_ALL)
        store.set_time(AT.replace(tzinfo=None))
        leaf = openssl.load_certificate(openssl.FILETYPE_ASN1, self.leaf.der)
        chain = [openssl.load_certificate(openssl.FILETYPE_ASN1, self.pki.issuing.certificate.der)]
        try:
            openssl.X509StoreContext(store, leaf, chain).verify_certificate()
        except openssl.X509StoreContextError as error:
            return str(error)
        return None

    def bouncy_castle(self, folder: Path, programs: JavaPrograms) -> dict[str, str]:
        (folder / "anchor.cer").write_bytes(self.pki.root.certificate.der)
        (folder / "issuing.crt").write_bytes(self.pki.issuing.certificate.der)
        (folder / "leaf.cer").write_bytes(self.leaf.der)
        for number, crl in enumerate(self.crls):
            (folder / f"{number}.crl").write_bytes(crl)
        return programs.run("CheckChain", "chain", folder, AT.isoformat().replace("+00:00", "Z"))


def sound(algorithm: SignatureAlgorithm = SignatureAlgorithm.SM2_SM3) -> Case:
    pki = DemoPki.create(AT, algorithm, label=f"elsewhere {algorithm.value}")
    return Case(pki, pki.seal, pki.crls())


def revoked() -> Case:
    case = sound()
    case.pki.revoked.append(RevokedCertificate(case.leaf.serial, AT - 2 * DAY, "keyCompromise"))
    return Case(case.pki, case.leaf, case.pki.crls())


def changed_signature() -> Case:
    case = sound()
    changed = bytearray(case.leaf.der)
    changed[-1] ^= 1
    return Case(case.pki, Certificate.from_der(bytes(changed)), case.crls)


def changed_content() -> Case:
    case = sound()
    changed = bytearray(case.leaf.der)
    position = changed.index(b"11010000000001")
    changed[position] ^= 1
    return Case(case.pki, Certificate.from_der(bytes(changed)), case.crls)


def changed_list() -> Case:
    case = sound()
    changed = bytearray(case.crls[1])
    changed[-1] ^= 1
    return Case(case.pki, case.leaf, (case.crls[0], bytes(changed)))


def stale_list() -> Case:
    case = sound()
    return Case(case.pki, case.leaf, (case.crls[0], case.pki.crls(AT - 60 * DAY)[1]))


BAD = [revoked, changed_signature, changed_content, changed_list, stale_list]


@pytest.mark.clause("RFC 5280 6.1", "GB/T 32918.2-2016 6.1")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_openssl_accepts_our_chains_and_lists(algorithm: SignatureAlgorithm) -> None:
    case = sound(algorithm)
    assert case.is_trusted_by_us()
    assert case.openssl() is None


@pytest.mark.parametrize("make", BAD)
def test_openssl_refuses_what_we_refuse(make: Callable[[], Case]) -> None:
    case = make()
    assert not case.is_trusted_by_us()
    reason = case.openssl()
    assert reason is not None
    expected = {
        "revoked": "certificate revoked",
        "changed_signature": "certificate signature failure",
        "changed_content": "certificate signature failure",
        "changed_list": "CRL signature failure",
        "stale_list": "CRL has expired",
    }
    assert expected[make.__name__] in reason


@pytest.mark.clause("RFC 5280 6.1", "RFC 5280 6.3")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_bouncy_castle_accepts_our_chains_and_lists(algorithm: SignatureAlgorithm, tmp_path: Path, java_programs: JavaPrograms) -> None:
    found = sound(algorithm).bouncy_castle(tmp_path, java_programs)
    assert found == {"path": "true", "certificates": "2"}


@pytest.mark.parametrize("make", BAD)
def test_bouncy_castle_refuses_what_we_refuse(make: Callable[[], Case], tmp_path: Path, java_programs: JavaPrograms) -> None:
    found = make().bouncy_castle(tmp_path, java_programs)
    assert found["path"] == "false"
    if make is revoked:
        assert "revo" in found["reason"].lower()


@pytest.mark.clause("RFC 6960 4.2.1")
@pytest.mark.parametrize("is_revoked", [False, True])
@pytest.mark.parametrize("digest_oid", [oids.SM3, oids.SHA256, oids.SHA1])
def test_bouncy_castle_reads_our_ocsp_answers(is_revoked: bool, digest_oid: str, tmp_path: Path, java_programs: JavaPrograms) -> None:
    case = sound()
    request = write_ocsp_request([cert_id_der(case.leaf, case.pki.issuing.certificate, digest_oid)], b"n" * 32)
    response = case.pki.responder().respond(
        request,
        lambda serial: RevokedCertificate(serial, AT - DAY, "superseded") if is_revoked else "good",
        this_update=AT,
        next_update=AT + DAY,
    )
    for name, content in (("response.ocsp", response), ("issuer.cer", case.pki.issuing.certificate.der), ("leaf.cer", case.leaf.der)):
        (tmp_path / name).write_bytes(content)
    assert java_programs.run("CheckChain", "ocsp", tmp_path) == {
        "signature": "true",
        "responder": "true",
        "about": "true",
        "status": "revoked" if is_revoked else "good",
    }


def test_bouncy_castle_verifies_our_request(tmp_path: Path, java_programs: JavaPrograms) -> None:
    (tmp_path / "request").write_bytes(create_request(signer_for("elsewhere csr"), name_der("asker")))
    assert java_programs.run("CheckChain", "request", tmp_path / "request") == {"signature": "true"}


@pytest.mark.clause("RFC 2986 4.2")
def test_the_openssl_program_opens_our_request(tmp_path: Path) -> None:
    program = need_program("openssl")
    request = tmp_path / "request.der"
    request.write_bytes(create_request(signer_for("elsewhere csr"), name_der("asker")))
    command = [program, "req", "-in", str(request), "-inform", "DER", "-verify", "-noout", "-subject", "-sm3", "-vfyopt"]
    good = subprocess.run([*command, f"distid:{ID}"], capture_output=True, text=True, check=False, timeout=30)
    assert "verify OK" in good.stderr + good.stdout
    assert "asker" in good.stdout
    other_id = subprocess.run([*command, "distid:somebody else"], capture_output=True, text=True, check=False, timeout=30)
    assert "verify OK" not in other_id.stderr + other_id.stdout


def test_we_open_the_request_of_the_openssl_program(tmp_path: Path) -> None:
    program = need_program("openssl")
    key, request = tmp_path / "key.pem", tmp_path / "request.pem"
    subprocess.run([program, "genpkey", "-algorithm", "SM2", "-out", str(key)], check=True, capture_output=True, timeout=30)
    subprocess.run(
        [
            *(program, "req", "-new", "-key", str(key), "-sm3", "-sigopt", f"distid:{ID}", "-utf8"),
            *("-subj", "/C=CN/O=openssl/CN=asker", "-out", str(request)),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    ((label, encoded),) = read_pem(request.read_bytes())
    assert label == "CERTIFICATE REQUEST"
    asked = read_proven_request(encoded)
    assert name_text(asked.subject_der) == "CN=asker,O=openssl,C=CN"
    case = sound()
    certificate = case.pki.issuing.issue(encoded, Profile.SEAL_SIGNING, not_before=AT - DAY, not_after=AT + DAY)
    assert Case(case.pki, certificate, case.crls).openssl() is None
