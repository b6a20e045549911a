"""How clients send people here: the seam between sign-in and the protocol, filled from the clients' registrations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.actions.issue_code import issue_code
from idp.model.registrations import profile_of, sign_in_of
from idp.store.sign_ins import find_session
from idp.tokens.authorization_request import read_authorization_request
from idp.tokens.person_tokens import subject_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.read_hint import HintReader
    from idp.actions.recall_client import ClientMemory
    from idp.model.registrations import Registration
    from idp.model.requests import Authentication, AuthorizationRequest, ClientProfile
    from idp.store.accounts import Vault
    from idp.tokens.authorization_request import RefusedAuthorization
    from service_kit.database import Database


@dataclass(frozen=True, slots=True)
class ClientProtocol:
    """The protocol as sign-in sees it (``people_desk.SignInProtocol``)."""

    database: Database
    vault: Vault
    memory: ClientMemory
    hints: HintReader
    mac_key: bytes
    pairwise_key: bytes

    def __repr__(self) -> str:
        """Without the keys."""
        return "ClientProtocol()"

    def read_request(self, pairs: Sequence[tuple[str, str]], at: datetime) -> AuthorizationRequest | RefusedAuthorization:
        """The request, checked against what the client registered."""
        del at
        named = next((value for name, value in pairs if name == "client_id"), "")
        known = self.memory.present(named) if named else None
        registration = None if known is None else known.registration
        client = None if known is None or registration is None else sign_in_of(known.client, registration)
        return read_authorization_request(client, pairs, read_hint=lambda token: self._account_of(token, registration))

    def profile(self, client_id: str) -> ClientProfile | None:
        """What sign-in may know of a client; None where it is unknown, disabled, or signs nobody in."""
        known = self.memory.present(client_id)
        return None if known is None or known.registration is None else profile_of(known.client, known.registration)

    def issue_code(
        self, connection: Connection, request: AuthorizationRequest, who: Authentication, granted_scopes: tuple[str, ...], at: datetime
    ) -> str:
        """A one-use code, stored on the connection."""
        return issue_code(connection, request, who, granted_scopes, at, mac_key=self.mac_key)

    def _account_of(self, token: str, registration: Registration | None) -> str | None:
        """The account that an ID token of ours is about; None for any other, and for one made for another client."""
        hint = self.hints.read(token)
        if hint is None or registration is None or hint.client_id != registration.client_id:
            return None
        with self.database.read() as connection:
            session = find_session(connection, self.vault, hint.session_id)
        if session is None:
            return None
        subjects = {subject_for(registration, each, self.pairwise_key) for each in (session.account_id, session.acting_for) if each}
        return session.account_id if hint.subject in subjects else None
