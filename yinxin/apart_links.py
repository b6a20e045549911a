"""What the licence vault needs of services that run elsewhere: sealing by the seal service, and who is behind a token by the identity provider."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import httpx

from licence_vault.ports import PDF, ActedFor, HolderCode, SealedFile, SignedInHolder
from seal_service.model import SCOPE_USE
from standards.errors import TrustError
from standards.gbt33190_ofd.container import Container
from standards.rfc7493_i_json import read_strict
from yinxin.duties import PROVE_HOLDERS
from yinxin.licence_links import DOCUMENT_TYPE
from yinxin.service_client import service_unavailable

if TYPE_CHECKING:
    from datetime import datetime

    from licence_vault.ports import SealPlace
    from service_kit.callers import Caller
    from yinxin.service_client import Place, ServiceCaller

SEALED_MORE_BYTES: Final = 4 * 1024 * 1024  # that a seal adds: picture, certificates, lists, time-stamp take under one
HOLDER_BYTES: Final = 256 * 1024
MEMBER_BYTES: Final = 64 * 1024 * 1024  # of one file of an OFD of our own making
_LISTS: Final = ("/ofd.xml", "/signatures.xml")  # of an OFD, which sealing writes anew


@dataclass(frozen=True, slots=True)
class RemoteSealer:
    """Seals licence files at the seal service elsewhere. The powers and grants over the seal are this client's there; the audit trail there names it."""

    caller: ServiceCaller
    place: Place

    def seal(self, document: bytes, *, media_type: str, seal_id: str, order: SealPlace, idempotency_key: str, actor: str) -> SealedFile:
        """See ``licence_vault.ports.Sealer``.

        Nothing but the digest of the result is kept there, as the content of a licence must be erasable: so there is no idempotency key, and where an
        answer is lost the seal is used once more, on record there both times; the vault releases one result. That it is valid is for the vault's own
        judge to say; that it is what was sent is found out here.
        """
        del idempotency_key, actor
        placement = {"page": order.page, "x_mm": order.x_mm, "y_mm": order.page_height_mm - order.y_mm}
        form = httpx.Request(
            "POST",
            self.place.url,
            data={"placement": json.dumps(placement), "document_type": DOCUMENT_TYPE, "keep_result": "false"},
            files={"document": ("licence", document, media_type)},
        )
        answer = self.caller.post(
            self.place,
            f"/v1/seals/{quote(seal_id, safe='')}/signatures",
            SCOPE_USE,
            form.read(),
            content_type=form.headers["content-type"],
            answer_bytes=len(document) + SEALED_MORE_BYTES,
        )
        if not _is_of(document, answer.body, media_type):
            raise service_unavailable(self.place.service, "another document")
        return SealedFile(answer.body)


def _is_of(document: bytes, sealed: bytes, media_type: str) -> bool:
    """Whether a sealed file is the document that was sent: a PDF begins with it, an OFD holds its files but for those that list them."""
    if media_type == PDF:
        return sealed.startswith(document)
    try:
        sent, found = Container(document), Container(sealed)
        kept = [each for each in sent.members if not f"/{each}".lower().endswith(_LISTS)]
        return all(each in found.members and found.read(each, MEMBER_BYTES) == sent.read(each, MEMBER_BYTES) for each in kept)
    except TrustError:
        return False


@dataclass(frozen=True, slots=True)
class RemoteDirectory:
    """Asks the identity provider elsewhere who is behind a token."""

    caller: ServiceCaller
    place: Place

    def find(self, caller: Caller, at: datetime) -> SignedInHolder | None:
        """See ``licence_vault.ports.HolderDirectory``; as of the moment of the answer. SERVICE_UNAVAILABLE, or what is refused there."""
        del at
        if not caller.grant_id:
            return None
        asked = json.dumps({"client": caller.client_id, "grant": caller.grant_id}).encode()
        answer = self.caller.post(
            self.place,
            "/v1/holder-queries",
            PROVE_HOLDERS,
            asked,
            content_type="application/json",
            answer_bytes=HOLDER_BYTES,
        )
        try:
            return _read_holder(read_strict(answer.body))
        except (ValueError, TypeError, KeyError):
            raise service_unavailable(self.place.service, "no answer to this question") from None


def _read_holder(told: Any) -> SignedInHolder | None:
    account, own, acts_for = told["account"], told["own"], told["acts_for"]
    if account is None:
        return None
    return SignedInHolder(
        _text(account),
        tuple(map(_read_code, own)),
        tuple(ActedFor(_read_code(each["holder"]), _powers(each["powers"])) for each in acts_for),
    )


def _read_code(told: Any) -> HolderCode:
    level = told["level"]
    if type(level) is not int or not 0 <= level <= 4:
        raise ValueError("level")
    return HolderCode(_text(told["code_type"]), _text(told["code"]), level)


def _powers(told: Any) -> frozenset[str] | None:
    if told is not None and not isinstance(told, list):
        raise TypeError("powers")
    return None if told is None else frozenset(map(_text, told))


def _text(told: Any) -> str:
    if not isinstance(told, str) or not told:
        raise TypeError("text")
    return told
