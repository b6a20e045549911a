"""BouncyCastle verifies our signatures, time-stamps and chains, and refuses what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crypto.signatures import SignatureAlgorithm
from crypto.timestamps import build_request
from standards.rfc3161_timestamp import read_response
from tests.crypto.cms_surgery import Parts, changed, token_in
from tests.crypto.signing_actors import AT, CONTENT, DAY, World, world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.java_runner import JavaPrograms

ALGORITHMS = [SignatureAlgorithm.SM2_SM3, SignatureAlgorithm.ECDSA_SHA256, SignatureAlgorithm.RSA_SHA256, SignatureAlgorithm.RSA_PSS_SHA256]
MOMENT = (AT + DAY).isoformat().replace("+00:00", "Z")


@pytest.fixture
def bench(tmp_path: Path, java_programs: JavaPrograms) -> Bench:
    return Bench(tmp_path, java_programs)


class Bench:
    """Lays files out for the Java program and runs it."""

    def __init__(self, folder: Path, programs: JavaPrograms) -> None:
        self.folder = folder
        self.programs = programs

    def run(self, mode: str, here: World, data: bytes, content: bytes) -> dict[str, str]:
        trust = self.folder / "trust"
        trust.mkdir(exist_ok=True)
        (trust / "root.cer").write_bytes(here.pki.root.certificate.der)
        for number, crl in enumerate(here.pki.crls()):
            (trust / f"{number}.crl").write_bytes(crl)
        (self.folder / "data").write_bytes(data)
        (self.folder / "content").write_bytes(content)
        return self.programs.run("VerifyCms", mode, self.folder / "data", self.folder / "content", trust, MOMENT)


@pytest.mark.clause("RFC 5652 5.6", "RFC 5035 3", "RFC 5280 6.1")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_signature_and_chain(bench: Bench, algorithm: SignatureAlgorithm) -> None:
    here = world(algorithm)
    found = bench.run("cms", here, here.sign(), CONTENT)
    assert found == {"signers": "1", "signature": "true", "signing-certificate": "true", "path": "true"}


@pytest.mark.clause("RFC 3161 2.4.2", "RFC 3161 A")
@pytest.mark.parametrize("algorithm", ALGORITHMS[:2])
def test_signature_with_time_stamp(bench: Bench, algorithm: SignatureAlgorithm) -> None:
    here = world(algorithm)
    found = bench.run("cms", here, here.sign(timestamp=here.stamp()), CONTENT)
    assert found == {
        "signers": "1",
        "signature": "true",
        "signing-certificate": "true",
        "path": "true",
        "token": "true",
        "imprint": "true",
        "gen-time": "2026-06-01T12:00:00Z",
        "token-path": "true",
    }


def test_changed_content_and_changed_bytes_are_refused(bench: Bench) -> None:
    here = world()
    signed = here.sign(timestamp=here.stamp())
    assert "true" not in bench.run("cms", here, signed, b"changed").get("signature", "")

    def spoil(parts: Parts) -> None:
        value = bytearray(parts.signer.signature)
        value[-1] ^= 1
        parts.signer.signature = bytes(value)

    assert bench.run("cms", here, changed(signed, spoil), CONTENT)["signature"] == "false"

    def reorder(parts: Parts) -> None:
        parts.signer.attributes = [*parts.signer.without("1.2.840.113549.1.9.5")]

    assert bench.run("cms", here, changed(signed, reorder), CONTENT)["signature"] == "false"


def test_token_alone_and_over_other_data(bench: Bench) -> None:
    here = world()
    answer = read_response(here.tsa().respond(build_request(b"\x00" * 32, nonce=1), AT))
    assert bench.run("token", here, answer.token_der or b"", CONTENT)["imprint"] == "false"
    token = here.stamp()(CONTENT)
    good = bench.run("token", here, token, CONTENT)
    assert (good["token"], good["imprint"], good["token-path"]) == ("true", "true", "true")
    spoilt = bytearray(token_in(here.sign(timestamp=here.stamp())))
    spoilt[-1] ^= 1
    assert "error" in bench.run("token", here, bytes(spoilt), CONTENT)


def test_chain_to_another_root_is_refused(bench: Bench) -> None:
    here = world()
    stranger = world(SignatureAlgorithm.ECDSA_SHA256)
    found = bench.run("cms", stranger, here.sign(), CONTENT)
    assert found["signature"] == "true"
    assert "error" in found
    assert "path" not in found
