"""Licences of other regions over HTTP, by the exchange that the settings name. Off unless ``[exchange] url`` is set.

The interface of the regions' exchange is not public; here is what any needs (``yinxin/signed_exchange.py``). Whom to trust in a region is a file
of the operator's, ``<trust_folder>/<region>.json``: a region without one is not asked, because nothing it says could be verified.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from licence_vault.ports import ForeignAnswer
from licence_vault.report_errors import foreign_refused
from licence_vault.reporting.limits import CODE_CHARACTERS, FOREIGN_FILE_BYTES, FOREIGN_TOKEN_BYTES, FOREIGN_TOKENS
from yinxin.pki.trust_file import read_trust_file
from yinxin.signed_exchange import SignedExchange, open_outbound, read_names, read_platform_key, region_untrusted

if TYPE_CHECKING:
    from pathlib import Path

    from crypto.signer import Signer
    from crypto.trust_list import TrustList
    from licence_vault.ports import ForeignQuery
    from service_kit.clock import Clock
    from service_kit.settings import Exchange

NAMES: Final = (
    *("account", "region", "identifier", "holder_name", "holder_code", "mode", "consent", "reason", "asked_by"),
    *("outcome", "file", "status"),
)
"""Members of requests and answers as they are called here; ``[exchange] names`` calls them otherwise."""
FOUND: Final = "found"
NONE: Final = "none"
REFUSED: Final = "refused"
ANSWER_BYTES: Final = 4 * (FOREIGN_FILE_BYTES + FOREIGN_TOKENS * FOREIGN_TOKEN_BYTES) // 3 + 64 * 1024  # in base64, with what stands around
_REGION: Final = re.compile(r"[0-9]{6}")


@dataclass
class RegionalExchangeClient:
    """One exchange. See ``licence_vault.ports.ForeignLicences``."""

    settings: Exchange
    exchange: SignedExchange
    trust_folder: Path

    def trust_of(self, region: str) -> TrustList | None:
        """The trust list of a region as the file has it now; None for a region without one. TRUST_FILE_UNUSABLE."""
        path = self.trust_folder / f"{region}.json"
        if not _REGION.fullmatch(region) or not path.is_file():
            return None
        return read_trust_file(path)

    def query(self, wanted: ForeignQuery) -> ForeignAnswer | None:
        """One question, one answer to it."""
        about = {"region": wanted.region, "identifier": wanted.identifier}
        asked = {
            "account": self.settings.account,
            **about,
            "holder_name": wanted.holder_name,
            "holder_code": wanted.holder_code,
            "mode": wanted.mode.value,
            "consent": wanted.consent or None,
            "reason": wanted.reason,
            "asked_by": wanted.asked_by,
        }
        answer = self.exchange.ask(self.settings.query_path, f"query-{secrets.token_hex(16)}", asked)
        self.exchange.check_about(answer, about)
        outcome = answer.get(self.exchange.name("outcome"))
        if outcome == NONE:
            return None
        if outcome == REFUSED:
            raise foreign_refused(str(answer.get(self.exchange.name("reason"), ""))[:CODE_CHARACTERS])
        if outcome != FOUND:
            raise region_untrusted("outcome")
        status = answer.get(self.exchange.name("status"), [])
        if not isinstance(status, list):
            raise region_untrusted("status")
        return ForeignAnswer(_decoded(answer.get(self.exchange.name("file")), "file"), tuple(_decoded(each, "status") for each in status))


def _decoded(value: object, rule: str) -> bytes:
    if not isinstance(value, str):
        raise region_untrusted(rule)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise region_untrusted(rule) from None


def open_exchange(settings: Exchange, folder: Path, signer: Signer, clock: Clock) -> RegionalExchangeClient | None:
    """The exchange that the settings name; None where they name none. SETTING_INVALID."""
    if settings.url is None:
        return None
    exchange = SignedExchange(
        url=settings.url,
        outbound=open_outbound("exchange", settings.url, settings.networks, settings.timeout_seconds),
        names=read_names(settings.names, "exchange.names", NAMES),
        platform_spki_der=read_platform_key(folder / settings.platform_key, "exchange"),
        signer=signer,
        clock=clock,
        clock_skew_seconds=settings.clock_skew_seconds,
        answer_bytes=ANSWER_BYTES,
    )
    return RegionalExchangeClient(settings, exchange, folder / settings.trust_folder)
