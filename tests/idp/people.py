"""A provider with people in it, served in this process, and a browser that walks through its pages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
from sqlalchemy import text

import idp.service
from crypto.sm3 import sm3
from idp.actions.issue_code import issue_code
from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.set_credentials import set_password
from idp.model.people import AccountKind, Evidence, Identifier, IdentifierKind
from idp.model.redirects import SignInRegistration
from idp.tokens.authorization_request import read_authorization_request

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.people import Account
    from idp.model.requests import Authentication, AuthorizationRequest, ClientProfile
    from idp.tokens.authorization_request import RefusedAuthorization
    from tests.deployments import Here

CALLBACK = "https://rp.example/cb"
PASSWORD = "correct horse 7"
MAC_KEY = b"c" * 32
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@dataclass
class Registered:
    """The protocol side with a few clients: the real reader and the real codes."""

    profiles: dict[str, ClientProfile] = field(default_factory=dict)
    issued: list[Authentication] = field(default_factory=list)

    def read_request(self, pairs: Sequence[tuple[str, str]], at: datetime) -> AuthorizationRequest | RefusedAuthorization:
        del at
        profile = self.profiles.get(dict(pairs).get("client_id", ""))
        scopes = ("openid", "profile", "phone", "email", "address", "identity")
        client = None if profile is None else SignInRegistration(profile.client_id, (CALLBACK,), scopes)
        return read_authorization_request(client, pairs, read_hint=lambda text: text if text.startswith("pe_") else None)

    def profile(self, client_id: str) -> ClientProfile | None:
        return self.profiles.get(client_id)

    def leads_to(self, connection: Connection, request: AuthorizationRequest) -> bool:
        del connection
        return request.client_id in self.profiles and request.redirect_uri == CALLBACK

    def is_meant(self, request: AuthorizationRequest, account_id: str, acting_for: str | None) -> bool:
        return request.id_token_hint_sub in {None, account_id, acting_for}

    def issue_code(
        self, connection: Connection, request: AuthorizationRequest, who: Authentication, granted_scopes: tuple[str, ...], at: datetime
    ) -> str:
        self.issued.append(who)
        return issue_code(connection, request, who, granted_scopes, at, mac_key=MAC_KEY)


@dataclass
class Town:
    """The provider, its desk and its clients."""

    here: Here
    desk: PeopleDesk
    protocol: Registered

    def person(
        self, login: str = "jia", *, name: str = "测试甲", level: int = 3, password: str | None = PASSWORD, needs_two_factors: bool = False
    ) -> Account:
        evidence = (Evidence(f"ev_{login}", "counter", "Demo hall", level, self.desk.clock.now()),) if level else ()
        identifiers = (
            Identifier(IdentifierKind.LOGIN, login),
            Identifier(IdentifierKind.MOBILE, "13800000000"),
        )
        made = create_account(
            self.desk,
            NewAccount(AccountKind.PERSON, name, identifiers, {"sex": "2"}, "150700", evidence, needs_two_factors),
            actor="test",
        )
        if password is not None:
            set_password(self.desk, made.account_id, password, actor="test")
        return made

    def organisation(self, name: str = "测试有限公司") -> Account:
        code = Identifier(IdentifierKind.CREDIT_CODE, "12990000YX0000008K")
        return create_account(self.desk, NewAccount(AccountKind.ORGANISATION, name, (code,)), actor="test")

    def audited(self, action: str) -> list[str]:
        with self.desk.database.read() as connection:
            rows = connection.execute(
                text("SELECT entry FROM kit_audit WHERE action = :action ORDER BY position"), {"action": action}
            ).all()
        return [bytes(row[0]).decode() for row in rows]


def settle(here: Here, protocol: Registered) -> Town:
    return Town(here, idp.service.people_desk(here.house.context), protocol)


class Browser:
    """Cookies, the page one is on, and its forms."""

    def __init__(self, here: Here, language: str = "en") -> None:
        self._here = here
        self.cookies: dict[str, str] = {}
        self.language = language
        self.answer: httpx.Response = httpx.Response(200)
        self.path = ""

    def send(self, method: str, path: str, **arguments: object) -> httpx.Response:
        headers = {"accept-language": self.language, "cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        self.answer = self._here.http.request(method, path, headers=headers, **arguments)
        self.path = path
        for line in self.answer.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0]
            assert "HttpOnly" in line
            assert "SameSite=Lax" in line
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return self.answer

    def go(self, path: str, **query: str) -> httpx.Response:
        """Open an address and follow redirects within the provider."""
        self.send("GET", str(httpx.URL(path, params=query)) if query else path)
        return self.follow()

    def follow(self) -> httpx.Response:
        while self.answer.status_code == 303 and self.answer.headers["location"].startswith("/"):
            self.send("GET", self.answer.headers["location"])
        return self.answer

    def authorize(self, client: str = "shop", **query: str) -> httpx.Response:
        given = {
            "client_id": client,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid profile",
            "state": "s1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return self.go("/authorize", **{**given, **query})

    @property
    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.answer.text)
        assert found, self.answer.text
        return found[1]

    def submit(self, name: str, **fields: str) -> httpx.Response:
        """Send the form of the present page whose action ends in ``name``, then follow."""
        actions = [each for each in re.findall(r'action="([^"]+)"', self.answer.text) if each.endswith("/" + name)]
        assert actions, (name, self.answer.text)
        form = self.answer.text[self.answer.text.index(f'action="{actions[0]}"') :].partition("</form>")[0]
        hidden = dict(re.findall(r'type="hidden" name="([a-z_]+)" value="([^"]+)"', form))
        self.send("POST", actions[0], data={**hidden, "csrf": self.csrf, **fields})
        return self.follow()

    def log_in(self, login: str = "jia", password: str = PASSWORD) -> httpx.Response:
        return self.submit("password", login=login, password=password)

    @property
    def heading(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.answer.text)
        return found[1] if found else ""

    @property
    def returned(self) -> dict[str, str]:
        """What the client was sent back with."""
        assert self.answer.status_code == 303, self.answer.text
        location = self.answer.headers["location"]
        assert location.startswith(CALLBACK + "?"), location
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def code_digest(code: str) -> bytes:
    return sm3(code.encode())
