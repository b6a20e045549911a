"""The code on a licence: what it says, signed, in a link that leads a phone to the verifying page.

``https://<verifying page>#<Base45>``: what stands behind ``#`` never leaves the phone. It is a COSE_Sign1 (RFC 9052) with an SM2 signature of 64 bytes over
claims in CBOR, in Base45 (RFC 9285), its ``%`` and space percent-encoded as links demand (RFC 3986 2.1). The claims are those of the printed
face that a person compares, the place in the log and in the status list, and the commitment; no code number of a holder.

The key is one of those that sign the status lists of the same place, so whoever can check a status can check a code; ``typ`` keeps the two
apart. Codes are small, so the key is named by the first characters of its thumbprint (RFC 7638).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import cbor2

from crypto.cose import CheckedMessage, check_cose, read_cbor, sign_cose
from crypto.jose import VerificationKey, verification_key
from licence_vault.faces import problem_catalogue  # noqa: F401 - enters the error texts of faces
from licence_vault.faces.limits import QR_CUT_CHARACTERS, QR_HOLDERS, QR_MESSAGE_BYTES, QR_NAME_CHARACTERS, QR_TEXT_CHARACTERS
from standards import rfc9285_base45 as base45
from standards.errors import Kind, MalformedError, TrustError
from standards.gbt36904_licence_number import ROOT_OID, SERIAL_CHARACTERS_MAX, SERIAL_CHARACTERS_MIN
from standards.iso18004_qr import holds
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crypto.signer import Signer
    from crypto.trusted_logs import StatusIssuer
    from licence_vault.model import LicenceData

MESSAGE_TYPE: Final = "yinxin-licence-qr"  # RFC 9596: no other signature of the same key is ever taken for a code
CLAIMS_VERSION: Final = 1
KEY_ID_CHARACTERS: Final = 8
_PAGE: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,110}(?:/[A-Za-z0-9._~-]{1,60}){1,6}")
_LINK: Final = re.compile(rf"{_PAGE.pattern}#(.+)", re.DOTALL)
_PERCENT: Final = re.compile("%(..)?", re.DOTALL)
_PRINTED: Final = {"25": "%", "20": " "}
_COMMITMENT_BYTES: Final = 32
_URL_CHARACTERS: Final = 500
_LARGEST: Final = 2**63 - 1
_SERIAL_GROWS: Final = SERIAL_CHARACTERS_MAX - SERIAL_CHARACTERS_MIN  # of a licence that began elsewhere
_AROUND_BYTES: Final = 110  # of a message around its claims: tag, headers, lengths, signature
_PAIR_ESCAPES: Final = 2  # of the three characters of two bytes: the third is a digit, a letter up to W
_UNKNOWN_ESCAPES: Final = 45  # in what nobody knows before, some 220 characters: six on average, more than this in one of 10^18 codes


@dataclass(frozen=True, slots=True)
class QrClaims:
    """What a code says. ``log_index``: of the entry that tells of the making; ``commitment``: of that entry, 32 bytes."""

    identifier: str
    name: str
    number: str
    holders: tuple[str, ...]
    issuer: str
    issued_on: date
    valid_from: date
    valid_to: date | None
    status_list: str
    status_index: int
    log_index: int
    commitment: bytes


def claims_of(data: LicenceData, *, log_index: int, commitment: bytes) -> QrClaims:
    """The claims for a licence. Long names are cut, which a person who compares them sees by the mark at their end; holders are the first."""
    return QrClaims(
        data.identifier,
        _cut(data.name),
        _cut(data.number),
        tuple(_cut(holder.name) for holder in data.holders[:QR_HOLDERS]),
        _cut(data.issuer.name),
        data.issued_on,
        data.valid_from,
        data.valid_to,
        data.status.list,
        data.status.index,
        log_index,
        commitment,
    )


def _cut(text: str) -> str:
    return text if len(text) <= QR_CUT_CHARACTERS else text[: QR_CUT_CHARACTERS - 1] + "…"


def write_qr(claims: QrClaims, *, page: str, signer: Signer) -> str:
    """The text of the code. ``page``: absolute address of the verifying page.

    :raises TrustError: ``LICENCE_QR_TOO_LARGE``, and what the signer raises.
    """
    if _PAGE.fullmatch(page) is None:
        raise ValueError("page is an absolute address with a path, without query and fragment")
    key_id = code_key_id(verification_key(signer.public_spki_der))
    message = sign_cose(_payload(claims), signer, key_id=key_id.encode(), protected={16: MESSAGE_TYPE})
    if len(message) > QR_MESSAGE_BYTES:
        raise TrustError(Kind.UNACCEPTABLE, "LICENCE_QR_TOO_LARGE", bytes=len(message), limit=QR_MESSAGE_BYTES)
    return f"{page}#" + base45.encode(message).replace("%", "%25").replace(" ", "%20")


def _payload(claims: QrClaims) -> bytes:
    row = [
        CLAIMS_VERSION,
        claims.identifier.removeprefix(f"{ROOT_OID}."),  # the root is the same for all
        claims.name,
        claims.number,
        list(claims.holders),
        claims.issuer,
        _day(claims.issued_on),
        _day(claims.valid_from),
        None if claims.valid_to is None else _day(claims.valid_to),
        claims.status_list,
        claims.status_index,
        claims.log_index,
        claims.commitment,
    ]
    return cbor2.dumps(row, canonical=True)


def check_code(data: LicenceData, levels: Iterable[str], *, page: str) -> None:
    """Whether a code can say what the licence would, as far as can be known before it is numbered and signed; ``levels``: of the codes on its face.

    What is not known yet (number, place in the log, commitment, signature) counts as long as it can become.

    :raises TrustError: ``LICENCE_QR_TOO_LARGE`` with ``place`` and ``rule``; ``SETTING_INVALID`` where no code can lead to ``page``.
    """
    if _PAGE.fullmatch(page) is None:
        raise TrustError(Kind.UNACCEPTABLE, "SETTING_INVALID", name="base_url", expected="an address that a printed code can hold")
    known = _payload(claims_of(data, log_index=_LARGEST, commitment=bytes(_COMMITMENT_BYTES)))
    size = len(known) + _SERIAL_GROWS + _AROUND_BYTES
    if size > QR_MESSAGE_BYTES:
        raise _too_large(f"claims and signature of at most {QR_MESSAGE_BYTES} bytes")
    plain = (3 * size + 1) // 2
    for level in levels:
        if _fits(page, plain + 2 * _PAIR_ESCAPES * ((size + 1) // 2), level):  # usual codes: however unlucky their characters are
            continue
        if not _fits(page, plain + 2 * (_UNKNOWN_ESCAPES + max(map(_escapes, (known, b"\0" + known)))), level):
            raise _too_large(f"names that a code of level {level} holds")


def _fits(page: str, characters: int, level: str) -> bool:
    return len(page) + 1 + characters <= QR_TEXT_CHARACTERS and holds(len(page) + 1, characters, level)


def _escapes(data: bytes) -> int:
    """How many characters of the Base45 text are percent-encoded, each as two more; it depends on where the pairs of bytes begin."""
    text = base45.encode(data)
    return text.count("%") + text.count(" ")


def _too_large(rule: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "LICENCE_QR_TOO_LARGE", place="qr", rule=rule)


def code_key_id(key: VerificationKey) -> str:
    """How codes name a key."""
    return key.key_id[:KEY_ID_CHARACTERS]


def _day(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _unreadable(reason: str) -> MalformedError:
    return MalformedError("LICENCE_QR_UNREADABLE", reason=reason)


def read_message(text: str) -> bytes:
    """The signed message in the text of a code, nothing of it proven. Raises ``LICENCE_QR_UNREADABLE`` with the reason."""
    match = _LINK.fullmatch(text) if len(text) <= QR_TEXT_CHARACTERS else None
    if match is None:
        raise _unreadable("link")
    packed = match.group(1)
    if any(found not in _PRINTED for found in _PERCENT.findall(packed)) or " " in packed:
        raise _unreadable("link")
    try:
        return base45.decode(_PERCENT.sub(lambda found: _PRINTED[found.group(1)], packed))
    except MalformedError as error:
        raise _unreadable(f"Base45 {error.facts['reason']}") from None


def _claims(payload: bytes) -> QrClaims:
    """The claims, every member checked. Raises ``LICENCE_QR_UNREADABLE``."""
    try:
        row = read_cbor(payload, limit=QR_MESSAGE_BYTES)
    except TrustError:
        raise _unreadable("CBOR") from None
    if not isinstance(row, list) or len(row) != 13 or row[0] != CLAIMS_VERSION or type(row[0]) is not int:
        raise _unreadable("claims")
    _, identifier, name, number, holders, issuer, issued_on, valid_from, valid_to, status_list, status_index, log_index, commitment = row
    texts = (identifier, name, number, issuer, *(holders if isinstance(holders, list) else [None]))
    numbers = (status_index, log_index)
    if not all(isinstance(each, str) and 0 < len(each) <= QR_NAME_CHARACTERS and is_plain_text(each) for each in texts) or not holders:
        raise _unreadable("claims")
    if not all(type(each) is int and 0 <= each <= _LARGEST for each in numbers) or not isinstance(commitment, bytes):
        raise _unreadable("claims")
    if not isinstance(status_list, str) or len(status_list) > _URL_CHARACTERS or len(commitment) != _COMMITMENT_BYTES:
        raise _unreadable("claims")
    end = None if valid_to is None else _date(valid_to)
    days = _date(issued_on), _date(valid_from), end
    return QrClaims(
        f"{ROOT_OID}.{identifier}", name, number, tuple(holders), issuer, *days, status_list, status_index, log_index, commitment
    )


def _date(value: Any) -> date:
    try:
        if type(value) is not int:
            raise ValueError
        return date(value // 10_000, value // 100 % 100, value % 100)
    except (ValueError, OverflowError):
        raise _unreadable("claims") from None


def read_qr(text: str, issuers: Iterable[StatusIssuer]) -> QrClaims:
    """What a code says, under the signature of a key that may sign for it: one of an issuer of the status list that the licence names.

    :raises TrustError: ``LICENCE_QR_UNREADABLE``, ``COSE_INVALID``, ``COSE_KEY_UNKNOWN``.
    """
    message = read_message(text)
    refusal: TrustError | None = None
    for issuer in issuers:
        keys = {code_key_id(key): key for key in issuer.verification_keys().values()}
        try:
            checked: CheckedMessage = check_cose(message, keys, message_type=MESSAGE_TYPE)
        except TrustError as error:
            if refusal is None or error.code != "COSE_KEY_UNKNOWN":
                refusal = error
            continue
        claims = _claims(checked.payload)
        if claims.status_list.startswith(issuer.prefix):
            return claims
        refusal = _unreadable("a key of another place")
    raise refusal or TrustError(Kind.UNAUTHENTICATED, "COSE_KEY_UNKNOWN")
