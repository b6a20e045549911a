"""Tell a CAS service that the session has ended in which it was given a ticket (CAS 3.0.3 2.3.3, single logout)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from idp.actions.ticket_standing import cas_profile
from idp.store.cas import find_service, find_ticket, kept_ticket
from standards.apereo_cas import write_logout_request
from standards.errors import TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.cas import IssuedTicket
    from service_kit.outbound import Outbound
    from service_kit.outbox import Message

CAS_LOGOUT_TOPIC: Final = "idp-cas-logout"
ATTEMPTS_MAX: Final = 8  # about two minutes; a service that does not answer then never learns of it, and the trail says so
_FORM: Final = {"content-type": "application/x-www-form-urlencoded"}


def tell_cas_service(desk: PeopleDesk, outbound: Outbound, message: Message) -> None:
    """Send the logout message of one ticket. OUTBOUND_FAILED: to be tried again. What came of it in the end is audited."""
    digest = bytes.fromhex(str(message.payload["ticket"]))
    with desk.database.read() as connection:
        issued = find_ticket(connection, digest, desk.vault.mac_key)
        ticket = kept_ticket(connection, desk.vault, digest)
        registered = None if issued is None else find_service(connection, issued.service, desk.vault.mac_key)
        profile = None if issued is None else cas_profile(connection, issued.client_id, desk.vault.mac_key)
    if issued is None or ticket is None:  # swept: nobody has a session of it any more
        return
    if profile is None or registered is None or registered.client_id != issued.client_id:  # whoever is there now, it names a person
        _record(desk, issued, "failed", "not registered any more")
        return
    text = write_logout_request(f"LR-{message.message_id}", issued.user, ticket, desk.clock.now())
    try:
        answer = outbound.call("POST", issued.service, headers=_FORM, content=urlencode({"logoutRequest": text}).encode())
    except TrustError as error:
        if error.code != "OUTBOUND_REFUSED" and message.attempt < ATTEMPTS_MAX:
            raise
        _record(desk, issued, "failed", error.code)
        return
    _record(desk, issued, "done" if answer.status < 400 else "failed", str(answer.status))


def _record(desk: PeopleDesk, issued: IssuedTicket, outcome: str, answer: str) -> None:
    at = desk.clock.now()

    def store(connection: Connection) -> None:
        desk.audit.record(
            connection,
            at=at,
            actor="service:idp",
            action="cas.logout",
            subject=f"account:{issued.account_id}",
            outcome=outcome,
            facts={"client": issued.client_id, "session": issued.session_id, "answer": answer},
        )

    desk.database.write(store)
