"""One request of a browser as pages see it: cookies, language, size of type, and the token that shows that a form is ours."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode

from starlette.responses import RedirectResponse

from crypto.jose import write_base64url
from service_kit.problems import LANGUAGES, language_of
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from crypto.sealed_values import ValueSealer

BROWSER_COOKIE: Final = "yinxin-browser"
LANGUAGE_COOKIE: Final = "yinxin-language"
LARGE_COOKIE: Final = "yinxin-large"
NOTICE_COOKIE: Final = "yinxin-notice"
YEAR_SECONDS: Final = 365 * 86_400
CSRF_FIELD: Final = "csrf"
_COOKIE_CHARACTERS_MAX: Final = 2048
_SWITCHES: Final = ("lang", "type")
_SIZES: Final = frozenset({"large", "normal"})
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


@dataclass(slots=True)
class Browser:
    """A request of a browser. ``is_secure``: the deployment is reached by https, so that its cookies are the host's alone.

    ``sealer``: makes the tokens of forms; None for pages without forms of consequence.
    """

    request: Request
    is_secure: bool
    sealer: ValueSealer | None = None
    new_browser: str | None = None
    cookies: list[str] = field(default_factory=list)

    def _name(self, name: str) -> str:
        return f"__Host-{name}" if self.is_secure else name

    def cookie(self, name: str) -> str:
        """The value of a cookie of ours, empty where there is none."""
        value = self.request.cookies.get(self._name(name), "")
        return value if len(value) <= _COOKIE_CHARACTERS_MAX else ""

    def set_cookie(self, name: str, value: str, *, seconds: int | None = None) -> None:
        """Set one of our cookies on the answer; empty removes it."""
        life = "; Max-Age=0" if not value else "" if seconds is None else f"; Max-Age={seconds}"
        secure = "; Secure" if self.is_secure else ""
        self.cookies.append(f"{self._name(name)}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{life}")

    @property
    def language(self) -> str:
        """``zh`` or ``en``: what the person chose, else what the browser prefers."""
        chosen = self.cookie(LANGUAGE_COOKIE)
        return chosen if chosen in LANGUAGES else language_of(self.request.headers.get("accept-language"))

    @property
    def is_large(self) -> bool:
        """Whether the person wants large type."""
        return self.cookie(LARGE_COOKIE) == "1"

    @property
    def browser(self) -> str:
        """The secret that binds forms to this browser; a new one where it has none."""
        known = self.new_browser or self.cookie(BROWSER_COOKIE)
        if not known:
            known = self.new_browser = secrets.token_urlsafe(32)
            self.set_cookie(BROWSER_COOKIE, known)
        return known

    def token(self, place: str = "") -> str:
        """The token of forms shown to this browser: of those at ``place`` alone, where one is named."""
        if self.sealer is None:
            return ""
        found = self.sealer.find(f"{self.browser}|{place}".encode(), "page.form")
        return write_base64url(found)

    def check_token(self, given: str, place: str = "") -> None:
        """Raise FORM_FORGED unless a form carries this browser's token."""
        if not self.cookie(BROWSER_COOKIE) or not hmac.compare_digest(given.encode("utf-8", "replace"), self.token(place).encode()):
            raise TrustError(Kind.FORBIDDEN, "FORM_FORGED")

    def switched(self) -> Response | None:
        """Where the address asks for a language or a size of type: remember it and show the page again without the wish."""
        if not self.request.scope["query_string"]:
            return None
        query = parse_qsl(self.request.url.query, keep_blank_values=True)
        wishes = dict(query)
        language, size = wishes.get("lang", ""), wishes.get("type", "")
        if language not in LANGUAGES and size not in _SIZES:
            return None
        if language in LANGUAGES:
            self.set_cookie(LANGUAGE_COOKIE, language, seconds=YEAR_SECONDS)
        if size in _SIZES:
            self.set_cookie(LARGE_COOKIE, "1" if size == "large" else "", seconds=YEAR_SECONDS)
        return self.go(self.address(dict.fromkeys(_SWITCHES)))

    def address(self, changes: dict[str, str | None]) -> str:
        """This page's own path and query with other values; None takes a name away."""
        query = [(name, value) for name, value in parse_qsl(self.request.url.query, keep_blank_values=True) if name not in changes]
        query += [(name, value) for name, value in changes.items() if value is not None]
        path = self.request.url.path
        return f"{path}?{urlencode(query)}" if query else path

    def go(self, address: str) -> Response:
        """Go on there, by GET (303)."""
        return self.with_cookies(RedirectResponse(address, 303, headers={"cache-control": "no-store"}))

    def with_cookies(self, response: Response) -> Response:
        """The answer with the cookies set on the way."""
        for cookie in self.cookies:
            response.headers.append("set-cookie", cookie)
        self.cookies.clear()
        return response
