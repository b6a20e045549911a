"""A sealer and the judge of what it sealed, with knobs to misbehave. What it puts on a file is a MAC and no seal: nothing else accepts it."""

from __future__ import annotations

import hmac
import io
import threading
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pikepdf

from crypto.report import Report, Verdict
from crypto.sm3 import hmac_sm3
from licence_vault.ports import PDF, JudgedDocument, SealedFile
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from crypto.trust_list import TrustList
    from licence_vault.ports import SealPlace

KEY = b"fake sealer key, no legal effect"
OFD_SPACE = "{http://www.ofdspec.org/2016}"
MARK = b"\n%FAKE-SEAL "


@dataclass
class FakeSealer:
    """``fail_with``: raised in place of sealing; ``spoil``: what becomes of the sealed bytes; ``before``: called with each key."""

    fail_with: TrustError | None = None
    spoil: Callable[[bytes], bytes] = lambda sealed: sealed
    before: Callable[[str], None] = lambda key: None
    orders: list[tuple[str, str, SealPlace, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def seal(self, document: bytes, *, media_type: str, seal_id: str, order: SealPlace, idempotency_key: str, actor: str) -> SealedFile:
        self.before(idempotency_key)
        with self._lock:
            self.orders.append((media_type, seal_id, order, idempotency_key))
        if self.fail_with is not None:
            raise self.fail_with
        return SealedFile(self.spoil(document + MARK + hmac_sm3(KEY, document).hex().encode()))


@dataclass
class FakeJudge:
    """Says what ``FakeSealer`` sealed is valid, and reads attachments with programs that are not ours."""

    sealer_name: str | None = None

    def judge(self, document: bytes, trust_list: TrustList, at: datetime) -> JudgedDocument:
        content, _, mac = document.rpartition(MARK)
        is_sealed = hmac.compare_digest(mac, hmac_sm3(KEY, content).hex().encode())
        verdict = Verdict.VALID if is_sealed else Verdict.INVALID
        report = Report(verdict=verdict, tampered=not is_sealed, signatures=(), steps=())
        return JudgedDocument(report, attachments_in(content) if is_sealed else None, self.sealer_name)


def attachments_in(document: bytes) -> dict[str, bytes]:
    """The files attached to a PDF (pikepdf) or OFD (zipfile)."""
    if document[:4] == b"%PDF":
        with pikepdf.open(io.BytesIO(document)) as pdf:
            return {name: spec.get_file().read_bytes() for name, spec in pdf.attachments.items()}
    with zipfile.ZipFile(io.BytesIO(document)) as package:
        folder = "Doc_0/Attachs/"
        listed = ET.fromstring(package.read(folder + "Attachments.xml"))
        return {each.get("Name", ""): package.read(folder + (each.findtext(f"{OFD_SPACE}FileLoc") or "")) for each in listed}


def unavailable() -> TrustError:
    return TrustError(Kind.UNAVAILABLE, "TIME_STAMP_UNAVAILABLE")


def refused() -> TrustError:
    return TrustError(Kind.CONFLICT, "SEAL_NOT_ACTIVE", media_type=PDF)
