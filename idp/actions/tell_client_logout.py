"""Tell a client that the session has ended in which it signed somebody in (OpenID Connect Back-Channel Logout 1.0).

The notice is on record before it is signed, and what came of it afterwards. The client's address was given by others: it is called only
where the operator allows its network (service_kit/outbound.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from idp.model.clients import SIGNING_ALGORITHMS, ClientStatus
from idp.model.registrations import sm2_form_of
from idp.store.grants import grants_in_session
from idp.tokens.person_tokens import session_for, subject_for
from idp.tokens.signed_jwt import sign_jwt
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.person_desk import PersonDesk
    from idp.model.registrations import Registration
    from service_kit.outbound import Outbound
    from service_kit.outbox import Message

ATTEMPTS_MAX: Final = 8  # about two minutes; a client that does not answer then never learns of it, and the trail says so
NOTICE_SECONDS: Final = 120  # 2.4: two minutes at most
NOTICE_TYPE: Final = "logout+jwt"
EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
_DONE: Final = frozenset({200, 204})
_SERVER_ERROR: Final = 500


def tell_client_logout(desk: PersonDesk, outbound: Outbound, message: Message) -> None:
    """Send one client its notices: of each person or organisation that it was told of in the session, one. OUTBOUND_FAILED: to be tried again."""
    client_id, session_id = str(message.payload["client"]), str(message.payload["session"])
    # 1. Whom it was about for this client, and where the client wants to hear of it; where it redeemed no code there is nothing it could end
    known = desk.tokens.door.memory.renewed(client_id)
    registration = None if known is None else known.registration
    if known is None or registration is None or not registration.backchannel_logout_uri:
        return
    with desk.people.database.read() as connection:
        grants = grants_in_session(connection, session_id, client_id, desk.mac_key)
    if known.client.status is not ClientStatus.ACTIVE:  # it hears of nobody any more, and goes on with the session as far as it still can
        if grants:
            _record(desk, registration, session_id, "failed", answer="disabled")
        return
    # 2. Who has acted for an organisation, and then for himself, is known there under two names: each ends by its own
    for number, grant in enumerate(grants):
        subject = subject_for(registration, grant.subject_id, desk.pairwise_key)
        _tell(
            desk, outbound, message, registration, session_id, subject, f"{message.message_id}-{number}" if number else message.message_id
        )


def _tell(
    desk: PersonDesk, outbound: Outbound, message: Message, registration: Registration, session_id: str, subject: str, notice_id: str
) -> None:
    # 1. The notice; sent again it keeps its id, so that the client can tell
    notice = _sign(desk, registration, notice_id, session_id, subject)
    try:
        answer = outbound.call(
            "POST", registration.backchannel_logout_uri, headers=_FORM, content=urlencode({"logout_token": notice}).encode()
        )
        if answer.status >= _SERVER_ERROR:
            raise TrustError(Kind.UNAVAILABLE, "OUTBOUND_FAILED", reason=f"status {answer.status}")
    except TrustError as error:
        if error.code != "OUTBOUND_REFUSED" and message.attempt < ATTEMPTS_MAX:
            raise
        _record(desk, registration, session_id, "failed", answer=str(error.facts.get("reason", error.code)))
        return
    # 2. What came of it
    _record(desk, registration, session_id, "done" if answer.status in _DONE else "failed", answer=answer.status)


def _sign(desk: PersonDesk, registration: Registration, notice_id: str, session_id: str, subject: str) -> str:
    algorithm = registration.id_token_signed_response_alg
    if algorithm not in SIGNING_ALGORITHMS:
        raise TrustError(Kind.UNACCEPTABLE, "JWS_ALGORITHM_UNSUPPORTED", algorithm=algorithm)
    at = desk.people.clock.now()
    key, signer = desk.tokens.ring.signing_here(at, algorithm)

    def record(connection: Connection) -> None:
        desk.tokens.ring.demand_unchanged(connection, key)
        _note(connection, desk, registration, session_id, "logout.notice", "done", key=key.key_id, notice=notice_id)

    desk.people.database.write(record)
    issued = int(at.timestamp())
    claims: dict[str, Any] = {
        "iss": desk.tokens.issuer,
        "aud": registration.client_id,
        "iat": issued,
        "exp": issued + NOTICE_SECONDS,
        "jti": notice_id,
        "sub": subject,
        "sid": session_for(registration, session_id, desk.pairwise_key),
        "events": {EVENT: {}},
    }
    return sign_jwt(key, signer, NOTICE_TYPE, claims, sm2_form_of(registration))


def _record(desk: PersonDesk, registration: Registration, session_id: str, outcome: str, **facts: str | int) -> None:
    """What came of telling the client."""
    desk.people.database.write(lambda connection: _note(connection, desk, registration, session_id, "logout.tell", outcome, **facts))


def _note(
    connection: Connection, desk: PersonDesk, registration: Registration, session_id: str, action: str, outcome: str, **facts: str | int
) -> None:
    desk.people.audit.record(
        connection,
        at=desk.people.clock.now(),
        actor="service:idp",
        action=action,
        subject=f"client:{registration.client_id}",
        outcome=outcome,
        facts={"session": session_id, **facts},
    )
