"""How clients send people here: the seam between sign-in and the protocol, filled from the clients' registrations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crypto.sm3 import sm3
from idp.actions.answer_device import approve_device
from idp.actions.issue_code import issue_code
from idp.model.openings import response_type_of
from idp.model.pushed import REQUEST_URI_PREFIX
from idp.model.registrations import profile_of, sign_in_of
from idp.store.clients import client_mac
from idp.store.pushed import find_pushed, take_pushed
from idp.store.registrations import find_registration
from idp.store.sign_ins import find_session
from idp.tokens.authorization_request import RefusedAuthorization, read_authorization_request
from idp.tokens.person_tokens import subject_for
from idp.tokens.request_object import read_request_object
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.client_keys import ClientKeys
    from idp.actions.fetch_request import RequestFetcher
    from idp.actions.read_hint import HintReader
    from idp.actions.recall_client import ClientMemory, KnownClient
    from idp.model.openings import Opened
    from idp.model.registrations import Registration
    from idp.model.requests import Authentication, AuthorizationRequest, ClientProfile
    from idp.store.accounts import Vault
    from service_kit.database import Database


@dataclass(frozen=True, slots=True)
class ClientProtocol:
    """The protocol as sign-in sees it (``people_desk.SignInProtocol``). ``fetcher``: of request objects, where the operator has opened that."""

    database: Database
    vault: Vault
    memory: ClientMemory
    hints: HintReader
    keys: ClientKeys
    mac_key: bytes
    pairwise_key: bytes
    opened: Opened
    fetcher: RequestFetcher

    def __repr__(self) -> str:
        """Without the keys."""
        return "ClientProtocol()"

    def read_request(self, pairs: Sequence[tuple[str, str]], at: datetime) -> AuthorizationRequest | RefusedAuthorization:
        """The request, checked against what the client registered; a pushed one by its name, until it has been answered."""
        named = [value for name, value in pairs if name == "client_id"]
        known = self.memory.present(named[0]) if len(named) == 1 and named[0] else None
        if known is None or known.registration is None:
            return read_authorization_request(None, pairs, read_hint=lambda _: None)
        uris = [value for name, value in pairs if name == "request_uri"]
        if not any(uris):  # RFC 6749 3.1: without a value it is as if left out
            opened = self.open_object(known, pairs, at)
            if isinstance(opened, RefusedAuthorization):
                return self._addressed(known, pairs, opened)
            return self.read_opened(known, opened, is_pushed=False)
        if self.opened.request_uri and known.registration.request_uris and not any(uri.startswith(REQUEST_URI_PREFIX) for uri in uris):
            return self._read_fetched(known, known.registration, pairs, uris, at)
        # What stands beside the name does not count (RFC 9126 4); nothing is fetched from an address that is not registered (RFC 9101 10.4)
        pushed = None
        if len(uris) == 1 and uris[0].startswith(REQUEST_URI_PREFIX):
            digest, client_id = sm3(uris[0].encode("utf-8", "replace")), known.client.client_id
            with self.database.read() as connection:
                pushed = find_pushed(connection, self.vault, digest, client_id, at)
        if pushed is None:
            refusal = RefusedAuthorization("invalid_request_uri", "the pushed request is unknown, has expired or has been used")
            if not any(uri.startswith(REQUEST_URI_PREFIX) for uri in uris):
                refusal = RefusedAuthorization("request_uri_not_supported", "only requests pushed to this provider are taken by their name")
            return self._addressed(known, pairs, refusal)
        read = self.read_opened(known, pushed, is_pushed=True)
        return read if isinstance(read, RefusedAuthorization) else replace(read, pushed=digest.hex())

    def _read_fetched(
        self, known: KnownClient, registration: Registration, pairs: Sequence[tuple[str, str]], uris: Sequence[str], at: datetime
    ) -> AuthorizationRequest | RefusedAuthorization:
        """The request that lies at an address which the client registered, character by character (OIDC Core 6.2). Blocks: it is fetched."""
        # 1. Before anything is called: a client that may, an address of its own, and no second object
        if registration.is_fapi or registration.require_pushed_authorization_requests:
            return RefusedAuthorization("invalid_request", "this client pushes its requests")
        if len(uris) != 1 or any(name == "request" and value for name, value in pairs):
            return self._addressed(known, pairs, RefusedAuthorization("invalid_request", "a request comes in one way"))
        if uris[0] not in registration.request_uris:
            return self._addressed(known, pairs, RefusedAuthorization("invalid_request_uri", "this client has not registered the address"))
        if not (registration.jwks or registration.jwks_uri):
            refusal = RefusedAuthorization("request_uri_not_supported", "this client has registered no keys to sign requests with")
            return self._addressed(known, pairs, refusal)
        # 2. What lies there; why it does not count is not told to whoever brings the address
        try:
            text = self.fetcher.fetch(known.client.client_id, uris[0])
        except TrustError:
            return self._addressed(
                known, pairs, RefusedAuthorization("invalid_request_uri", "no request could be fetched from the address")
            )
        try:
            opened = self._read_object(text, registration, at, is_fetched=True)
        except TrustError:
            refusal = RefusedAuthorization("invalid_request_object", "the request object is not good for this client and provider")
            return self._addressed(known, pairs, refusal)
        # 3. It alone counts, and what OAuth wants beside it says the same (OIDC Core 6.1)
        beside = {response_type_of(value) for name, value in pairs if name == "response_type" and value}
        if not beside <= {response_type_of(value) for name, value in opened if name == "response_type"}:
            refusal = RefusedAuthorization("invalid_request_object", "response_type is another beside the request object")
            return self._addressed(known, pairs, refusal)
        return self.read_opened(known, opened, is_pushed=False)

    def _addressed(self, known: KnownClient, pairs: Sequence[tuple[str, str]], refusal: RefusedAuthorization) -> RefusedAuthorization:
        """The refusal for the client, where a registered address stands beside the object (OIDC Core 3.1.2.6, 6.1).

        A client that always pushes or signs sends none that counts: there the person is told.
        """
        registration = known.registration
        if registration is None or registration.require_pushed_authorization_requests or registration.require_signed_request_object:
            return refusal
        beside = self.read_opened(known, pairs, is_pushed=False)
        mode = beside.response_mode if beside.response_mode in {"form_post", "fragment"} else "query"
        return replace(refusal, redirect_uri=beside.redirect_uri, response_mode=mode, state=beside.state)

    def open_object(
        self, known: KnownClient, pairs: Sequence[tuple[str, str]], at: datetime
    ) -> tuple[tuple[str, str], ...] | RefusedAuthorization:
        """The parameters that count: those of the signed object where there is one. Blocks where the client's keys must be fetched."""
        registration = known.registration
        objects = [value for name, value in pairs if name == "request" and value]
        if registration is None or not objects:
            if registration is not None and registration.require_signed_request_object:
                return RefusedAuthorization("invalid_request", "this client signs its requests")
            return tuple(pairs)
        if not (registration.jwks or registration.jwks_uri):
            return RefusedAuthorization("request_not_supported", "this client has registered no keys to sign requests with")
        if len(objects) > 1:
            return RefusedAuthorization("invalid_request", "a parameter is given more than once")
        try:
            return self._read_object(objects[0], registration, at)
        except TrustError:  # not to the address in it: that of an object that does not hold is not to be trusted
            return RefusedAuthorization("invalid_request_object", "the request object is not good for this client and provider")

    def _read_object(self, text: str, registration: Registration, at: datetime, *, is_fetched: bool = False) -> tuple[tuple[str, str], ...]:
        keys = self.keys.of(registration)
        try:
            return read_request_object(text, registration, keys.values(), issuer=self.hints.issuer, at=at, is_fetched=is_fetched)
        except TrustError:
            fresh = self.keys.of(registration, missing=True)  # perhaps the client has a new key since its set was fetched
            if fresh == keys:
                raise
            return read_request_object(text, registration, fresh.values(), issuer=self.hints.issuer, at=at, is_fetched=is_fetched)

    def read_opened(
        self, known: KnownClient, pairs: Sequence[tuple[str, str]], *, is_pushed: bool
    ) -> AuthorizationRequest | RefusedAuthorization:
        """The request, checked by its parameters."""
        registration = known.registration
        client = None if registration is None else sign_in_of(known.client, registration, self.opened)
        return read_authorization_request(client, pairs, is_pushed=is_pushed, read_hint=lambda token: self._subject_of(token, registration))

    def profile(self, client_id: str) -> ClientProfile | None:
        """What sign-in may know of a client; None where it is unknown, disabled, or signs nobody in."""
        known = self.memory.present(client_id)
        return None if known is None or known.registration is None else profile_of(known.client, known.registration)

    def issue_code(
        self, connection: Connection, request: AuthorizationRequest, who: Authentication, granted_scopes: tuple[str, ...], at: datetime
    ) -> str:
        """A one-use code, stored on the connection; for a device that waits, its approval in place of a code.

        AUTHORIZATION_REFUSED where a pushed request has been answered meanwhile: it counts once, at the answer and not at the first look, so
        that the page may be loaded again (FAPI 2.0 security profile 5.3.2.2, RFC 9126 7.3); and where the client has not registered the address of
        the answer any more: the sign-in may have taken half an hour.
        """
        if request.device_id is None and not self.leads_to(connection, request):
            raise TrustError(Kind.UNACCEPTABLE, "AUTHORIZATION_REFUSED", error="invalid_request")
        if request.pushed and not take_pushed(connection, bytes.fromhex(request.pushed), request.client_id, at):
            raise TrustError(Kind.UNACCEPTABLE, "AUTHORIZATION_REFUSED", error="invalid_request_uri")
        if request.device_id is not None:
            approve_device(connection, request.device_id, who, at, self.mac_key)
            return ""
        return issue_code(connection, request, who, granted_scopes, at, mac_key=self.mac_key)

    def leads_to(self, connection: Connection, request: AuthorizationRequest) -> bool:
        """Whether the address is registered as this job sees it; what is remembered counts where the client's row is still that one."""
        known = self.memory.recall(request.client_id)
        if known is not None and known.row_mac == client_mac(connection, request.client_id):
            registration = known.registration
        else:
            registration = find_registration(connection, request.client_id, self.mac_key)
        return registration is not None and registration.answers_at(request.redirect_uri)

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
