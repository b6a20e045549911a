"""Exchange the code of an offer, and the digits beside it, for an access token, once (OpenID4VCI 1.0, 6)."""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from crypto.sm3 import sm3
from licence_vault.actions.offer_credential import tx_code_digest
from licence_vault.credential_errors import (
    credential_grant_unsupported,
    credential_offer_invalid,
    credential_request_malformed,
    credential_tx_code_missing,
)
from licence_vault.credentials.issuance_messages import GRANT_TYPE, read_form
from licence_vault.store.credentials import count_wrong_attempt, find_offer_by_code, redeem_offer

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.credential_desk import CredentialDesk
    from licence_vault.store.credentials import Offer
    from standards.errors import TrustError

TOKEN_SECONDS: Final = 300
TOKEN_BYTES: Final = 32
_CODE_CHARACTERS: Final = 256


def _record(desk: CredentialDesk, connection: Connection, offer: Offer, at: datetime, outcome: str, reason: str) -> None:
    subject, facts = f"licence:{offer.licence_id}", {"offer": offer.offer_id, "reason": reason}
    desk.audit.record(connection, at=at, actor="wallet", action="credential.redeem", subject=subject, outcome=outcome, facts=facts)


def redeem_code(desk: CredentialDesk, content_type: str, body: bytes) -> str:
    """The access token, for TOKEN_SECONDS.

    CREDENTIAL_REQUEST_MALFORMED, CREDENTIAL_GRANT_UNSUPPORTED, CREDENTIAL_TX_CODE_MISSING, CREDENTIAL_OFFER_INVALID. A wrong attempt at the
    digits is counted and on record, also where the caller goes away.
    """
    # 1. What is sent
    form = read_form(content_type, body)
    if form.get("grant_type") != GRANT_TYPE:
        raise credential_grant_unsupported() if form.get("grant_type") else credential_request_malformed("grant_type")
    code, tx_code = form.get("pre-authorized_code", ""), form.get("tx_code")
    if not 0 < len(code) <= _CODE_CHARACTERS:
        raise credential_request_malformed("pre-authorized_code")
    at = desk.clock.now()
    token = secrets.token_urlsafe(TOKEN_BYTES)

    def redeem(connection: Connection) -> TrustError | None:
        # 2. The offer, waiting
        offer = find_offer_by_code(connection, sm3(code.encode("utf-8", "surrogatepass")), desk.mac_key)
        if offer is None or offer.expires_at <= at or offer.attempts_left == 0:
            return credential_offer_invalid()
        record = partial(_record, desk, connection, offer, at)
        # 3. The digits; whoever has the code may guess a few times and no more
        if (tx_code is None) != (offer.tx_code_digest is None):
            return credential_tx_code_missing()
        if offer.tx_code_digest is not None and not hmac.compare_digest(
            tx_code_digest(offer.offer_id, tx_code or ""), offer.tx_code_digest
        ):
            count_wrong_attempt(connection, offer.offer_id)
            record("refused", "tx code")
            return credential_offer_invalid()
        # 4. Whoever made it may make it still
        if not desk.source.may_offer(connection, offer.licence_id, offer.made_by):
            record("refused", "maker")
            return credential_offer_invalid()
        # 5. Once
        if not redeem_offer(connection, offer.offer_id, sm3(token.encode()), at, at + timedelta(seconds=TOKEN_SECONDS), desk.mac_key):
            record("refused", "used")
            return credential_offer_invalid()
        record("done", "")
        return None

    # A refusal is handed out of the transaction instead of raised in it, so that what was counted stays counted
    refusal = desk.database.write(redeem)
    if refusal is not None:
        raise refusal
    return token
