"""Issue a credential to a wallet that has a token for it and shows its key (OpenID4VCI 1.0, 8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from crypto.jose import thumbprint
from crypto.report import Verdict
from crypto.sm3 import sm3
from licence_vault.actions.credential_desk import demand_in_force, expiry_of, new_id
from licence_vault.credential_errors import (
    credential_configuration_unknown,
    credential_denied,
    credential_nonce_invalid,
    credential_self_check_failed,
    credential_token_invalid,
)
from licence_vault.credentials.check_credential import check_credential
from licence_vault.credentials.issuance_messages import (
    check_key_proof,
    configuration_id,
    lane_of_configuration,
    read_credential_request,
)
from licence_vault.credentials.nonces import read_nonce
from licence_vault.credentials.sd_jwt_vc import vct_of, write_credential
from licence_vault.store.credentials import (
    Intended,
    find_offer_by_token,
    finish_credential,
    insert_intended,
    list_stale,
    sweep_offers,
    void_credential,
)
from service_kit import fail_points
from service_kit.one_use import use_once
from standards.rfc9901_sd_jwt import read_combined

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.jose import VerificationKey
    from licence_vault.actions.credential_desk import CredentialDesk, CurrentLicence
    from licence_vault.credentials.lanes import Lane

NONCE_PLACE: Final = "licence-credential-nonce"
STALE_SECONDS: Final = 60  # an intent older than that has nobody any more who would finish it
SWEEP_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class _Order:
    """What a wallet may have, as far as it is clear before anything is written."""

    offer_id: str
    made_by: str
    licence: CurrentLicence
    lane: Lane
    holder_key: VerificationKey
    nonce: str
    nonce_until_at: datetime


def issue_credential(desk: CredentialDesk, token: str, body: bytes) -> str:
    """The credential, compact, with all its disclosures.

    CREDENTIAL_TOKEN_INVALID, CREDENTIAL_REQUEST_MALFORMED, CREDENTIAL_CONFIGURATION_UNKNOWN, CREDENTIAL_PROOF_INVALID,
    CREDENTIAL_NONCE_INVALID, CREDENTIAL_DENIED, CREDENTIAL_TOO_LARGE.
    """
    at = desk.clock.now()
    # 1. What for, by which key
    order = _read_order(desk, token, body, at)
    data, lane, keys = order.licence.data, order.lane, desk.keys.by_id()
    configuration = configuration_id(data.type.code, lane.name)
    intended = Intended(
        credential_id=new_id("cr"),
        offer_id=order.offer_id,
        licence_id=order.licence.licence_id,
        configuration=configuration,
        holder_thumbprint=thumbprint(order.holder_key),
        key_id=desk.keys.newest(lane),
        intended_at=at,
        expires_at=expiry_of(data, at),
    )
    subject = f"licence:{intended.licence_id}"
    facts: dict[str, str | int | bool | None] = {
        "credential": intended.credential_id,
        "offer": intended.offer_id,
        "configuration": configuration,
        "holder": intended.holder_thumbprint,
        "key": intended.key_id,
    }

    # 2. The intent is durable, and the nonce used, before a key is
    def intend(connection: Connection) -> None:
        if not use_once(connection, NONCE_PLACE, order.nonce, order.nonce_until_at):
            raise credential_nonce_invalid()
        if not insert_intended(connection, intended):
            raise credential_token_invalid()
        desk.audit.record(connection, at=at, actor="wallet", action="credential.issue", subject=subject, outcome="intended", facts=facts)

    desk.database.write(intend)
    fail_points.reach("credential-intended")
    # 3. Signed with no transaction open
    vct = vct_of(desk.base_url, data.type.code)
    text = write_credential(
        data,
        lane=lane,
        signer=desk.keys.signer(intended.key_id),
        issuer=desk.issuer,
        vct=vct,
        holder_key=order.holder_key,
        issued_at=at,
        expires_at=intended.expires_at,
    )
    # 4. Our own verifier calls it valid; that the licence is in force is known here without a status list
    checked = check_credential(text, issuers={desk.issuer: keys}, at=at, status_of=lambda _uri, _index: 0, binding=None, vcts={vct})
    if checked.report.verdict is not Verdict.VALID:
        raise credential_self_check_failed()
    digest = sm3(read_combined(text).token.encode("ascii"))
    fail_points.reach("credential-signed")

    # 5. The outcome is durable before it leaves, and what was revoked meanwhile does not leave
    def finish(connection: Connection) -> CurrentLicence | None:
        done_at = desk.clock.now()
        licence = desk.source.current(connection, intended.licence_id)
        may_leave = licence is not None and licence.is_in_force and desk.source.may_offer(connection, intended.licence_id, order.made_by)
        if not may_leave or not finish_credential(connection, intended.credential_id, digest):
            void_credential(connection, intended.credential_id)
            desk.audit.record(
                connection, at=done_at, actor="wallet", action="credential.issue", subject=subject, outcome="voided", facts=facts
            )
            return None
        done = {**facts, "digest": digest.hex()}
        desk.audit.record(connection, at=done_at, actor="wallet", action="credential.issue", subject=subject, outcome="done", facts=done)
        desk.source.note_issued(
            connection,
            licence_id=intended.licence_id,
            credential_id=intended.credential_id,
            lane=str(lane.name),
            at=done_at,
            actor=order.made_by,
        )
        return licence

    if desk.database.write(finish) is None:
        raise credential_denied("changed")
    return text


def _read_order(desk: CredentialDesk, token: str, body: bytes, at: datetime) -> _Order:
    with desk.database.read() as connection:
        offer = find_offer_by_token(connection, sm3(token.encode("utf-8", "surrogatepass")), desk.mac_key)
        if offer is None or offer.token_expires_at is None or offer.token_expires_at <= at:
            raise credential_token_invalid()
        licence = desk.source.current(connection, offer.licence_id)
        may_offer = desk.source.may_offer(connection, offer.licence_id, offer.made_by)
    if not may_offer or not desk.source.stands(offer.made_by, offer.token_grant_id):  # an offer ends with the right of whoever made it
        raise credential_token_invalid()
    request = read_credential_request(body)
    if request.configuration_id not in offer.configurations:
        raise credential_configuration_unknown()
    lane = lane_of_configuration(request.configuration_id)
    holder_key, nonce = check_key_proof(request.proof, lane, issuer=desk.issuer, at=at)
    until = read_nonce(desk.nonce_key, nonce, at)
    if until is None:
        raise credential_nonce_invalid()
    return _Order(offer.offer_id, offer.made_by, demand_in_force(licence, at), lane, holder_key, nonce, until)


def sweep_credential_offers(desk: CredentialDesk) -> int:
    """Remove offers nobody came for, a day after their end; how many they were."""
    before = desk.clock.now() - timedelta(days=1)
    return desk.database.write(lambda connection: sweep_offers(connection, before))


def void_stale_credentials(desk: CredentialDesk) -> int:
    """Void the intents of whoever died over them; the wallet may ask again while its token counts. How many they were."""
    at = desk.clock.now()

    def void(connection: Connection) -> int:
        stale = list_stale(connection, at - timedelta(seconds=STALE_SECONDS), SWEEP_ROWS)
        for credential_id, offer_id in stale:
            void_credential(connection, credential_id)
            facts: dict[str, str | int | bool | None] = {"credential": credential_id, "offer": offer_id}
            subject = f"credential:{credential_id}"
            desk.audit.record(
                connection, at=at, actor="service:licence_vault", action="credential.issue", subject=subject, outcome="voided", facts=facts
            )
        return len(stale)

    return desk.database.write(void)
