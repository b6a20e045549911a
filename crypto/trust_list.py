"""Whom we trust, for what, from when until when: anchors, helpful intermediates and revocation evidence in one file or one folder.

The file is JSON; its format is described in ``docs/reference/trust-list.md``. Nothing in it is secret; who may change it decides what is
valid, so it is to be kept like configuration.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from crypto.certificates import Certificate
from crypto.joined_anchors import joined_anchors
from crypto.revocation import RevocationEvidence
from crypto.signatures import SignatureCheck
from crypto.trust_list_values import (
    base64_text,
    malformed,
    read_array,
    read_base64,
    read_document,
    read_object,
    read_text,
    read_time,
    time_text,
)
from crypto.trusted_logs import (
    MAX_LOGS,
    MAX_STATUS_ISSUERS,
    MAX_STATUS_TOKENS,
    StatusIssuer,
    TrustedLog,
    log_object,
    read_log,
    read_status_issuer,
    spread_withdrawals,
    status_issuer_object,
)
from standards.errors import Kind, MalformedError, TrustError
from standards.rfc5280_crl import read_crl
from standards.rfc5280_names import normalised
from standards.rfc6960_ocsp import read_ocsp_response
from standards.rfc7468_pem import read_pem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

MAX_TRUST_LIST_BYTES: Final = 64 * 1024 * 1024  # several revocation lists of 50,000 entries each, in Base64
MAX_ANCHORS: Final = 1000  # the largest browser root store holds about 150, the EU lists together about 3,000 services
MAX_INTERMEDIATES: Final = 10_000
MAX_EVIDENCE: Final = 10_000  # revocation lists and OCSP responses, each
MAX_STATUS_LISTS: Final = 64  # regions that one verifier follows
MAX_FOLDER_FILES: Final = 20_000
FORMAT: Final = "yinxin-trust-list"
VERSION: Final = 1

_OPTIONAL: Final = {"name", "issued_at", "intermediates", "crls", "ocsp", "status_lists", "logs", "status_issuers", "status_tokens"}

Revocation = Literal["required", "not-published"]
REVOCATION_RULES: Final[tuple[Revocation, ...]] = ("required", "not-published")


class Purpose(StrEnum):
    """What a certificate is to be trusted for."""

    DOCUMENT = "document-seal"
    TIMESTAMP = "time-stamp"
    SEAL_MAKER = "seal-maker"
    OCSP = "ocsp"


ALL_PURPOSES: Final = frozenset(Purpose)


@dataclass(frozen=True)
class Anchor:
    """A certificate trusted by decision. Without ``trusted_from`` or ``trusted_until`` its own validity bounds the trust (aware UTC).

    ``revocation`` "not-published" says that the issuers below publish no revocation data: its absence is then a named warning.
    """

    certificate: Certificate
    purposes: frozenset[Purpose] = ALL_PURPOSES
    trusted_from: datetime | None = None
    trusted_until: datetime | None = None
    revocation: Revocation = "required"

    def is_trusted_at(self, at: datetime) -> bool:
        """Whether the anchor may be relied on at this moment."""
        start = self.certificate.not_before if self.trusted_from is None else self.trusted_from
        end = self.certificate.not_after if self.trusted_until is None else self.trusted_until
        return start <= at <= end


@dataclass(frozen=True)
class TrustList:
    """What a verifier trusts and has at hand. Immutable; the indexes by name are made once.

    ``status_lists``: signed lists of the status of what certificates alone do not tell, believed only if rightly signed and fresh.
    ``logs``: the public logs that count; ``status_issuers``: who signs Token Status Lists; ``status_tokens``: such lists, at hand. ``ends_at``: aware
    UTC; after it the list says nothing of now (``known_until``), None: it names no end. ``issued_at``: aware UTC; when it was put together, as it says of
    itself, None: it does not; when, not what is trusted, so lists that differ in it alone are equal.
    """

    anchors: tuple[Anchor, ...] = ()
    intermediates: tuple[Certificate, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsp: tuple[bytes, ...] = ()
    status_lists: tuple[bytes, ...] = ()
    logs: tuple[TrustedLog, ...] = ()
    status_issuers: tuple[StatusIssuer, ...] = ()
    status_tokens: tuple[bytes, ...] = ()
    ends_at: datetime | None = None
    issued_at: datetime | None = field(default=None, compare=False)

    @staticmethod
    def empty() -> TrustList:
        """A list that trusts nobody."""
        return TrustList()

    def joined_with(self, other: TrustList) -> TrustList:
        """This list and another: whom either trusts, with the evidence of both; it ends with the first of them, and is as new as the newer. What one of
        them says is withdrawn is withdrawn, and trust that one of them ends is ended.
        """
        logs, status_issuers = spread_withdrawals((*self.logs, *other.logs), (*self.status_issuers, *other.status_issuers))
        return TrustList(
            anchors=joined_anchors((self.anchors, other.anchors)) if self.anchors and other.anchors else self.anchors or other.anchors,
            intermediates=(*self.intermediates, *other.intermediates),
            crls=(*self.crls, *other.crls),
            ocsp=(*self.ocsp, *other.ocsp),
            status_lists=(*self.status_lists, *other.status_lists),
            logs=logs,
            status_issuers=status_issuers,
            status_tokens=(*self.status_tokens, *other.status_tokens),
            ends_at=min((end for end in (self.ends_at, other.ends_at) if end is not None), default=None),
            issued_at=max((made for made in (self.issued_at, other.issued_at) if made is not None), default=None),
        )

    @cached_property
    def anchors_by_certificate(self) -> dict[bytes, tuple[Anchor, ...]]:
        """The anchors by the DER of their certificate."""
        return _grouped((anchor.certificate.der, anchor) for anchor in self.anchors)

    @cached_property
    def anchors_by_subject(self) -> dict[object, tuple[Anchor, ...]]:
        """The anchors by their normalised subject."""
        return _grouped((normalised(anchor.certificate.subject_der), anchor) for anchor in self.anchors)

    def evidence_for(self, certificate: Certificate) -> RevocationEvidence:
        """The lists of this certificate's issuer and the OCSP responses about its serial number; found by index, however many there are."""
        return RevocationEvidence(
            self._crls_by_issuer.get(normalised(certificate.issuer_der), ()), self._ocsp_by_serial.get(certificate.serial, ())
        )

    @cached_property
    def _crls_by_issuer(self) -> dict[object, tuple[bytes, ...]]:
        return _grouped((normalised(name), crl) for crl in self.crls for name in _issuers(crl))

    @cached_property
    def _ocsp_by_serial(self) -> dict[int, tuple[bytes, ...]]:
        return _grouped((serial, response) for response in self.ocsp for serial in _serials(response))

    @cached_property
    def intermediates_by_subject(self) -> dict[object, tuple[Certificate, ...]]:
        """The intermediates by their normalised subject."""
        return _grouped((normalised(certificate.subject_der), certificate) for certificate in self.intermediates)


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def _grouped(pairs: Iterable[tuple[_Key, _Value]]) -> dict[_Key, tuple[_Value, ...]]:
    groups: dict[_Key, list[_Value]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in groups.items()}


def _issuers(crl_der: bytes) -> tuple[bytes, ...]:
    """The issuer of a list; none when it cannot be read, since it then says nothing about anybody."""
    try:
        return (read_crl(crl_der).issuer_der,)
    except MalformedError:
        return ()


def _serials(response_der: bytes) -> frozenset[int]:
    """The serial numbers that an OCSP response answers for; none when it cannot be read."""
    try:
        basic = read_ocsp_response(response_der).basic
    except MalformedError:
        return frozenset()
    return frozenset() if basic is None else frozenset(single.certificate_id.serial for single in basic.responses)


def read_trust_list(data: bytes) -> TrustList:
    """Read a trust list file (JSON in UTF-8, see ``docs/reference/trust-list.md``).

    Strict: an unknown or repeated key, a wrong type, a time without ``Z`` or a certificate that cannot be read is refused as a whole, since
    a list that is only half understood would trust something else than was meant. Raises ``TRUST_LIST_TOO_LARGE`` or
    ``TRUST_LIST_MALFORMED`` with the place in ``where``.
    """
    if len(data) > MAX_TRUST_LIST_BYTES:
        raise TrustError(Kind.TOO_LARGE, "TRUST_LIST_TOO_LARGE", limit=MAX_TRUST_LIST_BYTES, found=len(data))
    top = read_object(read_document(data), "", {"format", "version", "anchors"}, _OPTIONAL)
    if top["format"] != FORMAT or type(top["version"]) is not int or top["version"] != VERSION:
        raise malformed("version", f"expected {FORMAT} {VERSION}")
    read_text(top.get("name", ""), "name")
    issued_at = read_time(top["issued_at"], "issued_at") if "issued_at" in top else None
    logs, status_issuers = spread_withdrawals(
        tuple(read_log(item, f"logs[{i}]") for i, item in enumerate(read_array(top.get("logs", []), "logs", MAX_LOGS))),
        tuple(
            read_status_issuer(item, f"status_issuers[{i}]")
            for i, item in enumerate(read_array(top.get("status_issuers", []), "status_issuers", MAX_STATUS_ISSUERS))
        ),
    )
    return TrustList(
        anchors=tuple(_anchor(item, f"anchors[{i}]") for i, item in enumerate(read_array(top["anchors"], "anchors", MAX_ANCHORS))),
        intermediates=tuple(
            _certificate(item, f"intermediates[{i}]")
            for i, item in enumerate(read_array(top.get("intermediates", []), "intermediates", MAX_INTERMEDIATES))
        ),
        crls=tuple(read_base64(item, f"crls[{i}]") for i, item in enumerate(read_array(top.get("crls", []), "crls", MAX_EVIDENCE))),
        ocsp=tuple(read_base64(item, f"ocsp[{i}]") for i, item in enumerate(read_array(top.get("ocsp", []), "ocsp", MAX_EVIDENCE))),
        status_lists=tuple(
            read_base64(item, f"status_lists[{i}]")
            for i, item in enumerate(read_array(top.get("status_lists", []), "status_lists", MAX_STATUS_LISTS))
        ),
        logs=logs,
        status_issuers=status_issuers,
        status_tokens=tuple(
            read_base64(item, f"status_tokens[{i}]")
            for i, item in enumerate(read_array(top.get("status_tokens", []), "status_tokens", MAX_STATUS_TOKENS))
        ),
        issued_at=issued_at,
    )


def write_trust_list(trust: TrustList, *, name: str | None = None, issued_at: datetime | None = None) -> bytes:
    """The trust list as a file, indented for readers; :func:`read_trust_list` gives an equal list back."""
    document: dict[str, object] = {"format": FORMAT, "version": VERSION}
    if name is not None:
        document["name"] = name
    if issued_at is not None:
        document["issued_at"] = time_text(issued_at)
    document["anchors"] = [_anchor_object(anchor) for anchor in trust.anchors]
    document["intermediates"] = [base64_text(certificate.der) for certificate in trust.intermediates]
    document["crls"] = [base64_text(crl) for crl in trust.crls]
    document["ocsp"] = [base64_text(response) for response in trust.ocsp]
    if trust.status_lists:
        document["status_lists"] = [base64_text(each) for each in trust.status_lists]
    if trust.logs:
        document["logs"] = [log_object(each) for each in trust.logs]
    if trust.status_issuers:
        document["status_issuers"] = [status_issuer_object(each) for each in trust.status_issuers]
    if trust.status_tokens:
        document["status_tokens"] = [base64_text(each) for each in trust.status_tokens]
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"


def _anchor_object(anchor: Anchor) -> dict[str, object]:
    written: dict[str, object] = {
        "subject": anchor.certificate.subject_text,  # for readers only, never used
        "certificate": base64_text(anchor.certificate.der),
        "purposes": sorted(anchor.purposes),
        "revocation": anchor.revocation,
    }
    if anchor.trusted_from is not None:
        written["trusted_from"] = time_text(anchor.trusted_from)
    if anchor.trusted_until is not None:
        written["trusted_until"] = time_text(anchor.trusted_until)
    return written


def _anchor(item: object, where: str) -> Anchor:
    fields = read_object(item, where, {"certificate", "purposes"}, {"subject", "trusted_from", "trusted_until", "revocation"})
    read_text(fields.get("subject", ""), f"{where}.subject")
    purposes = read_array(fields["purposes"], f"{where}.purposes", len(ALL_PURPOSES))
    if not purposes or not all(isinstance(purpose, str) and purpose in ALL_PURPOSES for purpose in purposes):
        raise malformed(f"{where}.purposes", "expected one or more of " + ", ".join(sorted(ALL_PURPOSES)))
    stated = fields.get("revocation", "required")
    revocation = next((rule for rule in REVOCATION_RULES if rule == stated), None)
    if revocation is None:
        raise malformed(f"{where}.revocation", "expected required or not-published")
    start = read_time(fields["trusted_from"], f"{where}.trusted_from") if "trusted_from" in fields else None
    end = read_time(fields["trusted_until"], f"{where}.trusted_until") if "trusted_until" in fields else None
    if start is not None and end is not None and end < start:
        raise malformed(f"{where}.trusted_until", "before trusted_from")
    return Anchor(
        certificate=_certificate(fields["certificate"], f"{where}.certificate"),
        purposes=frozenset(Purpose(str(purpose)) for purpose in purposes),
        trusted_from=start,
        trusted_until=end,
        revocation=revocation,
    )


def trust_list_from_files(files: Mapping[str, bytes]) -> TrustList:
    """A trust list from a folder's files, given as name -> content; names with other endings are passed over.

    ``.cer .crt .der .pem`` hold certificates (PEM: any number, revocation lists too), ``.crl`` a revocation list, ``.ocsp`` an OCSP response,
    ``.status`` a signed status list,
    ``.json`` a whole trust list. A self-signed certificate becomes an anchor for every purpose; any other an intermediate. The file name can
    say otherwise: ``anchor-...`` makes every certificate in it an anchor, ``intermediate-...`` none. Raises like :func:`read_trust_list`.
    """
    if len(files) > MAX_FOLDER_FILES or sum(len(content) for content in files.values()) > MAX_TRUST_LIST_BYTES:
        raise TrustError(Kind.TOO_LARGE, "TRUST_LIST_TOO_LARGE", limit=MAX_TRUST_LIST_BYTES, files=len(files))
    anchors: list[tuple[Anchor, ...]] = []  # of each file
    intermediates: dict[Certificate, None] = {}
    crls: dict[bytes, None] = {}
    ocsp: dict[bytes, None] = {}
    status: dict[bytes, None] = {}
    others = TrustList.empty()  # what only whole trust lists hold
    for path, content in sorted(files.items()):
        name = path.rpartition("/")[2].lower()
        ending = name.rpartition(".")[2]
        try:
            if ending == "json":
                listed = read_trust_list(content)
                anchors.append(listed.anchors)
                intermediates.update(dict.fromkeys(listed.intermediates))
                crls.update(dict.fromkeys(listed.crls))
                ocsp.update(dict.fromkeys(listed.ocsp))
                status.update(dict.fromkeys(listed.status_lists))
                others = others.joined_with(
                    TrustList(
                        logs=listed.logs,
                        status_issuers=listed.status_issuers,
                        status_tokens=listed.status_tokens,
                        issued_at=listed.issued_at,
                    )
                )
            elif ending in {"pem", "cer", "crt", "der", "crl"}:
                for label, encoded in _encoded_parts(content, "X509 CRL" if ending == "crl" else "CERTIFICATE"):
                    if label == "X509 CRL":
                        crls[encoded] = None
                    elif label in {"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"}:
                        certificate = Certificate.from_der(encoded)
                        if _is_anchor(name, certificate):
                            anchors.append((Anchor(certificate),))
                        else:
                            intermediates[certificate] = None
            elif ending == "ocsp":
                ocsp[content] = None
            elif ending == "status":
                status[content] = None
        except MalformedError as error:
            raise MalformedError("TRUST_LIST_MALFORMED", where=path, reason=error.code) from error
    return TrustList(joined_anchors(anchors), tuple(intermediates), tuple(crls), tuple(ocsp), tuple(status)).joined_with(others)


def _encoded_parts(content: bytes, label: str) -> list[tuple[str, bytes]]:
    return read_pem(content) if b"-----BEGIN " in content else [(label, content)]


def _is_anchor(file_name: str, certificate: Certificate) -> bool:
    if file_name.startswith(("anchor-", "intermediate-")):
        return file_name.startswith("anchor-")
    return certificate.is_self_issued and certificate.is_issued_by(certificate) in {SignatureCheck.GOOD, SignatureCheck.WEAK}


def _certificate(item: object, where: str) -> Certificate:
    try:
        return Certificate.from_der(read_base64(item, where))
    except MalformedError as error:
        if error.code == "TRUST_LIST_MALFORMED":
            raise
        raise malformed(where, error.code) from error
