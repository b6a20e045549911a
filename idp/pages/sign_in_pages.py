"""/authorize and the pages of a sign-in. Every step changes the stored row and returns to ``dispatch``, which shows what comes next."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar
from urllib.parse import parse_qsl

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from idp.actions import choose_in_sign_in as choose
from idp.actions.answer_device import DONE_PATH, REFUSED_PATH, refuse_device
from idp.actions.begin_sign_in import adopt_session, begin_for_client
from idp.actions.finish_sign_in import Finished, finish_sign_in
from idp.actions.show_certificate import certificate_challenge, show_certificate
from idp.actions.show_code import show_code
from idp.actions.show_passkey import passkey_request, show_passkey
from idp.actions.show_password import set_new_password, show_password
from idp.actions.sign_in_row import asked_of, consent_mark, take_up
from idp.credentials.certificates import text_to_sign, write_challenge
from idp.model.openings import CODE_TYPE
from idp.model.people import CredentialKind
from idp.model.registrations import OFFLINE, SIGN_IN_SCOPES
from idp.model.sign_in import SESSION_SECONDS, Step, decide_next_step, refusal_of, unasked_error
from idp.pages.texts import LANGUAGES
from idp.pages.visit import SESSION_COOKIE, STYLE_SHEET, Visit, titled
from idp.pages.ways_out import refuse_client
from idp.store.accounts import account_name
from idp.store.credentials import list_credentials
from idp.tokens.authorization_request import PARAMETERS_MAX, RefusedAuthorization
from service_kit.composition import public
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from sqlalchemy import Connection
    from starlette.types import Receive, Scope, Send

    from idp.actions.admit_sign_in import SignInDoor
    from idp.actions.federation_desk import FederationDesk
    from idp.actions.people_desk import PeopleDesk, SignInProtocol
    from idp.actions.read_hint import TokenHint
    from idp.model.requests import AuthorizationRequest, ClientProfile
    from idp.model.sign_in import SignIn

AUTHORIZE_PATH: Final = "/authorize"
MAY_WAIT: Final = frozenset({"request", "request_uri", "id_token_hint"})
"""Parameters for whose sake the database or a client's keys may have to be asked: such a request is read in a thread."""
CONSENT_CLAIMS: Final = (
    "name", "id_number", "id_type", "gender", "birthdate", "phone_number", "email", "address", "area", "account_kind", "organisation_type", "level", "subject_hash", "verified_claims",
)  # fmt: skip
"""In the order in which they matter to people. Whether and when something was verified or changed goes with it and is not a line of its own."""
_RECOVERY: Final = "recovery"
_CERTIFICATE: Final = "certificate"
_NOT_ADMITTED: Final = frozenset({"SIGN_INS_TOO_MANY", "SIGN_IN_BUSY", "AUTHORIZATION_REFUSED"})
THREADS: Final = (
    4  # for sign-ins at once in one process: more only fight with the event loop for the interpreter, which then refuses nobody
)

Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages need. ``protocol`` None: no client can send anybody here. ``read_hint``: reads an ID token that this deployment
    issued, expired ones too; None for anything else. ``front``: makes of a code what goes back by way of the browser in its place. ``scope_texts``: what people are told of a scope of an API, (Chinese, English).
    """

    desk: PeopleDesk
    protocol: SignInProtocol | None
    federation: FederationDesk
    is_secure: bool
    is_demo: bool
    door: SignInDoor
    read_hint: Callable[[str], TokenHint | None] | None = None
    cas: SignInProtocol | None = None
    front: Callable[[AuthorizationRequest, str], dict[str, str]] | None = None
    scope_texts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(THREADS))

    async def in_thread(self, work: Callable[Parameters, Value], *arguments: Parameters.args, **named: Parameters.kwargs) -> Value:
        """Do a part of a sign-in that reads or writes rows, in a thread; no more of them at once than THREADS, in the order in which they came."""
        async with self.turns:
            return await anyio.to_thread.run_sync(partial(work, *arguments, **named))

    def visit(self, request: Request) -> Visit:
        """A request with what answers it."""
        return Visit(request, self.is_secure, self.desk.vault.sealer, is_demo=self.is_demo)

    def asked(self, visit: Visit, scopes: Collection[str], claims: Collection[str]) -> dict[str, Any]:
        """What a page says of what a client asks for: what it learns, what it may do in the person's name, and whether without him there."""
        named = sorted(each for each in scopes if each not in SIGN_IN_SCOPES)
        return {
            "claims": [each for each in CONSENT_CLAIMS if each in claims],
            "powers": [self.scope_texts.get(each, (each, each))[LANGUAGES.index(visit.language)] for each in named],
            "is_offline": OFFLINE in scopes,
        }

    def admit(self, visit: Visit) -> Callable[[Connection], None]:
        """Whether this visit's address may begin one more sign-in; for the job that stores it. What can be refused at once is (``look``): only
        where a session comes along may the visit be answered without any sign-in being kept.
        """
        if visit.session_hash is None:
            self.door.look(visit.peer)
        return lambda connection: self.door.admit(connection, visit.peer)

    def profile_of(self, row: SignIn) -> ClientProfile | None:
        """The client of a sign-in; SIGN_IN_UNKNOWN where it has gone meanwhile."""
        protocol = self.protocol_of(row)
        if row.request is None or protocol is None:
            return None
        profile = protocol.profile(row.request.client_id)
        if profile is None:
            raise TrustError(Kind.NOT_FOUND, "SIGN_IN_UNKNOWN")
        return profile

    def protocol_of(self, row: SignIn) -> SignInProtocol | None:
        """The protocol in which the client of a sign-in asked."""
        return self.cas if row.request is not None and row.request.response_mode in {"cas", "cas_post"} else self.protocol

    def load(self, sign_in_id: str, browser_hash: bytes) -> tuple[SignIn, ClientProfile | None]:
        """A sign-in of this browser and its client. SIGN_IN_UNKNOWN."""
        with self.desk.database.read() as connection:
            row = take_up(connection, self.desk, sign_in_id, browser_hash, self.desk.clock.now())
        return row, self.profile_of(row)


async def begin_authorization(
    pages: Pages, visit: Visit, protocol: SignInProtocol | None, pairs: list[tuple[str, str]], *, is_post: bool
) -> Response:
    """Read the request, store the sign-in, and go on where possible without a page."""
    desk = pages.desk
    if protocol is None:
        return visit.error(TrustError(Kind.UNACCEPTABLE, "AUTHORIZATION_REFUSED"))
    # 1. The request, by the protocol's rules. Where its address may not be trusted, the error stays here
    if protocol is pages.protocol and not any(name in MAY_WAIT for name, _ in pairs):
        request = protocol.read_request(pairs, desk.clock.now())
    else:
        request = await anyio.to_thread.run_sync(protocol.read_request, pairs, desk.clock.now())
    if isinstance(request, RefusedAuthorization):
        if request.redirect_uri is None:
            return visit.error(TrustError(Kind.UNACCEPTABLE, "AUTHORIZATION_REFUSED", error=request.error))
        return visit.answer_client(request, desk.issuer, error=request.error, error_description=request.description or None)
    profile = protocol.profile(request.client_id)
    visit.locales = request.ui_locales
    # 2. The row; from here on only it decides
    session_hash = None if is_post else visit.session_hash
    try:
        row = await begin_for_client(
            desk, protocol, visit.browser_hash, request, profile, session_hash, admit=pages.admit(visit), browser=visit.browser_name
        )
    except TrustError as error:
        if error.code not in _NOT_ADMITTED:
            raise
        return visit.error(error)
    if isinstance(row, Finished):
        is_code = request.response_type == CODE_TYPE
        return _leave_finished(pages, visit, row) if is_code else await pages.in_thread(_leave_finished, pages, visit, row)
    if is_post or visit.new_browser:  # a POST from elsewhere brings no cookies along: look again where it does
        return visit.go(f"/sign-in/{row.sign_in_id}")
    return await pages.in_thread(dispatch, pages, visit, row.sign_in_id)


def dispatch(pages: Pages, visit: Visit, sign_in_id: str, problem: TrustError | None = None) -> Response:
    """The one place that says what a browser sees of a sign-in."""
    row, profile = pages.load(sign_in_id, visit.browser_hash)
    if row.version == 1 and visit.session_hash is not None and row.account_id is None:
        row = adopt_session(pages.desk, sign_in_id, visit.browser_hash, profile, visit.session_hash)
    visit.locales = row.request.ui_locales if row.request else ()
    step = decide_next_step(row)
    request = row.request
    # 1. Without asking
    if request is not None and "none" in request.prompt and (unasked := unasked_error(row)):
        row = choose.refuse(pages.desk, sign_in_id, visit.browser_hash, unasked)
        step = Step.REFUSED
    if step is Step.REFUSED:
        if row.lacks_two and row.error is None:  # the person must hear why, the client need not
            return visit.error(TrustError(Kind.FORBIDDEN, "SECOND_FACTOR_MISSING"), back=f"/sign-in/{sign_in_id}/cancel")
        error = refusal_of(row)
        if request is None:
            return visit.go("/logout/done")
        if row.error is None:
            choose.refuse(pages.desk, sign_in_id, visit.browser_hash, error)
        if request.device_id is not None:
            refuse_device(pages.desk, request.device_id, pages.desk.vault.mac_key, account_id=row.account_id if row.methods else None)
            return visit.go(REFUSED_PATH)
        return refuse_client(pages, visit, row, request, error)
    if step is Step.FINISH:
        done = finish_sign_in(
            pages.desk,
            pages.protocol_of(row),
            sign_in_id,
            visit.browser_hash,
            profile,
            browser=visit.browser_name,
            session_hash=visit.session_hash,
        )
        if done is None:
            return visit.go(f"/sign-in/{sign_in_id}")
        return _leave_finished(pages, visit, done)
    # 2. With a page
    return _page(pages, visit, row, profile, step, problem)


def _leave_finished(pages: Pages, visit: Visit, done: Finished) -> Response:
    """Take the browser on from a sign-in that has finished, with its new session cookie where there is one."""
    if done.cookie is not None:
        visit.set_cookie(SESSION_COOKIE, done.cookie, seconds=SESSION_SECONDS)
    if done.row.request is None:
        return visit.go(done.row.return_to)
    if done.row.request.device_id is not None:
        return visit.go(DONE_PATH)
    if done.row.request.response_type == CODE_TYPE:
        return visit.answer_client(done.row.request, pages.desk.issuer, code=done.code)
    try:
        if pages.front is None:
            raise TrustError(Kind.UNACCEPTABLE, "AUTHORIZATION_REFUSED", error="unsupported_response_type")
        return visit.answer_client(done.row.request, pages.desk.issuer, **pages.front(done.row.request, done.code or ""))
    except TrustError as error:
        return visit.error(error)


def _page(pages: Pages, visit: Visit, row: SignIn, profile: ClientProfile | None, step: Step, problem: TrustError | None) -> Response:
    place = f"/sign-in/{row.sign_in_id}"
    request, terms = row.request, profile.terms if profile else ()
    values: dict[str, Any] = {"at": place, "csrf": visit.token(place), "client": profile.name if profile else "", "terms": terms}
    name = step.value
    if step in {Step.FIRST_FACTOR, Step.SECOND_FACTOR}:
        with pages.desk.database.read() as connection:
            values["passkey"] = passkey_request(connection, pages.desk, row, pages.desk.clock.now())
            credentials = list_credentials(connection, pages.desk.vault, row.account_id or "")
        values["has_code"] = any(each.kind is CredentialKind.TOTP for each in credentials)
        values["script"] = bool(values["passkey"])
        if visit.request.query_params.get("method") == _CERTIFICATE or visit.request.url.path == f"{place}/{_CERTIFICATE}":
            challenge = certificate_challenge(pages.desk, row, pages.desk.clock.now())
            values |= {"challenge": write_challenge(challenge), "to_sign": text_to_sign(pages.desk.issuer, challenge)}
            return visit.page(_CERTIFICATE, problem=problem, targets=request.redirect_uri if request else "", **values | {"script": False})
    if step is Step.FIRST_FACTOR:
        values["upstreams"] = [
            {"name": name, "title": titled(settings, visit.language)} for name, settings in pages.federation.upstreams.items()
        ]
        values["hint"] = (visit.login or (request.login_hint if request else "") or "")[:200]
        name = _RECOVERY if _RECOVERY in {visit.request.query_params.get("method"), visit.request.url.path.rpartition("/")[2]} else name
    elif step in {Step.ACCOUNT, Step.ACTING, Step.CONSENT}:
        with pages.desk.database.read() as connection:
            found = {
                each: account_name(connection, pages.desk.vault, each)
                for each in (*row.organisations, row.account_id or "", row.acting_for or "")
            }
        names = {key: name for key, name in found.items() if name is not None}
        own = names.get(row.account_id or "", "")
        values["name"] = names.get(row.acting_for or "", own) if step is Step.CONSENT else own
        values["organisations"] = [{"account_id": each, "name": names.get(each, each)} for each in row.organisations]
        values["may_be_oneself"] = row.acting_rule == "any"
        if step is Step.CONSENT and profile is not None:
            values["purpose"] = profile.purpose
            with pages.desk.database.read() as connection:
                scopes, claims = asked_of(connection, pages.desk, row, profile)
            values |= pages.asked(visit, scopes, claims) | {"shown": consent_mark(row, profile, scopes, claims)}
    return visit.page(name, problem=problem, targets=request.redirect_uri if request else "", **values)


@public("people come here to sign in (OIDC Core 3.1.2.1)", is_step=True)
class AuthorizationEndpoint:
    """``GET`` and ``POST /authorize`` as plain ASGI: every visit to every department comes by."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        visit = self._pages.visit(Request(scope, receive))
        method = scope["method"]
        if method == "GET":
            pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            answer = await begin_authorization(self._pages, visit, self._pages.protocol, pairs, is_post=False)
        elif method == "POST":
            answer = await self._by_post(visit)
        else:
            answer = Response(status_code=405, headers={"allow": "GET, POST"})
        await answer(scope, receive, send)

    async def _by_post(self, visit: Visit) -> Response:
        try:
            pairs = parse_qsl((await visit.body()).decode(), keep_blank_values=True, max_num_fields=PARAMETERS_MAX + 1)
        except ValueError:
            return visit.error(TrustError(Kind.MALFORMED, "FORM_UNREADABLE"))
        except TrustError as error:
            return visit.error(error)
        return await begin_authorization(self._pages, visit, self._pages.protocol, pairs, is_post=True)


def add_sign_in_pages(router: APIRouter, pages: Pages) -> None:
    """Add them to the service's router."""
    desk = pages.desk
    hidden: Any = {"include_in_schema": False}

    @router.get("/sign-in/static/sign-in.css", **hidden)
    @public("a style sheet")
    async def read_style() -> Response:
        return Response(STYLE_SHEET, media_type="text/css", headers={"cache-control": "public, max-age=3600"})

    @router.post("/sign-in/{sign_in_id}/{name}", **hidden)
    @public("the forms of a sign-in; each carries a token of its browser")
    async def take_step(request: Request, sign_in_id: str, name: str) -> Response:
        visit = pages.visit(request)

        async def work() -> None:
            form = await visit.form(f"/sign-in/{sign_in_id}")
            _, profile = await pages.in_thread(pages.load, sign_in_id, visit.browser_hash)
            where = (desk, sign_in_id, visit.browser_hash, profile)
            if name == "new-password":
                await set_new_password(*where, password=form.get("password", ""))
            elif name == "code":
                await pages.in_thread(partial(show_code, *where, code=form.get("code", ""), peer=visit.peer))
            elif name == "passkey":
                await pages.in_thread(partial(show_passkey, *where, answer=form.get("answer", ""), peer=visit.peer))
            elif name == _CERTIFICATE:
                asked, answer = form.get("challenge", ""), form.get("answer", "")
                await pages.in_thread(partial(show_certificate, *where, challenge=asked, answer=answer, peer=visit.peer))
            elif name == "account":
                await pages.in_thread(partial(choose.choose_account, *where, another=form.get("another") == "yes"))
            elif name == "acting":
                await pages.in_thread(partial(choose.choose_acting, *where, acting_for=form.get("acting_for", "")))
            elif name == "consent":
                await pages.in_thread(partial(choose.give_consent, *where, shown=form.get("shown", "")))
            elif name == "cancel":
                await pages.in_thread(partial(choose.refuse, desk, sign_in_id, visit.browser_hash, "access_denied"))
            else:
                raise TrustError(Kind.NOT_FOUND, "ROUTE_UNKNOWN")

        return await _answer_step(pages, visit, sign_in_id, work)


async def show_sign_in(pages: Pages, visit: Visit) -> Response:
    """The page of a sign-in that waits for something."""
    if (switched := visit.switched()) is not None:
        return switched
    try:
        return await pages.in_thread(dispatch, pages, visit, _sign_in_id(visit))
    except TrustError as error:
        return visit.error(error)


async def take_secret(pages: Pages, visit: Visit, *, is_recovery: bool = False) -> Response:
    """The form with a name and a password, or a recovery code."""
    sign_in_id, pool = _sign_in_id(visit), pages.desk.pool

    async def work() -> None:
        # 1. Under overload refusing must cost next to nothing: before any form is read, and the place is kept before any thread or row is
        #    asked for. Not before the form has come, or whoever sends it slowly would hold a place for nothing
        pool.demand_place()
        form = await visit.form(f"/sign-in/{sign_in_id}")
        visit.login = form.get("login", "")
        with pool.take_place() as place:
            # 2. Whoever came in the same moment and finds no place hears so before any of the work begins
            await asyncio.sleep(0)
            # 3. The work
            await show_password(
                pages.desk,
                sign_in_id,
                visit.browser_hash,
                pages.profile_of,
                place=place,
                login=visit.login,
                secret=form.get("code" if is_recovery else "password", ""),
                peer=visit.peer,
                is_recovery=is_recovery,
            )

    return await _answer_step(pages, visit, sign_in_id, work)


def _sign_in_id(visit: Visit) -> str:
    found: str = visit.request.path_params["sign_in_id"]
    return found


async def _answer_step(pages: Pages, visit: Visit, sign_in_id: str, work: Callable[[], Awaitable[None]]) -> Response:
    """What each form shares: what it does, back to the dispatcher; what went wrong is told on the page it came from."""
    place = f"/sign-in/{sign_in_id}"
    try:
        await work()
    except TrustError as error:
        if error.code in {"FORM_FORGED", "FORM_UNREADABLE", "SIGN_IN_UNKNOWN"}:
            return visit.error(error)
        if error.code == "SIGN_IN_BUSY":
            return visit.error(error, again=place)
        if error.code == "SIGN_IN_OVERTAKEN":
            return visit.go(place)
        try:
            return await pages.in_thread(dispatch, pages, visit, sign_in_id, error)
        except TrustError as further:
            return visit.error(further)
    return visit.go(place)
