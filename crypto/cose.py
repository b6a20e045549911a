"""COSE_Sign1 (RFC 9052 4.2) with ES256, EdDSA and SM2, and receipts of logs (RFC 9942), strictly.

As for tokens (crypto/jose.py), a key carries its algorithm and is used with no other. SM2 has no registered COSE algorithm: ours is
-65601, of the range for private use, and its signature is r and s, 32 bytes each, over the same Sig_structure under the default user id.
What cannot be understood is refused: indefinite lengths, duplicate members, tags but the one, trailing bytes, ``crit``.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

import cbor2
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from crypto.jose import JwsAlgorithm
from crypto.signatures import SignatureAlgorithm
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from crypto.checkpoints import Receipt
    from crypto.jose import VerificationKey
    from crypto.signer import Signer

MESSAGE_BYTES: Final = 8 * 1024 * 1024  # a status list at its limit of 4 MiB, and what is around it
SIGN1_TAG: Final = 18
ALGORITHM: Final = 1
CRITICAL: Final = 2
KEY_ID: Final = 4
TYPE: Final = 16  # RFC 9596
CWT_CLAIMS: Final = 15  # RFC 9597
CLAIM_ISSUER: Final = 1
CLAIM_SUBJECT: Final = 2
VERIFIABLE_DATA_STRUCTURE: Final = 395  # RFC 9942
VERIFIABLE_DATA_PROOFS: Final = 396
RFC9162_SHA256: Final = 1
INCLUSION_PROOFS: Final = -1
ALGORITHM_SM2: Final = -65_601
_ALGORITHMS: Final = {
    SignatureAlgorithm.ECDSA_SHA256: -7,
    SignatureAlgorithm.ED25519: -8,
    SignatureAlgorithm.SM2_SM3: ALGORITHM_SM2,
}
_OF_KEYS: Final = {JwsAlgorithm.ES256: -7, JwsAlgorithm.EDDSA: -8, JwsAlgorithm.SM2: ALGORITHM_SM2}
_COORDINATE: Final = 32
_DEPTH: Final = 8
_TAGS: Final = (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 100, 256, 258, 260, 261, 1004, 43000, 55799)  # what the library would resolve


def invalid(reason: str) -> TrustError:
    """The one refusal of everything here; ``reason`` says which rule, never what was found."""
    return TrustError(Kind.UNAUTHENTICATED, "COSE_INVALID", reason=reason)


def _refuse(*_: object) -> NoReturn:
    raise ValueError


_REFUSED: Final[Any] = dict.fromkeys(_TAGS, _refuse)
_NAMES: Final = (int, str, bytes, type(None), cbor2.CBORSimpleValue, type(cbor2.undefined))


def _has_plain_names(item: Any) -> bool:
    """Whether members are named by what all readers take for the same: 4.0 is the member 4 for some and another for the rest."""
    if isinstance(item, Mapping):
        return all(isinstance(name, _NAMES) and _has_plain_names(value) for name, value in item.items())
    if isinstance(item, list | tuple):
        return all(map(_has_plain_names, item))
    return not isinstance(item, cbor2.CBORTag) or _has_plain_names(item.value)


def read_cbor(data: bytes, *, limit: int = MESSAGE_BYTES) -> Any:
    """One CBOR item (RFC 8949) and nothing after it; TrustError COSE_INVALID otherwise. Arrays come as lists, maps as dicts."""
    if len(data) > limit:
        raise invalid("length")
    stream = io.BytesIO(data)
    decoder = cbor2.CBORDecoder(
        stream, read_size=1, max_depth=_DEPTH, allow_indefinite=False, allow_duplicate_keys=False, semantic_decoders=_REFUSED
    )
    try:
        item = decoder.decode()
    except (cbor2.CBORError, ValueError, TypeError):  # TypeError: a member's name that cannot be one, such as a map
        raise invalid("CBOR") from None
    if stream.tell() != len(data):
        raise invalid("trailing bytes")
    if not _has_plain_names(item):
        raise invalid("member")
    return item


def _signed_bytes(protected: bytes, payload: bytes) -> bytes:
    """The Sig_structure (RFC 9052 4.4) with empty external data."""
    return cbor2.dumps(["Signature1", protected, b"", payload])


def sign_cose(
    payload: bytes,
    signer: Signer,
    *,
    key_id: bytes,
    protected: Mapping[int, object],
    unprotected: Mapping[int, object] | None = None,
    detached: bool = False,
) -> bytes:
    """A tagged COSE_Sign1. ``protected``: further members beside ``alg`` and ``kid``. ``detached``: the payload travels elsewhere."""
    algorithm = _ALGORITHMS.get(signer.algorithm)
    if algorithm is None:
        raise TrustError(Kind.UNACCEPTABLE, "COSE_ALGORITHM_UNSUPPORTED", algorithm=str(signer.algorithm))
    header = cbor2.dumps({ALGORITHM: algorithm, KEY_ID: key_id, **protected}, canonical=True)
    signature = signer.sign(_signed_bytes(header, payload))
    if signer.algorithm is not SignatureAlgorithm.ED25519:
        r, s = decode_dss_signature(signature)
        signature = r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")  # RFC 9053 2.1
    return cbor2.dumps(cbor2.CBORTag(SIGN1_TAG, [header, dict(unprotected or {}), None if detached else payload, signature]))


@dataclass(frozen=True, slots=True)
class CheckedMessage:
    """What a message says whose signature was found right. ``protected``: its protected header."""

    protected: Mapping[Any, Any]
    payload: bytes
    key: VerificationKey


def check_cose(message: bytes, keys: Mapping[str, VerificationKey], *, message_type: str) -> CheckedMessage:
    """Check form, type (``typ``, RFC 9596), key and signature of a message with its payload inside. TrustError COSE_INVALID, COSE_KEY_UNKNOWN.

    ``keys``: by ``kid``; the key id of the message is its UTF-8.
    """
    tagged = read_cbor(message)
    if not isinstance(tagged, cbor2.CBORTag) or tagged.tag != SIGN1_TAG:
        raise invalid("tag")
    parts = tagged.value
    if not isinstance(parts, list | tuple) or len(parts) != 4:
        raise invalid("form")
    header, unprotected, payload, signature = parts
    if not (isinstance(header, bytes) and isinstance(payload, bytes) and isinstance(signature, bytes)):
        raise invalid("form")
    if not isinstance(unprotected, Mapping):  # nobody has signed it, so it counts for nothing; but what it must be it is (RFC 9052 3)
        raise invalid("form")
    protected = read_cbor(header)
    if not isinstance(protected, dict) or CRITICAL in protected:
        raise invalid("header")
    key_id, kind = protected.get(KEY_ID), protected.get(TYPE)
    if not isinstance(key_id, bytes) or kind != message_type:
        raise invalid("header")
    key = keys.get(key_id.decode(errors="replace"))
    if key is None:
        raise TrustError(Kind.UNAUTHENTICATED, "COSE_KEY_UNKNOWN")
    algorithm = protected.get(ALGORITHM)
    if type(algorithm) is not int or algorithm != _OF_KEYS.get(key.algorithm):
        raise invalid("alg")
    if not key.verifies(signature, _signed_bytes(header, payload)):
        raise invalid("signature")
    return CheckedMessage(protected, payload, key)


def write_cose_receipt(receipt: Receipt, *, size: int, root: bytes, signer: Signer, key_id: bytes, log: str, subject: str) -> bytes:
    """A receipt of inclusion (RFC 9942 4.1, ``vds`` 1) under the log's own key: for a SHA-256 tree of ``size`` entries with ``root``.

    ``log`` and ``subject``: who speaks, and what of (RFC 9943 6); the signed payload is the root, and travels not.
    """
    proof = cbor2.dumps([size, receipt.index, list(receipt.proof)])
    return sign_cose(
        root,
        signer,
        key_id=key_id,
        protected={VERIFIABLE_DATA_STRUCTURE: RFC9162_SHA256, CWT_CLAIMS: {CLAIM_ISSUER: log, CLAIM_SUBJECT: subject}},
        unprotected={VERIFIABLE_DATA_PROOFS: {INCLUSION_PROOFS: [proof]}},
        detached=True,
    )
