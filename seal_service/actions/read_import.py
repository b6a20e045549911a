"""What is handed in with a seal that was made elsewhere: read, checked and verified, before anything is kept. No database, no key of ours."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from crypto.certificates import Certificate
from crypto.keys import read_pkcs12, read_private_key, spki_of
from crypto.sm2 import SM2PrivateKey
from seal_service import limits
from seal_service.errors import import_key_refused, import_refused, import_unacceptable
from seal_service.model import KeyCustody
from seal_service.pictures.own_picture import NO_PICTURE, write_own_picture
from seal_service.pictures.upload import read_uploaded_picture
from seal_service.seal_data.certified_key import open_certificate
from seal_service.seal_data.import_checks import ImportFindings, examine_import
from seal_service.seal_data.make import is_listed_der
from seal_service.verify import status_lists_of
from standards import x690_der as der
from standards.errors import Kind, MalformedError, TrustError
from standards.gb32100_credit_code import read_credit_code
from standards.gbt20518_certificate import is_sm2_certificate
from standards.gbt38540_seal.read import read_seal
from standards.gbt38540_seal.values import MONGOLIAN_NAME, ROMANISED_NAME
from standards.rfc7468_pem import CERTIFICATE, is_pem, read_pem
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from crypto.report import Step
    from crypto.signer import PrivateKey
    from crypto.trust_list import TrustList
    from standards.gbt38540_seal.values import SealData

_CODE: Final = re.compile(r"[0-9]{14}", re.ASCII)
_CREDIT_CODE_CHARACTERS: Final = 18
_KIND_MAX: Final = 99  # type codes have one or two digits


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """What is handed in. ``seal_der``: SESeal; ``certificates``: PEM, or one certificate in DER, empty where the seal holds them.

    ``key_file``: PKCS#12 or a private key, with its ``password``, where the key is to be kept here; ``device_key``: the name of a key in a
    device of this deployment; ``key_request_der``: a certificate request (PKCS #10) of the owner's device. ``organisation`` and
    ``credit_code`` empty: as the certificate states them.
    """

    seal_der: bytes
    reason: str
    custody: KeyCustody = KeyCustody.ABSENT
    certificates: bytes = b""
    key_file: bytes = field(default=b"", repr=False)
    password: str = field(default="", repr=False)
    device_key: str = ""
    key_request_der: bytes = b""
    organisation: str = ""
    credit_code: str = ""
    managers: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    auditors: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What was read: the seal, its certificate, every other certificate that came along, and the private key where one did.

    ``certificate`` is None where it breaks the rules of certificates, as some of the field do. ``code``: esID where that has 14 digits, else
    empty: a number is given when the seal is taken over.
    """

    seal: SealData
    code: str
    certificate_der: bytes
    certificate: Certificate | None
    others: tuple[Certificate, ...]
    private_key: PrivateKey | None
    organisation: str
    credit_code: str
    name_mongolian: str
    name_romanised: str
    design_json: str
    picture_problem: str


def read_import(order: ImportOrder) -> HandedIn:
    """Read it. Raises SES_MALFORMED, FILE_TOO_LARGE, SEAL_IMPORT_UNACCEPTABLE, SEAL_IMPORT_KEY_REFUSED, CREDIT_CODE_*."""
    # 1. The seal: readable, and with what a record of ours needs.
    for content, most in (
        (order.seal_der, limits.IMPORT_SEAL_BYTES),
        (order.certificates, limits.IMPORT_CERTIFICATES_BYTES),
        (order.key_file, limits.IMPORT_KEY_BYTES),
    ):
        if len(content) > most:
            raise TrustError(Kind.TOO_LARGE, "FILE_TOO_LARGE", limit_bytes=most)
    seal = read_seal(order.seal_der)
    if not 1 <= len(seal.es_id) <= limits.IMPORT_NAME_CHARACTERS or not is_plain_text(seal.es_id):
        raise import_unacceptable(f"esID: one line of at most {limits.IMPORT_NAME_CHARACTERS} characters")
    if not 0 <= seal.property.kind <= _KIND_MAX:
        raise import_unacceptable(f"type: 0 to {_KIND_MAX}")
    if not 1 <= len(seal.property.name) <= limits.IMPORT_NAME_CHARACTERS or not is_plain_text(seal.property.name):
        raise import_unacceptable(f"name: one line of at most {limits.IMPORT_NAME_CHARACTERS} characters")

    # 2. Key and certificates; the seal's own certificate is that of the key, or the one that is listed.
    private_key, certificates = _read_key(order)
    certificates += _read_certificates(order.certificates)
    certificates_der = list(dict.fromkeys([*(each.der for each in certificates), *seal.property.certificates]))
    if len(certificates_der) > limits.CHAIN_CERTIFICATES:
        raise import_unacceptable(f"certificates: at most {limits.CHAIN_CERTIFICATES}")
    certificate_der = _own_certificate(seal, certificates_der, private_key)
    certificate = open_certificate(certificate_der).certificate

    # 3. Whose it is: as the certificate says by the national convention, and nothing else.
    stated_code, stated_name = _stated_owner(certificate)
    credit_code = read_credit_code(order.credit_code or stated_code).text
    if stated_code and credit_code != stated_code:
        raise import_unacceptable("credit_code: the certificate states another one")
    organisation = order.organisation or stated_name
    if not 1 <= len(organisation) <= limits.IMPORT_NAME_CHARACTERS or not is_plain_text(organisation):
        raise import_unacceptable("organisation: needed, the certificate does not state it")

    # 4. Its picture, so that it can be drawn into documents.
    design_json, problem = _read_picture(seal)
    return HandedIn(
        seal=seal,
        code=seal.es_id if _CODE.fullmatch(seal.es_id) else "",
        certificate_der=certificate_der,
        certificate=certificate,
        others=tuple(dict.fromkeys(each for each in certificates if each.der != certificate_der)),
        private_key=private_key,
        organisation=organisation,
        credit_code=credit_code,
        name_mongolian=_name_extension(seal, MONGOLIAN_NAME),
        name_romanised=_name_extension(seal, ROMANISED_NAME),
        design_json=design_json,
        picture_problem=problem,
    )


def verify_import(handed_in: HandedIn, custody: KeyCustody, trust: TrustList, at: datetime) -> ImportFindings:
    """Verify it as of ``at``. Raises SEAL_IMPORT_REFUSED where a step fails, SEAL_IMPORT_KEY_REFUSED for the key of a seal of no use here."""
    findings = examine_import(handed_in.seal, handed_in.certificate_der, handed_in.others, trust, at, status=status_lists_of(trust, at))
    if findings.failures:
        raise import_refused(" ".join(findings.failures))
    if custody is KeyCustody.ABSENT:
        return findings
    if not handed_in.code:
        raise import_key_refused("esID: 14 digits")
    if handed_in.certificate is None or not is_sm2_certificate(handed_in.certificate.fields):
        raise import_key_refused("not an SM2 certificate")
    if not findings.is_usable:
        raise import_key_refused(" ".join(findings.unverified) or "expired, of an old version, or not valid by the trust list alone")
    if handed_in.picture_problem:
        raise import_key_refused(handed_in.picture_problem)
    return findings


def write_steps(steps: Sequence[Step]) -> str:
    """Steps as they are kept."""
    return json.dumps([[step.code, step.outcome.value, step.clause, step.facts] for step in steps], ensure_ascii=False)


def chain_above(certificate: Certificate, others: Sequence[Certificate]) -> tuple[Certificate, ...]:
    """What stands above a certificate, nearest first, as far as names lead; a path is not verified by this."""
    chain: list[Certificate] = []
    below = certificate
    while not below.is_self_issued:
        above = next((each for each in others if each.subject_der == below.issuer_der and each not in chain), None)
        if above is None:
            break
        chain.append(above)
        below = above
    return tuple(chain)


def _read_key(order: ImportOrder) -> tuple[PrivateKey | None, list[Certificate]]:
    """The private key of a PKCS#12 file with the certificates in it, or of another key file without any."""
    if (order.custody is KeyCustody.KEYSTORE) != bool(order.key_file):
        raise import_key_refused("a key file for custody keystore, and for no other")
    if not order.key_file:
        return None, []
    password = order.password.encode()
    try:
        if is_pem(order.key_file):
            private_key, found = read_private_key(order.key_file, password), list[bytes]()
        else:
            private_key, found = _read_encoded_key(order.key_file, password)
        certificates = [
            Certificate.from_der(each) for each in found[: limits.CHAIN_CERTIFICATES + 1]
        ]  # one too many is refused with the rest
    except TrustError as error:
        raise import_key_refused(error.code) from None
    if not isinstance(private_key, SM2PrivateKey):
        raise import_key_refused("not an SM2 key")
    return private_key, certificates


def _read_encoded_key(content: bytes, password: bytes) -> tuple[PrivateKey, list[bytes]]:
    try:
        return read_pkcs12(content, password)
    except MalformedError as error:
        try:
            return read_private_key(content, password), []
        except MalformedError:
            raise error from None


def _read_certificates(content: bytes) -> list[Certificate]:
    if not content:
        return []
    try:
        if not is_pem(content):
            return [Certificate.from_der(content)]
        found = [encoded for label, encoded in read_pem(content) if label == CERTIFICATE]
        if not 1 <= len(found) <= limits.CHAIN_CERTIFICATES:
            raise import_unacceptable(f"certificates: 1 to {limits.CHAIN_CERTIFICATES}")
        return [Certificate.from_der(each) for each in found]
    except MalformedError as error:
        raise import_unacceptable(f"certificates: {error.code}") from None


def _own_certificate(seal: SealData, certificates_der: Sequence[bytes], private_key: PrivateKey | None) -> bytes:
    """The seal's own certificate (DER): of those that are listed in it, that of the key, or else the first."""
    listed = [each for each in certificates_der if is_listed_der(seal, each)]
    if not listed:
        raise import_unacceptable("certificate: none of those at hand is listed in the seal")
    if private_key is not None:
        spki_der = spki_of(private_key)
        listed = [each for each in listed if (frame := open_certificate(each).frame) is not None and frame.spki_der == spki_der]
        if not listed:
            raise import_key_refused("another key")
    return listed[0]


def _stated_owner(certificate: Certificate | None) -> tuple[str, str]:
    """Credit code and name out of O, which has the one before the other; ("", O) where it has no credit code."""
    organisation = (certificate.organisation if certificate is not None else None) or ""
    try:
        code = read_credit_code(organisation[:_CREDIT_CODE_CHARACTERS]).text
    except TrustError:
        return "", organisation
    return code, organisation[_CREDIT_CODE_CHARACTERS:].strip()


def _name_extension(seal: SealData, oid: str) -> str:
    """A further name of the seal; empty where it has none that can be read as a line of text."""
    extension = seal.extension(oid)
    if extension is None:
        return ""
    try:
        text = der.read_der(extension.value).text()
    except MalformedError:
        return ""
    return text if len(text) <= limits.IMPORT_NAME_CHARACTERS and is_plain_text(text) else ""


def _read_picture(seal: SealData) -> tuple[str, str]:
    """The picture for ``Seal.design_json``, and why there is none."""
    try:
        return write_own_picture(read_uploaded_picture(seal.picture.data, width_mm=seal.picture.width_mm)), ""
    except TrustError as error:
        return NO_PICTURE, error.code
