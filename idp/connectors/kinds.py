"""The kinds of upstream. ``oidc`` and ``cas`` follow their standards; the others are modelled on public integrations (docs/reference/federation.md)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

from crypto.jose import write_base64url
from idp.connectors.fields import read_identity
from idp.connectors.id_token import read_auth_time, read_id_token
from idp.connectors.protocol import (
    ASKS_ANEW,
    Begun,
    Connector,
    ask,
    cannot_anew,
    check_return,
    logout_page,
    refused,
    start,
    text_in,
)
from idp.connectors.settings import ConnectorKind
from idp.connectors.signed_kinds import EncryptedRedirectConnector, SsoTokenConnector
from idp.model.redirects import with_query
from standards.gbt7408_times import CHINA

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from idp.connectors.settings import ConnectorSettings
    from idp.model.requests import Identity
    from service_kit.outbound import Outbound


def open_connector(settings: ConnectorSettings) -> Connector:
    """The connector that speaks the upstream's protocol."""
    return _CLASSES[settings.protocol](settings)


@dataclass(frozen=True, slots=True)
class OidcConnector:
    """Authorization code with PKCE (S256), state, nonce; ``iss`` of the answer against mix-up (RFC 9207)."""

    settings: ConnectorSettings

    def begin(self, sign_in_id: str, at: datetime, *, anew: bool = False) -> Begun:
        """To the authorization endpoint."""
        kept = {**start(self.settings, sign_in_id, at), "nonce": secrets.token_urlsafe(32), "verifier": secrets.token_urlsafe(48)}
        challenge = write_base64url(hashlib.sha256(kept["verifier"].encode()).digest())
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.callback_url,
            "scope": self.settings.scope,
            "state": kept["state"],
            "nonce": kept["nonce"],
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if anew:
            kept[ASKS_ANEW] = at.isoformat()
            asked |= {"prompt": "login", "max_age": "0"}  # with max_age the answer must say when it was (OIDC Core 3.1.2.1)
        return Begun(with_query(self.settings.endpoints["authorization"], asked), kept)

    def finish(self, stored: Mapping[str, str], answer: Mapping[str, str], outbound: Outbound, at: datetime) -> Identity:
        """Code for tokens, the ID token checked, userinfo only of the same subject."""
        settings = self.settings
        # 1. the answer is that to our question, and of the issuer whom we asked
        code = check_return(settings, stored, answer, "code", at)
        if answer.get("iss", "" if settings.is_issuer_returned else settings.issuer) != settings.issuer:
            raise refused("issuer")
        # 2. tokens for the code
        basic = base64.b64encode(f"{quote_plus(settings.client_id)}:{quote_plus(settings.client_secret)}".encode()).decode()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": settings.callback_url,
            "code_verifier": stored["verifier"],
        }
        tokens = ask(outbound, "POST", settings.endpoints["token"], form=form, headers={"authorization": f"Basic {basic}"})
        access_token = text_in(tokens, "access_token")
        # 3. the ID token says who
        claims = read_id_token(
            settings, tokens.get("id_token"), ask(outbound, "GET", settings.endpoints["jwks"]), stored["nonce"], access_token, at
        )
        # 4. userinfo adds to it (OIDC Core 5.3.2: only of the same subject), and never replaces what was signed
        if "userinfo" in settings.endpoints:
            more = ask(outbound, "GET", settings.endpoints["userinfo"], headers={"authorization": f"Bearer {access_token}"})
            if more.get("sub") != claims.get("sub"):
                raise refused("userinfo-subject")
            claims = {**more, **claims}
        session, identity = claims.get("sid"), read_identity(settings, claims, at)
        shown_at = read_auth_time(settings, claims, stored.get(ASKS_ANEW, ""), at)
        return replace(identity, session=session if isinstance(session, str) else "", shown_at=shown_at)

    def logout_url(self, return_url: str, state: str) -> str | None:
        """OpenID Connect RP-Initiated Logout 1.0, by client id: the ID token is not kept."""
        return logout_page(self.settings, {"client_id": self.settings.client_id, "post_logout_redirect_uri": return_url, "state": state})


@dataclass(frozen=True, slots=True)
class TokenInfoConnector:
    """A code, then an access token with the secret in the query, then the record by the token (as Guangdong's integrations do)."""

    settings: ConnectorSettings

    def begin(self, sign_in_id: str, at: datetime, *, anew: bool = False) -> Begun:
        """To the authorization page."""
        return _begin_code(self.settings, sign_in_id, at, anew=anew)

    def finish(self, stored: Mapping[str, str], answer: Mapping[str, str], outbound: Outbound, at: datetime) -> Identity:
        """Code, token, record."""
        settings = self.settings
        code = check_return(settings, stored, answer, "code", at)
        asked = {
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "code": code,
            "scope": settings.scope,
            "redirect_uri": settings.callback_url,
            "grant_type": "authorization_code",
        }
        token = text_in(ask(outbound, "GET", with_query(settings.endpoints["token"], asked)), "access_token")
        record = ask(outbound, "GET", with_query(settings.endpoints["tokeninfo"], {"access_token": token}))
        return read_identity(settings, record, at, weak=("secret-in-query",))

    def logout_url(self, return_url: str, state: str) -> str | None:
        """The upstream's logout page; the state travels in the return address."""
        return logout_page(self.settings, {"client_id": self.settings.client_id, "redirect_uri": with_query(return_url, {"state": state})})


@dataclass(frozen=True, slots=True)
class CodeUserinfoConnector:
    """A code that the server exchanges for the record in one call (as apps of the region's platform do)."""

    settings: ConnectorSettings

    def begin(self, sign_in_id: str, at: datetime, *, anew: bool = False) -> Begun:
        """To the authorization page."""
        return _begin_code(self.settings, sign_in_id, at, anew=anew)

    def finish(self, stored: Mapping[str, str], answer: Mapping[str, str], outbound: Outbound, at: datetime) -> Identity:
        """The record for the code."""
        settings = self.settings
        code = check_return(settings, stored, answer, "code", at)
        form = {"client_id": settings.client_id, "client_secret": settings.client_secret, "code": code}
        return read_identity(settings, ask(outbound, "POST", settings.endpoints["userinfo"], form=form), at)

    def logout_url(self, return_url: str, state: str) -> str | None:
        """The upstream's logout page; the state travels in the return address."""
        return logout_page(self.settings, {"redirect_uri": with_query(return_url, {"state": state})})


@dataclass(frozen=True, slots=True)
class TicketMd5Connector:
    """A ticket, validated with a request that MD5 signs, then the record by token (as Zhejiang's integrations do)."""

    settings: ConnectorSettings

    def begin(self, sign_in_id: str, at: datetime, *, anew: bool = False) -> Begun:
        """To the sign-in page; the state travels in the return address, for the upstream carries none."""
        if anew:
            raise cannot_anew()
        kept = start(self.settings, sign_in_id, at)
        asked = {"servicecode": self.settings.client_id, "goto": with_query(self.settings.callback_url, {"state": kept["state"]})}
        return Begun(with_query(self.settings.endpoints["authorization"], asked), kept)

    def finish(self, stored: Mapping[str, str], answer: Mapping[str, str], outbound: Outbound, at: datetime) -> Identity:
        """Ticket, token, record."""
        ticket = check_return(self.settings, stored, answer, "ticket", at)
        token = text_in(self._ask(outbound, at, {"method": "ticketValidation", "st": ticket}), "token")
        record = self._ask(outbound, at, {"method": "getUserInfo", "token": token})
        return read_identity(self.settings, record, at, weak=("md5-signature",))

    def logout_url(self, return_url: str, state: str) -> str | None:
        """The upstream's logout page; the state travels in the return address."""
        return logout_page(self.settings, {"goto": with_query(return_url, {"state": state})})

    def _ask(self, outbound: Outbound, at: datetime, asked: Mapping[str, str]) -> dict[str, Any]:
        time = at.astimezone(CHINA).strftime("%Y%m%d%H%M%S")
        signed = f"{self.settings.client_id}{self.settings.client_secret}{time}".encode()
        sign = hashlib.md5(signed, usedforsecurity=False).hexdigest()  # the upstream's scheme; nothing of ours relies on it
        form = {"servicecode": self.settings.client_id, "time": time, "sign": sign, "datatype": "json", **asked}
        answer = ask(outbound, "POST", self.settings.endpoints["ticket"], form=form)
        if str(answer.get("result")) != "0":
            raise refused("upstream-error")
        return answer


@dataclass(frozen=True, slots=True)
class TrustTicketConnector:
    """A trust ticket, redeemed for user id and token, then the record (as Fujian's integrations do)."""

    settings: ConnectorSettings

    def begin(self, sign_in_id: str, at: datetime, *, anew: bool = False) -> Begun:
        """To the portal's sign-in page; a ticket that nobody here asked for is refused (login CSRF)."""
        if anew:
            raise cannot_anew()
        kept = start(self.settings, sign_in_id, at)
        asked = {"callbackurl": with_query(self.settings.callback_url, {"state": kept["state"]})}
        return Begun(with_query(self.settings.endpoints["authorization"], asked), kept)

    def finish(self, stored: Mapping[str, str], answer: Mapping[str, str], outbound: Outbound, at: datetime) -> Identity:
        """Ticket, user, record; the record must be of the user whom the ticket gave."""
        ticket = check_return(self.settings, stored, answer, "trustticket", at)
        user = self._ask(outbound, "103", {"TRUST_TICKET": ticket})
        user_id, token = text_in(user, "USER_ID"), text_in(user, "USER_TOKEN")
        record = self._ask(outbound, "033", {"USER_TOKEN": token})
        if record.get("USER_ID") != user_id:
            raise refused("record-subject")
        return read_identity(self.settings, record, at, weak=("caller-code-only",))

    def logout_url(self, return_url: str, state: str) -> str | None:
        """The upstream's logout page; the state travels in the return address."""
        return logout_page(self.settings, {"callbackurl": with_query(return_url, {"state": state})})

    def _ask(self, outbound: Outbound, service: str, asked: Mapping[str, str]) -> dict[str, Any]:
        posted = json.dumps({"INVOKESERVICE_CODE": service, "INVOKECALLER_CODE": self.settings.client_id, **asked})
        answer = ask(outbound, "POST", self.settings.endpoints["ticket"], form={"POSTPARAM_JSON": posted})
        data = answer.get("data")
        if answer.get("success") is not True or not isinstance(data, dict):
            raise refused("upstream-error")
        return data


@dataclass(frozen=True, slots=True)
class CasConnector:
    """CAS protocol 3.0, ``/p3/serviceValidate`` with ``format=JSON`` (2.5, 2.8)."""

    settings: ConnectorSettings

    def begin(self, sign_in_id: str, at: datetime, *, anew: bool = False) -> Begun:
        """To ``/login``; the state is part of the service, to which CAS binds its ticket."""
        kept = start(self.settings, sign_in_id, at)
        service = with_query(self.settings.callback_url, {"state": kept["state"]})
        asked = {"service": service}
        if anew:
            kept[ASKS_ANEW] = at.isoformat()
            asked["renew"] = "true"  # 2.1.1
        return Begun(with_query(self.settings.endpoints["authorization"], asked), kept)

    def finish(self, stored: Mapping[str, str], answer: Mapping[str, str], outbound: Outbound, at: datetime) -> Identity:
        """The ticket, validated for the very service it was asked for."""
        ticket = check_return(self.settings, stored, answer, "ticket", at)
        service = with_query(self.settings.callback_url, {"state": stored["state"]})
        asked = {"service": service, "ticket": ticket, "format": "JSON"}
        if ASKS_ANEW in stored:
            asked["renew"] = "true"  # 2.5.1: only a ticket of a sign-in with credentials, not of single sign-on
        found = ask(outbound, "GET", with_query(self.settings.endpoints["validation"], asked)).get("serviceResponse")
        success = found.get("authenticationSuccess") if isinstance(found, dict) else None
        if not isinstance(success, dict) or (isinstance(found, dict) and "authenticationFailure" in found):
            raise refused("upstream-error")
        return replace(read_identity(self.settings, success, at), session=ticket)  # by its ticket the upstream ends the session (2.3.3)

    def logout_url(self, return_url: str, state: str) -> str | None:
        """``/logout`` (2.3)."""
        return logout_page(self.settings, {"service": with_query(return_url, {"state": state})})


def _begin_code(settings: ConnectorSettings, sign_in_id: str, at: datetime, *, anew: bool) -> Begun:
    if anew:
        raise cannot_anew()
    kept = start(settings, sign_in_id, at)
    asked = {
        "response_type": "code",
        "client_id": settings.client_id,
        "scope": settings.scope,
        "redirect_uri": settings.callback_url,
        "state": kept["state"],
    }
    return Begun(with_query(settings.endpoints["authorization"], asked), kept)


_CLASSES: Final[dict[ConnectorKind, Callable[[ConnectorSettings], Connector]]] = {
    ConnectorKind.OIDC: OidcConnector,
    ConnectorKind.OAUTH2_TOKENINFO: TokenInfoConnector,
    ConnectorKind.CODE_USERINFO: CodeUserinfoConnector,
    ConnectorKind.TICKET_MD5: TicketMd5Connector,
    ConnectorKind.TRUST_TICKET: TrustTicketConnector,
    ConnectorKind.CAS: CasConnector,
    ConnectorKind.KEYCLOAK: OidcConnector,
    ConnectorKind.SSO_TOKEN: SsoTokenConnector,
    ConnectorKind.ENCRYPTED_REDIRECT: EncryptedRedirectConnector,
}
