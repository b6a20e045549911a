"""The region's seal platform over HTTP: seals are put on file there, and every change of state is told. Off unless ``[region] url`` is set.

The parameters of the platforms' interface (C0122) are not public. So nothing of it is built in but what any such exchange needs
(``yinxin/signed_exchange.py``). Paths, names of members and codes of states are settings.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from crypto.sm3 import sm3
from yinxin.signed_exchange import SignedExchange, open_outbound, read_names, read_pairs, read_platform_key, region_untrusted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from crypto.signer import Signer
    from seal_service.model import Seal
    from seal_service.ports import StateChange
    from service_kit.clock import Clock
    from service_kit.settings import Region

PAUSE_SECONDS: Final = 30.0  # a platform that is away is left alone for so long: what waits in the outbox behind it goes on
NAMES: Final = (
    "account",
    "code",
    "name",
    "organisation",
    "credit_code",
    "type_code",
    "certificate",
    "seal",
    "seal_digest",
    "valid_until",
    "state",
    "version",
    "at",
    "receipt",
)
"""Members of requests and answers as they are called here; ``[region] names`` calls them otherwise."""


@dataclass
class RegionalPlatformClient:
    """One platform."""

    region: Region
    exchange: SignedExchange
    states: Mapping[str, str] = field(default_factory=dict)

    def file_seal(self, seal: Seal) -> str:
        """Put a made seal on file; the receipt. The same seal and version again is the same request.

        Raises REGION_UNAVAILABLE (away, slow, refused), REGION_ANSWER_UNTRUSTED; nothing is on file here then, and it is tried again.
        """
        seal_data_der = seal.seal_data_der or b""
        digest = sm3(seal_data_der).hex()
        answer = self.exchange.ask(
            self.region.filing_path,
            f"file-{seal.id}-{seal.version}",
            {
                "account": self.region.account,
                "code": seal.code,
                "name": seal.name,
                "organisation": seal.organisation,
                "credit_code": seal.credit_code,
                "type_code": seal.type_code,
                "certificate": base64.b64encode(seal.certificate_der or b"").decode(),
                "seal": base64.b64encode(seal_data_der).decode(),
                "seal_digest": digest,
                "valid_until": None if seal.valid_until is None else seal.valid_until.isoformat(),
                "version": seal.version,
            },
        )
        self.exchange.check_about(answer, {"code": seal.code, "seal_digest": digest})
        receipt = answer.get(self.exchange.name("receipt"))
        if not isinstance(receipt, str):
            raise region_untrusted("receipt")
        return receipt

    def tell_state(self, change: StateChange) -> None:
        """Tell one change of state. One that the platform has no code for (where ``[region] states`` names some) is none of its business."""
        if self.states and change.state not in self.states:
            return
        state = self.states.get(change.state, change.state)
        told = {"account": self.region.account, "code": change.code, "state": state, "version": change.version}
        message_id = f"state-{change.seal_id}-{change.version}"
        answer = self.exchange.ask(self.region.state_path, message_id, told | {"at": change.at.isoformat()})
        self.exchange.check_about(answer, {"code": change.code, "state": state, "version": change.version})


def open_region(region: Region, folder: Path, signer: Signer, clock: Clock, states: Sequence[str]) -> RegionalPlatformClient | None:
    """The platform that the settings name; None where they name none. ``states``: the states of a seal there are. SETTING_INVALID."""
    if region.url is None:
        return None
    exchange = SignedExchange(
        url=region.url,
        outbound=open_outbound("region", region.url, region.networks, region.timeout_seconds),
        names=read_names(region.names, "region.names", NAMES),
        platform_spki_der=read_platform_key(folder / region.platform_key, "region"),
        signer=signer,
        clock=clock,
        clock_skew_seconds=region.clock_skew_seconds,
        pause_seconds=PAUSE_SECONDS,
    )
    return RegionalPlatformClient(region, exchange, read_pairs(region.states, "region.states", states))
