"""The form of a trust bundle, and reading one where a trust list is wanted: what is inside, once the bundle's signatures hold."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from crypto.signatures import SignatureAlgorithm, SignatureCheck, algorithm_identifier, verify_signature
from crypto.trust_list import read_trust_list
from crypto.trust_list_values import malformed, read_array, read_base64, read_document, read_object, read_text, read_time
from licence_vault.verify_credential import read_issuer_keys

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from crypto.trust_list import TrustList
    from licence_vault.verify_credential import Issuers

FORMAT: Final = "yinxin-trust-bundle"
VERSION: Final = 1
SIGNED_BEFORE: Final = b"yinxin-trust-bundle/v1\n"
"""Stands before the payload in what is signed, so that it can be taken for nothing else that these keys sign."""
ALGORITHMS: Final = frozenset({SignatureAlgorithm.SM2_SM3, SignatureAlgorithm.ECDSA_SHA256, SignatureAlgorithm.ED25519})
MOST_SIGNATURES: Final = 8
MOST_ISSUERS: Final = 256
MOST_CHECKPOINTS: Final = 16
_PAYLOAD: Final = {"name", "issued_at", "expires_at", "trust_list", "issuers", "checkpoints"}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known without a network. ``issuers``: whose credentials count, and their keys; a trust list alone names none."""

    trust: TrustList
    issuers: Issuers = field(default_factory=dict)


def read_known(data: bytes) -> Known:
    """What a bundle holds, its trust list with the dates that the bundle names; a trust list file itself has no end.

    Whose keys signed, the reader must know from elsewhere; how old the lists inside are, they say themselves. Raises
    :class:`standards.errors.MalformedError` ``TRUST_LIST_MALFORMED``: another form, or no signature holds, or one is wrong; and
    :class:`standards.errors.TrustError` ``CREDENTIAL_KEYS_UNFIT``.
    """
    bundle = _opened(data)
    if bundle is None:
        return Known(read_trust_list(data))
    trust = replace(read_trust_list(bundle.trust_list), issued_at=bundle.issued_at, ends_at=bundle.ends_at)
    return Known(trust, joined_issuers(map(read_issuer_keys, bundle.issuers)))


def joined_issuers(found: Iterable[Issuers]) -> Issuers:
    """The keys of issuers from several places; of one issuer in more than one, as for each of his lanes, all of them."""
    joined: Issuers = {}
    for each in found:
        for issuer, keys in each.items():
            joined.setdefault(issuer, {}).update(keys)
    return joined


@dataclass(frozen=True, slots=True)
class _Bundle:
    """What is read from a bundle before its parts are: the trust list file in it, its dates (aware UTC), and the keys of each issuer."""

    trust_list: bytes
    issued_at: datetime
    ends_at: datetime
    issuers: list[bytes]


def _opened(data: bytes) -> _Bundle | None:
    """None where ``data`` is no bundle."""
    outer = read_document(data)
    if not isinstance(outer, dict) or outer.get("format") != FORMAT:
        return None
    fields = read_object(outer, "", {"format", "version", "payload", "signatures"}, set())
    if type(fields["version"]) is not int or fields["version"] != VERSION:
        raise malformed("version", f"expected {FORMAT} {VERSION}")
    payload = read_base64(fields["payload"], "payload")
    checks = [
        _check(item, f"signatures[{i}]", payload) for i, item in enumerate(read_array(fields["signatures"], "signatures", MOST_SIGNATURES))
    ]
    if SignatureCheck.GOOD not in checks or not {SignatureCheck.GOOD, SignatureCheck.UNSUPPORTED}.issuperset(checks):
        raise malformed("signatures", "not signed by the keys in it")
    inner = read_object(read_document(payload), "payload", _PAYLOAD, set())
    published = [json.dumps(each).encode() for each in read_array(inner["issuers"], "issuers", MOST_ISSUERS)]
    read_text(inner["name"], "name")
    for i, each in enumerate(read_array(inner["checkpoints"], "checkpoints", MOST_CHECKPOINTS)):
        read_text(each, f"checkpoints[{i}]")
    issued_at, ends_at = read_time(inner["issued_at"], "issued_at"), read_time(inner["expires_at"], "expires_at")
    if ends_at < issued_at:
        raise malformed("expires_at", "before issued_at")
    inside = json.dumps(inner["trust_list"]).encode()  # in ASCII: halves of characters have no other spelling
    return _Bundle(inside, issued_at, ends_at, published)


def _check(item: object, where: str, payload: bytes) -> SignatureCheck:
    one = read_object(item, where, {"algorithm", "key", "signature"}, set())
    stated = read_text(one["algorithm"], f"{where}.algorithm")
    key, signature = read_base64(one["key"], f"{where}.key"), read_base64(one["signature"], f"{where}.signature")
    if stated not in ALGORITHMS:
        return SignatureCheck.UNSUPPORTED
    return verify_signature(key, algorithm_identifier(SignatureAlgorithm(stated)), SIGNED_BEFORE + payload, signature)
