"""Make a credential offer: whoever shows its code, and the digits beside it, gets credentials of one licence, once (OpenID4VCI 1.0, 4.1)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from crypto.sm3 import sm3
from licence_vault.actions.credential_desk import demand_in_force, new_id
from licence_vault.credential_errors import credential_licence_unknown
from licence_vault.credentials.issuance_messages import TX_CODE_DIGITS, configuration_id, write_offer, write_offer_uri
from licence_vault.store.credentials import Offer, insert_offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from licence_vault.actions.credential_desk import CredentialDesk
    from licence_vault.credentials.lanes import LaneName

OFFER_SECONDS: Final = 600  # from the counter to the holder's telephone
TX_CODE_ATTEMPTS: Final = 5
CODE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class MadeOffer:
    """``offer``: for the wallet; ``tx_code``: for the holder, another way; None where there is none. ``expires_at``: aware UTC."""

    offer_id: str
    offer: dict[str, Any]
    offer_uri: str
    tx_code: str | None
    expires_at: datetime

    def __repr__(self) -> str:
        """Without the code and the digits."""
        return f"MadeOffer({self.offer_id!r})"


def tx_code_digest(offer_id: str, tx_code: str) -> bytes:
    """What is kept of the digits: useless without the code, of which a digest alone is kept as well."""
    return sm3(f"yinxin tx code v1\0{offer_id}\0{tx_code}".encode("utf-8", "surrogatepass"))


def offer_credential(
    desk: CredentialDesk, *, identifier: str, lanes: Sequence[LaneName], has_tx_code: bool, holder: str, actor: str, grant_id: str = ""
) -> MadeOffer:
    """CREDENTIAL_LICENCE_UNKNOWN, CREDENTIAL_DENIED. ``holder``: the caller as rights are kept, ``actor``: as the audit trail names him, ``grant_id``:
    what his token hangs on. The offer ends with his right to make it.
    """
    at = desk.clock.now()
    offer_id, code = new_id("co"), secrets.token_urlsafe(CODE_BYTES)
    tx_code = f"{secrets.randbelow(10**TX_CODE_DIGITS):0{TX_CODE_DIGITS}d}" if has_tx_code else None
    expires_at = at + timedelta(seconds=OFFER_SECONDS)

    def store(connection: Connection) -> list[str]:
        # 1. Of a licence that is in force, and that the caller has to do with
        licence = desk.source.find(connection, identifier, holder)
        if licence is None:
            raise credential_licence_unknown()
        demand_in_force(licence, at)
        # 2. Kept and on record before its code leaves
        configurations = [configuration_id(licence.data.type.code, lane) for lane in lanes]
        digest = None if tx_code is None else tx_code_digest(offer_id, tx_code)
        offer = Offer(
            offer_id, licence.licence_id, tuple(configurations), digest, TX_CODE_ATTEMPTS, actor, expires_at, None, None, grant_id
        )
        insert_offer(connection, offer, sm3(code.encode()), at, desk.mac_key)
        facts: dict[str, str | int | bool | None] = {"offer": offer_id, "configurations": " ".join(configurations), "tx_code": has_tx_code}
        subject = f"licence:{licence.licence_id}"
        desk.audit.record(connection, at=at, actor=actor, action="credential.offer", subject=subject, outcome="done", facts=facts)
        desk.source.note_offered(connection, licence_id=licence.licence_id, at=at, actor=actor)
        return configurations

    configurations = desk.database.write(store)
    offer = write_offer(desk.issuer, configurations, code, has_tx_code=has_tx_code)
    return MadeOffer(offer_id, offer, write_offer_uri(offer), tx_code, expires_at)
