"""COSE_Sign1: what is signed is read, what breaks a rule is not; receipts that another implementation accepts."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from crypto import cose
from crypto.checkpoints import CheckpointSigner, Receipt, sign_checkpoint
from crypto.jose import verification_key
from crypto.merkle import TiledTree, TreeHash
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from standards import gbt33560_oids as oids
from standards.c2sp_tlog_checkpoint import Checkpoint
from standards.errors import TrustError
from tests.optional import need

KEYS: dict[str, Any] = {
    "es256": ec.generate_private_key(ec.SECP256R1()),
    "ed25519": Ed25519PrivateKey.generate(),
    "sm2": SM2PrivateKey.generate(),
}
SIGNERS = {name: software_signer(key, name) for name, key in KEYS.items()}
KNOWN = {name: verification_key(signer.public_spki_der, name) for name, signer in SIGNERS.items()}
TYPE = "application/statuslist+cwt"


def signed(name: str = "es256", *, key_id: bytes | None = None) -> bytes:
    return cose.sign_cose(b"payload", SIGNERS[name], key_id=key_id or name.encode(), protected={cose.TYPE: TYPE})


@pytest.mark.clause("RFC 9052 4.4")
@pytest.mark.parametrize("name", sorted(KEYS))
def test_what_is_signed_is_read(name: str) -> None:
    message = signed(name)
    read = cose.check_cose(message, KNOWN, message_type=TYPE)
    assert (read.payload, read.key.key_id) == (b"payload", name)
    changed = bytearray(message)
    changed[message.index(b"payload")] ^= 1
    with pytest.raises(TrustError, match="signature"):
        cose.check_cose(bytes(changed), KNOWN, message_type=TYPE)


def reason(message: bytes) -> str:
    with pytest.raises(TrustError, match="COSE_INVALID") as caught:
        cose.check_cose(message, KNOWN, message_type=TYPE)
    return str(caught.value.facts["reason"])


def tagged(*parts: object, tag: int = 18) -> bytes:
    return cbor2.dumps(cbor2.CBORTag(tag, list(parts)))


HEADER = cbor2.dumps({1: -7, 4: b"es256", 16: TYPE})


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"", "CBOR"),
        (b"\x9f\x01\xff", "CBOR"),
        (b"\xa2\x01\x02\x01\x03", "CBOR"),
        (b"\x81" * 40 + b"\x01", "CBOR"),
        (b"\xc2\x41\x01", "CBOR"),
        (b"\xd8\x23\x61(", "CBOR"),
        (signed() + b"\x00", "trailing bytes"),
        (bytes(cose.MESSAGE_BYTES + 1), "length"),
        (b"\x01", "tag"),
        (tagged(HEADER, {}, b"", b"", tag=98), "tag"),
        (tagged(HEADER, {}, b""), "form"),
        (cbor2.dumps(cbor2.CBORTag(18, 1)), "form"),
        (tagged(HEADER, {}, None, b""), "form"),
        (tagged(b"\x01", {}, b"", b""), "header"),
        (tagged(cbor2.dumps({1: -7, 2: [16], 4: b"es256", 16: TYPE}), {}, b"", b""), "header"),
        (tagged(cbor2.dumps({1: -7, 4: "es256", 16: TYPE}), {}, b"", b""), "header"),
        (tagged(cbor2.dumps({1: -7, 4: b"es256", 16: "application/cwt"}), {}, b"", b""), "header"),
        (tagged(cbor2.dumps({1: -8, 4: b"es256", 16: TYPE}), {}, b"", b""), "alg"),
        (tagged(cbor2.dumps({1: -7.0, 4: b"es256", 16: TYPE}), {}, b"", b""), "alg"),
        (tagged(cbor2.dumps({1.0: -7, 4: b"es256", 16: TYPE}), {}, b"", b""), "member"),
        (tagged(HEADER, {4.0: b""}, b"", b""), "member"),
        (tagged(HEADER, {99: cbor2.CBORTag(99, [{4.0: b""}])}, b"", b""), "member"),
        (tagged(HEADER, {(1, 2): b""}, b"", b""), "member"),
        (tagged(HEADER, {}, b"", bytes(64)), "signature"),
        (signed("sm2", key_id=b"es256"), "alg"),
        (cbor2.dumps({(1, 2): 3}), "tag"),
        (b"\xa1\xa1\x01\x02\x03", "CBOR"),
    ],
)
def test_what_breaks_a_rule_is_refused(message: bytes, why: str) -> None:
    found = reason(message)
    assert found == why or message[:1] == b"\xa1"


def test_an_unknown_key_is_said_to_be_one() -> None:
    with pytest.raises(TrustError, match="COSE_KEY_UNKNOWN"):
        cose.check_cose(signed(key_id=b"\xff"), KNOWN, message_type=TYPE)


def test_a_key_of_another_kind_cannot_sign() -> None:
    with pytest.raises(TrustError, match="COSE_ALGORITHM_UNSUPPORTED"):
        signer = software_signer(rsa.generate_private_key(65537, 2048), "r")
        cose.sign_cose(b"", signer, key_id=b"r", protected={})


@pytest.mark.clause("RFC 9942 4.1")
def test_receipts_of_inclusion_are_accepted_elsewhere() -> None:
    """scitt-cose, which knows nothing of us, takes our SHA-256 proofs, and refuses them for another entry."""
    try:
        from scitt_cose import verify_receipt
    except ImportError:
        need("scitt-cose", present=False, reason="pip install scitt-cose")
    tree = TreeHash(oids.SHA256)
    entries = [b"entry %d" % number for number in range(11)]
    hashes = [tree.leaf(entry) for entry in entries]
    tiled = TiledTree(tree, len(hashes), lambda _level, _index, _width: b"".join(hashes))
    log = CheckpointSigner("log.example/x", SIGNERS["ed25519"])
    note = sign_checkpoint(Checkpoint("log.example/x", len(hashes), tiled.root()), [log])
    public_pem = KEYS["ed25519"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for index in (0, 4, 10):
        ours = Receipt(entries[index], index, tiled.inclusion_proof(index), note)
        written = cose.write_cose_receipt(
            ours, size=len(hashes), root=tiled.root(), signer=SIGNERS["ed25519"], key_id=b"k", log="log.example/x", subject="made"
        )
        judged = verify_receipt(written, leaf_entry_hex=entries[index].hex(), log_public_key_pem=public_pem)
        assert (judged.ok, judged.leaf_index, judged.tree_size, judged.issuer) == (True, index, 11, "log.example/x"), judged.errors
        assert not verify_receipt(written, leaf_entry_hex=entries[1].hex(), log_public_key_pem=public_pem).ok
