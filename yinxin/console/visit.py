"""One visit of a page by somebody who is signed in: who it is, what he may do, the API in his name, and the answers he gets."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread

from service_kit.multipart import Form
from service_kit.one_use import use_once
from service_kit.page_frame.browser import CSRF_FIELD, NOTICE_COOKIE
from standards.errors import TrustError
from yinxin.console.api_calls import ApiProblem, told_in
from yinxin.console.entry_words import told_to_enter
from yinxin.console.forms import FILE_BYTES_MAX, read_console_form

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from service_kit.admission import Held
    from service_kit.page_frame.browser import Browser
    from service_kit.page_frame.pages import PageFrame
    from yinxin.console.api_calls import ApiCalls
    from yinxin.console.console import Console, MenuEntry
from yinxin.console.forms import ConsoleForm

NOTICE_SECONDS: Final = 60
NOT_DONE: Final = "not_done"
"""The notice of a form that came when the sign-in behind it had ended: an alert, for who believes that it was done."""
ONCE_BYTES: Final = 18
ONCE_KEPT: Final = timedelta(days=1)  # longer than any session, whose end is the end of its forms
_FORM_PLACE: Final = "console.form"


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in. ``subject``: of the person, or of the organisation he acts for; ``holder``: as rights are kept by."""

    subject: str
    name: str

    @property
    def holder(self) -> str:
        """The name of rights."""
        return f"person:{self.subject}"


@dataclass(slots=True)
class Visit:
    """See the module. ``scopes``: what the person's tokens carry."""

    console: Console
    browser: Browser
    frame: PageFrame
    person: Person
    scopes: frozenset[str]
    api: ApiCalls
    arrived: Form = field(default_factory=Form)
    _form: ConsoleForm | None = field(default=None)

    @property
    def request(self) -> Request:
        """The request itself."""
        return self.browser.request

    @property
    def language(self) -> str:
        """``zh`` or ``en``."""
        return self.browser.language

    def t(self, key: str, /, **facts: object) -> str:
        """A text in the person's language."""
        return self.frame.text(key, self.language, **facts)

    def may(self, *scopes: str) -> bool:
        """Whether the tokens carry one of these scopes."""
        return bool(self.scopes.intersection(scopes))

    def query(self, name: str, default: str = "") -> str:
        """A parameter of the address."""
        return self.request.query_params.get(name, default).strip()

    async def form(self, *, held: Held | None = None, file_bytes_max: int = FILE_BYTES_MAX) -> ConsoleForm:
        """The form that was sent, if this site made it for this browser. ``held``: what its files are counted by, for who reads it first.

        FORM_FORGED, and what reading raises.
        """
        if self._form is None:
            form = await read_console_form(self.request, held=held, file_bytes_max=file_bytes_max, into=self.arrived)
            self.browser.check_token(form.get(CSRF_FIELD))
            self._form = form
        return self._form

    def is_form_ours(self) -> bool:
        """Whether what arrived of a form that could not be read to its end is of a form of this site, made for this browser."""
        try:
            self.browser.check_token(self.arrived.fields.get(CSRF_FIELD, ""))
        except TrustError:
            return False
        return self._form is None

    async def is_first(self, form: ConsoleForm) -> bool:
        """Whether this very form comes for the first time: for what the API would do again. What was refused is asked for with a new form."""
        if not form.once:
            return True
        desk, value = self.console.sign_in.desk, f"{self.person.holder} {form.once}"
        until = desk.clock.now() + ONCE_KEPT
        return await anyio.to_thread.run_sync(desk.database.write, lambda connection: use_once(connection, _FORM_PLACE, value, until))

    def menu(self) -> list[tuple[str, list[MenuEntry]]]:
        """The sections of the menu with the entries this person may use."""
        return self.console.menu_for(self.scopes)

    def render(self, template: str, /, *, status: int = 200, problem: ApiProblem | None = None, **values: Any) -> Response:
        """A page. ``problem``: told above its content, with its status."""
        problem = None if problem is None else told_to_enter(told_in(problem, self.language), self.language)
        notice = self.browser.cookie(NOTICE_COOKIE)
        if notice:
            self.browser.set_cookie(NOTICE_COOKIE, "")
        if notice == NOT_DONE and problem is None:
            problem = ApiProblem(status, "", self.t(NOT_DONE), self.t("not_done_help"))
        return self.frame.answer(
            template,
            self.browser,
            status=problem.status if problem is not None else status,
            **{
                "visit": self,
                "person": self.person,
                "scopes": self.scopes,
                "may": self.may,
                "menu": self.menu(),
                "once": secrets.token_urlsafe(ONCE_BYTES),
                "notice": self.t(notice) if notice in self.frame.texts and notice != NOT_DONE else "",
                "problem": problem,
                "tl": partial(text_or_key, self),
                **values,
            },
        )

    def go(self, path: str, *, notice: str = "") -> Response:
        """Go on there, by GET. ``notice``: the key of what is told above the next page."""
        if notice:
            self.browser.set_cookie(NOTICE_COOKIE, notice, seconds=NOTICE_SECONDS)
        return self.browser.go(path)


def text_or_key(visit: Visit, prefix: str, name: str) -> str:
    """The text of a value from the API (a state, a verb), such as ``state_active``; the value itself where none is known here."""
    key = f"{prefix}_{name}".replace("-", "_").replace(".", "_")
    return visit.t(key) if key in visit.frame.texts else name
