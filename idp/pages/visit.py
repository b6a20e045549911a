"""One request of a browser: its cookies, its language, its form; and the answers it gets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import escape
from starlette.responses import HTMLResponse

from idp.actions.sign_in_row import cookie_hash
from idp.model.redirects import with_query
from idp.model.requests import AuthorizationRequest
from idp.pages.texts import LANGUAGES, text
from idp.tokens.authorization_request import PARAMETERS_MAX
from idp.tokens.request import FORM_TYPE, read_form
from service_kit.page_frame.assets import ASSETS
from service_kit.page_frame.browser import CSRF_FIELD, LANGUAGE_COOKIE, Browser
from service_kit.problem_catalogue import text_of
from service_kit.problems import STATUS, language_of
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from starlette.responses import Response

    from crypto.sealed_values import ValueSealer
    from idp.connectors.settings import ConnectorSettings
    from idp.tokens.authorization_request import RefusedAuthorization

SESSION_COOKIE: Final = "yinxin-session"
OF_LINES: Final = frozenset({"answer"})  # signatures are pasted as tools print them, in lines
BODY_BYTES_MAX: Final = 64 * 1024  # an authorization request with a signed request object
_POLICY: Final = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action {}; frame-ancestors 'none'; base-uri 'none'"
STYLE_SHEET: Final = files("idp.pages").joinpath("static/sign-in.css").read_bytes()
PASSKEY_SCRIPT_PATH: Final = "/sign-in/static/passkey.js"
PASSKEY_SCRIPT: Final = files("idp.pages").joinpath("static/passkey.js").read_bytes()
_PAGES: Final = Environment(
    loader=ChoiceLoader([PackageLoader("idp.pages"), PackageLoader("service_kit.page_frame")]),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,  # the templates are of the program: no page need ask the file system whether they are new
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.globals["asset"] = ASSETS.url
_ERROR_PAGES: Final[dict[tuple[str, str, bool, bool, bool, bool], str]] = {}
"""Error pages as they were drawn: as many as there are codes of the program in each language, size and place."""
_REQUEST_ID: Final = "\0request id\0"
_AGAIN: Final = "\0again\0"


def once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Parameters of which none is given twice: two readers could see two different answers. FORM_UNREADABLE."""
    given = dict(pairs)
    if len(given) != len(pairs) or len(pairs) > PARAMETERS_MAX:
        raise TrustError(Kind.MALFORMED, "FORM_UNREADABLE")
    return given


@dataclass(slots=True)
class Visit(Browser):
    """A request of a browser at the sign-in pages. ``locales``: what the client asks the pages to be shown in. ``login``: the name that was typed
    beside a secret, kept where that is refused.
    """

    sealer: ValueSealer
    is_demo: bool = False
    locales: tuple[str, ...] = ()
    login: str = ""

    @property
    def browser_hash(self) -> bytes:
        """Its hash, as rows keep it."""
        return cookie_hash(self.browser)

    @property
    def session_hash(self) -> bytes | None:
        """The hash of the session cookie, None where there is none."""
        value = self.cookie(SESSION_COOKIE)
        return cookie_hash(value) if value else None

    @property
    def language(self) -> str:
        """``zh`` or ``en``: what the person chose, what the client asks for, what the browser prefers."""
        chosen = self.cookie(LANGUAGE_COOKIE)
        if chosen in LANGUAGES:
            return chosen
        for locale in self.locales:
            if locale.split("-")[0].lower() in LANGUAGES:
                return locale.split("-")[0].lower()
        return language_of(self.request.headers.get("accept-language"))

    @property
    def peer(self) -> str:
        """The address it comes from."""
        return self.request.client.host if self.request.client else "local"

    @property
    def browser_name(self) -> str:
        """A word on the browser for the list of sessions; the header itself is not kept."""
        agent = self.request.headers.get("user-agent", "")
        names = (("MicroMessenger", "WeChat"), ("Edg/", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
        return next((name for mark, name in names if mark in agent), "Browser")

    async def form(self, place: str) -> dict[str, str]:
        """The form, if this site made it for this browser. FORM_FORGED, FORM_UNREADABLE."""
        fields = await self.plain_form()
        self.check_token(fields.get(CSRF_FIELD, ""), place)
        return fields

    async def plain_form(self) -> dict[str, str]:
        """A form from anywhere. FORM_UNREADABLE, also for a repeated field."""
        try:
            return read_form(await self.body(), BODY_BYTES_MAX, lines=OF_LINES)
        except TrustError as error:
            raise TrustError(Kind.MALFORMED, "FORM_UNREADABLE", reason=error.code) from None

    async def body(self) -> bytes:
        """The body of a form, as it came. FORM_UNREADABLE."""
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = b""
        async for part in self.request.stream():
            body += part
            if len(body) > BODY_BYTES_MAX:
                raise TrustError(Kind.TOO_LARGE, "FORM_UNREADABLE", limit_bytes=BODY_BYTES_MAX)
        if kind.encode() != FORM_TYPE:
            raise TrustError(Kind.MALFORMED, "FORM_UNREADABLE")
        return body

    # ---- answers

    def page(
        self,
        template: str,
        /,
        *,
        status: int = 200,
        targets: str = "",
        problem: TrustError | None = None,
        script: bool = False,
        **values: Any,
    ) -> Response:
        """A page. ``targets``: the addresses, separated by blanks, that a form of it may lead to. ``script``: the one for passkeys is let in."""
        language = self.language
        told = None
        if problem is not None:
            entry = text_of(problem.code)
            told = {"title": entry.title(language), "remedy": entry.remedy(language)} if entry else {"title": problem.code, "remedy": ""}
            status = STATUS[problem.kind]
        body = _PAGES.get_template(f"{template}.html").render(
            t=partial(text, language=language),
            language=language,
            is_large=self.is_large,
            can_switch=self.request.method == "GET",
            address=partial(self._switched, values.get("at", "")),
            notice="",
            is_demo=self.is_demo,
            problem=told,
            script=PASSKEY_SCRIPT_PATH if script else "",
            **values,
        )
        policy = _POLICY.format(" ".join(["'self'", *dict.fromkeys(filter(None, map(_source, targets.split())))]))
        if script:
            policy += "; script-src 'self'"
        headers = self._headers(policy)
        if problem is not None and "retry_after_seconds" in problem.facts:
            headers["retry-after"] = str(problem.facts["retry_after_seconds"])
        return self.with_cookies(HTMLResponse(body, status, headers=headers))

    def _headers(self, policy: str) -> dict[str, str]:
        return {
            "content-security-policy": policy,
            "cache-control": "no-store",
            "content-language": "zh-CN" if self.language == "zh" else "en",
        }

    def _switched(self, place: str, **wish: str) -> str:
        """This page with another language or size of type."""
        method = self.request.query_params.get("method")
        return f"{place}?{urlencode(wish | {'method': method} if method else wish)}"

    def error(self, error: TrustError, *, back: str = "", again: str = "") -> Response:
        """The error page. ``back``: a form's address that leads back to the client; ``again``: where to try again."""
        request_id = getattr(self.request.state, "request_id", "")
        if back or self.request.method == "GET":  # with a form's token, or with the page's own address
            answer = self._error_page(error, back=back, again=again, request_id=request_id)
        else:
            answer = self._kept_error_page(error, again=again, request_id=request_id)
        if "retry_after_seconds" in error.facts:
            answer.headers["retry-after"] = str(error.facts["retry_after_seconds"])
        return answer

    def _error_page(self, error: TrustError, *, back: str, again: str, request_id: str) -> Response:
        entry = text_of(error.code)
        language = self.language
        told = (entry.title(language), entry.cause(language), entry.remedy(language)) if entry else (error.code, "", "")
        return self.page(
            "error",
            status=STATUS[error.kind],
            title=told[0],
            cause=told[1],
            remedy=told[2],
            code=error.code,
            request_id=request_id,
            back=back,
            again=again,
            csrf=self.token(back.rpartition("/")[0]) if back else "",
        )

    def _kept_error_page(self, error: TrustError, *, again: str, request_id: str) -> Response:
        """As ``_error_page``, drawn once for all who are told the same in the same language: refusing must be cheap when many are refused."""
        kind = (error.code, self.language, self.is_large, self.is_demo, bool(request_id), bool(again))
        kept = _ERROR_PAGES.get(kind)
        if kept is None:
            drawn = self._error_page(error, back="", again=_AGAIN if again else "", request_id=_REQUEST_ID if request_id else "")
            kept = _ERROR_PAGES[kind] = bytes(drawn.body).decode()
        # The id first: it is of letters and digits, and nothing that comes in its place is taken for the other mark
        body = kept.replace(_REQUEST_ID, escape(request_id)).replace(_AGAIN, escape(again))
        return self.with_cookies(HTMLResponse(body, STATUS[error.kind], headers=self._headers(_POLICY.format("'self'"))))

    def answer_client(self, to: AuthorizationRequest | RefusedAuthorization, issuer: str, **fields: str | None) -> Response:
        """Take the browser back to the client with these fields, ``state`` and ``iss`` (RFC 9207), in the way it asked for: in the query, in the
        fragment (which is registered for no address), or by the press of a button.
        """
        address = to.redirect_uri or ""
        if isinstance(to, AuthorizationRequest) and to.response_mode in {"cas", "cas_post"}:
            return self._answer_cas_service(to, fields.get("code"))
        given = {name: value for name, value in {**fields, "state": to.state, "iss": issuer}.items() if value is not None}
        if to.response_mode == "form_post":  # without scripts, so that the policy stays strict: the person presses the button
            return self.page("form_post", targets=address, target=address, fields=given)
        return self.go(f"{address}#{urlencode(given)}" if to.response_mode == "fragment" else with_query(address, given))

    def _answer_cas_service(self, to: AuthorizationRequest, ticket: str | None) -> Response:
        """CAS has no word for a refusal: only a service that asked for no page gets its browser back without a ticket (2.1.1, gateway)."""
        address = to.redirect_uri
        if ticket is None:
            return self.go(address) if "none" in to.prompt else self.error(TrustError(Kind.FORBIDDEN, "SIGN_IN_REFUSED"))
        if to.response_mode == "cas_post":
            return self.page("form_post", targets=address, target=address, fields={"ticket": ticket})
        return self.go(with_query(address, {"ticket": ticket}))


def titled(settings: ConnectorSettings, language: str) -> str:
    """What an upstream is called on its button."""
    return (settings.title_zh if language == "zh" else settings.title_en) or settings.title_zh or settings.title_en or settings.name


def _source(address: str) -> str:
    """An address as a source of a content security policy: its origin, or its scheme where it has no host. Policies have no word for addresses of IPv6
    (CSP 3, 2.3.1), and browsers pass over what they cannot read: of one they say any host, at its port.
    """
    parts = urlsplit(address)
    host = f"*{parts.netloc.rpartition(']')[2]}" if parts.netloc.startswith("[") else parts.netloc
    return f"{parts.scheme}://{host}" if host else f"{parts.scheme}:" if parts.scheme else ""
