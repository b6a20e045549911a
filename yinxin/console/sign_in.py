"""Signing in and out: the code flow with PKCE (RFC 6749, RFC 7636, OpenID Connect Core 3.1) as any client of the identity provider.

What a sign-in under way must remember travels sealed in a cookie of ten minutes; a second one in another tab takes its place, and the first begins
again. Tokens are renewed shortly before they are over, by one process for all.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import anyio
import anyio.to_thread
import httpx

from crypto.jose import check_token, read_jwks, write_base64url
from crypto.jwt_claims import check_claims
from standards.errors import Kind, TrustError
from standards.rfc7493_i_json import read_strict_object
from yinxin.console.api_calls import ApiProblem, problem_in
from yinxin.console.client import SIGNED_IN, SIGNED_OUT, client_secret, ensure_client
from yinxin.console.sessions import (
    SESSION_SECONDS,
    Session,
    Tokens,
    begin_renewal,
    begin_session,
    end_session,
    find_session,
    finish_renewal,
    give_up_renewal,
    hash_of,
)
from yinxin.duties import CONSOLE_CLIENT, PAGE_SCOPES

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext
    from service_kit.page_frame.browser import Browser
    from yinxin.console.sessions import SessionDesk

SESSION_COOKIE: Final = "yinxin-console"
BEGUN_COOKIE: Final = "yinxin-console-begun"
BEGUN_SECONDS: Final = 600
RENEW_BEFORE_SECONDS: Final = 30
WAIT_SECONDS: Final = 0.05
WAITS: Final = 200
ID_TYPE: Final = "jwt"
_BEGUN_PLACE: Final = "console.begun"
_SCOPE: Final = " ".join(("openid", "profile", *PAGE_SCOPES))
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Begun:
    """What a sign-in under way remembers. ``to``: where the person wanted to go."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    to: str


@dataclass(slots=True)
class SignIn:
    """``secret``: the console's own; ``house``: calls of the identity provider in this process."""

    context: ServiceContext
    desk: SessionDesk
    secret: bytes = field(repr=False)
    house: httpx.AsyncClient
    _is_registered: bool = False

    @property
    def issuer(self) -> str:
        """Who signs people in."""
        return self.context.settings.base_url

    def session_of(self, browser: Browser) -> Session | None:
        """The session of this browser."""
        cookie = browser.cookie(SESSION_COOKIE)
        return find_session(self.desk, hash_of(cookie)) if cookie else None

    def forget(self, browser: Browser, session: Session) -> None:
        """The sign-in behind a session has ended: so does the session."""
        end_session(self.desk, session.cookie_hash)
        browser.set_cookie(SESSION_COOKIE, "")

    async def begin(self, browser: Browser, to: str) -> str:
        """Begin a sign-in; returns the address that the browser is sent to."""
        if not self._is_registered:
            await anyio.to_thread.run_sync(ensure_client, self.context, self.secret)
            self._is_registered = True
        begun = Begun(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), to)
        sealed = self.desk.sealer.seal(json.dumps([begun.state, begun.nonce, begun.verifier, begun.to]).encode(), _BEGUN_PLACE)
        browser.set_cookie(BEGUN_COOKIE, write_base64url(sealed), seconds=BEGUN_SECONDS)
        wishes = {
            "response_type": "code",
            "client_id": CONSOLE_CLIENT,
            "redirect_uri": self.issuer + SIGNED_IN,
            "scope": _SCOPE,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": write_base64url(hashlib.sha256(begun.verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "ui_locales": "zh-CN" if browser.language == "zh" else "en",
        }
        return f"/authorize?{urlencode(wishes)}"

    def begun(self, browser: Browser, state: str) -> Begun | None:
        """The sign-in that this browser began and that comes back now; None for any other."""
        try:
            text = browser.cookie(BEGUN_COOKIE)
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            begun = Begun(*json.loads(self.desk.sealer.open(sealed, _BEGUN_PLACE)))
        except (TrustError, ValueError):
            return None
        return begun if hmac.compare_digest(begun.state.encode(), state.encode("utf-8", "replace")) else None

    async def finish(self, browser: Browser, begun: Begun, code: str) -> None:
        """Exchange the code, check who it is of, and open a session. Raises ApiProblem, TrustError JWS_INVALID."""
        # 1. Code for tokens
        told = await self._token(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.issuer + SIGNED_IN,
                "code_verifier": begun.verifier,
            }
        )
        # 2. The ID token is of this issuer, for us, of this sign-in
        keys = read_jwks((await self.house.get("/oauth2/jwks")).content)
        claims = check_token(str(told["id_token"]), keys, token_type=ID_TYPE).claims
        check_claims(claims, issuer=self.issuer, audience=CONSOLE_CLIENT, at=self.desk.clock.now())
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), begun.nonce.encode()):
            raise TrustError(Kind.UNAUTHENTICATED, "JWS_INVALID", reason="nonce")
        # 3. What the person is called, and the session under a cookie that nobody had before
        about = await self.house.get("/oauth2/userinfo", headers={"authorization": f"Bearer {told['access_token']}"})
        name = str(read_strict_object(about.content).get("name", "")) if about.status_code == _OK else ""
        tokens = self._tokens(told, str(claims["sub"]), name)
        before = browser.cookie(SESSION_COOKIE)
        if before:
            await anyio.to_thread.run_sync(end_session, self.desk, hash_of(before))
        cookie = await anyio.to_thread.run_sync(begin_session, self.desk, tokens)
        browser.set_cookie(SESSION_COOKIE, cookie, seconds=SESSION_SECONDS)
        browser.set_cookie(BEGUN_COOKIE, "")

    async def renewed(self, session: Session) -> Session:
        """The session with an access token that lives on for a while. Raises ApiProblem: signed out where the sign-in ended, or unavailable."""
        for _ in range(WAITS):
            if session.tokens.access_until - self.desk.clock.now().timestamp() > RENEW_BEFORE_SECONDS:
                return session
            if await anyio.to_thread.run_sync(begin_renewal, self.desk, session):
                return await self._renew(session)
            await anyio.sleep(WAIT_SECONDS)
            found = await anyio.to_thread.run_sync(find_session, self.desk, session.cookie_hash)
            if found is None:
                raise ApiProblem(401, "TOKEN_REVOKED", "")
            session = found
        raise ApiProblem(503, "REQUEST_TIMEOUT", "")

    async def _renew(self, session: Session) -> Session:
        try:
            told = await self._token({"grant_type": "refresh_token", "refresh_token": session.tokens.refresh})
        except ApiProblem as problem:
            if problem.status < 500 and problem.status != 429:  # it will never be good again
                raise ApiProblem(401, problem.code, problem.title) from None
            await anyio.to_thread.run_sync(give_up_renewal, self.desk, session)
            raise
        tokens = self._tokens({"id_token": session.tokens.identity, **told}, session.tokens.subject, session.tokens.name)
        await anyio.to_thread.run_sync(finish_renewal, self.desk, session, tokens)
        return Session(session.cookie_hash, tokens, session.version + 1, session.expires_at)

    async def leave(self, browser: Browser) -> str:
        """End the session and all its tokens; returns where the identity provider ends its own session."""
        session = await anyio.to_thread.run_sync(self.session_of, browser)
        if session is None:
            return SIGNED_OUT
        await anyio.to_thread.run_sync(end_session, self.desk, session.cookie_hash)
        browser.set_cookie(SESSION_COOKIE, "")
        await self.house.post("/oauth2/revoke", data={"token": session.tokens.refresh}, auth=self._auth())
        wishes = {"id_token_hint": session.tokens.identity, "post_logout_redirect_uri": self.issuer + SIGNED_OUT}
        return f"/logout?{urlencode(wishes)}"

    def _auth(self) -> tuple[str, str]:
        return CONSOLE_CLIENT, client_secret(self.secret)

    async def _token(self, form: dict[str, str]) -> dict[str, Any]:
        try:
            answer = await self.house.post("/oauth2/token", data=form, auth=self._auth())
        except httpx.HTTPError as error:
            raise ApiProblem(503, "API_UNREACHABLE", "", facts={"reason": type(error).__name__}) from None
        if answer.status_code != _OK:
            raise problem_in(answer)
        return read_strict_object(answer.content)

    def _tokens(self, told: dict[str, Any], subject: str, name: str) -> Tokens:
        return Tokens(
            access=str(told["access_token"]),
            refresh=str(told["refresh_token"]),
            identity=str(told["id_token"]),
            access_until=int(self.desk.clock.now().timestamp()) + int(told["expires_in"]),
            scopes=tuple(str(told.get("scope", "")).split()),
            subject=subject,
            name=name,
        )
