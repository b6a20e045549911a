"""A signed list of the status of seals that a verifier uses without a network.

The list is a JSON document inside a CMS SignedData (SM2 with SM3) of whoever publishes the status. It gives for each seal the whole history
of its status, so that a document sealed before a cancellation is told apart from one sealed after. Format 1::

    {"format": "yinxin-seal-status-list", "version": 1, "number": 7,
     "issued_at": "2026-06-01T12:00:00Z", "next_update": "2026-06-02T12:00:00Z",
     "seals": [{"seal_id": "15070000000001", "seal_digest": "<SM3 of SES_SealInfo, hex; optional>",
                "records": [{"status": 0, "since": "2026-01-01T00:00:00Z"},
                            {"status": 2, "since": "2026-05-01T00:00:00Z", "reason": "key lost"}]}]}

Status 0 is valid, 1 expired, 2 frozen, 3 cancelled, as the deployed systems count them. ``seal_digest`` says which of several seals with
one identifier is meant (a seal made again keeps its identifier). Nothing in a list that is stale, unsigned or signed by somebody unknown
counts, and a seal that no list names has an unknown status.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from crypto.cms import Dialect, algorithm_of, check_key, prepare_signed_data, verify_signed_data
from crypto.digests import digest
from crypto.report import Step, Verdict, not_checked, passed, verdict_of
from crypto.signatures import digest_oid_of
from crypto.sm3 import sm3
from crypto.timestamp_tokens import CLOCK_TOLERANCE_SECONDS
from crypto.trust_list import Purpose
from seal_service.seal_data.refusals import refused
from standards.errors import Kind, MalformedError
from standards.rfc7493_i_json import REPEATED, StrictJsonError, read_strict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from crypto.certificates import Certificate
    from crypto.signatures import SignatureAlgorithm
    from crypto.signer import Signer
    from crypto.trust_list import TrustList
    from standards.gbt38540_seal.values import SealData

FORMAT: Final = "yinxin-seal-status-list"
VERSION: Final = 1
CLAUSE: Final = "seal status list"  # our own format; the interface of the national release system is not public
MALFORMED: Final = "SEAL_STATUS_LIST_MALFORMED"
MAX_LIST_BYTES: Final = 32 * 1024 * 1024  # about 150,000 seals with one record each
MAX_SEALS: Final = 200_000  # a region has tens of thousands of units
MAX_RECORDS: Final = 100  # changes of one seal
MAX_REASON_CHARACTERS: Final = 500
MAX_LISTS: Final = 64  # regions that one verifier follows


class SealStatus(IntEnum):
    """The status codes of the deployed release systems."""

    VALID = 0
    EXPIRED = 1
    FROZEN = 2
    CANCELLED = 3


@dataclass(frozen=True, slots=True)
class StatusRecord:
    """From ``since`` (aware UTC) on, the seal has this status."""

    status: SealStatus
    since: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SealHistory:
    """One seal: its records in the order of time. ``seal_digest`` is SM3 of its SES_SealInfo, None for every seal of the identifier."""

    seal_id: str
    records: tuple[StatusRecord, ...]
    seal_digest: bytes | None = None

    def at(self, moment: datetime) -> StatusRecord | None:
        """The record in force at a moment, None before the first."""
        return next((record for record in reversed(self.records) if record.since <= moment), None)


@dataclass(frozen=True)
class SealStatusList:
    """The content of a list. Times are aware UTC in whole seconds; ``number`` grows with every issue."""

    number: int
    issued_at: datetime
    next_update: datetime
    seals: tuple[SealHistory, ...]
    _index: dict[tuple[str, bytes | None], SealHistory] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {(history.seal_id, history.seal_digest): history for history in self.seals}
        if len(index) != len(self.seals):
            raise MalformedError(MALFORMED, reason="a seal occurs twice")
        object.__setattr__(self, "_index", index)

    def history_of(self, seal: SealData) -> SealHistory | None:
        """What is listed for this very seal, else for its identifier."""
        return self._index.get((seal.es_id, seal_digest(seal))) or self._index.get((seal.es_id, None))


@dataclass(frozen=True, slots=True)
class OpenedStatusList:
    """A list whose signature was verified: ``content`` is None unless it may be relied on; ``steps`` say why. ``ended``: the content of one of which
    nothing is wrong but that its time is over: it tells nothing, and an older one does not tell what its publisher says now.
    """

    content: SealStatusList | None
    steps: tuple[Step, ...]
    publisher: str | None = None
    ended: SealStatusList | None = None

    @property
    def verdict(self) -> Verdict:
        """The overall rule over the steps."""
        return verdict_of(self.steps)


def seal_digest(seal: SealData) -> bytes:
    """What a history names one seal by: SM3 of SES_SealInfo as received."""
    return sm3(seal.info_raw)


def write_status_list(content: SealStatusList, signer: Signer, signer_certificate: Certificate, chain: Sequence[Certificate] = ()) -> bytes:
    """The signed list: RFC 5652 SignedData with the list inside. ``CMS_KEY_MISMATCH`` when key and certificate differ."""
    check_key(signer, signer_certificate)
    document = _document_bytes(content)
    algorithm: SignatureAlgorithm = algorithm_of(signer_certificate)
    digest_oid = digest_oid_of(algorithm)
    prepared = prepare_signed_data(
        content_digest=digest(digest_oid, document),
        digest_oid=digest_oid,
        signer_certificate=signer_certificate,
        chain=chain,
        dialect=Dialect.RFC5652,
        signing_time=content.issued_at,
        encapsulated=document,
        algorithm=algorithm,
    )
    return prepared.finish(signer.sign(prepared.to_be_signed), algorithm=algorithm)


def _document_bytes(content: SealStatusList) -> bytes:
    document = {
        "format": FORMAT,
        "version": VERSION,
        "number": content.number,
        "issued_at": _time_text(content.issued_at),
        "next_update": _time_text(content.next_update),
        "seals": [_history_object(history) for history in content.seals],
    }
    written = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    if read_status_list(written) != content:
        raise refused(Kind.UNACCEPTABLE, "SEAL_STATUS_UNACCEPTABLE")
    return written


def _history_object(history: SealHistory) -> dict[str, object]:
    written: dict[str, object] = {"seal_id": history.seal_id}
    if history.seal_digest is not None:
        written["seal_digest"] = history.seal_digest.hex()
    written["records"] = [
        {"status": int(record.status), "since": _time_text(record.since)} | ({"reason": record.reason} if record.reason else {})
        for record in history.records
    ]
    return written


def read_status_list(document: bytes) -> SealStatusList:
    """Read the JSON inside a list; who signed it is another question (:func:`open_status_list`).

    Strict: anything unknown, repeated, out of order or over a limit is ``SEAL_STATUS_LIST_MALFORMED`` as a whole.
    """
    if len(document) > MAX_LIST_BYTES:
        raise _malformed("too large")
    try:
        top = read_strict(document)
    except StrictJsonError as error:
        raise _malformed("a key occurs twice" if error.rule == REPEATED else "not JSON") from None
    fields = _object(top, {"format", "version", "number", "issued_at", "next_update", "seals"}, set())
    if fields["format"] != FORMAT or type(fields["version"]) is not int or fields["version"] != VERSION:
        raise _malformed("another format or version")
    seals = _array(fields["seals"], MAX_SEALS, "seals")
    content = SealStatusList(
        number=_number(fields["number"], "number"),
        issued_at=_time(fields["issued_at"]),
        next_update=_time(fields["next_update"]),
        seals=tuple(_history(item) for item in seals),
    )
    if content.next_update <= content.issued_at:
        raise _malformed("next_update not after issued_at")
    if any(history.records[-1].since > content.issued_at for history in content.seals):
        raise _malformed("a record from after the issue")
    return content


def _history(item: object) -> SealHistory:
    fields = _object(item, {"seal_id", "records"}, {"seal_digest"})
    digest_text = fields.get("seal_digest")
    seal_id = fields["seal_id"]
    if not isinstance(seal_id, str) or not seal_id:
        raise _malformed("seal_id")
    records = tuple(_record(record) for record in _array(fields["records"], MAX_RECORDS, "records"))
    if not records or any(later.since <= earlier.since for earlier, later in itertools.pairwise(records)):
        raise _malformed("records missing or out of order")
    return SealHistory(seal_id, records, None if digest_text is None else _digest(digest_text))


def _record(item: object) -> StatusRecord:
    fields = _object(item, {"status", "since"}, {"reason"})
    reason = fields.get("reason", "")
    if not isinstance(reason, str) or len(reason) > MAX_REASON_CHARACTERS:
        raise _malformed("reason")
    number = _number(fields["status"], "status")
    if number not in list(SealStatus):
        raise _malformed("status")
    return StatusRecord(SealStatus(number), _time(fields["since"]), reason)


def open_status_list(list_der: bytes, trust: TrustList, at: datetime, *, purpose: Purpose = Purpose.SEAL_MAKER) -> OpenedStatusList:
    """Verify who signed a list, under ``trust`` for ``purpose``, and whether it is fresh as of ``at`` (aware UTC). Never raises.

    Only a list whose every step is decided and good has ``content``.
    """
    if len(list_der) > MAX_LIST_BYTES:
        return OpenedStatusList(None, (not_checked("SEAL_STATUS_LIST_BAD", CLAUSE, reason="too large"),))
    found = verify_signed_data(list_der, content_digest=None, trust=trust, at=at, purpose=purpose, allow_encapsulated=True)
    # The publisher says himself when he signed; what matters is that he is trusted now, so the unproven time is of no account
    steps = [step for step in found.steps if step.code != "SIG_TIME_UNPROVEN" or step.outcome.value != "warn"]
    is_signed = found.trusted is True and verdict_of(steps) is Verdict.VALID
    content = None
    try:
        content = read_status_list(found.encapsulated or b"")
    except MalformedError as error:
        steps.append(not_checked("SEAL_STATUS_LIST_BAD", CLAUSE, reason=str(error.facts.get("reason"))))
    if content is not None:
        tolerated = CLOCK_TOLERANCE_SECONDS
        if (content.issued_at - at).total_seconds() > tolerated:
            steps.append(not_checked("SEAL_STATUS_LIST_BAD", CLAUSE, reason="issued in the future"))
        elif content.next_update < at:
            steps.append(not_checked("SEAL_STATUS_LIST_BAD", CLAUSE, reason="stale", next_update=content.next_update.isoformat()))
        else:
            steps.append(passed("SEAL_STATUS_LIST_OK", CLAUSE, number=content.number, issued_at=content.issued_at.isoformat()))
    sound = is_signed and verdict_of(steps) is Verdict.VALID
    ended = content if is_signed and content is not None and content.next_update < at else None
    return OpenedStatusList(content if sound else None, tuple(steps), found.signer, ended)


def open_status_lists(lists: Iterable[bytes], trust: TrustList, at: datetime) -> tuple[OpenedStatusList, ...]:
    """:func:`open_status_list` for each of a trust list's status lists, at most :data:`MAX_LISTS`."""
    return tuple(open_status_list(list_der, trust, at) for list_der, _ in zip(lists, range(MAX_LISTS), strict=False))


def _malformed(reason: str) -> MalformedError:
    return MalformedError(MALFORMED, reason=reason)


def _object(item: object, required: set[str], optional: set[str]) -> Mapping[str, object]:
    if not isinstance(item, dict) or not required <= item.keys() <= required | optional:
        raise _malformed("unknown or missing keys")
    return item


def _array(item: object, most: int, where: str) -> list[object]:
    if not isinstance(item, list) or len(item) > most:
        raise _malformed(where)
    return item


def _number(item: object, where: str) -> int:
    if type(item) is not int or not 0 <= item < 1 << 63:
        raise _malformed(where)
    return item


def _digest(item: object) -> bytes:
    try:
        octets = bytes.fromhex(item) if isinstance(item, str) else b""
    except ValueError:
        octets = b""
    if len(octets) != 32:
        raise _malformed("seal_digest")
    return octets


def _time(item: object) -> datetime:
    try:
        return datetime.strptime(item if isinstance(item, str) else "", "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _malformed("time") from None


def _time_text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
