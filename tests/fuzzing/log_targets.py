"""What is fuzzed of logs, witnesses and status lists."""

from __future__ import annotations

import functools
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from standards.errors import TrustError

if TYPE_CHECKING:
    from crypto.signer import Signer

AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@functools.cache
def _status_key() -> Signer:
    from cryptography.hazmat.primitives.asymmetric import ec

    from crypto.signer import software_signer

    return software_signer(ec.generate_private_key(ec.SECP256R1()), "k")


@functools.cache
def status_tokens() -> list[bytes]:
    import cbor2

    from crypto.cose import TYPE, sign_cose
    from crypto.jose import TokenSigner
    from standards import ietf_status_list as lists

    claims = lists.StatusListClaims("https://x/1", int(AT.timestamp()), int(AT.timestamp()) + 60, 60, 2, lists.deflate(b"abcd"))
    cwt = sign_cose(cbor2.dumps(lists.write_cwt_claims(claims)), _status_key(), key_id=b"k", protected={TYPE: lists.CWT_TYPE})
    return [TokenSigner(_status_key(), key_id="k", token_type=lists.JWT_TYPE).sign(lists.write_jwt_claims(claims)).encode(), cwt]


def run_status_token(data: bytes) -> None:
    from crypto.jose import verification_key
    from crypto.report import Verdict
    from licence_vault.status.verify import verify_status

    keys = {"k": verification_key(_status_key().public_spki_der, "k")}
    result = verify_status(data, list_uri="https://x/1", index=3, keys=keys, at=AT)
    if result.verdict is not Verdict.INDETERMINATE and data not in status_tokens():
        raise AssertionError(result.steps)  # a list that nobody signed


def leaves() -> list[bytes]:
    from licence_vault.log.leaf import StatusListLeaf, write_leaf

    return [write_leaf(StatusListLeaf(1, AT, 4, 2, bytes(32)))]


def run_witness(data: bytes) -> None:
    from standards.c2sp_tlog_witness import read_add_checkpoint, read_signature_lines

    with suppress(TrustError):
        read_signature_lines(data)
    read_add_checkpoint(data)
