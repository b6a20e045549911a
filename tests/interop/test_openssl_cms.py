"""The ``openssl`` program and we verify each other's CMS signatures and time-stamps (RSA and ECDSA; its 3.0 line knows no SM2 in CMS)."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from crypto.authority import Profile
from crypto.certificate_requests import SubjectRequest
from crypto.report import Verdict
from crypto.signatures import SignatureAlgorithm
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from crypto.timestamps import verify_token
from standards.rfc3161_timestamp import read_response
from standards.rfc7468_pem import write_pem
from tests.crypto.cms_surgery import Parts, changed
from tests.crypto.signing_actors import AT, CONTENT, DAY, World, codes, world
from tests.optional import need_program
from tests.pki import make_key, name_der

if TYPE_CHECKING:
    from pathlib import Path

    from crypto.certificates import Certificate

ALGORITHMS = [
    SignatureAlgorithm.ECDSA_SHA256,
    SignatureAlgorithm.ECDSA_SHA384,
    SignatureAlgorithm.RSA_SHA256,
    SignatureAlgorithm.RSA_PSS_SHA256,
]
MOMENT = str(int((AT + DAY).timestamp()))


class Bench:
    """A folder with files and the program to run in it."""

    def __init__(self, folder: Path, here: World) -> None:
        self.folder = folder
        self.here = here
        self.openssl = need_program("openssl")
        self.write("root.pem", pem(here.pki.root.certificate))
        self.write("issuing.pem", pem(here.pki.issuing.certificate))
        self.write("content", CONTENT)

    def write(self, name: str, data: bytes | str) -> None:
        (self.folder / name).write_bytes(data.encode() if isinstance(data, str) else data)

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def run(self, *arguments: str) -> bool:
        return subprocess.run([self.openssl, *arguments], cwd=self.folder, capture_output=True, timeout=60, check=False).returncode == 0

    def verifies(self, signed: bytes, content: bytes = CONTENT) -> bool:
        self.write("signed", signed)
        self.write("given", content)
        return self.run(
            *("cms", "-verify", "-binary", "-inform", "DER", "-in", "signed", "-content", "given", "-CAfile", "root.pem"),
            *("-purpose", "any", "-attime", MOMENT, "-cades", "-out", "out"),
        )

    def certify(self, profile: Profile) -> Certificate:
        """A fresh key of the world's algorithm as key.pem with its certificate as own.pem."""
        key = make_key(self.here.algorithm)
        assert not isinstance(key, SM2PrivateKey)
        self.write("key.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        spki_der = software_signer(key, "own").public_spki_der
        certificate = self.here.pki.issuing.issue(
            SubjectRequest(name_der("own"), spki_der), profile, not_before=AT - DAY, not_after=AT + 1000 * DAY
        )
        self.write("own.pem", pem(certificate))
        return certificate


def pem(certificate: Certificate) -> bytes:
    return write_pem("CERTIFICATE", certificate.der)


@pytest.fixture(params=ALGORITHMS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return Bench(tmp_path, world(request.param))


@pytest.mark.clause("RFC 5652 5.6", "RFC 5035 3")
def test_openssl_verifies_ours(bench: Bench) -> None:
    signed = bench.here.sign()
    assert bench.verifies(signed)
    assert not bench.verifies(signed, b"changed")

    def spoil(parts: Parts) -> None:
        parts.signer.attributes = parts.signer.without("1.2.840.113549.1.9.5")

    assert not bench.verifies(changed(signed, spoil))


def test_we_verify_openssls(bench: Bench) -> None:
    certificate = bench.certify(Profile.SEAL_SIGNING)
    options = ["-keyopt", "rsa_padding_mode:pss"] if bench.here.algorithm is SignatureAlgorithm.RSA_PSS_SHA256 else []
    digest = "sha384" if bench.here.algorithm is SignatureAlgorithm.ECDSA_SHA384 else "sha256"
    assert bench.run(
        *("cms", "-sign", "-binary", "-outform", "DER", "-in", "content", "-out", "theirs", "-md", digest, "-cades"),
        *("-signer", "own.pem", "-inkey", "key.pem", "-certfile", "issuing.pem", *options),
    )
    # openssl states the machine's own time as signing time, whatever it is
    far = AT + 900 * DAY
    issued = far - DAY
    lists = tuple(
        authority.issue_crl([], this_update=issued, next_update=far + DAY, number=9)
        for authority in (bench.here.pki.root, bench.here.pki.issuing)
    )
    trust = bench.here.pki.trust_list(crls=lists)
    found = bench.here.verify(bench.read("theirs"), trust=trust, at=far)
    assert (found.cryptographically_valid, found.document_intact) == (True, True)
    assert found.signer_certificate == certificate
    assert codes(found, "fail") <= {"CERT_NOT_VALID_AT_TIME"}  # only where the machine's clock is outside the certificate
    assert "CMS_SIGNING_CERTIFICATE_OK" in codes(found, "pass")
    assert bench.here.verify(bench.read("theirs"), b"changed", trust=trust, at=far).document_intact is False


@pytest.mark.clause("RFC 3161 2.4.1", "RFC 3161 2.4.2")
@pytest.mark.parametrize("bench", ALGORITHMS[:3], indirect=True)  # its PKCS #7 code, which time-stamps go through, knows no RSASSA-PSS
def test_openssl_takes_our_time_stamps(bench: Bench) -> None:
    assert bench.run("ts", "-query", "-data", "content", "-sha256", "-cert", "-out", "query")
    answer = bench.here.tsa().respond(bench.read("query"), AT)
    bench.write("answer", answer)
    check = ("ts", "-verify", "-queryfile", "query", "-in", "answer", "-CAfile", "root.pem", "-untrusted", "issuing.pem", "-attime", MOMENT)
    assert bench.run(*check)
    assert bench.run("ts", "-query", "-data", "root.pem", "-sha256", "-cert", "-out", "query")
    assert not bench.run(*check)
    refused = bench.here.tsa().respond(b"\x30\x00", AT)
    bench.write("answer", refused)
    assert not bench.run(*check)
    assert bench.run("ts", "-reply", "-in", "answer", "-text")


def test_we_take_openssls_time_stamps(bench: Bench) -> None:
    bench.certify(Profile.TSA)
    bench.write(
        "tsa.cnf",
        "[tsa]\ndefault_tsa = one\n[one]\nserial = serial\nsigner_cert = own.pem\nsigner_key = key.pem\ncerts = issuing.pem\n"
        "signer_digest = sha256\ndefault_policy = 1.2.3.4\ndigests = sha256\naccuracy = secs:1, millisecs:500\nordering = yes\n"
        "tsa_name = yes\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n",
    )
    bench.write("serial", "01")
    assert bench.run("ts", "-query", "-data", "content", "-sha256", "-cert", "-out", "query")
    assert bench.run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "answer")
    response = read_response(bench.read("answer"))
    far = AT + 900 * DAY
    lists = tuple(
        authority.issue_crl([], this_update=far - DAY, next_update=far + DAY, number=9)
        for authority in (bench.here.pki.root, bench.here.pki.issuing)
    )
    found = verify_token(response.token_der or b"", CONTENT, bench.here.pki.trust_list(crls=lists), far)
    assert (found.cryptographically_valid, found.document_intact) == (True, True)
    assert codes(found, "fail") <= {"CERT_NOT_VALID_AT_TIME"}  # only where the machine's clock is outside the certificate
    assert found.verdict is Verdict.VALID or codes(found, "fail")
    assert verify_token(response.token_der or b"", b"changed", bench.here.pki.trust_list(crls=lists), far).document_intact is False
