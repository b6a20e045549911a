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
        return read_authorization_request(client, pairs, read_hint=lambda token: self._subject_of(token, registration))

    def profile(self, client_id: str) -> ClientProfile | None:
        """What sign-in may know of a client; None where it is unknown, disabled, or signs nobody in."""
        known = self.memory.present(client_id)
        return None if known is None or known.registration is None else profile_of(known.client, known.registration)

    def issue_code(
        self, connection: Connection, request: AuthorizationRequest, who: Authentication, granted_scopes: tuple[str, ...], at: datetime
    ) -> str:
        """A one-use code, stored on the connection."""
        return issue_code(connection, request, who, granted_scopes, at, mac_key=self.mac_key)

    def is_meant(self, request: AuthorizationRequest, account_id: str, acting_for: str | None) -> bool:
        """Whether the ID token would name whom the hint or the claims parameter names: the organisation, where one is acted for."""
        subject_id = acting_for or account_id
        if request.id_token_hint_sub not in {None, subject_id}:
            return False
        part = request.claims.get("id_token")
        stated = part.get("sub") if isinstance(part, dict) else None
        named = stated.get("value") if isinstance(stated, dict) else None
        known = None if named is None else self.memory.present(request.client_id)
        if named is None or known is None or known.registration is None:
            return named is None
        return bool(named == subject_for(known.registration, subject_id, self.pairwise_key))

    def _subject_of(self, token: str, registration: Registration | None) -> str | None:
        """Whom an ID token of ours is about, by the account's own id; None for any other, and for one made for another client."""
        hint = self.hints.read(token)
        if hint is None or registration is None or hint.client_id != registration.client_id:
            return None
        if registration.subject_type == "public":
            return hint.subject
        with self.database.read() as connection:
            session = find_session(connection, self.vault, hint.session_id)
        subjects = () if session is None else (session.account_id, session.acting_for)
        return next((each for each in subjects if each and subject_for(registration, each, self.pairwise_key) == hint.subject), None)
