"""What everything about people needs, and the seam to the protocol: how a client is known and how a code comes to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from idp.store.clients import clients_holding
from service_kit.idempotency import Idempotency, Once, RequestKey, digest_of_request
from service_kit.webhooks.deliveries import publish

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.trust_list import TrustList
    from idp.credentials.passwords import PasswordPool
    from idp.model.people import Account
    from idp.model.requests import Authentication, AuthorizationRequest, ClientProfile
    from idp.store.accounts import Vault
    from idp.tokens.authorization_request import RefusedAuthorization
    from service_kit.audit import Audit
    from service_kit.callers import Caller
    from service_kit.clock import Clock
    from service_kit.database import Database
    from service_kit.outbox import Outbox

EVENT_TYPES: Final = {
    "account.created": "An account has been created.",
    "account.changed": "What others are told of an account has changed; `uversion` says how often by now.",
    "account.sign-in-alert": "Something about an account's sign-in that its holder should hear of.",
    "agent.granted": "A person may act for an organisation.",
    "agent.revoked": "A person may no longer act for an organisation.",
    "session.ended": "A session has ended; clients with tokens of it end theirs.",
}


READ_SCOPE: Final = "account.read"
FOR_READERS: Final = frozenset(EVENT_TYPES) - {"session.ended"}
"""What every client hears that may read accounts, whoever else does; the end of a session is for the clients with tokens of it."""


class SignInProtocol(Protocol):
    """What sign-in needs of the protocol."""

    def read_request(self, pairs: Sequence[tuple[str, str]], at: datetime) -> AuthorizationRequest | RefusedAuthorization:
        """The request, checked, or why it cannot go on. ``pairs``: the parameters in their order, repetitions included."""
        ...

    def profile(self, client_id: str) -> ClientProfile | None:
        """What sign-in may know of a client; None where it is unknown or disabled."""
        ...

    def issue_code(
        self, connection: Connection, request: AuthorizationRequest, who: Authentication, granted_scopes: tuple[str, ...], at: datetime
    ) -> str:
        """A one-use code, stored on the connection."""
        ...

    def leads_to(self, connection: Connection, request: AuthorizationRequest) -> bool:
        """Whether the address of the answer is registered for the client at this moment: nothing, no refusal either, goes to any other."""
        ...

    def is_meant(self, request: AuthorizationRequest, account_id: str, acting_for: str | None) -> bool:
        """Whether who signed in is whom the request names, where it names anybody (OIDC Core 3.1.2.1 id_token_hint, 5.5.1 sub)."""
        ...


@dataclass(frozen=True, slots=True)
class PeopleDesk:
    """``issuer``: the deployment's base URL. ``trust``: whose certificates count, read anew at each call. ``pool``: where passwords are hashed. ``tells_clients``: back-channel logout has a handler
    for the topic of ended sessions (``finish_sign_in.SESSION_ENDED_TOPIC``).
    """

    database: Database
    audit: Audit
    clock: Clock
    outbox: Outbox
    vault: Vault
    pool: PasswordPool
    idempotency: Idempotency
    issuer: str
    trust: Callable[[], TrustList]
    tells_clients: bool = False

    def __repr__(self) -> str:
        """Without the keys."""
        return "PeopleDesk()"

    def asked_once(self, caller: Caller, route: str, key: str | None, *content: bytes) -> Once | None:
        """The ``Once`` of a request that says ``content`` about somebody; None where it came without a key.

        Its digest is keyed: who reads the database could try out whom and what a bare one stands for.
        """
        if key is None:
            return None
        return Once(RequestKey(caller.claimant, route, key), self.vault.sealer.find(digest_of_request(*content), "idp.asked-once"))

    def tell(self, connection: Connection, event_type: str, data: Mapping[str, str | int], at: datetime, *audience: str) -> None:
        """Publish an event to the clients it concerns. ``data`` holds identifiers and states, never personal data."""
        if event_type in FOR_READERS:
            audience = (*audience, *clients_holding(connection, READ_SCOPE, self.vault.mac_key))
        publish(self.outbox, connection, event_type=event_type, data=data, audience=audience, at=at)

    def tell_changed(self, connection: Connection, account: Account, at: datetime, *audience: str) -> None:
        """Say that an account has changed."""
        data: dict[str, str | int] = {"account_id": account.account_id, "status": account.status.value, "uversion": account.uversion}
        self.tell(connection, "account.changed", data, at, *audience)
